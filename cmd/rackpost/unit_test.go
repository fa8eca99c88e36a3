package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/store"
	"rackpost/web"
)

func TestJournalEntry(t *testing.T) {
	t.Parallel()
	var h slog.Handler = journalHandler{level: slog.LevelInfo, fallback: slog.DiscardHandler}
	h = h.WithAttrs([]slog.Attr{slog.String("device", "sw")}).WithGroup("visit").WithAttrs([]slog.Attr{slog.Int("requests", 7)})
	r := slog.NewRecord(time.Time{}, slog.LevelWarn, "not read", 0)
	r.AddAttrs(slog.Any("error", errors.New("no answer")), slog.Group("unit", slog.String("serial", "A1")), slog.String("_1message", "x"))
	message, fields := h.(journalHandler).entry(r)
	wantMessage := `not read device=sw visit_requests=7 visit_error="no answer" visit_unit_serial=A1 visit__1message=x`
	wantFields := map[string]string{
		"SYSLOG_IDENTIFIER": "rackpost", "DEVICE": "sw", "VISIT_REQUESTS": "7", "VISIT_ERROR": "no answer", "VISIT_UNIT_SERIAL": "A1", "VISIT__1MESSAGE": "x",
	}
	if d := cmp.Diff(wantMessage, message) + cmp.Diff(wantFields, fields); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
	if h.Enabled(context.Background(), slog.LevelDebug) {
		t.Error("debug is let through at info")
	}
}

func TestFieldNames(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"a.b-c": "A_B_C", "_x": "X", "1st": "ST", "message": "RACKPOST_MESSAGE", "é": "", strings.Repeat("a", 99): strings.Repeat("A", 64)} {
		if got := fieldName(key); got != want {
			t.Errorf("fieldName(%q) = %q; want %q", key, got, want)
		}
	}
}

// slowSink keeps every report until it is let go.
type slowSink struct{ entered, leave chan struct{} }

func (s slowSink) Put(context.Context, hw.Report) error {
	s.entered <- struct{}{}
	<-s.leave
	return nil
}

func TestPulseKnowsWhatWaits(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := slowSink{make(chan struct{}), make(chan struct{})}
	p := &pulse{sink: s, now: func() time.Time { return now }}
	done := make(chan error)
	go func() { done <- p.Put(t.Context(), hw.Report{Device: "sw"}) }()
	<-s.entered
	now = now.Add(maxWait)
	if err := p.stuck(); err != nil {
		t.Errorf("after %s: %v; want nothing yet", maxWait, err)
	}
	now = now.Add(time.Second)
	if err := p.stuck(); err == nil || !strings.Contains(err.Error(), "sw") {
		t.Errorf("later: %v; want the device named", err)
	}
	close(s.leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := p.stuck(); err != nil {
		t.Errorf("after it was stored: %v", err)
	}
}

func TestStuckVisit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		s     collectors.DeviceStatus
		stuck bool
	}{
		"not due":         {collectors.DeviceStatus{NextDue: now.Add(time.Hour)}, false},
		"just due":        {collectors.DeviceStatus{NextDue: now.Add(-maxOverdue)}, false},
		"overdue":         {collectors.DeviceStatus{NextDue: now.Add(-maxOverdue - time.Second)}, true},
		"logins stopped":  {collectors.DeviceStatus{Stopped: true}, false},
		"being visited":   {collectors.DeviceStatus{NextDue: now.Add(-time.Hour), InFlightSince: now.Add(-time.Minute)}, false},
		"visit never end": {collectors.DeviceStatus{InFlightSince: now.Add(-3 * time.Minute)}, true},
	} {
		if err := stuckVisit(c.s, time.Minute, now); (err != nil) != c.stuck {
			t.Errorf("%s: %v; want stuck %v", name, err, c.stuck)
		}
	}
}

