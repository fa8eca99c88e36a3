package intake

import (
	"context"
	"log/slog"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// Gate is what admits, for tests.
type Gate struct{ g *gate }

func NewGate(perSecond, places int) Gate { return Gate{newGate(perSecond, places)} }

func (g Gate) Admit(now time.Time, site journal.ID, lane ship.Lane) (time.Duration, bool) {
	return g.g.admit(now, visitor{site: site, lane: lane})
}

func (g Gate) Promised() int { return len(g.g.promised) }

// Pool is the memory of windows, for tests.
type Pool struct{ p *pool }

func NewPool(total int) Pool                    { return Pool{&pool{total: total}} }
func (p Pool) Grant(most, expected int) int     { return p.p.grant(most, expected) }
func (p Pool) Release(n int)                    { p.p.release(n) }
func (p Pool) Taken() (bytes, lanes, total int) { return p.p.taken, p.p.lanes, p.p.total }

// Fair is whose turn it is, for tests.
type Fair struct{ f *fair }

// Turn is a request that was served.
type Turn struct {
	Site  journal.ID
	Live  bool
	Bytes int
}

func NewFair() Fair { return Fair{newFair()} }

func (f Fair) Add(t Turn) { f.f.add(&request{site: t.Site, live: t.Live, bytes: t.Bytes}) }

func (f Fair) Next(limit int) (out []Turn) {
	for _, r := range f.f.next(limit, nil) {
		out = append(out, Turn{r.site, r.live, r.bytes})
	}
	return out
}

func (f Fair) Waiting() (bytes int) { return f.f.bytes }

// Silence says who is not heard, for tests.
type Silence struct{ s *silence }

func NewSilence(after time.Duration) Silence                { return Silence{newSilence(after)} }
func (s Silence) Expect(now time.Time, sites ...journal.ID) { s.s.expect(now, sites) }
func (s Silence) Heard(at time.Time, sites ...journal.ID) {
	for _, id := range sites {
		s.s.heard(at, id)
	}
}
func (s Silence) Tick(now time.Time) { s.s.tick(now) }

func (s Silence) Open() (single, many []journal.ID) {
	one, all := s.s.open()
	for _, q := range one {
		single = append(single, q.site)
	}
	for _, q := range all {
		many = append(many, q.site)
	}
	return single, many
}

// Offset is how far a clock is off, for tests.
type Offset struct{ o offset }

func (o *Offset) Note(now, written time.Time) time.Duration { return o.o.note(now, written) }
func (o *Offset) Best() (time.Duration, bool)               { return o.o.best() }

// Usage is what a site brought today, for tests.
type Usage struct{ u usage }

func (u *Usage) Add(now time.Time, n int) int64 {
	u.u.add(now, n)
	return u.u.bytes
}

func (q Quota) Over(today, stored int64) string { return q.over(today, stored) }

// Brake is what slows, for tests.
type Brake struct{ b brake }

func (b *Brake) Step(now time.Time, fresh, behind time.Duration, rate float64, lanes int) uint64 {
	b.b.step(now, load{fresh: fresh, behind: behind, rate: rate}, lanes)
	return b.b.rate
}

// PaceOf is what a lane may do, for tests.
func PaceOf(operator ship.Pace, quota string, slow uint64, lane ship.Lane) ship.Pace {
	return wishes{operator, quota, slow}.of(lane)
}

// Committer merges, for tests.
type Committer struct{ c *committer }

func NewCommitter(store merger, most int) Committer {
	return Committer{newCommitter(store, most, slog.New(slog.DiscardHandler))}
}

func (c Committer) Run(ctx context.Context) error { return c.c.run(ctx) }

func (c Committer) Merge(ctx context.Context, site journal.ID, live bool, b []journal.Batch) error {
	return c.c.merge(ctx, site, live, b)
}

func (c Committer) Waiting() int { return c.c.load().waiting }

// Room is the memory for what is larger than windows, for tests.
type Room struct{ r *room }

func NewRoom(total int) Room { return Room{newRoom(total)} }

func (r Room) Taken() int { return r.r.taken }

// Overdue returns the lane that must give back; nil: none.
func (r Room) Overdue() *Holder { return r.r.overdue(time.Now()) }

// Holder is what a lane has of it.
type Holder = holder

// RoomSite is a site that shares it.
type RoomSite struct {
	r     *room
	share *share
}

func (r Room) Site() RoomSite    { return RoomSite{r.r, &share{}} }
func (s RoomSite) Lane() *Holder { return &holder{room: s.r, share: s.share} }

// SetRoom makes the room of an intake another one.
func SetRoom(in *Intake, total int) {
	in.large.mu.Lock()
	defer in.large.mu.Unlock()
	in.large.total, in.large.each = total, total/5
}
