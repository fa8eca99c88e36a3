package cisco_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		device *sim.Device
		want   collectors.Answer
	}{
		"switch": {modelled(t, "catalyst-2960x", sim.ModelOptions{Name: "access-1", Number: 7}),
			collectors.Answer{Kind: cisco.CatalystKind, Name: "access-1", Model: "WS-C2960X-48FPS-L", Serial: "SIM0007A001", Requests: 2}},
		"stack": {modelled(t, "catalyst-3750-48ps", sim.ModelOptions{Name: "core", Number: 8}),
			collectors.Answer{Kind: cisco.CatalystKind, Name: "core", Model: "WS-C3750-48PS-S", Serial: "SIM0008A001", Requests: 2}},
		"stack of modular chassis": {slotted().device(t, iosHead),
			collectors.Answer{Kind: cisco.CatalystKind, Serial: "SIM1", Requests: 2}},
		"firewall pair": {modelled(t, "asa-5525-failover", sim.ModelOptions{Name: "fw", Number: 9}),
			collectors.Answer{Kind: cisco.ASAKind, Name: "fw", Model: "ASA5525", Serial: "SIM0009A001", Pair: true, Requests: 2}},
		"neither": {recorded(t, []byte("1.3.6.1.2.1.1.1.0|4|Linux printer\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.8072.3.2.10\n1.3.6.1.2.1.1.5.0|4|printer\n")),
			collectors.Answer{Name: "printer", Descr: "Linux printer", ObjectID: "1.3.6.1.4.1.8072.3.2.10", Requests: 1}},
		"says nothing": {recorded(t, []byte("1.3.6.1.2.1.1.3.0|67|1\n")), collectors.Answer{Requests: 1}},
		"no chassis": {recorded(t, []byte("1.3.6.1.2.1.1.1.0|4|Cisco IOS Software\n1.3.6.1.2.1.1.5.0|4|old\n")),
			collectors.Answer{Kind: cisco.CatalystKind, Name: "old", Descr: "Cisco IOS Software", Requests: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := cisco.Ask(t.Context(), askTarget(t, test.device, "public"))
			ignore := cmp.Options{}
			if test.want.Descr == "" && got.Kind != "" {
				ignore = cmp.Options{cmpopts.IgnoreFields(collectors.Answer{}, "Descr")}
			}
			if diff := cmp.Diff(test.want, got, ignore); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A wrong community is silence, and silence is asked once only.
func TestAskIsSentOnce(t *testing.T) {
	t.Parallel()
	target := askTarget(t, modelled(t, "catalyst-2960x", sim.ModelOptions{}), "wrong")
	target.Timeout = 50 * time.Millisecond
	got, err := cisco.Ask(t.Context(), target)
	var v *collectors.VisitError
	if !errors.As(err, &v) || v.Reason != hw.NoAnswer || got.Requests != 1 {
		t.Errorf("%d requests, error %v; want one and no-answer", got.Requests, err)
	}
}

// askTarget serves a device whose community is public.
func askTarget(t *testing.T, d *sim.Device, community string) collectors.Target {
	t.Helper()
	srv := &server{tb: t, device: d, community: "public"}
	srv.start(netip.MustParseAddrPort("127.0.0.1:0"))
	t.Cleanup(srv.stop)
	return collectors.Target{
		Device:      hw.Device{Address: srv.addr.String()},
		Credentials: collectors.Credentials{Community: community},
		Timeout:     2 * time.Second,
	}
}

// What a device is asked once tells the same unit as a visit of it.
func TestAskOfRecordings(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"asa", "ftd_1140", "cisco-c3560", "cisco_16_switch", "ios_2960x", "ios_4506"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := recorded(t, raw(t, name))
			kind := catalyst
			if name == "asa" || name == "ftd_1140" {
				kind = asa
			}
			u := visiting(t, kind, d).all().Unit
			got, err := cisco.Ask(t.Context(), askTarget(t, d, "public"))
			if err != nil || got.Kind != kind.Name || got.Name != u.Name {
				t.Fatalf("kind %s, error %v; want %s and the name of the visit", got.Kind, err, kind.Name)
			}
			if got.Serial != u.Serial || got.Serial != "" && got.Model != u.Model {
				t.Errorf("unit %q %q, the visit says %q %q", got.Serial, got.Model, u.Serial, u.Model)
			}
			t.Logf("pair %v, standby %v, %d requests, serial %v", got.Pair, got.Standby, got.Requests, got.Serial != "")
		})
	}
}
