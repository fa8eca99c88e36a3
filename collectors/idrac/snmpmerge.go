package idrac

import (
	"slices"
	"strings"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// fillFromSNMP adds to parts read over Redfish what they leave out and SNMP tells of the same path: keys that are not
// there, a health that is unknown, a level that Redfish leaves open. What Redfish tells stays. The keys added stand in
// raid.KeyFromSNMP. Parts of a sort Redfish shows none of (the batteries of an iDRAC 7 or 8) are added whole, with
// their own source; of other sorts none is: it would be a part under two names. Neither list is changed.
func fillFromSNMP(parts, more []hw.Component) []hw.Component {
	told := map[string]*hw.Component{}
	for i := range more {
		told[more[i].Path] = &more[i]
	}
	out, sorts := make([]hw.Component, 0, len(parts)), map[string]bool{}
	for _, c := range parts {
		sorts[sortOf(c.Path)] = true
		if x := told[c.Path]; x != nil {
			c = filled(c, x)
		}
		out = append(out, c)
	}
	for _, x := range more {
		if !sorts[sortOf(x.Path)] {
			out = append(out, x)
		}
	}
	return out
}

// sortOf returns the prefix of a path.
func sortOf(path string) string {
	prefix, _, _ := strings.Cut(path, "/")
	return prefix
}

// notFilled are keys that say where a part was read, or name it.
var notFilled = []string{raid.KeySource, raid.KeyFromSNMP, raid.KeyName}

func filled(c hw.Component, x *hw.Component) hw.Component {
	var keys []string
	was := c
	has := func(key string) bool { return was.State.Get(key) != "" || was.Attrs.Get(key) != "" }
	fill := func(into hw.Attrs, from hw.Attrs) hw.Attrs {
		out := slices.Clone(into)
		for _, a := range from {
			if slices.Contains(notFilled, a.Key) || has(a.Key) {
				continue
			}
			out, keys = out.With(a.Key, a.Value), append(keys, a.Key)
		}
		return out
	}
	c.State, c.Attrs = fill(c.State, x.State), fill(c.Attrs, x.Attrs)
	if level := x.Attrs.Get(raid.KeyLevel); closes(c.Attrs.Get(raid.KeyLevel), level) {
		c.Attrs, keys = c.Attrs.With(raid.KeyLevel, level), append(keys, raid.KeyLevel)
	}
	if c.Health == hw.Unknown && x.Health != hw.Unknown {
		c.Health, keys = x.Health, append(keys, "health")
	}
	slices.Sort(keys)
	c.Attrs = c.Attrs.With(raid.KeyFromSNMP, raid.List(keys...))
	return c
}

// closes says whether a level is one of those that another leaves open.
func closes(open, level string) bool {
	switch open {
	case raid.Level5Or6:
		return level == raid.Level5 || level == raid.Level6
	case raid.Level50Or60:
		return level == raid.Level50 || level == raid.Level60
	}
	return false
}

// snmpSubtrees returns what a capture of an iDRAC over SNMP holds: the tables that are read, whole but the log, and the
// groups of the scalars.
func snmpSubtrees() []string {
	list := []string{"1.3.6.1.2.1.1", idracMIB + "1", idracMIB + "2"}
	for _, t := range mibTables() {
		switch {
		case t == &eventLogTable || t == &rombTable:
		case t.entry != "":
			list = append(list, idracMIB+t.entry)
		default:
			for i := range t.objects {
				oid := strings.TrimSuffix(t.oid(&t.objects[i]), ".0")
				if !slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(oid, s+".") }) {
					list = append(list, oid)
				}
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
