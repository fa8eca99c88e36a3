package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/store/powerfs"
)

// smallDisk mounts a tmpfs of so many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("the full-disk tests mount a tmpfs, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// bulky is the report number n of device i with about size bytes of log that hardly compress.
func bulky(i int, n uint64, size int) hw.Report {
	r := numbered(i, n)
	noise := make([]byte, size*3/4)
	if _, err := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(i)}).Read(noise); err != nil {
		panic(err) // it never returns one
	}
	text := base64.StdEncoding.EncodeToString(noise)
	size = len(text)
	r.Log = nil
	for j := 0; j < size; j += 4096 {
		r.Log = append(r.Log, hw.LogLine{Log: "syslog", Entry: fmt.Sprintf("%d/%d", n, j), At: r.Started, Level: "warning", Text: text[j:min(size, j+4096)]})
	}
	return r
}

// TestSmallDisk puts more than the disk holds: the store sheds, says so and never fails.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.SegmentBytes, o.MinFree, o.Ballast = smallDisk(t, "12m"), 1<<20, 3<<20, 2<<20
	b := open(t, o)
	const reports = 1000
	for n := uint64(1); n <= reports; n++ {
		b.put(bulky(0, n, 20<<10))
	}
	st, err := b.Stats()
	if err != nil || st.Shed == 0 || len(st.Quarantined) > 0 {
		t.Fatalf("stats %+v: %v", st, err)
	}
	checkShed(t, b, reports)
	b.stop()
	state, held := b.Devices(), b.Held() // the keeper may have told of one more drop until it stopped
	audit, err := store.Verify(t.Context(), o.Dir, io.Discard)
	if err != nil || len(audit.Faults) > 0 {
		t.Fatalf("verify %v: %v", audit.Faults, err)
	}
	b = sameAfterRestart(t, o, state, held)
	checkShed(t, b, reports)
}

// TestNoRoomToShed fills the disk to the last byte: there is no room to write anew what is left of a segment that
// loses its logs, and the store sheds all the same.
func TestNoRoomToShed(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.SegmentBytes = smallDisk(t, "16m"), 1<<20
	b := open(t, o)
	n := uint64(0)
	for segments := 0; segments < 6; {
		n++
		b.put(bulky(0, n, 20<<10))
		sealed, err := filepath.Glob(filepath.Join(o.Dir, "*.sealed"))
		require(t, err)
		segments = len(sealed)
	}
	require(t, b.Seal(t.Context()))
	twins, err := filepath.Glob(filepath.Join(o.Dir, "*.twin"))
	require(t, err)
	for _, path := range twins {
		require(t, os.Remove(path))
	}
	stuff(t, filepath.Join(o.Dir, "another"))
	putsGoOn(t, b, o, n, n+60)
}

// putsGoOn puts the reports after n up to last, none of which may wait for ever, and requires that what was shed for them
// is told of, also after a restart.
func putsGoOn(t *testing.T, b *box, o store.Options, n, last uint64) {
	t.Helper()
	for n++; n <= last; n++ {
		done := make(chan error, 1)
		go func() { done <- b.Put(context.Background(), bulky(0, n, 20<<10)) }()
		select {
		case err := <-done:
			require(t, err)
		case <-time.After(time.Minute):
			t.Fatalf("report %d waits for ever, with much that may be dropped", n)
		}
	}
	b.stop()
	state, held := b.Devices(), b.Held()
	b = sameAfterRestart(t, o, state, held)
	checkShed(t, b, last)
}

// TestFlushesOutrunKeeper puts reports while no keeper runs, until they are refused: what they leave must be enough to seal
// their segments, or nothing could ever be dropped.
func TestFlushesOutrunKeeper(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.SegmentBytes, o.MinFree, o.Ballast = smallDisk(t, "12m"), 1<<20, 3<<20, 2<<20
	s, err := store.Open(t.Context(), o)
	require(t, err)
	n := uint64(0)
	for err == nil {
		n++
		err = s.PutTogether([]hw.Report{bulky(0, n, 20<<10)})
	}
	if !s.Full() || len(glob(t, o.Dir, "*.open")) < 5 || len(glob0(t, o.Dir, "ballast")) > 0 {
		t.Fatalf("report %d: %v", n, err)
	}
	putsGoOn(t, running(t, s), o, n-1, n+200)
}

