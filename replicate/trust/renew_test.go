package trust_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

const day = 24 * time.Hour

func TestBoxRenewsItselfAtAThirdOfItsLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := found(t)
		start := time.Now()
		m.Keeper = nil
		k, err := trust.New(trust.Config{
			Folder: m.folder, Trusted: m.Trusted, Logger: slog.New(slog.NewTextHandler(m.log, nil)),
			Now: func() time.Time { return today.Add(time.Since(start)) },
		})
		must(t, err)
		first := k.Status().Expires
		if life := first.Sub(today); life != 365*day {
			t.Errorf("a certificate lives %v", life)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx, nil) }()
		time.Sleep(243 * day)
		synctest.Wait()
		if k.Status().Expires != first {
			t.Error("renewed before a third was left")
		}
		time.Sleep(2 * day)
		synctest.Wait()
		if got := k.Status(); !got.Expires.After(first) || got.Due {
			t.Errorf("not renewed: %+v", got)
		}
		time.Sleep(25 * 365 * day) // beyond the CA: it goes on trying, and does not spin
		synctest.Wait()
		if got := k.Status(); got.Expires.After(got.CA) {
			t.Errorf("a certificate outlives the CA: %+v", got)
		}
		if n := strings.Count(m.log.String(), "renewed"); n < 29 || n > 31 {
			t.Errorf("renewed %d times in 20 years", n)
		}
		cancel()
		must(t, <-done)
	})
}

// TestRenewalIsSeenByTheNextHandshake and the key stays.
func TestRenewalIsSeenByTheNextHandshake(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	server := south.Server(protos)
	client := north.Client(south.Identity().Self.Node, raft)
	before, _, _ := shake(t, server, client)
	late := today.Add(300 * day)
	north.set(late, true)
	south.set(late, true)
	renew(t, south, nil)
	after, _, err := shake(t, server, client)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	a, b := before.PeerCertificates[0], after.PeerCertificates[0]
	if !b.NotAfter.After(a.NotAfter) || string(a.RawSubjectPublicKeyInfo) != string(b.RawSubjectPublicKeyInfo) {
		t.Errorf("before until %s, after until %s, or another key", a.NotAfter, b.NotAfter)
	}
	must(t, south.reopen())
	if got := south.Status().Expires; !got.Equal(b.NotAfter) {
		t.Errorf("the folder has one until %s", got)
	}
}

// renew runs the keeper until it has said what became of a renewal.
func renew(t testing.TB, m *machine, ask trust.Ask) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	before := len(m.log.String())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, ask) }()
	for tick := time.NewTicker(time.Millisecond); len(m.log.String()) == before; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("no renewal was tried")
		}
	}
	cancel()
	must(t, <-done)
}

// TestWitnessThatWasOffForTwoYears is row 29 of the failure matrix: its certificate has expired, the
// boxes refuse it everywhere, and it gets a new one where nobody shows a certificate.
func TestWitnessThatWasOffForTwoYears(t *testing.T) {
	t.Parallel()
	north, _, witness := pair(t)
	late := today.AddDate(2, 0, 0)
	for _, m := range []*machine{north, witness} {
		m.set(late, true)
	}
	must(t, north.reopen()) // it renews its own
	box := north.Identity().Self.Node
	_, atServer, _ := shake(t, north.Server(protos), witness.Client(box, raft))
	wantReason(t, atServer, trust.Expired, "renew")

	renew(t, witness, func(_ context.Context, request []byte) ([]byte, error) {
		return call(t, north, witness.Client(box, trust.JoinProtocol), request, nil)
	})
	_, atServer, _ = shake(t, north.Server(protos), witness.Client(box, raft))
	must(t, atServer)
	must(t, witness.reopen())
	if got := witness.Status(); got.Due || !got.Expires.After(late) {
		t.Errorf("%+v", got)
	}
}

func TestRenewalIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		setup func(north *machine)
		words string
	}{
		"a removed witness": {func(north *machine) {
			must(t, north.SetMembers([]trust.Member{north.Identity().Self}))
		}, "no member"},
		"a box with a wrong clock": {func(north *machine) { north.set(time.Unix(0, 0), false) }, "time server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			north, _, witness := pair(t)
			before := witness.Status()
			witness.set(today.AddDate(2, 0, 0), true)
			north.set(today.AddDate(2, 0, 0), true)
			tt.setup(north)
			renew(t, witness, func(ctx context.Context, request []byte) ([]byte, error) { return north.Answer(ctx, request, nil), nil })
			if got := witness.log.String(); !strings.Contains(got, tt.words) {
				t.Errorf("logged: %s", got)
			}
			if witness.Status().Expires != before.Expires {
				t.Error("renewed")
			}
		})
	}
}

