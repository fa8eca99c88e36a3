package capture

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/sim"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// The bounds of a capture.
const (
	DefaultRows = 200_000
	MaxRows     = 500_000
	DefaultTime = 30 * time.Minute
	company     = 12 // subtrees in one walk
	maxSilent   = 2  // walks in a row without an answer, after which the device is given up
)

// Session walks a device. *snmp.Session is one.
type Session interface {
	Walk(ctx context.Context, columns ...string) (snmp.Table, error)
	StartVisit()
	Requests() int
}

// Options say what to record. Only Subtrees and Key are needed.
type Options struct {
	Subtrees []string      // as from Plan
	Key      []byte        // of the pseudonyms
	Secrets  []string      // texts to replace wherever they occur, such as the community
	Rows     int           // at most; 0 is DefaultRows
	Time     time.Duration // at most; 0 is DefaultTime
	Pause    time.Duration // between two walks; with one, a walk is of one subtree
	Progress func(Progress)
}

// Progress is how far a capture is.
type Progress struct {
	Rows        int
	Done, Total int    // subtrees
	Next        string // the subtree that is read now
}

// Read is what became of a subtree.
type Read struct {
	OID    string
	Rows   int
	Reason hw.Reason // why it is not whole; empty if it is
}

// Result is a device that was read and scrubbed.
type Result struct {
	Recording *sim.Recording
	Reads     []Read // in the order they were read; what was never asked for is not among them
	Unread    []string
	Stopped   string // why not all was read; empty if it was
	Malformed int    // objects whose value could not be read or kept
	Skipped   int    // objects left out since they are never kept
	Counts    scrub.Counts
	Requests  int
	Started   time.Time
	Took      time.Duration
}

// Whole reports whether every subtree was read to its end.
func (r *Result) Whole() bool {
	return r.Stopped == "" && !slices.ContainsFunc(r.Reads, func(x Read) bool { return x.Reason != "" })
}

// Record reads a device, one request at a time, and scrubs what it said. When ctx ends or a bound is
// reached, it returns what was read until then. The error, a *collectors.VisitError unless the
// options are wrong, means that nothing was read.
func Record(ctx context.Context, session Session, opt Options) (*Result, error) {
	scrubber, err := scrub.New(opt.Key, opt.Secrets...)
	if err != nil {
		return nil, err
	}
	w := newWalk(session, opt)
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	return w.finish(scrubber)
}

func newWalk(session Session, opt Options) *walk {
	if opt.Rows <= 0 {
		opt.Rows = DefaultRows
	}
	if opt.Time <= 0 {
		opt.Time = DefaultTime
	}
	w := &walk{session: session, opt: opt, left: opt.Subtrees, excluded: map[string]bool{}, result: Result{Started: time.Now()}}
	for _, x := range Exclusions() {
		w.excluded[x.OID] = true
	}
	return w
}

// finish scrubs what was read.
func (w *walk) finish(scrubber *scrub.Scrubber) (*Result, error) {
	objects, err := scrubber.Scrub(w.objects)
	if err != nil {
		return nil, err
	}
	w.result.Counts = scrubber.Counts()
	w.result.Recording = w.recordingOf(objects)
	w.result.Took = time.Since(w.result.Started)
	return &w.result, nil
}

// walk is the reading of one device.
type walk struct {
	session  Session
	opt      Options
	left     []string
	excluded map[string]bool
	objects  []scrub.Object
	silent   int
	result   Result
}

// run reads until all is read or there is a reason to stop.
func (w *walk) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, w.opt.Time)
	defer cancel()
	for len(w.left) > 0 {
		if w.result.Stopped = w.why(ctx, limited); w.result.Stopped != "" {
			break
		}
		w.tell()
		n := min(company, len(w.left))
		if w.opt.Pause > 0 {
			n = 1
		}
		batch := w.left[:n]
		w.left = w.left[n:]
		w.session.StartVisit()
		table, err := w.session.Walk(limited, batch...)
		w.result.Requests += w.session.Requests()
		if err != nil && len(w.objects) == 0 {
			return err
		}
		w.take(batch, table, err)
		pause(limited, w.opt.Pause)
	}
	w.result.Unread = w.left
	if len(w.left) == 0 && w.result.Stopped == "" && limited.Err() != nil {
		w.result.Stopped = w.why(ctx, limited) // it ended the last walk
	}
	return nil
}

