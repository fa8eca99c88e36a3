package main

import (
	"fmt"

	"rackpost/replicate/uplink"
)

// uplinkConfig is how this machine reaches headquarters.
type uplinkConfig struct {
	at          place
	ways        []uplink.Way // none: one by the system's routes
	newestFirst bool         // of what is behind
}

// rawUplink is uplink: of box.yaml as it is written.
type rawUplink struct {
	At    place
	Order text     `yaml:"order"`
	Ways  []rawWay `yaml:"ways"`
}

type rawWay struct {
	At        place
	Name      text `yaml:"name"`
	Interface text `yaml:"interface"`
	Proxy     text `yaml:"proxy"`
	Live      text `yaml:"live"`
	Behind    text `yaml:"behind"`
}

// leastWay is the least that a lane may be bounded to, in bytes a second: below it what is new is never there in time.
const leastWay = 1000

// uplink checks the section; it may be absent.
func (c *checker) uplink(r rawUplink) uplinkConfig {
	if r.At.line == 0 {
		return uplinkConfig{}
	}
	u := uplinkConfig{at: r.At, newestFirst: c.oneOf(orDefault(r.Order, "oldest"), "oldest", "newest") == "newest"}
	before := len(c.problems)
	for i, w := range r.Ways {
		way := uplink.Way{Name: c.label(orDefault(w.Name, fmt.Sprintf("way-%d", i+1))), Interface: w.Interface.s, Proxy: w.Proxy.s}
		if w.Interface.set() && !w.Interface.bad && !interfacePattern.MatchString(w.Interface.s) {
			c.problems.add(w.Interface.at, "interface: %q is no name of a network interface; ip link lists them", shorten(w.Interface.s))
		}
		way.Live, way.Behind = c.rate(w.Live), c.rate(w.Behind)
		u.ways = append(u.ways, way)
		if err := uplink.CheckWays(u.ways); err != nil && len(c.problems) == before {
			c.problems.add(w.At, "%v", err)
		}
	}
	return u
}

// rate reads bytes a second; 0 when none is written.
func (c *checker) rate(t text) uint64 {
	if !t.set() || t.bad {
		return 0
	}
	n, err := parseSize(t.s)
	switch {
	case err != nil:
		c.problems.add(t.at, "%v; it is a second", err)
	case n < leastWay:
		c.problems.add(t.at, "%s a second is too little; write at least 1kB, or leave it out for no limit", shorten(t.s))
	}
	return uint64(max(n, 0))
}
