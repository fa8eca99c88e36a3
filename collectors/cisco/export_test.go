package cisco

import (
	"slices"
	"strings"
)

// Documented returns what the tables say a kind reads: its sensors, and its states and
// attributes.
func Documented(kind string) (sensors, words map[string]bool) {
	sensors, words = map[string]bool{}, map[string]bool{}
	add := func(o *object) {
		for _, name := range strings.Split(o.as, ", ") {
			if o.use == sensor {
				sensors[name] = true
			} else {
				words[name] = true
			}
		}
	}
	for _, g := range groups() {
		if !slices.Contains(g.kinds, kind) {
			continue
		}
		for i := range g.objects {
			for o := &g.objects[i]; o != nil; o = o.other {
				add(o)
			}
		}
		for i := range g.also {
			add(&g.also[i])
		}
	}
	return sensors, words
}
