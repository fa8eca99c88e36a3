package snmp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gosnmp/gosnmp"

	"rackpost/hw"
)

const (
	width      = 12 // columns in one request
	maxColumns = 512

	upTimeOID    = "1.3.6.1.2.1.1.3.0" // sysUpTime.0
	upTimeObject = "1.3.6.1.2.1.1.3"   // what GETBULK must be asked to answer it
	upTimeSlack  = 100                 // ticks that an agent's clock may seem to step back
)

// limits end a walk that would not end by itself.
type limits struct {
	rows     int // of one column
	bytes    int // of names and values of one walk
	requests int // of one walk
}

var defaultLimits = limits{rows: 1 << 16, bytes: 8 << 20, requests: 8192}

// bulker asks a device.
type bulker interface {
	bulk(ctx context.Context, q query) (answer, *failure)
}

// Walk reads whole columns, several in one request. The error, a *collectors.VisitError,
// means that nothing at all was read; else each column says whether it is complete.
// A column has at most 65,536 rows and a walk 8 MB; what is beyond is TooMuch.
func (s *Session) Walk(ctx context.Context, columns ...string) (Table, error) {
	t, _, err := s.walk(ctx, false, columns)
	return t, err
}

// WalkTimed is Walk with sysUpTime.0 in every request, so that a counter can be related to
// the clock of the answer it came in. A column during which that clock stepped back, by a
// restart or because another unit took over, is Inconsistent.
func (s *Session) WalkTimed(ctx context.Context, columns ...string) (Table, UpTimes, error) {
	return s.walk(ctx, true, columns)
}

func (s *Session) walk(ctx context.Context, timed bool, columns []string) (Table, UpTimes, error) {
	if err := checkOIDs(columns, maxColumns); err != nil {
		return nil, nil, err
	}
	release, f := s.engage(ctx)
	if f != nil {
		return nil, nil, s.explain(f)
	}
	defer release()
	w := newWalk(s, s.limits, timed, &s.sizes, columns)
	w.bad = &s.trouble
	if f := w.run(ctx); f != nil {
		return nil, nil, s.explain(f)
	}
	return w.table, w.times, nil
}

// walk is one walk: pure but for its bulker.
type walk struct {
	ask   bulker
	bad   *trouble // of the session
	left  limits
	head  []string
	sizes *sizes
	table Table
	cols  []progress
	times UpTimes
	pdus  uint32
	dead  int  // columns asked alone without success since the last success
	quiet bool // the last request found silence
	first *failure
	batch []*progress
	oids  []string
}

// progress is how far a column was read.
type progress struct {
	*Column
	prefix  string // of its rows' names: ".1.3.6.1.2.1.2.2.1.8."
	last    string // name of its last row; at first the column's own
	after   string // name of the object after its end; empty: nothing is
	beyond  string // name of the last object after its end in the same answer; empty: nothing more
	endedBy uint32 // number of the answer that ended it
	done    bool
	suspect bool // it had no row, and its end may be another column's row
	probe   bool // its end is to be confirmed: one row will do
	alone   bool // it is asked alone, since it or one asked with it made trouble
	errs    int  // errors of the device when asked alone
	undo    undo
}

// undo is a column before an answer.
type undo struct {
	rows int
	last string
	done bool
}

func newWalk(ask bulker, l limits, timed bool, sizes *sizes, columns []string) *walk {
	w := &walk{ask: ask, bad: &trouble{}, left: l, sizes: sizes, table: make(Table, len(columns)), cols: make([]progress, len(columns))}
	if timed {
		w.head = []string{upTimeObject}
	}
	for i, oid := range columns {
		w.table[i].OID = oid
		w.cols[i] = progress{Column: &w.table[i], prefix: "." + oid + ".", last: "." + oid}
	}
	return w
}

// run walks to the end. It returns a failure only when nothing was read.
func (w *walk) run(ctx context.Context) *failure {
	for again := true; again; again = w.doubt() { // a column is doubted once
		for w.next() {
			w.step(ctx)
		}
	}
	for i := range w.table {
		if c := &w.table[i]; c.Complete || len(c.Rows) > 0 {
			return nil
		}
	}
	return w.first // set by the column that ended without rows
}

// next chooses the columns of the next request: those still in company, as they were asked
// for; then those whose end is to be confirmed; then one that is to be asked alone.
func (w *walk) next() bool {
	company := func(c *progress) bool { return !c.alone }
	probes := func(c *progress) bool { return c.probe }
	return w.choose(width, company) || w.choose(width, probes) || w.choose(1, func(*progress) bool { return true })
}

