package journal_test

import (
	"testing"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// The inverses of the goldens' words: what was decoded is written again.

func batchAgain(t *testing.T, raw []byte) []byte {
	c := journal.NewPlainCompressor()
	b, err := journal.ParseBatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.Body(&b)
	if err != nil {
		t.Fatal(err)
	}
	layouts := map[journal.LayoutID][]journal.Entry{}
	for _, r := range goldenReports() {
		e := entriesOf(r.Samples)
		layouts[layoutOf(t, c, e).ID] = e
	}
	out, err := bodyAgain(&b, body, layouts)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.AppendBatch(nil, b.Header, out)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func bodyAgain(b *journal.Batch, body []byte, layouts map[journal.LayoutID][]journal.Entry) (out []byte, err error) {
	err = journal.Records(body, func(r journal.Record) (err error) {
		var entries []journal.Entry
		if r.Type == journal.TypeVisit {
			v, err := journal.ParseVisit(r.Payload, b.WallMS)
			if err != nil {
				return err
			}
			if v.Layout < len(b.Uses) {
				entries = layouts[b.Uses[v.Layout]]
			}
		}
		out, err = recordAgain(out, r, b.WallMS, entries)
		return err
	})
	return out, err
}

// recordAgain decodes a record and writes it behind out.
func recordAgain(out []byte, r journal.Record, wallMS int64, entries []journal.Entry) ([]byte, error) {
	switch r.Type {
	case journal.TypeBegin:
		x, err := journal.ParseBegin(r.Payload)
		return journal.AppendBegin(out, x), err
	case journal.TypeTombstone:
		x, err := journal.ParseTombstone(r.Payload)
		return journal.AppendTombstone(out, x), err
	case journal.TypeLogLine:
		d, l, err := journal.ParseLogLine(r.Payload)
		return journal.AppendLogLine(out, d, l), err
	case journal.TypeLogCursor:
		d, l, err := journal.ParseLogCursor(r.Payload)
		return journal.AppendLogCursor(out, d, l), err
	case journal.TypeFact:
		raw, err := journal.ParseFact(r.Payload)
		if err != nil {
			return out, err
		}
		return journal.AppendFact(out, raw.Shown(wallMS), wallMS)
	case journal.TypeVisit:
		v, err := journal.ParseVisit(r.Payload, wallMS)
		if err != nil {
			return out, err
		}
		samples, err := v.Samples(nil, entries)
		report := hw.Report{Device: v.Device, Started: v.Started, Took: v.Took, Period: v.Period, Requests: v.Requests, Read: v.Read}
		return journal.AppendVisit(out, &report, v.Layout, samples, wallMS), err
	}
	return out, nil
}

func layoutAgain(t *testing.T, raw []byte) []byte {
	c := journal.NewPlainCompressor()
	entries, err := c.Entries(journal.Layout{ID: journal.LayoutName(raw), Bytes: raw})
	if err != nil {
		t.Fatal(err)
	}
	return layoutOf(t, c, entries).Bytes
}

func vectorAgain(t *testing.T, raw []byte) []byte {
	v, err := journal.UnmarshalVector(raw)
	if err != nil {
		t.Fatal(err)
	}
	return v.Marshal()
}

func baseAgain(t *testing.T, raw []byte) []byte {
	c := journal.NewPlainCompressor()
	b, err := c.UnmarshalBase(raw)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.MarshalBase(b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
