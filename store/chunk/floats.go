package chunk

import "math"

// maxPlaces is the most decimal places a gauge is tried with.
const maxPlaces = 6

// maxExact is the greatest integer up to which a float64 holds every integer.
const maxExact = 1 << 53

func power10(k int) float64 {
	return [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6}[k]
}

// decimals appends to dst the gauges whose bits are v as integers times 10^-places, with
// the fewest places that give every bit back; ok is false when none does.
func decimals(dst, v []uint64) (ints []uint64, places int, ok bool) {
	for _, b := range v {
		for !isDecimal(b, places) {
			if places++; places > maxPlaces {
				return dst, 0, false
			}
		}
	}
	p := power10(places)
	for _, b := range v {
		n := math.RoundToEven(math.Float64frombits(b) * p)
		if !isDecimal(b, places) {
			return dst, 0, false // exact with fewer places, too great with these
		}
		dst = append(dst, uint64(int64(n)))
	}
	return dst, places, true
}

// isDecimal reports whether an integer divided by 10^places gives exactly the bits b. It
// is false for NaN, the infinities and -0.
func isDecimal(b uint64, places int) bool {
	p := power10(places)
	n := math.RoundToEven(math.Float64frombits(b) * p)
	return math.Abs(n) < maxExact && math.Float64bits(float64(int64(n))/p) == b
}

// undecimal turns integers back into the bits of gauges, in place.
func undecimal(v []uint64, places int) {
	p := power10(places)
	for i, n := range v {
		v[i] = math.Float64bits(float64(int64(n)) / p)
	}
}

// appendPlanes appends to head the exclusive or of each of v with the one before, first
// all lowest bytes, then all second and so on, without the planes that are all zero.
func (e *Encoder) appendPlanes(v []uint64) {
	all := uint64(0)
	before := uint64(0)
	for _, x := range v {
		all |= x ^ before
		before = x
	}
	mask := byte(0)
	for p := range 8 {
		if byte(all>>(8*p)) != 0 {
			mask |= 1 << p
		}
	}
	e.head = append(e.head, mask)
	for p := range 8 {
		if mask&(1<<p) == 0 {
			continue
		}
		before = 0
		for _, x := range v {
			e.head = append(e.head, byte((x^before)>>(8*p)))
			before = x
		}
	}
}

// planes reads what appendPlanes wrote.
func (r *reader) planes(dst []uint64) {
	clear(dst)
	mask := r.byte()
	for p := range 8 {
		if mask&(1<<p) == 0 {
			continue
		}
		plane := r.take(len(dst))
		for i, x := range plane {
			dst[i] |= uint64(x) << (8 * p)
		}
	}
	before := uint64(0)
	for i, x := range dst {
		before ^= x
		dst[i] = before
	}
}
