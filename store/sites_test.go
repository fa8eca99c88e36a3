package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

func hqSite() journal.ID { return journal.ID{0xcc, 3} }

// joinHQ opens a store that takes the records of all sites.
func (w *world) joinHQ(change func(*store.Options)) *member {
	w.t.Helper()
	return w.join(func(o *store.Options) {
		o.Site, o.ManySites = hqSite(), true
		if change != nil {
			change(o)
		}
	})
}

// sitesAndHQ opens n stores of a site each and one that takes all.
func (w *world) sitesAndHQ(n int) (hq *member, boxes []*member) {
	w.t.Helper()
	for i := range n {
		boxes = append(boxes, w.join(func(o *store.Options) { o.Site = journal.ID{0x51, byte(i)} }))
	}
	return w.joinHQ(nil), boxes
}

// up sends to headquarters all that it lacks.
func (m *member) up(hq *member) {
	m.w.t.Helper()
	for batches := m.lacking(hq, 64); len(batches) > 0; batches = m.lacking(hq, 64) {
		hq.merge(batches...)
	}
}

func siteOf(v journal.Vector, site journal.ID) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Site == site {
			out[k] = iv
		}
	}
	return out
}

// pages reads everything by pages, and says that no page holds another site's.
func pages(t *testing.T, page func(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error), site journal.ID, limit int) (keys []journal.Key) {
	t.Helper()
	v := journal.Vector{}
	for {
		batches, err := page(t.Context(), v, limit)
		require(t, err)
		if len(batches) == 0 {
			return keys
		}
		for _, b := range batches {
			if b.Site != site {
				t.Fatalf("batch %s of site %s on a page of site %s", b.Key, b.Site, site)
			}
			if v.Has(b.StreamKey, b.Seq) {
				t.Fatalf("batch %s twice", b.Key)
			}
			v.Add(b.StreamKey, b.Seq, b.Seq)
			keys = append(keys, b.Key)
		}
	}
}

// TestSitesApart: what is asked of one site is what is known of all of them, less the others.
func TestSitesApart(t *testing.T) {
	seeds(t, 4, func(w *world) {
		hq, boxes := w.sitesAndHQ(3)
		tails := map[journal.ID]func(context.Context, int) ([]journal.Batch, error){}
		seen := map[journal.ID]journal.Vector{}
		for _, b := range boxes {
			tails[b.o.Site], seen[b.o.Site] = hq.TailOf(b.o.Site, nil), journal.Vector{}
		}
		for range 12 {
			b := boxes[w.r.IntN(len(boxes))]
			b.some(4)
			b.send(hq)
			if w.r.IntN(4) == 0 {
				hq.seal()
			}
			for site, tail := range tails {
				batches, err := tail(context.Background(), 1+w.r.IntN(4000))
				if err != nil {
					w.t.Fatal(err)
				}
				for _, x := range batches {
					if x.Site != site || seen[site].Has(x.StreamKey, x.Seq) {
						w.t.Fatalf("the tail of %s gives %s of %s", site, x.Key, x.Site)
					}
					seen[site].Add(x.StreamKey, x.Seq, x.Seq)
				}
			}
		}
		for _, b := range boxes {
			b.up(hq)
		}
		checkSites(w, hq, boxes)
		for _, b := range boxes {
			for {
				batches, err := tails[b.o.Site](context.Background(), 3000)
				if err != nil {
					w.t.Fatal(err)
				}
				if len(batches) == 0 {
					break
				}
				for _, x := range batches {
					seen[b.o.Site].Add(x.StreamKey, x.Seq, x.Seq)
				}
			}
			if want := hq.HaveOf(b.o.Site); !seen[b.o.Site].Equal(want) {
				w.t.Fatalf("the tail gave %v of %v", seen[b.o.Site], want)
			}
		}
		hq.crash()
		checkSites(w, hq, boxes)
		hq.sound()
	})
}

