package intake_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// logged is what was logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines returns the lines with a word.
func (l *logged) lines(word string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, word) {
			out = append(out, line)
		}
	}
	return out
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// TestComingAndGoingIsLogged: a site that connects, with both lanes, and leaves is one pair of lines with its name, address, time and the
// reason in words; one that comes and goes without end is a pair a minute, and the last line is true.
func TestComingAndGoingIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		h := simulateHQ(t, 2, func(c *intake.Config) { c.Logger = log.logger() })
		b := newBox(t, 0)
		cut := b.connect(h)
		time.Sleep(90 * time.Second)
		if came := log.lines("site connected"); len(came) != 1 || !strings.Contains(came[0], "site="+b.name) || !strings.Contains(came[0], "address=") {
			t.Errorf("connected: %q", came)
		}
		cut()
		time.Sleep(time.Second)
		went := log.lines("site disconnected")
		if len(went) != 1 || !strings.Contains(went[0], "was_connected=1m30s") || !strings.Contains(went[0], "reason=") {
			t.Errorf("disconnected: %q", went)
		}
		time.Sleep(time.Minute)
		for range 20 {
			conn, err := h.dial(b.name, ship.Live)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
			conn.Close()
			time.Sleep(5 * time.Second)
		}
		if came, went := log.lines("site connected"), log.lines("site disconnected"); len(came) > 4 || len(came) != len(went) || !strings.Contains(came[2], "times=") {
			t.Errorf("20 times in two minutes: %d and %d lines: %q", len(came), len(went), came)
		}
		b.connect(h)
		time.Sleep(time.Minute)
		if came, went := log.lines("site connected"), log.lines("site disconnected"); len(came) != len(went)+1 {
			t.Errorf("it is connected, and the log has %d and %d lines", len(came), len(went))
		}
		h.stop()
		for _, raw := range []string{"EOF", "context canceled", "closed network connection", "closed pipe"} {
			if got := log.lines(raw); len(got) > 0 {
				t.Errorf("people read %q", got)
			}
		}
	})
}

// TestReasonsInWords: why a connection ended stands in the row of the site in words.
func TestReasonsInWords(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	b := newBox(t, 0)
	for _, said := range [][]byte{nil, helloOf(b.site(), b.Origin(), ship.Live), {1, 2, 3}} {
		conn, err := h.dial(b.name, ship.Live)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(said); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		until(t, "it left", func() bool { return h.Status().Totals.Connections == 0 })
		reason := h.row(b.name).Live.Reason
		if reason == "" || strings.Contains(reason, "EOF") || strings.Contains(reason, "closed network") || strings.Contains(reason, "reset by peer") {
			t.Errorf("the row says %q", reason)
		}
	}
}

// TestForget: when it returns no connection of the site is left, and nothing is merged of it any more, however it comes meanwhile;
// others go on.
func TestForget(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 2, nil)
	b, other := newBox(t, 0), newBox(t, 1)
	stuck, open := make(chan struct{}), make(chan struct{})
	var once sync.Once
	release := sync.OnceFunc(func() { close(open) })
	defer release()
	var merged sync.Map
	h.store.mu.Lock()
	h.store.before = func(_ context.Context, batches []journal.Batch) error {
		for i := range batches {
			merged.Store(batches[i].Site, time.Now())
			if batches[i].Site == b.site() {
				once.Do(func() { close(stuck); <-open })
			}
		}
		return nil
	}
	h.store.mu.Unlock()
	b.connect(h)
	other.connect(h)
	b.writes(journal.Facts, 20, 0)
	<-stuck
	h.door.set(enroll.Site{ID: b.site(), Name: b.name, Revoked: noon})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := h.Forget(ctx, b.site()); err == nil {
		t.Fatal("it returns while something is merged")
	}
	var dialing sync.WaitGroup
	stop := make(chan struct{})
	dialing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				if conn, err := h.dial(b.name, ship.Live); err == nil {
					t.Error("it is let in")
					conn.Close()
				}
			}
		}
	})
	time.AfterFunc(100*time.Millisecond, release)
	if err := h.Forget(t.Context(), b.site()); err != nil {
		t.Fatal(err)
	}
	forgotten := time.Now()
	other.writes(journal.Facts, 5, 0)
	until(t, "others go on", func() bool { return other.there(h) })
	close(stop)
	dialing.Wait()
	if at, _ := merged.Load(b.site()); at.(time.Time).After(forgotten) {
		t.Error("something of the site was merged behind its forgetting")
	}
	if n := h.Status().Totals.Connections; n != 2 {
		t.Errorf("%d connections are left, want the other's two", n)
	}
}
