package journal

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"rackpost/hw"
)

// Visit is one visit as the journal holds it, its samples still packed.
type Visit struct {
	Device   hw.DeviceID
	Layout   int // index into the batch's layout references
	Started  time.Time
	Took     time.Duration
	Period   time.Duration
	Requests int
	Read     []hw.Scope

	wallMS    int64
	startMS   int64 // of the counters; 0 is unknown
	absences  [][]byte
	exception []byte
	values    []byte
}

// Good says whether the visit read anything.
func (v *Visit) Good() bool {
	for _, s := range v.Read {
		if s.Extent != hw.Failed {
			return true
		}
	}
	return false
}

// AppendVisit writes the visit r made as a record of a batch whose wall time is wallMS.
// samples are r's in the order of the layout, which is the batch's reference number layout.
func AppendVisit(body []byte, r *hw.Report, layout int, samples []hw.Sample, wallMS int64) []byte {
	p := make([]byte, 0, 64+4*len(samples))
	p = appendBytesField(p, 1, r.Device)
	p = appendUintField(p, 2, uint64(layout))
	wallMS = clampMS(wallMS)
	p = appendIntField(p, 3, millis(r.Started)-wallMS)
	p = appendUintField(p, 4, uint64(max(0, r.Took.Milliseconds())))
	p = appendUintField(p, 5, uint64(max(0, r.Period.Milliseconds())))
	p = appendUintField(p, 6, uint64(max(0, r.Requests)))
	for _, s := range r.Read {
		p = appendBytesField(p, 7, append([]byte{byte(s.Extent)}, s.Section...))
	}
	p = appendAbsences(p, samples)
	start := commonStart(samples)
	if start != 0 {
		p = appendIntPresent(p, 9, clampMS(start)-wallMS)
	}
	p = appendBytesField(p, 10, otherStarts(samples, start, wallMS))
	p = appendBytesField(p, 11, appendValues(nil, samples))
	return appendRecord(body, TypeVisit, p)
}

func appendValues(b []byte, samples []hw.Sample) []byte {
	for i := range samples {
		switch s := &samples[i]; {
		case s.Absent != "":
		case s.Type == hw.Counter:
			b = AppendCounter(b, s.Count)
		default:
			b = AppendGauge(b, s.Gauge)
		}
	}
	return b
}

// absence collects the runs of one reason.
type absence struct {
	reason hw.Reason
	runs   []byte
	at     int // where the last run ended
}

// appendAbsences writes one field a reason, in order of their first entry.
func appendAbsences(p []byte, samples []hw.Sample) []byte {
	var all []absence
	for i := 0; i < len(samples); {
		r := samples[i].Absent
		j := i + 1
		for j < len(samples) && samples[j].Absent == r {
			j++
		}
		if r != "" {
			n := slices.IndexFunc(all, func(a absence) bool { return a.reason == r })
			if n < 0 {
				n = len(all)
				all = append(all, absence{reason: r})
			}
			a := &all[n]
			a.runs = binary.AppendUvarint(a.runs, uint64(i-a.at))
			a.runs = binary.AppendUvarint(a.runs, uint64(j-i))
			a.at = j
		}
		i = j
	}
	for _, a := range all {
		p = appendBytesField(p, 8, append(appendSized(nil, a.reason), a.runs...))
	}
	return p
}

// hasStart says whether s is a number with a start to write.
func hasStart(s *hw.Sample) bool { return s.Type == hw.Counter && s.Absent == "" }

// commonStart returns the start most counters have, or nearly so: the majority vote over
// runs, which is exact whenever more than half agree.
func commonStart(samples []hw.Sample) (start int64) {
	votes := 0
	for i := range samples {
		switch s := &samples[i]; {
		case !hasStart(s):
		case votes == 0:
			start, votes = s.StartMS, 1
		case s.StartMS == start:
			votes++
		default:
			votes--
		}
	}
	return start
}

func otherStarts(samples []hw.Sample, common, wallMS int64) (b []byte) {
	at := 0
	for i := 0; i < len(samples); {
		if s := &samples[i]; !hasStart(s) || s.StartMS == common {
			i++
			continue
		}
		other := samples[i].StartMS
		j := i
		for j < len(samples) && hasStart(&samples[j]) && samples[j].StartMS == other {
			j++
		}
		b = binary.AppendUvarint(b, uint64(i-at))
		b = binary.AppendUvarint(b, uint64(j-i))
		u := uint64(0)
		if other != 0 {
			u = zigzag(clampMS(other)-wallMS) + 1
		}
		b = binary.AppendUvarint(b, u)
		i, at = j, j
	}
	return b
}

