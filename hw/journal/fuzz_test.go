package journal_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// seeds adds the golden files whose names begin with one of prefixes.
func seeds(f *testing.F, prefixes ...string) {
	files, err := filepath.Glob("testdata/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		for _, p := range prefixes {
			if !strings.HasPrefix(filepath.Base(file), p) {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

func FuzzParseBatch(f *testing.F) {
	seeds(f, "begin", "facts", "acts", "tombstones", "samples", "logs", "later")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			return
		}
		raw = resum(raw)
		b, err := journal.ParseBatch(raw)
		if err != nil {
			return
		}
		c := journal.NewPlainCompressor()
		body, err := c.Body(&b)
		if err != nil || b.Format != journal.Format {
			return
		}
		again, err := c.AppendBatch(nil, b.Header, body)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		if x, err := journal.ParseBatch(again); err != nil || x.Key != b.Key || x.Turn != b.Turn || x.WallMS != b.WallMS {
			t.Fatalf("%x became %x: %v", raw, again, err)
		}
	})
}

// FuzzRecords reads any bytes as a body by every parser, and what they take by all that comes
// after them. What is written from it is read as the same.
func FuzzRecords(f *testing.F) {
	files, err := filepath.Glob("testdata/*.bin")
	if err != nil {
		f.Fatal(err)
	}
	var c journal.Compressor
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if b, err := journal.ParseBatch(raw); err == nil {
			if body, err := c.Body(&b); err == nil {
				f.Add(body)
			}
		}
	}
	entries := entriesOf(goldenSamples())
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = journal.Records(body, func(r journal.Record) error { // an error ends it, as it should
			for _, kind := range []journal.RecordType{journal.TypeBegin, journal.TypeFact, journal.TypeVisit, journal.TypeLogLine, journal.TypeLogCursor, journal.TypeTombstone} {
				r.Type = kind
				once, err := recordAgain(nil, r, goldenWall, entries)
				if err != nil {
					continue
				}
				var twice []byte
				err = journal.Records(once, func(r journal.Record) (err error) {
					twice, err = recordAgain(nil, r, goldenWall, entries)
					return err
				})
				if err != nil || !bytes.Equal(once, twice) {
					t.Fatalf("type %d: %x was written as %x and then as %x: %v", kind, r.Payload, once, twice, err)
				}
			}
			return nil
		})
	})
}

func FuzzLayout(f *testing.F) {
	seeds(f, "layout")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			return
		}
		c := journal.NewPlainCompressor()
		l := journal.Layout{ID: journal.LayoutName(raw), Bytes: raw}
		e, err := c.Entries(l)
		if err != nil {
			return
		}
		again, err := c.NewLayout(e)
		if err != nil {
			t.Fatalf("%v read and not written: %v", e, err)
		}
		if raw[4] == 0 && !bytes.Equal(again.Bytes, raw) {
			t.Fatalf("%x became %x", raw, again.Bytes)
		}
	})
}

func FuzzVector(f *testing.F) {
	seeds(f, "vector")
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = resum(raw)
		v, err := journal.UnmarshalVector(raw)
		if err != nil {
			return
		}
		if again := v.Marshal(); !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x", raw, again)
		}
	})
}

func FuzzBase(f *testing.F) {
	seeds(f, "base")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<16 {
			return
		}
		c := journal.NewPlainCompressor()
		b, err := c.UnmarshalBase(resum(raw))
		if err != nil {
			return
		}
		once, err := c.MarshalBase(b)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		b, err = c.UnmarshalBase(once)
		if err != nil {
			t.Fatalf("written and not read: %v", err)
		}
		if twice, err := c.MarshalBase(b); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x became %x: %v", once, twice, err)
		}
	})
}

// FuzzGauge reads any bytes as a gauge; what it reads is written so that it is read again.
func FuzzGauge(f *testing.F) {
	for _, s := range goldenSamples() {
		if s.Type == hw.Gauge {
			f.Add(journal.AppendGauge(nil, s.Gauge))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := journal.ReadGauge(b)
		if err != nil {
			return
		}
		once := journal.AppendGauge(nil, v)
		if got, rest, err := journal.ReadGauge(once); err != nil || len(rest) > 0 || math.Float64bits(got) != math.Float64bits(v) {
			t.Fatalf("%x is %v, written as %x, and then %v: %v", b, v, once, got, err)
		}
	})
}
