package chunk

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// How the values of a column are changed before they are packed. Part of the format.
const (
	plain  = 0 // as they are
	delta  = 1 // each less the one before
	delta2 = 2 // the differences of the differences
	planes = 3 // gauges only: the exclusive or with the one before, byte by byte
)

const hasApart = 0x80 // in the byte of the width: some residuals stand apart

var errCorrupt = errors.New("corrupt row")

// appendInts appends a column of integers: seeds and window to head, packed residuals to
// body. The transform is stored by the caller.
func (e *Encoder) appendInts(transform int, w window, v []uint64) {
	seeds, r := e.residuals(transform, v)
	for _, s := range seeds {
		e.head = binary.AppendVarint(e.head, s)
	}
	at := len(e.head)
	e.head = append(e.head, byte(w.width))
	e.head = binary.AppendVarint(e.head, w.lo)
	p := packer{dst: e.body}
	e.apart = e.apart[:0]
	apart, next := 0, 0
	for i, x := range r {
		u := uint64(x) - uint64(w.lo)
		if bits.Len64(u) > w.width {
			e.apart = binary.AppendUvarint(e.apart, uint64(i-next))
			e.apart = binary.AppendVarint(e.apart, int64(u))
			apart, next = apart+1, i+1
			u = 0
		}
		if w.width > 0 {
			p.put(u, w.width)
		}
	}
	e.body = p.flush()
	if apart > 0 {
		e.head[at] |= hasApart
		e.head = binary.AppendUvarint(e.head, uint64(apart))
		e.head = append(e.head, e.apart...)
	}
}

// bestTransform chooses the transform and window that take the fewest bytes for v.
func (e *Encoder) bestTransform(v []uint64) (transform int, best window) {
	for t := plain; t <= delta2; t++ {
		seeds, r := e.residuals(t, v)
		e.sorted = append(e.sorted[:0], r...)
		w := bestWindow(e.sorted)
		for _, s := range seeds {
			w.cost += varintLen(s)
		}
		w.cost += varintLen(w.lo)
		if t == plain || w.cost < best.cost {
			transform, best = t, w
		}
		if w.width == 0 && w.outside == 0 {
			break // nothing is smaller than one number for all
		}
	}
	return transform, best
}

// residuals returns the first values of v, which stand alone, and the changed rest. Both
// belong to the encoder and hold until its next call.
func (e *Encoder) residuals(transform int, v []uint64) (seeds, r []int64) {
	e.seeds, e.res = e.seeds[:0], e.res[:0]
	r = e.res
	switch transform {
	case plain:
		for _, x := range v {
			r = append(r, int64(x))
		}
	case delta:
		for i := 1; i < len(v); i++ {
			r = append(r, int64(v[i]-v[i-1]))
		}
	case delta2:
		for i := 2; i < len(v); i++ {
			r = append(r, int64(v[i]-2*v[i-1]+v[i-2]))
		}
	}
	e.res = r
	if transform != plain && len(v) > 0 {
		e.seeds = append(e.seeds, int64(v[0]))
	}
	if transform == delta2 && len(v) > 1 {
		e.seeds = append(e.seeds, int64(v[1]-v[0]))
	}
	return e.seeds, r
}

func varintLen(x int64) int {
	return (bits.Len64(uint64(x<<1^x>>63)|1) + 6) / 7
}

// ints reads a column of len(dst) integers.
func (r *reader) ints(transform int, dst []uint64) {
	var seeds [2]uint64
	n := min(transform, len(dst))
	for i := range n {
		seeds[i] = uint64(r.varint())
	}
	flags := r.byte()
	lo := uint64(r.varint())
	width := int(flags &^ hasApart)
	if width > 64 {
		r.fail()
	}
	rest := dst[n:]
	packed := r.packed(packedBytes(len(rest), width))
	if r.err != nil {
		return
	}
	if width > 0 {
		unpack(rest, packed, width, lo)
	} else {
		for i := range rest {
			rest[i] = lo
		}
	}
	if flags&hasApart != 0 {
		r.apart(rest, lo)
	}
	integrate(transform, seeds, dst)
}

// apart puts in their places the residuals that lie outside the window.
func (r *reader) apart(rest []uint64, lo uint64) {
	next := uint64(0)
	for range r.count(len(rest)) {
		next += r.uvarint()
		x := uint64(r.varint())
		if r.err != nil || next >= uint64(len(rest)) {
			r.fail()
			return
		}
		rest[next] = x + lo
		next++
	}
}

// integrate turns seeds and residuals back into values.
func integrate(transform int, seeds [2]uint64, dst []uint64) {
	if transform == plain || len(dst) == 0 {
		return
	}
	v := seeds[0]
	dst[0] = v
	if transform == delta {
		for i := 1; i < len(dst); i++ {
			v += dst[i]
			dst[i] = v
		}
		return
	}
	d := seeds[1]
	if len(dst) > 1 {
		v += d
		dst[1] = v
	}
	for i := 2; i < len(dst); i++ {
		d += dst[i]
		v += d
		dst[i] = v
	}
}
