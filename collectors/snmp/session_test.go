package snmp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const ifTable = "1.3.6.1.2.1.2.2.1"

func upTime(ticks uint32) object { return obj("1.3.6.1.2.1.1.3.0", gosnmp.TimeTicks, ticks) }

// checkTable asserts that every complete column is the true one, and that no column holds
// a row the device has not.
func checkTable(t testing.TB, mib []object, got snmp.Table) (incomplete []string) {
	t.Helper()
	for _, c := range got {
		want := truth(mib, c.OID)
		if c.Complete && !sameRows(c.Rows, want) {
			t.Errorf("column %s says it is complete with %d rows; the device has %d", c.OID, len(c.Rows), len(want))
		}
		if !c.Complete {
			incomplete = append(incomplete, c.OID)
			if c.Reason == "" || c.Err == nil {
				t.Errorf("column %s is incomplete without a reason", c.OID)
			}
			if len(c.Rows) > len(want) || !sameRows(c.Rows, want[:len(c.Rows)]) {
				t.Errorf("column %s: its %d rows are not the device's first", c.OID, len(c.Rows))
			}
		}
	}
	return incomplete
}

func reasonOf(t testing.TB, tab snmp.Table, column string) hw.Reason {
	t.Helper()
	i := slices.IndexFunc(tab, func(c snmp.Column) bool { return c.OID == column })
	if i < 0 {
		t.Fatalf("no column %s", column)
	}
	return tab[i].Reason
}

// asks reports whether one of the request's names lies at or under oid.
func asks(p *gosnmp.SnmpPacket, oid string) (index int) {
	for i, v := range p.Variables {
		if v.Name == "."+oid || strings.HasPrefix(v.Name, "."+oid+".") {
			return i + 1
		}
	}
	return 0
}

func TestWalkHealthy(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 20, 59)
	mib = append(mib, upTime(4711))
	a := newAgent(t, mib, nil)
	cols = append(cols, "1.3.6.1.2.1.99", "1.3.6.1.2.1.2.2.1.200", "1.3.6.1.2.1.2.2.1.2") // absent, absent, twice
	s := session(t, target(a))
	tab, times, err := s.WalkTimed(t.Context(), cols...)
	if err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); len(bad) > 0 {
		t.Errorf("incomplete: %v", bad)
	}
	for i, c := range tab {
		if c.OID != cols[i] {
			t.Errorf("column %d is %s, asked for %s", i, c.OID, cols[i])
		}
		for _, r := range c.Rows {
			if up := times.Of(r); !up.OK || up.Ticks != 4711 || up.At.IsZero() {
				t.Fatalf("row %s.%s: its clock is %+v", c.OID, r.Index, up)
			}
		}
	}
	if s.Requests() != a.sent() {
		t.Errorf("counted %d requests, the device %d", s.Requests(), a.sent())
	}
}

// A column is not its namesake with more digits.
func TestWalkPrefixIsExact(t *testing.T) {
	t.Parallel()
	mib := []object{
		obj("1.3.6.1.2.1.2.2.1.1.1", gosnmp.Integer, 1), obj("1.3.6.1.2.1.2.2.1.1.2", gosnmp.Integer, 2),
		obj("1.3.6.1.2.1.2.2.1.10.1", gosnmp.Integer, 10), obj("1.3.6.1.2.1.2.2.1.11.1", gosnmp.Integer, 11),
	}
	tab, err := session(t, target(newAgent(t, mib, nil))).Walk(t.Context(), "1.3.6.1.2.1.2.2.1.1")
	if err != nil {
		t.Fatal(err)
	}
	if len(checkTable(t, mib, tab)) > 0 || len(tab[0].Rows) != 2 {
		t.Errorf("got %+v", tab[0])
	}
}

// A genErr in the middle costs the rows from there on, none before.
func TestWalkKeepsRowsBeforeError(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 1, 40)
	a := newAgent(t, mib, func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
		if slices.ContainsFunc(ans.Variables, func(v gosnmp.SnmpPDU) bool { return v.Name == mib[30].pdu.Name }) {
			ans.Error, ans.ErrorIndex, ans.Variables = gosnmp.GenErr, 1, req.Variables
		}
		return encode(ans)
	})
	tab, err := session(t, target(a)).Walk(t.Context(), cols...)
	if err != nil {
		t.Fatal(err)
	}
	if checkTable(t, mib, tab); len(tab[0].Rows) != 30 || tab[0].Reason != hw.DeviceError {
		t.Errorf("%d rows, reason %q, want 30 and device-error", len(tab[0].Rows), tab[0].Reason)
	}
}