func (w *walk) choose(most int, of func(*progress) bool) bool {
	w.batch, w.oids = w.batch[:0], w.oids[:0]
	for i := range w.cols {
		c := &w.cols[i]
		if !c.done && len(w.batch) < most && of(c) {
			w.batch, w.oids = append(w.batch, c), append(w.oids, c.last)
		}
	}
	return len(w.batch) > 0
}

func (w *walk) step(ctx context.Context) {
	if w.left.requests--; w.left.requests < 0 || w.left.bytes < 0 {
		w.stop(&failure{reason: hw.TooMuch, err: errors.New("more than the limit of one walk")})
		return
	}
	a, f := w.ask.bulk(ctx, w.query())
	switch {
	case f != nil:
		w.failed(f)
	case a.status != gosnmp.NoError:
		w.refused(a)
	default:
		w.take(a)
	}
}

func (w *walk) query() query {
	q := query{head: w.head, oids: w.oids, tries: tries}
	switch c := w.batch[0]; {
	case c.probe:
		q.most = 1
	case c.alone:
		q.most = maxSize >> c.errs
	}
	if w.quiet {
		q.tries = 1
	}
	return q
}

// stop ends every column that is not done.
func (w *walk) stop(f *failure) {
	for i := range w.cols {
		w.end(&w.cols[i], f)
	}
}

// end ends a column: complete without f, else with its reason.
func (w *walk) end(c *progress, f *failure) {
	if c.done {
		return
	}
	c.done, c.Complete, c.endedBy = true, f == nil, w.pdus
	if f == nil {
		w.sizes.set(c.OID, len(c.Rows))
		return
	}
	c.Reason, c.Err = f.reason, fmt.Errorf("column %s after %d rows: %w", c.OID, len(c.Rows), f.err)
	if w.first == nil {
		w.first = f
	}
}

// isolate makes the columns of the request be asked alone from now on.
func (w *walk) isolate() {
	for _, c := range w.batch {
		c.alone, c.probe = true, false
	}
}

// failed deals with a request that got no usable answer. Columns in company may suffer
// from one among them, so after silence each is asked once, alone; when two in a row get
// none even so, it is the device.
func (w *walk) failed(f *failure) {
	c := w.batch[0]
	w.quiet = f.silent
	switch {
	case f.over, !f.silent && f.reason != hw.Garbage && f.reason != hw.DeviceError:
		w.stop(f)
	case len(w.batch) > 1:
		w.isolate()
	default:
		w.lost(c, f, f.reason != hw.DeviceError)
	}
}

// lost ends a column that failed alone, and with the second silent one in a row the walk.
func (w *walk) lost(c *progress, f *failure, silent bool) {
	w.end(c, f)
	if !silent {
		return
	}
	if w.dead++; w.dead > 1 {
		w.stop(f)
	}
}

// refused deals with an error status. The device names the culprit, or all are suspects.
func (w *walk) refused(a answer) {
	c := w.batch[0]
	w.quiet = false
	w.bad.fine()
	if n := a.index - len(w.head); len(w.batch) > 1 {
		if n >= 1 && n <= a.cols {
			w.batch = w.batch[n-1 : n]
		}
		w.isolate()
		return
	}
	f := &failure{reason: statusReason(a.status), err: fmt.Errorf("the device answers %v", a.status)}
	if a.index > len(w.head)+1 {
		f = &failure{reason: hw.Garbage, err: fmt.Errorf("the device answers %v for object %d of 1", a.status, a.index)}
	}
	c.alone, c.probe = true, false
	if c.errs++; maxSize>>c.errs == 0 || f.reason == hw.AccessDenied {
		w.lost(c, f, f.reason == hw.AccessDenied)
	}
}

// take takes over an answer. In company one wrong name makes all of it doubtful: it is
// undone and the columns are asked alone, where no row can be taken for another column's.
func (w *walk) take(a answer) {
	up, ok := w.clock(&a)
	if !ok {
		w.distrust(&failure{reason: hw.Garbage, err: errors.New("the answer lacks sysUpTime.0, which earlier ones had")})
		return
	}
	if w.batch[0].probe && len(a.vars) < len(w.batch) { // it must show all, or it confirms nothing
		w.isolate()
		return
	}
	for _, c := range w.batch {
		c.undo = undo{len(c.Rows), c.last, c.done}
	}
	moved := false
	open := slices.ContainsFunc(w.batch, func(c *progress) bool { return !c.done })
	for i := range a.vars {
		c := w.batch[i%a.cols]
		f := w.row(c, &a.vars[i])
		if f != nil {
			w.distrust(f)
			return
		}
		moved = moved || !c.undo.done
	}
	if open && !moved {
		w.distrust(&failure{reason: hw.Garbage, err: errors.New("the answer holds no row")})
		return
	}
	for _, c := range w.batch {
		c.probe = false
	}
	w.dead, w.quiet = 0, false
	if up.OK || slices.ContainsFunc(a.vars, legible) {
		w.bad.fine()
	}
	w.pdus++
	if w.head != nil {
		w.times = append(w.times, up)
	}
}

