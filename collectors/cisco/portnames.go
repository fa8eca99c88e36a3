package cisco

import (
	"slices"
	"strings"
	"unicode/utf8"

	"rackpost/hw"
)

// maxNameTries is how many visits in a row read the names again when they could not be
// read whole; then the next inventory does.
const maxNameTries = 3

// readPortNames reads what names and describes the interfaces. What of them was counted
// stays with the interface, not with the place or the number it had.
func (c *collector) readPortNames(v *visit) {
	g, ok := c.read(v, &portNameGroup)
	if !ok {
		return
	}
	whole := g.whole(portName) && g.whole(portDescr)
	list, all := namePorts(g, &c.shared.texts)
	c.adopt(v, g, list)
	if c.ports.named && (!whole || !all) {
		list = withFormer(list, c.ports.list, func(index string) bool { return !whole || g.present(rowOf(g, index)) })
	}
	c.ports.list = list
	c.ports.garbled = whole && (!all || g.garbage(portDescr))
	if whole && !all {
		v.limit(sectionPorts, hw.Partial)
		v.gap(sectionPorts+"/"+portNameGroup.objects[portName].name, hw.Garbage, "the name of an interface is no text: it is left out")
	}
	if whole {
		c.ports.named, c.ports.stale, c.ports.failed = true, false, 0
		return
	}
	if c.ports.failed++; c.ports.failed >= maxNameTries && c.ports.named {
		c.ports.stale, c.ports.failed = false, 0
	}
}

// garbage reports whether a row of a column holds no text.
func (g *grid) garbage(slot int) bool {
	for row := range g.index {
		if _, reason := g.text(row, slot); reason == hw.Garbage {
			return true
		}
	}
	return false
}

// portsKnown reports whether a port that is not found by its number or name is none.
func (c *collector) portsKnown() bool { return c.ports.named && !c.ports.garbled }

// namePorts makes the ports of what was read, in order of index. One whose name was not
// read is left out: another name for it would be another component. It reports whether
// none was.
func namePorts(g *grid, t *texts) (list []port, all bool) {
	list, all = make([]port, 0, len(g.index)), true
	names := make([]string, 0, len(g.index))
	for _, row := range g.rows() {
		index := g.index[row]
		name, ok := portNameOf(g, row)
		if !ok {
			all = false
			continue
		}
		p := port{index: t.one(index)}
		p.label(g, row, t)
		list = append(list, p)
		names = append(names, name)
	}
	distinguish(names, func(i int) []string { return []string{list[i].attrs.Get("descr"), "#" + list[i].index} })
	for i := range list {
		list[i].path = t.one("port/" + names[i])
	}
	return list, all
}

// portNameOf returns ifName, or ifDescr where there is no ifName, or "" where there is
// neither. It is not ok where what may hold the name was not read, or is no text.
func portNameOf(g *grid, row int) (name string, ok bool) {
	for _, slot := range []int{portName, portDescr} {
		s, reason := g.text(row, slot)
		if s != "" {
			return s, true
		}
		if reason != "" && reason != hw.NotSupported {
			return "", false
		}
	}
	return "", true
}

// distinguish makes names unique and not empty: each of several equal names gives way to
// the first of its own alternatives that is unique, or to itself with the last one added.
// What a name becomes does not depend on the order of the names.
func distinguish(names []string, alternatives func(i int) []string) {
	for i, n := range names {
		names[i] = pathName(n)
	}
	count := make(map[string]int, len(names))
	for _, n := range names {
		count[n]++
	}
	var twins []int
	seen := map[string]int{}
	for i, n := range names {
		if n != "" && count[n] == 1 {
			continue
		}
		twins = append(twins, i)
		for _, a := range alternatives(i) {
			seen[pathName(a)]++
		}
	}
	for _, i := range twins {
		names[i] = alternative(names[i], alternatives(i), count, seen)
	}
}

// maxName bounds the part of a path that a device chooses, in bytes.
const maxName = 100

// pathName makes a name fit to be part of a path: no empty segment, not too long.
func pathName(s string) string {
	if len(s) <= maxName && !strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/") && !strings.Contains(s, "//") {
		return s
	}
	segments := strings.FieldsFunc(s, func(r rune) bool { return r == '/' })
	s = strings.Join(segments, "/")
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = strings.TrimRight(s[:len(s)-n], "/ ")
	}
	return s
}

func alternative(name string, alternatives []string, count, seen map[string]int) string {
	last := alternatives[len(alternatives)-1]
	for _, a := range alternatives[:len(alternatives)-1] {
		a = pathName(a)
		if a != "" && count[a] == 0 && seen[a] == 1 {
			return a
		}
	}
	return name + last
}

// adopt carries the counters of the interfaces known over to those just read. One that
// kept its name but not its ifIndex counts from now.
func (c *collector) adopt(v *visit, g *grid, list []port) {
	former := make(map[string]*port, len(c.ports.list))
	for i := range c.ports.list {
		former[c.ports.list[i].path] = &c.ports.list[i]
	}
	for i := range list {
		p := &list[i]
		old := former[p.path]
		switch {
		case old == nil:
		case old.index == p.index:
			p.state, p.admin, p.oper, p.told = old.state, old.admin, old.oper, old.told
			p.mute, p.unsure = old.mute, old.unsure
			p.discontinuity, p.discontinued, p.since = old.discontinuity, old.discontinued, old.since
			p.tally, p.readAt = old.tally, old.readAt
			p.attrs, p.speed = old.attrs, old.speed
			p.label(g, g.at[p.index], &c.shared.texts)
		default:
			p.since = v.now.UnixMilli()
		}
	}
}

// withFormer adds the interfaces that were known, were not read this time, and may still be
// there: a reading that was cut takes none away.
func withFormer(list, former []port, may func(index string) bool) []port {
	have := make(map[string]bool, len(list))
	for i := range list {
		have[list[i].path] = true
		have[list[i].index] = true
	}
	for i := range former {
		if !have[former[i].path] && !have[former[i].index] && may(former[i].index) {
			list = append(list, former[i])
		}
	}
	slices.SortStableFunc(list, func(a, b port) int { return compareIndex(a.index, b.index) })
	return list
}

// cleanName strips the words that tell a state from the label of a fan, a supply or a
// temperature: IOS writes them into it, and the label of a part must not change with it.
func cleanName(s string) string {
	parts := strings.Split(s, ",")
	kept := parts[:0]
	for _, p := range parts {
		words := strings.Fields(p)
		for len(words) > 0 && stateWord(words[len(words)-1]) {
			words = words[:len(words)-1]
		}
		if len(words) > 0 {
			kept = append(kept, strings.Join(words, " "))
		}
	}
	return strings.Join(kept, ", ")
}

func stateWord(w string) bool {
	switch strings.ToLower(w) {
	case "green", "yellow", "red", "black", "normal", "warning", "critical", "shutdown", "faulty", "fault", "failed",
		"failure", "ok", "good", "bad", "not", "present", "notpresent", "notexist", "exist", "absent", "unknown",
		"functioning", "notfunctioning", "on", "off":
		return true
	}
	return false
}
