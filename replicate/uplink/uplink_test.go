package uplink_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/uplink"
)

// TestFirstRecords: what was written before and after the connection is at headquarters, and the status
// says how it is.
func TestFirstRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.hq.shift.Store(int64(90 * time.Second))
	old := w.write()
	w.run()
	w.arrives(old)
	w.arrives(w.write())
	w.connected("default")
	w.eventually("all that is here has been seen", func() bool { return len(w.Status().Unseen) == 0 })
	s := w.Status()
	if !s.Sending || !s.Connected || s.Name != "FRA-3" || s.Site != site.String() || s.HQ != w.hq.HQ().String() || s.URL != w.hq.url {
		t.Errorf("status: %+v", s)
	}
	if !s.ClockKnown || s.ClockOffset < 88 || s.ClockOffset > 92 {
		t.Errorf("headquarters' clock is said to be %.1f s ahead, it is 90 s", s.ClockOffset)
	}
	if h := s.Ways[0]; !h.InUse || h.Answers != uplink.Yes || h.Problem != "" || h.Connect <= 0 {
		t.Errorf("the way: %+v", h)
	}
	if r := w.Report(); !r.Sending || !r.Connected || r.StoodStill {
		t.Errorf("what the other box is told: %+v", r)
	}
	if s.Refusal != nil {
		t.Errorf("refused: %+v", s.Refusal)
	}
}

// TestNotSending: a box that is not to send connects no lane, but knows whether it could.
func TestNotSending(t *testing.T) {
	t.Parallel()
	send := make(chan struct{})
	w := newWorld(t, func(c *uplink.Config) {
		c.Send = func() (bool, string) {
			select {
			case <-send:
				return true, "the leader has no uplink"
			default:
				return false, "the leader sends"
			}
		}
	}).run()
	k := w.write()
	w.eventually("the way is known to work", func() bool { return w.Status().Ways[0].Answers == uplink.Yes })
	if n := w.hq.requests.Load(); n != 0 || w.has(k) {
		t.Errorf("it asked for a lane %d times", n)
	}
	time.Sleep(100 * time.Millisecond)
	if s := w.Status(); s.Sending || s.Why != "the leader sends" || s.LiveLag != 0 {
		t.Errorf("status: %+v", s)
	}
	close(send)
	w.arrives(k)
}

// TestRetryAfter: headquarters says when to come again, and is not asked before.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const after = 2 * time.Second
	w.hq.setRefuse(func(string) error {
		return &enroll.Refusal{Reason: enroll.TooMany, What: "more sites connect than are let in at once", After: after}
	})
	w.run()
	k := w.write()
	var s uplink.Status
	w.eventually("it is refused three times, and waits", func() bool {
		s = w.Status()
		return len(w.hq.times()) >= 3 && !s.Live.NextTry.IsZero()
	})
	if s.Refusal == nil || s.Refusal.Reason != "too_many" || !strings.Contains(s.Refusal.Error, "more sites") || s.Refusal.Times < 2 || s.Live.NextTry.IsZero() {
		t.Errorf("status: %+v", s.Refusal)
	}
	if s.Ways[0].Answers != uplink.Yes {
		t.Error("the way is taken for dead, although headquarters answers over it")
	}
	w.hq.setRefuse(nil)
	w.arrives(k)
	times := w.hq.times()
	for i := 1; i < 3; i++ {
		if d := times[i].Sub(times[i-1]); d < after {
			t.Errorf("asked again after %v, told %v", d, after)
		}
	}
	w.eventually("the refusal is over", func() bool { return w.Status().Refusal == nil })
}

// TestNoStorm: a headquarters that refuses, and one that is not there, are called at a bounded rate.
func TestNoStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.hq.setRefuse(func(string) error { return &enroll.Refusal{Reason: enroll.Unavailable, What: "no"} })
	w.run()
	w.writing(20 * time.Millisecond)
	time.Sleep(3 * time.Second)
	if n := w.hq.requests.Load(); n > 9 { // 0.1, 0.2, 0.4, 0.8, 1 s apart at the least
		t.Errorf("asked %d times within 3 s", n)
	}
	w.hq.close()
	before := w.net.dialled("default")
	time.Sleep(3 * time.Second)
	if n := w.net.dialled("default") - before; n > 25 { // 160 to 200 ms apart, and the looks
		t.Errorf("called %d times within 3 s", n)
	}
}

