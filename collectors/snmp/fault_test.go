package snmp_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"rackpost/hw"
)

// fault is what a device does wrong, and what the walk must make of it: bad are the columns
// that may not be complete; all others must be.
type fault struct {
	act    func(n int, req, ans *gosnmp.SnmpPacket) [][]byte
	bad    []string
	reason hw.Reason
}

// statusFaults are devices that answer with an error status.
func statusFaults(guilty string) map[string]fault {
	status := func(e gosnmp.SNMPError, index func(int) int) func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte {
		return func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if i := asks(req, guilty); i > 0 {
				ans.Error, ans.ErrorIndex, ans.Variables = e, uint8(index(i)), req.Variables
			}
			return encode(ans)
		}
	}
	itself := func(i int) int { return i }
	return map[string]fault{
		"genErr":                  {status(gosnmp.GenErr, itself), []string{guilty}, hw.DeviceError},
		"genErr without index":    {status(gosnmp.GenErr, func(int) int { return 0 }), []string{guilty}, hw.DeviceError},
		"genErr, index too large": {status(gosnmp.GenErr, func(int) int { return 99 }), []string{guilty}, hw.Garbage},
		"noAccess":                {status(gosnmp.NoAccess, itself), []string{guilty}, hw.AccessDenied},
		"authorizationError":      {status(gosnmp.AuthorizationError, itself), []string{guilty}, hw.AccessDenied},
		"tooBig on a column":      {status(gosnmp.TooBig, itself), []string{guilty}, hw.DeviceError},
		"genErr within a column": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			for i, v := range ans.Variables {
				if v.Name == "."+guilty+".14" {
					ans.Error, ans.ErrorIndex, ans.Variables = gosnmp.GenErr, uint8(1+i%len(req.Variables)), req.Variables
					break
				}
			}
			return encode(ans)
		}, []string{guilty}, hw.DeviceError},
	}
}

// sizeFaults are devices and lines that bear little.
func sizeFaults(guilty string) map[string]fault {
	return map[string]fault{
		"tooBig above 3": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if len(ans.Variables) > 3 {
				ans.Error, ans.Variables = gosnmp.TooBig, nil
			}
			return encode(ans)
		}, nil, ""},
		"silent above 20": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if int(req.MaxRepetitions)*len(req.Variables) > 20 {
				return nil
			}
			return encode(ans)
		}, nil, ""},
		"cut to one": {func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
			ans.Variables = ans.Variables[:min(1, len(ans.Variables))]
			return encode(ans)
		}, nil, ""},
		"drops every third": {func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
			if n%3 == 0 {
				return nil
			}
			return encode(ans)
		}, nil, ""},
		"a column stalls": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if asks(req, guilty) > 0 {
				return nil
			}
			return encode(ans)
		}, []string{guilty}, hw.NoAnswer},
	}
}

// mixUps are devices that answer with the wrong rows.
func mixUps(mib []object, guilty string) map[string]fault {
	return map[string]fault{
		"reversed in company": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if len(req.Variables) > 1 {
				slices.Reverse(ans.Variables)
			}
			return encode(ans)
		}, nil, ""},
		"leaves one out": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if len(req.Variables) > 1 && len(ans.Variables) > 2 {
				ans.Variables = slices.Delete(ans.Variables, 1, 2)
			}
			return encode(ans)
		}, nil, ""},
		"same row for ever": {func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			for i := range ans.Variables {
				if strings.HasPrefix(ans.Variables[i].Name, "."+guilty+".") {
					ans.Variables[i] = mib[slices.IndexFunc(mib, func(o object) bool { return strings.HasPrefix(o.pdu.Name, "."+guilty+".") })].pdu
				}
			}
			return encode(ans)
		}, []string{guilty}, hw.Garbage},
		"another device's rows once": {func(n int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if n == 2 {
				for i := range ans.Variables {
					ans.Variables[i] = gosnmp.SnmpPDU{Name: fmt.Sprintf(".1.3.6.1.4.1.9.9.1.%d", i+1), Type: gosnmp.Integer, Value: 1}
				}
			}
			return encode(ans)
		}, nil, ""},
	}
}

// noises are messages that come before or besides the answer.
func noises() map[string]fault {
	return map[string]fault{
		"wrong request id first": {func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
			other, zero := *ans, *ans
			other.RequestID++
			zero.RequestID = 0
			zero.Variables = []gosnmp.SnmpPDU{{Name: ".1.3.9", Type: gosnmp.Integer, Value: 1}}
			other.Variables = zero.Variables
			return slices.Concat(encode(&other), encode(&zero), encode(ans))
		}, nil, ""},
		"wrong community first": {func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
			other := *ans
			other.Community, other.Variables = "private", []gosnmp.SnmpPDU{{Name: ".1.3.9", Type: gosnmp.Integer, Value: 1}}
			return append(encode(&other), encode(ans)...)
		}, nil, ""},
		"garbage first": {func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
			noise := make([]byte, n*7%200)
			r := rand.New(rand.NewPCG(1, uint64(n)))
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			good := encode(ans)
			return [][]byte{noise, good[0][:len(good[0])/2], {}, good[0]}
		}, nil, ""},
		"every answer twice": {func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
			return append(encode(ans), encode(ans)...)
		}, nil, ""},
	}
}

func TestWalkFaults(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 8, 30)
	mib = append(mib, upTime(100))
	guilty := cols[3]
	for _, group := range []map[string]fault{statusFaults(guilty), sizeFaults(guilty), mixUps(mib, guilty), noises()} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				testFault(t, mib, cols, test)
			})
		}
	}
}

func testFault(t *testing.T, mib []object, cols []string, test fault) {
	a := newAgent(t, slices.Clone(mib), test.act)
	tab, err := session(t, target(a)).Walk(t.Context(), cols...)
	if err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); !slices.Equal(bad, test.bad) {
		t.Errorf("incomplete are %v, want %v", bad, test.bad)
	}
	for _, c := range test.bad {
		if r := reasonOf(t, tab, c); r != test.reason {
			t.Errorf("column %s: reason %q, want %q", c, r, test.reason)
		}
	}
	if a.sent() > 400 {
		t.Errorf("%d requests", a.sent())
	}
}
