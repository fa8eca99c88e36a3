package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// TestWriterRefuses: what a reader would not take is not written.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	for name, spoil := range map[string]func(*journal.Header){
		"seq 0":              func(h *journal.Header) { h.Seq = 0 },
		"seq over":           func(h *journal.Header) { h.Seq = journal.MaxSeq + 1 },
		"turn 0":             func(h *journal.Header) { h.Turn = 0 },
		"turn over":          func(h *journal.Header) { h.Turn = journal.MaxTurn + 1 },
		"no incarnation":     func(h *journal.Header) { h.Incarnation = 0 },
		"no stream":          func(h *journal.Header) { h.Stream = 0 },
		"year 0":             func(h *journal.Header) { h.WallMS = journal.MinMS - 1 },
		"year 10000":         func(h *journal.Header) { h.WallMS = journal.MaxMS + 1 },
		"wall wraps":         func(h *journal.Header) { h.WallMS = math.MinInt64 },
		"too many records":   func(h *journal.Header) { h.Records = journal.MaxRecords + 1 },
		"too many layouts":   func(h *journal.Header) { h.Uses = make([]journal.LayoutID, journal.MaxLayouts+1) },
		"less than a record": func(h *journal.Header) { h.Records = -1 },
	} {
		h := goldenHeader(journal.Facts, 1, 1)
		spoil(&h)
		if _, err := c.AppendBatch(nil, h, nil); err == nil {
			t.Errorf("%s: written", name)
		}
		if h.Records < 0 {
			continue
		}
		if _, err := journal.ParseBatch(bookBatch{format: 1, header: h}.bytes()); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%s: read: %v", name, err)
		}
	}
	if _, err := c.AppendBatch(nil, goldenHeader(journal.Facts, 1, 1), make([]byte, journal.MaxRaw+1)); err == nil {
		t.Error("a body over the limit: written")
	}
	if _, err := c.AppendBatch(nil, goldenHeader(journal.Facts, 1, 1), make([]byte, journal.MaxRaw)); err != nil {
		t.Errorf("a body at the limit: %v", err)
	}
}

