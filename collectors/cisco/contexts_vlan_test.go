package cisco_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// inContexts visits a device that answers in the contexts of VLANs as other devices do: to
// public@20 with what is given for 20. To others there is silence.
func inContexts(t *testing.T, own *sim.Device, vlans map[int]*sim.Device) *visitor {
	t.Helper()
	v := visiting(t, catalyst, own)
	backends := map[string]netip.AddrPort{"public": v.server.addr}
	for vlan, d := range vlans {
		s := &server{tb: t, device: d, community: fmt.Sprintf("public@%d", vlan)}
		s.start(netip.MustParseAddrPort("127.0.0.1:0"))
		t.Cleanup(s.stop)
		backends[s.community] = s.addr
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() { relay(conn, backends) })
	t.Cleanup(func() { conn.Close(); done.Wait() })
	v.target.Device.Address = conn.LocalAddr().String()
	v.target.Timeout = 300 * time.Millisecond
	v.open()
	return v
}

// relay sends each request to the agent of its community and the answer back.
func relay(conn *net.UDPConn, backends map[string]netip.AddrPort) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		// SEQUENCE, version INTEGER, community OCTET STRING: the requests are short or have a length of 2 or 3 bytes.
		at := bytes.Index(buf[:n], []byte("public"))
		if at < 1 || at+int(buf[at-1]) > n {
			continue
		}
		to, ok := backends[string(buf[at:at+int(buf[at-1])])]
		if !ok {
			continue
		}
		back, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			continue
		}
		if _, err := back.Write(buf[:n]); err == nil && back.SetReadDeadline(time.Now().Add(time.Second)) == nil {
			if n, err = back.Read(buf); err == nil {
				conn.WriteToUDPAddrPort(buf[:n], from) // what is lost is asked again
			}
		}
		back.Close()
	}
}

// A port that does not carry VLAN 1 is a bridge port in the context of its own VLAN only.
func TestPortOutsideVLAN1(t *testing.T) {
	t.Parallel()
	own := join(twoPorts(), vlanRow(1, 1, 1, "default"), vlanRow(20, 1, 1, "servers"), treeRows(otherRoot, 4, 7, 6),
		port(3, "Gi0/3", "", 1, 1), script{stpExtensions + "5.2.1.3.20.9|2|1"})
	in20 := join(treeRows(otherRoot, 8, 9, 70), script{basePort + "9|2|3", fdbPort + "2.0.0.0.0.1|2|9", fdbPort + "2.0.0.0.0.2|2|9"})
	v := inContexts(t, own.device(t, iosHead), map[int]*sim.Device{20: in20.device(t, iosHead)})
	r := v.all()
	r.complete(t)
	wantPart(t, nil, r.part(t, "port/Gi0/3"), "warning stp_inconsistent=yes")
	wantPart(t, nil, r.part(t, "spanning-tree/1"), "ok stp_inconsistent= root_port=Gi0/1")
	r = v.mac()
	r.complete(t)
	wantPart(t, nil, r.part(t, "spanning-tree/20"), "ok root=8000.0253ffff0001 root_cost=8 root_port=Gi0/3 is_root=no")
	if got := r.count(t, "spanning-tree/20", "topology_changes_total").Count; got != 70 {
		t.Errorf("%d changes in VLAN 20", got)
	}
	if got := r.gauge(t, "mac/20", "learned_addresses"); got != 2 {
		t.Errorf("%v addresses in VLAN 20", got)
	}
	if got := r.gauge(t, "mac/1", "learned_addresses"); got != 0 {
		t.Errorf("%v addresses in VLAN 1", got)
	}
	v.fast().complete(t)
}

// One VLAN that is silent among others costs its own, and what a context lacks is not
// lacking elsewhere.
func TestOneContextSilent(t *testing.T) {
	t.Parallel()
	own := join(twoPorts(), vlanRow(1, 1, 1, "default"), script{bridgeAddress + "|4x|0253ffff00aa"})
	vlans := map[int]*sim.Device{}
	for id := 20; id <= 24; id++ {
		own = join(own, vlanRow(id, 1, 1, fmt.Sprint("v", id)))
		if id != 22 {
			vlans[id] = join(treeRows(otherRoot, id, 9, id), script{basePort + "9|2|2"}).device(t, iosHead)
		}
	}
	v := inContexts(t, own.device(t, iosHead), vlans)
	r := v.mac()
	for id := 20; id <= 24; id++ {
		path := fmt.Sprint("spanning-tree/", id)
		if _, told := r.parts[path]; told != (id != 22) {
			t.Errorf("%s is told of: %v", path, told)
			continue
		}
		if id != 22 && (r.part(t, path).State.Get("root_port") != "Gi0/2" || r.count(t, path, "topology_changes_total").Count != uint64(id)) {
			t.Errorf("%+v", r.part(t, path))
		}
	}
	if len(r.Gaps) != 1 || r.Gaps[0].What != "mac/22" || r.Gaps[0].Reason != hw.NoAnswer || r.extent(t, "mac") != hw.Partial {
		t.Errorf("gaps %+v, %v", r.Gaps, r.extent(t, "mac"))
	}
}
