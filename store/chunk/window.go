package chunk

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// window is how a run of residuals is packed: each less lo, in width bits; those that do
// not fit stand apart: so many are outside. cost is the estimate in bytes.
type window struct {
	lo      int64
	width   int
	outside int
	cost    int
}

// bestWindow chooses a window for the residuals. It sorts them.
func bestWindow(r []int64) window {
	if len(r) == 0 {
		return window{cost: 2}
	}
	low, high := slices.Min(r), slices.Max(r)
	full := bits.Len64(uint64(high) - uint64(low))
	best := window{low, full, 0, packedBytes(len(r), full) + 2}
	if full == 0 {
		return best
	}
	slices.Sort(r)
	apart := 1 + (full+7)/7 // one exception: its gap and its value
	for w := full - 1; w >= 0; w-- {
		lo, inside := densest(r, w)
		outside := len(r) - inside
		if c := packedBytes(len(r), w) + 3 + outside*apart; c < best.cost {
			best = window{lo, w, outside, c}
		}
		if outside > len(r)/3 && w > 0 {
			w = 1 // nothing between can win but a single value that nearly all share
		}
	}
	return best
}

// densest finds where a window of width bits covers most of the sorted residuals.
func densest(sorted []int64, width int) (lo int64, inside int) {
	size := uint64(1) << width
	for i, j := 0, 0; j < len(sorted); j++ {
		for uint64(sorted[j])-uint64(sorted[i]) >= size {
			i++
		}
		if j-i+1 > inside {
			lo, inside = sorted[i], j-i+1
		}
	}
	return lo, inside
}

func packedBytes(n, width int) int { return (n*width + 7) / 8 }

// packer appends numbers of fixed width, lowest bit first.
type packer struct {
	dst  []byte
	word uint64
	used int
}

func (p *packer) put(v uint64, width int) {
	p.word |= v << p.used
	p.used += width
	if p.used < 64 {
		return
	}
	p.dst = binary.LittleEndian.AppendUint64(p.dst, p.word)
	p.used -= 64
	p.word = v >> (width - p.used) // a shift by 64 gives 0
}

// flush writes the last, unfinished bytes.
func (p *packer) flush() []byte {
	for ; p.used > 0; p.used -= 8 {
		p.dst = append(p.dst, byte(p.word))
		p.word >>= 8
	}
	return p.dst
}

// unpack reads len(dst) numbers of width bits, 1 to 64, each plus lo. src holds at least
// packedBytes of them.
func unpack(dst []uint64, src []byte, width int, lo uint64) {
	mask := ^uint64(0) >> (64 - width)
	i, bit := 0, 0
	for ; i < len(dst) && bit>>3+9 <= len(src); i++ {
		b := src[bit>>3:]
		shift := bit & 7
		v := binary.LittleEndian.Uint64(b)>>shift | uint64(b[8])<<(64-shift)
		dst[i] = v&mask + lo
		bit += width
	}
	for ; i < len(dst); i++ {
		dst[i] = bitsAt(src, bit)&mask + lo
		bit += width
	}
}

// bitsAt reads up to 64 bits near the end of src.
func bitsAt(src []byte, bit int) (v uint64) {
	var tail [9]byte
	copy(tail[:], src[bit>>3:])
	shift := bit & 7
	return binary.LittleEndian.Uint64(tail[:])>>shift | uint64(tail[8])<<(64-shift)
}
