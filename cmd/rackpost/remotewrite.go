package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/replicate/remotewrite"
	"rackpost/replicate/ship"
	"rackpost/store"
	"rackpost/web"
)

// methodWrites asks the box that leads what it has written to the receivers.
const methodWrites = "remote-write"

// writesEvery is how often it is asked.
const writesEvery = 2 * time.Second

// writes are the receivers of remote write of this machine. Run alone changes which.
type writes struct {
	powers  powers
	pair    *pairing // nil: none
	logger  *slog.Logger
	folder  string // of the positions
	journal remotewrite.Journal
	islands islandReadings
	places  func(journal.ID) (remotewrite.Place, bool)
	orders  chan writeOrder

	mu  sync.Mutex
	all []*writer
}

// writeOrder asks for other receivers.
type writeOrder struct {
	wanted []writeConfig
	answer chan error // with room for one
}

// writer writes to one receiver.
type writer struct {
	*remotewrite.Sender
	config  writeConfig
	name    string
	id      string                            // the same on both boxes of a pair
	sum     atomic.Pointer[[sha256.Size]byte] // of what it lets in, as it was read last
	writing atomic.Bool
	end     func() // ends what Run began
}

// openWrites makes what writes to the receivers of a configuration. places tells of a site.
func openWrites(box boxConfig, s *store.Store, places func(journal.ID) (remotewrite.Place, bool), pair *pairing, p powers, logger *slog.Logger) (*writes, error) {
	w := &writes{powers: p, pair: pair, logger: logger, folder: filepath.Join(box.data, "remote-write"), journal: writtenJournal{s}, islands: islandReadings{s, pair},
		places: places, orders: make(chan writeOrder)}
	for _, c := range box.writes {
		access, sum, err := c.access()
		if err != nil {
			return nil, fmt.Errorf("remote_write %s: %w", c.name, err)
		}
		x, err := w.open(c, access, sum)
		if err != nil {
			return nil, err
		}
		w.all = append(w.all, x)
	}
	return w, nil
}

// idOf tells receivers apart: each has positions of its own.
func (w *writeConfig) idOf() string {
	sum := sha256.Sum256(fmt.Append(nil, w.url, "\n", w.headers))
	return fmt.Sprintf("%x", sum[:8])
}

// open makes a writer. Where another one wrote to the same receiver, that one must have ended: its positions are read.
func (w *writes) open(c writeConfig, access remotewrite.Access, sum [sha256.Size]byte) (x *writer, err error) {
	if err := os.MkdirAll(w.folder, 0o750); err != nil {
		return nil, err
	}
	x = &writer{config: c, name: c.name, id: c.idOf()}
	x.sum.Store(&sum)
	x.Sender, err = remotewrite.New(remotewrite.Config{
		Access: access, Renew: x.renew, URL: c.url, Protocol: c.protocol, InOrder: c.inOrder, Window: c.window,
		Headers: c.headers, Labels: c.labels, File: filepath.Join(w.folder, x.id), Shared: w.pair != nil,
		Journal: w.journal, Counted: w.islands, Islands: w.islands, Places: w.places, Plain: plainWrite, Logger: w.logger.With("receiver", c.name),
	})
	if err != nil {
		return nil, fmt.Errorf("remote_write %s: %w", c.name, err)
	}
	return x, nil
}

// plainWrite says in words why a receiver was not reached, and that it was the proxy that was not where it was.
func plainWrite(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "proxyconnect" {
		return fmt.Errorf("the proxy that HTTPS_PROXY or HTTP_PROXY names: %w", ship.Plain(op.Err))
	}
	return ship.Plain(err)
}

// renew reads what the receiver lets in anew, and says whether that is another than the last time.
func (x *writer) renew() (remotewrite.Access, bool, error) {
	access, sum, err := x.config.access()
	if err != nil {
		return access, false, err
	}
	return access, *x.sum.Swap(&sum) != sum, nil
}

func (w *writes) list() []*writer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// Run writes while this machine has the authority to, until ctx ends.
func (w *writes) Run(ctx context.Context) error {
	if w.pair != nil {
		w.pair.wire.Handle(methodWrites, w.answerWritten)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, x := range w.list() {
		w.begin(ctx, group, x)
	}
	group.Go(func() error {
		tick := time.NewTicker(writesEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case o := <-w.orders:
				o.answer <- w.replace(ctx, group, o.wanted)
			case <-tick.C:
				w.follow(ctx)
			}
		}
	})
	return group.Wait()
}

