package cisco

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
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
	numbers := map[string]string{} // of the members, by the index of their chassis
	for _, row := range g.rows() {
		index := g.index[row]
		c.slotted = c.slotted || thousands(index) == ""
		word, reason := g.word(row, memberState)
		if word == "provisioned" || word == "removed" {
			continue // configured or remembered, not there; one that was there is missed
		}
		number, ok := c.memberOfRow(g, row)
		if !ok {
			v.limit(sectionStack, hw.Partial)
			continue
		}
		numbers[index] = number
		role, _ := g.word(row, memberRole)
		v.component(hw.Component{
			Path: "member/" + number, Section: sectionStack, Health: memberHealth(word), Expected: c.expected("member/"+number, reason == ""),
			State: hw.Attrs{}.With("role", role).With("state", word),
			Attrs: c.memberAttrs(g, row, index),
		})
		c.memberPower(v, g, row, "member/"+number)
	}
	if len(numbers) >= 2 && !c.readRing(v, numbers) {
		c.readVirtualLinks(v, numbers)
	}
}

// memberPower adds what StackPower allots to a member.
func (c *collector) memberPower(v *visit, g *grid, row int, path string) {
	for _, slot := range []int{memberBudget, memberCommitted} {
		if n, reason := g.number(row, slot); n > 0 || reason != "" && !isLack(reason) {
			v.gauge(path, memberGroup.objects[slot].as, float64(n), reason)
		}
	}
}

// memberOfRow returns the number of a member: its own, else that of its chassis.
func (c *collector) memberOfRow(g *grid, row int) (string, bool) {
	n, reason := g.number(row, memberNumber)
	switch {
	case reason == "" && n > 0:
		return strconv.FormatUint(n, 10), true
	case reason != "" && !isLack(reason) && reason != hw.OutOfRange && reason != hw.Garbage:
		return "", false
	}
	m := cmp.Or(c.entities.parts.member(g.index[row]), thousands(g.index[row]))
	if m == "" && c.entities.whole {
		m = "#" + g.index[row]
	}
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
// member. It reports whether there can be. StackWise Virtual has none and says "not
// redundant" all the same.
func (c *collector) readRing(v *visit, members map[string]string) bool {
	ports, ok := c.read(v, &stackPortGroup)
	if !ok || ports.read(ringPortOper) < 2*len(members) {
		return !ok || !ports.whole(ringPortOper)
	}
	g, ok := c.read(v, &ringGroup)
	if !ok || g.read(0) == 0 {
		return true
	}
	word, _ := g.word(g.at["0"], 0)
	ring := hw.Component{Path: "stack/ring", Section: sectionStack}
	switch word {
	case "true":
		ring.Health, ring.State = hw.OK, ring.State.With("redundant", "yes")
	case "false":
		ring.Health, ring.State = hw.Warning, ring.State.With("redundant", "no")
		ring.State = ring.State.With("down", c.ringDown(v, ports, members))
	}
	v.component(ring)
	return true
}

// maxRingDown bounds the ring ports that are named.
const maxRingDown = 8

// ringDown names the ring ports without link: where the cable is missing. IOS-XE has ports
// of members that are not there too, always down: StackSub-St7-1 is member 7's.
func (c *collector) ringDown(v *visit, g *grid, members map[string]string) string {
	there := slices.Collect(maps.Values(members))
	var down []string
	for _, row := range g.rows() {
		index := g.index[row]
		word, reason := g.word(row, ringPortOper)
		if reason != "" {
			return "" // it may be one of them
		}
		if word != "down" && word != "forcedDown" || len(down) == maxRingDown {
			continue
		}
		name := "#" + index
		c.needPortNames(v)
		if p := c.port(index); p != nil {
			if name = p.name(); firstNumber(name) != "" && !slices.Contains(there, firstNumber(name)) {
				continue
			}
		} else if !c.portsKnown() {
			return ""
		}
		down = append(down, name)
	}
	return strings.Join(down, ", ")
}

// readVirtualLinks reads the links between the two members of StackWise Virtual. members
// are their numbers by entPhysicalIndex.
func (c *collector) readVirtualLinks(v *visit, members map[string]string) {
	g, ok := c.read(v, &virtualLinkGroup)
	if !ok || !g.any() {
		return
	}
	for _, row := range g.rows() {
		chassis, link, _ := strings.Cut(g.index[row], ".")
		if members[chassis] == "" || link == "" {
			continue
		}
		word, reason := g.word(row, 0)
		path := "stack/link/" + members[chassis] + "/" + link
		v.component(hw.Component{
			Path: path, Section: sectionStack, Health: linkHealth(word, hw.Critical),
			State: hw.Attrs{}.With("link", word), Expected: c.expected(path, reason == ""),
		})
	}
	c.readVirtualPorts(v)
}

// readVirtualPorts reads the ports those links are made of.
func (c *collector) readVirtualPorts(v *visit) {
	g, ok := c.read(v, &virtualPortGroup)
	if !ok || !g.any() {
		return
	}
	c.needPortNames(v)
	for _, row := range g.rows() {
		index := g.index[row]
		p := c.port(index[strings.LastIndexByte(index, '.')+1:])
		name, reason := g.text(row, virtualPortName)
		switch {
		case p != nil:
			name = p.name()
		case reason != "" || name == "" || !c.portsKnown():
			v.limit(sectionStack, hw.Partial)
			continue
		}
		word, _ := g.word(row, virtualPortOper)
		peer, _ := g.text(row, virtualPortPeer)
		v.component(hw.Component{
			Path: "stack/port/" + pathName(name), Section: sectionStack, Health: linkHealth(word, hw.Warning),
			State: hw.Attrs{}.With("link", word).With("neighbour", peer),
		})
	}
}

// linkHealth judges a link that is up or down.
func linkHealth(word string, down hw.Health) hw.Health {
	switch word {
	case "up":
		return hw.OK
	case "down":
		return down
	}
	return hw.Unknown
}
