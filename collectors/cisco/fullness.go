package cisco

import "rackpost/hw"

// A thing is nearly full from nearlyFull percent of it, until less than emptied percent are
// used again: one that wavers about a limit is told once, not at every visit.
const (
	nearlyFull = 90
	emptied    = 85
)

// fullness judges a part by how much of it is used, and remembers its judgement. All zero is
// not known.
func (c *collector) fullness(path string, used, total uint64) hw.Health {
	if total == 0 || used > total {
		delete(c.full, path)
		return hw.Unknown
	}
	percent := float64(used) / float64(total) * 100
	if percent >= nearlyFull || c.full[path] && percent >= emptied {
		if c.full == nil {
			c.full = map[string]bool{}
		}
		if len(c.full) < maxParts {
			c.full[path] = true
		}
		return hw.Warning
	}
	delete(c.full, path)
	return hw.OK
}
