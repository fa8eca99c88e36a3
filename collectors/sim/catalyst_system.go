package sim

import (
	"fmt"
	"strings"
	"time"
)

// flash adds CISCO-FLASH-MIB: a device and partition a member, and the list of files that no poller
// should walk.
func (c *catalyst) flash(b *builder, s *state) {
	const f = "1.3.6.1.4.1.9.9.10.1.1"
	b.gauge(f+".1", uint64(len(s.alive())), 0)
	for _, m := range s.alive() {
		member := uint32(m)
		name := fmt.Sprintf("flash%d", m)
		if c.xe != nil {
			name = fmt.Sprintf("flash-%d", m)
			b.uint(f+".4.1.1.13", tagCounter64, c.flashSize, member, 1)
			b.uint(f+".4.1.1.14", tagCounter64, c.flashFree, member, 1)
		}
		b.gauge(f+".2.1.2", min(c.flashSize, 1<<32-1), member)
		b.gauge(f+".2.1.4", 1, member)
		b.text(f+".2.1.7", name, member)
		b.text(f+".2.1.8", fmt.Sprintf("flash device on switch %d", m), member)
		b.int(f+".4.1.1.2", 1, member, 1)
		b.int(f+".4.1.1.3", 1, member, 1)
		b.gauge(f+".4.1.1.4", min(c.flashSize, 1<<32-1), member, 1)
		b.gauge(f+".4.1.1.5", min(c.flashFree, 1<<32-1), member, 1)
		b.gauge(f+".4.1.1.6", 366, member, 1)
		b.int(f+".4.1.1.8", 3, member, 1)
		b.text(f+".4.1.1.10", name, member, 1)
		if m != s.alive()[0] {
			continue
		}
		for file := uint32(1); file <= 366; file++ {
			b.gauge(f+".4.2.1.1.2", uint64(file)*311, member, 1, file)
			b.text(f+".4.2.1.1.3", "0x0", member, 1, file)
			b.int(f+".4.2.1.1.4", 3, member, 1, file)
			b.text(f+".4.2.1.1.5", fmt.Sprintf("html/page-%d.htm", file), member, 1, file)
			b.int(f+".4.2.1.1.6", 1, member, 1, file)
		}
	}
}

// edit is one event of the configuration: to the running one, or from it to the startup one.
type edit struct {
	at    time.Duration // uptime
	user  string
	saves bool
}

// history is all events since the start, oldest first. After a start there are none, but the running configuration
// reads as changed at 161 s and never saved, though nobody touched it.
func (s *state) history() (edits []edit, changed, saved time.Duration) {
	const boot = 161 * time.Second
	changed = boot
	if s.restarts == 0 {
		changed, saved = s.uptime/2, s.uptime*3/5
		for n := range time.Duration(14) {
			edits = append(edits, edit{at: changed * (n + 1) / 14, user: "operator"})
		}
	}
	for _, e := range s.edits {
		edits = append(edits, e)
		if e.saves {
			saved = e.at
		} else {
			changed = e.at
		}
	}
	return edits, changed, saved
}

// keptEdits is how many events the table of a device holds.
const keptEdits = 10

// config adds CISCO-CONFIG-MAN-MIB with the last ten events. The times are sysUpTime.
func (c *catalyst) config(b *builder, s *state) {
	const man = "1.3.6.1.4.1.9.9.43.1.1"
	edits, changed, saved := s.history()
	shift, before := s.shift, max(len(edits)-keptEdits, 0)
	b.moving(man+".1", tagTimeTicks, func(m *moment) uint64 { return ticks(min(changed, m.uptime) + shift) }, 0)
	b.uint(man+".2", tagTimeTicks, s.stamp(saved, 0), 0)
	b.uint(man+".3", tagTimeTicks, s.stamp(saved, 0), 0)
	b.int(man+".4", keptEdits, 0)
	b.uint(man+".5", tagCounter32, uint64(before+s.dropped), 0)
	for i := before; i < len(edits); i++ {
		const h = man + ".6.1"
		e, row := edits[i], uint32(s.dropped+i+1)
		from, to := int64(2), int64(3) // commandSource to running
		if e.saves {
			from, to = 3, 4 // running to startup
		}
		b.uint(h+".2", tagTimeTicks, s.stamp(e.at, 0), row)
		b.int(h+".3", 1, row)
		b.int(h+".4", from, row)
		b.int(h+".5", to, row)
		b.int(h+".6", 5, row)
		b.int(h+".7", 1, row)
		b.text(h+".8", e.user, row)
		b.text(h+".9", "", row)
		b.ip(h+".10", 0xc0000264, row)
	}
}

// software adds CISCO-IMAGE-MIB.
func (c *catalyst) software(b *builder, s *state) {
	describes, family := strings.ReplaceAll(c.describes, c.version, s.version), "CAT9K"
	if c.xe == nil {
		family = c.chassis[3:8]
	}
	for i, line := range []string{
		"CW_BEGIN$simulated$", "CW_IMAGE$" + c.image + "$", "CW_FAMILY$" + family + "$", "CW_FEATURE$IP|LAYER_3$",
		"CW_VERSION$" + s.version + "$", "CW_MEDIA$RAM$", "CW_SYSDESCR$" + describes + "$", "CW_END$simulated$",
	} {
		b.text("1.3.6.1.4.1.9.9.25.1.1.1.2", line, uint32(i+1))
	}
}

// system adds what OLD-CISCO-SYS-MIB and CISCO-STP-EXTENSIONS-MIB have to say.
func (c *catalyst) system(b *builder, s *state) {
	const local = "1.3.6.1.4.1.9.2.1"
	b.text(local+".2", s.reset.why(), 0)
	b.named(local+".3", func(m *moment) string { return m.name }, 0)
	for i, window := range []uint64{0, 1, 2} {
		b.moving(fmt.Sprintf("%s.%d", local, 56+i), tagInteger, cpuLoad(1, window, 8, 40), 0)
	}
	b.int("1.3.6.1.4.1.9.9.82.1.6.1", 5, 0) // rapid PVST+
}
