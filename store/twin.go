package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/chunk"
	"rackpost/wholefile"
)

// A twin is a sealed segment's samples turned round, one row for each component and chunk
// of visits, so that a series is read without the others. It is dropped and made again at
// will.
const (
	twinSuffix = ".twin"
	// twinSchema numbers rows by device, component and chunk, so that the rows of a component
	// lie together. Component 0 is the times of the chunk.
	twinSchema = `CREATE TABLE device(id INTEGER PRIMARY KEY, site BLOB NOT NULL, origin BLOB NOT NULL, name TEXT NOT NULL, UNIQUE(site, name, origin));
CREATE TABLE component(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE chunk(id INTEGER PRIMARY KEY, first INTEGER, last INTEGER, bytes BLOB NOT NULL);`
	chunkVisits   = 128
	twinMemory    = 16 << 20 // of packed visits waiting for their chunk
	twinSyncBytes = 4 << 20  // written at most between two fsyncs
)

// The columns of a times row.
const (
	colStarted = iota // Unix ms
	colTook           // ms
	colPeriod         // ms
	colMode
	timesColumns
)

func chunkID(device, component, n int64) int64 { return device<<40 | component<<18 | n }

const (
	maxDevices    = 1 << 22
	maxComponents = 1 << 22
	maxChunks     = 1 << 18
)

func (g *segment) twinPath() string {
	return stemOf(g.file()) + twinSuffix
}

func (s *Store) hasTwin(g *segment) bool {
	_, err := os.Stat(g.twinPath())
	return err == nil
}

// dropTwin removes the twin of g. It returns false when there was none.
func (s *Store) dropTwin(g *segment) bool {
	g.use.Lock()
	defer g.use.Unlock()
	return os.Remove(g.twinPath()) == nil
}

// errBadTwin says that a twin could not be read and is no more.
var errBadTwin = errors.New("damaged twin")

// badTwin drops a twin that could not be read. The journal has all that was in it, and the
// keeper makes it again.
func (s *Store) badTwin(g *segment, why error) error {
	why = fmt.Errorf("%w %s: %w", errBadTwin, filepath.Base(g.twinPath()), why)
	s.opt.Logger.Error("damaged twin dropped", "err", why)
	s.damagedBatches.Add(1)
	if !s.dropTwin(g) && s.hasTwin(g) {
		return fmt.Errorf("drop the twin of %s: %v", filepath.Base(g.file()), why)
	}
	s.wakeKeeper()
	return why
}

// makeTwins makes the missing twins, the newest first, as long as there is room for them.
func (s *Store) makeTwins(ctx context.Context) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	for _, g := range slices.Backward(s.sealedSegments()) {
		if g.tooVaried || s.hasTwin(g) || len(g.part(func(t journal.Stream) bool { return t == journal.Samples })) == 0 {
			continue
		}
		if room, err := s.roomFor(fileBytes(g.file())); err != nil || !room {
			return err
		}
		err := s.makeTwin(ctx, g)
		switch {
		case isDamaged(err):
			s.setAside(g, err)
		case isFull(err):
			return nil
		case errors.Is(err, errTooVaried):
			g.tooVaried = true
			s.opt.Logger.Warn("a segment stays without a twin, its charts are slow", "segment", filepath.Base(g.file()), "err", err)
		case err != nil:
			return fmt.Errorf("make the twin of %s: %w", filepath.Base(g.file()), err)
		}
	}
	return nil
}

// roomFor says whether a twin of so many bytes can be made without anything being shed for it. While reports wait for
// room there is none: the twin would be what is dropped next, and made again, for ever.
func (s *Store) roomFor(bytes int64) (bool, error) {
	if s.full.Load() {
		return false, nil
	}
	used, err := s.used()
	if err != nil {
		return false, err
	}
	free, err := s.opt.Free(s.opt.Dir)
	return used+bytes < s.opt.Budget-s.opt.SegmentBytes && free-bytes > s.opt.MinFree, err
}

