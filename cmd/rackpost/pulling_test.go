package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/web/api"
)

var pulledSite = journal.ID{1, 1: 2, 15: 3}

// pulledBox is a store of the site and what programs ask it for.
type pulledBox struct {
	t       testing.TB
	dir     string
	origin  journal.ID // of what it writes
	store   *store.Store
	handler http.Handler
	opened  uint64 // how often: each time is an incarnation
	seqs    map[journal.Stream]uint64
}

func newPulledBox(t testing.TB, dir string, origin byte) *pulledBox {
	b := &pulledBox{t: t, dir: dir, origin: journal.ID{origin}}
	b.open()
	return b
}

func (b *pulledBox) open() {
	b.t.Helper()
	var err error
	b.store, err = store.Open(context.Background(), store.Options{Dir: b.dir, Site: pulledSite, Ballast: -1, SegmentBytes: 16 << 10})
	if err != nil {
		b.t.Fatal(err)
	}
	b.opened++
	b.seqs = map[journal.Stream]uint64{}
	b.handler = api.New(api.Config{Own: pulledSite, Sites: noPlaces{}, Records: storeRecords{b.store}, Registers: storeRegisters{b.store}, Logger: slog.New(slog.DiscardHandler)}).Local()
}

// noPlaces is the list of sites of a box.
type noPlaces struct{}

func (noPlaces) Sites(context.Context) ([]api.Site, error) {
	return []api.Site{{ID: pulledSite.String(), Name: "site"}}, nil
}

func (noPlaces) Place(context.Context, journal.ID) (api.Place, error) { return nil, api.ErrUnknownSite }

func (b *pulledBox) close() {
	if err := b.store.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// dies goes on with the disk as it is: a process that was killed and started again.
func (b *pulledBox) dies(dir string) {
	b.t.Helper()
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	b.close()
	b.dir = dir
	b.open()
}

var pulledPack journal.Compressor

// writes puts a batch of so many records into its journal.
func (b *pulledBox) writes(stream journal.Stream, records int) {
	b.t.Helper()
	now := time.Now()
	var body []byte
	for i := range records {
		if stream == journal.Logs {
			body = journal.AppendLogLine(body, "sw", hw.LogLine{Log: "l", Entry: fmt.Sprint(i), At: now, Text: strings.Repeat("x", 200)})
			continue
		}
		var err error
		if body, err = journal.AppendFact(body, hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: "sw", Group: fmt.Sprint(i), At: now, Value: hw.LearnedValue{Value: "v"}}, now.UnixMilli()); err != nil {
			b.t.Fatal(err)
		}
	}
	b.seqs[stream]++
	key := journal.StreamKey{Site: pulledSite, Origin: b.origin, Incarnation: journal.Incarnation(b.opened), Stream: stream}
	h := journal.Header{Format: journal.Format, Key: journal.Key{StreamKey: key, Seq: b.seqs[stream]}, Turn: uint64(now.UnixMilli()), WallMS: now.UnixMilli(), Records: records, Mode: journal.Leader}
	raw, err := pulledPack.AppendBatch(nil, h, body)
	if err != nil {
		b.t.Fatal(err)
	}
	batch, err := journal.ParseBatch(raw)
	if err != nil {
		b.t.Fatal(err)
	}
	b.takes(batch)
}

func (b *pulledBox) takes(batches ...journal.Batch) {
	b.t.Helper()
	if err := b.store.Merge(context.Background(), batches); err != nil {
		b.t.Fatal(err)
	}
}

