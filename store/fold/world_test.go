package fold_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

var site = journal.ID{0xaa}

const wall = 1_700_000_000_000

// failer is a *testing.T or a *rapid.T.
type failer interface{ Fatal(...any) }

// batch is a batch of one stream as the store would hand it to a fold.
type batch struct {
	journal.Header
	body   []byte
	visits []journal.LastVisit
}

func (b *batch) apply(t failer, f *fold.Fold) {
	if b.Stream != journal.Facts {
		f.SawBatch(&b.Header)
		for _, v := range b.visits {
			f.Visited(v)
		}
		return
	}
	if _, _, err := f.Apply(&b.Header, b.body); err != nil {
		t.Fatal(err)
	}
}

func fact(t failer, body []byte, f hw.Fact) []byte {
	body, err := journal.AppendFact(body, f, wall)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func state(h hw.Health) hw.Fact {
	return hw.Fact{Kind: hw.ComponentFact, Device: "sw-1", Component: "port/1", Group: "ports", At: time.UnixMilli(wall).UTC(), Value: hw.ComponentValue{Health: h}}
}

// header names a batch of origin's first incarnation.
func header(origin byte, stream journal.Stream, seq, turn uint64, mode journal.Mode) journal.Header {
	return journal.Header{Key: journal.Key{StreamKey: journal.StreamKey{Site: site, Origin: journal.ID{origin}, Incarnation: 1, Stream: stream}, Seq: seq},
		Turn: turn, WallMS: wall, Mode: mode}
}

// writer makes the batches of one origin, which knows of the others only what its turns say.
type writer struct {
	origin byte
	inc    journal.Incarnation
	seq    map[journal.Stream]uint64
	turn   uint64
}

func (w *writer) next(t *rapid.T, stream journal.Stream) journal.Header {
	w.seq[stream]++
	w.turn += rapid.Uint64Range(0, 3).Draw(t, "later") // 0: several batches of one flush
	h := header(w.origin, stream, w.seq[stream], w.turn, journal.Mode(rapid.IntRange(0, 5).Draw(t, "mode")))
	h.Incarnation = w.inc
	return h
}

func (w *writer) begin(t *rapid.T) batch {
	b := journal.Begin{Previous: w.inc}
	for s, n := range w.seq {
		b.Last = append(b.Last, journal.StreamSeq{Stream: s, Seq: n})
	}
	w.inc++
	w.seq = map[journal.Stream]uint64{}
	w.turn++
	return batch{Header: w.next(t, journal.Facts), body: journal.AppendBegin(nil, b)}
}

func (w *writer) facts(t *rapid.T) batch {
	b := batch{Header: w.next(t, journal.Facts)}
	for range rapid.IntRange(1, 4).Draw(t, "facts") {
		f := state(hw.Health(rapid.IntRange(0, 3).Draw(t, "health")))
		f.Device = hw.DeviceID(rapid.SampledFrom([]string{"", "sw-1", "sw-2"}).Draw(t, "device"))
		f.Component = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "component")
		switch rapid.IntRange(0, 3).Draw(t, "sort") {
		case 0:
			f.Removed = true
		case 1:
			f.Kind, f.Version = 300, 7
			f.Value = hw.Opaque{Kind: 300, Bytes: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "bytes")}
		}
		b.body = fact(t, b.body, f)
	}
	if rapid.IntRange(0, 2).Draw(t, "tombstone") == 0 {
		k := b.StreamKey
		k.Stream = journal.Stream(rapid.IntRange(1, 3).Draw(t, "stream"))
		first := rapid.Uint64Range(1, 6).Draw(t, "first")
		b.body = journal.AppendTombstone(b.body, journal.Tombstone{StreamKey: k, Interval: journal.Interval{First: first, Last: first + 1}})
	}
	return b
}

func (w *writer) samples(t *rapid.T) batch {
	b := batch{Header: w.next(t, journal.Samples)}
	for range rapid.IntRange(0, 3).Draw(t, "visits") {
		b.visits = append(b.visits, journal.LastVisit{Origin: b.Origin, Incarnation: b.Incarnation, Turn: b.Turn, Mode: b.Mode,
			Device:  hw.DeviceID(rapid.SampledFrom([]string{"sw-1", "sw-2"}).Draw(t, "device")),
			Started: time.UnixMilli(wall + rapid.Int64Range(0, 2).Draw(t, "started")).UTC(),
			Period:  time.Duration(rapid.IntRange(0, 2).Draw(t, "period")) * time.Millisecond, Good: rapid.Bool().Draw(t, "good")})
	}
	return b
}

// history is what several origins wrote, through several incarnations each.
func history(t *rapid.T) (all []batch) {
	for origin := range rapid.IntRange(1, 3).Draw(t, "origins") {
		w := writer{origin: byte(origin + 1), inc: 1, turn: 1, seq: map[journal.Stream]uint64{}}
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			switch rapid.IntRange(0, 4).Draw(t, "sort") {
			case 0:
				all = append(all, w.begin(t))
			case 1:
				all = append(all, w.samples(t))
			case 2:
				all = append(all, batch{Header: w.next(t, journal.Logs)})
			default:
				all = append(all, w.facts(t))
			}
		}
	}
	return all
}

func held(all []batch) journal.Vector {
	v := journal.Vector{}
	for i := range all {
		v.Add(all[i].StreamKey, all[i].Seq, all[i].Seq)
	}
	return v
}

// bytesOf is the base of f as a file.
func bytesOf(t failer, f *fold.Fold, v journal.Vector) string {
	var c journal.Compressor
	raw, err := c.MarshalBase(f.Base(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// words is the base of f for people, when bytes differ.
func words(f *fold.Fold, v journal.Vector) string {
	b := f.Base(v)
	s := fmt.Sprintf("turn %d\nexcused %v\nknown %v\n", b.Turn, b.Excused, b.Known)
	for _, r := range b.Registers {
		s += fmt.Sprintf("%+v\n", r)
	}
	for _, v := range b.Visits {
		s += fmt.Sprintf("%+v\n", v)
	}
	return s
}
