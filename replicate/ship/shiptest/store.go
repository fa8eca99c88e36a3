// Package shiptest is a store in memory for tests of what moves records: real batches, vectors and
// registers, a disk that forgets what was not fsynced, and a count of what came twice.
package shiptest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// ErrCrashed is returned for what was under way when the store crashed.
var ErrCrashed = errors.New("the box crashed")

// Store is a box's journal in memory. All of it may be called at once.
type Store struct {
	site, origin journal.ID
	pack         journal.Compressor

	// Fsync is called before anything becomes durable; it may take its time and fail. Set it before
	// the store is used. Nil: at once.
	Fsync func(ctx context.Context) error

	writing chan struct{} // one writer at a time, also while time passes in a simulation

	mu        sync.Mutex
	life      int // crashes so far
	inc       journal.Incarnation
	previous  map[journal.StreamKey]uint32
	disk      []journal.Batch // in order of arrival
	at        map[journal.Key]int
	layouts   map[journal.LayoutID]journal.Layout
	held      journal.Vector
	have      journal.Vector
	wanted    journal.Vector
	known     journal.Vector
	turn      uint64
	registers map[register]journal.Register
	doubles   int
	repeats   int
	renamed   int
	conflicts uint64
	changed   chan struct{}
}

// register names what one origin said of one thing.
type register struct {
	kind             hw.FactKind
	device           hw.DeviceID
	component, group string
	origin           journal.ID
}

func (r register) compare(o register) int {
	return cmp.Or(cmp.Compare(r.kind, o.kind), cmp.Compare(r.device, o.device), cmp.Compare(r.component, o.component),
		cmp.Compare(r.group, o.group), slices.Compare(r.origin[:], o.origin[:]))
}

