package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Audit is what Verify found.
type Audit struct {
	Segments, Batches, Layouts, Bases int
	Vector                            journal.Vector // what stands in the segments
	Faults                            []string
	Notes                             []string // what was put aside as damaged before
}

// Verify reads a journal that no store has open, or a copy of one: every checksum, the chain
// of every stream, every layout, record and base. It changes nothing. Each fault is written
// to w as it is found, and a note for each file put aside as damaged. The error is about reading the folder, not about faults.
func Verify(ctx context.Context, dir string, w io.Writer) (Audit, error) {
	a := auditor{w: w, last: map[journal.StreamKey]chainEnd{}}
	a.Vector = journal.Vector{}
	segments, err := listSegments(ctx, dir)
	if err != nil {
		return a.Audit, err
	}
	for _, g := range segments {
		if err := ctx.Err(); err != nil {
			return a.Audit, err
		}
		a.segment(ctx, g)
	}
	return a.Audit, errors.Join(a.bases(dir), a.aside(dir))
}

// aside notes the files that were put aside as damaged: what they lost was told in the journal.
func (a *auditor) aside(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if isAside(e.Name()) && strings.HasSuffix(e.Name(), damagedSuffix) {
			text := e.Name() + ": put aside as damaged; what could be read of it is in the journal"
			a.Notes = append(a.Notes, text)
			fmt.Fprintln(a.w, "note: "+text)
		}
	}
	return err
}

// listSegments loads the segments of dir for reading only.
func listSegments(ctx context.Context, dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var out []*segment
	for _, e := range entries {
		number, id, sealed, ok := parseSegmentName(e.Name())
		if !ok {
			continue
		}
		g := &segment{id: id, number: number, path: filepath.Join(dir, e.Name()), sealed: sealed, held: journal.Vector{},
			span: emptySpan(), layouts: map[journal.LayoutID]struct{}{}}
		if !sealed {
			g.reader = openDB(g.path, readOnly)
		}
		g.damage = g.read(func(db *sql.DB) error { return g.load(ctx, db) })
		g.held = nil
		out = append(out, g)
	}
	if len(out) == 0 {
		if _, err := os.Stat(filepath.Join(dir, identityFile)); err != nil {
			return nil, fmt.Errorf("%s holds no journal: name the folder that box.yaml gives as data", dir)
		}
	}
	slices.SortFunc(out, func(a, b *segment) int { return strings.Compare(filepath.Base(a.path), filepath.Base(b.path)) })
	return out, nil
}

type auditor struct {
	Audit
	w    io.Writer
	pack journal.Compressor
	last map[journal.StreamKey]chainEnd
}

type chainEnd struct {
	seq      uint64
	checksum uint32
}

func (a *auditor) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	a.Faults = append(a.Faults, text)
	fmt.Fprintln(a.w, text)
}

func (a *auditor) segment(ctx context.Context, g *segment) {
	a.Segments++
	name := filepath.Base(g.file())
	if err := g.damaged(); err != nil {
		a.fault("%s: %v", name, err)
		return
	}
	stands := journal.Vector{}
	err := g.read(func(db *sql.DB) error {
		var answer string
		if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil || answer != "ok" {
			return errors.Join(err, fmt.Errorf("sqlite finds: %s", answer))
		}
		layouts := map[journal.LayoutID][]journal.Entry{}
		err := each(ctx, db, "SELECT name, bytes FROM layout", nil, func(rows *sql.Rows) error {
			var id, raw []byte
			if err := rows.Scan(&id, &raw); err != nil {
				return err
			}
			l := journal.Layout{Bytes: raw}
			copy(l.ID[:], id)
			entries, err := a.pack.Entries(l)
			if err != nil && !errors.Is(err, journal.ErrNewer) {
				a.fault("%s: layout %s: %v", name, l.ID, err)
			}
			layouts[l.ID] = entries
			a.Layouts++
			return nil
		})
		if err != nil {
			return err
		}
		return eachRow(ctx, db, "SELECT position, bytes FROM batch ORDER BY position", nil, func(position int64, raw []byte) error {
			a.batch(fmt.Sprintf("%s position %d", name, position), raw, layouts, stands)
			return nil
		})
	})
	if err != nil {
		a.fault("%s: %v", name, err)
	}
	if g.reader != nil {
		if err := g.close(); err != nil {
			a.fault("%s: %v", name, err)
		}
	}
	if own := g.contents(); err == nil && !own.Equal(stands) {
		a.fault("%s: says it holds %d batches, %d stand in it", name, own.Count(), stands.Count())
	}
	a.Vector.Join(stands)
}

