package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
	"rackpost/web/api"
)

// endless are registers without an end for whoever asks for all sites.
type endless struct{ *world }

func (e endless) Snapshot(ctx context.Context, site journal.ID, fn func(api.Register) error) (api.Position, error) {
	if site != (journal.ID{}) {
		return e.world.Snapshot(ctx, site, fn)
	}
	for {
		if _, err := e.world.Snapshot(ctx, siteA, fn); err != nil {
			return "", err
		}
	}
}

// asks sends a request and reads nothing.
func asks(t *testing.T, address net.Addr, path, token string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer %s\r\n\r\n", path, token); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSnapshotsEnd: whoever reads a snapshot too slowly is cut off, and the others come to their turn.
func TestSnapshotsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config()
	c.Own, c.Registers = journal.ID{}, endless{w}
	c.Consumers = w.consumers()
	a := api.New(c)
	a.Pace(200*time.Millisecond, 1<<30, time.Second)
	a.Queue(30 * time.Second)
	server := httptest.NewServer(a.Remote())
	t.Cleanup(server.Close)
	var token string
	for i := range api.MaxSnapshots {
		if i%2 == 0 {
			var err error
			if token, err = c.Consumers.Add(t.Context(), fmt.Sprintf("thin-%d", i), api.Scopes(), ""); err != nil {
				t.Fatal(err)
			}
		}
		asks(t, server.Listener.Addr(), "/api/v1/snapshot", token)
	}
	token, err := c.Consumers.Add(t.Context(), "other", api.Scopes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if r := get(t, a.Remote(), "/api/v1/snapshot?site=FRA-3", "Authorization", "Bearer "+token); r.Code != 200 {
		t.Errorf("behind others who do not read: %d %s", r.Code, r.Body)
	}
}

// TestSnapshotsOfOne: one consumer leaves turns to the others.
func TestSnapshotsOfOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config()
	c.Own, c.Registers = journal.ID{}, endless{w}
	c.Consumers = w.consumers()
	a := api.New(c)
	server := httptest.NewServer(a.Remote())
	t.Cleanup(server.Close)
	greedy, err := c.Consumers.Add(t.Context(), "greedy", api.Scopes(), "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Consumers.Add(t.Context(), "other", api.Scopes(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		conn := asks(t, server.Listener.Addr(), "/api/v1/snapshot", greedy)
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil { // it is being told
			t.Fatal(err)
		}
	}
	if r := get(t, a.Remote(), "/api/v1/snapshot?site=FRA-3", "Authorization", "Bearer "+greedy); r.Code != 429 || r.Header().Get("Retry-After") == "" {
		t.Errorf("the third at once: %d %s", r.Code, r.Body)
	}
	if r := get(t, a.Remote(), "/api/v1/snapshot?site=FRA-3", "Authorization", "Bearer "+other); r.Code != 200 {
		t.Errorf("another consumer: %d %s", r.Code, r.Body)
	}
}

// heldBox is one of which nobody gets the status while it is held.
type heldBox struct {
	api.Box
	entered chan struct{}
	held    chan struct{}
}

func (s heldBox) Status(ctx context.Context) (web.Status, error) {
	s.entered <- struct{}{}
	<-s.held
	return s.Box.Status(ctx)
}

// heldPlaces are sites whose devices nobody gets while they are held.
type heldPlaces struct {
	*world
	entered, held chan struct{}
}

func (s heldPlaces) Place(ctx context.Context, id journal.ID) (api.Place, error) {
	select {
	case s.entered <- struct{}{}:
		<-s.held
	case <-s.held:
	}
	return s.world.Place(ctx, id)
}

