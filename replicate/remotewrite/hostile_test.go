package remotewrite_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/replicate/remotewrite"
)

// TestEndlessAnswers: who answers without end, or not at all, is heard as far as it is needed and holds nothing for ever.
func TestEndlessAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	var n atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, q *http.Request) {
		switch n.Add(1) {
		case 2: // it never answers
			_, _ = io.Copy(io.Discard, q.Body) // else nobody hears that the caller went
			<-q.Context().Done()
		case 3: // it never ends to
			_, _ = io.Copy(io.Discard, q.Body)
			to.WriteHeader(http.StatusServiceUnavailable)
			for q.Context().Err() == nil {
				if _, err := to.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		case 4: // nor with its headers
			to.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		default:
			r.ServeHTTP(to, q)
		}
	}))
	t.Cleanup(front.Close)
	w.fill(3, 5)
	c := w.config(r)
	c.URL = front.URL
	s := w.run(c)
	w.all(r)
	s.stop()
	if got := s.Status(); got.Lost() > 0 || n.Load() < 5 {
		t.Errorf("%+v after %d requests", got, n.Load())
	}
}

// TestRetryAfterIsBounded: nobody stops us for ever, and nonsense is nothing.
func TestRetryAfterIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for text, want := range map[string]time.Duration{
		"": 0, "2": 2 * time.Second, " 3 ": 3 * time.Second, "-5": 0, "2147483647": time.Hour, "99999999999999999999": 0, "soon": 0, "1e9": 0,
		now.Add(100 * 24 * time.Hour).UTC().Format(http.TimeFormat): time.Hour, now.Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
	} {
		if got := remotewrite.RetryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
