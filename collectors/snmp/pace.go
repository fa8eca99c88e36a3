package snmp

import "rackpost/collectors"

// The size of a request is counted in varbinds of its answer: repetitions times columns.
const (
	startSize   = 24   // fits 1,400 bytes unless the values are long texts
	maxSize     = 96   // more than 1,472 bytes hold
	packetBytes = 1472 // UDP in one Ethernet frame: where Cisco's agents cut
	firstCalm   = 64   // answers before a ceiling is raised; doubled each time it was wrong
	lastCalm    = 1 << 14
)

// The keys under which the pace is kept in a device's Memory.
const (
	keySize     = "snmp.max_varbinds" // asked of one request
	keyCeiling  = "snmp.ceiling"      // what it bore after a larger request found silence
	keyCalm     = "snmp.calm"         // answers still needed before the ceiling is raised, as a start value
	keyTimeouts = "snmp.timeouts"     // requests that found silence, in all
)

// pace learns how large a request a device bears. One loss teaches nothing: only silence
// to the same size twice, each time broken by half of it, does. Pure.
type pace struct {
	size     int
	ceiling  int
	calm     int // answers since the ceiling was set
	need     int // answers before it is raised
	strikes  int
	timeouts int64
}

func loadPace(m *collectors.Memory) pace {
	get := func(key string, low, high, otherwise int) int {
		if v, ok := m.Get(key); ok && v >= int64(low) && v <= int64(high) {
			return int(v)
		}
		return otherwise
	}
	p := pace{
		size:    get(keySize, 1, maxSize, startSize),
		ceiling: get(keyCeiling, 1, maxSize, maxSize),
		need:    get(keyCalm, firstCalm, lastCalm, firstCalm),
	}
	p.timeouts, _ = m.Get(keyTimeouts)
	return p
}

func (p *pace) save(m *collectors.Memory) {
	m.Set(keySize, int64(p.size))
	m.Set(keyCeiling, int64(p.ceiling))
	m.Set(keyCalm, int64(p.need))
	m.Set(keyTimeouts, p.timeouts)
}

// plan says how many of cols columns to ask and how often to repeat them at the given
// try: each try asks half of the one before. most bounds the repetitions, 0 does not.
func (p *pace) plan(cols, most, try int) (n, repetitions int) {
	size := max(1, p.size>>try)
	n = min(cols, size)
	repetitions = (size + n - 1) / n
	if try > 0 {
		repetitions = size / n
	}
	if most > 0 {
		repetitions = min(repetitions, most)
	}
	return n, repetitions
}

// answered notes an answer of so many bytes, with got of the asked varbinds, at the given
// try.
func (p *pace) answered(try, asked, got, bytes int) {
	if try > 0 {
		if p.strikes++; p.strikes > 1 {
			p.tooLarge(asked * 2)
		}
		return
	}
	p.strikes = 0
	if asked >= p.size && got >= asked && bytes > 0 {
		p.fit(asked, bytes)
	}
	if p.calm++; p.calm >= p.need && p.ceiling < maxSize {
		p.ceiling = min(maxSize, p.ceiling+p.ceiling/4+1)
		p.calm = 0
	}
}

// fit steers towards answers that fill a packet. An agent that cuts its answers at the
// packet needs no steering: what it left out is asked again anyway.
func (p *pace) fit(asked, bytes int) {
	want := asked*packetBytes/bytes + 1
	if want > p.size {
		want = min(want, p.size+p.size/2+1)
	}
	p.size = max(1, min(want, p.ceiling, maxSize))
}

// tooBig notes that the answer to so many varbinds had no room; that costs no time and is
// forgotten as soon as answers fit again.
func (p *pace) tooBig(asked int) { p.size = max(1, asked/2) }

// tooLarge notes that requests of so many varbinds stay without answer.
func (p *pace) tooLarge(asked int) {
	p.ceiling = max(1, min(p.ceiling, asked)/2)
	p.size = min(p.size, p.ceiling)
	p.calm, p.strikes = 0, 0
	p.need = min(p.need*2, lastCalm)
}