func checkSites(w *world, hq *member, boxes []*member) {
	t := w.t.(*testing.T)
	t.Helper()
	all, have := hq.Held(), hq.Have()
	var sites []journal.ID
	for _, b := range boxes {
		site := b.o.Site
		sites = append(sites, site)
		if got := hq.HeldOf(site); !got.Equal(siteOf(all, site)) || !got.Equal(b.Held()) {
			t.Fatalf("held of %s: %v, its box %v", site, got, b.Held())
		}
		if got := hq.HaveOf(site); !got.Equal(siteOf(have, site)) {
			t.Fatalf("have of %s: %v", site, got)
		}
		keys := pages(t, func(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
			return hq.PageOf(ctx, site, nil, v, limit)
		}, site, 2000)
		if uint64(len(keys)) != have.Count()-have.Minus(b.Held()).Count() {
			t.Fatalf("%d batches on pages", len(keys))
		}
		if !slices.IsSortedFunc(keys, func(a, b journal.Key) int { return rankOf(a.Stream) - rankOf(b.Stream) }) {
			t.Fatalf("pages give %v", keys)
		}
		logs := pages(t, func(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
			return hq.NewestOf(ctx, site, []journal.Stream{journal.Logs, journal.Facts}, v, limit)
		}, site, 1)
		if i := slices.IndexFunc(logs, func(k journal.Key) bool { return k.Stream == journal.Facts }); i >= 0 &&
			slices.ContainsFunc(logs[i:], func(k journal.Key) bool { return k.Stream != journal.Facts }) {
			t.Fatalf("logs, then facts: %v", logs)
		}
		var size int64
		for _, x := range hq.all(zero, 100) {
			if x.Site == site {
				size += int64(len(x.Bytes))
			}
		}
		if u := hq.UsageOf(site); u.Bytes != size || u.Batches != siteOf(have, site).Count() || u != hq.Usages()[site] {
			t.Fatalf("usage %+v, there are %d bytes", u, size)
		}
		if got, want := hq.DevicesOf(site), b.Devices(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("devices of %s: %v, its box has %v", site, got, want)
		}
	}
	if own := hq.Sites(); !slices.ContainsFunc(own, func(x journal.ID) bool { return x == hqSite() }) || len(own) != len(sites)+1 {
		// headquarters' own begins with the first word it says
		if len(own) != len(sites) {
			t.Fatalf("sites %v", own)
		}
	}
}

func rankOf(s journal.Stream) int {
	return map[journal.Stream]int{journal.Facts: 0, journal.Logs: 1, journal.Samples: 2}[s]
}

// TestWatchOf: what one site brings wakes nobody who waits for another.
func TestWatchOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	hq, boxes := w.sitesAndHQ(2)
	mine, others, any := hq.WatchOf(boxes[0].o.Site), hq.WatchOf(boxes[1].o.Site), hq.Watch()
	boxes[0].visits("sw-1")
	boxes[0].up(hq)
	for name, c := range map[string]<-chan struct{}{"its own": mine, "any": any} {
		select {
		case <-c:
		default:
			t.Errorf("who waits for %s is not woken", name)
		}
	}
	select {
	case <-others:
		t.Error("who waits for another site is woken")
	default:
	}
}

// bytesWith counts the files of a folder that hold x.
func filesWith(t *testing.T, dir string, x journal.ID) (names []string) {
	t.Helper()
	for name, content := range dirBytes(t, dir) {
		if strings.Contains(content, string(x[:])) || strings.HasPrefix(name, x.String()) {
			names = append(names, name)
		}
	}
	return names
}

// TestForget: nothing is left of a forgotten site, other sites lose nothing, and it may come again.
func TestForget(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut off %v", cut), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 7)
			hq, boxes := w.sitesAndHQ(2)
			gone, stays := boxes[0], boxes[1]
			for range 3 {
				for _, b := range boxes {
					for range 6 {
						b.visits("sw-1")
						w.pass(time.Minute)
					}
					b.up(hq)
				}
				hq.seal()
			}
			gone.visits("sw-2")
			gone.up(hq)
			site := gone.o.Site
			before := hq.state2(stays.o.Site)
			ctx, cancel := context.WithCancel(t.Context())
			if cut {
				cancel()
			}
			err := hq.Forget(ctx, site)
			cancel()
			if (err != nil) != cut {
				t.Fatal(err)
			}
			for range 2 {
				nothingOf(t, hq, site)
				if got := hq.state2(stays.o.Site); got != before {
					t.Fatal("another site has another state")
				}
				if got := hq.HaveOf(stays.o.Site); !got.Equal(stays.Held()) {
					t.Fatalf("of another site %v is left, %v there was", got, stays.Held())
				}
				hq.crash()
				hq.seal()
			}
			for _, name := range filesWith(t, hq.o.Dir, site) {
				// heads tell what was held when they were begun, until their segment goes
				if !strings.HasSuffix(name, ".sealed") {
					t.Errorf("%s still names the site", name)
				}
			}
			gone.up(hq)
			if got, want := hq.HaveOf(site), gone.Held(); !got.Equal(want) {
				t.Fatalf("come again: %v of %v", got, want)
			}
			hq.crash()
			checkSites(w, hq, boxes)
			hq.sound()
		})
	}
}

