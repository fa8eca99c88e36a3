package store_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// The words of a version after this one: what it adds, and how this program has to treat it.
const (
	newCodec  = 9
	newRecord = 40
	newStream = journal.Stream(9)
	newKind   = hw.FactKind(99)
)

// nextVersion writes what the next version of this program might, and counts what of it this
// one cannot wholly understand.
func nextVersion(t testing.TB) (batches []journal.Batch, unread journal.Vector) {
	t.Helper()
	f := newForeign(testSite)
	f.format, f.mode = journal.Format+1, 9
	unread = journal.Vector{}
	add := func(b journal.Batch, understood bool) {
		batches = append(batches, b)
		if !understood {
			unread.Add(b.StreamKey, b.Seq, b.Seq)
		}
	}
	component := hw.Fact{Kind: hw.ComponentFact, Device: "sw-9", Component: "port/1", Group: "ports", At: start, Value: hw.ComponentValue{Health: hw.OK}}
	unknown := hw.Fact{Kind: newKind, Version: 3, Device: "sw-9", Component: "port/1", Group: "mood", At: start, Value: hw.Opaque{Kind: newKind, Bytes: []byte("sunny")}}
	later := hw.Fact{Kind: hw.UnitFact, Version: 7, Device: "sw-9", Group: "unit", At: start, Value: hw.Opaque{Kind: hw.UnitFact, Bytes: []byte("a form of its own")}}
	add(f.facts(t, []hw.Fact{component}), true)
	add(f.facts(t, []hw.Fact{unknown, later}), true) // kept as bytes: nothing is missing
	add(f.facts(t, []hw.Fact{component}, record(newRecord, []byte("a record of its own"))), false)
	// A field of its own behind the value of a fact.
	withField := []byte{1 << 2, byte(hw.ComponentFact), 2 << 2, 1, 3<<2 | 1, 4, 's', 'w', '-', '9', 5<<2 | 1, 1, 'x', 30<<2 | 1, 1, 'n'}
	add(f.facts(t, nil, record(uint64(journal.TypeFact), withField)), true)
	f.codec = newCodec
	add(f.facts(t, []hw.Fact{component}), false)
	add(f.batch(t, journal.Samples, 3, []byte("not to be read by us")), false)
	layout := journal.Layout{Bytes: []byte("RPL\x02 sorted in another way")}
	layout.ID = journal.LayoutName(layout.Bytes)
	add(f.batch(t, journal.Samples, 1, []byte("nor this"), layout), false)
	add(f.batch(t, newStream, 5, []byte("a stream of its own")), true)
	add(f.batch(t, journal.Logs, 1, []byte("lines of its own")), true)
	f.codec = 0
	add(f.batch(t, newStream, 1, []byte("more")), true)
	add(f.facts(t, []hw.Fact{unknown}), true)
	return batches, unread
}

func sortedBytes(batches []journal.Batch) (out [][]byte) {
	for _, b := range batches {
		out = append(out, b.Bytes)
	}
	slices.SortFunc(out, bytes.Compare)
	return out
}

// from returns the batches of origin o that stand in m.
func (m *member) from(o journal.ID) []journal.Batch {
	return slices.DeleteFunc(m.all(zero, 3), func(b journal.Batch) bool { return b.Origin != o })
}

// TestNextVersion: this version merges what the next one writes, holds it, ships the same
// bytes, writes bases, drops what it may and keeps what it must, and then the next version
// finds everything that was not dropped for want of space.
func TestNextVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a, b := w.join(nil), w.join(nil)
	want, unread := nextVersion(t)
	a.some(3)
	w.r.Shuffle(len(want), func(i, j int) { want[i], want[j] = want[j], want[i] })
	for _, x := range want {
		a.merge(x)
		if w.r.IntN(3) == 0 {
			a.reopen()
		}
	}
	a.hasAll(want)
	w.settle([2]*member{a, b})
	w.same(a, b)
	b.hasAll(want)
	for _, again := range []func(){a.seal, a.reopen, func() { a.some(2) }, a.seal, a.crash} {
		again()
		a.hasAll(want)
	}
	w.settle([2]*member{a, b})
	w.same(a, b)
	if n := a.conflicts(); n != 0 {
		t.Fatalf("%d conflicts", n)
	}
	understoodOnly(t, a.state(), unread)

	a.some(2)
	a.seal()
	a.shedAll()
	a.keptUnread(want, unread)
	// Whoever dropped takes nothing back; whoever did not still has everything.
	w.settle([2]*member{a, b})
	b.hasAll(want)
	b.reopen()
	b.hasAll(want)
	for _, m := range []*member{a, b} {
		m.reopen()
		m.stop()
	}
	a.sound()
	b.sound()
}