func TestReaderRefusesBatches(t *testing.T) {
	t.Parallel()
	good := bookBatch{format: 1, header: goldenHeader(journal.Facts, 1, 1)}
	for name, spoil := range map[string]func(*bookBatch){
		"format 0":       func(b *bookBatch) { b.format = 0 },
		"raw over":       func(b *bookBatch) { b.raw = journal.MaxRaw + 1 },
		"stored over":    func(b *bookBatch) { b.stored = make([]byte, journal.MaxRaw+1) },
		"extra over":     func(b *bookBatch) { b.extra = make([]byte, 1<<12+1) },
		"records over":   func(b *bookBatch) { b.header.Records = journal.MaxRecords + 1 },
		"long number":    func(b *bookBatch) { b.stored = nil; b.header.Seq = 1 << 63 },
		"wall in excess": func(b *bookBatch) { b.header.WallMS, b.header.Turn = math.MaxInt64, 1 },
	} {
		b := good
		spoil(&b)
		if _, err := journal.ParseBatch(b.bytes()); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := journal.ParseBatch(good.bytes()); err != nil {
		t.Errorf("the batch they were made from: %v", err)
	}
}

func TestWriterRefusesFacts(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]hw.Fact{
		"no kind":         {Value: hw.Opaque{}, Version: 1},
		"no value":        {Kind: hw.GapFact},
		"other value":     {Kind: hw.GapFact, Value: hw.ClockValue{}},
		"other opaque":    {Kind: 300, Version: 1, Value: hw.Opaque{Kind: 301}},
		"opaque, version": {Kind: 300, Value: hw.Opaque{Kind: 300}},
	} {
		if _, err := journal.AppendFact(nil, f, 0); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

// TestUntidyPairs: a reader takes pairs in order of key only, so they are written in it.
func TestUntidyPairs(t *testing.T) {
	t.Parallel()
	f := hw.Fact{Kind: hw.ComponentFact, Value: hw.ComponentValue{State: hw.Attrs{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}}}}
	body, err := journal.AppendFact(nil, f, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := onlyFact(t, body, 0)
	if s := fmt.Sprint(got.Value.(hw.ComponentValue).State); s != "[{a 2} {b 1}]" {
		t.Errorf("state became %s", s)
	}
	if v := f.Value.(hw.ComponentValue); v.State[0].Key != "b" {
		t.Error("the caller's pairs were sorted in place")
	}
}

func onlyFact(t *testing.T, body []byte, wall int64) (f hw.Fact) {
	err := journal.Records(body, func(r journal.Record) error {
		raw, err := journal.ParseFact(r.Payload)
		if err != nil {
			return err
		}
		f, err = raw.Fact(wall)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFarTimes: a time no calendar prints becomes the nearest that one does, whatever the
// wall time, and no difference overflows.
func TestFarTimes(t *testing.T) {
	t.Parallel()
	far := []time.Time{time.Unix(math.MinInt64, 0), time.UnixMilli(math.MinInt64), time.Unix(1<<40, 0), time.UnixMilli(math.MaxInt64), time.Unix(math.MaxInt64, 0)}
	for _, wall := range []int64{math.MinInt64, journal.MinMS, 0, journal.MaxMS, math.MaxInt64} {
		for i, x := range far {
			want := int64(journal.MinMS)
			if x.Year() > 9999 && i > 1 {
				want = journal.MaxMS
			}
			body, err := journal.AppendFact(nil, hw.Fact{Kind: hw.GapFact, At: x, Value: hw.GapValue{From: x}}, wall)
			if err != nil {
				t.Fatal(err)
			}
			f := onlyFact(t, body, wall)
			if got := f.At.UnixMilli(); got != want {
				t.Errorf("wall %d: time %d became %d, want %d", wall, i, got, want)
			}
			if got := f.Value.(hw.GapValue).From.UnixMilli(); got != want {
				t.Errorf("wall %d: value's time %d became %d, want %d", wall, i, got, want)
			}
		}
	}
}

func TestWriterRefusesLayouts(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	long := strings.Repeat("x", journal.MaxName)
	wide := func(n, size int) (e []journal.Entry) {
		for i := range n {
			e = append(e, journal.Entry{Component: fmt.Sprintf("%08d", i) + long[:size-8], Sensor: "s"})
		}
		return e
	}
	for name, e := range map[string][]journal.Entry{
		"long component":    {{Component: long + "x"}},
		"long sensor":       {{Sensor: long + "x"}},
		"unknown type":      {{Type: 2}},
		"repeated":          {{Sensor: "a"}, {Sensor: "a"}},
		"component again":   {{Component: "a", Sensor: "b"}, {Component: "a", Sensor: "a"}},
		"out of order":      {{Component: "b"}, {Component: "a"}},
		"too many":          make([]journal.Entry, 1<<20+1),
		"too many bytes":    wide(journal.MaxRaw/journal.MaxName+2, journal.MaxName),
		"components' bytes": sharing(journal.MaxComponents/journal.MaxName + 1),
	} {
		if _, err := c.NewLayout(e); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	e := sharing(journal.MaxComponents / journal.MaxName)
	l, err := c.NewLayout(e)
	if err != nil {
		t.Fatalf("at the limit: %v", err)
	}
	if got, err := c.Entries(l); err != nil || len(got) != len(e) {
		t.Errorf("at the limit: %d entries read: %v", len(got), err)
	}
}

// sharing returns n components of the greatest length that differ at their end only.
func sharing(n int) (e []journal.Entry) {
	begin := strings.Repeat("x", journal.MaxName-8)
	for i := range n {
		e = append(e, journal.Entry{Component: begin + fmt.Sprintf("%08d", i)})
	}
	return e
}

// bookLayout is a plain layout of a body given by hand.
func bookLayout(body []byte) journal.Layout {
	b := append([]byte("RPL\x01\x00"), bookSized[string](nil, string(body))...)
	return journal.Layout{ID: journal.LayoutName(b), Bytes: b}
}

func TestReaderRefusesLayouts(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	component := func(shared int, rest string, sensors ...string) []byte {
		p := bookSized(binary.AppendUvarint(nil, uint64(shared)), rest)
		p = binary.AppendUvarint(p, uint64(len(sensors)))
		for _, s := range sensors {
			p = append(bookSized(p, s), 0)
		}
		return p
	}
	body := func(cs ...[]byte) []byte {
		return append(binary.AppendUvarint(nil, uint64(len(cs))), bytes.Join(cs, nil)...)
	}
	for name, b := range map[string][]byte{
		"no sensor":            body(component(0, "a")),
		"component again":      body(component(0, "a", "x"), component(1, "", "y")),
		"shares less":          body(component(0, "ab", "x"), component(0, "ac", "x")),
		"shares too much":      body(component(0, "ab", "x"), component(3, "", "x")),
		"out of order":         body(component(0, "b", "x"), component(0, "a", "x")),
		"sensors out of order": body(component(0, "b", "y", "x")),
		"cut short":            body(component(0, "b", "y"))[:4],
		"one more":             append([]byte{2}, component(0, "a", "x")...),
		"bytes after":          append(body(), 0),
		"type 2":               append(component(0, "a", "x")[:0:0], 1, 0, 1, 'a', 1, 1, 'x', 2),
	} {
		if e, err := c.Entries(bookLayout(b)); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%s: read as %v: %v", name, e, err)
		}
	}
	if e, err := c.Entries(bookLayout(body(component(0, "a", "x"), component(1, "b", "x")))); err != nil || len(e) != 2 {
		t.Errorf("a good one by the book: %v, %v", e, err)
	}
	// 16 MiB that would be terabytes, were names of any length.
	bomb := binary.AppendUvarint(nil, 1<<20)
	for i := range 1 << 20 {
		bomb = append(bomb, component(min(i, 1<<19), "x", "s")...)
		if len(bomb) > 8<<20 {
			break
		}
	}
	if _, err := c.Entries(bookLayout(bomb)); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("components that grow without end: %v", err)
	}
}

// TestBomb: a body that unpacks to more than was announced is refused, and so is one that
// announces more than the limit.
func TestBomb(t *testing.T) {
	t.Parallel()
	enc, err := zstd.NewWriter(nil, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	packed := enc.EncodeAll(make([]byte, journal.MaxRaw+1), nil)
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	var c journal.Compressor
	for _, raw := range []int{0, 1, 1000, journal.MaxRaw} {
		b, err := journal.ParseBatch(bookBatch{format: 1, codec: 1, header: goldenHeader(journal.Facts, 1, 1), raw: raw, stored: packed}.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Body(&b); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("%d bytes announced: %v", raw, err)
		}
	}
	base := append([]byte("RPB\x01\x01"), binary.AppendUvarint(nil, 1<<40)...)
	if _, err := c.UnmarshalBase(bookSum(append(base, packed...))); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("a base that announces a terabyte: %v", err)
	}
}

// TestLargeBodies: what fits the limits comes back, also where it is larger than a window.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	large := bytes.Repeat([]byte("a record like many others; "), journal.MaxRaw/27)
	large = append(large, make([]byte, journal.MaxRaw-len(large))...)
	raw, err := c.AppendBatch(nil, goldenHeader(journal.Facts, 1, 1), large)
	if err != nil {
		t.Fatal(err)
	}
	b, err := journal.ParseBatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Body(&b); err != nil || !bytes.Equal(got, large) {
		t.Errorf("a body of %d bytes came back as %d: %v", len(large), len(got), err)
	}
	base := goldenBase(t)
	base.Registers[0].Payload, base.Registers[1].Payload = large, large
	if raw, err = c.MarshalBase(base); err != nil {
		t.Fatal(err)
	}
	if got, err := c.UnmarshalBase(raw); err != nil || !bytes.Equal(got.Registers[1].Payload, large) {
		t.Errorf("a base of more than %d bytes does not come back: %v", 2*len(large), err)
	}
}

// TestAbsentTwice: an entry is absent for one reason, so that reasons cannot be piled up.
func TestAbsentTwice(t *testing.T) {
	t.Parallel()
	all := func(reason string) []byte { return bookText(8, append(bookSized(nil, reason), 0, 3)) }
	v, err := journal.ParseVisit(append(all("no-answer"), all("garbage")...), goldenWall)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Samples(nil, make([]journal.Entry, 3)); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("read: %v", err)
	}
}

// TestUnknownWords: a later version's health, level or extent is never taken for a good one.
func TestUnknownWords(t *testing.T) {
	t.Parallel()
	v, err := journal.ParseVisit(bookText(7, "\x09ports"), goldenWall)
	if err != nil || len(v.Read) != 1 || v.Read[0].Extent != hw.Failed || v.Good() {
		t.Errorf("extent 9 read as %v, %v", v.Read, err)
	}
	fact := func(kind uint64, value []byte) hw.Value {
		return onlyFact(t, bookRecord(nil, 2, bookUint(1, kind), bookUint(2, 1), bookText(8, value)), 0).Value
	}
	if got := fact(1, bookUint(1, 9)).(hw.ComponentValue).Health; got != hw.Unknown {
		t.Errorf("health 9 read as %s", got)
	}
	if got := fact(2, bookUint(2, 9)).(hw.AlertValue).Level; got != hw.LevelDisaster {
		t.Errorf("level 9 read as %v", got)
	}
}