func (m *member) state2(site journal.ID) string {
	m.w.t.Helper()
	b, err := m.Base(site)
	if err != nil {
		m.w.t.Fatal(err)
	}
	return string(b)
}

func nothingOf(t *testing.T, hq *member, site journal.ID) {
	t.Helper()
	if len(hq.HeldOf(site)) > 0 || len(hq.HaveOf(site)) > 0 || len(hq.DevicesOf(site)) > 0 || hq.UsageOf(site) != (store.Usage{}) || slices.Contains(hq.Sites(), site) {
		t.Fatalf("held %v, have %v, devices %v", hq.HeldOf(site), hq.HaveOf(site), hq.DevicesOf(site))
	}
	if slices.ContainsFunc(hq.all(zero, 50), func(b journal.Batch) bool { return b.Site == site }) {
		t.Fatal("a batch of the site is read")
	}
	n := 0
	require(t, hq.Series(t.Context(), store.SeriesQuery{Site: site, Device: "sw-1"}, func(store.Point) error { n++; return nil }))
	facts, err := hq.Facts(t.Context(), store.FactQuery{Site: site})
	require(t, err)
	if n > 0 || len(facts) > 0 {
		t.Fatalf("%d readings, %d facts", n, len(facts))
	}
}

// TestForgetNoted: a stop just after the note was written is completed by the next start, and by what comes of the site then.
func TestForgetNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	hq, boxes := w.sitesAndHQ(2)
	for range 2 {
		for _, b := range boxes {
			b.some(9)
			b.up(hq)
		}
		hq.seal()
	}
	gone := boxes[0]
	gone.visits("sw-9")
	gone.up(hq)
	hq.stop()
	last := 0
	for name := range dirBytes(t, hq.o.Dir) {
		var n int
		if _, err := fmt.Sscanf(name, "%d-", &n); err == nil && (strings.HasSuffix(name, ".open") || strings.HasSuffix(name, ".sealed")) {
			last = max(last, n)
		}
	}
	note := fmt.Sprintf("%s %d leaving\n", gone.o.Site, last)
	require(t, os.WriteFile(filepath.Join(hq.o.Dir, "forgotten"), []byte(note), 0o640))
	hq.box = open(t, hq.o)
	nothingOf(t, hq, gone.o.Site)
	gone.up(hq)
	hq.seal()
	hq.crash()
	checkSites(w, hq, boxes)
	hq.seal()
	checkSites(w, hq, boxes)
	hq.sound()
}

func TestForgetOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	hq := w.joinHQ(nil)
	if err := hq.Forget(t.Context(), hqSite()); !errors.Is(err, store.ErrOwnSite) {
		t.Fatalf("forget the own site: %v", err)
	}
	require(t, hq.Forget(t.Context(), journal.ID{1})) // which nobody knows
}

// droppedIsTold fails unless the site tells of what headquarters dropped of it, or of nothing.
func droppedIsTold(t *testing.T, hq *box, site journal.ID, is bool) {
	t.Helper()
	gaps := gapsOf(hq, site, "", hw.Dropped)
	if (len(gaps) > 0) != is {
		t.Fatalf("gaps of %s: %+v", site, gaps)
	}
	for _, g := range gaps {
		if g.From.IsZero() || g.To.IsZero() || !strings.Contains(g.Detail, "headquarters: ") {
			t.Fatalf("gap %+v", g)
		}
	}
}