// hasAll fails if what stands in m of the origin of want is not want, byte by byte.
func (m *member) hasAll(want []journal.Batch) {
	m.w.t.Helper()
	if !slices.EqualFunc(sortedBytes(m.from(want[0].Origin)), sortedBytes(want), bytes.Equal) {
		m.w.t.Fatal("what the next version wrote is not here, byte by byte")
	}
}

// understoodOnly: a base speaks for what was understood only; the registers are as they were
// written.
func understoodOnly(t *testing.T, state []byte, unread journal.Vector) {
	t.Helper()
	var pack journal.Compressor
	base, err := pack.UnmarshalBase(state)
	if err != nil {
		t.Fatal(err)
	}
	if left := unread.Minus(base.Held); !left.Equal(unread) {
		t.Fatalf("a base covers %v, which it could not read", unread.Minus(left))
	}
	for _, payload := range []string{"sunny", "a form of its own", "\x79\x01n"} {
		if !slices.ContainsFunc(base.Registers, func(r journal.Register) bool { return bytes.Contains(r.Payload, []byte(payload)) }) {
			t.Errorf("no register has %q", payload)
		}
	}
}

// keptUnread: a member that dropped all it may has no other bytes than the ones written, has
// the facts it could not read, and has neither samples nor a stream it does not know.
func (m *member) keptUnread(written []journal.Batch, unread journal.Vector) {
	m.w.t.Helper()
	kept := journal.Vector{}
	for _, x := range m.from(written[0].Origin) {
		kept.Add(x.StreamKey, x.Seq, x.Seq)
		if !slices.ContainsFunc(written, func(y journal.Batch) bool { return bytes.Equal(x.Bytes, y.Bytes) }) {
			m.w.t.Fatalf("%s has other bytes", x.Key)
		}
	}
	for k, iv := range unread {
		if part := (journal.Vector{k: iv}); k.Stream == journal.Facts && !kept.Covers(part) {
			m.w.t.Fatalf("facts %v were dropped, and nobody here had read them", part)
		}
	}
	for _, stream := range []journal.Stream{journal.Samples, newStream} {
		if slices.ContainsFunc(kept.Keys(), func(k journal.StreamKey) bool { return k.Stream == stream }) {
			m.w.t.Errorf("%s cannot be dropped", stream)
		}
	}
}

// TestNextVersionsFolder: tables, meta, bases and files of a later version stay as they are,
// and the rest is used.
func TestNextVersionsFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	a.some(3)
	a.seal()
	a.some(3)
	want := a.state()
	a.stop()
	bases, err := filepath.Glob(filepath.Join(a.o.Dir, "*.base"))
	if err != nil || len(bases) == 0 {
		t.Fatalf("bases %v: %v", bases, err)
	}
	newer := filepath.Join(filepath.Dir(bases[0]), filepath.Base(bases[0])[:37]+"00000099.base")
	content := []byte("RPB\x02 a base of its own")
	content = binary.BigEndian.AppendUint32(content, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
	files := map[string]string{newer: string(content), filepath.Join(a.o.Dir, "map.v2"): "a file of its own"}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	a.box = open(t, a.o)
	if string(a.state()) != string(want) {
		t.Fatalf("other state: %s", difference(t, want, a.state()))
	}
	for range 3 { // more bases than are kept, over restarts
		for range 3 {
			a.visits("sw-1")
			a.seal()
		}
		a.reopen()
	}
	a.complete()
	a.stop()
	for path, content := range files {
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
