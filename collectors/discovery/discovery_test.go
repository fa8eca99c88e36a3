package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/collectors/discovery"
	"rackpost/hw"
)

// lab answers by the address: what it holds for it and the community.
type lab struct {
	mu      sync.Mutex
	answers map[string]hw.Reason // by "address community"; "" is an answer
	asked   []string
	hook    func(n int)
}

func (l *lab) ask(ctx context.Context, t collectors.Target) (collectors.Answer, error) {
	l.mu.Lock()
	key := t.Device.Address + " " + t.Credentials.Community
	l.asked = append(l.asked, key)
	n := len(l.asked)
	reason, ok := l.answers[key]
	l.mu.Unlock()
	if l.hook != nil {
		l.hook(n)
	}
	if ctx.Err() != nil {
		return collectors.Answer{}, ctx.Err()
	}
	if !ok {
		reason = hw.NoAnswer
	}
	if reason != "" {
		return collectors.Answer{Requests: 1}, &collectors.VisitError{Reason: reason}
	}
	return collectors.Answer{Kind: "switch", Name: "at " + t.Device.Address, Requests: 1}, nil
}

// kind is one that wants a community which begins with a prefix.
func (l *lab) kind(name, protocol, prefix string, limited bool) collectors.Kind {
	return collectors.Kind{
		Name: name, Protocol: protocol, Ask: l.ask, LoginLimited: limited,
		New: func(t collectors.Target) (collectors.Collector, error) {
			if !strings.HasPrefix(t.Credentials.Community, prefix) {
				return nil, errors.New("no such credentials")
			}
			return closer{}, nil
		},
	}
}

type closer struct{ collectors.Collector }

func (closer) Close(context.Context) error { return nil }

func logins(names ...string) []discovery.Login {
	var all []discovery.Login
	for _, n := range names {
		all = append(all, discovery.Login{Name: n, Credentials: collectors.Credentials{Community: n}})
	}
	return all
}

