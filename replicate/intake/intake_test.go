package intake_test

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

// TestRecordsOfManySites: what was written before and while the line is up comes, of every site, once.
func TestRecordsOfManySites(t *testing.T) {
	t.Parallel()
	const sites = 12
	h := newHQ(t, sites, nil)
	var boxes []*box
	for n := range sites {
		b := newBox(t, n)
		b.writes(journal.Facts, 3, 0)
		b.writes(journal.Samples, 20, 500)
		b.writes(journal.Logs, 3, 100)
		b.connect(h)
		boxes = append(boxes, b)
	}
	for range 5 {
		for _, b := range boxes {
			b.writes(journal.Samples, 1, 300)
			b.writes(journal.Facts, 1, 0)
		}
	}
	until(t, "all is there", func() bool {
		for _, b := range boxes {
			if !b.there(h) {
				return false
			}
		}
		return true
	})
	for _, b := range boxes {
		if n := h.store.of(b.site()).Doubles(); n > 0 {
			t.Errorf("%s: %d batches stand twice", b.name, n)
		}
		row := h.row(b.name)
		if !row.Live.Connected || !row.Behind.Connected || row.LastHeard.IsZero() || row.BytesToday == 0 || row.Received == 0 || row.Refused != 0 || row.Silent {
			t.Errorf("row %+v", row)
		}
	}
	st := h.Status()
	if st.Totals.Connected != sites || st.Totals.Connections != 2*sites || st.Totals.Merges == 0 || st.Totals.Failed != "" {
		t.Errorf("totals %+v", st.Totals)
	}
}

// TestWhoIsNotLetIn: each is told why, with the code that says so.
func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 2, nil)
	h.door.set(enroll.Site{ID: siteID(1), Name: siteName(1), Revoked: noon})
	h.door.set(enroll.Site{ID: hqSite, Name: "hq"})
	const upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: rackpost-ship/1\r\n"
	for _, c := range []struct {
		name, site, line, headers string
		status                    int
		words                     string
	}{
		{"no certificate", "", "GET " + intake.LivePath, upgrade, http.StatusUnauthorized, "no certificate"},
		{"foreign certificate", "stranger", "GET " + intake.LivePath, upgrade, http.StatusForbidden, "foreign"},
		{"revoked", siteName(1), "GET " + intake.BehindPath, upgrade, http.StatusForbidden, "revoked"},
		{"headquarters' own id", "hq", "GET " + intake.LivePath, upgrade, http.StatusConflict, "own"},
		{"no upgrade", siteName(0), "GET " + intake.LivePath, "", http.StatusBadRequest, "proxy"},
		{"another protocol", siteName(0), "GET " + intake.LivePath, "Connection: Upgrade\r\nUpgrade: websocket\r\n", http.StatusBadRequest, "does not upgrade"},
		{"another method", siteName(0), "POST " + intake.LivePath, upgrade, http.StatusBadRequest, "GET"},
		{"another path", siteName(0), "GET /uplink/v1/sideways", upgrade, http.StatusBadRequest, "nothing at"},
	} {
		conn, err := h.ask(c.site, c.line+" HTTP/1.1\r\nHost: hq\r\n"+c.headers+"Site: "+c.site+"\r\n\r\n")
		r := (*refused)(nil)
		if err == nil {
			conn.Close()
		}
		if !errors.As(err, &r) || r.status != c.status || !strings.Contains(r.words.What, c.words) {
			t.Errorf("%s: %v, want %d and %q", c.name, err, c.status, c.words)
		}
	}
	if n := h.Status().Totals.Strangers; n != 4 {
		t.Errorf("%d strangers counted, want 4", n)
	}
	if _, err := h.dial(siteName(0), ship.Live); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestRevokedWhileConnected: its connections end, and others go on.
func TestRevokedWhileConnected(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 2, nil)
	a, b := newBox(t, 0), newBox(t, 1)
	a.connect(h)
	b.connect(h)
	until(t, "both are there", func() bool { return h.Status().Totals.Connections == 4 })
	h.door.set(enroll.Site{ID: siteID(0), Name: siteName(0), Revoked: noon})
	until(t, "the revoked one is cut off", func() bool { return h.Status().Totals.Connections == 2 })
	b.writes(journal.Samples, 1, 100)
	until(t, "the other's records come", func() bool { return b.there(h) })
	r := (*refused)(nil)
	if _, err := h.dial(a.name, ship.Live); !errors.As(err, &r) || r.status != http.StatusForbidden {
		t.Errorf("it comes in again: %v", err)
	}
}

// lateDoor gives its first verdict only when headquarters has looked at the register that says otherwise.
type lateDoor struct {
	*door
	once   sync.Once
	revoke func()
}

