package netlab

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
)

// Cut stops everything between two hosts, ARP too, on the wires named or on all that both have. Links stay up.
func (l *Lab) Cut(a, b string, wires ...string) {
	l.t.Helper()
	l.OneWay(a, b, wires...)
	l.OneWay(b, a, wires...)
}

// OneWay stops what one host sends to another.
func (l *Lab) OneWay(from, to string, wires ...string) {
	l.t.Helper()
	l.rule(from, to, "drop", wires)
}

// Loss loses so many frames of a hundred, both ways, at random.
func (l *Lab) Loss(a, b string, percent int, wires ...string) {
	l.t.Helper()
	lose := "drop"
	if percent < 100 {
		lose = fmt.Sprintf("numgen random mod 100 < %d drop", percent)
	}
	l.rule(a, b, lose, wires)
	l.rule(b, a, lose, wires)
}

// Limit lets so many bytes a second through, both ways, and loses the rest.
func (l *Lab) Limit(a, b string, bytes int, wires ...string) {
	l.t.Helper()
	limit := fmt.Sprintf("limit rate over %d bytes/second drop", bytes)
	l.rule(a, b, limit, wires)
	l.rule(b, a, limit, wires)
}

// Thin makes the host's way to the switch a thin line, or that to another one: it sends so many bytes a second, and what waits its
// turn for more than a second is lost. It is for the length of the test, which is skipped where the kernel has no such queue.
func (l *Lab) Thin(name string, bytes int, wires ...string) {
	l.t.Helper()
	if len(wires) == 0 {
		wires = []string{LAN}
	}
	if _, err := exec.LookPath("tc"); err != nil {
		l.t.Skip("tc is missing")
	}
	for _, wire := range wires {
		l.Host(name).thin(bytes, wire)
	}
}

func (h *Host) thin(bytes int, wire string) {
	h.t.Helper()
	// BBR takes the wire under the queue for the line: real ones have no such wire.
	h.ip(fmt.Sprintf("route replace %s dev %s src %s congctl reno", netip.PrefixFrom(h.Address(wire), 24).Masked(), wire, h.Address(wire)))
	shape := h.Command("tc", "qdisc", "add", "dev", wire, "root", "tbf", "rate", fmt.Sprintf("%dbps", bytes), "burst", "4kb", "latency", "1s")
	switch out, err := shape.CombinedOutput(); {
	case err != nil && strings.Contains(string(out), "unknown"):
		h.t.Skipf("this kernel has no token bucket: %s", out)
	case err != nil:
		h.t.Fatalf("netlab: a thin line: %v\n%s", err, out)
	}
}

// Mute stops everything that reaches a host, and so everything that needs an answer. Its links stay up.
func (l *Lab) Mute(name string) {
	l.t.Helper()
	h := l.Host(name)
	for _, wire := range h.wires() {
		h.nft(fmt.Sprintf("add rule netdev netlab %s drop", wire))
	}
}

// Heal takes away all rules.
func (l *Lab) Heal() {
	l.t.Helper()
	for _, h := range l.hosts {
		h.nft("flush table netdev netlab")
	}
}

// Unplug pulls the host's cable out of the switch, or out of the second one: its link goes down.
func (l *Lab) Unplug(name string, wires ...string) { l.plug(name, "down", wires) }

// Plug puts the cable back.
func (l *Lab) Plug(name string, wires ...string) { l.plug(name, "up", wires) }

func (l *Lab) plug(name, state string, wires []string) {
	l.t.Helper()
	to := l.lan
	if slices.Contains(wires, WAN) {
		to = l.wan
	}
	to.ip("link set dev " + l.Host(name).Name + " " + state)
}

// rule puts a rule for what comes from one host into another, where it is received.
func (l *Lab) rule(from, to, what string, wires []string) {
	l.t.Helper()
	sender, receiver := l.Host(from), l.Host(to)
	if len(wires) == 0 {
		wires = receiver.wires()
	}
	for _, wire := range wires {
		if mac := sender.mac(wire); mac != "" {
			receiver.nft(fmt.Sprintf("add rule netdev netlab %s ether saddr %s %s", wire, mac, what))
		}
	}
}

func (h *Host) wires() []string {
	h.t.Helper()
	wires := []string{LAN}
	for _, wire := range []string{Direct, WAN} {
		if h.mac(wire) != "" {
			wires = append(wires, wire)
		}
	}
	return wires
}

// mac returns the hardware address of the interface, or nothing where there is none.
func (h *Host) mac(wire string) string {
	h.t.Helper()
	for line := range strings.Lines(h.Run("ip", "-brief", "link")) {
		fields := strings.Fields(line)
		if name, _, _ := strings.Cut(fields[0], "@"); name == wire {
			return fields[2]
		}
	}
	return ""
}
