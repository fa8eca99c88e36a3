package workload

import (
	"math/rand/v2"
	"strconv"
	"time"

	"rackpost/hw"
)

const day = float64(24 * time.Hour / time.Millisecond)

// The mean time between two events of one device, in ms. At the reference site they make
// some 160 facts of ports, 25 of parts and lost visits a day, and 200 log lines.
const (
	betweenFlaps    = day / 4   // a busy port of a switch loses its link
	betweenFailures = day * 25  // a part fails: 5 a day on 121 devices
	betweenRestarts = day * 200 // the device starts anew
	betweenLosses   = day * 20  // a visit gets no answer
	betweenLines    = day / 1.7 // a line of the device's log
)

// How long it lasts, in ms.
const (
	meanDown   = day / 144 // a port: 10 minutes
	meanFailed = day / 6   // a part: 4 hours
)

// calendar holds when the next event of each sort is due, Unix ms.
type calendar struct {
	flap, failure, restart, loss, line int64
}

const never = 1 << 62

func after(rng *rand.Rand, now int64, mean float64) int64 {
	return now + int64(rng.ExpFloat64()*mean)
}

func newCalendar(rng *rand.Rand, now int64, calm bool) calendar {
	if calm {
		return calendar{never, never, never, never, never}
	}
	return calendar{
		flap:    after(rng, now, betweenFlaps),
		failure: after(rng, now, betweenFailures),
		restart: after(rng, now, betweenRestarts),
		loss:    after(rng, now, betweenLosses),
		line:    after(rng, now, betweenLines),
	}
}

// happen lets pass what was due up to now.
func (d *device) happen(now int64) {
	for _, s := range d.sections {
		s.recover(now)
	}
	if now >= d.due.flap {
		d.due.flap = after(d.rng, now, betweenFlaps)
		if d.flaps {
			d.flap(now)
		}
	}
	if now >= d.due.failure {
		d.due.failure = after(d.rng, now, betweenFailures)
		d.fail(now)
	}
	if now >= d.due.restart {
		d.due.restart = after(d.rng, now, betweenRestarts)
		d.boot = now - 1000*(30+d.rng.Int64N(20))
		for _, s := range d.sections {
			s.restart(d.boot)
		}
	}
}

// recover ends what has lasted its time.
func (s *section) recover(now int64) {
	for i := range s.ports {
		if p := &s.ports[i]; p.downUntil != 0 && now >= p.downUntil {
			p.downUntil = 0
			s.components[p.component].State = portState(p)
			s.components[p.component].Health = hw.OK
		}
	}
	for i := range s.parts {
		if p := &s.parts[i]; p.failedUntil != 0 && now >= p.failedUntil {
			p.failedUntil = 0
			s.set(p, hw.OK, nil, "")
		}
	}
}

// set changes the judgement on a part and the reason its samples are absent.
func (s *section) set(p *part, h hw.Health, state hw.Attrs, absent hw.Reason) {
	s.components[p.component].Health, s.components[p.component].State = h, state
	for i := p.from; i < p.to; i++ {
		s.samples[i].Absent = absent
	}
}

// flap takes the link from a busy port, if there is one.
func (d *device) flap(now int64) {
	s := d.sections[0] // a switch begins with its ports
	at := d.rng.IntN(len(s.ports))
	for i := range s.ports {
		p := &s.ports[(at+i)%len(s.ports)]
		if !p.carries() {
			continue
		}
		p.downUntil = after(d.rng, now, meanDown) + 1
		s.components[p.component].State = portState(p)
		s.components[p.component].Health = hw.Unknown
		return
	}
}

// fail lets one of the device's parts fail.
func (d *device) fail(now int64) {
	n := 0
	for _, s := range d.sections {
		n += len(s.parts)
	}
	if n == 0 {
		return
	}
	n = d.rng.IntN(n)
	for _, s := range d.sections {
		if n >= len(s.parts) {
			n -= len(s.parts)
			continue
		}
		p := &s.parts[n]
		p.failedUntil = after(d.rng, now, meanFailed) + 1
		s.set(p, hw.Critical, hw.Attrs{{Key: "state", Value: "failed"}}, hw.NotReady)
		return
	}
}

// line writes a line of the device's log to r when one is due.
func (d *device) line(now int64, r *hw.Report) {
	if now < d.due.line {
		return
	}
	d.due.line = after(d.rng, now, betweenLines)
	d.entry++
	entry := strconv.Itoa(d.entry)
	texts := [...][3]string{
		{"notice", "SYS-5-CONFIG_I", "Configured from console by admin on vty0"},
		{"warning", "STORM-4-RATE", "Broadcast rate above the threshold for 12 s"},
		{"notice", "PSU-5-INPUT", "Power supply input voltage back in range"},
		{"error", "TEMP-3-FAN", "Fan speed raised, ambient temperature 31 C"},
	}
	t := texts[d.rng.IntN(len(texts))]
	at := time.UnixMilli(now - d.rng.Int64N(60_000)).UTC()
	r.Log = []hw.LogLine{{Unit: d.unit.Serial, Log: "system", Entry: entry, At: at, Level: t[0], Code: t[1], Text: t[2]}}
	r.Cursors = []hw.LogCursor{{Log: "system", Cursor: entry}}
}
