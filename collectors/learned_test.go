package collectors_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// remembering is a lab whose journal is a device's last report.
func (l *lab) remembering(t *testing.T, devices []collectors.Watched) *collectors.Poller {
	t.Helper()
	p, err := collectors.NewPoller(collectors.Config{Devices: devices, Sink: l, Now: l.now, Learned: l.learned})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (l *lab) learned(id hw.DeviceID) hw.Attrs {
	if all := l.stored(id); len(all) > 0 {
		return all[len(all)-1].Learned
	}
	return nil
}

func (l *lab) limited(ids ...hw.DeviceID) []collectors.Watched {
	kind := l.kind(fast(time.Minute))
	kind.LoginLimited = true
	devices := l.watched(kind, ids...)
	for i := range devices {
		devices[i].Target.Credentials = collectors.Credentials{User: "monitor", Password: "old"}
	}
	return devices
}

func TestEveryReportCarriesWhatIsLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		visits := 0
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			visits++
			switch visits {
			case 1:
				return well(ctx, due)
			case 2:
				_ = l.memoryOf("a").Learn("certificate", "pin")
				return failing(hw.NoAnswer, 0)(ctx, due)
			}
			_ = l.memoryOf("a").Learn("session", "")
			return well(ctx, due)
		}
		p := l.remembering(t, l.watched(l.kind(fast(time.Minute)), "a"))
		err := during(t, p, func() {
			time.Sleep(10 * time.Minute)
			if err := p.Learn("a", "certificate", "another"); err != nil {
				t.Error(err)
			}
			if got, err := p.Learned("a"); err != nil || got.Get("certificate") != "another" {
				t.Errorf("learned %v: %v", got, err)
			}
			if _, err := p.Learned("b"); err == nil {
				t.Error("something is learned of a device that is not configured")
			}
			time.Sleep(time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		reports := l.stored("a")
		want := hw.Attrs{{Key: "certificate", Value: "pin"}, {Key: collectors.LearnedAt, Value: "made-up a"}}
		for i, r := range reports[:3] {
			if diff := cmp.Diff([]hw.Attrs{{}, want, want}[i], r.Learned); diff != "" {
				t.Errorf("report %d: %s", i, diff)
			}
		}
		if got := reports[len(reports)-1].Learned.Get("certificate"); got != "another" {
			t.Errorf("the certificate a person trusts became %q", got)
		}
	})
}

// TestStopOfLoginsSurvives: over a restart, at another box and for a device taken out and in again nothing
// is tried, until the credentials change.
func TestStopOfLoginsSurvives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		for _, id := range []hw.DeviceID{"a", "b"} {
			l.act[id] = failing(hw.AuthFailed, 0)
		}
		l.watch(t, l.remembering(t, l.limited("a", "b")), time.Hour)
		learned := l.learned("a")
		if learned.Get(collectors.LearnedLogins) != "2" || learned.Get(collectors.LearnedStop) == "" {
			t.Fatalf("learned %v", learned)
		}
		if strings.Contains(fmt.Sprint(learned), "old") || len(learned.Get(collectors.LearnedLoginsOf)) != 2 {
			t.Fatalf("learned %v: it tells of the password", learned)
		}
		p := l.remembering(t, l.limited("a", "b"))
		err := during(t, p, func() {
			time.Sleep(time.Hour)
			for _, next := range [][]collectors.Watched{l.limited("a"), l.limited("a", "b")} {
				if err := p.Replace(next); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := len(l.trips("a")), len(l.trips("b")); a != 2 || b != 2 {
			t.Fatalf("%d and %d logins", a, b)
		}
		l.set(func() { l.act["a"] = well })
		changed := l.limited("a", "b")
		changed[0].Target.Credentials.Password = "new"
		l.watch(t, l.remembering(t, changed), time.Minute)
		if a, b := len(l.trips("a")), len(l.trips("b")); a < 3 || b != 2 {
			t.Errorf("after new credentials for one: %d and %d visits", a, b)
		}
		if diff := cmp.Diff(hw.Attrs{{Key: collectors.LearnedAt, Value: "made-up a"}}, l.learned("a")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLearnedBelongsToAnAddress: whether the address changes while the box runs or while it does not.
func TestLearnedBelongsToAnAddress(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]bool{"live": true, "over a restart": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				l.act["a"] = failing(hw.AuthFailed, 0)
				p := l.remembering(t, l.limited("a"))
				_ = p.Learn("a", "certificate", "pin")
				l.watch(t, p, time.Hour)
				if l.learned("a").Get("certificate") != "pin" {
					t.Fatalf("learned %v", l.learned("a"))
				}
				moved := l.limited("a")
				moved[0].Target.Device.Address = "192.0.2.9"
				l.set(func() { l.act["a"] = well })
				if live {
					if err := p.Replace(moved); err != nil {
						t.Fatal(err)
					}
				} else {
					p = l.remembering(t, moved)
				}
				l.watch(t, p, time.Minute)
				if got := l.learned("a"); len(l.trips("a")) < 3 || got == nil || len(got) > 0 {
					t.Errorf("%d visits, learned %v", len(l.trips("a")), got)
				}
			})
		})
	}
}

