package cisco

import (
	"strings"
	"testing"
)

// A capture holds whole tables of what is read, and none of the tables nobody should walk.
func TestSubtrees(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{CatalystKind, ASAKind} {
		list := subtrees(kind)
		for i, s := range list {
			for _, never := range []string{
				mib2 + "3", mib2 + "4.20", mib2 + "4.21", mib2 + "4.22", mib2 + "4.24", mib2 + "4.35", mib2 + "6.13",
				ciscoMgmt + "109.1.2", ciscoMgmt + "10.1.1.4.2", ciscoMgmt + "661", "1.3.6.1.6.3.15", "1.3.6.1.6.3.18",
			} {
				if s == never || strings.HasPrefix(s, never+".") || strings.HasPrefix(never, s+".") {
					t.Errorf("%s: %s would walk %s", kind, s, never)
				}
			}
			if i > 0 && strings.HasPrefix(s, list[i-1]+".") {
				t.Errorf("%s: %s stands in %s", kind, s, list[i-1])
			}
		}
		for _, g := range groups() {
			if g.kinds[0] != kind && g.kinds[len(g.kinds)-1] != kind {
				continue
			}
			for _, o := range g.objects {
				held := o.oid == ""
				for _, s := range list {
					held = held || strings.HasPrefix(o.oid+".", s+".")
				}
				if !held {
					t.Errorf("%s: a capture lacks %s %s", kind, o.name, o.oid)
				}
			}
		}
	}
}
