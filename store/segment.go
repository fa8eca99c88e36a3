package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rackpost/hw/journal"
	"rackpost/wholefile"
)

// SegmentID names a segment for ever, on this box only.
type SegmentID [8]byte

// String returns 16 hexadecimal digits.
func (id SegmentID) String() string { return hex.EncodeToString(id[:]) }

// segment is one file of the journal: the open one, to which everything is appended in
// order of arrival, or a sealed one.
type segment struct {
	id     SegmentID
	number uint64         // order among the segments of this store
	held   journal.Vector // what the store held when the segment was begun; only until the store has taken it
	past   []SegmentID    // the segments before it; only until the store has taken them
	span   span           // of everything told in it

	// The keeper's alone, and the start's:
	tooVaried bool    // it gets no twin
	twinOnly  bool    // its twin holds readings that its rows have no more
	unfolded  bool    // damaged at the start, and not all of it is in the folds
	hopeless  bool    // damaged, and was not to be salvaged for another reason
	rescue    *rescue // salvaged, not yet told and put aside

	use  sync.RWMutex // readers hold it shared; sealing and dropping hold it alone
	gone bool         // dropped, its file is no more

	mu      sync.Mutex // guards what follows; sealing and the writer of the open segment change it
	path    string
	sealed  bool
	damage  error        // why it is quarantined; it is not read any more
	hurt    error        // why some of it cannot be read
	own     ledger       // what stands in it, and its numbers for streams
	told    bool         // own was read whole
	sized   bool         // own knows the bytes of streams
	leaving []journal.ID // sites whose rows are still here, and read no more
	end     int64        // of a sealed one: its last position ever; 0 where that is not known

	// Of the open segment only:
	writer  *sql.DB
	reader  *sql.DB
	layouts map[journal.LayoutID]struct{}
	aside   map[journal.ID]int  // batches of a site that this opening set aside
	next    int64               // the next position
	pages   int64               // of the file once its WAL is in it
	by      journal.Incarnation // the last of this opening's that wrote into it
}

// span is from when to when something reaches, in Unix ms; empty when first > last.
type span struct{ first, last int64 }

func emptySpan() span { return span{1<<63 - 1, -1 << 63} }

func (s *span) add(ms int64) { s.first, s.last = min(s.first, ms), max(s.last, ms) }

// join makes s reach over o too; an empty one adds nothing.
func (s *span) join(o span) { s.first, s.last = min(s.first, o.first), max(s.last, o.last) }

// bytes returns what a segment's meta says of s.
func (s span) bytes() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.first))
	return binary.BigEndian.AppendUint64(b, uint64(s.last))
}

// parseSpan returns an empty one for bytes that are none.
func parseSpan(b []byte) span {
	if len(b) != 16 {
		return emptySpan()
	}
	return span{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}
}

func (s span) overlaps(o span) bool { return s.first <= o.last && o.first <= s.last }

// The suffixes of a segment's file. A file is renamed when it is sealed, so that nobody has
// to open it to know how it may be opened.
const (
	openSuffix   = ".open"
	sealedSuffix = ".sealed"
)

func segmentName(number uint64, id SegmentID, suffix string) string {
	return fmt.Sprintf("%08d-%s%s", number, id, suffix)
}

// parseSegmentName returns ok false for names that are not a segment's.
func parseSegmentName(name string) (number uint64, id SegmentID, sealed, ok bool) {
	stem, open := strings.CutSuffix(name, openSuffix)
	if !open {
		stem, sealed = strings.CutSuffix(name, sealedSuffix)
	}
	num, hexID, dash := strings.Cut(stem, "-")
	if open == sealed || !dash {
		return 0, id, false, false
	}
	number, err := strconv.ParseUint(num, 10, 63)
	b, err2 := hex.DecodeString(hexID)
	if err != nil || err2 != nil || len(b) != len(id) {
		return 0, id, false, false
	}
	return number, SegmentID(b), sealed, true
}