func (a *auditor) batch(where string, raw []byte, layouts map[journal.LayoutID][]journal.Entry, stands journal.Vector) {
	a.Batches++
	b, err := journal.ParseBatch(raw)
	if err != nil {
		a.fault("%s: %v", where, err)
		return
	}
	if stands.Has(b.StreamKey, b.Seq) || a.Vector.Has(b.StreamKey, b.Seq) {
		a.fault("%s: batch %s stands twice", where, b.Key)
	}
	stands.Add(b.StreamKey, b.Seq, b.Seq)
	// The chain is checked where both ends are here; others' batches may come in any order.
	if end, ok := a.last[b.StreamKey]; ok && end.seq+1 == b.Seq && end.checksum != b.Previous {
		a.fault("%s: batch %s does not follow the one before it", where, b.Key)
	}
	a.last[b.StreamKey] = chainEnd{b.Seq, b.Checksum()}
	for _, id := range b.Uses {
		if _, ok := layouts[id]; !ok {
			a.fault("%s: batch %s: layout %s is missing", where, b.Key, id)
		}
	}
	n := 0
	body, err := a.pack.Body(&b)
	if err == nil {
		err = journal.Records(body, func(rec journal.Record) error {
			n++
			return checkRecord(&b, rec, layouts)
		})
	}
	switch {
	case errors.Is(err, journal.ErrNewer):
	case err != nil:
		a.fault("%s: batch %s: %v", where, b.Key, err)
	case n != b.Records:
		a.fault("%s: batch %s says %d records, %d are there", where, b.Key, b.Records, n)
	}
}

func checkRecord(b *journal.Batch, rec journal.Record, layouts map[journal.LayoutID][]journal.Entry) error {
	switch rec.Type {
	case journal.TypeFact:
		raw, err := journal.ParseFact(rec.Payload)
		if err == nil {
			_, err = raw.Fact(b.WallMS)
		}
		return err
	case journal.TypeVisit:
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		if err != nil {
			return err
		}
		if v.Layout >= len(b.Uses) {
			return fmt.Errorf("%w: visit of layout %d of %d", journal.ErrCorrupt, v.Layout, len(b.Uses))
		}
		if entries := layouts[b.Uses[v.Layout]]; entries != nil {
			_, err = v.Samples(nil, entries)
		}
		return err
	case journal.TypeBegin:
		_, err := journal.ParseBegin(rec.Payload)
		return err
	case journal.TypeTombstone:
		_, err := journal.ParseTombstone(rec.Payload)
		return err
	case journal.TypeLogLine:
		_, _, err := journal.ParseLogLine(rec.Payload)
		return err
	case journal.TypeLogCursor:
		_, _, err := journal.ParseLogCursor(rec.Payload)
		return err
	}
	return nil
}

func (a *auditor) bases(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), baseSuffix) {
			continue
		}
		a.Bases++
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			_, err = a.pack.UnmarshalBase(raw)
		}
		if err != nil {
			a.fault("%s: %v", e.Name(), err)
		}
	}
	return nil
}

// ErrDamaged is the error of a dump that is not whole: it says in its place what is damaged.
var ErrDamaged = errors.New("not everything could be read")

// Dump writes the batches of a journal in words, oldest first; samples only when asked for.
// What is damaged is said so and passed over; the error is then ErrDamaged.
func Dump(ctx context.Context, dir string, w io.Writer, samples bool) error {
	segments, err := listSegments(ctx, dir)
	if err != nil {
		return err
	}
	d := dumper{w: w, samples: samples}
	for _, g := range segments {
		fmt.Fprintf(w, "segment %s\n", filepath.Base(g.file()))
		if err := g.damaged(); err != nil {
			d.damage("  damaged: %v\n", err)
			continue
		}
		err := g.read(func(db *sql.DB) error {
			return eachRow(ctx, db, "SELECT position, bytes FROM batch ORDER BY position", nil, func(position int64, raw []byte) error {
				return d.batch(ctx, g, position, raw)
			})
		})
		if g.reader != nil {
			err = errors.Join(err, g.close())
		}
		switch {
		case isDamaged(err):
			d.damage("  damaged: %v\n", err)
		case err != nil:
			return fmt.Errorf("dump %s: %w", filepath.Base(g.file()), err)
		}
	}
	if d.damaged > 0 {
		return fmt.Errorf("dump %s: %d damaged: %w", dir, d.damaged, ErrDamaged)
	}
	return nil
}