// TestTakeOver: a box that begins to visit knows what the other one learned meanwhile, and its own where
// nobody else visited.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		kind := l.kind(fast(time.Minute))
		kind.LoginLimited = true
		p, other := l.remembering(t, l.watched(kind, "a")), l.remembering(t, l.watched(kind, "a"))
		l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
			_ = l.memoryOf("a").Learn("certificate", "first")
			return well(ctx, due)
		}
		l.watch(t, p, 2*time.Minute)
		_ = p.Learn("a", "session", "mine") // after the last report
		l.set(func() {
			l.act["a"] = func(ctx context.Context, due []collectors.Section) (hw.Report, error) {
				if pin, _ := l.memoryOf("a").Recall("certificate"); pin != "first" {
					t.Errorf("the pin is %q", pin)
				}
				return failing(hw.AuthFailed, 0)(ctx, due)
			}
		})
		l.watch(t, p, 61*time.Second)
		if got := l.learned("a"); got.Get("session") != "mine" || got.Get(collectors.LearnedLogins) != "1" {
			t.Errorf("the same box forgot its session, or a failed login: %v", got)
		}
		l.watch(t, other, time.Hour)
		tried := len(l.trips("a"))
		if n := l.learned("a").Get(collectors.LearnedLogins); n != "2" {
			t.Errorf("%s failed logins after the other box took over", n)
		}
		l.watch(t, p, time.Hour)
		if n := len(l.trips("a")); n != tried {
			t.Errorf("%d logins after the other box had stopped them", n-tried)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := collectors.NewMemory(nil)
	for key, value := range map[string]string{"": "x", strings.Repeat("k", 101): "x", "k\x00": "x", "k": "a\nb", "l": "\xff", "m": strings.Repeat("x", 1025)} {
		if err := m.Learn(key, value); err == nil {
			t.Errorf("learned %q under %.20q", value, key)
		}
	}
	for i := range 20 {
		if err := m.Learn(fmt.Sprintf("key-%02d", i), strings.Repeat("é", 512)); (err == nil) != (i < 16) {
			t.Errorf("text %d: %v", i, err)
		}
	}
	for _, key := range []string{collectors.LearnedAt, collectors.LearnedLogins} { // there is always room for the poller's
		if err := m.Learn(key, "2"); err != nil {
			t.Error(err)
		}
	}
	was := m.Learned()
	held := fmt.Sprint(was)
	if err := m.Learn("key-03", ""); err != nil {
		t.Error(err)
	}
	if _, ok := m.Recall("key-03"); ok || fmt.Sprint(was) != held {
		t.Error("to forget changed a report")
	}
	if again := collectors.NewMemory(m.Learned()); !cmp.Equal(again.Learned(), m.Learned()) {
		t.Errorf("%v became %v", m.Learned(), again.Learned())
	}
}
