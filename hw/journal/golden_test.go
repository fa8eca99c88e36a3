package journal_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
)

var update = flag.Bool("update", false, "write the golden files anew: only before a release that changes the format")

// golden is one file of testdata and the words beside it.
type golden struct {
	name  string
	made  []byte                          // what is written today
	exact bool                            // made must be the file, byte for byte; zstd promises no bytes
	show  func(*text, []byte) error       // in words
	again func(*testing.T, []byte) []byte // decoded and written again; nil for what only a later version writes
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.test(t)
		})
	}
}

func (g golden) test(t *testing.T) {
	file := filepath.Join("testdata", g.name+".bin")
	if *update {
		g.write(t, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if g.exact && !bytes.Equal(b, g.made) {
		t.Errorf("the format changed: %s holds\n%x\nand now is written\n%x", file, b, g.made)
	}
	if g.again != nil && !bytes.Equal(b, g.again(t, b)) {
		t.Errorf("%s, decoded and written again, has other bytes", file)
	}
	words, err := os.ReadFile(filepath.Join("testdata", g.name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(words), g.words(t, b)); d != "" {
		t.Errorf("%s now reads otherwise:\n%s", file, d)
	}
}

func (g golden) words(t *testing.T, b []byte) string {
	w := text{layouts: map[journal.LayoutID][]journal.Entry{}}
	for _, r := range goldenReports() {
		e := entriesOf(r.Samples)
		w.layouts[layoutOf(t, journal.NewPlainCompressor(), e).ID] = e
	}
	if err := g.show(&w, b); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func (g golden) write(t *testing.T, file string) {
	if err := os.WriteFile(file, g.made, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", g.name+".txt"), []byte(g.words(t, g.made)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldens returns every golden file as this program would write it.
func goldens(t testing.TB) []golden {
	plain, packed := journal.NewPlainCompressor(), new(journal.Compressor)
	base := goldenBase(t)
	out := []golden{
		{"vector", goldenVector().Marshal(), true, (*text).vector, vectorAgain},
		{"vector-empty", journal.Vector{}.Marshal(), true, (*text).vector, vectorAgain},
		later("later-stream", 9, 77),
		later("later-samples", journal.Samples, 77),
		later("later-facts", journal.Facts, 0),
		laterBatch("later-acts", laterActs()),
	}
	for _, c := range []struct {
		pack   *journal.Compressor
		suffix string
	}{{plain, ""}, {packed, "-zstd"}} {
		exact := c.suffix == ""
		add := func(name string, made []byte, show func(*text, []byte) error, again func(*testing.T, []byte) []byte) {
			if !exact {
				again = nil
			}
			if !exact && name == "begin" {
				return // zstd does not make it shorter
			}
			out = append(out, golden{name + c.suffix, made, exact, show, again})
		}
		batch := func(w *text, b []byte) error { return w.batch(c.pack, b) }
		for name, made := range goldenBatches(t, c.pack) {
			add(name, made, batch, batchAgain)
		}
		add("layout", layoutOf(t, c.pack, goldenLayout()).Bytes, func(w *text, b []byte) error { return w.layout(c.pack, b) }, layoutAgain)
		raw, err := c.pack.MarshalBase(base)
		if err != nil {
			t.Fatal(err)
		}
		add("base", raw, func(w *text, b []byte) error { return w.base(c.pack, b) }, baseAgain)
	}
	return out
}

func goldenLayout() []journal.Entry {
	e := append(entriesOf(goldenSamples()), journal.Entry{Component: "", Sensor: ""}, journal.Entry{Component: "", Sensor: "", Type: hw.Counter},
		journal.Entry{Component: "端口/\xff", Sensor: "温度"})
	for i := range 20 { // so that zstd finds something
		e = append(e, journal.Entry{Component: "outlet/" + string(rune('a'+i)), Sensor: "output_watts"})
	}
	slices.SortFunc(e, journal.Entry.Compare)
	return e
}

func layoutOf(t testing.TB, c *journal.Compressor, e []journal.Entry) journal.Layout {
	l, err := c.NewLayout(e)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func goldenBatches(t testing.TB, c *journal.Compressor) map[string][]byte {
	seal := func(h journal.Header, body []byte) []byte {
		b, err := c.AppendBatch(nil, h, body)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := goldenHeader(journal.Facts, 1, 1)
	first.Previous, first.Mode, first.Clock, first.WallMS, first.Turn = 0, journal.Lone, journal.ClockUnknown, -3, 1
	bodies := map[string][]byte{}
	for _, tomb := range goldenTombstones() {
		bodies["tombstones"] = journal.AppendTombstone(bodies["tombstones"], tomb)
	}
	for _, f := range goldenFacts() {
		b, err := journal.AppendFact(bodies["facts"], f, goldenWall)
		if err != nil {
			t.Fatal(err)
		}
		bodies["facts"] = b
	}
	for _, f := range goldenActs() {
		b, err := journal.AppendFact(bodies["acts"], f, goldenWall)
		if err != nil {
			t.Fatal(err)
		}
		bodies["acts"] = b
	}
	samples := goldenHeader(journal.Samples, 1<<20, 2)
	for i, r := range goldenReports() {
		samples.Uses = append(samples.Uses, layoutOf(t, journal.NewPlainCompressor(), entriesOf(r.Samples)).ID)
		bodies["samples"] = journal.AppendVisit(bodies["samples"], &r, i, r.Samples, goldenWall)
	}
	lines, cursor := goldenLogs()
	for _, l := range lines {
		bodies["logs"] = journal.AppendLogLine(bodies["logs"], "sw-1", l)
	}
	bodies["logs"] = journal.AppendLogCursor(bodies["logs"], "sw-1", cursor)
	island := goldenHeader(journal.Facts, 7, len(goldenTombstones()))
	island.Mode, island.Clock, island.WallMS = journal.Island, journal.ClockUntrusted, 0
	return map[string][]byte{
		"begin":      seal(first, journal.AppendBegin(nil, goldenBegin())),
		"facts":      seal(goldenHeader(journal.Facts, 2, len(goldenFacts())), bodies["facts"]),
		"acts":       seal(goldenHeader(journal.Facts, 3, len(goldenActs())), bodies["acts"]),
		"tombstones": seal(island, bodies["tombstones"]),
		"samples":    seal(samples, bodies["samples"]),
		"logs":       seal(goldenHeader(journal.Logs, 3, 4), bodies["logs"]),
	}
}

func goldenBase(t testing.TB) *journal.Base {
	v := goldenVector()
	excused := journal.Vector{}
	for k := range v {
		if k.Incarnation == formerIncarnation {
			excused.Add(k, 2, 4)
		}
	}
	b := &journal.Base{Site: goldenSite, Held: v, Excused: excused, Known: journal.Vector{}, Turn: goldenWall + 9}
	for k := range v {
		b.Known.Add(k, 1, v.Last(k))
	}
	raw := goldenBatches(t, journal.NewPlainCompressor())["facts"]
	batch, err := journal.ParseBatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	body, err := journal.NewPlainCompressor().Body(&batch)
	if err != nil {
		t.Fatal(err)
	}
	err = journal.Records(body, func(r journal.Record) error {
		b.Registers = append(b.Registers, journal.Register{Mode: journal.Mode(r.Index), WallMS: goldenWall - int64(r.Index), Payload: r.Payload,
			Order: journal.Order{Turn: batch.Turn, Origin: batch.Origin, Incarnation: batch.Incarnation, Seq: batch.Seq, Index: r.Index}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Visits = []journal.LastVisit{
		{Origin: goldenOrigin, Incarnation: goldenIncarnation, Device: "sw-1", Turn: goldenWall, Started: at(-250), Period: 60e9, Mode: journal.Leader, Good: true},
		{Origin: goldenOrigin, Incarnation: goldenIncarnation, Device: "sw-1", Turn: goldenWall + 60e3, Started: at(60e3), Period: 60e9, Mode: journal.Leader},
		{Origin: otherOrigin, Incarnation: 1, Device: "sw-1", Turn: 1},
	}
	return b
}