// begin has a writer write.
func (w *writes) begin(ctx context.Context, group *errgroup.Group, x *writer) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	x.end = func() { cancel(); <-ended }
	group.Go(func() error {
		defer close(ended)
		defer cancel()
		return w.powers.While(ctx, mode.Configure, func(ctx context.Context) error {
			if w.placed(ctx) != nil {
				return nil
			}
			x.writing.Store(true)
			defer x.writing.Store(false)
			if err := x.Run(ctx); err != nil { // that is no matter of whoever visits
				w.logger.Error("the positions of remote write cannot be kept: something is written twice", "receiver", x.name, "err", err)
			}
			return nil
		})
	})
}

// placed waits until a box of a pair knows its site.
func (w *writes) placed(ctx context.Context) error {
	if w.pair == nil {
		return nil
	}
	site, err := journal.ParseID(w.pair.keeper.Identity().Site)
	for err == nil {
		if _, known := w.places(site); known {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(placedEvery):
		}
	}
	return err
}

// placedEvery is how often it is looked whether the site is known.
const placedEvery = 100 * time.Millisecond

// take makes the receivers those of a configuration, while Run runs. One that has not changed is not disturbed; of one that is the same
// with other words the positions hold. Where a secret or the positions of one cannot be read all stay as they are.
func (w *writes) take(ctx context.Context, wanted []writeConfig) error {
	o := writeOrder{wanted, make(chan error, 1)}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case w.orders <- o:
	}
	return <-o.answer
}

