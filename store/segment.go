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
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"rackpost/hw/journal"
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
	damage  error          // why it is quarantined; it is not read any more
	hurt    error          // why some of it cannot be read
	own     journal.Vector // what stands in it
	told    bool           // own was read whole
	sources map[journal.StreamKey]int64

	// Of the open segment only:
	writer  *sql.DB
	reader  *sql.DB
	layouts map[journal.LayoutID]struct{}
	next    int64               // the next position
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
func createSegment(ctx context.Context, dir string, number uint64, id identity, held journal.Vector) (*segment, error) {
	s := &segment{number: number, own: journal.Vector{}, told: true, span: emptySpan(),
		sources: map[journal.StreamKey]int64{}, layouts: map[journal.LayoutID]struct{}{}, next: 1}
	if _, err := rand.Read(s.id[:]); err != nil {
		return nil, err
	}
	s.path = filepath.Join(dir, segmentName(number, s.id, openSuffix))
	// It gets its name when it is whole: a crash leaves no segment without its tables.
	err := createFile(ctx, s.path, func(tx *sql.Tx) error {
		for name, value := range map[string][]byte{"site": id.site[:], "origin": id.origin[:], "id": s.id[:], metaHeld: held.Marshal()} {
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
	return syncDir(filepath.Dir(path))
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
func loadSegment(ctx context.Context, path string, number uint64, id SegmentID, sealed bool) *segment {
	s := &segment{id: id, number: number, path: path, sealed: sealed, held: journal.Vector{}, own: journal.Vector{}, span: emptySpan(),
		sources: map[journal.StreamKey]int64{}, layouts: map[journal.LayoutID]struct{}{}}
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
	if err := s.loadMeta(ctx, db); err != nil {
		return err
	}
	names := map[int64]journal.StreamKey{}
	err := each(ctx, db, "SELECT id, key FROM source", nil, func(rows *sql.Rows) error {
		var n int64
		var b []byte
		if err := rows.Scan(&n, &b); err != nil {
			return err
		}
		k, err := journal.ParseStreamKey(b)
		s.sources[k], names[n] = n, k
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
		s.own.Add(names[n], first, last)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what it holds: %w", err)
	}
	s.told = true
	if s.sealed {
		return nil
	}
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) + 1 FROM batch").Scan(&s.next); err != nil {
		return fmt.Errorf("read its end: %w", err)
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

func (s *segment) loadMeta(ctx context.Context, db *sql.DB) error {
	meta := map[string][]byte{}
	err := each(ctx, db, "SELECT name, value FROM meta", nil, func(rows *sql.Rows) error {
		var name string
		var value []byte
		err := rows.Scan(&name, &value)
		meta[name] = value
		return err
	})
	if err != nil {
		return fmt.Errorf("read meta: %w", err)
	}
	if s.held, err = journal.UnmarshalVector(meta[metaHeld]); err != nil {
		return fmt.Errorf("read what was held at its start: %w", err)
	}
	s.span, s.twinOnly = parseSpan(meta[metaSpan]), len(meta[metaTwin]) > 0
	return nil
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
	next, own := s.next, journal.Vector{}
	fresh := map[journal.LayoutID]struct{}{}
	added := map[journal.StreamKey]int64{}
	err = inTx(ctx, s.writer, func(tx *sql.Tx) error {
		if by != 0 && by != s.by {
			if err := noteIncarnation(ctx, tx, metaWriter, by); err != nil {
				return err
			}
		}
		for i := range batches {
			b := &batches[i]
			if err := s.appendLayouts(ctx, tx, b, fresh); err != nil {
				return err
			}
			source, err := s.source(ctx, tx, b.StreamKey, added)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "INSERT INTO batch(position, source, seq, bytes) VALUES(?, ?, ?, ?)", next, source, int64(b.Seq), b.Bytes)
			if err != nil {
				return fmt.Errorf("write batch %s: %w", b.Key, err)
			}
			positions = append(positions, next)
			next++
			own.Add(b.StreamKey, b.Seq, b.Seq)
		}
		return s.writeOwn(ctx, tx, own, added)
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.next = next
	s.by = cmp.Or(by, s.by)
	s.own.Join(own)
	maps.Copy(s.sources, added)
	s.mu.Unlock()
	for id := range fresh {
		s.layouts[id] = struct{}{}
	}
	return positions, nil
}

func (s *segment) appendLayouts(ctx context.Context, tx *sql.Tx, b *journal.Batch, fresh map[journal.LayoutID]struct{}) error {
	for _, l := range b.Layouts {
		_, have := s.layouts[l.ID]
		if _, now := fresh[l.ID]; have || now {
			continue
		}
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO layout(name, bytes) VALUES(?, ?)", l.ID[:], l.Bytes); err != nil {
			return fmt.Errorf("write layout %s: %w", l.ID, err)
		}
		fresh[l.ID] = struct{}{}
	}
	return nil
}

func (s *segment) source(ctx context.Context, tx *sql.Tx, k journal.StreamKey, added map[journal.StreamKey]int64) (int64, error) {
	if n, ok := s.sources[k]; ok {
		return n, nil
	}
	if n, ok := added[k]; ok {
		return n, nil
	}
	res, err := tx.ExecContext(ctx, "INSERT INTO source(key) VALUES(?)", k.Bytes())
	if err != nil {
		return 0, fmt.Errorf("write source %s: %w", k, err)
	}
	n, err := res.LastInsertId()
	added[k] = n
	return n, err
}

// writeOwn writes the intervals of own that add changes. In a running store that is one row
// a stream and flush, always the same one.
func (s *segment) writeOwn(ctx context.Context, tx *sql.Tx, add journal.Vector, added map[journal.StreamKey]int64) error {
	for k, iv := range add {
		n, ok := s.sources[k]
		if !ok {
			n = added[k]
		}
		merged := journal.Vector{k: append([]journal.Interval(nil), s.own[k]...)}
		for _, x := range iv {
			merged.Add(k, x.First, x.Last)
		}
		old, now, keep := s.own[k], merged[k], 0
		for keep < len(old) && keep < len(now) && old[keep] == now[keep] {
			keep++
		}
		grown := keep == len(old)-1 && keep == len(now)-1 && old[keep].First == now[keep].First
		if keep < len(old) && !grown {
			if _, err := tx.ExecContext(ctx, "DELETE FROM own WHERE source = ? AND first >= ?", n, int64(old[keep].First)); err != nil {
				return err
			}
		}
		for _, x := range now[keep:] {
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO own(source, first, last) VALUES(?, ?, ?)", n, int64(x.First), int64(x.Last)); err != nil {
				return err
			}
		}
	}
	return nil
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

// contents returns copies of what stands in the segment and of its numbers for sources.
func (s *segment) contents() (journal.Vector, map[journal.StreamKey]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own.Clone(), maps.Clone(s.sources)
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

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
