package ship

import "rackpost/hw/journal"

// Lacking is what of a journal the other end has not said it holds.
type Lacking struct {
	Batches map[journal.Stream]uint64
	Bytes   uint64 // estimated from what was sent
	Records uint64 // the same
}

// Lacks returns what of have the other end has not said it holds. It tells so while nobody is connected
// too; before the other end said anything, that is all of it.
func (k *Known) Lacks(have journal.Vector) Lacking {
	out := Lacking{Batches: map[journal.Stream]uint64{}}
	var n [ranks]uint64
	for key, runs := range have.Minus(k.Held()) {
		for _, r := range runs {
			out.Batches[key.Stream] += r.Last - r.First + 1
			n[rank(key.Stream)] += r.Last - r.First + 1
		}
	}
	out.Bytes, out.Records = k.estimate(n)
	return out
}