func (w *walk) distrust(f *failure) {
	w.bad.failed(f)
	if len(w.batch) == 1 {
		w.lost(w.batch[0], f, false)
		return
	}
	for _, c := range w.batch {
		if !c.undo.done {
			c.Rows, c.last, c.done = c.Rows[:c.undo.rows], c.undo.last, false
			c.Complete, c.Reason, c.Err = false, "", nil
			c.after, c.beyond, c.suspect = "", "", false
		}
	}
	w.isolate()
}

// row takes over one varbind; a failure means that it cannot be an answer to what was
// asked.
func (w *walk) row(c *progress, p *gosnmp.SnmpPDU) *failure {
	if c.done {
		return w.beyond(c, p)
	}
	switch Type(p.Type) {
	case TypeEndOfMib:
		w.end(c, nil)
		return nil
	case TypeNoSuchObject, TypeNoSuchInstance: // no answer to GETBULK, but some agents' way to say "none"
		if len(c.Rows) > 0 {
			return &failure{reason: hw.Garbage, err: fmt.Errorf("exception %#x within a column", byte(p.Type))}
		}
		w.end(c, nil)
		return nil
	}
	if compareOID(p.Name, c.last) <= 0 {
		return &failure{reason: hw.Garbage, err: fmt.Errorf("%.80s came after %.80s", p.Name, c.last)}
	}
	if !under(p.Name, c.prefix) {
		c.after, c.beyond = p.Name, p.Name
		w.end(c, nil)
		c.suspect = w.emptyBefore(c)
		return nil
	}
	w.keep(c, p)
	return nil
}

// beyond checks what follows a column's end in the same answer: it must go on in order, or
// the answer is mixed up. Alone nothing can be mixed up, and agents may be odd out there.
func (w *walk) beyond(c *progress, p *gosnmp.SnmpPDU) *failure {
	if c.undo.done || c.Reason != "" || len(w.batch) == 1 {
		return nil
	}
	switch Type(p.Type) {
	case TypeEndOfMib, TypeNoSuchObject, TypeNoSuchInstance:
		c.beyond = ""
		return nil
	}
	if c.beyond == "" || compareOID(p.Name, c.beyond) <= 0 {
		return &failure{reason: hw.Garbage, err: fmt.Errorf("%.80s came after the end of %s", p.Name, c.OID)}
	}
	c.beyond = p.Name
	return nil
}

func (w *walk) keep(c *progress, p *gosnmp.SnmpPDU) {
	v := valueOf(p)
	w.left.bytes -= len(p.Name) + len(v.Bytes) + 8
	if len(c.Rows) >= w.left.rows || w.left.bytes < 0 {
		w.end(c, &failure{reason: hw.TooMuch, err: errors.New("more rows or bytes than the limit of one walk")})
		return
	}
	if c.Rows == nil {
		c.Rows = make([]Row, 0, max(w.sizes.get(c.OID), 8))
	}
	c.Rows = append(c.Rows, Row{Index: p.Name[len(c.prefix):], PDU: w.pdus, Value: v})
	c.last = p.Name
}

// clock takes sysUpTime off the answer. It is not ok when the answer lacks the clock that
// earlier answers had: then it is for something else.
func (w *walk) clock(a *answer) (up UpTime, ok bool) {
	if w.head == nil {
		return up, true
	}
	if len(a.vars) == 0 {
		return up, false
	}
	p := &a.vars[0]
	a.vars = a.vars[1:]
	var last UpTime
	if n := len(w.times); n > 0 {
		last = w.times[n-1]
	}
	v := valueOf(p)
	if p.Name != "."+upTimeOID || v.Type != TypeTimeTicks {
		return UpTime{At: a.at}, !last.OK
	}
	up = UpTime{OK: true, Ticks: uint32(v.Uint), At: a.at}
	if last.OK && steppedBack(last.Ticks, up.Ticks) {
		w.restarted()
	}
	return up, true
}

// steppedBack reports whether the clock went back other than by its wrap.
func steppedBack(from, to uint32) bool {
	const hour = 360_000
	return uint64(to)+upTimeSlack < uint64(from) && !(from > math.MaxUint32-hour && to < hour)
}

// restarted ends the columns that were read in part: their halves are of two lives.
func (w *walk) restarted() {
	for i := range w.cols {
		if c := &w.cols[i]; len(c.Rows) > 0 {
			w.end(c, &failure{reason: hw.Inconsistent, err: errors.New("the device restarted meanwhile")})
		}
	}
}