// TestNoRoomToShedFacts fills the disk to the last byte when nothing is left to drop but facts, which take little of it.
func TestNoRoomToShedFacts(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.MinFree = smallDisk(t, "16m"), 512<<10
	s, err := store.Open(t.Context(), o)
	require(t, err)
	const segments = 20
	for n := range uint64(segments) {
		r := numbered(0, n+1)
		if r.Components[0].Health = hw.OK; n%2 > 0 { // a fact in each segment
			r.Components[0].Health = hw.Critical
		}
		require(t, s.PutTogether([]hw.Report{r}))
		require(t, s.Seal(t.Context()))
	}
	for have := sequence(1, segments); len(have) > 0; { // twins and logs go before
		freed, err := s.Shed(t.Context())
		require(t, err)
		if !freed {
			t.Fatal("nothing may be dropped")
		}
		have, err = numbers(s, 0)
		require(t, err)
	}
	if sealed := glob(t, o.Dir, "*.sealed"); len(sealed) != segments {
		t.Fatalf("segments left: %v", sealed)
	}
	stuff(t, filepath.Join(o.Dir, "another"))
	putsGoOn(t, running(t, s), o, segments, segments+10)
}

// sameAfterRestart opens the store and compares before its keeper, which may drop more at once, begins.
func sameAfterRestart(t *testing.T, o store.Options, state []store.DeviceView, held journal.Vector) *box {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	require(t, err)
	sameState(t, state, s.Devices())
	if now := s.Held(); !now.Equal(held) {
		t.Errorf("held changed by a restart: %v was %v", now, held)
	}
	return running(t, s)
}

// checkShed requires the newest of the readings of device 0, without a hole, and a gap and
// tombstones for the others.
func checkShed(t *testing.T, b *box, last uint64) {
	t.Helper()
	have, err := numbers(b.Store, 0)
	if err != nil || len(have) == 0 || !slices.Equal(have, sequence(have[0], last)) {
		t.Fatalf("%d readings: %v", len(have), err)
	}
	gap := false
	for _, f := range b.Registers("") {
		g, ok := f.Value.(hw.GapValue)
		gap = gap || (ok && g.Reason == hw.Dropped)
	}
	if !gap {
		t.Errorf("no gap tells of what was dropped: %v", b.Registers(""))
	}
	if awaited := b.Awaited(testSite); len(awaited) > 0 {
		t.Errorf("awaited: %v", awaited)
	}
}

