package hw_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

// script makes reports out of bytes: every byte is a choice, and an empty script chooses 0.
type script []byte

func (s *script) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// text takes up to 15 bytes as they are; one of a few lengths makes a very long one.
func (s *script) text() string {
	n := int(s.byte() & 15)
	n = min(n, len(*s))
	x := string((*s)[:n])
	*s = (*s)[n:]
	if n == 13 {
		return string(slices.Repeat([]byte(x), 100))
	}
	return x
}

func (s *script) time() time.Time {
	switch b := s.byte(); b & 3 {
	case 0:
		return time.Time{}
	case 1:
		return noon.Add(time.Duration(int8(b)) * minute)
	default:
		var x [8]byte
		copy(x[:], s.text())
		return time.Unix(int64(binary.LittleEndian.Uint64(x[:])), 0)
	}
}

func (s *script) attrs() (a hw.Attrs) {
	for range s.byte() & 3 {
		a = append(a, hw.Attr{Key: s.text(), Value: s.text()})
	}
	return a
}

func (s *script) report() hw.Report {
	r := hw.Report{Device: "sw1", Started: s.time()}
	if s.byte()&1 == 1 {
		r.Unit = &hw.Unit{Serial: s.text(), Name: s.text()}
	}
	for range s.byte() & 3 {
		r.Read = append(r.Read, hw.Scope{Section: s.text(), Extent: hw.Extent(s.byte())})
	}
	for range s.byte() & 7 {
		r.Components = append(r.Components, hw.Component{Path: s.text(), Section: s.text(), Health: hw.Health(s.byte()),
			State: s.attrs(), Attrs: s.attrs(), Expected: s.byte()&1 == 1})
	}
	for range s.byte() & 3 {
		r.Gaps = append(r.Gaps, hw.Gap{What: s.text(), Reason: hw.Reason(s.text()), From: s.time(), To: s.time()})
	}
	for range s.byte() & 3 {
		r.Samples = append(r.Samples, hw.Sample{Component: s.text(), Sensor: s.text(), Type: hw.SampleType(s.byte())})
	}
	for range s.byte() & 3 {
		r.Verdicts = append(r.Verdicts, hw.Verdict{Component: s.text(), Section: s.text(), Code: s.text(), Level: hw.Level(s.byte()),
			Params: s.attrs(), Within: time.Duration(int8(s.byte())) * minute, Late: hw.Level(s.byte())})
	}
	return r
}

func FuzzVisit(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x01A\x00\x01\x04fast\x02\x01\x05fan/1\x04fast\x03\x00\x00\x01\x00\x00"))
	f.Add([]byte("\x01\x00\x01\x04fast\x00\x00\x01\x05visit\x09no-answer\x00\x00\x00\x05\x00\x01\x04fast\x00\x00\x01\x05visit\x09no-answer"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<12 {
			return
		}
		var s, fold hw.State
		for x := script(b); ; {
			r := hw.Normalise(s, x.report())
			facts := s.Visit(r)
			if len(facts) > 5*len(r.Components)+3*len(r.Gaps)+len(r.Verdicts)+5*len(b)+20 {
				t.Fatalf("%d facts", len(facts))
			}
			for _, f := range facts {
				fold.Set(f)
			}
			if len(x) == 0 {
				break
			}
		}
		if d := cmp.Diff(registers(&s), registers(&fold)); d != "" {
			t.Fatal(d)
		}
	})
}
