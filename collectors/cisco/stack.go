package cisco

import (
	"encoding/hex"
	"strconv"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// readStack reads the members of a stack, and whether its ring is closed. A switch that
// cannot be stacked has no rows.
func (c *collector) readStack(v *visit) {
	g, ok := c.read(v, &memberGroup)
	if !ok {
		return
	}
	members := 0
	for _, row := range g.rows() {
		index := g.index[row]
		word, reason := g.word(row, memberState)
		if word == "provisioned" || word == "removed" {
			continue // configured or remembered, not there; one that was there is missed
		}
		number, ok := memberOfRow(g, row)
		if !ok {
			v.limit(sectionStack, hw.Partial)
			continue
		}
		members++
		role, _ := g.word(row, memberRole)
		v.component(hw.Component{
			Path: "member/" + number, Section: sectionStack, Health: memberHealth(word), Expected: c.expected("member/"+number, reason == ""),
			State: hw.Attrs{}.With("role", role).With("state", word),
			Attrs: c.memberAttrs(g, row, index),
		})
	}
	if members >= 2 {
		c.readRing(v, members)
	}
}

// memberOfRow returns the number of a member: its own, else the thousands of its index.
func memberOfRow(g *grid, row int) (string, bool) {
	n, reason := g.number(row, memberNumber)
	switch {
	case reason == "" && n > 0:
		return strconv.FormatUint(n, 10), true
	case reason != "" && !isLack(reason) && reason != hw.OutOfRange && reason != hw.Garbage:
		return "", false
	}
	m := thousands(g.index[row])
	return m, m != ""
}

func (c *collector) memberAttrs(g *grid, row int, index string) hw.Attrs {
	e, _ := c.entities.parts.at(index)
	a := hw.Attrs{}.With("serial", e.serial).With("model", e.model).With("version", e.version)
	if n, reason := g.text64(row, memberPriority); reason == "" {
		a = a.With("priority", n)
	}
	if mac, reason := g.value(row, memberMAC); reason == "" {
		a = a.With("mac", macText(mac))
	}
	image, _ := g.text(row, memberImage)
	return a.With("image", image)
}

// macText writes the six bytes of a MAC address as 00:11:22:33:44:55, else "".
func macText(v snmp.Value) string {
	if v.Type != snmp.TypeOctetString || len(v.Bytes) != 6 {
		return ""
	}
	parts := make([]string, 6)
	for i, b := range v.Bytes {
		parts[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(parts, ":")
}

// memberHealth judges a cswSwitchState.
func memberHealth(word string) hw.Health {
	switch word {
	case "ready":
		return hw.OK
	case "waiting", "progressing", "added", "newMasterInit":
		return hw.Warning
	case "sdmMismatch", "verMismatch", "featureMismatch", "invalid":
		return hw.Critical
	}
	return hw.Unknown
}

// readRing reads whether the ring is closed, where there can be one: two ring ports a
// member. StackWise Virtual has none and says "not redundant" all the same.
func (c *collector) readRing(v *visit, members int) {
	ports, ok := c.read(v, &stackPortGroup)
	if !ok || ports.read(0) < 2*members {
		return
	}
	g, ok := c.read(v, &ringGroup)
	if !ok || g.read(0) == 0 {
		return
	}
	word, _ := g.word(g.at["0"], 0)
	ring := hw.Component{Path: "stack/ring", Section: sectionStack}
	switch word {
	case "true":
		ring.Health, ring.State = hw.OK, ring.State.With("redundant", "yes")
	case "false":
		ring.Health, ring.State = hw.Warning, ring.State.With("redundant", "no")
	}
	v.component(ring)
}