// New returns an empty store in its first incarnation.
func New(site, origin journal.ID, inc journal.Incarnation) *Store {
	return &Store{site: site, origin: origin, inc: inc, previous: map[journal.StreamKey]uint32{}, at: map[journal.Key]int{},
		layouts: map[journal.LayoutID]journal.Layout{}, held: journal.Vector{}, have: journal.Vector{}, wanted: journal.Vector{}, known: journal.Vector{},
		registers: map[register]journal.Register{}, writing: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Origin returns the id of the store.
func (s *Store) Origin() journal.ID { return s.origin }

// fsync waits for the disk, and says whether the store lived through it.
func (s *Store) fsync(ctx context.Context) error {
	s.mu.Lock()
	life := s.life
	s.mu.Unlock()
	if s.Fsync != nil {
		if err := s.Fsync(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != life {
		return ErrCrashed
	}
	return nil
}

// Crash loses what was not fsynced and goes on as the incarnation given, which must be new.
func (s *Store) Crash(inc journal.Incarnation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life++
	s.inc = inc
	clear(s.previous)
}

// PutBack goes on as another incarnation where a peer holds what was not written here, as ship.Renamer says.
func (s *Store) PutBack(_ context.Context, told, _ journal.Vector) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range told {
		if k.Origin == s.origin && k.Incarnation == s.inc && told.Last(k) > s.held.Last(k) {
			s.inc++
			s.renamed++
			clear(s.previous)
		}
	}
	return nil
}

// Renamed returns how many incarnations PutBack began.
func (s *Store) Renamed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renamed
}

// Write makes a batch of the store's own durable and returns its key. The body's records are of
// the stream; layouts are those it uses.
func (s *Store) Write(ctx context.Context, stream journal.Stream, wallMS int64, mode journal.Mode, body []byte, records int, layouts ...journal.Layout) (journal.Key, error) {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	s.mu.Lock()
	k := journal.StreamKey{Site: s.site, Origin: s.origin, Incarnation: s.inc, Stream: stream}
	h := journal.Header{Key: journal.Key{StreamKey: k, Seq: s.held.Last(k) + 1}, Turn: journal.NextTurn(wallMS, s.turn),
		WallMS: wallMS, Boot: [8]byte{1}, Mode: mode, Previous: s.previous[k], Records: records}
	s.mu.Unlock()
	for _, l := range layouts {
		h.Uses = append(h.Uses, l.ID)
	}
	raw, err := s.pack.AppendBatch(nil, h, body)
	if err != nil {
		return h.Key, err
	}
	b, err := journal.ParseBatch(raw)
	if err != nil {
		return h.Key, err
	}
	b.Layouts = layouts
	if err := s.fsync(ctx); err != nil {
		return h.Key, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.previous[k] = b.Checksum()
	s.append(b)
	s.notify()
	return h.Key, nil
}

// append puts b on the disk. The caller holds mu.
func (s *Store) append(b journal.Batch) {
	for _, l := range b.Layouts {
		s.layouts[l.ID] = l
	}
	b.Layouts = nil
	if _, twice := s.at[b.Key]; twice {
		s.doubles++
	}
	s.at[b.Key] = len(s.disk)
	s.disk = append(s.disk, b)
	s.held.Add(b.StreamKey, b.Seq, b.Seq)
	s.have.Add(b.StreamKey, b.Seq, b.Seq)
	s.known.Add(b.StreamKey, 1, b.Seq)
	s.wanted = s.wanted.Minus(journal.Vector{b.StreamKey: {{First: b.Seq, Last: b.Seq}}})
	s.turn = max(s.turn, b.Turn)
	if b.Stream == journal.Facts {
		s.fold(&b)
	}
}

// fold takes the facts of b into the registers. What cannot be read is left out. The caller holds mu.
func (s *Store) fold(b *journal.Batch) {
	body, err := s.pack.Body(b)
	if err != nil {
		return
	}
	_ = journal.Records(body, func(rec journal.Record) error {
		if rec.Type == journal.TypeFact {
			order := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: rec.Index}
			s.put(journal.Register{Order: order, Mode: b.Mode, WallMS: b.WallMS, Payload: slices.Clone(rec.Payload)})
		}
		return nil
	})
}

func (s *Store) put(r journal.Register) {
	f, err := journal.ParseFact(r.Payload)
	if err != nil {
		return
	}
	k := register{f.Kind, f.Device, f.Component, f.Group, r.Origin}
	if was, ok := s.registers[k]; !ok || was.Order.Compare(r.Order) < 0 {
		s.registers[k] = r
	}
}

func (s *Store) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Watch is ship's.
func (s *Store) Watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Held is ship's.
func (s *Store) Held() journal.Vector { return s.vector(&s.held) }

// Have is ship's.
func (s *Store) Have() journal.Vector { return s.vector(&s.have) }

// Wanted is ship's.
func (s *Store) Wanted() journal.Vector { return s.vector(&s.wanted) }

func (s *Store) vector(v *journal.Vector) journal.Vector {
	s.mu.Lock()
	defer s.mu.Unlock()
	return v.Clone()
}

// Conflicts is ship's.
func (s *Store) Conflicts() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conflicts
}

// Merge is ship's.
func (s *Store) Merge(ctx context.Context, batches []journal.Batch) error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	fresh, err := s.check(batches)
	if err != nil || len(fresh) == 0 {
		return err
	}
	if err := s.fsync(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range fresh {
		s.append(b)
	}
	s.notify()
	return nil
}

// check returns what of batches is not held.
func (s *Store) check(batches []journal.Batch) (fresh []journal.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	brought, now := map[journal.LayoutID]bool{}, journal.Vector{}
	for i := range batches {
		b, err := journal.ParseBatch(batches[i].Bytes)
		switch {
		case err != nil:
			return nil, err
		case b.Site != s.site:
			return nil, fmt.Errorf("%w: %s", journal.ErrOtherSite, b.Key)
		case b.Origin == s.origin && b.Incarnation == s.inc && !s.held.Has(b.StreamKey, b.Seq):
			return nil, fmt.Errorf("%w: %s bears this store's name", journal.ErrCorrupt, b.Key)
		}
		b.Layouts = batches[i].Layouts
		for _, l := range b.Layouts {
			if journal.LayoutName(l.Bytes) != l.ID {
				return nil, fmt.Errorf("%w: layout %s", journal.ErrCorrupt, l.ID)
			}
			brought[l.ID] = true
		}
		for _, id := range b.Uses {
			if _, here := s.layouts[id]; !here && !brought[id] {
				return nil, fmt.Errorf("batch %s: layout %s: %w", b.Key, id, journal.ErrNoLayout)
			}
		}
		if s.held.Has(b.StreamKey, b.Seq) && !s.wanted.Has(b.StreamKey, b.Seq) || now.Has(b.StreamKey, b.Seq) {
			s.repeats++
			if j, ok := s.at[b.Key]; ok && string(s.disk[j].Bytes) != string(b.Bytes) {
				s.conflicts++
			}
			continue
		}
		now.Add(b.StreamKey, b.Seq, b.Seq)
		fresh = append(fresh, b)
	}
	return fresh, nil
}