// ParseVisit reads the payload of a visit record of a batch whose wall time is wallMS. The
// visit keeps payload.
func ParseVisit(payload []byte, wallMS int64) (v Visit, err error) {
	v.wallMS, v.Started = wallMS, moment(wallMS)
	err = fields(payload, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			v.Device = hw.DeviceID(f.bytes)
		case f.is(2, wireUint):
			v.Layout = int(min(f.num, MaxLayouts))
		case f.is(3, wireInt):
			v.Started = moment(after(wallMS, f.int()))
		case f.is(4, wireUint):
			v.Took = milliseconds(f.num)
		case f.is(5, wireUint):
			v.Period = milliseconds(f.num)
		case f.is(6, wireUint):
			v.Requests = int(min(f.num, math.MaxInt32))
		case f.is(7, wireBytes):
			if len(f.bytes) == 0 {
				return corrupt("section without an extent")
			}
			s := hw.Scope{Section: string(f.bytes[1:]), Extent: hw.Extent(f.bytes[0])}
			if s.Extent > hw.Complete {
				s.Extent = hw.Failed // a later version's word: nothing follows from it
			}
			v.Read = append(v.Read, s)
		case f.is(8, wireBytes):
			v.absences = append(v.absences, f.bytes)
		case f.is(9, wireInt):
			v.startMS = after(wallMS, f.int())
		case f.is(10, wireBytes):
			v.exception = f.bytes
		case f.is(11, wireBytes):
			v.values = f.bytes
		}
		return nil
	})
	return v, err
}

func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, uint64(1<<62/time.Millisecond))) * time.Millisecond
}

// Samples appends the samples of the visit, which has the layout entries, to dst.
func (v *Visit) Samples(dst []hw.Sample, entries []Entry) ([]hw.Sample, error) {
	start := len(dst)
	for _, e := range entries {
		s := hw.Sample{Component: e.Component, Sensor: e.Sensor, Type: e.Type}
		if e.Type == hw.Counter {
			s.StartMS = v.startMS
		}
		dst = append(dst, s)
	}
	out := dst[start:]
	if err := v.readAbsences(out); err != nil {
		return nil, err
	}
	if err := v.readStarts(out); err != nil {
		return nil, err
	}
	values := v.values
	var err error
	for i := range out {
		switch s := &out[i]; {
		case s.Absent != "":
			s.StartMS = 0
		case s.Type == hw.Counter:
			s.Count, values, err = ReadCounter(values)
		default:
			s.Gauge, values, err = ReadGauge(values)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(values) > 0 {
		return nil, corrupt("%d bytes after the visit's values", len(values))
	}
	return dst, nil
}

func (v *Visit) readAbsences(out []hw.Sample) error {
	for _, b := range v.absences {
		reason, b, err := sized(b)
		if err != nil {
			return err
		}
		if len(reason) == 0 {
			return corrupt("absence without a reason")
		}
		r := hw.Reason(reason)
		err = runs(b, len(out), func(rest []byte, i, j int) ([]byte, error) {
			for ; i < j; i++ {
				if out[i].Absent != "" {
					return nil, corrupt("entry %d is absent twice", i)
				}
				out[i].Absent = r
			}
			return rest, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *Visit) readStarts(out []hw.Sample) error {
	return runs(v.exception, len(out), func(b []byte, i, j int) ([]byte, error) {
		u, rest, err := uvarint(b)
		if err != nil {
			return nil, err
		}
		startMS := int64(0)
		if u != 0 {
			startMS = after(v.wallMS, unzigzag(u-1))
		}
		for ; i < j; i++ {
			if out[i].Type == hw.Counter {
				out[i].StartMS = startMS
			}
		}
		return rest, nil
	})
}

// runs reads (skip, run) pairs below n and calls fn for each with what follows the pair; fn
// returns what follows its own part.
func runs(b []byte, n int, fn func(rest []byte, i, j int) ([]byte, error)) error {
	at := uint64(0)
	for len(b) > 0 {
		var skip, run uint64
		if err := readUvarints(&b, &skip, &run); err != nil {
			return err
		}
		i := at + skip
		at = i + run
		if skip > uint64(n) || run == 0 || run > uint64(n) || at > uint64(n) {
			return corrupt("run %d+%d beyond the layout's %d entries", i, run, n)
		}
		var err error
		if b, err = fn(b, int(i), int(at)); err != nil {
			return err
		}
	}
	return nil
}
