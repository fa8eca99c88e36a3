package intaketest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// Tape is a site's journal in memory, that is only sent but for facts: what a box has without the time it takes to read it.
type Tape struct {
	Site, Origin journal.ID

	layouts map[journal.LayoutID]journal.Layout
	all     journal.Vector

	mu      sync.Mutex
	batches []journal.Batch // in the order of sending
	low     int             // what is before is held
	fresh   chan struct{}
	tail    []journal.Batch // written since the tape was made
}

// NewTape returns a tape of batches and the layouts they use.
func NewTape(site, origin journal.ID, batches []journal.Batch, layouts []journal.Layout) *Tape {
	t := &Tape{Site: site, Origin: origin, batches: slices.Clone(batches), layouts: map[journal.LayoutID]journal.Layout{}, all: journal.Vector{}, fresh: make(chan struct{})}
	rank := map[journal.Stream]int{journal.Logs: 1, journal.Samples: 2}
	slices.SortStableFunc(t.batches, func(a, b journal.Batch) int { return rank[a.Stream] - rank[b.Stream] })
	for i := range t.batches {
		t.all.Add(t.batches[i].StreamKey, t.batches[i].Seq, t.batches[i].Seq)
	}
	for _, l := range layouts {
		t.layouts[l.ID] = l
	}
	return t
}

// Write adds a batch that is new.
func (t *Tape) Write(b journal.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.batches, t.tail = append(t.batches, b), append(t.tail, b)
	t.all.Add(b.StreamKey, b.Seq, b.Seq)
	close(t.fresh)
	t.fresh = make(chan struct{})
}

var _ ship.Store = (*Tape)(nil)

// Page is ship's.
func (t *Tape) Page(_ context.Context, v journal.Vector, limit int) (out []journal.Batch, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.low < len(t.batches) && v.Has(t.batches[t.low].StreamKey, t.batches[t.low].Seq) {
		t.low++
	}
	if out = t.from(t.low, v, limit); len(out) == 0 {
		t.low = 0 // what was under way may have been refused
		out = t.from(0, v, limit)
	}
	return out, nil
}

func (t *Tape) from(i int, v journal.Vector, limit int) (out []journal.Batch) {
	for ; i < len(t.batches) && limit > 0; i++ {
		if b := t.batches[i]; !v.Has(b.StreamKey, b.Seq) {
			out = append(out, b)
			limit -= len(b.Bytes)
		}
	}
	return out
}

// Rewind makes the tape be read from its beginning again.
func (t *Tape) Rewind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.low = 0
}

// Tail is ship's.
func (t *Tape) Tail() func(context.Context, int) ([]journal.Batch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := len(t.tail)
	return func(context.Context, int) ([]journal.Batch, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		out := t.tail[at:]
		at = len(t.tail)
		return out, nil
	}
}

// Layout is ship's.
func (t *Tape) Layout(_ context.Context, id journal.LayoutID) (journal.Layout, error) {
	l, ok := t.layouts[id]
	if !ok {
		return l, journal.ErrNoLayout
	}
	return l, nil
}

// Held is ship's.
func (t *Tape) Held() journal.Vector {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all.Clone()
}

// Have is ship's.
func (t *Tape) Have() journal.Vector { return t.Held() }

// Wanted is ship's.
func (t *Tape) Wanted() journal.Vector { return journal.Vector{} }

// Watch is ship's.
func (t *Tape) Watch() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fresh
}

// Conflicts is ship's.
func (t *Tape) Conflicts() uint64 { return 0 }

var errOnlySent = errors.New("a tape is only sent")

// Merge is ship's. What headquarters tells of the site is held and not kept.
func (t *Tape) Merge(_ context.Context, batches []journal.Batch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range batches {
		if b.Stream != journal.Facts {
			return errOnlySent
		}
		t.all.Add(b.StreamKey, b.Seq, b.Seq)
	}
	return nil
}

// Base is ship's.
func (t *Tape) Base(journal.ID) ([]byte, error) { return nil, errOnlySent }

// Join is ship's.
func (t *Tape) Join(context.Context, []byte) error { return errOnlySent }
