package remotewrite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// Sender writes the samples of a journal to a receiver.
type Sender struct {
	cfg  Config
	url  string // for people
	pack journal.Compressor

	renewing sync.Mutex // one at a time asks for the access anew

	mu          sync.Mutex
	door        door
	islands     islands
	to          receiver
	status      Status
	at          *state
	moved       bool // at is not on the disk
	toldRefused map[Reason]time.Time
	running     bool
	given       *tracker      // of the lane behind, to the live one
	hopped      chan struct{} // closed when the live lane has left something to the other
}

// New makes a Sender. It reads where it was.
func New(cfg Config) (*Sender, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	at, err := loadState(cfg.File)
	if at == nil {
		return nil, err
	}
	if err != nil {
		cfg.Logger.Warn("remote write", "err", err)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	s := &Sender{cfg: cfg, url: u.Scheme + "://" + u.Host + u.Path, at: at, toldRefused: map[Reason]time.Time{}, hopped: make(chan struct{})}
	s.to = receiver{speaks: cfg.Protocol, samples: MaxSamples}
	s.status = Status{URL: s.url, Protocol: cfg.Protocol, Refused: at.refused}
	s.door = newDoor(cfg.Access)
	s.islands = islands{of: cfg.Islands, none: cfg.InOrder, wait: cfg.pace.island, now: cfg.Now, sites: map[journal.ID]*islandSite{}}
	s.islands.load(at.waiting)
	return s, nil
}

// Run writes until ctx ends. Its error is one of the file of the positions. It may be run again.
func (s *Sender) Run(ctx context.Context) error {
	s.begin(ctx)
	defer s.end()
	group, lanes := errgroup.WithContext(ctx)
	live := s.newLane(livePage, func(st *state) *standing { return &st.live }, func(x *Status) *LaneStatus { return &x.Live })
	live.hops = !s.cfg.InOrder
	if s.cfg.InOrder {
		live.pageBytes = maxPage
	}
	group.Go(func() error { return live.run(lanes) })
	if !s.cfg.InOrder {
		behind := s.newLane(maxPage, func(st *state) *standing { return &st.behind }, func(x *Status) *LaneStatus { return &x.Behind })
		group.Go(func() error { return behind.run(lanes) })
	}
	if s.islands.of != nil {
		late := s.newLane(maxPage, func(st *state) *standing { return &st.behind }, func(x *Status) *LaneStatus { return &x.Behind })
		late.quiet = true
		group.Go(func() error { return late.runIslands(lanes) })
	}
	group.Go(func() error { return s.keep(lanes) })
	err := group.Wait()
	s.entry().client.CloseIdleConnections()
	if saved := s.Save(); err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = saved
	}
	return err
}

// begin sets the lanes where a new receiver gets all there is: what is new at once, the rest behind it.
func (s *Sender) begin(ctx context.Context) {
	head := s.cfg.Journal.Head(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
	if s.cfg.InOrder && s.at.behind.After != s.at.live.After { // it was not before: begin where the one that was behind stood
		s.at.live, s.at.behind = s.at.behind, standing{After: s.at.behind.After}
	}
	if s.at.begun {
		return
	}
	s.at.begun, s.moved = true, true
	if !s.cfg.InOrder {
		s.at.live.After = head
	}
}

func (s *Sender) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	s.status.Live.Oldest, s.status.Behind.Oldest = time.Time{}, time.Time{}
	s.status.Failure, s.status.Held, s.status.Since = "", "", time.Time{}
}

// keep writes the positions down.
func (s *Sender) keep(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.pace.save)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := s.Save(); err != nil {
			s.cfg.Logger.Error("the positions of remote write cannot be kept: after a restart something is written twice", "err", err)
		}
	}
}

// Save writes the positions down, where they have moved. Run does so by itself.
func (s *Sender) Save() error {
	s.mu.Lock()
	if !s.moved {
		s.mu.Unlock()
		return nil
	}
	s.at.refused, s.at.waiting = s.status.Refused, s.islands.all()
	b, err := s.at.bytes()
	s.moved = false
	s.mu.Unlock()
	if err == nil {
		err = wholefile.Write(s.cfg.File, b, 0o600)
	}
	if err != nil {
		s.mu.Lock()
		s.moved = true
		s.mu.Unlock()
		return fmt.Errorf("write %s: %w", s.cfg.File, err)
	}
	return nil
}

// Done returns which batches were written, of those that are in the journal: another box goes on from there.
func (s *Sender) Done() journal.Vector {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at.done.Clone()
}

// Join takes over what another box has written. It may be called at any time.
func (s *Sender) Join(v journal.Vector) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.done.Covers(v) {
		s.at.done.Join(v)
		s.islands.forget(v)
		s.moved = true
	}
}

// Skim moves over what another box has written, as Join told: a box that is to go on for another calls it now and then while it does
// not run, so that it need not look for its place when it does.
func (s *Sender) Skim(ctx context.Context) error {
	for {
		s.mu.Lock()
		after, running := s.at.behind.After, s.running
		s.mu.Unlock()
		if running {
			return nil
		}
		c, err := s.cfg.Journal.Changes(ctx, after, "", maxPage)
		if errors.Is(err, ErrGone) && after != "" {
			s.place("", 0)
			continue
		}
		if err != nil {
			return err
		}
		next, passedMS := c.Next, int64(0)
		for i := range c.Batches {
			if k := c.Batches[i].Key; !s.isDone(k) {
				if next = after; i > 0 {
					next = c.Behind[i-1]
				}
				break
			}
			if passedMS == 0 || c.Batches[i].WallMS < passedMS {
				passedMS = c.Batches[i].WallMS
			}
		}
		s.place(next, passedMS)
		if next != c.Next || next == c.Head || next == after {
			return nil
		}
	}
}

// place sets both lanes to a place, after batches that were written then or later.
func (s *Sender) place(at Position, passedMS int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return
	}
	s.moved = s.moved || s.at.behind.After != at
	s.at.passedMS = max(s.at.passedMS, passedMS)
	s.at.begun, s.at.live, s.at.behind = true, standing{After: at}, standing{After: at}
}

func (s *Sender) isDone(k journal.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at.done.Has(k.StreamKey, k.Seq)
}
