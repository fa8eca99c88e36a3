package clustertest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is what goes wrong, or what a person does.
type fault string

const (
	cutWay    fault = "cut"     // messages from one member to another are lost
	lossy     fault = "lossy"   // a part of them is
	late      fault = "late"    // they take longer
	isolate   fault = "isolate" // a member reaches nobody, and no device
	power     fault = "power"   // its machine has no power
	kill      fault = "kill"    // its process is killed; the machine refuses connections
	stop      fault = "stop"    // SIGSTOP
	stall     fault = "stall"   // its disk does not answer
	slow      fault = "slow"    // each write to it takes longer
	broken    fault = "broken"  // each write to it fails
	wipe      fault = "wipe"    // killed, and what it agreed on is lost
	replace   fault = "replace" // killed, and the whole disk is lost
	copyDisk  fault = "copy"    // an image is made of what it agreed on
	image     fault = "image"   // killed, and the image is put back
	clock     fault = "clock"   // its wall clock jumps
	takeover  fault = "takeover"
	transfer  fault = "transfer"
	noOther   int   = -1
	faultsEnd       = 60 * time.Second
)

// event is one fault, and for how long it lasts.
type event struct {
	at, lasts time.Duration
	do        fault
	who, to   int // to: of messages alone
	by        path
	amount    float64 // part lost, seconds late
}

// String returns the event as parseSchedule reads it.
func (e event) String() string {
	whom := names[e.who]
	if e.to != noOther {
		whom += ">" + names[e.to]
	}
	return fmt.Sprintf("%.3f %.3f %s %s %s %g", e.at.Seconds(), e.lasts.Seconds(), e.do, whom, e.by, e.amount)
}

// schedule is all that goes wrong in one world.
type schedule []event

// String returns one line an event: when, for how long (both in seconds), what, whom, on which path, how much.
func (s schedule) String() string {
	var b strings.Builder
	for _, e := range s {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// parseSchedule reads what String wrote. Empty lines and those that begin with # are left out.
func parseSchedule(text string) (schedule, error) {
	var list schedule
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseEvent(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return list, nil
}

func parseEvent(line string) (event, error) {
	var at, lasts, amount float64
	var do, whom, by string
	if _, err := fmt.Sscan(line, &at, &lasts, &do, &whom, &by, &amount); err != nil {
		return event{}, fmt.Errorf("%q is no event: %w", line, err)
	}
	from, to, both := strings.Cut(whom, ">")
	e := event{at: seconds(at), lasts: seconds(lasts), do: fault(do), who: slices.Index(names[:], from), to: noOther, by: paths, amount: amount}
	if both {
		e.to = slices.Index(names[:], to)
	}
	for p := range paths {
		if p.String() == by {
			e.by = p
		}
	}
	if e.who < 0 || both && e.to < 0 || !slices.Contains(allFaults(), e.do) {
		return event{}, fmt.Errorf("%q is no event: nobody is called that, or nothing", line)
	}
	return e, nil
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

func allFaults() []fault {
	return []fault{cutWay, lossy, late, isolate, power, kill, stop, stall, slow, broken, wipe, replace, copyDisk, image, clock, takeover, transfer}
}

// draw makes a schedule from a seed.
func draw(seed uint64, size int) schedule {
	rng := rand.New(rand.NewPCG(seed, 2))
	var list schedule
	for range 3 + rng.IntN(6) {
		at := seconds(rng.Float64() * 0.9 * faultsEnd.Seconds())
		lasts := min(seconds(0.3+rng.ExpFloat64()*5), faultsEnd-at)
		list = append(list, drawEvents(rng, at, lasts, size)...)
	}
	slices.SortStableFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return slices.DeleteFunc(list, second())
}

// second says which events are the loss of another disk: with two lost there may be nobody left who knows anything.
func second() func(event) bool {
	lost := 0
	return func(e event) bool {
		if e.do == wipe || e.do == replace || e.do == image {
			lost++
		}
		return lost > 1 && (e.do == wipe || e.do == replace || e.do == image)
	}
}

// drawEvents makes what belongs to one misfortune.
func drawEvents(rng *rand.Rand, at, lasts time.Duration, size int) []event {
	e := event{at: at, lasts: lasts, who: rng.IntN(size), to: noOther, by: paths}
	other := (e.who + 1 + rng.IntN(size-1)) % size
	switch n := rng.IntN(100); {
	case n < 30: // of messages
		e.do, e.to = cutWay, other
		if rng.IntN(3) == 0 {
			e.by = path(rng.IntN(int(paths)))
		}
		switch rng.IntN(5) {
		case 0:
			e.do, e.amount = lossy, float64(5+rng.IntN(60))/100
		case 1:
			e.do, e.amount = late, float64(10+rng.IntN(300))/1000
		}
		if rng.IntN(2) == 0 {
			back := e
			back.who, back.to = e.to, e.who
			return []event{e, back}
		}
	case n < 38:
		e.do = isolate
	case n < 62:
		e.do = []fault{power, kill}[rng.IntN(2)]
	case n < 70:
		e.do = stop
	case n < 82:
		e.do = []fault{stall, slow, slow, broken}[rng.IntN(4)]
		e.amount = float64(5+rng.IntN(1500)) / 1000
	case n < 86:
		e.do = []fault{wipe, replace}[rng.IntN(2)]
	case n < 89:
		e.do = image
		return []event{{at: at / 2, do: copyDisk, who: e.who, to: noOther, by: paths}, e}
	case n < 92:
		e.do, e.amount = clock, rng.Float64()*7200-3600
	case n < 97:
		e.do, e.who, e.lasts = takeover, rng.IntN(2), 0
	default:
		e.do, e.who, e.lasts = transfer, rng.IntN(2), 0
	}
	return []event{e}
}