// createSegment makes the next segment of dir, empty and durable.
func createSegment(ctx context.Context, dir string, number uint64, id identity, held *ledger, past []SegmentID) (*segment, error) {
	s := &segment{number: number, own: ledger{ring: held.ring}, told: true, sized: true, span: emptySpan(), layouts: map[journal.LayoutID]struct{}{}, aside: map[journal.ID]int{}, next: 1}
	if _, err := rand.Read(s.id[:]); err != nil {
		return nil, err
	}
	s.path = filepath.Join(dir, segmentName(number, s.id, openSuffix))
	// It gets its name when it is whole: a crash leaves no segment without its tables.
	err := createFile(ctx, s.path, func(tx *sql.Tx) error {
		head := map[string][]byte{"site": id.site[:], "origin": id.origin[:], "id": s.id[:], metaHeld: held.all().Marshal(), metaPast: joinIDs(past)}
		for name, value := range head {
			if err := setMeta(ctx, tx, name, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create segment %s: %w", s.path, err)
	}
	s.openForWriting()
	return s, nil
}

// createFile makes the database path with a segment's tables and what fill writes, durably
// and whole or not at all.
func createFile(ctx context.Context, path string, fill func(*sql.Tx) error) error {
	tmp := path + tmpSuffix
	removeDB(tmp)
	db := openDB(tmp, readWrite)
	err := inTx(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		return fill(tx)
	})
	if err == nil {
		err = emptyWAL(ctx, db)
	}
	if err = errors.Join(err, db.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		removeDB(tmp)
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(path))
}

// removeDB removes a database that is not needed, as far as that is possible; what stays is
// removed at the next start.
func removeDB(path string) {
	for _, suffix := range sideSuffixes() {
		_ = os.Remove(path + suffix)
	}
}

// tmpSuffix is of files not yet whole.
const tmpSuffix = ".tmp"

// sideSuffixes returns what SQLite adds to a database's name, and nothing.
func sideSuffixes() []string { return []string{"", "-wal", "-shm", "-journal"} }

func setMeta(ctx context.Context, tx *sql.Tx, name string, value []byte) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)", name, value)
	return err
}

func (s *segment) openForWriting() {
	s.writer, s.reader = openDB(s.path, readWrite), openDB(s.path, readOnly)
}

// loadSegment reads what is known of a segment without reading its batches. A segment that
// cannot be read comes back with damage set.
func loadSegment(ctx context.Context, path string, number uint64, id SegmentID, sealed bool, ring *keyring) *segment {
	s := &segment{id: id, number: number, path: path, sealed: sealed, held: journal.Vector{}, own: ledger{ring: ring}, span: emptySpan(), layouts: map[journal.LayoutID]struct{}{}, aside: map[journal.ID]int{}}
	var err error
	if sealed {
		err = s.read(func(db *sql.DB) error { return s.load(ctx, db) })
	} else {
		s.openForWriting()
		err = s.load(ctx, s.writer)
	}
	if err != nil {
		s.damage = errors.Join(err, s.abandon())
	}
	return s
}

func (s *segment) load(ctx context.Context, db *sql.DB) error {
	usage, err := s.loadMeta(ctx, db)
	if err != nil {
		return err
	}
	names := map[int64]journal.StreamKey{}
	err = each(ctx, db, "SELECT id, key FROM source", nil, func(rows *sql.Rows) error {
		var n int64
		var b []byte
		if err := rows.Scan(&n, &b); err != nil {
			return err
		}
		k, err := journal.ParseStreamKey(b)
		names[n] = k
		return err
	})
	if err != nil {
		return fmt.Errorf("read sources: %w", err)
	}
	err = each(ctx, db, "SELECT source, first, last FROM own", nil, func(rows *sql.Rows) error {
		var n int64
		var first, last uint64
		if err := rows.Scan(&n, &first, &last); err != nil {
			return err
		}
		if _, ok := names[n]; !ok || first == 0 || first > last {
			return fmt.Errorf("%w: interval %d..%d of source %d", journal.ErrCorrupt, first, last, n)
		}
		s.own.put(names[n], n, 0, journal.Interval{First: first, Last: last})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what it holds: %w", err)
	}
	s.told = true
	if s.sealed {
		s.sized = s.own.size(usage)
		s.own.clip()
		return nil
	}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) + 1 FROM batch").Scan(&s.next); err != nil {
		return fmt.Errorf("read its end: %w", err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA page_count").Scan(&s.pages); err != nil {
		return fmt.Errorf("read its size: %w", err)
	}
	return each(ctx, db, "SELECT name FROM layout", nil, func(rows *sql.Rows) error {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return err
		}
		var id journal.LayoutID
		copy(id[:], b)
		s.layouts[id] = struct{}{}
		return nil
	})
}