// replace takes all that is wanted, or leaves all as it was.
func (w *writes) replace(ctx context.Context, group *errgroup.Group, wanted []writeConfig) error {
	before := map[string]*writer{}
	for _, x := range w.list() {
		before[x.id] = x
	}
	all := make([]*writer, len(wanted))
	opens := map[int]func() (*writer, error){}
	for i, c := range wanted {
		access, sum, err := c.access()
		if err != nil {
			return fmt.Errorf("remote_write %s: %w", c.name, err)
		}
		if x := before[c.idOf()]; x != nil && x.config.told() == c.told() && *x.sum.Load() == sum {
			all[i] = x
			delete(before, x.id)
			continue
		}
		opens[i] = func() (*writer, error) { return w.open(c, access, sum) } // with what was just read: its file may be gone a moment later
	}
	for _, x := range before {
		x.end() // its positions are on the disk then
	}
	var failed error
	for i, open := range opens {
		x, err := open()
		all[i], failed = x, errors.Join(failed, err)
	}
	if failed != nil {
		for _, x := range before {
			w.begin(ctx, group, x)
		}
		return failed
	}
	for _, x := range before {
		w.logger.Info("remote write: nothing more is written as it was", "receiver", x.name)
	}
	for i := range opens {
		w.begin(ctx, group, all[i])
		w.logger.Info("remote write: a receiver was taken", "receiver", all[i].name, "url", all[i].Status().URL)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = all
	return nil
}

// answerWritten tells another box what was written.
func (w *writes) answerWritten(context.Context, mode.NodeID, []byte) ([]byte, error) {
	out := map[string][]byte{}
	for _, x := range w.list() {
		out[x.id] = x.Done().Marshal()
	}
	return json.Marshal(out)
}

// follow keeps this box ready to go on where the one that leads is.
func (w *writes) follow(ctx context.Context) {
	all := w.list()
	if w.pair == nil || len(all) == 0 {
		return
	}
	if leader := w.pair.node.Status().Leader; leader != (mode.NodeID{}) && leader != w.pair.self.Node {
		if err := w.ask(ctx, leader, all); err != nil {
			w.logger.Debug("the leader does not tell what it has written", "err", err)
		}
	}
}

func (w *writes) ask(ctx context.Context, leader mode.NodeID, all []*writer) error {
	asking, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	b, err := w.pair.wire.Request(asking, leader, methodWrites, nil)
	if err != nil {
		return err
	}
	var written map[string][]byte
	if err := json.Unmarshal(b, &written); err != nil {
		return err
	}
	for _, x := range all {
		if written[x.id] == nil {
			continue
		}
		v, err := journal.UnmarshalVector(written[x.id])
		if err != nil {
			return err
		}
		x.Join(v)
		if err := errors.Join(x.Skim(ctx), x.Save()); err != nil {
			return err
		}
	}
	return nil
}

// glance tells of all receivers.
func (w *writes) glance() (out []web.RemoteWrite) {
	if w == nil {
		return nil
	}
	for _, x := range w.list() {
		out = append(out, x.glance(time.Now()))
	}
	return out
}

func (x *writer) glance(now time.Time) web.RemoteWrite {
	s := x.Status()
	r := web.RemoteWrite{
		Name: x.name, URL: s.URL, Writing: x.writing.Load(), Protocol: string(s.Protocol), Fallback: s.Fallback, Accepted: s.Accepted, Behind: s.Behind.Oldest, Waiting: s.Waiting,
		Samples: s.Samples, Bytes: s.Bytes, Requests: s.Requests, Problem: s.Held + s.Failure, Since: s.Since, Missing: []web.RemoteWriteMissing{},
	}
	if !s.Live.Reached.IsZero() {
		lag := 0.0
		if !s.Live.Oldest.IsZero() {
			lag = now.Sub(s.Live.Reached).Seconds()
		}
		r.Lag = &lag
	}
	if s.Clock {
		ms := s.Offset.Milliseconds()
		r.OffsetMS = &ms
	}
	for _, m := range s.Refused {
		r.Missing = append(r.Missing, web.RemoteWriteMissing{Reason: string(m.Reason), Samples: m.Samples, First: m.First, Last: m.Last, At: m.At, Words: m.Words})
	}
	return r
}

// place is what the labels say of this box's site.
func (a *appliance) place(site journal.ID) (p remotewrite.Place, ok bool) {
	at := a.site.Load()
	if site != at.id || a.pair != nil && a.agreed.Load().version == 0 { // the pair tells which site it is; until then it has the box's own name
		return p, false
	}
	p = remotewrite.Place{Site: at.name, Devices: map[hw.DeviceID]remotewrite.Device{}}
	for _, w := range at.devices {
		d := w.Target.Device
		p.Devices[d.ID] = remotewrite.Device{Customer: hw.Clean(d.Customer), Rack: hw.Clean(d.Rack)}
	}
	return p, true
}

// place is what the labels say of a site, by its journal.
func (h *headquarters) place(site journal.ID) (p remotewrite.Place, ok bool) {
	p = remotewrite.Place{Site: h.nameOf(site), Devices: map[hw.DeviceID]remotewrite.Device{}}
	for id, facts := range h.store.LearnedOf(site) {
		if a := toldConfiguration(facts); a != nil {
			p.Devices[id] = remotewrite.Device{Customer: a.Get(configuredCustomer), Rack: a.Get(configuredRack)}
		}
	}
	return p, len(p.Devices) > 0
}

// writtenJournal is a store as remote write reads it.
type writtenJournal struct{ store *store.Store }

// Head implements remotewrite.Journal.
func (j writtenJournal) Head(ctx context.Context) remotewrite.Position {
	_, head := j.store.Ends(ctx)
	return writtenPosition(head)
}

// Watch implements remotewrite.Journal.
func (j writtenJournal) Watch() <-chan struct{} { return j.store.Watch() }

// Changes implements remotewrite.Journal.
func (j writtenJournal) Changes(ctx context.Context, after, until remotewrite.Position, limit int) (out remotewrite.Changes, err error) {
	q := store.ChangesQuery{Streams: []journal.Stream{journal.Samples}, Bytes: limit}
	if q.After, err = parseWritten(after); err != nil {
		return out, err
	}
	if q.Until, err = parseWritten(until); err != nil {
		return out, err
	}
	got, err := j.store.Changes(ctx, q)
	if errors.Is(err, store.ErrTrimmed) || errors.Is(err, store.ErrOtherLife) {
		err = fmt.Errorf("%w: %w", remotewrite.ErrGone, err)
	}
	if err != nil {
		return out, err
	}
	out = remotewrite.Changes{Batches: got.Batches, Behind: make([]remotewrite.Position, len(got.Behind)), Next: writtenPosition(got.Next), Head: writtenPosition(got.Head)}
	for i, p := range got.Behind {
		out.Behind[i] = writtenPosition(p)
	}
	if until != "" && got.Next.Segment == q.Until.Segment && got.Next.Row == q.Until.Row { // its checksum may be gone with its batch
		out.Next = until
	}
	return out, nil
}

func writtenPosition(p store.Position) remotewrite.Position {
	if p == (store.Position{}) {
		return ""
	}
	return remotewrite.Position(p.String())
}

func parseWritten(p remotewrite.Position) (store.Position, error) {
	if p == "" {
		return store.Position{}, nil
	}
	at, err := store.ParsePosition(string(p))
	if err != nil {
		err = fmt.Errorf("%w: %w", remotewrite.ErrGone, err)
	}
	return at, err
}

// gapTold is for how long a gap at a receiver is told of in words; -json tells of it for ever.
const gapTold = 7 * 24 * time.Hour

// writeLines tell of the receivers of remote write, a line each, and of every gap there.
func writeLines(all []web.RemoteWrite, now time.Time) string {
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "remote write: %s\n", plain(r.Line(now)))
		gaps := slices.Clone(r.Missing)
		slices.SortFunc(gaps, func(a, b web.RemoteWriteMissing) int { return b.At.Compare(a.At) })
		for _, m := range gaps {
			if now.Sub(m.At) > gapTold {
				continue
			}
			fmt.Fprintf(&b, "note: %s: %s\n", plain(r.Name), plain(m.Line()))
		}
	}
	return b.String()
}
