package journal

import (
	"encoding/binary"
	"maps"
	"slices"
)

// Interval is a run of sequence numbers, both ends included.
type Interval struct{ First, Last uint64 }

// Vector is which batches somebody holds: sorted, disjoint, not adjacent intervals of each
// stream. The nil Vector is empty and may be read.
type Vector map[StreamKey][]Interval

// Add puts first..last into v. first is at least 1 and at most last, last at most MaxSeq.
func (v Vector) Add(k StreamKey, first, last uint64) {
	iv := v[k]
	if n := len(iv); n > 0 && iv[n-1].Last+1 == first { // what a running store does
		iv[n-1].Last = last
		return
	}
	v[k] = insert(iv, Interval{first, last})
}

// insert returns iv with x united into it. It may reuse iv.
func insert(iv []Interval, x Interval) []Interval {
	i, _ := slices.BinarySearchFunc(iv, x, func(a, b Interval) int {
		if a.Last+1 < b.First {
			return -1
		}
		return 1
	})
	j := i
	for j < len(iv) && iv[j].First <= x.Last+1 {
		x.First, x.Last = min(x.First, iv[j].First), max(x.Last, iv[j].Last)
		j++
	}
	return slices.Replace(iv, i, j, x)
}

// Has says whether v holds seq of k.
func (v Vector) Has(k StreamKey, seq uint64) bool {
	iv := v[k]
	i, _ := slices.BinarySearchFunc(iv, seq, func(a Interval, s uint64) int {
		if a.Last < s {
			return -1
		}
		return 1
	})
	return i < len(iv) && iv[i].First <= seq
}

// Last returns the greatest seq of k in v, 0 when there is none.
func (v Vector) Last(k StreamKey) uint64 {
	if iv := v[k]; len(iv) > 0 {
		return iv[len(iv)-1].Last
	}
	return 0
}

// Clone returns a copy that shares nothing with v.
func (v Vector) Clone() Vector {
	c := make(Vector, len(v))
	for k, iv := range v {
		c[k] = slices.Clone(iv)
	}
	return c
}

// Join puts everything of o into v.
func (v Vector) Join(o Vector) {
	for k, iv := range o {
		for _, x := range iv {
			v.Add(k, x.First, x.Last)
		}
	}
}

// Minus returns what v holds and o does not.
func (v Vector) Minus(o Vector) Vector {
	r := Vector{}
	for k, iv := range v {
		if left := subtract(iv, o[k]); len(left) > 0 {
			r[k] = left
		}
	}
	return r
}

func subtract(a, b []Interval) []Interval {
	var out []Interval
	j := 0
	for _, x := range a {
		for j < len(b) && b[j].Last < x.First {
			j++
		}
		gone := false
		for i := j; i < len(b) && b[i].First <= x.Last; i++ {
			if b[i].First > x.First {
				out = append(out, Interval{x.First, b[i].First - 1})
			}
			if b[i].Last >= x.Last {
				gone = true
				break
			}
			x.First = b[i].Last + 1
		}
		if !gone {
			out = append(out, x)
		}
	}
	return out
}

// Covers says whether v holds everything o does.
func (v Vector) Covers(o Vector) bool { return len(o.Minus(v)) == 0 }

// Equal says whether both hold the same.
func (v Vector) Equal(o Vector) bool { return v.Covers(o) && o.Covers(v) }

// Count returns how many batches v holds.
func (v Vector) Count() (n uint64) {
	for _, iv := range v {
		for _, x := range iv {
			n += x.Last - x.First + 1
		}
	}
	return n
}

// Keys returns the keys of v in order.
func (v Vector) Keys() []StreamKey {
	return slices.SortedFunc(maps.Keys(v), StreamKey.Compare)
}

const vectorMagic = "RPV\x01"

// Marshal returns the one encoding of v.
func (v Vector) Marshal() []byte {
	b := []byte(vectorMagic)
	keys := slices.DeleteFunc(v.Keys(), func(k StreamKey) bool { return len(v[k]) == 0 })
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		b = k.append(b)
		b = binary.AppendUvarint(b, uint64(len(v[k])))
		last := uint64(0)
		for _, x := range v[k] {
			b = binary.AppendUvarint(b, x.First-last)
			b = binary.AppendUvarint(b, x.Last-x.First)
			last = x.Last
		}
	}
	return seal(b)
}

// UnmarshalVector reads what Marshal wrote.
func UnmarshalVector(b []byte) (Vector, error) {
	body, err := sealed(b, vectorMagic)
	if err != nil {
		return nil, err
	}
	n, body, err := uvarint(body)
	if err != nil {
		return nil, err
	}
	v := Vector{}
	var prev StreamKey
	for i := range n {
		var k StreamKey
		if len(body) < streamKeySize {
			return nil, corrupt("vector cut short")
		}
		k.read(body)
		if i > 0 && prev.Compare(k) >= 0 {
			return nil, corrupt("vector's keys out of order")
		}
		prev = k
		if v[k], body, err = readIntervals(body[streamKeySize:]); err != nil {
			return nil, err
		}
	}
	if len(body) > 0 {
		return nil, corrupt("%d bytes after the vector", len(body))
	}
	return v, nil
}

func readIntervals(b []byte) (iv []Interval, rest []byte, err error) {
	n, b, err := uvarint(b)
	if err != nil {
		return nil, nil, err
	}
	if n == 0 || n > uint64(len(b))/2 {
		return nil, nil, corrupt("%d intervals", n)
	}
	last := uint64(0)
	for i := range n {
		var gap, length uint64
		if gap, b, err = uvarint(b); err != nil {
			return nil, nil, err
		}
		if length, b, err = uvarint(b); err != nil {
			return nil, nil, err
		}
		x := Interval{First: last + gap, Last: last + gap + length}
		if gap == 0 || (i > 0 && gap < 2) || x.First < gap || x.Last < length || x.Last > MaxSeq {
			return nil, nil, corrupt("interval %d..%d after %d", x.First, x.Last, last)
		}
		iv = append(iv, x)
		last = x.Last
	}
	return iv, b, nil
}