func TestOldDataIsNeverOK(t *testing.T) {
	t.Parallel()
	age := func(s float64) *float64 { return &s }
	parts := []web.Component{{Health: hw.OK}, {Health: hw.Unknown}, {Health: hw.Warning}}
	for name, c := range map[string]struct {
		d     web.Device
		want  hw.Health
		stale bool
	}{
		"fresh":      {web.Device{Age: age(180), Period: 60, Components: parts}, hw.Warning, false},
		"fresh, ok":  {web.Device{Age: age(1), Period: 60, Components: parts[:2]}, hw.OK, false},
		"nothing":    {web.Device{Age: age(1), Period: 60}, hw.Unknown, false},
		"old":        {web.Device{Age: age(181), Period: 60, Components: parts}, hw.Unknown, true},
		"never read": {web.Device{Period: 60, Components: parts}, hw.Unknown, true},
	} {
		judge(&c.d)
		if c.d.Health != c.want || c.d.Stale != c.stale {
			t.Errorf("%s: %s, stale %v; want %s, %v", name, c.d.Health, c.d.Stale, c.want, c.stale)
		}
	}
}

func TestNeverReadHasNoAge(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	gap := hw.Fact{Group: hw.VisitGap, Value: hw.GapValue{Reason: hw.Refused, From: now.Add(-time.Minute)}}
	v := store.DeviceView{ID: "sw", LastVisit: now, Facts: []hw.Fact{gap}}
	if d := deviceOf(v, collectors.DeviceStatus{}, now); d.Age != nil || !d.LastGood.IsZero() || len(d.Gaps) != 1 {
		t.Errorf("never read: age %v, last good %v, gaps %v", d.Age, d.LastGood, d.Gaps)
	}
	v.LastGood = now.Add(-time.Minute)
	if d := deviceOf(v, collectors.DeviceStatus{}, now); d.Age == nil || *d.Age != 60 {
		t.Errorf("read a minute ago: age %v", d.Age)
	}
	// The poller's age does not follow the wall clock.
	if d := deviceOf(v, collectors.DeviceStatus{LastGood: now.Add(time.Hour), SinceGood: 5 * time.Second}, now); d.Age == nil || *d.Age != 5 {
		t.Errorf("read five seconds ago, with the clock set back an hour: age %v", d.Age)
	}
}

func TestSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "rp") // t.TempDir would be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")

	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	ln, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatalf("over what a dead process left: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode %v, %v; want %o", info.Mode().Perm(), err, socketMode)
	}
	if _, err := listenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another rackpost serves it") {
		t.Errorf("over a living one: %v", err)
	}
	ln.Close()
	if err := os.WriteFile(path, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(t.Context(), path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "dear" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	if _, err := listenSocket(t.Context(), filepath.Join(dir, "no", "s")); err == nil || !strings.Contains(err.Error(), "its folder is missing") {
		t.Errorf("without a folder: %v", err)
	}
}

func TestFrameFitsTheTerminal(t *testing.T) {
	t.Parallel()
	heading := []string{strings.Repeat("h", 25)} // three rows of ten
	text := "\n12345678901234\nb\nc\nd\n"
	got := frame(heading, text, 10, 8)
	want := "\x1b[H" + heading[0] + "\x1b[K\n\x1b[K\n1234567890\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J"
	if got != want {
		t.Errorf("frame = %q; want %q", got, want)
	}
}

func TestScreenWritesNoEscapesToAFile(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := newScreen(&b, []string{"heading"}, paintOneDevice)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); strings.Contains(out, "\x1b") || !strings.Contains(out, "heading\n") || !strings.Contains(out, "sw") {
		t.Errorf("screen wrote %q", out)
	}
}

// paintOneDevice shows a device whose model wants to move the cursor.
func paintOneDevice(_ context.Context, w io.Writer) error {
	return printDevices(w, []web.Device{{ID: "sw", Unit: &web.Unit{Model: "\x1b[2Jevil"}}}, false)
}
