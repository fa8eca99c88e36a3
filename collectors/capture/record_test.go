package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/capture"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/sim"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// fake is a session with a device that is plain values.
type fake struct {
	columns map[string]snmp.Column
	walks   [][]string
	visits  int
	before  func(walk int) error // may fail a walk
}

func (f *fake) Walk(ctx context.Context, oids ...string) (snmp.Table, error) {
	f.walks = append(f.walks, slices.Clone(oids))
	if f.before != nil {
		if err := f.before(len(f.walks)); err != nil {
			return nil, err
		}
	}
	var t snmp.Table
	for _, oid := range oids {
		c, ok := f.columns[oid]
		if !ok {
			c.Complete = true
		}
		c.OID = oid
		t = append(t, c)
	}
	return t, nil
}

func (f *fake) StartVisit() { f.visits++ }

func (f *fake) Requests() int { return 3 }

func column(reason hw.Reason, rows ...snmp.Row) snmp.Column {
	return snmp.Column{Complete: reason == "", Reason: reason, Rows: rows}
}

func text(index, s string) snmp.Row {
	return snmp.Row{Index: index, Value: snmp.Value{Type: snmp.TypeOctetString, Bytes: []byte(s)}}
}

func integer(index string, n int64) snmp.Row {
	return snmp.Row{Index: index, Value: snmp.Value{Type: snmp.TypeInteger, Int: n}}
}

var key = bytes.Repeat([]byte("k"), scrub.MinKey)

const system, ifEntry, sensors = "1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.4.1.9.9.91.1.1.1.1"

func device() *fake {
	return &fake{columns: map[string]snmp.Column{
		system: column("", text("1.0", "Cisco IOS Software, Version 15.2"), text("5.0", "paris-core-1"),
			snmp.Row{Index: "2.0", Value: snmp.Value{Type: snmp.TypeOID, Bytes: []byte("1.3.6.1.4.1.9.1.516")}},
			snmp.Row{Index: "3.0", Value: snmp.Value{Type: snmp.TypeTimeTicks, Uint: 4294967295}}),
		ifEntry: column("", integer("1.10101", 10101), text("2.10101", "GigabitEthernet1/0/1"), text("6.10101", "\x00\x1a\x2b\x3c\x4d\x5e"),
			integer("8.10101", 1<<40), snmp.Row{Index: "9.10101"}, snmp.Row{Index: "10.10101", Value: snmp.Value{Type: snmp.TypeCounter32, Uint: 7}},
			snmp.Row{Index: "30.1", Value: snmp.Value{Type: snmp.TypeNull}}, snmp.Row{Index: "31.1", Value: snmp.Value{Type: snmp.TypeIPAddress, Bytes: []byte{10, 1, 2, 3}}},
			snmp.Row{Index: "32.1", Value: snmp.Value{Type: snmp.TypeCounter64, Uint: 1<<64 - 1}}, snmp.Row{Index: "33.1", Value: snmp.Value{Type: snmp.TypeOpaque, Bytes: []byte{1, 2, 3}}},
			snmp.Row{Index: "34.1", Value: snmp.Value{Type: snmp.TypeOID, Bytes: []byte("7")}}),
		sensors: column(hw.DeviceError, integer("4.1", 42)),
	}}
}

func options(subtrees ...string) capture.Options {
	return capture.Options{Subtrees: append([]string{system}, subtrees...), Key: key}
}