// TestAnswersThatRenewNothing gives a witness what it did not ask for.
func TestAnswersThatRenewNothing(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	witness.set(today.Add(300*day), true)
	before := witness.Status()
	var souths []byte
	north.set(today.Add(10*day), true)
	south.set(today.AddDate(0, 0, 300), false)
	_, err := south.Appeal(t.Context(), "north", func(ctx context.Context, request []byte) ([]byte, error) {
		souths = north.Answer(ctx, request, nil)
		return souths, nil
	})
	must(t, err)
	for name, answer := range map[string][]byte{
		"another's certificate": souths, "nothing": nil, "an empty answer": []byte("{}"), "no JSON": []byte("<html>"),
		"huge": make([]byte, 1<<20), "no certificate": []byte(`{"certificate":"AAAA"}`), "an error": nil,
		"a refusal": []byte(`{"reason":"foreign","refused":"no"}`),
	} {
		renew(t, witness, func(context.Context, []byte) ([]byte, error) {
			if name == "an error" {
				return nil, errors.New("the cable is cut")
			}
			return answer, nil
		})
		if witness.Status().Expires != before.Expires {
			t.Errorf("%s: renewed", name)
		}
	}
}

// TestClockThatIsWrongAndNotTrusted has a pair founded and joined in 1970, or in 2061.
func TestClockThatIsWrongAndNotTrusted(t *testing.T) {
	t.Parallel()
	for _, wrong := range []time.Time{time.Unix(0, 0), time.Date(2061, 5, 1, 0, 0, 0, 0, time.UTC)} {
		north := newMachine(t)
		north.set(wrong, false)
		_, err := trust.Found(north.folder, founder(north.clock))
		must(t, err)
		north.open(t)
		witness := join(t, north, "west", mode.Witness)
		north.set(today, true) // a time server is found
		if !north.Status().Due {
			t.Errorf("a certificate of %s to %s is not due today", north.Status().Renewed, north.Status().Expires)
		}
		must(t, north.reopen())
		got := north.Status()
		if got.Due || got.Expires.After(today.AddDate(1, 0, 2)) || got.CA.Before(today.AddDate(15, 0, 0)) {
			t.Errorf("from %s: %+v", wrong, got)
		}
		renew(t, witness, func(ctx context.Context, request []byte) ([]byte, error) { return north.Answer(ctx, request, nil), nil })
		_, atServer, _ := shake(t, north.Server(protos), witness.Client(north.Identity().Self.Node, raft))
		must(t, atServer)
	}
}

// TestBoxWithoutAClockBesideOneWithAClock is refused when its certificate has expired by the other's
// clock; its own tells nothing, so it asks.
func TestBoxWithoutAClockBesideOneWithAClock(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	north.set(today.AddDate(2, 0, 0), true)
	must(t, north.reopen())
	south.set(today, false)
	box := north.Identity().Self.Node
	_, atServer, _ := shake(t, north.Server(protos), south.Client(box, raft))
	wantReason(t, atServer, trust.Expired)
	synctest.Test(t, func(t *testing.T) {
		must(t, south.reopen())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- south.Run(ctx, func(context.Context, []byte) ([]byte, error) {
				return nil, errors.New("asked by nobody's word")
			})
		}()
		time.Sleep(30 * day)
		cancel()
		must(t, <-done)
	})
	if got := south.log.String(); got != "" {
		t.Error(got)
	}
	must(t, south.reopen())
	_, err := south.Appeal(t.Context(), "north", func(_ context.Context, request []byte) ([]byte, error) {
		return call(t, north, south.Client(box, trust.JoinProtocol), request, nil)
	})
	must(t, err)
	_, atServer, _ = shake(t, north.Server(protos), south.Client(box, raft))
	must(t, atServer)
}

// TestAppeal has a member ask why it is refused: one whose certificate expired gets another, one that
// was taken out learns it, and nobody learns it from who cannot say how the pair stands.
func TestAppeal(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	box := north.Identity().Self.Node
	appeal := func(m, to *machine, d trust.Desk) (mode.Struck, error) {
		return m.Appeal(t.Context(), "north", func(_ context.Context, request []byte) ([]byte, error) {
			return call(t, to, m.Client(box, trust.JoinProtocol), request, d)
		})
	}
	late := today.AddDate(2, 0, 0)
	north.set(late, true)
	must(t, north.reopen())
	south.set(today, false)
	if got, err := appeal(south, north, &desk{}); err != nil || got != (mode.Struck{}) {
		t.Errorf("a member: %+v, %v", got, err)
	}
	if got := south.Status().Expires; !got.After(late) {
		t.Errorf("a member's certificate is good until %s", got)
	}
	must(t, north.SetMembers([]trust.Member{north.Identity().Self, south.Identity().Self}))
	witness.set(late, true)
	want := mode.Struck{By: "north", Generation: (&desk{}).Generation(), Applied: 42}
	if got, err := appeal(witness, north, &desk{}); err != nil || got != want {
		t.Errorf("one that was taken out: %+v, %v", got, err)
	}
	if got, err := appeal(witness, north, nil); err != nil || got.Applied != 0 {
		t.Errorf("by a box that knows nothing: %+v, %v", got, err)
	}
	if got, err := appeal(witness, found(t), &desk{}); err == nil || got != (mode.Struck{}) {
		t.Errorf("a box of another pair is believed: %+v", got)
	}
}
