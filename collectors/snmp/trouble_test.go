package snmp_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// A device that falls silent is asked six times more, whatever is still to be read, and
// nothing after that until the next visit.
func TestSilentDeviceIsGivenUp(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 12, 60)
	mib = append(mib, upTime(7))
	var silent atomic.Bool
	a := newAgent(t, mib, func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
		if n >= 3 && silent.Load() {
			return nil
		}
		return encode(ans)
	})
	silent.Store(true)
	tg := target(a)
	tg.Timeout = 20 * time.Millisecond
	s := session(t, tg)
	s.StartVisit()
	tab, err := s.Walk(t.Context(), cols...)
	if err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); len(bad) != len(cols) || reasonOf(t, tab, cols[0]) != hw.NoAnswer {
		t.Errorf("incomplete: %v, reason %q", bad, reasonOf(t, tab, cols[0]))
	}
	for range 3 {
		if _, err := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0"); collectors.ReasonOf(err) != hw.NoAnswer {
			t.Errorf("get: %v", err)
		}
		if _, err := s.Walk(t.Context(), cols...); collectors.ReasonOf(err) != hw.NoAnswer {
			t.Errorf("walk: %v", err)
		}
	}
	if a.sent() != 3+6 {
		t.Errorf("%d requests, want 3 that were answered and 6", a.sent())
	}
	silent.Store(false)
	s.StartVisit()
	if tab, err = s.Walk(t.Context(), cols...); err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); bad != nil {
		t.Errorf("after it came back, incomplete: %v", bad)
	}
}

// A device whose answers are garbage of every sort, some of them well formed, is given up
// as well.
func TestGarbageIsGivenUp(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 12, 60)
	a := newAgent(t, append(mib, upTime(7)), func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
		good := encode(ans)[0]
		switch n % 5 {
		case 0:
			return [][]byte{good[:len(good)/2]}
		case 1:
			return [][]byte{[]byte("HTTP/1.1 400")}
		case 2:
			ans.RequestID++
		case 3:
			for i := range ans.Variables {
				ans.Variables[i].Name = ".1.3.1.1.1.1"
			}
		case 4:
			for i := range ans.Variables {
				ans.Variables[i].Type, ans.Variables[i].Value = gosnmp.Uinteger32, uint32(1)
			}
			good = encode(ans)[0]
			for i := range good[40:] {
				if good[40+i] == byte(gosnmp.Uinteger32) {
					good[40+i] = 0x7e
				}
			}
			return [][]byte{good}
		}
		return encode(ans)
	})
	tg := target(a)
	tg.Timeout = 20 * time.Millisecond
	s := session(t, tg)
	s.StartVisit()
	for range 20 {
		if tab, err := s.Walk(t.Context(), cols...); err == nil && !slices.ContainsFunc(cols, func(c string) bool { return reasonOf(t, tab, c) != "" }) {
			t.Error("garbage is called complete")
		}
	}
	if a.sent() > 12 {
		t.Errorf("%d requests", a.sent())
	}
}

// A line that loses every third message is slow, not dead, however long it goes on.
func TestLossIsNotGivenUp(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 8, 60)
	a := newAgent(t, mib, func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
		if n%3 == 0 {
			return nil
		}
		return encode(ans)
	})
	s := session(t, target(a))
	s.StartVisit()
	for a.sent() < 30 {
		tab, err := s.Walk(t.Context(), cols...)
		if err != nil {
			t.Fatal(err)
		}
		if bad := checkTable(t, mib, tab); bad != nil {
			t.Fatalf("incomplete: %v", bad)
		}
	}
}