func notes(t *testing.T, r *capture.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteNotes(&b, capture.About{Version: "v1", Kind: "lab"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mustHold fails unless the text holds all of these.
func mustHold(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(text, s) {
			t.Errorf("%q is missing in:\n%s", s, text)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	f := device()
	r, err := capture.Record(t.Context(), f, options(ifEntry, sensors, "1.3.6.1.2.1.99.1.1.1"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Whole() || r.Malformed != 3 || r.Requests != 3 || f.visits != 1 {
		t.Errorf("whole %v, %d malformed, %d requests in %d visits", r.Whole(), r.Malformed, r.Requests, f.visits)
	}
	var b bytes.Buffer
	if err := r.WriteRecording(&b); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"paris", "001a2b", "10.1.2.3"} {
		if strings.Contains(b.String()+notes(t, r), secret) {
			t.Errorf("%q is left", secret)
		}
	}
	mustHold(t, b.String(), "1.3.6.1.2.1.2.2.1.2.10101|4|GigabitEthernet1/0/1\n", ifEntry+".10.10101|65|7\n", ifEntry+".32.1|70|18446744073709551615\n", ifEntry+".30.1|5|\n", system+".3.0|67|4294967295\n")
	again, err := sim.ReadRecording(&b, "capture")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(again.Rows()), 4+8+1; got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
	mustHold(t, notes(t, r), "INCOMPLETE", "Cisco IOS Software, Version 15.2", "1.3.6.1.4.1.9.1.516", sensors, "NOT TO ITS END: device-error", "the device does not have it", "3 objects whose value could not be read", "rackpost v1")
}

func TestWholeCapture(t *testing.T) {
	t.Parallel()
	r, err := capture.Record(t.Context(), device(), options(ifEntry))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Whole() || strings.Contains(notes(t, r), "INCOMPLETE") {
		t.Errorf("not whole:\n%s", notes(t, r))
	}
}

func TestNothingRead(t *testing.T) {
	t.Parallel()
	f := device()
	f.before = func(int) error { return &collectors.VisitError{Reason: hw.NoAnswer} }
	if _, err := capture.Record(t.Context(), f, options(ifEntry)); collectors.ReasonOf(err) != hw.NoAnswer {
		t.Errorf("%v, want no-answer", err)
	}
	if _, err := capture.Record(t.Context(), f, capture.Options{Subtrees: []string{system}, Key: []byte("short")}); err == nil {
		t.Error("a short key is taken")
	}
}

// many are more subtrees than one walk takes.
func many() []string {
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf("1.3.6.1.4.1.9.9.%d", 1000+i))
	}
	return list
}

// A device that falls silent is not asked for the rest of a long list.
func TestDeviceFallsSilent(t *testing.T) {
	t.Parallel()
	f := device()
	f.before = func(walk int) error {
		if walk > 2 {
			return &collectors.VisitError{Reason: hw.NoAnswer, Err: errors.New("read udp 10.1.2.3:161: timeout")}
		}
		return nil
	}
	r, err := capture.Record(t.Context(), f, options(many()...))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.walks) != 4 || r.Whole() || len(r.Unread) == 0 {
		t.Errorf("%d walks, %d subtrees unread", len(f.walks), len(r.Unread))
	}
	told := notes(t, r)
	mustHold(t, told, "the device no longer answered", "no-answer", r.Unread[0])
	if strings.Contains(told, "10.1.2.3") {
		t.Error("the notes tell the address")
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := device()
	f.before = func(walk int) error {
		if walk == 2 {
			cancel()
		}
		return nil
	}
	r, err := capture.Record(ctx, f, options(many()...))
	if err != nil {
		t.Fatal(err)
	}
	if r.Whole() || len(f.walks) != 2 || r.Stopped != "it was interrupted" {
		t.Errorf("%d walks, stopped because %q", len(f.walks), r.Stopped)
	}
	mustHold(t, notes(t, r), "INCOMPLETE", "Not all was read: it was interrupted", "Not asked for any more")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	opt := options(many()...)
	opt.Rows = 3
	r, err := capture.Record(t.Context(), device(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Recording.Rows()); n != 3 || r.Whole() || r.Stopped != "the limit of 3 rows was reached" {
		t.Errorf("%d rows, stopped because %q", n, r.Stopped)
	}
	opt = options(many()...)
	opt.Time = time.Nanosecond
	if r, err = capture.Record(t.Context(), device(), opt); err != nil {
		t.Fatal(err)
	}
	if r.Whole() || !strings.Contains(r.Stopped, "time limit") {
		t.Errorf("stopped because %q", r.Stopped)
	}
}

// With a pause a walk is of one subtree; without, of a few.
func TestPause(t *testing.T) {
	t.Parallel()
	f := device()
	opt := options(many()[:5]...)
	opt.Pause = time.Microsecond
	var told []capture.Progress
	opt.Progress = func(p capture.Progress) { told = append(told, p) }
	if _, err := capture.Record(t.Context(), f, opt); err != nil {
		t.Fatal(err)
	}
	if len(f.walks) != 6 || len(told) != 6 || told[5].Done != 5 || told[5].Total != 6 || told[5].Rows != 4 || told[5].Next != opt.Subtrees[5] {
		t.Errorf("%d walks, told %+v", len(f.walks), told)
	}
}

// What is never kept is left out even if a walk brings it.
func TestNeverKept(t *testing.T) {
	t.Parallel()
	f := device()
	f.columns["1.3.6.1.4.1.9.9.109"] = column("", integer("1.1.1.1.6.1", 7), text("1.2.1.1.2.1.1", "a process"))
	r, err := capture.Record(t.Context(), f, options("1.3.6.1.4.1.9.9.109"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Skipped != 1 || len(r.Recording.Rows()) != 5 {
		t.Errorf("%d skipped, %d rows", r.Skipped, len(r.Recording.Rows()))
	}
}
