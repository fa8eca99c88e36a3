package clustertest

import (
	"context"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/raftlog"
)

// happen has an event happen, and returns what ends it.
func (w *World) happen(e event) (over func()) {
	w.log.add("- %s", e)
	switch e.do {
	case cutWay, lossy, late, isolate:
		return w.onTheWay(e)
	case stall, slow, broken:
		return w.onDisk(e)
	case power, kill, wipe, replace, image, stop:
		return w.toProcess(e)
	case copyDisk:
		c := w.disks[e.who].image()
		w.images[e.who] = &c
	case clock:
		w.mu.Lock()
		w.wallOff[e.who] += seconds(e.amount)
		w.mu.Unlock()
	case takeover:
		w.loose.Go(func() {
			if w.takeOver(e.who, "the schedule says so") != nil {
				w.oracle.refusal()
			}
		})
	case transfer:
		w.transfer(e.who)
	}
	return func() {}
}

func (w *World) onTheWay(e event) (over func()) {
	change := func(f func(*way)) { w.net.change(e.who, e.to, e.by, f) }
	switch e.do {
	case lossy:
		change(func(x *way) { x.loss += e.amount })
		return func() { change(func(x *way) { x.loss -= e.amount }) }
	case late:
		change(func(x *way) { x.delay += seconds(e.amount) })
		return func() { change(func(x *way) { x.delay -= seconds(e.amount) }) }
	}
	add := func(n int) {
		change(func(x *way) { x.cuts += n })
		if e.do == isolate {
			w.mu.Lock()
			w.away[e.who] += n
			w.mu.Unlock()
		}
	}
	add(1)
	return func() { add(-1) }
}

func (w *World) onDisk(e event) (over func()) {
	change := func(sign int) {
		w.disks[e.who].change(func(d *disk) {
			switch e.do {
			case stall:
				d.stalls += sign
			case slow:
				d.delay += time.Duration(sign) * seconds(e.amount)
			case broken:
				d.failing += sign
			}
		})
	}
	change(1)
	return func() { change(-1) }
}

func (w *World) toProcess(e event) (over func()) {
	if e.do == stop {
		p := w.running(e.who)
		if p == nil {
			return func() {}
		}
		p.halt()
		return p.resume
	}
	w.crash(e.who, e.do == power)
	d := w.disks[e.who]
	if e.do == wipe || e.do == replace || e.do == image {
		w.oracle.forgets(e.who)
	}
	switch e.do {
	case wipe:
		d.restore(control{raftlog.NewDisk(), nil})
	case replace:
		if e.who != witness {
			w.oracle.lost(d.journal)
		}
		d.renew(journal.ID{byte(0xa + e.who), byte(w.count())}, journal.Incarnation(w.count()))
	case image:
		if c := w.images[e.who]; c != nil {
			d.restore(*c)
		}
	}
	return func() { w.recover(e.who) }
}

// transfer is a person's order to hand authority over.
func (w *World) transfer(who int) {
	p := w.running(who)
	if p == nil || p.stopped() {
		return
	}
	w.loose.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = p.node.Transfer(ctx, w.ids[1-who])
	})
}
