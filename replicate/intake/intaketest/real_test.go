package intaketest_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake/intaketest"
	"rackpost/replicate/ship"
	"rackpost/store"
)

var start = time.UnixMilli(1_790_000_000_000)

func siteID(n int) journal.ID   { return journal.ID{1, byte(n >> 8), byte(n)} }
func originID(n int) journal.ID { return journal.ID{2, byte(n >> 8), byte(n)} }

// seconds gives what a site tells, one second at a time.
func seconds(o workload.Options, n int) func() []hw.Report {
	o.Start = start
	gen, now := workload.New(1, o), start
	r := gen.Next()
	return func() (out []hw.Report) {
		for ; len(out) == 0 && n > 0; n-- {
			now = now.Add(time.Second)
			for ; r.Started.Add(r.Took).Before(now); r = gen.Next() {
				out = append(out, r)
			}
		}
		return out
	}
}

// box is a site that sends what is on its tape.
type box struct {
	*intaketest.Tape
	holder       *enroll.Holder
	live, behind *ship.Line
}

func newBox(t testing.TB, h *intaketest.HQ, n int, tape *intaketest.Tape) *box {
	t.Helper()
	b := &box{Tape: tape, holder: h.Join(t, "site "+strconv.Itoa(n), tape.Site)}
	o := ship.Options{Site: tape.Site, Origin: tape.Origin, Logger: slog.New(slog.DiscardHandler), Share: 1, Known: ship.NewKnown()}
	o.Lane = ship.Live
	b.live = ship.New(b, o)
	o.Lane = ship.Behind
	b.behind = ship.New(b, o)
	return b
}

// connect opens both lanes.
func (b *box) connect(t testing.TB, h *intaketest.HQ) (cut func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for lane, line := range map[ship.Lane]*ship.Line{ship.Live: b.live, ship.Behind: b.behind} {
		conn, err := h.Dial(ctx, b.holder, b.Origin, lane)
		if err != nil {
			cancel()
			t.Fatal(err)
		}
		wg.Go(func() { _ = line.Run(ctx, conn) })
	}
	cut = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(cut)
	return cut
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within two minutes", what)
		}
	}
}

func there(h *intaketest.HQ, boxes []*box) bool {
	for _, b := range boxes {
		if !h.Store.HeldOf(b.Site).Covers(b.Held()) {
			return false
		}
	}
	return true
}

// TestRealParts: sites with certificates send to a real store what is behind and what is new; what stands there
// then is sound, and it is all of it.
func TestRealParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := intaketest.Open(t, dir, nil)
	r := intaketest.Record(t, t.TempDir(), seconds(workload.Options{Servers: 10, Switches: 2}, 90))
	var boxes []*box
	for n := range 6 {
		b := newBox(t, h, n, r.As(t, siteID(n), originID(n)))
		b.connect(t, h)
		boxes = append(boxes, b)
	}
	until(t, "all is there", func() bool { return there(h, boxes) })
	st := h.Status()
	if st.Totals.Refused > 0 || st.Totals.Connected != 6 {
		t.Errorf("totals %+v", st.Totals)
	}
	for _, row := range st.Sites {
		if !strings.HasPrefix(row.Name, "site ") || row.BytesToday == 0 || row.Received == 0 {
			t.Errorf("row %+v", row)
		}
	}
	h.Stop()
	audit, err := store.Verify(t.Context(), dir+"/journal", io.Discard)
	if err != nil || len(audit.Faults) > 0 {
		t.Fatalf("%v, %d faults", err, len(audit.Faults))
	}
	for _, b := range boxes {
		if !audit.Vector.Covers(b.Held()) {
			t.Errorf("of site %s not all stands there", b.Site)
		}
	}
}

// TestRealCertificates: a certificate of another headquarters, and one that was revoked, are refused in words.
func TestRealCertificates(t *testing.T) {
	t.Parallel()
	h, other := intaketest.Open(t, t.TempDir(), nil), intaketest.Open(t, t.TempDir(), nil)
	empty := func(n int) *intaketest.Tape { return intaketest.NewTape(siteID(n), originID(n), nil, nil) }
	a, b := newBox(t, h, 0, empty(0)), newBox(t, h, 1, empty(1))
	stranger := newBox(t, other, 2, empty(2))
	a.connect(t, h)
	b.connect(t, h)
	until(t, "both are connected", func() bool { return h.Status().Totals.Connections == 4 })
	if err := h.Registry.Revoke("site 0", "moved away"); err != nil {
		t.Fatal(err)
	}
	until(t, "the revoked one is cut off", func() bool { return h.Status().Totals.Connections == 2 })
	r := (*enroll.Refusal)(nil)
	if _, err := h.Dial(t.Context(), a.holder, a.Origin, ship.Live); !errors.As(err, &r) || r.Reason != enroll.Revoked || !strings.Contains(r.What, "moved away") {
		t.Errorf("the revoked site: %v", err)
	}
	if _, err := h.Dial(t.Context(), stranger.holder, stranger.Origin, ship.Live); err == nil {
		t.Error("a site of another headquarters is let in")
	}
}

// TestRealRestore: headquarters is put back from a copy of its folder, and what came after the copy comes again.
func TestRealRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := intaketest.Record(t, t.TempDir(), seconds(workload.Options{Servers: 5, Switches: 1}, 60))
	h := intaketest.Open(t, dir, nil)
	half := r.As(t, siteID(0), originID(0))
	first := intaketest.NewTape(half.Site, half.Origin, firstHalf(t, half), r.Layouts)
	b := newBox(t, h, 0, first)
	b.connect(t, h)
	until(t, "the first half is there", func() bool { return there(h, []*box{b}) })
	h.Stop()
	backup := t.TempDir()
	copyFolder(t, backup, dir)
	again := intaketest.Open(t, dir, nil)
	all := &box{Tape: half, holder: b.holder}
	o := ship.Options{Site: half.Site, Origin: half.Origin, Logger: slog.New(slog.DiscardHandler), Share: 1, Known: ship.NewKnown(), Lane: ship.Live}
	all.live = ship.New(all, o)
	o.Lane = ship.Behind
	all.behind = ship.New(all, o)
	cut := all.connect(t, again)
	until(t, "all is there", func() bool { return there(again, []*box{all}) })
	cut()
	again.Stop()
	restored := intaketest.Open(t, backup, nil)
	if there(restored, []*box{all}) {
		t.Fatal("the copy holds all: the test shows nothing")
	}
	half.Rewind()
	all.connect(t, restored)
	until(t, "all is there again", func() bool { return there(restored, []*box{all}) })
	restored.Stop()
	audit, err := store.Verify(t.Context(), filepath.Join(backup, "journal"), io.Discard)
	if err != nil || len(audit.Faults) > 0 || !audit.Vector.Covers(all.Held()) {
		t.Errorf("%v, %d faults", err, len(audit.Faults))
	}
}

// copyFolder copies a folder as a backup does, with who may read what.
func copyFolder(t testing.TB, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(to, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}); err != nil {
		t.Fatal(err)
	}
}

// firstHalf returns what was written first of a tape.
func firstHalf(t testing.TB, tape *intaketest.Tape) (out []journal.Batch) {
	t.Helper()
	all, err := tape.Page(t.Context(), journal.Vector{}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if b.Seq <= tape.Held().Last(b.StreamKey)/2 {
			out = append(out, b)
		}
	}
	return out
}
