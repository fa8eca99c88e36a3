package chunk

import (
	"encoding/binary"
	"slices"

	"rackpost/hw"
)

// shape is all of a series but its values: which visits have a point, where counters
// began, what is absent. The sensors of a component mostly share one.
type shape struct {
	visits  []uint32
	starts  []startRun
	reasons []reasonRun
}

func (s *Series) shape() shape { return shape{s.visits, s.starts, s.reasons} }

func (s shape) equal(o shape) bool {
	return slices.Equal(s.visits, o.visits) && slices.Equal(s.starts, o.starts) && slices.Equal(s.reasons, o.reasons)
}

// spans calls f for each stretch of points with a value.
func (s shape) spans(f func(from, to int)) {
	at, absent := 0, false
	for _, r := range s.reasons {
		if !absent && int(r.from) > at {
			f(at, int(r.from))
		}
		at, absent = int(r.from), r.reason != ""
	}
	if !absent && len(s.visits) > at {
		f(at, len(s.visits))
	}
}

// present returns the number of points with a value.
func (s shape) present() (n int) {
	s.spans(func(from, to int) { n += to - from })
	return n
}

// appendShape writes a shape. Reasons are named by their index in e.words.
func (e *Encoder) appendShape(s shape) {
	e.head = binary.AppendUvarint(e.head, uint64(len(s.visits)))
	for i, before := 0, -1; i < len(s.visits); {
		step := int(s.visits[i]) - before
		n := 0
		for ; i < len(s.visits) && int(s.visits[i])-before == step; i++ {
			before = int(s.visits[i])
			n++
		}
		e.head = binary.AppendUvarint(e.head, uint64(step))
		e.head = binary.AppendUvarint(e.head, uint64(n))
	}
	e.head = binary.AppendUvarint(e.head, uint64(len(s.starts)))
	from, ms := uint32(0), int64(0)
	for _, x := range s.starts {
		e.head = binary.AppendUvarint(e.head, uint64(x.from-from))
		e.head = binary.AppendVarint(e.head, x.ms-ms)
		from, ms = x.from, x.ms
	}
	e.head = binary.AppendUvarint(e.head, uint64(len(s.reasons)))
	from = 0
	for _, x := range s.reasons {
		e.head = binary.AppendUvarint(e.head, uint64(x.from-from))
		e.head = binary.AppendUvarint(e.head, uint64(slices.Index(e.words, x.reason)))
		from = x.from
	}
}

// shape reads a shape of a chunk of so many visits.
func (r *reader) shape(visits int, words []hw.Reason) (s shape) {
	s.visits = r.visits(visits)
	from, ms := uint32(0), int64(0)
	for i := range r.count(len(s.visits)) {
		from, ms = r.next(from, i, len(s.visits)), ms+r.varint()
		s.starts = append(s.starts, startRun{from, ms})
	}
	from = 0
	for i := range r.count(len(s.visits)) {
		from = r.next(from, i, len(s.visits))
		word := r.count(len(words) - 1)
		s.reasons = append(s.reasons, reasonRun{from, words[word]})
	}
	s.starts, s.reasons = slices.Clip(s.starts), slices.Clip(s.reasons)
	return s
}

// visits reads which of the visits have a point.
func (r *reader) visits(limit int) (list []uint32) {
	list = make([]uint32, 0, r.count(limit))
	for at := -1; len(list) < cap(list); {
		step, n := r.count(MaxVisits), r.count(cap(list)-len(list))
		if step == 0 || n == 0 || at+step*n >= limit {
			r.fail()
		}
		if r.err != nil {
			return nil
		}
		for range n {
			at += step
			list = append(list, uint32(at))
		}
	}
	return list
}

// next reads where run i begins: after the one before, within n points.
func (r *reader) next(before uint32, i, n int) uint32 {
	step := r.count(MaxVisits)
	if i > 0 && step == 0 || int(before)+step >= n {
		r.fail()
		return 0
	}
	return before + uint32(step)
}
