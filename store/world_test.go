package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// zero is before everything.
var zero store.Position

// world is some boxes and the time that passes for all of them.
type world struct {
	t     testing.TB
	r     *rand.Rand
	now   atomic.Int64 // Unix ms: the true time
	visit uint64       // numbers every visit made in it
	put   map[hw.DeviceID][]uint64
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 4)), put: map[hw.DeviceID][]uint64{}}
	w.now.Store(start.UnixMilli())
	return w
}

func (w *world) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

// member is a box of a world, with a clock and a mode that can be set.
type member struct {
	*box
	w      *world
	o      store.Options
	offset atomic.Int64 // of its wall clock from the true time, ms
	mode   atomic.Uint32
}

// join opens a new store in the world; change may be nil.
func (w *world) join(change func(*store.Options)) *member {
	w.t.Helper()
	m := &member{w: w, o: options(w.t)}
	m.mode.Store(uint32(journal.Lone))
	m.o.Now = func() time.Time { return time.UnixMilli(w.now.Load() + m.offset.Load()) }
	m.o.Boot = func() ([8]byte, time.Duration) {
		return [8]byte{1}, time.Hour + time.Duration(w.now.Load()-start.UnixMilli())*time.Millisecond
	}
	m.o.Mode = func() journal.Mode { return journal.Mode(m.mode.Load()) }
	if change != nil {
		change(&m.o)
	}
	m.box = open(w.t, m.o)
	return m
}

// reopen stops the box in order and starts it again.
func (m *member) reopen() {
	m.w.t.Helper()
	m.stop()
	m.box = open(m.w.t, m.o)
}

