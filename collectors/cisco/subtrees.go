package cisco

import (
	"slices"
	"strings"
)

// subtrees returns what a capture of a device of a kind holds: the tables of the objects
// that are read, with the columns that are not, and the scalars.
func subtrees(kind string) []string {
	var list []string
	for _, g := range groups() {
		if !slices.Contains(g.kinds, kind) {
			continue
		}
		for i := range g.objects {
			for o := &g.objects[i]; o != nil; o = o.other {
				if o.oid != "" {
					list = append(list, subtree(o.oid))
				}
			}
		}
	}
	slices.SortFunc(list, compareIndex)
	list = slices.Compact(list)
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		return slices.ContainsFunc(list, func(o string) bool { return strings.HasPrefix(s, o+".") })
	})
}

// subtree returns the entry of a column: a table's columns stand under an arc 1. A scalar
// stays alone, and so does what OLD-CISCO-SYS-MIB has under such an arc: a hundred scalars
// of another age.
func subtree(oid string) string {
	if column, scalar := strings.CutSuffix(oid, ".0"); scalar {
		return column
	}
	if strings.HasPrefix(oid, oldSystem) {
		return oid
	}
	entry := oid[:strings.LastIndexByte(oid, '.')]
	if strings.HasSuffix(entry, ".1") {
		return entry
	}
	return oid
}