// TestQuota: what is shed first is of who is over the quota, logs and samples, the oldest first, and only down to the quota;
// its facts stay.
func TestQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	most := map[journal.ID]int64{}
	hq := w.joinHQ(func(o *store.Options) { o.Quota = func(site journal.ID) int64 { return most[site] } })
	var boxes []*member
	for i := range 3 {
		boxes = append(boxes, w.join(func(o *store.Options) { o.Site = journal.ID{0x51, byte(i)} }))
	}
	for range 4 {
		for _, b := range boxes {
			for range 40 {
				w.visit++
				b.put(numbered(0, w.visit))
			}
			b.up(hq)
		}
		hq.seal()
	}
	over, under := boxes[1].o.Site, boxes[0].o.Site
	facts := ofStream(hq.HaveOf(over), journal.Facts)
	most[over], most[under] = hq.UsageOf(over).Bytes*6/10, hq.UsageOf(under).Bytes*2
	before := map[journal.ID]journal.Vector{}
	for _, b := range boxes {
		before[b.o.Site] = hq.HaveOf(b.o.Site)
	}
	for range 20 {
		twins := len(twinsOf(t, hq.o.Dir))
		freed, err := hq.Shed(t.Context())
		require(t, err)
		if !freed {
			t.Fatal("nothing is shed")
		}
		if hq.UsageOf(over).Bytes <= most[over] {
			break
		}
		if twins == 0 && len(before[over].Minus(hq.HaveOf(over))) == 0 {
			t.Fatal("something else is shed first")
		}
	}
	for _, b := range boxes {
		lost := before[b.o.Site].Minus(hq.HaveOf(b.o.Site))
		if (len(lost) > 0) != (b.o.Site == over) {
			t.Fatalf("of %s %v is lost", b.o.Site, lost)
		}
		droppedIsTold(t, hq.box, b.o.Site, b.o.Site == over)
	}
	if u := hq.UsageOf(over).Bytes; u > most[over] || u < most[over]/2 {
		t.Fatalf("%d bytes are left of %d allowed", u, most[over])
	}
	if kept, held := hq.HaveOf(over).Covers(facts), hq.HeldOf(over).Covers(boxes[1].Held()); !kept || !held {
		t.Fatalf("facts are kept: %t; held is as it was, and nothing would be sent again: %t", kept, held)
	}
	q := store.SeriesQuery{Site: under, Device: crashDevice(0), Component: "port/Gi1/0/1", Sensor: "rx_bytes_total"}
	n := 0
	require(t, hq.Series(t.Context(), q, func(store.Point) error { n++; return nil }))
	if n != 160 {
		t.Fatalf("%d readings of a site that is within its quota, want 160", n)
	}
	hq.sound()
}

// readsOf are all ways to read a store of many sites.
func readsOf(ctx context.Context, hq *member, boxes []*member) []func() error {
	return []func() error{
		func() error {
			_, err := hq.PageOf(ctx, boxes[0].o.Site, nil, journal.Vector{}, 1<<20)
			return err
		},
		func() error {
			_, err := hq.Changes(ctx, store.ChangesQuery{Streams: []journal.Stream{journal.Facts}})
			return err
		},
		func() error {
			_, err := hq.Snapshot(ctx, journal.ID{}, func(store.SnapshotRow) error { return nil })
			return err
		},
		func() error {
			q := store.AggregateQuery{AllSites: true, From: start, To: start.Add(time.Hour), Step: time.Minute, By: store.BySite}
			return hq.Aggregate(ctx, q, func(store.Bucket) error { return nil })
		},
		func() error {
			hq.Usages()
			hq.Sites()
			hq.HaveOf(boxes[0].o.Site)
			select {
			case <-hq.WatchOf(boxes[1].o.Site):
			case <-ctx.Done():
			}
			return nil
		},
	}
}

// TestManyAtOnce: sites bring, are forgotten and come again while others read; what is left is right.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 11)
	hq, boxes := w.sitesAndHQ(3)
	all := make([][]journal.Batch, len(boxes))
	for i, b := range boxes {
		b.some(25)
		all[i] = b.lacking(hq, 1000)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	try := func(err error) {
		if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrTrimmed) && !errors.Is(err, journal.ErrNoLayout) {
			t.Error(err)
		}
	}
	for i := range boxes {
		writers.Go(func() {
			for _, x := range all[i] {
				try(hq.Merge(ctx, []journal.Batch{x}))
			}
		})
	}
	writers.Go(func() {
		for range 5 {
			try(hq.Forget(ctx, boxes[0].o.Site))
			try(hq.Seal(ctx))
		}
	})
	for _, read := range readsOf(ctx, hq, boxes) {
		readers.Go(func() {
			for ctx.Err() == nil {
				try(read())
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	for _, b := range boxes {
		b.up(hq)
	}
	checkSites(w, hq, boxes)
	hq.crash()
	checkSites(w, hq, boxes)
	hq.sound()
}