// crash goes on with the disk as it is now: what a stop would have written is lost.
func (m *member) crash() {
	m.w.t.Helper()
	dir := copyDir(m.w.t, m.o.Dir)
	m.stop()
	m.o.Dir = dir
	m.box = open(m.w.t, m.o)
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	for name, content := range dirBytes(t, from) {
		if err := os.WriteFile(filepath.Join(to, name), []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// dirBytes returns what is in a folder, but for the lock. Where the keeper renames or removes a file meanwhile it looks anew.
func dirBytes(t testing.TB, dir string) map[string]string {
	t.Helper()
	for range 100 {
		out, err := readDir(dir)
		if err == nil {
			return out
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatalf("what is in %s changes again and again", dir)
	return nil
}

func readDir(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		if e.Name() == "lock" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out[e.Name()] = string(b)
	}
	return out, nil
}

// visits puts a numbered visit of a device at the box's own time. Some find a port changed.
func (m *member) visits(device hw.DeviceID) hw.Report {
	m.w.t.Helper()
	m.w.visit++
	r := visit(device, m.o.Now(), m.w.visit)
	switch m.w.r.IntN(4) {
	case 0:
		r.Components[m.w.r.IntN(4)].Health = hw.Health(m.w.r.IntN(4))
	case 1:
		r.Components = r.Components[:1+m.w.r.IntN(3)]
	case 2:
		r.Log = append(r.Log, hw.LogLine{Unit: "1", Log: "buffer", Entry: fmt.Sprint(m.w.visit), At: r.Started, Text: "said"})
		r.Cursors = append(r.Cursors, hw.LogCursor{Log: "buffer", Cursor: fmt.Sprint(m.w.visit)})
	}
	m.put(r)
	m.w.put[device] = append(m.w.put[device], m.w.visit)
	return r
}

// some makes up to n visits of any of three devices, and sometimes seals or stops between.
func (m *member) some(n int) {
	m.w.t.Helper()
	for range 1 + m.w.r.IntN(n) {
		m.visits(hw.DeviceID(fmt.Sprintf("sw-%d", m.w.r.IntN(3))))
		m.w.pass(time.Duration(m.w.r.IntN(90)) * time.Second)
		switch m.w.r.IntN(20) {
		case 0:
			m.seal()
		case 1:
			m.reopen()
		case 2:
			m.crash()
		}
	}
}

func (m *member) seal() {
	m.w.t.Helper()
	if err := m.Seal(context.Background()); err != nil {
		m.w.t.Fatal(err)
	}
}

func (m *member) lacking(of *member, limit int) []journal.Batch {
	m.w.t.Helper()
	batches, err := m.Lacking(context.Background(), of.Held(), limit)
	if err != nil {
		m.w.t.Fatal(err)
	}
	return batches
}

func (m *member) merge(batches ...journal.Batch) {
	m.w.t.Helper()
	if err := m.Merge(context.Background(), batches); err != nil {
		m.w.t.Fatal(err)
	}
}

// send gives to some of what it lacks: in any order, cut anywhere, some of it twice.
func (m *member) send(to *member) {
	m.w.t.Helper()
	r := m.w.r
	batches := m.lacking(to, 1+r.IntN(40))
	r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	batches = batches[:r.IntN(len(batches)+1)]
	if len(batches) > 1 {
		batches = append(batches, batches[r.IntN(len(batches))])
	}
	for len(batches) > 0 {
		n := 1 + r.IntN(len(batches))
		to.merge(batches[:n]...)
		batches = batches[n:]
	}
}

// settle sends along the given pairs, in both directions, until nobody lacks anything.
func (w *world) settle(pairs ...[2]*member) {
	w.t.Helper()
	for dry := false; !dry; {
		dry = true
		for _, p := range pairs {
			for _, way := range [][2]*member{p, {p[1], p[0]}} {
				batches := way[0].lacking(way[1], 64)
				dry = dry && len(batches) == 0
				way[1].merge(batches...)
			}
		}
	}
}

func (m *member) state() []byte {
	m.w.t.Helper()
	b, err := m.Base(m.o.Site)
	if err != nil {
		m.w.t.Fatal(err)
	}
	return b
}

// known returns the state of a store with what it holds left out: that differs between stores
// that know the same.
func (m *member) known() string {
	m.w.t.Helper()
	var pack journal.Compressor
	b, err := pack.UnmarshalBase(m.state())
	if err != nil {
		m.w.t.Fatal(err)
	}
	b.Held = nil
	raw, err := pack.MarshalBase(b)
	if err != nil {
		m.w.t.Fatal(err)
	}
	return string(raw)
}

func (w *world) same(members ...*member) {
	w.t.Helper()
	for i, m := range members[1:] {
		if !bytes.Equal(m.state(), members[0].state()) {
			w.t.Fatalf("store %d has another state than store 0: %s", i+1, difference(w.t, members[0].state(), m.state()))
		}
	}
}

// difference says in words where two bases differ.
func difference(t testing.TB, a, b []byte) string {
	t.Helper()
	var pack journal.Compressor
	x, err := pack.UnmarshalBase(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := pack.UnmarshalBase(b)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for name, v := range map[string][2]journal.Vector{"held": {x.Held, y.Held}, "excused": {x.Excused, y.Excused}, "known": {x.Known, y.Known}} {
		if !v[0].Equal(v[1]) {
			out = append(out, fmt.Sprintf("%s: only one has %v, only the other %v", name, v[0].Minus(v[1]), v[1].Minus(v[0])))
		}
	}
	if x.Turn != y.Turn {
		out = append(out, fmt.Sprintf("turns %d and %d", x.Turn, y.Turn))
	}
	if len(x.Registers) != len(y.Registers) || len(x.Visits) != len(y.Visits) {
		out = append(out, fmt.Sprintf("%d and %d registers, %d and %d visits", len(x.Registers), len(y.Registers), len(x.Visits), len(y.Visits)))
	}
	for i := range min(len(x.Visits), len(y.Visits)) {
		if x.Visits[i] != y.Visits[i] {
			out = append(out, fmt.Sprintf("visits %+v and %+v", x.Visits[i], y.Visits[i]))
		}
	}
	for i := range min(len(x.Registers), len(y.Registers)) {
		if x.Registers[i].Order != y.Registers[i].Order {
			out = append(out, fmt.Sprintf("registers %+v and %+v", x.Registers[i], y.Registers[i]))
		}
	}
	return strings.Join(out, "; ")
}

// numbers returns the numbers of the visits of a device that stand in m, by their batches.
func (m *member) numbers(site journal.ID, device hw.DeviceID) []uint64 {
	m.w.t.Helper()
	var out []uint64
	for _, b := range m.all(zero, 100) {
		if b.Stream == journal.Samples && b.Site == site {
			out = append(out, numbersIn(m.w.t, &b, device)...)
		}
	}
	slices.Sort(out)
	return out
}

func numbersIn(t testing.TB, b *journal.Batch, device hw.DeviceID) (out []uint64) {
	t.Helper()
	var pack journal.Compressor
	body, err := pack.Body(b)
	if err != nil {
		t.Fatal(err)
	}
	err = journal.Records(body, func(rec journal.Record) error {
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		if err != nil || v.Device != device {
			return err
		}
		entries, err := pack.Entries(b.Layouts[v.Layout])
		if err != nil {
			return err
		}
		samples, err := v.Samples(nil, entries)
		for _, x := range samples {
			if x.Component == "port/Gi1/0/1" && x.Sensor == "rx_bytes_total" {
				out = append(out, x.Count)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// all reads everything behind p, limit batches at a time.
func (m *member) all(p store.Position, limit int) []journal.Batch {
	m.w.t.Helper()
	var out []journal.Batch
	for {
		batches, next, err := m.Since(context.Background(), p, limit)
		if err != nil {
			m.w.t.Fatal(err)
		}
		if out = append(out, batches...); len(batches) == 0 {
			return out
		}
		p = next
	}
}

// complete says that every visit ever acknowledged in the world stands in m, once.
func (m *member) complete() {
	m.w.t.Helper()
	for _, d := range slices.Sorted(maps.Keys(m.w.put)) {
		if got := m.numbers(m.o.Site, d); !slices.Equal(got, m.w.put[d]) {
			m.w.t.Fatalf("%s: has the visits %v, made were %v", d, got, m.w.put[d])
		}
	}
}

// sound stops m and says that its files have no fault.
func (m *member) sound() store.Audit {
	m.w.t.Helper()
	m.stop()
	a, err := store.Verify(context.Background(), m.o.Dir, io.Discard)
	if err != nil {
		m.w.t.Fatal(err)
	}
	if len(a.Faults) > 0 {
		m.w.t.Fatalf("%d faults, the first: %s", len(a.Faults), a.Faults[0])
	}
	return a
}