func TestWalkEndless(t *testing.T) {
	t.Parallel()
	mib := []object{upTime(1)}
	a := newAgent(t, mib, func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
		oid := parse(req.Variables[0].Name)
		if len(oid) == 10 {
			oid = append(oid, 0)
		}
		ans.Variables = nil
		for i := range req.MaxRepetitions {
			ans.Variables = append(ans.Variables, gosnmp.SnmpPDU{
				Name: fmt.Sprintf(".%s.7.%d", ifTable, oid[10]+i+1), Type: gosnmp.OctetString, Value: strings.Repeat("x", 600),
			})
		}
		return encode(ans)
	})
	tab, err := session(t, target(a)).Walk(t.Context(), ifTable+".7")
	if err != nil {
		t.Fatal(err)
	}
	if c := tab[0]; c.Complete || c.Reason != hw.TooMuch || len(c.Rows) > 65536 {
		t.Errorf("complete %v, reason %q, %d rows", c.Complete, c.Reason, len(c.Rows))
	}
}

func TestWalkRestartMeanwhile(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 4, 60)
	mib = append(mib, upTime(500000))
	a := newAgent(t, mib, func(n int, _, ans *gosnmp.SnmpPacket) [][]byte {
		if n > 2 {
			ans.Variables[0].Value = uint32(3000)
		}
		return encode(ans)
	})
	tab, _, err := session(t, target(a)).WalkTimed(t.Context(), cols...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tab {
		if c.Complete || c.Reason != hw.Inconsistent {
			t.Errorf("column %s: complete %v, reason %q", c.OID, c.Complete, c.Reason)
		}
	}
}

func TestNothingRead(t *testing.T) {
	t.Parallel()
	closed, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	refuses := closed.LocalAddr().String()
	closed.Close()
	mib, cols := table(ifTable, 5, 5)
	silent := func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte { return nil }
	noisy := func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte { return [][]byte{[]byte("HTTP/1.1 400")} }
	broken := func(_ int, _, ans *gosnmp.SnmpPacket) [][]byte {
		b := encode(ans)[0]
		for i := range b[40:] {
			b[40+i] = 0xff // within the first varbind
		}
		return [][]byte{b}
	}
	for name, test := range map[string]struct {
		address string
		reason  hw.Reason
		hint    string
	}{
		"closed port": {refuses, hw.Refused, "switch SNMP on"},
		"silence":     {newAgent(t, mib, silent).conn.LocalAddr().String(), hw.NoAnswer, "community"},
		"no SNMP":     {newAgent(t, mib, noisy).conn.LocalAddr().String(), hw.Garbage, "not as an SNMP agent"},
		"broken":      {newAgent(t, mib, broken).conn.LocalAddr().String(), hw.Garbage, ""},
		"no name":     {"no-such-name.invalid", hw.Unreachable, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session(t, targetAt(test.address))
			_, getErr := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.1.0")
			_, walkErr := s.Walk(t.Context(), cols...)
			for _, err := range []error{getErr, walkErr} {
				var v *collectors.VisitError
				if !errors.As(err, &v) || v.Reason != test.reason || !strings.Contains(v.Hint, test.hint) {
					t.Errorf("got %v, want reason %q, hint with %q", err, test.reason, test.hint)
				}
			}
		})
	}
}

// A refusal comes at once; the tries must not be used up in the same moment.
func TestRefusalIsWaitedOut(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 2, 5)
	address := freeAddress(t)
	up := make(chan *agent, 1)
	start := time.AfterFunc(60*time.Millisecond, func() { // the device boots
		addr, _ := net.ResolveUDPAddr("udp4", address)
		conn, err := net.ListenUDP("udp4", addr)
		if err != nil {
			t.Error(err)
			close(up)
			return
		}
		a := &agent{conn: conn, mib: mib, max: 1472}
		a.done.Go(a.serve)
		up <- a
	})
	defer start.Stop()
	tg := targetAt(address)
	tg.Timeout = time.Second
	tab, err := session(t, tg).Walk(t.Context(), cols...)
	if a := <-up; a != nil {
		a.conn.Close()
		a.done.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); bad != nil {
		t.Errorf("incomplete: %v", bad)
	}
}