// TestCountGivenUp: who waits for the devices of all sites to be counted for another waits no longer than it wants to.
func TestCountGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	c := w.config()
	c.Own = journal.ID{}
	s := heldPlaces{w, make(chan struct{}), make(chan struct{})}
	c.Sites = s
	h := api.New(c).Local()
	first := make(chan int)
	go func() { first <- get(t, h, "/api/v1/status").Code }()
	<-s.entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	second := make(chan struct{})
	go func() {
		defer close(second)
		defer func() { _ = recover() }() // so an answer ends that nobody waits for
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/status", nil))
	}()
	select {
	case <-second:
	case <-time.After(10 * time.Second):
		t.Error("it waits for the other's count")
	}
	close(s.held)
	if code := <-first; code != http.StatusOK {
		t.Errorf("who counts: %d", code)
	}
	<-second
}

// TestMetricsBesideOthers: as many answers as may be made at once are no reason to tell no metrics.
func TestMetricsBesideOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	c := w.config()
	s := heldBox{c.Box, make(chan struct{}), make(chan struct{})}
	c.Box = s
	h := api.New(c).Local()
	const most = 16
	done := make(chan int)
	for range most {
		go func() { done <- get(t, h, "/api/v1/status").Code }()
		<-s.entered
	}
	if r := get(t, h, "/api/v1/devices"); r.Code != 503 {
		t.Errorf("one more than may be made at once: %d", r.Code)
	}
	if r := get(t, h, "/metrics?site=FRA-3"); r.Code != 200 {
		t.Errorf("metrics beside %d answers: %d %s", most, r.Code, r.Body)
	}
	close(s.held)
	for range most {
		if code := <-done; code != 200 {
			t.Errorf("an answer that took long: %d", code)
		}
	}
}

// TestPackedObjects: a long answer of one object is packed as the client takes it, and says the same.
func TestPackedObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := rack()
	for i := range 2000 {
		p.points = append(p.points, web.Point{At: now.Add(time.Duration(i) * time.Second), Value: &web.Number{Gauge: float64(i)}})
		p.facts = append(p.facts, web.FactOf(hw.Fact{Kind: hw.GapFact, Device: "sw", Group: "visit", At: now, Value: hw.GapValue{Reason: hw.NoAnswer, From: now}}, uint64(i)))
	}
	w.places[siteA] = p
	h := w.box()
	unpack := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for _, path := range []string{"/api/v1/query?device=sw&component=cpu/1&sensor=busy_1m_percent", "/api/v1/facts"} {
		plain := get(t, h, path)
		if !json.Valid(plain.Body.Bytes()) || plain.Header().Get("Content-Encoding") != "" {
			t.Fatalf("%s: %v %.200s", path, plain.Header(), plain.Body)
		}
		for coding, open := range unpack {
			r := get(t, h, path, "Accept-Encoding", coding)
			if r.Code != http.StatusOK || r.Header().Get("Content-Encoding") != coding || r.Body.Len() > plain.Body.Len()/4 {
				t.Errorf("%s as %s: %d, %q, %d of %d bytes", path, coding, r.Code, r.Header().Get("Content-Encoding"), r.Body.Len(), plain.Body.Len())
				continue
			}
			x, err := open(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(x); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
				t.Errorf("%s as %s says something else: %v", path, coding, err)
			}
		}
	}
	if r := get(t, h, "/api/v1/query?device=sw&component=cpu/1&sensor=x&limit=1", "Accept-Encoding", "zstd"); r.Header().Get("Content-Encoding") != "" || r.Header().Get("Content-Length") == "" {
		t.Errorf("a short answer is packed: %v", r.Header())
	}
}

// TestHeadIsNext: whoever has everything is told one text as next and as head, with a site named or not, also behind a snapshot.
func TestHeadIsNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tells = true
	w.fact(siteA, now, "port/1", "port/2")
	w.fact(siteA, now, "port/3")
	h := w.box()
	for path, caught := range map[string]bool{"/api/v1/changes": true, "/api/v1/changes?limit=1": false, "/api/v1/changes?limit=2": false, "/api/v1/snapshot": true} {
		_, end := linesOf(t, get(t, h, path).Body)
		if (end.Next == end.Head) != caught || end.More == caught {
			t.Errorf("%s: %+v, want next and head one text: %t", path, end, caught)
		}
	}
}
