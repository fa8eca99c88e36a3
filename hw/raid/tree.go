package raid

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// Controller is a controller with what belongs to it, as people look for it: each list in
// the order of the numbers in its ids.
type Controller struct {
	ID         string        // "" for parts of which no controller is told
	Part       *hw.Component // nil when the controller itself was not read
	Batteries  []hw.Component
	Volumes    []Volume
	Spares     []hw.Component // for any volume of the controller
	Unassigned []hw.Component // neither members nor spares, or members of a volume that was not read
	Enclosures []hw.Component
}

// Volume is a volume with its members and the spares dedicated to it.
type Volume struct {
	Part   hw.Component
	Drives []hw.Component
	Spares []hw.Component
}

// Arrange arranges the RAID parts among components as a tree. Every part stands in it at least once; a
// drive with slices in several volumes stands under each. A part that several sections read is
// taken once, with all that is told of it.
func Arrange(components []hw.Component) []Controller {
	t := tree{at: map[string]*Controller{}, volumes: map[string][]place{}}
	parts := once(read(components))
	for _, x := range parts {
		t.stem(x)
	}
	for _, c := range t.at {
		slices.SortFunc(c.Volumes, func(a, b Volume) int { return natural(a.Part.Path, b.Part.Path) })
		for i := range c.Volumes {
			_, id := split(c.Volumes[i].Part.Path)
			t.volumes[ID(id)] = append(t.volumes[ID(id)], place{c, i})
		}
	}
	for _, x := range parts {
		if x.kind == DrivePath {
			t.drive(x)
		}
	}
	var all []Controller
	for _, c := range t.at {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Controller) int {
		return cmp.Or(cmp.Compare(strconv.FormatBool(a.ID == ""), strconv.FormatBool(b.ID == "")), natural(a.ID, b.ID))
	})
	return all
}

type tree struct {
	at      map[string]*Controller
	volumes map[string][]place
}

type place struct {
	c *Controller
	i int // in c.Volumes
}

// once joins the parts of one path.
func once(parts []part) []part {
	var out []part
	for i, x := range parts {
		if i > 0 && parts[i-1].c.Path == x.c.Path {
			continue
		}
		c := *x.c
		c.State, c.Attrs = slices.Clone(c.State), slices.Clone(c.Attrs)
		for _, t := range x.twins {
			c.Health = max(c.Health, t.Health)
			c.State, c.Attrs = fill(c.State, t.State), fill(c.Attrs, t.Attrs)
		}
		out = append(out, part{c: &c, kind: x.kind, id: x.id})
	}
	slices.SortStableFunc(out, func(a, b part) int { return natural(a.c.Path, b.c.Path) })
	return out
}

func fill(a, more hw.Attrs) hw.Attrs {
	for _, x := range more {
		if a.Get(x.Key) == "" {
			a = a.With(x.Key, x.Value)
		}
	}
	return a
}

func (t *tree) controller(id string) *Controller {
	c := t.at[id]
	if c == nil {
		c = &Controller{ID: id}
		t.at[id] = c
	}
	return c
}

func (t *tree) stem(x part) {
	id := ID(x.text(KeyController))
	switch x.kind {
	case ControllerPath:
		c := t.controller(ID(x.id))
		if c.Part != nil { // another one's id differs in spaces only: it stands for itself
			c = &Controller{ID: x.id}
			t.at[x.c.Path] = c
		}
		c.Part = x.c
	case BatteryPath:
		c := t.controller(id)
		c.Batteries = append(c.Batteries, *x.c)
	case EnclosurePath:
		c := t.controller(id)
		c.Enclosures = append(c.Enclosures, *x.c)
	case VolumePath:
		c := t.controller(id)
		c.Volumes = append(c.Volumes, Volume{Part: *x.c})
	}
}

func (t *tree) drive(x part) {
	placed := false
	for _, id := range Split(x.text(KeyVolumes)) {
		for _, p := range t.volumes[id] {
			v := &p.c.Volumes[p.i]
			v.Drives, placed = append(v.Drives, *x.c), true
		}
	}
	spare := x.word(KeySpare)
	if spare == SpareDedicated {
		for _, id := range Split(x.text(KeySpareFor)) {
			for _, p := range t.volumes[id] {
				v := &p.c.Volumes[p.i]
				v.Spares, placed = append(v.Spares, *x.c), true
			}
		}
	}
	if placed {
		return
	}
	c := t.controller(ID(x.text(KeyController)))
	if spare != "" && spare != SpareNone {
		c.Spares = append(c.Spares, *x.c)
		return
	}
	c.Unassigned = append(c.Unassigned, *x.c)
}

// natural orders texts with the numbers in them by their value: bay 2 before bay 10.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n > 0 && m > 0 {
			p, q := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