func (d *lateDoor) Check(state tls.ConnectionState) (id journal.ID, name string, err error) {
	id, name, err = d.door.Check(state)
	d.once.Do(d.revoke)
	return id, name, err
}

// TestRevokedWhileComingIn: who is revoked between the look at its certificate and the first frame does not stay.
func TestRevokedWhileComingIn(t *testing.T) {
	t.Parallel()
	var h *hq
	h = newHQ(t, 1, func(c *intake.Config) {
		c.Door = &lateDoor{door: c.Door.(*door), revoke: func() {
			h.door.set(enroll.Site{ID: siteID(0), Name: siteName(0), Revoked: noon})
			time.Sleep(2500 * time.Millisecond) // two looks
		}}
	})
	newBox(t, 0).connect(h, ship.Live) // it speaks, so nothing else ends it
	until(t, "it is cut off", func() bool { return h.Status().Totals.Connections == 0 })
}

// TestANewerConnectionTakesThePlace: a lane has one connection, and the newer one is it.
func TestANewerConnectionTakesThePlace(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	old, b := newBox(t, 0), newBox(t, 0)
	old.connect(h, ship.Live)
	until(t, "it is connected", func() bool { return h.row(b.name).Live.Connected })
	b.connect(h)
	until(t, "the older one ended", func() bool { return !old.live.Progress().Connected && h.Status().Totals.Connections == 2 })
	b.writes(journal.Facts, 1, 0)
	until(t, "the newer one serves", func() bool { return b.there(h) })
	if !h.row(b.name).Live.Connected {
		t.Error("the row says that it is not connected")
	}
}

// TestBothBoxesOfASite: they send at once, neither takes the other's place, and each is known to hold its own.
func TestBothBoxesOfASite(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	a := newBox(t, 0)
	b := &box{Store: shiptest.New(siteID(0), journal.ID{2, 0, 0, 9}, 8), t: t, name: a.name, r: rand.New(rand.NewPCG(2, 2))}
	b.fresh()
	for range 2 {
		a.writes(journal.Samples, 5, 100)
		b.writes(journal.Samples, 5, 100)
		b.writes(journal.Facts, 2, 0)
		a.connect(h)
		b.connect(h)
		until(t, "all of both is there", func() bool { return a.there(h) && b.there(h) })
	}
	until(t, "each has its facts, and the other's", func() bool { return facts(a.Held()).Covers(facts(b.Held())) })
	until(t, "the lanes that were replaced have ended", func() bool { return h.Status().Totals.Connections <= 4 })
	row := h.row(a.name)
	if n := h.Status().Totals.Connections; n != 4 || len(row.Boxes) != 2 || !row.Boxes[0].Live.Connected || !row.Boxes[1].Behind.Connected || !row.Live.Connected {
		t.Errorf("%d connections, row %+v", n, row)
	}
	if _, err := h.dialAs(a.name, ship.Live, "nobody"); err == nil {
		t.Error("an origin that is none is let in")
	}
	for n := range 5 { // disks are replaced
		conn, err := h.dialAs(a.name, ship.Live, journal.ID{3, byte(n)}.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if row := h.row(a.name); len(row.Boxes) > 4 {
		t.Errorf("%d boxes are remembered", len(row.Boxes))
	}
}

// TestRestoredFromABackup: headquarters' vector goes back, and the boxes send again what is lost, once.
func TestRestoredFromABackup(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	b := newBox(t, 0)
	cut := b.connect(h)
	b.writes(journal.Facts, 2, 0)
	b.writes(journal.Samples, 10, 200)
	until(t, "all is there", func() bool { return b.there(h) })
	backup := newMany()
	if err := backup.Merge(t.Context(), contentOf(t, h.store.of(b.site()))); err != nil {
		t.Fatal(err)
	}
	b.writes(journal.Facts, 2, 0)
	b.writes(journal.Samples, 10, 200)
	until(t, "all is there", func() bool { return b.there(h) })
	cut()
	h.stop()
	again := newHQ(t, 1, func(c *intake.Config) { c.Store = backup })
	if b.there(again) {
		t.Fatal("the backup holds all: the test shows nothing")
	}
	b.connect(again)
	until(t, "all is there again", func() bool { return b.there(again) })
	if n := backup.of(b.site()).Doubles(); n > 0 {
		t.Errorf("%d batches stand twice", n)
	}
	until(t, "the box knows of it", func() bool { return b.known.Held().Covers(b.Held()) })
}

// TestStopsInOrder: Run returns when all connections have ended, and then nobody comes in.
func TestStopsInOrder(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 3, nil)
	for n := range 3 {
		newBox(t, n).connect(h)
	}
	until(t, "all are there", func() bool { return h.Status().Totals.Connections == 6 })
	began := time.Now()
	h.stop()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if n := h.Status().Totals.Connections; n != 0 || h.Ready() {
		t.Errorf("%d connections after the end", n)
	}
}
