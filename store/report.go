package store

import (
	"fmt"
	"slices"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// The bounds of one report: what is beyond them is left out or cut and never ends the store. A
// batch begun below batchBytes has room for one report within them.
const (
	maxSamples  = 1 << 19
	maxLogText  = 64 << 10 // bytes of the text of a log line and of a cursor
	maxLogNames = 1 << 10  // of its other texts
)

// report writes one report into the bodies of a flush.
func (s *Store) report(f *flush, r hw.Report) error {
	sh, err := s.shape(&r)
	if err != nil {
		return err
	}
	for _, fact := range s.remembered(f, r.Device, s.judge(f.mode, r)) {
		if err := f.facts.add(func(body []byte) ([]byte, error) { return journal.AppendFact(body, fact, f.wallMS) }); err != nil {
			return err
		}
	}
	f.scratch = sh.arrange(f.scratch, r.Samples)
	if err := f.samples.add(func(body []byte) ([]byte, error) {
		return journal.AppendVisit(body, &r, f.samples.layout(sh.layout), f.scratch, f.wallMS), nil
	}); err != nil {
		return err
	}
	for _, l := range r.Log {
		bound(maxLogNames, &l.Unit, &l.Log, &l.Entry, &l.Level, &l.Code)
		bound(maxLogText, &l.Text)
		if err := f.logs.add(func(body []byte) ([]byte, error) { return journal.AppendLogLine(body, r.Device, l), nil }); err != nil {
			return err
		}
	}
	for _, c := range r.Cursors {
		if bound(maxLogNames, &c.Log); len(c.Cursor) > maxLogText {
			continue // half a cursor leads nowhere: the log is read again from the one before
		}
		if err := f.logs.add(func(body []byte) ([]byte, error) { return journal.AppendLogCursor(body, r.Device, c), nil }); err != nil {
			return err
		}
	}
	return nil
}

// shape returns the shape of r's samples. Those that cannot be stored are left out, and a gap
// says so until their section is read without.
func (s *Store) shape(r *hw.Report) (*shape, error) {
	gap := func(section string, reason hw.Reason, detail string) {
		r.Gaps = append(slices.Clone(r.Gaps), hw.Gap{What: section + "/samples", Reason: reason, From: r.Started, Detail: detail})
	}
	n := len(r.Samples)
	if n <= maxSamples {
		sh, err := s.layouts.shapeOf(&s.pack, r.Device, r.Samples)
		if err == nil {
			if sh.dropped > 0 {
				gap(sectionOf(r, sh.repeat), hw.Garbage, fmt.Sprintf("%d samples named twice in one visit were left out", sh.dropped))
			}
			return sh, nil
		}
		s.opt.Logger.Error("samples cannot be stored", "device", r.Device, "samples", n, "err", err)
	}
	gap(sectionOf(r, ""), hw.TooMuch, fmt.Sprintf("the %d samples of one visit are more than a journal takes", n))
	r.Samples = nil
	return s.layouts.shapeOf(&s.pack, r.Device, nil)
}

// sectionOf returns the section a component was read in; where it is not known, the first that
// was read, of which nothing else is known either.
func sectionOf(r *hw.Report, component string) string {
	for _, c := range r.Components {
		if c.Path == component {
			return c.Section
		}
	}
	for _, s := range r.Read {
		if s.Extent == hw.Complete {
			return s.Section
		}
	}
	return hw.VisitGap
}

// bound cuts texts to n bytes.
func bound(n int, texts ...*string) {
	for _, t := range texts {
		if len(*t) > n {
			*t = strings.ToValidUTF8((*t)[:n], "")
		}
	}
}