func TestCancelEndsTheWait(t *testing.T) {
	t.Parallel()
	mib, cols := table(ifTable, 2, 5)
	silent := func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte { return nil }
	tg := target(newAgent(t, mib, silent))
	tg.Timeout = time.Minute
	for want, end := range map[hw.Reason]func(context.Context) (context.Context, context.CancelFunc){
		hw.OutOfTime: func(c context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(c, 20*time.Millisecond)
		},
		hw.Cancelled: func(c context.Context) (context.Context, context.CancelFunc) {
			c, cancel := context.WithCancel(c)
			time.AfterFunc(20*time.Millisecond, cancel)
			return c, cancel
		},
	} {
		s := session(t, tg)
		ctx, cancel := end(t.Context())
		_, err := s.Walk(ctx, cols...)
		cancel()
		if r := collectors.ReasonOf(err); r != want {
			t.Errorf("reason %q, want %q (%v)", r, want, err)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	mib, _ := table(ifTable, 3, 20)
	mib = append(mib, upTime(77), obj("1.3.6.1.2.1.1.1.0", gosnmp.OctetString, "Cisco\r\nIOS\x00\xff"))
	var asked []string
	for _, o := range mib[:50] {
		asked = append(asked, strings.TrimPrefix(o.pdu.Name, "."))
	}
	asked = append(asked, "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.99.0", "1.3.6.1.2.1.1.1.0")
	guilty := asked[7]
	for name, fault := range map[string]func(int, *gosnmp.SnmpPacket, *gosnmp.SnmpPacket) [][]byte{
		"genErr": func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if i := asks(req, guilty); i > 0 {
				ans.Error, ans.ErrorIndex, ans.Variables = gosnmp.GenErr, uint8(i), req.Variables
			}
			return encode(ans)
		},
		"another object": func(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
			if i := asks(req, guilty); i > 0 {
				ans.Variables[i-1].Name = ".1.3.6.1.2.1.1.9.0"
			}
			return encode(ans)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAgent(t, slices.Clone(mib), fault)
			got, err := session(t, target(a)).Get(t.Context(), asked...)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				bad := v.OID == guilty || v.OID == "1.3.6.1.2.1.99.0"
				if v.OID != asked[i] || v.OK() == bad || (v.Reason != "") != bad {
					t.Errorf("answer %d for %s is %+v", i, asked[i], v)
				}
			}
			if got[50].Uint != 77 || got[52].Text() != "CiscoIOS\uFFFD" {
				t.Errorf("got %+v, %q", got[50], got[52].Text())
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("c", 128)
	v3 := func(v collectors.V3) collectors.Credentials { return collectors.Credentials{V3: &v} }
	for name, c := range map[string]struct {
		address string
		cred    collectors.Credentials
	}{
		"no community":       {"10.0.0.1", collectors.Credentials{}},
		"long community":     {"10.0.0.1", collectors.Credentials{Community: long}},
		"no address":         {"", collectors.Credentials{Community: "c"}},
		"port 0":             {"10.0.0.1:0", collectors.Credentials{Community: "c"}},
		"port not a number":  {"10.0.0.1:snmp", collectors.Credentials{Community: "c"}},
		"no user":            {"10.0.0.1", v3(collectors.V3{})},
		"protocol unknown":   {"10.0.0.1", v3(collectors.V3{User: "u", AuthProtocol: "sha", AuthKey: "k"})},
		"privacy unknown":    {"10.0.0.1", v3(collectors.V3{User: "u", AuthProtocol: "SHA", AuthKey: "k", PrivProtocol: "3DES", PrivKey: "k"})},
		"key missing":        {"10.0.0.1", v3(collectors.V3{User: "u", AuthProtocol: "SHA"})},
		"privacy only":       {"10.0.0.1", v3(collectors.V3{User: "u", PrivProtocol: "AES", PrivKey: "k"})},
		"privacy key absent": {"10.0.0.1", v3(collectors.V3{User: "u", AuthProtocol: "SHA", AuthKey: "k", PrivProtocol: "AES"})},
	} {
		tg := targetAt(c.address)
		tg.Credentials = c.cred
		if _, err := snmp.New(tg, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, address := range []string{"10.0.0.1", "10.0.0.1:1161", "sw1.example", "fe80::1", "[fe80::1]:161", "[::1]"} {
		if _, err := snmp.New(targetAt(address), nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestBadOIDs(t *testing.T) {
	t.Parallel()
	s := session(t, targetAt("127.0.0.1"))
	for _, oid := range []string{"", "1", ".1.3.6", "1.3.", "1..3", "1.3.x", "1.3.4294967296", "1.03.6", strings.Repeat("1.", 128) + "1"} {
		if _, err := s.Get(t.Context(), oid); err == nil {
			t.Errorf("Get took %q", oid)
		}
		if _, err := s.Walk(t.Context(), oid); err == nil {
			t.Errorf("Walk took %q", oid)
		}
	}
	if s.Requests() != 0 {
		t.Errorf("%d requests", s.Requests())
	}
}
