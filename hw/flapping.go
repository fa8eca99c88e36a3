package hw

import "time"

// MaxFlaps is how many changes an hour of one component register are each written. One more
// and it is written as flapping: with the count and the worst health of the hour, again when
// the count has doubled or after flapAgain, and with its true value when it has been quiet
// for flapQuiet or changes no more than this.
const MaxFlaps = 20

const (
	flapWindow = 60 // minutes
	flapQuiet  = 30 * time.Minute
	flapAgain  = 10 * time.Minute
	maxWindows = 2048 // a device; registers that change beyond it are written change by change
)

// window counts the changes of one register over the last hour, minute by minute, and keeps
// its last true reading, which the register does not hold while it flaps. A kept window is
// never changed: Next is pure.
type window struct {
	minute  int64 // the newest minute, Unix time
	changes [flapWindow]uint16
	healths [flapWindow]uint8 // bit set of the healths read in the minute
	last    time.Time         // of the last change
	known   bool              // seen and absent hold a reading
	seen    ComponentValue
	absent  bool
}

// movedTo returns a copy of w whose newest minute is that of t. When the clock was set back
// the counts stay.
func (w window) movedTo(t time.Time) *window {
	minute := t.Unix() / 60
	for range min(max(minute-w.minute, 0), flapWindow) {
		w.minute++
		w.changes[w.slot()], w.healths[w.slot()] = 0, 0
	}
	w.minute = minute
	if w.last.After(t) {
		w.last = t
	}
	return &w
}

func (w *window) slot() int64 { return ((w.minute % flapWindow) + flapWindow) % flapWindow }

// over says that w, left as it is since its last change, counts nothing at t.
func (w *window) over(t time.Time) bool {
	return t.Sub(w.last).Abs() > flapWindow*time.Minute
}

func (w *window) change(t time.Time) {
	w.last = t
	if c := &w.changes[w.slot()]; *c < 1<<16-1 {
		*c++
	}
}

func (w *window) read(now ComponentValue, absent bool) {
	w.seen, w.absent, w.known = now, absent, true
	if !absent {
		w.healths[w.slot()] |= 1 << now.Health
	}
}

func (w *window) total() uint32 {
	n := uint32(0)
	for _, c := range w.changes {
		n += uint32(c)
	}
	return n
}

// worst returns the worst health read in the window. A reading of unknown outweighs OK:
// unknown is never turned into OK.
func (w *window) worst() Health {
	all := uint8(0)
	for _, h := range w.healths {
		all |= h
	}
	for _, h := range []Health{Critical, Warning, Unknown} {
		if all&(1<<h) != 0 {
			return h
		}
	}
	if all != 0 {
		return OK
	}
	return Unknown
}

// reading is what a visit says of one component register.
type reading struct {
	key    RegisterKey
	had    bool           // there was a register
	was    ComponentValue // it
	wasAt  time.Time
	up     bool // see slot
	now    ComponentValue
	absent bool // read completely, not there, and not expected
}

type moved struct {
	key    RegisterKey
	window *window
}

func (v *visit) window(k RegisterKey) (w *window, counted bool) {
	if w, ok := v.s.windows[k]; ok {
		return w.movedTo(v.at), true
	}
	return window{last: v.at}.movedTo(v.at), false
}

// keep remembers w for the next visit, if there is room.
func (v *visit) keep(k RegisterKey, w *window) bool {
	_, ok := v.s.windows[k]
	ok = ok || len(v.s.windows)+len(v.moved) < maxWindows
	if ok {
		v.moved = append(v.moved, moved{k, w})
	}
	return ok
}

// change takes a reading that differs from its register. The first sight of a register is
// not a change, its return after a removal is.
func (v *visit) change(rd reading) {
	w, counted := v.window(rd.key)
	if !rd.had && !counted {
		v.write(rd, rd.now, rd.absent)
		return
	}
	if rd.had {
		w.read(rd.was, false)
	}
	w.change(v.at)
	w.read(rd.now, rd.absent)
	v.keep(rd.key, w)
	if w.total() > MaxFlaps {
		v.write(rd, w.flapping(rd), false)
		return
	}
	v.write(rd, rd.now, rd.absent)
}

// flapping returns the value a register that flaps is written with.
func (w *window) flapping(rd reading) ComponentValue {
	x := rd.now
	if rd.absent {
		x = rd.was
	}
	x.Health, x.Flaps = w.worst(), w.total()
	return x
}

// flap takes a reading of a register that flaps. After a restart nothing is known but its
// count: that stands for the hour, and the true value is written half a quiet hour later.
func (v *visit) flap(rd reading) {
	w, counted := v.window(rd.key)
	switch {
	case !counted || !w.known:
		w.changes[w.slot()] = uint16(min(rd.was.Flaps, 1<<16-1))
		w.healths[w.slot()] |= 1 << rd.was.Health
		w.last = v.at
	case w.absent != rd.absent || !rd.absent && !w.seen.same(rd.now):
		w.change(v.at)
	}
	w.read(rd.now, rd.absent)
	if v.at.Sub(w.last) >= flapQuiet || w.total() <= MaxFlaps || !v.keep(rd.key, w) {
		fresh := window{last: v.at}.movedTo(v.at)
		fresh.read(rd.now, rd.absent)
		v.keep(rd.key, fresh)
		v.write(rd, rd.now, rd.absent)
		return
	}
	x := w.flapping(rd)
	since := v.at.Sub(rd.wasAt)
	due := x.Flaps/2 >= rd.was.Flaps || since >= flapAgain || since < 0
	if due && (x.Flaps != rd.was.Flaps || !x.same(rd.was)) {
		v.write(rd, x, false)
		return
	}
	v.judged = append(v.judged, judged{key: rd.key, value: rd.was})
}