// lacks are the batches that b lacks of another's.
func (b *pulledBox) lacks(of *pulledBox, most int) []journal.Batch {
	b.t.Helper()
	out, err := of.store.Lacking(context.Background(), b.store.Held(), most)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// puller is a program that pulls, with the only thing that it keeps between two answers.
type puller struct {
	t       testing.TB
	streams string
	next    string
	got     map[string]int
}

type pulledLine struct {
	Origin, Incarnation, Stream string
	Seq, Index                  uint64
	Next                        *string
	More                        bool
}

// asks asks b once.
func (p *puller) asks(b *pulledBox, limit int) (more bool) {
	p.t.Helper()
	q := url.Values{"after": {p.next}, "limit": {fmt.Sprint(limit)}}
	if p.streams != "" {
		q.Set("streams", p.streams)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/changes?"+q.Encode(), nil))
	body, _ := io.ReadAll(w.Body)
	if w.Code != http.StatusOK {
		p.t.Fatalf("after %.80q: %d %s", p.next, w.Code, body)
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l pulledLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			p.t.Fatal(err)
		}
		if l.Next != nil {
			p.next = *l.Next
			return l.More
		}
		p.got[fmt.Sprintf("%s/%s/%s/%d.%d", l.Origin, l.Incarnation, l.Stream, l.Seq, l.Index)]++
	}
	p.t.Fatal("an answer without its last line")
	return false
}

func (p *puller) once(want map[string]bool) {
	p.t.Helper()
	for name, n := range p.got {
		if n != 1 {
			p.t.Fatalf("%s came %d times", name, n)
		}
	}
	for name := range want {
		if stream := strings.Contains(name, "facts"); p.got[name] == 0 && (p.streams == "" || stream == (p.streams == "facts")) {
			p.t.Fatalf("%s never came", name)
		}
	}
}

// pulledPair is two boxes, three programs, and what was written.
type pulledPair struct {
	r       *rand.Rand
	boxes   [2]*pulledBox
	pullers []*puller
	want    map[string]bool
}

// step has something happen.
func (p *pulledPair) step(t *testing.T) {
	i := p.r.IntN(2)
	b, other := p.boxes[i], p.boxes[1-i]
	switch p.r.IntN(10) {
	case 0, 1, 2:
		stream, records := []journal.Stream{journal.Facts, journal.Logs}[p.r.IntN(2)], 1+p.r.IntN(9)
		b.writes(stream, records)
		for n := range records {
			p.want[fmt.Sprintf("%s/%s/%s/%d.%d", b.origin, journal.Incarnation(b.opened), stream, b.seqs[stream], n)] = true
		}
	case 3, 4:
		batches := b.lacks(other, 1+p.r.IntN(9))
		p.r.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		for _, x := range batches {
			b.takes(x)
		}
	case 5:
		b.dies(t.TempDir())
	default:
		p.pullers[p.r.IntN(len(p.pullers))].asks(b, 1+p.r.IntN(20))
	}
}

// TestPulledFromEither: two boxes write, give each other what they have in any order, and are killed; programs ask now one, now the other,
// a few records at a time, with the next of the last answer: every record comes once.
func TestPulledFromEither(t *testing.T) {
	t.Parallel()
	for seed := range uint64(16) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			p := &pulledPair{r: rand.New(rand.NewPCG(seed, 7)), want: map[string]bool{}}
			p.boxes = [2]*pulledBox{newPulledBox(t, t.TempDir(), 0xa), newPulledBox(t, t.TempDir(), 0xb)}
			for _, streams := range []string{"", "facts", "logs"} {
				p.pullers = append(p.pullers, &puller{t: t, streams: streams, got: map[string]int{}})
			}
			for range 40 {
				p.step(t)
			}
			for i, b := range p.boxes {
				b.takes(b.lacks(p.boxes[1-i], 10_000)...)
			}
			for _, x := range p.pullers {
				for b := p.boxes[p.r.IntN(2)]; x.asks(b, 1000); {
				}
				x.once(p.want)
			}
			p.boxes[0].close()
			p.boxes[1].close()
		})
	}
}

// TestToldDue: what is to come of a device is what the journal says of its configuration, since it says so.
func TestToldDue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	fact := func(component, group, value string, at time.Time) hw.Fact {
		return hw.Fact{Kind: hw.LearnedFact, Device: "sw", Component: component, Group: group, At: at, Value: hw.LearnedValue{Value: value}}
	}
	got := toldDue(store.DeviceView{Facts: []hw.Fact{
		fact("protocol", "version", "2c", at.Add(-time.Hour)), fact(configuration, configuredKind, "cisco-catalyst", at), fact(configuration, configuredSections, "ports=60 flash=3600", at.Add(time.Hour)),
	}})
	slices.Sort(got.Periods)
	if want := (store.Due{Since: at, Set: at.Add(time.Hour), Periods: []time.Duration{time.Minute, time.Hour}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := toldDue(store.DeviceView{Facts: []hw.Fact{fact("protocol", "version", "2c", at)}}); !got.Since.IsZero() {
		t.Errorf("a device that is not configured any more: %+v", got)
	}
}