func (s *Store) makeTwin(ctx context.Context, g *segment) (err error) {
	tmp := g.twinPath() + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w := &twinWriter{store: s, db: openDB(tmp, scratch), devices: map[twinDevice]*gathered{}, components: map[string]int64{},
		layouts: map[journal.LayoutID][]journal.Entry{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.abandon(), os.Remove(tmp))
		}
	}()
	if err := g.read(func(db *sql.DB) error { return w.takeAll(ctx, g, db) }); err != nil {
		return err
	}
	if err := w.finish(ctx); err != nil {
		return err
	}
	if err := os.Rename(tmp, g.twinPath()); err != nil {
		return err
	}
	s.state.Lock()
	delete(s.tails, g)
	s.state.Unlock()
	return wholefile.SyncFolder(s.opt.Dir)
}

// errTooVaried says that a segment has more names than a twin can number.
var errTooVaried = errors.New("too many names for a twin")

type twinDevice struct {
	site, origin journal.ID
	name         hw.DeviceID
}

// twinWriter gathers visits by device and writes a chunk when one has enough.
type twinWriter struct {
	store      *Store
	db         *sql.DB
	tx         *sql.Tx
	put        *sql.Stmt
	enc        *chunk.Encoder
	devices    map[twinDevice]*gathered
	numbered   int64 // devices so far
	components map[string]int64
	layouts    map[journal.LayoutID][]journal.Entry
	entries    int // in layouts
	readLayout func(journal.LayoutID) ([]journal.Entry, error)
	memory     int
	unsynced   int
	scratch    []hw.Sample
	row        []byte
}

// gathered is a device's visits that wait for their chunk.
type gathered struct {
	id     int64
	chunks int64
	bytes  int
	visits []gatheredVisit
}

type gatheredVisit struct {
	journal.Visit
	mode    journal.Mode
	entries []journal.Entry
	layout  journal.LayoutID
}

// takeAll takes the visits of g, which db reads. Layouts have a handle of their own: db is busy
// with the batches, and to ask g for another would take its lock twice.
func (w *twinWriter) takeAll(ctx context.Context, g *segment, db *sql.DB) error {
	layouts := openDB(g.file(), immutable)
	defer layouts.Close()
	if err := w.open(ctx, layouts); err != nil {
		return err
	}
	g.mu.Lock()
	sites := g.own.ids()
	g.mu.Unlock()
	if len(sites) < 2 {
		return w.store.eachBatchOf(ctx, g, db, 0, func(_ int64, b *journal.Batch) error { return w.add(ctx, b) })
	}
	// A site at a time: thousands of devices together would have a few visits in a chunk each.
	for _, site := range sites {
		if err := w.takeSite(ctx, g, db, site); err != nil {
			return err
		}
	}
	return nil
}