// TestDiskFilledByAnother fills the disk from outside: reports wait, and go on when there is
// room. Nothing acknowledged is lost.
func TestDiskFilledByAnother(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir, o.Ballast = smallDisk(t, "16m"), 2<<20
	b := open(t, o)
	n := uint64(1)
	for ; n <= 20; n++ {
		b.put(bulky(0, n, 20<<10))
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	fill := filepath.Join(o.Dir, "another")
	stuff(t, fill)
	waited := false
	for ; n <= 2000 && !waited; n++ {
		done := make(chan error, 1)
		go func() { done <- b.Put(context.Background(), bulky(0, n, 20<<10)) }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(2 * time.Second):
			waited = true
			if _, err := os.Stat(filepath.Join(o.Dir, "ballast")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the ballast is still there: %v", err)
			}
			if st, err := b.Stats(); err != nil {
				t.Error(err)
			} else if st.Shed > 0 {
				t.Errorf("%d batches were shed, all of the open segment", st.Shed)
			}
			require(t, os.Remove(fill))
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	if !waited {
		t.Fatal("the disk was full and no report waited")
	}
	b.put(bulky(0, n, 20<<10))
	b.stop()
	b = open(t, o)
	if have, err := numbers(b.Store, 0); err != nil || !slices.Equal(have, sequence(1, n)) {
		t.Fatalf("of %d readings %v are there: %v", n, have, err)
	}
}

// stuff writes a file until the disk is full.
func stuff(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// TestEndOnFullDisk: a stop is in order also when somebody fills the disk to the last byte meanwhile, with ballast and without, and what is
// dropped for that is told.
func TestEndOnFullDisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ballast int64
		twins   bool
	}{{-1, true}, {64 << 10, true}, {-1, false}} {
		o := options(t)
		o.Dir, o.MinFree, o.Ballast = smallDisk(t, "16m"), 512<<10, c.ballast
		s, err := store.Open(t.Context(), o)
		require(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(ctx) }()
		for n := range uint64(4) {
			require(t, s.Put(ctx, bulky(0, n+1, 20<<10)))
			require(t, s.Seal(ctx))
		}
		require(t, s.Put(ctx, bulky(0, 5, 20<<10)))
		cancel()
		require(t, <-ran)
		for _, path := range glob0(t, o.Dir, "*.twin") {
			if !c.twins {
				require(t, os.Remove(path))
			}
		}
		before := len(glob(t, o.Dir, "*.sealed"))
		stuff(t, filepath.Join(o.Dir, "another"))
		if err := s.Close(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		dropped := before - len(glob0(t, o.Dir, "*.sealed"))
		require(t, os.Remove(filepath.Join(o.Dir, "another")))
		b := open(t, o)
		require(t, b.Put(t.Context(), bulky(0, 6, 20<<10)))
		told := false
		for _, f := range b.Registers("") {
			g, _ := f.Value.(hw.GapValue)
			if g.Reason == hw.ApplianceCrash {
				t.Errorf("%+v: an orderly stop is told as a crash: %+v", c, g)
			}
			told = told || g.Reason == hw.Dropped
		}
		if told != (dropped > 0) || !c.twins && dropped == 0 {
			t.Errorf("%+v: %d segments were dropped, which is told: %v", c, dropped, told)
		}
		b.stop()
	}
}

// TestStopOnFullDisk requires that a full disk does not hold up the end, and that nobody is
// told that a report was taken.
func TestStopOnFullDisk(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	o := options(t)
	o.Dir = disk.Dir()
	s, err := store.Open(t.Context(), o)
	require(t, err)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ran, put := make(chan error, 1), make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	require(t, s.Put(ctx, numbered(0, 1)))
	disk.SetCapacity(1)
	go func() { put <- s.Put(context.Background(), bulky(0, 2, 20<<10)) }()
	select {
	case err := <-put:
		t.Fatalf("put on a full disk: %v", err)
	case <-time.After(1500 * time.Millisecond):
	}
	cancel()
	if err := <-put; err == nil {
		t.Error("a report was acknowledged on a full disk")
	}
	if err := <-ran; err == nil {
		t.Error("run ended as if all were well")
	}
	disk.SetCapacity(1 << 30)
	if err := s.Put(t.Context(), numbered(0, 3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("put after the end: %v", err)
	}
	if have, err := numbers(s, 0); err != nil || !slices.Equal(have, sequence(1, 1)) {
		t.Errorf("the readings are %v: %v", have, err)
	}
}

// TestIOError requires that a disk that fails ends the run, that all who wait are told, and
// that what was acknowledged before is there afterwards.
func TestIOError(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	o := options(t)
	o.Dir, o.FlushAge = disk.Dir(), 300*time.Millisecond
	s, err := store.Open(t.Context(), o)
	require(t, err)
	ran := make(chan error, 1)
	go func() { ran <- s.Run(t.Context()) }()
	require(t, s.Put(t.Context(), numbered(0, 1)))
	disk.SetFault(syscall.EIO)
	puts := make(chan error, 3)
	for i := range 3 {
		go func() { puts <- s.Put(t.Context(), numbered(i, 2)) }()
	}
	for range 3 {
		if err := <-puts; err == nil {
			t.Error("acknowledged by a disk that fails")
		}
	}
	if err := <-ran; err == nil || !strings.Contains(err.Error(), "write to the journal") {
		t.Errorf("run ended with %v", err)
	}
	if err := s.Put(t.Context(), numbered(0, 3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("put after the end: %v", err)
	}
	disk.SetFault(0)
	require(t, s.Close())
	b := open(t, o)
	if have, err := numbers(b.Store, 0); err != nil || len(have) == 0 || have[0] != 1 {
		t.Errorf("the readings are %v: %v", have, err)
	}
	b.put(numbered(0, 4))
	b.stop()
}

// TestSecondProcess requires that a folder in use is refused, in words.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	o := options(t)
	b := open(t, o)
	_, err := store.Open(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "another rackpost uses this folder") {
		t.Fatalf("opened a second time: %v", err)
	}
	b.put(numbered(0, 1))
	b.stop()
	open(t, o).put(numbered(0, 2))
}

// TestShutdownFlushes requires that what waits when the end comes is written and acknowledged.
func TestShutdownFlushes(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.FlushAge = time.Hour
	s, err := store.Open(t.Context(), o)
	require(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran, puts := make(chan error, 1), make(chan error, crashDevices)
	go func() { ran <- s.Run(ctx) }()
	var sent atomic.Int64
	for i := range crashDevices {
		go func() {
			sent.Add(1)
			puts <- s.Put(context.Background(), numbered(i, 1))
		}()
	}
	for sent.Load() < crashDevices {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	acked := 0
	for range crashDevices {
		switch err := <-puts; {
		case err == nil:
			acked++
		case !errors.Is(err, store.ErrClosed): // came too late
			t.Error(err)
		}
	}
	require(t, <-ran)
	require(t, s.Close())
	b := open(t, o)
	defer b.stop()
	there := 0
	for i := range crashDevices {
		have, err := numbers(b.Store, i)
		require(t, err)
		there += len(have)
	}
	if acked == 0 || there != acked {
		t.Errorf("%d acknowledged, %d there", acked, there)
	}
}