func TestRun(t *testing.T) {
	t.Parallel()
	answered := func(address, login string) discovery.Result {
		return discovery.Result{Answer: collectors.Answer{Kind: "switch", Name: "at " + address, Requests: 1}, Login: login}
	}
	for name, test := range map[string]struct {
		place   discovery.Place
		answers map[string]hw.Reason
		limited bool
		want    discovery.Result
		asked   []string
	}{
		"the second login": {answers: map[string]hw.Reason{"x snmp-b": ""}, want: answered("x", "snmp-b"), asked: []string{"x snmp-a", "x snmp-a", "x snmp-b"}},
		"silence": {want: discovery.Result{Reason: hw.NoAnswer, Login: "snmp-b"},
			asked: []string{"x snmp-a", "x snmp-a", "x snmp-b", "x snmp-b"}},
		"a closed port ends it": {answers: map[string]hw.Reason{"x snmp-a": hw.Refused}, want: discovery.Result{Reason: hw.Refused, Login: "snmp-a"},
			asked: []string{"x snmp-a"}},
		"a refusal is not repeated, and not forgotten": {answers: map[string]hw.Reason{"x snmp-a": hw.WrongAuthKey}, want: discovery.Result{Reason: hw.WrongAuthKey, Login: "snmp-a"},
			asked: []string{"x snmp-a", "x snmp-b", "x snmp-b"}},
		"one login by name":                 {place: discovery.Place{Login: "snmp-b"}, answers: map[string]hw.Reason{"x snmp-b": ""}, want: answered("x", "snmp-b"), asked: []string{"x snmp-b"}},
		"another kind of the protocol asks": {place: discovery.Place{Kind: "firewall"}, answers: map[string]hw.Reason{"x snmp-a": ""}, want: answered("x", "snmp-a"), asked: []string{"x snmp-a"}},
		"no question":                       {place: discovery.Place{Login: "web"}, want: discovery.Result{Reason: hw.NotSupported}},
		"silence of what locks us out":      {limited: true, answers: map[string]hw.Reason{"x snmp-b": ""}, want: discovery.Result{Reason: hw.NoAnswer, Login: "snmp-a"}, asked: []string{"x snmp-a"}},
		"two refused logins":                {limited: true, answers: map[string]hw.Reason{"x snmp-a": hw.AuthFailed, "x snmp-b": hw.AuthFailed, "x snmp-c": ""}, want: discovery.Result{Reason: hw.AuthFailed, Login: "snmp-b"}, asked: []string{"x snmp-a", "x snmp-b"}},
		"the second login is taken":         {limited: true, answers: map[string]hw.Reason{"x snmp-a": hw.AuthFailed, "x snmp-b": ""}, want: answered("x", "snmp-b"), asked: []string{"x snmp-a", "x snmp-b"}},
		"locked out":                        {limited: true, answers: map[string]hw.Reason{"x snmp-a": hw.LockedOut, "x snmp-b": ""}, want: discovery.Result{Reason: hw.LockedOut, Login: "snmp-a"}, asked: []string{"x snmp-a"}},
		"never locked out, named":           {limited: true, place: discovery.Place{Login: "snmp-b"}, answers: map[string]hw.Reason{"x snmp-b": hw.AuthFailed}, want: discovery.Result{Reason: hw.AuthFailed, Login: "snmp-b"}, asked: []string{"x snmp-b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lab{answers: test.answers}
			cfg := discovery.Config{
				Kinds:  []collectors.Kind{{Name: "mute", New: l.kind("", "", "", false).New}, l.kind("switch", "snmp", "snmp", test.limited), l.kind("firewall", "snmp", "snmp", test.limited)},
				Logins: logins("snmp-a", "web", "snmp-b", "snmp-c")[:3+min(1, len(test.answers)/3)], Rate: 1e6, Timeout: time.Second,
			}
			test.place.Address = "x"
			got, err := discovery.Run(t.Context(), cfg, []discovery.Place{test.place})
			if err != nil {
				t.Fatal(err)
			}
			got[0].Detail = ""
			if diff := cmp.Diff([]discovery.Result{test.want}, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, l.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// Two protocols are asked one after the other; a closed port of one says nothing of the other.
func TestRunAsksEveryProtocol(t *testing.T) {
	t.Parallel()
	l := &lab{answers: map[string]hw.Reason{"x snmp": hw.Refused, "x web": ""}}
	cfg := discovery.Config{
		Kinds:  []collectors.Kind{l.kind("switch", "snmp", "snmp", false), l.kind("server", "redfish", "web", true)},
		Logins: logins("snmp", "web"), Rate: 1e6,
	}
	got, err := discovery.Run(t.Context(), cfg, []discovery.Place{{Address: "x"}})
	if err != nil || got[0].Login != "web" || got[0].Reason != "" {
		t.Errorf("got %+v, error %v; want an answer to web", got, err)
	}
}

func TestRunWithoutQuestions(t *testing.T) {
	t.Parallel()
	l := &lab{}
	cfg := discovery.Config{Kinds: []collectors.Kind{l.kind("switch", "snmp", "snmp", false)}, Logins: logins("web"), Rate: 1}
	if _, err := discovery.Run(t.Context(), cfg, []discovery.Place{{Address: "x"}}); !errors.Is(err, discovery.ErrNothingToAsk) {
		t.Errorf("error %v, want ErrNothingToAsk", err)
	}
}

// What was found before the end stays; what was not asked to the end is told apart from silence.
func TestRunIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	l := &lab{answers: map[string]hw.Reason{"d0 snmp": "", "d1 snmp": ""}, hook: func(n int) {
		if n == 3 { // the first question to d2
			stop()
		}
	}}
	var places []discovery.Place
	for i := range 5 {
		places = append(places, discovery.Place{Address: fmt.Sprint("d", i), Subnet: "one"})
	}
	progress := [][2]int{}
	cfg := discovery.Config{
		Kinds: []collectors.Kind{l.kind("switch", "snmp", "snmp", false)}, Logins: logins("snmp"), Rate: 1e6,
		Progress: func(asked, answered int) { progress = append(progress, [2]int{asked, answered}) },
	}
	got, err := discovery.Run(ctx, cfg, places)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []hw.Reason
	for _, r := range got {
		reasons = append(reasons, r.Reason)
	}
	if diff := cmp.Diff([]hw.Reason{"", "", hw.Cancelled, hw.Cancelled, hw.Cancelled}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if len(progress) < 2 || progress[1] != [2]int{2, 2} {
		t.Errorf("progress %v, want two asked and answered first", progress)
	}
}