// TestForeignHeadquarters: who answers is another one, or no headquarters at all.
func TestForeignHeadquarters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	other, err := newOffice(t.TempDir()+"/hq", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.close)
	w.net = nil
	w.holds(w.holder.Credential(), func(c *uplink.Config) {
		c.Dial = func(ctx context.Context, w uplink.Way, links uplink.Links, _ string) (net.Conn, error) {
			return w.Dial(ctx, links, strings.TrimPrefix(other.url, "https://"))
		}
	})
	w.run()
	w.eventually("it says who answers", func() bool {
		h := w.Status().Ways[0]
		return h.Answers == uplink.No && strings.Contains(h.Problem, "not the headquarters that this site joined") && strings.Contains(h.Problem, "check the address")
	})
	began, before := time.Now(), other.calls.Load()
	time.Sleep(2 * time.Second)
	if n := other.calls.Load() - before; n > 12 {
		t.Errorf("called %d times within %v", n, time.Since(began))
	}
	if other.requests.Load() != 0 {
		t.Error("it asked a stranger for a lane")
	}
}

// TestExpiredCertificate: headquarters says that the certificate has expired; it is renewed at once.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.hq.ahead.Store(int64(400 * 24 * time.Hour)) // and the box does not know what time it is
	before := w.holder.Credential().Expires()
	w.run()
	w.arrives(w.write())
	if after := w.holder.Credential().Expires(); !after.After(before) {
		t.Errorf("it was not renewed: %v", after)
	}
}

// TestRevoked: a barred site says so, in the words of headquarters.
func TestRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if err := w.hq.Revoke("FRA-3", "sold"); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.eventually("it says why", func() bool {
		r := w.Status().Refusal
		return r != nil && r.Reason == "revoked" && strings.Contains(r.Error, "sold") && r.Advice != ""
	})
}

// TestHeadquartersRestarts: all connections end at once; they come again, and nothing is lost or doubled.
func TestHeadquartersRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil).run()
	w.arrives(w.write())
	for range 3 {
		w.hq.endAll()
		w.write()
		w.arrives(w.write())
	}
	if n := w.hq.store.Doubles(); n > 0 {
		t.Errorf("%d records twice", n)
	}
}

// TestNotHTTP: what answers the upgrade is no switch of protocols.
func TestNotHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>hello</html>")) })
	w.hq.server.Handler = mux
	w.run()
	w.eventually("it says what came", func() bool {
		r := w.Status().Refusal
		return r != nil && strings.Contains(r.Error, "200")
	})
}

// TestJoinedAnew: a site that was barred joins anew while its box runs, and sends at once.
func TestJoinedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *uplink.Config) { c.Timing.Retry, c.Timing.MostWait = time.Hour, time.Hour })
	if err := w.hq.Revoke("FRA-3", ""); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.eventually("it is refused", func() bool { return w.Status().Refusal != nil })
	token, _, err := w.hq.Invite("FRA-3", true)
	if err != nil {
		t.Fatal(err)
	}
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: w.hq.url, Token: token.Text(), Site: site})
	if err != nil {
		t.Fatal(err)
	}
	changed := w.Watch()
	if err := w.holder.Set(c); err != nil {
		t.Fatal(err)
	}
	w.arrives(w.write())
	select {
	case <-changed:
	case <-time.After(patience):
		t.Error("nobody is told")
	}
}

// TestOneLaneRefused: headquarters takes what is new and nothing else for now.
func TestOneLaneRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	old := w.write()
	w.hq.setRefuse(func(path string) error {
		if path == uplink.PathLive {
			return nil
		}
		return &enroll.Refusal{Reason: enroll.TooMany, What: "too much at once", After: time.Second}
	})
	w.run()
	w.eventually("it is refused", func() bool { return w.Status().Refusal != nil })
	w.arrives(w.write())
	s := w.Status()
	if s.Refusal == nil || s.Refusal.Error != "too much at once" || !s.Connected || s.Behind.Way != "" || w.has(old) {
		t.Errorf("status: %+v", s)
	}
	if s.Backlog.Records == 0 || s.Backlog.Bytes == 0 || !s.Backlog.Known || len(s.Unseen) != 1 || s.Unseen[0].Stream != "logs" {
		t.Errorf("what headquarters lacks: %+v, %+v", s.Backlog, s.Unseen)
	}
	w.hq.setRefuse(nil)
	w.arrives(old)
}

// TestBudget: what is behind takes no more of a way than it may.
func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *uplink.Config) { c.Ways = []uplink.Way{{Name: "thin", Behind: 20_000}} })
	var last journal.Key
	for range 200 {
		last = w.write()
	}
	began := time.Now()
	w.run()
	w.arrives(last)
	w.eventually("all is there", func() bool { return w.hq.store.Held().Covers(w.store.Have()) })
	if took := time.Since(began); took < time.Second { // 200 of 200 bytes that cannot be packed
		t.Errorf("40 KB were there after %v", took)
	}
}
