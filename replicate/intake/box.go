package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// maxBoxes bounds the boxes of one site that are remembered: two, and those whose disks were replaced.
const maxBoxes = 4

// box is one box of a site, as its requests name it. The boxes of a site hold different things, so what each is known
// to hold is its own. The site's mu guards it.
type box struct {
	origin journal.ID
	known  *ship.Known
	lanes  [2]lane // what is new, what is behind
	offset offset
	lag    time.Duration
	came   time.Time
}

// lane is one lane of a box: its line, and the connection it has.
type lane struct {
	kind    ship.Lane
	line    *ship.Line
	window  int
	holder  *holder // of what is larger than the window
	cancel  context.CancelCauseFunc
	state   *tls.ConnectionState // who is at the other end
	number  uint64               // of the connection, from 1
	open    bool
	since   time.Time
	address string
	reason  string
}

func (b *box) lane(kind ship.Lane) *lane {
	if kind == ship.Live {
		return &b.lanes[0]
	}
	return &b.lanes[1]
}

// errReplaced ends a connection when its lane gets another.
var errReplaced = errors.New("a newer connection took the place of this one")

// box returns what is known of a box. The caller holds mu.
func (s *site) box(origin journal.ID) *box {
	b := s.boxes[origin]
	if b == nil {
		if len(s.boxes) >= maxBoxes {
			s.forget()
		}
		b = &box{origin: origin, known: ship.NewKnown()}
		b.lanes[0].kind, b.lanes[1].kind = ship.Live, ship.Behind
		s.boxes[origin] = b
	}
	b.came = s.in.now()
	return b
}

// forget forgets the box that came the longest ago. The caller holds mu.
func (s *site) forget() {
	var oldest *box
	for _, b := range s.boxes {
		if oldest == nil || b.came.Before(oldest.came) {
			oldest = b
		}
	}
	delete(s.boxes, oldest.origin)
	for i := range oldest.lanes {
		s.end(&oldest.lanes[i])
	}
}

// end ends the connection of a lane, and its line. The caller holds mu.
func (s *site) end(l *lane) {
	if l.cancel != nil {
		l.cancel(errReplaced)
	}
	if l.line != nil {
		add(&s.sum, l.line.Progress())
	}
	l.line = nil
}

// join gives a lane a connection, which takes the place of the one it has. It returns the lane, its line, and the
// number of the connection.
func (s *site) join(e entrance, cancel context.CancelCauseFunc) (*lane, *ship.Line, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.box(e.origin)
	l := b.lane(e.kind)
	if l.window != e.window { // else the line itself ends its former connection
		s.end(l)
	}
	if l.line == nil {
		l.holder = &holder{room: s.in.large, site: s, share: &s.share}
		l.line, l.window = s.newLine(b, l, e.window), e.window
		l.line.Pace(s.wishes.of(e.kind))
	}
	l.number++
	l.cancel, l.state, l.open, l.since, l.address = cancel, e.state, true, s.in.now(), e.from
	s.came(e.from)
	return l, l.line, l.number
}

// leave notes that a connection ended, and why.
func (s *site) leave(l *lane, number uint64, why error, stopping bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := reasonWords(why, stopping)
	s.went(reason, stopping)
	if l.number != number {
		return
	}
	l.cancel, l.state, l.open, l.since, l.reason = nil, nil, false, s.in.now(), reason
}

// reasonWords says why a connection ended.
func reasonWords(why error, stopping bool) string {
	switch {
	case stopping:
		return "headquarters stopped"
	case why == nil:
		return ""
	}
	return ship.Plain(why).Error()
}

// sendShare is how much of a core reading for one lane may take: what goes down to a site is little, and it asks for it again
// as often as it likes.
const sendShare = 0.05

func (s *site) newLine(b *box, l *lane, window int) *ship.Line {
	kind := l.kind
	view := ship.NewSiteView(s.in.cfg.Store, s.id, func(ctx context.Context, batches []journal.Batch) error { return s.merge(ctx, b, kind, batches) })
	return ship.New(view, ship.Options{Site: s.id, Origin: s.in.cfg.Origin, Logger: s.in.cfg.Logger.With("site", s.name), Lane: kind,
		Window: window, Share: sendShare, Known: b.known, Room: l.holder, Account: s.account, Down: true, Refused: s.refuse, Quarantine: s.in.cfg.Quarantine})
}

// lanes are those of all boxes. The caller holds mu.
func (s *site) lanes() iter.Seq[*lane] {
	return func(yield func(*lane) bool) {
		for _, b := range s.boxes {
			for i := range b.lanes {
				if !yield(&b.lanes[i]) {
					return
				}
			}
		}
	}
}

// check ends the connections of who may not send any more.
func (s *site) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes() {
		if l.cancel == nil || l.state == nil {
			continue
		}
		if _, _, err := s.in.cfg.Door.Check(*l.state); err != nil {
			s.in.cfg.Logger.Warn("a connection is ended", "site", s.name, "lane", l.kind.String(), "err", err)
			l.cancel(err)
		}
	}
}

// connected returns how many lanes of each kind have a connection.
func (s *site) connected() (live, behind int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes() {
		switch {
		case !l.open:
		case l.kind == ship.Live:
			live++
		default:
			behind++
		}
	}
	return live, behind
}