func (w *twinWriter) takeSite(ctx context.Context, g *segment, db *sql.DB, site journal.ID) error {
	for _, source := range g.names(site, func(t journal.Stream) bool { return t == journal.Samples }) {
		err := eachRow(ctx, db, "SELECT position, bytes FROM batch WHERE source = ? ORDER BY seq", []any{source}, func(position int64, raw []byte) error {
			if b, ok := w.store.parse(g, position, raw); ok {
				return w.add(ctx, &b)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return w.emitAll(ctx)
}

func (w *twinWriter) open(ctx context.Context, layouts *sql.DB) (err error) {
	if w.enc, err = chunk.NewEncoder(); err != nil {
		return err
	}
	w.readLayout = func(id journal.LayoutID) ([]journal.Entry, error) {
		l, err := layoutOf(ctx, layouts, id)
		if err != nil {
			return nil, err
		}
		return w.store.pack.Entries(l)
	}
	if _, err := w.db.ExecContext(ctx, twinSchema); err != nil {
		return err
	}
	return w.begin(ctx)
}

func (w *twinWriter) begin(ctx context.Context) (err error) {
	if w.tx, err = w.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	w.put, err = w.tx.PrepareContext(ctx, "INSERT INTO chunk(id, first, last, bytes) VALUES(?, ?, ?, ?)") // ends with the transaction
	return err
}

func (w *twinWriter) abandon() error {
	if w.tx != nil {
		_ = w.tx.Rollback() // the file is thrown away
	}
	return w.db.Close()
}

func (w *twinWriter) finish(ctx context.Context) error {
	if err := w.emitAll(ctx); err != nil {
		return err
	}
	if err := w.tx.Commit(); err != nil {
		return err
	}
	w.tx = nil
	return w.db.Close()
}

// emitAll writes what waits of every device, and takes what comes for others.
func (w *twinWriter) emitAll(ctx context.Context) error {
	for _, d := range slices.SortedFunc(maps.Keys(w.devices), func(a, b twinDevice) int { return cmp.Compare(w.devices[a].id, w.devices[b].id) }) {
		if err := w.emit(ctx, d, w.devices[d]); err != nil {
			return err
		}
	}
	clear(w.devices)
	return nil
}

// add takes the visits of a batch. What cannot be read stays out of the twin, as it stays
// out of every other view.
func (w *twinWriter) add(ctx context.Context, b *journal.Batch) error {
	if b.Stream != journal.Samples {
		return nil
	}
	body, err := w.store.pack.Body(b)
	if err != nil {
		return nil
	}
	err = journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		if err != nil || v.Layout >= len(b.Uses) {
			return nil
		}
		id := b.Uses[v.Layout]
		entries, ok := w.layouts[id]
		if !ok {
			if entries, err = w.readLayout(id); err != nil && !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, journal.ErrCorrupt) && !errors.Is(err, journal.ErrNewer) {
				return err
			}
			w.rememberLayout(id, entries)
		}
		d := twinDevice{b.Site, b.Origin, v.Device}
		g, err := w.device(ctx, d)
		if err != nil {
			return err
		}
		weight := len(rec.Payload)
		if !ok { // a layout of its own
			weight += entryBytes * len(entries)
		}
		g.visits = append(g.visits, gatheredVisit{v, b.Mode, entries, id})
		g.bytes += weight
		w.memory += weight
		if len(g.visits) >= chunkVisits {
			return w.emit(ctx, d, g)
		}
		if w.memory > twinMemory {
			return w.emitLargest(ctx)
		}
		return nil
	})
	if errors.Is(err, journal.ErrCorrupt) {
		return nil
	}
	return err
}

// A device that names its parts otherwise at every visit must not fill the memory: the
// layouts kept are bounded, and what a visit brings of its own counts as waiting.
const (
	twinEntries = 1 << 18
	entryBytes  = 256 // what an entry costs in memory until its chunk is written, about
)

func (w *twinWriter) rememberLayout(id journal.LayoutID, entries []journal.Entry) {
	if w.entries += len(entries); w.entries > twinEntries {
		clear(w.layouts)
		w.entries = len(entries)
	}
	w.layouts[id] = entries
}

func (w *twinWriter) device(ctx context.Context, d twinDevice) (*gathered, error) {
	if g := w.devices[d]; g != nil {
		return g, nil
	}
	w.numbered++
	g := &gathered{id: w.numbered}
	if g.id >= maxDevices {
		return nil, fmt.Errorf("%w: more than %d devices in a segment", errTooVaried, maxDevices)
	}
	_, err := w.tx.ExecContext(ctx, "INSERT INTO device(id, site, origin, name) VALUES(?, ?, ?, ?)", g.id, d.site[:], d.origin[:], string(d.name))
	w.devices[d] = g
	return g, err
}

func (w *twinWriter) emitLargest(ctx context.Context) error {
	var of twinDevice
	var largest *gathered
	for d, g := range w.devices {
		if largest == nil || g.bytes > largest.bytes {
			of, largest = d, g
		}
	}
	return w.emit(ctx, of, largest)
}
