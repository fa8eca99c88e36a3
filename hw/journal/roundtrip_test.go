package journal_test

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
)

func drawTime(t *rapid.T, label string) time.Time {
	ms := rapid.OneOf(rapid.SampledFrom([]int64{journal.MinMS, journal.MinMS + 1, -1, 0, 1, goldenWall, 9_214_646_400_000, journal.MaxMS}),
		rapid.Int64Range(journal.MinMS, journal.MaxMS)).Draw(t, label)
	if ms == journal.MinMS {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"port/Gi1/0/1", "端口", "\xff\x00"}), rapid.String()).Draw(t, label)
}

func drawPairs(t *rapid.T, label string) hw.Attrs {
	m := rapid.MapOfN(rapid.String(), rapid.String(), 0, 4).Draw(t, label)
	var a hw.Attrs
	for k, v := range m {
		a = append(a, hw.Attr{Key: k, Value: v})
	}
	slices.SortFunc(a, func(x, y hw.Attr) int { return bytes.Compare([]byte(x.Key), []byte(y.Key)) })
	return a
}

func drawValue(t *rapid.T) hw.Value {
	switch rapid.IntRange(0, 7).Draw(t, "value") {
	case 0:
		return hw.ComponentValue{Health: hw.Health(rapid.IntRange(0, 3).Draw(t, "health")), State: drawPairs(t, "state"), Attrs: drawPairs(t, "attrs"),
			Expected: rapid.Bool().Draw(t, "expected"), Missing: rapid.Bool().Draw(t, "missing"), Flaps: rapid.Uint32().Draw(t, "flaps")}
	case 1:
		return hw.AlertValue{Open: rapid.Bool().Draw(t, "open"), Level: hw.Level(rapid.IntRange(0, 4).Draw(t, "level")), Since: drawTime(t, "since"),
			Closed: drawTime(t, "closed"), Params: drawPairs(t, "params")}
	case 2:
		return hw.GapValue{Reason: hw.Reason(drawText(t, "reason")), Detail: drawText(t, "detail"), From: drawTime(t, "from"), To: drawTime(t, "to")}
	case 3:
		return hw.UnitValue{Serial: drawText(t, "serial"), Model: drawText(t, "model"), Version: drawText(t, "version"), Name: drawText(t, "name"),
			Since: drawTime(t, "since"), Previous: drawText(t, "previous")}
	case 4:
		return hw.ClockValue{Trusted: rapid.Bool().Draw(t, "trusted"), Source: drawText(t, "source"), OffsetMS: rapid.Int64().Draw(t, "offset")}
	case 5:
		return hw.ActValue{Phase: hw.Phase(rapid.IntRange(0, 3).Draw(t, "phase")), On: rapid.Bool().Draw(t, "on"), Who: drawText(t, "who"),
			Since: drawTime(t, "since"), Until: drawTime(t, "until"), Reason: hw.Reason(drawText(t, "reason")), Detail: drawText(t, "detail"), Params: drawPairs(t, "params")}
	case 6:
		return hw.LearnedValue{Value: drawText(t, "text")}
	}
	kind := hw.FactKind(rapid.IntRange(8, math.MaxUint16).Draw(t, "kind"))
	return hw.Opaque{Kind: kind, Bytes: rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes")}
}

func drawFact(t *rapid.T) hw.Fact {
	v := drawValue(t)
	f := hw.Fact{Kind: v.FactKind(), Version: 1, Device: hw.DeviceID(drawText(t, "device")), Component: drawText(t, "component"),
		Group: drawText(t, "group"), At: drawTime(t, "at"), Value: v}
	if _, ok := v.(hw.Opaque); ok {
		f.Version = uint16(rapid.IntRange(1, math.MaxUint16).Draw(t, "version"))
	}
	if rapid.IntRange(0, 4).Draw(t, "removed") == 0 {
		f.Removed, f.Value = true, nil
	}
	return f
}

func drawWall(t *rapid.T) int64 {
	return rapid.OneOf(rapid.SampledFrom([]int64{journal.MinMS, 0, goldenWall, journal.MaxMS}), rapid.Int64Range(journal.MinMS, journal.MaxMS)).Draw(t, "wall")
}

func TestFactRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, wall := drawFact(t), drawWall(t)
		body, err := journal.AppendFact(nil, f, wall)
		if err != nil {
			t.Fatal(err)
		}
		err = journal.Records(body, func(r journal.Record) error {
			raw, err := journal.ParseFact(r.Payload)
			if err != nil {
				return err
			}
			got, err := raw.Fact(wall)
			if err != nil {
				return err
			}
			if d := cmp.Diff(f, got); d != "" {
				t.Fatal(d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sameAgain(t, body, wall)
	})
}

// sameAgain says that what was written, decoded, is written as the same bytes.
func sameAgain(t *rapid.T, body []byte, wall int64) {
	var out []byte
	err := journal.Records(body, func(r journal.Record) (err error) {
		out, err = recordAgain(out, r, wall, nil)
		return err
	})
	if err != nil || !bytes.Equal(out, body) {
		t.Fatalf("%x became %x: %v", body, out, err)
	}
}

func drawKey(t *rapid.T) journal.StreamKey {
	return journal.StreamKey{Site: journal.ID{rapid.Byte().Draw(t, "site")}, Origin: journal.ID{0, rapid.Byte().Draw(t, "origin")},
		Incarnation: journal.Incarnation(rapid.Uint64Range(1, math.MaxUint64).Draw(t, "incarnation")),
		Stream:      journal.Stream(rapid.Uint8Range(1, 255).Draw(t, "stream"))}
}

func TestOtherRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := journal.Begin{Previous: journal.Incarnation(rapid.Uint64().Draw(t, "previous")), Version: drawText(t, "version"), Clean: rapid.Bool().Draw(t, "clean")}
		for range rapid.IntRange(0, 3).Draw(t, "streams") {
			begin.Last = append(begin.Last, journal.StreamSeq{Stream: journal.Stream(rapid.Uint8().Draw(t, "stream")), Seq: rapid.Uint64Range(1, journal.MaxSeq).Draw(t, "seq")})
		}
		first := rapid.Uint64Range(1, journal.MaxSeq).Draw(t, "first")
		tomb := journal.Tombstone{StreamKey: drawKey(t), Interval: journal.Interval{First: first, Last: rapid.Uint64Range(first, journal.MaxSeq).Draw(t, "last")},
			HadHQ: rapid.Bool().Draw(t, "had"), Reason: drawText(t, "reason")}
		line := hw.LogLine{Unit: drawText(t, "unit"), Log: drawText(t, "log"), Entry: drawText(t, "entry"), At: drawTime(t, "at"),
			Level: drawText(t, "level"), Code: drawText(t, "code"), Text: drawText(t, "text")}
		cursor := hw.LogCursor{Log: drawText(t, "log"), Cursor: drawText(t, "cursor")}
		body := journal.AppendBegin(nil, begin)
		body = journal.AppendTombstone(body, tomb)
		body = journal.AppendLogLine(body, "sw-1", line)
		body = journal.AppendLogCursor(body, "sw-1", cursor)
		var got []any
		err := journal.Records(body, func(r journal.Record) (err error) {
			var x any
			switch r.Type {
			case journal.TypeBegin:
				x, err = journal.ParseBegin(r.Payload)
			case journal.TypeTombstone:
				x, err = journal.ParseTombstone(r.Payload)
			case journal.TypeLogLine:
				_, x, err = journal.ParseLogLine(r.Payload)
			case journal.TypeLogCursor:
				_, x, err = journal.ParseLogCursor(r.Payload)
			}
			got = append(got, x)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]any{begin, tomb, line, cursor}, got); d != "" {
			t.Fatal(d)
		}
		sameAgain(t, body, goldenWall)
	})
}

func TestGaugeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.Custom(func(t *rapid.T) float64 { return math.Float64frombits(rapid.Uint64().Draw(t, "bits")) }),
			rapid.Custom(func(t *rapid.T) float64 {
				return float64(rapid.Int64Range(-1<<53, 1<<53).Draw(t, "m")) / math.Pow10(rapid.IntRange(0, 7).Draw(t, "scale"))
			})).Draw(t, "v")
		b := journal.AppendGauge([]byte{7}, v)
		got, rest, err := journal.ReadGauge(append(b[1:], 1, 2))
		if err != nil || math.Float64bits(got) != math.Float64bits(v) || len(rest) != 2 {
			t.Fatalf("%v became %v, %d bytes left: %v", v, got, len(rest), err)
		}
		if again := journal.AppendGauge(nil, got); !bytes.Equal(again, b[1:]) {
			t.Fatalf("%v is %x and %x", v, b[1:], again)
		}
	})
}

func TestBatchRoundTrip(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Just(bytes.Repeat([]byte("abc"), 500))).Draw(t, "body")
		h := journal.Header{Format: 1, Key: journal.Key{StreamKey: drawKey(t), Seq: rapid.Uint64Range(1, journal.MaxSeq).Draw(t, "seq")},
			Turn: rapid.Uint64Range(1, journal.MaxTurn).Draw(t, "turn"), WallMS: drawWall(t), SinceBootMS: rapid.Uint64().Draw(t, "since"),
			Mode: journal.Mode(rapid.Byte().Draw(t, "mode")), Clock: journal.ClockState(rapid.Byte().Draw(t, "clock")), Previous: rapid.Uint32().Draw(t, "previous"),
			Records: rapid.IntRange(0, journal.MaxRecords).Draw(t, "records"), Boot: [8]byte{rapid.Byte().Draw(t, "boot")}}
		for i := range rapid.IntRange(0, 5).Draw(t, "layouts") {
			h.Uses = append(h.Uses, journal.LayoutID{byte(i)})
		}
		raw, err := c.AppendBatch(nil, h, body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := journal.ParseBatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Body(&b)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("body %x became %x: %v", body, got, err)
		}
		if d := cmp.Diff(h, b.Header); d != "" {
			t.Fatal(d)
		}
		i := rapid.IntRange(0, len(raw)-1).Draw(t, "flipped")
		raw[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := journal.ParseBatch(raw); err == nil {
			t.Fatalf("a batch with bit flipped in byte %d is taken", i)
		}
		if _, err := journal.ParseBatch(raw[:i]); err == nil {
			t.Fatalf("a batch cut at %d is taken", i)
		}
	})
}

