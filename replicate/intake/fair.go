package intake

import (
	"slices"
	"time"

	"rackpost/hw/journal"
)

// request is what one lane brought and waits to be answered for. A lane has one at a time.
type request struct {
	site    journal.ID
	live    bool
	batches []journal.Batch
	bytes   int
	came    time.Time
	done    chan error // of capacity one

	tag float64 // its turn among its kind
}

// fair says whose request is merged next. What is new goes first, and what is behind has a quarter of each
// bundle all the same. Among each kind sites take turns by bytes: each request stands where the site's bytes so
// far put it, so a site that brings much waits for itself and for nobody else. It does no I/O; its caller holds
// a lock.
type fair struct {
	kinds  [2]turns // what is new, what is behind
	credit int      // bytes that what is behind could not use yet of its part
	bytes  int      // of all that waits
}

// turns are the requests of one kind.
type turns struct {
	waiting []*request
	virtual float64 // the turn that was last served
	used    map[journal.ID]float64
}

func newFair() *fair {
	return &fair{kinds: [2]turns{{used: map[journal.ID]float64{}}, {used: map[journal.ID]float64{}}}}
}

func (f *fair) of(r *request) *turns {
	if r.live {
		return &f.kinds[0]
	}
	return &f.kinds[1]
}

// add puts r where its turn is.
func (f *fair) add(r *request) {
	t := f.of(r)
	r.tag = max(t.virtual, t.used[r.site])
	t.used[r.site] = r.tag + float64(r.bytes)
	i, _ := slices.BinarySearchFunc(t.waiting, r.tag, func(o *request, tag float64) int {
		if o.tag <= tag { // equal ones in the order in which they came
			return -1
		}
		return 1
	})
	t.waiting = slices.Insert(t.waiting, i, r)
	f.bytes += r.bytes
}

// remove takes r out, and says whether it was still there.
func (f *fair) remove(r *request) bool {
	t := f.of(r)
	i := slices.Index(t.waiting, r)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	f.bytes -= r.bytes
	return true
}

// next takes what is merged together, of at most so many bytes, but at least one request. skip leaves a
// request for later.
func (f *fair) next(limit int, skip func(*request) bool) []*request {
	now, behind := &f.kinds[0], &f.kinds[1]
	part := 0
	if len(behind.waiting) > 0 {
		part = limit / 4
	}
	out, left := now.take(nil, limit-part, skip)
	fresh := len(out)
	out, left = behind.take(out, max(0, left)+part+f.credit, skip)
	if f.credit += part; len(out) > fresh || len(behind.waiting) == 0 {
		f.credit = 0
	}
	if f.credit == 0 {
		out, _ = now.take(out, left, skip)
	}
	for _, r := range out {
		f.bytes -= r.bytes
	}
	return out
}

// take adds to out what fits.
func (t *turns) take(out []*request, room int, skip func(*request) bool) ([]*request, int) {
	kept := t.waiting[:0]
	for i, r := range t.waiting {
		if room < r.bytes && len(out) > 0 { // the others wait for this one: it would never fit else
			kept = append(kept, t.waiting[i:]...)
			break
		}
		if skip != nil && skip(r) {
			kept = append(kept, r)
			continue
		}
		room -= r.bytes
		t.virtual = max(t.virtual, r.tag)
		out = append(out, r)
	}
	clear(t.waiting[len(kept):])
	t.waiting = kept
	if len(kept) == 0 { // nobody waits: what was used does not count any more
		clear(t.used)
		t.virtual = 0
	}
	return out, room
}

// oldest returns how long what is new has waited the longest, and what is behind.
func (f *fair) oldest(now time.Time) (fresh, behind time.Duration) {
	for i, d := range []*time.Duration{&fresh, &behind} {
		for _, r := range f.kinds[i].waiting {
			*d = max(*d, now.Sub(r.came))
		}
	}
	return fresh, behind
}
