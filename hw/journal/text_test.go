package journal_test

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
)

const iso = "2006-01-02T15:04:05.000Z"

// text writes golden files in words.
type text struct {
	strings.Builder
	layouts map[journal.LayoutID][]journal.Entry
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *text) batch(c *journal.Compressor, raw []byte) error {
	b, err := journal.ParseBatch(raw)
	if err != nil {
		return err
	}
	t.line("batch of format %d, %s %d", b.Format, b.Stream, b.Seq)
	t.line("site %s, origin %s, incarnation %s", b.Site, b.Origin, b.Incarnation)
	t.line("turn %d, wall %d ms, boot %x, %d ms since boot", b.Turn, b.WallMS, b.Boot, b.SinceBootMS)
	t.line("mode %d %s, clock %d, previous %08x, %d records", b.Mode, b.Mode, b.Clock, b.Previous, b.Records)
	for _, id := range b.Uses {
		t.line("uses %s", id)
	}
	body, err := c.Body(&b)
	if errors.Is(err, journal.ErrNewer) {
		t.line("its body is of a later version: held, shipped, not read")
		return nil
	}
	if err != nil {
		return err
	}
	return journal.Records(body, func(r journal.Record) error { return t.record(&b, r) })
}

func (t *text) record(b *journal.Batch, r journal.Record) error {
	switch r.Type {
	case journal.TypeBegin:
		x, err := journal.ParseBegin(r.Payload)
		t.line("%d begin after %s, clean %t, program %q", r.Index, x.Previous, x.Clean, x.Version)
		for _, l := range x.Last {
			t.line("  last of stream %d: %d", uint8(l.Stream), l.Seq)
		}
		return err
	case journal.TypeFact:
		return t.fact(b, r)
	case journal.TypeVisit:
		return t.visit(b, r)
	case journal.TypeLogLine:
		d, l, err := journal.ParseLogLine(r.Payload)
		t.line("%d log line of %s, unit %q, log %q, entry %q, at %s, level %q, code %q: %q", r.Index, d, l.Unit, l.Log, l.Entry, l.At.Format(iso), l.Level, l.Code, l.Text)
		return err
	case journal.TypeLogCursor:
		d, l, err := journal.ParseLogCursor(r.Payload)
		t.line("%d log cursor of %s, log %q: %q", r.Index, d, l.Log, l.Cursor)
		return err
	case journal.TypeTombstone:
		x, err := journal.ParseTombstone(r.Payload)
		t.line("%d tombstone of site %s, %s, %d to %d, HQ had it %t: %q", r.Index, x.Site, x.StreamKey, x.First, x.Last, x.HadHQ, x.Reason)
		return err
	}
	t.line("%d unknown record of type %d: %x", r.Index, r.Type, r.Payload)
	return nil
}

func (t *text) fact(b *journal.Batch, r journal.Record) error {
	raw, err := journal.ParseFact(r.Payload)
	if err != nil {
		return err
	}
	f := raw.Shown(b.WallMS)
	t.line("%d fact of kind %d, version %d, device %q, component %q, group %q, removed %t, at %s", r.Index, f.Kind, f.Version, f.Device, f.Component, f.Group, f.Removed, f.At.Format(iso))
	switch v := f.Value.(type) {
	case nil:
	case hw.Opaque:
		t.line("  opaque %x", v.Bytes)
	case hw.ComponentValue:
		t.line("  health %s, state %q, attributes %q, expected %t, missing %t, flaps %d", v.Health, v.State, v.Attrs, v.Expected, v.Missing, v.Flaps)
	case hw.AlertValue:
		t.line("  open %t, level %d, since %s, closed %s, parameters %q", v.Open, v.Level, v.Since.Format(iso), v.Closed.Format(iso), v.Params)
	case hw.GapValue:
		t.line("  reason %q, detail %q, from %s to %s", v.Reason, v.Detail, v.From.Format(iso), v.To.Format(iso))
	case hw.UnitValue:
		t.line("  serial %q, model %q, version %q, name %q, since %s, previous %q", v.Serial, v.Model, v.Version, v.Name, v.Since.Format(iso), v.Previous)
	case hw.ClockValue:
		t.line("  trusted %t, source %q, offset %d ms", v.Trusted, v.Source, v.OffsetMS)
	case hw.ActValue:
		t.line("  phase %s, on %t, who %q, since %s, until %s, reason %q, detail %q, parameters %q", v.Phase, v.On, v.Who, v.Since.Format(iso), v.Until.Format(iso), v.Reason, v.Detail, v.Params)
	case hw.LearnedValue:
		t.line("  learned %q", v.Value)
	default:
		return fmt.Errorf("no words for %T", v)
	}
	return nil
}