func drawEntries(t *rapid.T) []journal.Entry {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "a/", "a/b", "ab", "port/Gi1/0/1", "port/Gi1/0/10"}), rapid.String())
	e := rapid.SliceOf(rapid.Custom(func(t *rapid.T) journal.Entry {
		return journal.Entry{Component: text.Draw(t, "component"), Sensor: text.Draw(t, "sensor"), Type: hw.SampleType(rapid.IntRange(0, 1).Draw(t, "type"))}
	})).Draw(t, "entries")
	slices.SortFunc(e, journal.Entry.Compare)
	return slices.Compact(e)
}

func TestLayoutRoundTrip(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntries(t)
		l, err := c.NewLayout(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Entries(l)
		if err != nil || !slices.Equal(e, got) {
			t.Fatalf("%v became %v: %v", e, got, err)
		}
		l.Bytes = append(l.Bytes, 0)
		if _, err := c.Entries(l); err == nil {
			t.Fatal("a layout of other bytes than its name says is taken")
		}
	})
}

func TestBaseRoundTrip(t *testing.T) {
	t.Parallel()
	var c journal.Compressor
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t)
		b := &journal.Base{Site: k.Site, Held: journal.Vector{k: {{First: 2, Last: 5}}}, Excused: journal.Vector{}, Known: journal.Vector{k: {{First: 1, Last: 9}}},
			Turn: rapid.Uint64Range(0, journal.MaxTurn).Draw(t, "turn")}
		turn := rapid.Uint64Range(1, journal.MaxTurn)
		for range rapid.IntRange(0, 4).Draw(t, "registers") {
			b.Registers = append(b.Registers, journal.Register{Mode: journal.Mode(rapid.Byte().Draw(t, "mode")), WallMS: drawWall(t),
				Payload: rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "payload"),
				Order: journal.Order{Turn: turn.Draw(t, "turn"), Origin: k.Origin, Incarnation: k.Incarnation,
					Seq: rapid.Uint64Range(1, journal.MaxSeq).Draw(t, "seq"), Index: rapid.Uint32Range(0, journal.MaxRecords-1).Draw(t, "index")}})
		}
		for range rapid.IntRange(0, 4).Draw(t, "visits") {
			b.Visits = append(b.Visits, journal.LastVisit{Origin: k.Origin, Incarnation: k.Incarnation, Device: hw.DeviceID(drawText(t, "device")), Turn: turn.Draw(t, "turn"),
				Started: drawTime(t, "started"), Period: time.Duration(rapid.Uint32().Draw(t, "period")) * time.Millisecond,
				Mode: journal.Mode(rapid.Byte().Draw(t, "mode")), Good: rapid.Bool().Draw(t, "good")})
		}
		raw, err := c.MarshalBase(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.UnmarshalBase(raw)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(b, got); d != "" {
			t.Fatal(d)
		}
		clear(raw)
		if d := cmp.Diff(b, got); d != "" {
			t.Fatalf("the base shares the bytes it was read from:\n%s", d)
		}
	})
}
