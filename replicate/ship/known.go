package ship

import (
	"sync"
	"time"

	"rackpost/hw/journal"
)

// Known is what the other end holds, as far as it said so: its word at the last greeting, and its
// answers since. The lines to one peer share it, so that what one of them was answered for, or has under
// way, is not sent on the other. It begins empty and is not kept over restarts: the other end can have
// been restored from an image meanwhile.
type Known struct {
	mu       sync.Mutex
	held     journal.Vector
	underway journal.Vector // sent and not answered for, on any of the lines
	sessions map[*session]*seat
	looks    uint64    // how often something was left to be found by looking through everything
	moved    time.Time // when held last grew, or was greeted with
	waits    time.Time // since when something is under way or lacking, or nobody is connected; zero: all is well
	lacks    bool
	sizes    [ranks]size
}

// seat is what a session has to do with what is known.
type seat struct {
	greeted bool
	paused  bool           // by the other end's wish
	since   journal.Vector // while it has not: what others were answered for since the connection began
}

// size is how large batches of one rank are, on average of the last ones.
type size struct{ bytes, records float64 }

// The ranks of streams: the order in which they are sent.
const ranks = 3

func rank(s journal.Stream) int {
	switch s {
	case journal.Facts:
		return 0
	case journal.Samples:
		return 2
	}
	return 1
}

// NewKnown returns a Known of which nothing is known.
func NewKnown() *Known {
	return &Known{held: journal.Vector{}, underway: journal.Vector{}, sessions: map[*session]*seat{}, waits: time.Now()}
}

// Held returns a copy of what the other end holds.
func (k *Known) Held() journal.Vector {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held.Clone()
}

// Moved returns when what the other end holds last grew, or was last greeted with; zero: never.
func (k *Known) Moved() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.moved
}

// StoodStill says whether the other end has answered for nothing for d although something was under way
// or waited to be sent all the while, or no line to it was connected. One that asked for a pause does not.
func (k *Known) StoodStill(d time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.waits.IsZero() && time.Since(k.waits) >= d && time.Since(k.moved) >= d
}

// attach makes the session of s one of those that tell what is held.
func (k *Known) attach(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sessions[s] = &seat{since: journal.Vector{}}
}

// detach ends that: what s still hears is of an earlier connection than what is known.
func (k *Known) detach(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sessions, s)
	k.wait()
}

// wait notes whether anything waits. The caller holds mu.
func (k *Known) wait() {
	connected, paused := false, false
	for _, seat := range k.sessions {
		connected, paused = connected || seat.greeted, paused || seat.paused
	}
	switch {
	case connected && (paused || !k.lacks && len(k.underway) == 0):
		k.waits = time.Time{}
	case k.waits.IsZero():
		k.waits = time.Now()
	}
}

// greeted replaces what is held by what the peer said when it greeted s.
func (k *Known) greeted(s *session, v journal.Vector) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if seat := k.sessions[s]; seat != nil {
		v.Join(seat.since) // it can be older than the greeting, and never is than the connection
		seat.greeted, seat.since = true, nil
		k.held, k.moved = v, time.Now()
		k.wait()
		k.look()
	}
}

// has notes that the peer holds v, by what s heard.
func (k *Known) has(s *session, v journal.Vector) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sessions[s] == nil || len(v) == 0 {
		return nil
	}
	for _, seat := range k.sessions {
		if !seat.greeted {
			seat.since.Join(v)
		}
	}
	k.held.Join(v)
	k.moved = time.Now()
	return bounded(k.held)
}

// bounded refuses a vector that no peer has.
func bounded(v journal.Vector) error {
	if len(v) > maxKeys || intervals(v) > maxIntervals {
		return broken("a journal of more than %d streams or %d runs", maxKeys, maxIntervals)
	}
	return nil
}

// lost takes what v names out of what is held.
func (k *Known) lost(v journal.Vector) {
	k.mu.Lock()
	defer k.mu.Unlock()
	remove(k.held, v)
	k.look()
}

// forget takes v out of what is held, of which nothing is here to be sent.
func (k *Known) forget(v journal.Vector) {
	k.mu.Lock()
	defer k.mu.Unlock()
	remove(k.held, v)
	for _, seat := range k.sessions {
		remove(seat.since, v)
	}
}

// remove takes v out of from.
func remove(from, v journal.Vector) {
	for key, iv := range v {
		if left := (journal.Vector{key: from[key]}).Minus(journal.Vector{key: iv})[key]; len(left) > 0 {
			from[key] = left
		} else {
			delete(from, key)
		}
	}
}

func one(k journal.Key) journal.Vector {
	return journal.Vector{k.StreamKey: {{First: k.Seq, Last: k.Seq}}}
}

// claim notes that a batch goes under way. It returns false when the peer holds it or it is under way.
func (k *Known) claim(b *journal.Batch) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held.Has(b.StreamKey, b.Seq) || k.underway.Has(b.StreamKey, b.Seq) {
		return false
	}
	k.underway.Add(b.StreamKey, b.Seq, b.Seq)
	k.wait()
	z := &k.sizes[rank(b.Stream)]
	if z.bytes == 0 {
		*z = size{float64(len(b.Bytes)), float64(b.Records)}
	}
	z.bytes += (float64(len(b.Bytes)) - z.bytes) / 16
	z.records += (float64(b.Records) - z.records) / 16
	return true
}

// needs says whether a batch is neither held there nor under way.
func (k *Known) needs(key journal.Key) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.held.Has(key.StreamKey, key.Seq) && !k.underway.Has(key.StreamKey, key.Seq)
}

// release notes that a batch is not under way any more.
func (k *Known) release(key journal.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	remove(k.underway, one(key))
	k.wait()
}

// done returns what need not be sent: it is held there or under way.
func (k *Known) done() journal.Vector {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.held.Clone()
	v.Join(k.underway)
	return v
}

// stir makes whoever looks through what is behind do so once more.
func (k *Known) stir() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.look()
}

// look is stir for whoever holds mu.
func (k *Known) look() {
	k.looks++
	for s := range k.sessions {
		poke(s.kick)
	}
}

func (k *Known) looked() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.looks
}

// pause notes whether the other end wants nothing of s now: then it does not stand still.
func (k *Known) pause(s *session, yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if seat := k.sessions[s]; seat != nil && seat.paused != yes {
		seat.paused = yes
		k.wait()
	}
}

// lacking notes whether anything waits to be sent.
func (k *Known) lacking(yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lacks = yes
	k.wait()
}

// unseen is what a batch is taken for while none of its rank was sent.
const unseen = 1000

// estimate returns what so many batches of each rank come to.
func (k *Known) estimate(n [ranks]uint64) (bytes, records uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, z := range k.sizes {
		if z.bytes == 0 {
			z = size{unseen, 1}
		}
		bytes += uint64(float64(n[i]) * z.bytes)
		records += uint64(float64(n[i]) * z.records)
	}
	return bytes, records
}
