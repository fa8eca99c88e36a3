package snmp_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
	"rackpost/hw"
)

// asked returns the communities of the requests since n.
func (a *agent) asked(n int) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var communities []string
	for _, r := range a.requests[n:] {
		communities = append(communities, r.Community)
	}
	return communities
}

// inVLANs answers in the device's own context and in that of VLAN 20, as IOS does: to any
// other there is silence.
func inVLANs(_ int, req, ans *gosnmp.SnmpPacket) [][]byte {
	if req.Community != "public" && req.Community != "public@20" {
		return nil
	}
	return encode(ans)
}

// A context the device does not have costs one time-out, and nothing of the visit.
func TestVLANContextUnknown(t *testing.T) {
	t.Parallel()
	mib, columns := table(ifTable, 1, 30)
	a := newAgent(t, mib, inVLANs)
	s := session(t, target(a))
	get := func(vlan, tries int) error {
		t.Helper()
		if err := s.UseVLAN(vlan); err != nil {
			t.Fatal(err)
		}
		s.Tries(tries)
		_, err := s.Get(t.Context(), columns[0]+".1")
		return err
	}
	if err := get(20, 1); err != nil {
		t.Fatal(err)
	}
	walked, err := s.Walk(t.Context(), columns...)
	if err != nil || !walked[0].Complete || len(walked[0].Rows) != 30 {
		t.Fatalf("walk in VLAN 20: %v, %d rows", err, len(walked[0].Rows))
	}
	before := a.sent()
	for _, vlan := range []int{21, 22, 23, 24, 25, 26, 27} { // more than the tries of a device that is given up
		var e *collectors.VisitError
		if err := get(vlan, 1); !errors.As(err, &e) || e.Reason != hw.NoAnswer {
			t.Fatalf("VLAN %d: %v, want %s", vlan, err, hw.NoAnswer)
		}
		if err := get(0, 3); err != nil {
			t.Fatalf("after VLAN %d the device itself is not read: %v", vlan, err)
		}
	}
	want := []string{"public@21", "public", "public@22", "public", "public@23", "public"}
	if got := a.asked(before); len(got) != 14 || !slices.Equal(got[:6], want) {
		t.Errorf("asked %q", got)
	}
}

func TestVLANContextEndsWithTheVisit(t *testing.T) {
	t.Parallel()
	mib, columns := table(ifTable, 1, 30)
	a := newAgent(t, mib, inVLANs)
	s := session(t, target(a))
	if err := s.UseVLAN(20); err != nil {
		t.Fatal(err)
	}
	s.MostRows(7)
	walked, err := s.Walk(t.Context(), columns...)
	if err != nil || walked[0].Complete || walked[0].Reason != hw.TooMuch || len(walked[0].Rows) != 7 {
		t.Errorf("at most 7 rows: %v, %+v", err, walked)
	}
	before := a.sent()
	s.StartVisit()
	walked, err = s.Walk(t.Context(), columns...)
	if err != nil || !walked[0].Complete || len(walked[0].Rows) != 30 {
		t.Errorf("the next visit: %v, %+v", err, walked)
	}
	if got := a.asked(before); slices.ContainsFunc(got, func(c string) bool { return c != "public" }) {
		t.Errorf("the next visit asks as %q", got)
	}
}

func TestVLANContextRefused(t *testing.T) {
	t.Parallel()
	tg := targetAt("127.0.0.1:161")
	tg.Credentials.Community = strings.Repeat("x", 125)
	s := session(t, tg)
	for vlan, ok := range map[int]bool{0: true, 1: true, 20: false, -1: false, 4095: false} {
		if err := s.UseVLAN(vlan); (err == nil) != ok {
			t.Errorf("VLAN %d behind a community of 125 bytes: %v", vlan, err)
		}
	}
}

// With v3 a device says that it does not know the context (RFC 3413, snmpUnknownContexts): it
// is told from silence, and the session goes on.
func TestVLANContextUnknownToV3(t *testing.T) {
	t.Parallel()
	tg := targetAt(contextAgent(t))
	tg.Credentials = collectors.Credentials{V3: v3("plain", "", "", "", "")}
	wantVLAN20(t, tg, hw.NotSupported)
}

// net-snmp's agent is silent instead, which costs one try.
func TestVLANContextUnknownToSnmpd(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	snmpd(t, address, 1)
	for _, user := range []*collectors.V3{
		v3("auth256", "SHA256", "authauth1", "", ""), v3("priv256", "SHA256", "authauth1", "AES", "privpriv1"),
	} {
		tg := targetAt(address)
		tg.Credentials = collectors.Credentials{V3: user}
		wantVLAN20(t, tg, hw.NoAnswer)
	}
}

// wantVLAN20 wants a device to be read, then VLAN 20 to fail once for a reason, then the
// device to be read again.
func wantVLAN20(t *testing.T, tg collectors.Target, reason hw.Reason) {
	t.Helper()
	s := session(t, tg)
	for _, vlan := range []int{0, 20, 0} {
		if err := s.UseVLAN(vlan); err != nil {
			t.Fatal(err)
		}
		s.Tries(1)
		before := s.Requests()
		_, err := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0")
		var e *collectors.VisitError
		switch {
		case vlan == 0 && err != nil:
			t.Fatalf("the device itself: %v", err)
		case vlan == 0:
		case !errors.As(err, &e) || e.Reason != reason:
			t.Fatalf("VLAN 20: %v, want %s", err, reason)
		case s.Requests()-before != 1:
			t.Errorf("%d requests to learn that there is no VLAN 20", s.Requests()-before)
		}
	}
}

// contextAgent is a v3 agent without authentication that has only the context "".
func contextAgent(t *testing.T) (address string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			x := &gosnmp.GoSNMP{Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "plain"}}
			if req, err := x.SnmpDecodePacket(slices.Clone(buf[:n])); err == nil {
				conn.WriteToUDPAddrPort(answerV3(req), from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().String()
}

// answerV3 answers with the uptime, or with the Report that is due.
func answerV3(req *gosnmp.SnmpPacket) []byte {
	const engine = "\x80\x00\x00\x09\x05test"
	u := req.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	ans := &gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgID: req.MsgID, RequestID: req.RequestID, MsgMaxSize: 1472,
		SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.NoAuthNoPriv, PDUType: gosnmp.Report,
		SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: u.UserName, AuthoritativeEngineID: engine, AuthoritativeEngineTime: 5},
		ContextEngineID:    engine, ContextName: req.ContextName,
	}
	report := func(oid string) {
		ans.Variables = []gosnmp.SnmpPDU{{Name: oid, Type: gosnmp.Counter32, Value: uint32(1)}}
	}
	switch {
	case u.AuthoritativeEngineID != engine:
		report(".1.3.6.1.6.3.15.1.1.4.0") // usmStatsUnknownEngineIDs
	case req.ContextName != "":
		report(".1.3.6.1.6.3.12.1.5.0") // snmpUnknownContexts
	default:
		ans.PDUType = gosnmp.GetResponse
		ans.Variables = []gosnmp.SnmpPDU{{Name: ".1.3.6.1.2.1.1.3.0", Type: gosnmp.TimeTicks, Value: uint32(500)}}
	}
	return encode(ans)[0]
}