// why returns why to stop, or "".
func (w *walk) why(ctx, limited context.Context) string {
	switch {
	case ctx.Err() != nil:
		return "it was interrupted"
	case limited.Err() != nil:
		return fmt.Sprintf("the time limit of %v was reached", w.opt.Time)
	case len(w.objects) >= w.opt.Rows:
		return fmt.Sprintf("the limit of %d rows was reached", w.opt.Rows)
	case w.silent >= maxSilent:
		return "the device no longer answered"
	}
	return ""
}

func (w *walk) tell() {
	if w.opt.Progress != nil {
		done := len(w.opt.Subtrees) - len(w.left)
		w.opt.Progress(Progress{Rows: len(w.objects), Done: done, Total: len(w.opt.Subtrees), Next: w.left[0]})
	}
}

// take takes over what a walk read.
func (w *walk) take(batch []string, table snmp.Table, err error) {
	if err != nil {
		reason := collectors.ReasonOf(err)
		for _, oid := range batch {
			w.result.Reads = append(w.result.Reads, Read{OID: oid, Reason: reason})
		}
		if reason == hw.NoAnswer || reason == hw.Unreachable || reason == hw.Refused {
			w.silent++
		}
		return
	}
	w.silent = 0
	for i := range table {
		c := &table[i]
		read := Read{OID: c.OID, Reason: c.Reason}
		for j := range c.Rows {
			if len(w.objects) >= w.opt.Rows {
				read.Reason = hw.TooMuch
				break
			}
			if w.keep(c.OID, &c.Rows[j]) {
				read.Rows++
			}
		}
		w.result.Reads = append(w.result.Reads, read)
	}
}

// keep takes over one object.
func (w *walk) keep(column string, row *snmp.Row) bool {
	oid := column + "." + row.Index
	if excluded(oid, w.excluded) {
		w.result.Skipped++
		return false
	}
	value, ok := valueOf(&row.Value)
	if !ok {
		w.result.Malformed++
		return false
	}
	w.objects = append(w.objects, scrub.Object{OID: oid, Type: byte(row.Type), Value: value})
	return true
}

// valueOf writes a value as a recording does.
func valueOf(v *snmp.Value) ([]byte, bool) {
	switch v.Type {
	case snmp.TypeInteger:
		return strconv.AppendInt(nil, v.Int, 10), v.Int >= math.MinInt32 && v.Int <= math.MaxInt32
	case snmp.TypeCounter32, snmp.TypeGauge32, snmp.TypeTimeTicks:
		return strconv.AppendUint(nil, v.Uint, 10), v.Uint <= math.MaxUint32
	case snmp.TypeCounter64:
		return strconv.AppendUint(nil, v.Uint, 10), true
	case snmp.TypeOctetString, snmp.TypeOpaque, snmp.TypeOID:
		return slices.Clone(v.Bytes), len(v.Bytes) <= sim.MaxRecordingLine/4
	case snmp.TypeIPAddress:
		a, ok := netip.AddrFromSlice(v.Bytes)
		return []byte(a.String()), ok
	}
	return nil, v.Type == snmp.TypeNull
}

// recordingOf makes a recording of scrubbed objects. What no recording can hold is counted.
func (w *walk) recordingOf(objects []scrub.Object) *sim.Recording {
	slices.SortFunc(objects, func(a, b scrub.Object) int { return compareOIDs(a.OID, b.OID) })
	rec := &sim.Recording{}
	for i := range objects {
		o := &objects[i]
		if rec.Set(sim.Row{OID: o.OID, Type: o.Type, Value: o.Value}) != nil {
			w.result.Malformed++
		}
	}
	return rec
}

// compareOIDs orders two OIDs as a MIB is ordered.
func compareOIDs(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			return strings.Compare(x, y)
		}
		if !moreA || !moreB {
			return len(a) - len(b)
		}
		a, b = restA, restB
	}
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
