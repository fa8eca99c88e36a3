package journal_test

import (
	"math"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// What stands in the golden files.

const goldenWall = 1_700_000_000_000

var (
	goldenSite   = journal.ID{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x47, 0x88, 0x89, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00}
	goldenOrigin = journal.ID{0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x4c, 0x15, 0xb3, 0x9c, 0xc0, 0x60, 0x5c, 0xed, 0xc8, 0x34}
	otherOrigin  = journal.ID{0x01, 0xff}
)

const (
	goldenIncarnation journal.Incarnation = 0x2545f4914f6cdd1d
	formerIncarnation journal.Incarnation = 0x00000000000000ff
)

func at(ms int64) time.Time { return time.UnixMilli(goldenWall + ms).UTC() }

func goldenHeader(stream journal.Stream, seq uint64, records int) journal.Header {
	return journal.Header{
		Format: journal.Format,
		Key:    journal.Key{StreamKey: journal.StreamKey{Site: goldenSite, Origin: goldenOrigin, Incarnation: goldenIncarnation, Stream: stream}, Seq: seq},
		Turn:   goldenWall + 5, WallMS: goldenWall, Boot: [8]byte{0xb0, 0, 1, 2, 3, 4, 5, 6}, SinceBootMS: 300_000, Mode: journal.Leader,
		Clock: journal.ClockTrusted, Previous: 0xcafe_0001, Records: records,
	}
}

func goldenBegin() journal.Begin {
	return journal.Begin{Previous: formerIncarnation, Version: "1.0.0", Clean: true,
		Last: []journal.StreamSeq{{Stream: journal.Facts, Seq: 1}, {Stream: journal.Samples, Seq: 300}, {Stream: 9, Seq: journal.MaxSeq}}}
}

func goldenTombstones() []journal.Tombstone {
	key := journal.StreamKey{Site: goldenSite, Origin: goldenOrigin, Incarnation: formerIncarnation, Stream: journal.Samples}
	return []journal.Tombstone{
		{StreamKey: key, Interval: journal.Interval{First: 1, Last: 1}, Reason: "dropped"},
		{StreamKey: key, Interval: journal.Interval{First: 3, Last: 1 << 40}, HadHQ: true},
	}
}

func goldenFacts() []hw.Fact {
	port := hw.Fact{Kind: hw.ComponentFact, Device: "sw-1", Component: "port/Gi1/0/1", Group: "ports", At: at(-250)}
	component := func(v hw.ComponentValue) hw.Fact { f := port; f.Value = v; return f }
	gone := port
	gone.Component, gone.Removed = "port/Gi1/0/2", true
	bit := func(kind hw.FactKind, group string, v hw.Value) hw.Fact {
		return hw.Fact{Kind: kind, Device: "sw-1", Group: group, At: at(0), Value: v}
	}
	return []hw.Fact{
		component(hw.ComponentValue{Health: hw.Critical, State: hw.Attrs{{Key: "admin", Value: "up"}, {Key: "oper", Value: "down"}},
			Attrs: hw.Attrs{{Key: "", Value: ""}, {Key: "alias", Value: "上联 \xff"}}, Expected: true, Missing: true, Flaps: 21}),
		component(hw.ComponentValue{}),
		gone,
		bit(hw.AlertFact, "port-down", hw.AlertValue{Open: true, Level: hw.LevelDisaster, Since: at(-60_000), Params: hw.Attrs{{Key: "port", Value: "Gi1/0/1"}}}),
		bit(hw.AlertFact, "psu-failed", hw.AlertValue{Level: hw.LevelWarning, Since: time.UnixMilli(0).UTC(), Closed: at(1)}),
		bit(hw.GapFact, "visit", hw.GapValue{Reason: hw.NoAnswer, Detail: "no answer to 3 requests", From: at(-1)}),
		bit(hw.GapFact, "ports#too-much", hw.GapValue{Reason: hw.TooMuch, From: time.UnixMilli(journal.MinMS + 1).UTC(), To: time.UnixMilli(journal.MaxMS).UTC()}),
		bit(hw.UnitFact, "unit", hw.UnitValue{Serial: "FDO1", Model: "WS-C3750-48PS-S", Version: "12.2(55)SE10", Name: "sw", Since: at(-5), Previous: "FDO0"}),
		{Kind: hw.ClockFact, Component: "box/" + goldenOrigin.String(), Group: "clock", At: time.UnixMilli(journal.MaxMS).UTC(), Value: hw.ClockValue{Trusted: true, Source: "ntp", OffsetMS: -12}},
		{Kind: hw.ClockFact, Component: "box/" + goldenOrigin.String(), Group: "clock", Value: hw.ClockValue{}}, // seen nobody knows when
		{Kind: hw.ActFact, Version: 1, Device: "sw-1", Group: "acknowledge", At: at(0), Value: hw.Opaque{Kind: hw.ActFact, Bytes: []byte{1, 2, 3}}},
		{Kind: hw.ComponentFact, Version: 2, Device: "sw-1", Component: "fan/1", At: at(0), Value: hw.Opaque{Kind: hw.ComponentFact, Bytes: []byte("later")}},
		{Kind: 65535, Version: 65535, Device: "sw-1", Component: "x", Group: "y", Removed: true, At: at(7)},
	}
}

// goldenActs are facts of the kinds whose values were defined after those of goldenFacts.
func goldenActs() []hw.Fact {
	act := func(component, group string, v hw.ActValue) hw.Fact {
		return hw.Fact{Kind: hw.ActFact, Device: "srv-1", Component: component, Group: group, At: at(0), Value: v}
	}
	learned := func(key, text string) hw.Fact {
		return hw.Fact{Kind: hw.LearnedFact, Device: "srv-1", Group: key, At: at(-250), Value: hw.LearnedValue{Value: text}}
	}
	const drive = "drive/Disk.Bay.2:Enclosure.Internal.0-1:RAID.Slot.7-1"
	forgotten := learned("session", "")
	forgotten.Removed, forgotten.Value = true, nil
	return []hw.Fact{
		act(drive, "locate", hw.ActValue{Phase: hw.ActIntended, On: true, Who: "field engineer", Since: at(-3), Until: at(900_000)}),
		act(drive, "locate", hw.ActValue{Phase: hw.ActDone, On: true, Who: "field engineer", Since: at(-3), Until: at(900_000)}),
		act("system", "locate", hw.ActValue{Phase: hw.ActFailed, Since: at(0), Reason: hw.NotSupported, Detail: "无此灯 \xff"}),
		act("system", "locate", hw.ActValue{}),
		act("psu/1", "acknowledge#health", hw.ActValue{Phase: hw.ActDone, On: true, Who: "操作员", Since: at(-1), Detail: "spare ordered",
			Params: hw.Attrs{{Key: "level", Value: "high"}, {Key: "since", Value: "2023-11-14T22:12:20Z"}}}),
		learned("certificate", "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"),
		learned("failed_logins", "2"),
		forgotten,
		{Kind: hw.LearnedFact, Device: "srv-1", Group: "empty", At: at(0), Value: hw.LearnedValue{}},
		{Kind: hw.LearnedFact, Version: 2, Device: "srv-1", Group: "later", At: at(0), Value: hw.Opaque{Kind: hw.LearnedFact, Bytes: []byte("later")}},
	}
}

func goldenSamples() []hw.Sample {
	gauges := []float64{0, 1, -1, 21.5, 2.299, -0.000001, 1 << 53, 1.0 / 3, math.Copysign(0, -1), math.Inf(-1), math.Float64frombits(0x7ff8_0000_0000_0001), math.MaxFloat64}
	var out []hw.Sample
	for i, g := range gauges {
		out = append(out, hw.Sample{Component: "fan/" + string(rune('a'+i)), Sensor: "speed_rpm", Gauge: g})
	}
	const start = goldenWall - 86_400_000
	port := func(path, sensor string, n uint64, start int64) {
		out = append(out, hw.Sample{Component: path, Sensor: sensor, Type: hw.Counter, Count: n, StartMS: start})
	}
	absent := func(path, sensor string, kind hw.SampleType, why hw.Reason) {
		out = append(out, hw.Sample{Component: path, Sensor: sensor, Type: kind, Absent: why})
	}
	port("port/1", "rx_bytes_total", math.MaxUint64, start)
	port("port/1", "tx_bytes_total", 0, start)
	port("port/2", "rx_bytes_total", 127, start)
	port("port/2", "tx_bytes_total", 128, start+1)
	absent("port/3", "rx_bytes_total", hw.Counter, hw.NotSupported)
	absent("port/3", "tx_bytes_total", hw.Counter, hw.NoAnswer)
	port("port/4", "rx_bytes_total", 5, 0)
	port("port/4", "tx_bytes_total", 6, 0)
	absent("psu/1", "output_watts", hw.Gauge, hw.NotSupported)
	port("tcp/1", "errors_total", 9, start)
	port("tcp/1", "resets_total", 9, start)
	return out
}

func entriesOf(samples []hw.Sample) (out []journal.Entry) {
	for i := range samples {
		out = append(out, entryOf(&samples[i]))
	}
	return out
}

func goldenReports() []hw.Report {
	return []hw.Report{
		{Device: "sw-1", Started: at(-250), Took: 180 * time.Millisecond, Period: time.Minute, Requests: 38,
			Read: []hw.Scope{{Section: "ports", Extent: hw.Complete}, {Section: "cpu", Extent: hw.Partial}, {Section: "memory", Extent: hw.Failed}}, Samples: goldenSamples()},
		{Device: "", Started: at(3_600_000)},
	}
}

func goldenLogs() ([]hw.LogLine, hw.LogCursor) {
	return []hw.LogLine{
		{Unit: "FDO1", Log: "system", Entry: "17", At: at(-9000), Level: "error", Code: "TEMP-3-FAN", Text: "风扇 raised\n"},
		{Log: "system", Text: "no time, no entry"},
		{Log: "system", Entry: "0", At: time.UnixMilli(0).UTC()},
	}, hw.LogCursor{Log: "system", Cursor: "17"}
}

func goldenVector() journal.Vector {
	key := func(o journal.ID, n journal.Incarnation, s journal.Stream) journal.StreamKey {
		return journal.StreamKey{Site: goldenSite, Origin: o, Incarnation: n, Stream: s}
	}
	return journal.Vector{
		key(goldenOrigin, goldenIncarnation, journal.Facts): {{First: 1, Last: 7}, {First: 9, Last: 9}, {First: 1000, Last: 100_000}},
		key(goldenOrigin, goldenIncarnation, 9):             {{First: 3, Last: journal.MaxSeq}},
		key(goldenOrigin, formerIncarnation, journal.Facts): {{First: 1, Last: 1}},
		key(otherOrigin, ^journal.Incarnation(0), 255):      {{First: journal.MaxSeq, Last: journal.MaxSeq}},
	}
}