type dumper struct {
	w       io.Writer
	samples bool
	pack    journal.Compressor
	damaged int
}

// damage writes what is damaged and counts it.
func (d *dumper) damage(format string, args ...any) error {
	d.damaged++
	_, err := fmt.Fprintf(d.w, format, args...)
	return err
}

func (d *dumper) batch(ctx context.Context, g *segment, position int64, raw []byte) error {
	b, err := journal.ParseBatch(raw)
	if err != nil {
		return d.damage("  %d damaged: %v\n", position, err)
	}
	fmt.Fprintf(d.w, "  %d %s seq %d of %s/%s turn %d wall %s %s, %d records in %d bytes\n", position, b.Stream, b.Seq, b.Origin, b.Incarnation,
		b.Turn, time.UnixMilli(b.WallMS).UTC().Format(time.RFC3339Nano), b.Mode, b.Records, len(b.Bytes))
	body, err := d.pack.Body(&b)
	if err != nil {
		return d.damage("    damaged: %v\n", err)
	}
	var write error
	err = journal.Records(body, func(rec journal.Record) error {
		text, err := d.record(ctx, g, &b, rec)
		if err != nil {
			write = d.damage("    damaged: %v\n", err)
			return write
		}
		_, write = fmt.Fprintf(d.w, "    %s\n", text)
		return write
	})
	if err != nil && write == nil {
		return d.damage("    damaged: %v\n", err)
	}
	return write
}

func (d *dumper) record(ctx context.Context, g *segment, b *journal.Batch, rec journal.Record) (string, error) {
	switch rec.Type {
	case journal.TypeBegin:
		x, err := journal.ParseBegin(rec.Payload)
		if x.Previous == 0 {
			return fmt.Sprintf("begin, the first of this origin, version %q", x.Version), err
		}
		return fmt.Sprintf("begin after %s, which was closed in order: %t, and had %v, version %q", x.Previous, x.Clean, x.Last, x.Version), err
	case journal.TypeTombstone:
		x, err := journal.ParseTombstone(rec.Payload)
		return fmt.Sprintf("tombstone over %s %d to %d, %s, HQ has them: %t", x.StreamKey, x.First, x.Last, x.Reason, x.HadHQ), err
	case journal.TypeFact:
		raw, err := journal.ParseFact(rec.Payload)
		if err != nil {
			return "", err
		}
		f, err := raw.Fact(b.WallMS)
		return factText(f), err
	case journal.TypeLogLine:
		device, l, err := journal.ParseLogLine(rec.Payload)
		return fmt.Sprintf("log %s %s/%s %s %s %q", device, l.Log, l.Entry, l.At.Format(time.RFC3339), l.Level, l.Text), err
	case journal.TypeLogCursor:
		device, c, err := journal.ParseLogCursor(rec.Payload)
		return fmt.Sprintf("cursor %s %s %s", device, c.Log, c.Cursor), err
	case journal.TypeVisit:
		return d.visit(ctx, g, b, rec)
	}
	return fmt.Sprintf("record of type %d, %d bytes", rec.Type, len(rec.Payload)), nil
}

func (d *dumper) visit(ctx context.Context, g *segment, b *journal.Batch, rec journal.Record) (string, error) {
	v, err := journal.ParseVisit(rec.Payload, b.WallMS)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("visit %s at %s took %s, %d requests, next in %s, %s", v.Device, v.Started.Format(time.RFC3339Nano),
		v.Took, v.Requests, v.Period, scopesText(v.Read))
	if !d.samples || v.Layout >= len(b.Uses) {
		return text, nil
	}
	l, err := g.layout(ctx, b.Uses[v.Layout])
	if err != nil {
		return text, err
	}
	entries, err := d.pack.Entries(l)
	if err != nil {
		return text, err
	}
	samples, err := v.Samples(nil, entries)
	for _, x := range samples {
		switch {
		case x.Absent != "":
			text += fmt.Sprintf("\n      %s %s absent: %s", x.Component, x.Sensor, x.Absent)
		case x.Type == hw.Counter:
			text += fmt.Sprintf("\n      %s %s %d", x.Component, x.Sensor, x.Count)
		default:
			text += fmt.Sprintf("\n      %s %s %g", x.Component, x.Sensor, x.Gauge)
		}
	}
	return text, err
}
