package store

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"sort"
	"sync"

	"rackpost/hw/journal"
)

// ledger is a vector kept by site, so that to ask for one site costs one, in a third of the memory: headquarters
// has one of every segment. The zero value is empty and ready.
type ledger struct {
	ring  *keyring // may be nil: then keys are not shared
	sites map[journal.ID][]run
}

// run is an interval of a stream. A site's are in order of key and of seq.
type run struct {
	key *journal.StreamKey
	journal.Interval
	bytes  int64 // in the first run of a stream: what stands of it
	source int64 // what the segment calls the stream
}

// keyring shares the keys of streams between ledgers.
type keyring struct {
	mu   sync.Mutex
	keys map[journal.StreamKey]*journal.StreamKey
}

func (r *keyring) of(k journal.StreamKey) *journal.StreamKey {
	if r == nil {
		return &k
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.keys[k]; p != nil {
		return p
	}
	if r.keys == nil {
		r.keys = map[journal.StreamKey]*journal.StreamKey{}
	}
	r.keys[k] = &k
	return &k
}

func (r *keyring) forget(site journal.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.keys, func(k journal.StreamKey, _ *journal.StreamKey) bool { return k.Site == site })
}

// runsOf returns which of a site's runs are k's.
func runsOf(runs []run, k *journal.StreamKey) (from, to int) {
	from, found := slices.BinarySearchFunc(runs, k, func(r run, k *journal.StreamKey) int {
		if r.key == k {
			return 0
		}
		return r.key.Compare(*k)
	})
	to = from
	if !found {
		return from, from
	}
	for to < len(runs) && (runs[to].key == runs[from].key || *runs[to].key == *k) {
		to++
	}
	return from, to
}

func (l *ledger) runs(k journal.StreamKey) []run {
	runs := l.sites[k.Site]
	from, to := runsOf(runs, &k)
	return runs[from:to]
}

// Add puts first..last of k into l, as journal.Vector.Add.
func (l *ledger) Add(k journal.StreamKey, first, last uint64) {
	l.put(k, 0, 0, journal.Interval{First: first, Last: last})
}

// put adds runs of k, so many bytes, which the segment calls source; 0 where it was named before.
func (l *ledger) put(k journal.StreamKey, source, size int64, add ...journal.Interval) {
	runs := l.sites[k.Site]
	from, to := runsOf(runs, &k)
	if from < to {
		if source == 0 {
			source = runs[from].source
		}
		runs[from].bytes += size
		if n := &runs[to-1]; len(add) == 1 && n.Last+1 == add[0].First { // what a running store does
			n.Last = add[0].Last
			return
		}
		size = runs[from].bytes
	}
	if len(add) == 1 && from < to {
		runs[from].bytes = 0
		l.insert(k.Site, from, to, add[0])
		l.sites[k.Site][from].bytes = size
		return
	}
	v := journal.Vector{}
	for _, r := range runs[from:to] {
		v.Add(k, r.First, r.Last)
	}
	for _, iv := range add {
		v.Add(k, iv.First, iv.Last)
	}
	key := l.ring.of(k)
	var now []run
	for i, iv := range v[k] {
		now = append(now, run{key: key, Interval: iv, source: source})
		if i == 0 {
			now[0].bytes = size
		}
	}
	if l.sites == nil {
		l.sites = map[journal.ID][]run{}
	}
	l.sites[k.Site] = slices.Replace(runs, from, to, now...)
}

// insert unites x into runs from..to of a site, which are one stream's, at least one.
func (l *ledger) insert(site journal.ID, from, to int, x journal.Interval) {
	runs := l.sites[site]
	first := runs[from]
	i := from + sort.Search(to-from, func(i int) bool { return runs[from+i].Last+1 >= x.First })
	j := i
	for ; j < to && runs[j].First <= x.Last+1; j++ {
		x.First, x.Last = min(x.First, runs[j].First), max(x.Last, runs[j].Last)
	}
	l.sites[site] = slices.Replace(runs, i, j, run{key: first.key, Interval: x, source: first.source})
}

// streams returns of how many streams of a site there is anything.
func (l *ledger) streams(site journal.ID) (n int) {
	runs := l.sites[site]
	for i := range runs {
		if i == 0 || runs[i-1].key != runs[i].key {
			n++
		}
	}
	return n
}

// Has says whether seq of k is in l.
func (l *ledger) Has(k journal.StreamKey, seq uint64) bool {
	runs := l.runs(k)
	i, _ := slices.BinarySearchFunc(runs, seq, func(r run, s uint64) int {
		if r.Last < s {
			return -1
		}
		return 1
	})
	return i < len(runs) && runs[i].First <= seq
}

// Last returns the greatest seq of k, 0 when there is none.
func (l *ledger) Last(k journal.StreamKey) uint64 {
	if runs := l.runs(k); len(runs) > 0 {
		return runs[len(runs)-1].Last
	}
	return 0
}

// source returns what the segment calls k.
func (l *ledger) source(k journal.StreamKey) (int64, bool) {
	if runs := l.runs(k); len(runs) > 0 {
		return runs[0].source, true
	}
	return 0, false
}

// Join puts everything of v into l.
func (l *ledger) Join(v journal.Vector) {
	for k, iv := range v {
		l.put(k, 0, 0, iv...)
	}
}

// join puts everything of o into l, but for what only o's segment knows.
func (l *ledger) join(o *ledger) {
	for _, runs := range o.sites {
		for i := range runs {
			l.Add(*runs[i].key, runs[i].First, runs[i].Last)
		}
	}
}