// loadMeta returns what the segment says of the bytes of its streams.
func (s *segment) loadMeta(ctx context.Context, db *sql.DB) (usage []byte, err error) {
	meta := map[string][]byte{}
	err = each(ctx, db, "SELECT name, value FROM meta", nil, func(rows *sql.Rows) error {
		var name string
		var value []byte
		err := rows.Scan(&name, &value)
		meta[name] = value
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read meta: %w", err)
	}
	if s.held, err = journal.UnmarshalVector(meta[metaHeld]); err != nil {
		return nil, fmt.Errorf("read what was held at its start: %w", err)
	}
	s.span, s.twinOnly, s.past = parseSpan(meta[metaSpan]), len(meta[metaTwin]) > 0, splitIDs(meta[metaPast])
	if b := meta[metaEnd]; len(b) == 8 {
		s.end = int64(binary.BigEndian.Uint64(b))
	}
	return meta[metaUsage], nil
}

// each runs query and calls fn for every row.
func each(ctx context.Context, db *sql.DB, query string, args []any, fn func(*sql.Rows) error) error {
	return eachOf(ctx, db, query, args, fn)
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func eachOf(ctx context.Context, db queryer, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachRow calls fn with the position and the bytes of every batch a query selects.
func eachRow(ctx context.Context, db *sql.DB, query string, args []any, fn func(position int64, raw []byte) error) error {
	return each(ctx, db, query, args, func(rows *sql.Rows) error {
		var position int64
		var raw []byte
		if err := rows.Scan(&position, &raw); err != nil {
			return err
		}
		return fn(position, raw)
	})
}

// append writes batches, with the layouts they need, into the open segment by one
// transaction, and takes them into own. It gives each its position. by is this store's
// incarnation when it wrote them itself, 0 for those of others.
func (s *segment) append(ctx context.Context, batches []journal.Batch, by journal.Incarnation) (positions []int64, err error) {
	var pages int64
	w := segmentWriter{g: s, fresh: map[journal.LayoutID]struct{}{}, streams: map[journal.StreamKey]*streamAdded{}}
	err = inTx(ctx, s.writer, func(tx *sql.Tx) error {
		if by != 0 && by != s.by {
			if err := noteIncarnation(ctx, tx, metaWriter, by); err != nil {
				return err
			}
		}
		w.tx = tx
		if positions, err = w.write(ctx, batches); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages)
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.next += int64(len(batches))
	s.pages = pages
	s.by = cmp.Or(by, s.by)
	for k, x := range w.streams {
		s.own.put(k, x.source, x.bytes, x.runs...)
	}
	s.mu.Unlock()
	for id := range w.fresh {
		s.layouts[id] = struct{}{}
	}
	return positions, nil
}

// segmentWriter writes batches by one transaction.
type segmentWriter struct {
	g       *segment
	tx      *sql.Tx
	fresh   map[journal.LayoutID]struct{}
	streams map[journal.StreamKey]*streamAdded
}

// streamAdded is what a transaction adds to a stream.
type streamAdded struct {
	source int64
	bytes  int64
	runs   []journal.Interval
}

func (w *segmentWriter) write(ctx context.Context, batches []journal.Batch) (positions []int64, err error) {
	insert, err := w.tx.PrepareContext(ctx, "INSERT INTO batch(position, source, seq, bytes) VALUES(?, ?, ?, ?)")
	if err != nil {
		return nil, err
	}
	defer insert.Close()
	positions = make([]int64, 0, len(batches))
	for i := range batches {
		b := &batches[i]
		if err := w.layouts(ctx, b); err != nil {
			return nil, err
		}
		x, err := w.stream(ctx, b.StreamKey)
		if err != nil {
			return nil, err
		}
		position := w.g.next + int64(i)
		if _, err := insert.ExecContext(ctx, position, x.source, int64(b.Seq), b.Bytes); err != nil {
			return nil, fmt.Errorf("write batch %s: %w", b.Key, err)
		}
		positions = append(positions, position)
		x.bytes += int64(len(b.Bytes))
		if n := len(x.runs); n > 0 && x.runs[n-1].Last+1 == b.Seq {
			x.runs[n-1].Last++
		} else {
			x.runs = append(x.runs, journal.Interval{First: b.Seq, Last: b.Seq})
		}
	}
	return positions, w.own(ctx)
}

func (w *segmentWriter) layouts(ctx context.Context, b *journal.Batch) error {
	for _, l := range b.Layouts {
		_, have := w.g.layouts[l.ID]
		if _, now := w.fresh[l.ID]; have || now {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, "INSERT OR IGNORE INTO layout(name, bytes) VALUES(?, ?)", l.ID[:], l.Bytes); err != nil {
			return fmt.Errorf("write layout %s: %w", l.ID, err)
		}
		w.fresh[l.ID] = struct{}{}
	}
	return nil
}

func (w *segmentWriter) stream(ctx context.Context, k journal.StreamKey) (*streamAdded, error) {
	if x := w.streams[k]; x != nil {
		return x, nil
	}
	x := &streamAdded{}
	if n, ok := w.g.own.source(k); ok { // only the writer changes it
		x.source = n
	} else if err := w.tx.QueryRowContext(ctx, "INSERT INTO source(key) VALUES(?) ON CONFLICT(key) DO UPDATE SET key = key RETURNING id", k.Bytes()).Scan(&x.source); err != nil {
		return nil, fmt.Errorf("write source %s: %w", k, err)
	}
	w.streams[k] = x
	return x, nil
}

// own writes the intervals that the transaction changes. In a running store that is one row a stream
// and flush, always the same one.
func (w *segmentWriter) own(ctx context.Context) error {
	put, err := w.tx.PrepareContext(ctx, "INSERT OR REPLACE INTO own(source, first, last) VALUES(?, ?, ?)")
	if err != nil {
		return err
	}
	defer put.Close()
	for k, x := range w.streams {
		old := journal.Vector{}
		take(old, w.g.own.runs(k))
		now := journal.Vector{k: slices.Clone(old[k])}
		for _, iv := range x.runs {
			now.Add(k, iv.First, iv.Last)
		}
		was, is, keep := old[k], now[k], 0
		for keep < len(was) && keep < len(is) && was[keep] == is[keep] {
			keep++
		}
		grown := keep == len(was)-1 && keep == len(is)-1 && was[keep].First == is[keep].First
		if keep < len(was) && !grown {
			if _, err := w.tx.ExecContext(ctx, "DELETE FROM own WHERE source = ? AND first >= ?", x.source, int64(was[keep].First)); err != nil {
				return err
			}
		}
		for _, iv := range is[keep:] {
			if _, err := put.ExecContext(ctx, x.source, int64(iv.First), int64(iv.Last)); err != nil {
				return err
			}
		}
	}
	return nil
}

// names returns what the segment calls the streams of a site, of all when it is zero, that rank names.
func (s *segment) names(site journal.ID, rank func(journal.Stream) bool) []int64 {
	names, _ := s.namesTo(site, rank)
	return names
}

// namesTo is names, and the last row of which that is all: a stream that is not named may begin behind it.
func (s *segment) namesTo(site journal.ID, rank func(journal.Stream) bool) (names []int64, row int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row = math.MaxInt64; !s.sealed {
		row = s.next - 1
	}
	return s.own.names(site, rank), row
}

// read calls fn with a handle for reading. Meanwhile the segment is neither sealed nor
// dropped. A sealed one is opened each time: that is a tenth of a millisecond, and no
// cache of handles to bound.
func (s *segment) read(fn func(*sql.DB) error) error {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.gone {
		return errGone
	}
	if s.reader != nil {
		return fn(s.reader)
	}
	db := openDB(s.file(), immutable)
	return errors.Join(fn(db), db.Close())
}

// errGone is returned for reading a segment that was dropped meanwhile.
var errGone = errors.New("segment is gone")

// file returns the segment's path.
func (s *segment) file() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.path
}

func (s *segment) isSealed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sealed
}

// damaged returns why the segment is quarantined, nil when it is not.
func (s *segment) damaged() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damage
}

func (s *segment) setDamage(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damage = err
}

// contents returns what stands in the segment.
func (s *segment) contents() journal.Vector {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own.all()
}

// contentsOf returns what stands in the segment of a site.
func (s *segment) contentsOf(site journal.ID) journal.Vector {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own.of(site)
}

// source returns what the segment calls a stream of which something stands in it.
func (s *segment) source(k journal.StreamKey) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own.source(k)
}

// close gives the handles of an open segment back.
func (s *segment) close() error {
	var err error
	for _, db := range []**sql.DB{&s.reader, &s.writer} {
		if *db != nil {
			err = errors.Join(err, (*db).Close())
			*db = nil
		}
	}
	return err
}
