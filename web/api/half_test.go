package api_test

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackpost/web"
	"rackpost/web/api"
)

// TestHalfClosed: whoever closes its own half of the connection is told nothing, or the truth, and never an empty success.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	c := w.config()
	c.Turns = make(web.Turns) // no turn is ever had: the answer ends with the request
	server := httptest.NewServer(api.New(c).Local())
	defer server.Close()
	for path, want := range map[string]string{
		"/api/v1/facts": "",
		"/api/v1/aggregate?sensor=busy_1m_percent": "",
		"/api/v1/aggregate?sensor=x&limit=-1":      "HTTP/1.1 400 ",
		"/api/v1/query?device=sw&component=cpu/1":  "HTTP/1.1 400 ",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: box\r\n\r\n", path)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(conn)
		if got := string(b[:min(len(b), len(want))]); got != want || want == "" && len(b) > 0 {
			t.Errorf("GET %s with its half closed: %q, want %q", path, b, want)
		}
		_ = conn.Close()
	}
}

// TestTurns: while others read history slowly, metrics are told all the same, and whoever waits for history is told so.
func TestTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	c := w.config()
	c.Turns = make(web.Turns) // all are taken
	a := api.New(c)
	a.Queue(10 * time.Millisecond)
	h := a.Local()
	for path, want := range map[string]int{
		"/metrics": 200, "/api/v1/devices": 200, "/api/v1/facts": 503, "/api/v1/aggregate?sensor=busy_1m_percent": 503,
		"/api/v1/query?device=sw&component=cpu/1&sensor=busy_1m_percent": 503,
	} {
		r := get(t, h, path)
		if r.Code != want || want == 503 && r.Header().Get("Retry-After") == "" {
			t.Errorf("GET %s: %d %.200s, want %d", path, r.Code, r.Body, want)
		}
	}
}

// TestStrangersHoldNothing: the connection of whoever has no token ends with the answer.
func TestStrangersHoldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(api.New(w.config()).Remote())
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: box\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 401 ") {
		t.Errorf("%v: %s", err, b)
	}
}
