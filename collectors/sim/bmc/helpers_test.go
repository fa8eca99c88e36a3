package bmc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/collectortest"
	"rackpost/collectors/sim/bmc"
)

func newClock() *collectortest.Clock {
	return collectortest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
}

// lab is a controller that runs, and a client of it.
type lab struct {
	tb     testing.TB
	bmc    *bmc.BMC
	clock  *collectortest.Clock
	url    string
	addr   string
	client *http.Client
	token  string
}

func start(tb testing.TB, model string) *lab {
	tb.Helper()
	c := newClock()
	b, err := bmc.New(model, bmc.Options{Seed: 7, Number: 3, Clock: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return serve(tb, b, c)
}

func serve(tb testing.TB, b *bmc.BMC, c *collectortest.Clock) *lab {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, l) }()
	lab := &lab{tb: tb, bmc: b, clock: c, url: "https://" + l.Addr().String(), addr: l.Addr().String(), client: newClient()}
	tb.Cleanup(func() {
		lab.client.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	return lab
}

// newClient checks no certificate: tests that do look at it themselves.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what a request got.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func (l *lab) try(method, path string, body any, set ...string) (answer, error) {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			l.tb.Fatal(err)
		}
	}
	q, err := http.NewRequest(method, l.url+path, &b)
	if err != nil {
		l.tb.Fatal(err)
	}
	if l.token != "" {
		q.Header.Set("X-Auth-Token", l.token)
	}
	for i := 0; i+1 < len(set); i += 2 {
		q.Header.Set(set[i], set[i+1])
	}
	r, err := l.client.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = r.Body.Close() }()
	out, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	return answer{r.StatusCode, r.Header, out}, err
}

func (l *lab) do(method, path string, body any, set ...string) answer {
	l.tb.Helper()
	a, err := l.try(method, path, body, set...)
	if err != nil {
		l.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

const sessions = "/redfish/v1/SessionService/Sessions"

func credentials(password string) map[string]string {
	return map[string]string{"UserName": bmc.DefaultUser, "Password": password}
}

// login opens a session and returns its path.
func (l *lab) login(at string) string {
	l.tb.Helper()
	a := l.do("POST", at, credentials(bmc.DefaultPassword))
	if a.code != http.StatusCreated {
		l.tb.Fatalf("login: %d %s", a.code, a.body)
	}
	l.token = a.header.Get("X-Auth-Token")
	return a.header.Get("Location")
}

// get reads a document and wants it to be one.
func (l *lab) get(path string) map[string]any {
	l.tb.Helper()
	a := l.do("GET", path, nil)
	if a.code != http.StatusOK {
		l.tb.Fatalf("GET %s: %d %s", path, a.code, a.body)
	}
	var o map[string]any
	if err := json.Unmarshal(a.body, &o); err != nil {
		l.tb.Fatalf("GET %s: %v", path, err)
	}
	return o
}

func (l *lab) fault(name, arg string) {
	l.tb.Helper()
	if err := l.bmc.Fault(name, arg); err != nil {
		l.tb.Fatal(err)
	}
}

// at walks into a document: "Oem/Dell/DellSystem/NodeID".
func at(o map[string]any, path string) any {
	var v any = o
	for _, key := range strings.Split(path, "/") {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[key]
	}
	return v
}

func members(o map[string]any) []any {
	m, _ := o["Members"].([]any)
	return m
}