// of returns what is of one site.
func (l *ledger) of(site journal.ID) journal.Vector {
	v := journal.Vector{}
	take(v, l.sites[site])
	return v
}

func take(v journal.Vector, runs []run) {
	for i := range runs {
		v[*runs[i].key] = append(v[*runs[i].key], runs[i].Interval)
	}
}

// all returns everything.
func (l *ledger) all() journal.Vector {
	v := journal.Vector{}
	for _, runs := range l.sites {
		take(v, runs)
	}
	return v
}

// remove takes what v holds out of l.
func (l *ledger) remove(v journal.Vector) {
	for k, iv := range v {
		runs := l.sites[k.Site]
		from, to := runsOf(runs, &k)
		if from == to {
			continue
		}
		old := journal.Vector{}
		take(old, runs[from:to])
		source, size, key := runs[from].source, runs[from].bytes, runs[from].key
		var now []run
		for _, x := range old.Minus(journal.Vector{k: iv})[k] {
			now = append(now, run{key: key, Interval: x, source: source})
		}
		if len(now) > 0 {
			now[0].bytes = size
		}
		if runs = slices.Replace(runs, from, to, now...); len(runs) > 0 {
			l.sites[k.Site] = runs
		} else {
			delete(l.sites, k.Site)
		}
	}
}

func (l *ledger) empty() bool { return len(l.sites) == 0 }

// lacks returns what is in l, of the streams that rank names, and not in v; of one site, or of all when it is zero.
// Where nothing is lacking it costs no memory.
func (l *ledger) lacks(site journal.ID, v journal.Vector, rank func(journal.Stream) bool) journal.Vector {
	var want journal.Vector
	look := func(runs []run) {
		for i := range runs {
			r := &runs[i]
			if !rank(r.key.Stream) || within(v[*r.key], r.Interval) {
				continue
			}
			if want == nil {
				want = journal.Vector{}
			}
			take(want, runs[i:i+1])
		}
	}
	if site != (journal.ID{}) {
		look(l.sites[site])
	} else {
		for _, runs := range l.sites {
			look(runs)
		}
	}
	if want == nil {
		return nil
	}
	return want.Minus(v)
}

// within says whether one of iv holds all of x.
func within(iv []journal.Interval, x journal.Interval) bool {
	i, _ := slices.BinarySearchFunc(iv, x.First, func(a journal.Interval, first uint64) int {
		if a.Last < first {
			return -1
		}
		return 1
	})
	return i < len(iv) && iv[i].First <= x.First && x.Last <= iv[i].Last
}

// coveredBy says whether v holds all of l.
func (l *ledger) coveredBy(v journal.Vector) bool {
	return len(l.lacks(journal.ID{}, v, func(journal.Stream) bool { return true })) == 0
}

// names returns what the segment calls the streams of a site, of all when it is zero, that rank names.
func (l *ledger) names(site journal.ID, rank func(journal.Stream) bool) (out []int64) {
	look := func(runs []run) {
		for i := range runs {
			if (i == 0 || runs[i-1].key != runs[i].key) && rank(runs[i].key.Stream) {
				out = append(out, runs[i].source)
			}
		}
	}
	if site != (journal.ID{}) {
		look(l.sites[site])
		return out
	}
	for _, runs := range l.sites {
		look(runs)
	}
	return out
}

// usage returns what stands of a site, in the streams that rank names.
func (l *ledger) usage(site journal.ID, rank func(journal.Stream) bool) (u Usage) {
	for i := range l.sites[site] {
		if r := &l.sites[site][i]; rank(r.key.Stream) {
			u.Batches += r.Last - r.First + 1
			u.Bytes += r.bytes
		}
	}
	return u
}

// ids returns the sites of which l holds anything, in order.
func (l *ledger) ids() []journal.ID { return slices.SortedFunc(maps.Keys(l.sites), compareIDs) }

func compareIDs(a, b journal.ID) int { return bytes.Compare(a[:], b[:]) }

func anyStream(journal.Stream) bool { return true }

// clip gives back the room that growing left.
func (l *ledger) clip() {
	for site, runs := range l.sites {
		l.sites[site] = slices.Clip(slices.Clone(runs))
	}
}

// sizes returns what stands of each stream, for a segment's meta.
func (l *ledger) sizes() []byte {
	b := []byte{}
	for _, runs := range l.sites {
		for i := range runs {
			if i == 0 || runs[i-1].key != runs[i].key {
				b = binary.AppendUvarint(b, uint64(runs[i].source))
				b = binary.AppendUvarint(b, uint64(runs[i].bytes))
			}
		}
	}
	return b
}

// size takes what sizes returned; of streams that l has no more it takes nothing. It returns false when b does
// not tell of all that l has.
func (l *ledger) size(b []byte) bool {
	sizes := map[int64]int64{}
	for len(b) > 0 {
		source, n := binary.Uvarint(b)
		size, m := binary.Uvarint(b[max(0, n):])
		if n <= 0 || m <= 0 {
			return false
		}
		sizes[int64(source)], b = int64(size), b[n+m:]
	}
	return l.setSizes(sizes)
}

// setSizes takes what stands of each stream, by what the segment calls it.
func (l *ledger) setSizes(sizes map[int64]int64) (whole bool) {
	whole = true
	for _, runs := range l.sites {
		for i := range runs {
			if i == 0 || runs[i-1].key != runs[i].key {
				size, ok := sizes[runs[i].source]
				runs[i].bytes, whole = size, whole && ok
			}
		}
	}
	return whole
}
