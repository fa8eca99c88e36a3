package discovery_test

import (
	"net/netip"
	"strings"
	"testing"

	"rackpost/collectors/discovery"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		s           string
		n           int
		first, last string
		fault       string
	}{
		{s: "192.0.2.0/24", n: 254, first: "192.0.2.1", last: "192.0.2.254"},
		{s: "192.0.2.77/24", n: 254, first: "192.0.2.1", last: "192.0.2.254"},
		{s: "192.0.2.8/30", n: 2, first: "192.0.2.9", last: "192.0.2.10"},
		{s: "192.0.2.8/31", n: 2, first: "192.0.2.8", last: "192.0.2.9"},
		{s: "192.0.2.8/32", n: 1, first: "192.0.2.8", last: "192.0.2.8"},
		{s: "10.0.0.0/20", n: 4094, first: "10.0.0.1", last: "10.0.15.254"},
		{s: "2001:db8::/120", n: 255, first: "2001:db8::1", last: "2001:db8::ff"},
		{s: "2001:db8::/116", n: 4095, first: "2001:db8::1", last: "2001:db8::fff"},
		{s: "2001:db8::5/128", n: 1, first: "2001:db8::5", last: "2001:db8::5"},
		{s: "192.0.2.250-192.0.3.3", n: 10, first: "192.0.2.250", last: "192.0.3.3"},
		{s: "255.255.255.253-255.255.255.254", n: 2, first: "255.255.255.253", last: "255.255.255.254"},
		{s: "10.0.0.0-10.0.15.255", n: 4096, first: "10.0.0.0", last: "10.0.15.255"},
		{s: "192.0.2.7", n: 1, first: "192.0.2.7", last: "192.0.2.7"},
		{s: "fe80::1%eth0", n: 1, first: "fe80::1%eth0", last: "fe80::1%eth0"},
		{s: "::ffff:192.0.2.7", n: 1, first: "192.0.2.7", last: "192.0.2.7"},
		{s: "10.0.0.0/8", fault: "more than 4096 addresses: ask for a /20"},
		{s: "2001:db8::/64", fault: "more than 4096 addresses: ask for a /116"},
		{s: "10.0.0.0-10.0.16.0", fault: "more than 4096 addresses"},
		{s: "2001:db8::-2001:db8:ffff::", fault: "more than 4096 addresses"},
		{s: "192.0.2.9-192.0.2.8", fault: "the lower address first"},
		{s: "192.0.2.9-2001:db8::1", fault: "the lower address first"},
		{s: "192.0.2.9-", fault: "is no address"},
		{s: "192.0.2.0/33", fault: "is no network"},
		{s: "192.0.2.300", fault: "is no address"},
		{s: "", fault: "is no address"},
		{s: "224.0.0.0/24", fault: "no single device"},
		{s: "ff02::1", fault: "no single device"},
		{s: "0.0.0.0/32", fault: "no single device"},
		{s: "255.255.255.255", fault: "no single device"},
	} {
		got, err := discovery.Expand(test.s)
		switch {
		case test.fault != "":
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s: error %v, want %q", test.s, err, test.fault)
			}
		case err != nil || len(got) != test.n:
			t.Errorf("%s: %d addresses, error %v; want %d", test.s, len(got), err, test.n)
		case got[0].String() != test.first || got[len(got)-1].String() != test.last:
			t.Errorf("%s: %v to %v, want %s to %s", test.s, got[0], got[len(got)-1], test.first, test.last)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"192.0.2.0/24", "2001:db8::/120", "1.2.3.4-1.2.3.9", "::1", "fe80::1%a-fe80::2%b", "255.255.255.255/31"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := discovery.Expand(s)
		if err == nil && len(got) == 0 || len(got) > discovery.MaxAddresses {
			t.Fatalf("%q: %d addresses, error %v", s, len(got), err)
		}
		for i, a := range got {
			if !a.IsValid() || i > 0 && !got[i-1].Less(a) {
				t.Fatalf("%q: %v after %v", s, a, got[max(i-1, 0)])
			}
		}
	})
}

func TestSubnetOf(t *testing.T) {
	t.Parallel()
	for a, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := discovery.SubnetOf(netip.MustParseAddr(a)).String(); got != want {
			t.Errorf("%s: %s, want %s", a, got, want)
		}
	}
}