func (t *text) visit(b *journal.Batch, r journal.Record) error {
	v, err := journal.ParseVisit(r.Payload, b.WallMS)
	if err != nil {
		return err
	}
	t.line("%d visit of %s at %s, took %s, period %s, %d requests, layout %d", r.Index, v.Device, v.Started.Format(iso), v.Took, v.Period, v.Requests, v.Layout)
	for _, s := range v.Read {
		t.line("  section %s %s", s.Section, s.Extent)
	}
	samples, err := v.Samples(nil, t.layouts[b.Uses[v.Layout]])
	for _, s := range samples {
		t.sample(s)
	}
	return err
}

func (t *text) sample(s hw.Sample) {
	switch {
	case s.Absent != "":
		t.line("  %s %s %s absent: %s", s.Component, s.Sensor, s.Type, s.Absent)
	case s.Type == hw.Counter:
		t.line("  %s %s counter %d since %d", s.Component, s.Sensor, s.Count, s.StartMS)
	default:
		t.line("  %s %s gauge %v (%016x)", s.Component, s.Sensor, s.Gauge, math.Float64bits(s.Gauge))
	}
}

func (t *text) layout(c *journal.Compressor, raw []byte) error {
	l := journal.Layout{ID: journal.LayoutName(raw), Bytes: raw}
	entries, err := c.Entries(l)
	t.line("layout of %d entries", len(entries))
	for _, e := range entries {
		t.line("  %q %q %s", e.Component, e.Sensor, e.Type)
	}
	return err
}

func (t *text) vector(raw []byte) error {
	v, err := journal.UnmarshalVector(raw)
	t.line("vector of %d batches", v.Count())
	t.intervals(v)
	return err
}

func (t *text) intervals(v journal.Vector) {
	for _, k := range v.Keys() {
		t.line("  site %s, %s", k.Site, k)
		for _, x := range v[k] {
			t.line("    %d to %d", x.First, x.Last)
		}
	}
}

func (t *text) base(c *journal.Compressor, raw []byte) error {
	b, err := c.UnmarshalBase(raw)
	if err != nil {
		return err
	}
	t.line("base of site %s at turn %d", b.Site, b.Turn)
	for _, x := range []struct {
		name string
		v    journal.Vector
	}{{"held", b.Held}, {"excused", b.Excused}, {"known", b.Known}} {
		t.line("%s", x.name)
		t.intervals(x.v)
	}
	for i, r := range b.Registers {
		t.line("register of %s, incarnation %s, turn %d, seq %d, index %d, mode %s, wall %d ms", r.Origin, r.Incarnation, r.Turn, r.Seq, r.Index, r.Mode, r.WallMS)
		if err := t.fact(&journal.Batch{Header: journal.Header{WallMS: r.WallMS}}, journal.Record{Index: uint32(i), Payload: r.Payload}); err != nil {
			return err
		}
	}
	for _, v := range b.Visits {
		t.line("visit by %s, incarnation %s, of %s, turn %d, at %s, period %s, mode %s, good %t", v.Origin, v.Incarnation, v.Device, v.Turn, v.Started.Format(iso), v.Period, v.Mode, v.Good)
	}
	return nil
}
