package link

import (
	"context"
	"fmt"
	"net"
	"time"
)

const (
	reminder = time.Minute     // announced anew so often, for a neighbour that missed all
	defence  = 2 * time.Second // a claim of another is answered no more often
)

// holding is an address that is on an interface.
type holding struct {
	*Address
	link     Link
	socket   *socket
	ears     *ears
	givesWay bool
	renewed  time.Time // when the kernel was last told to keep it

	announce *time.Timer
	step     int
	rival    time.Time // when another machine last claimed the address
	defended time.Time
}

// announceAt returns when an address is announced, counted from when it was taken or its link came back: three times
// because frames are lost, and once more when the kernel of a box that died has let go of it and answers nobody any more.
func announceAt() []time.Duration {
	return []time.Duration{0, 500 * time.Millisecond, 2 * time.Second, lifetime + 2*time.Second}
}

// keep keeps the address on its link until ctx ends, the link is no longer the right one, or another claims the address
// that this box has no authority to defend.
func (h *holding) keep(ctx context.Context, changed <-chan struct{}) error {
	h.setStatus(true, h.link.Name, h.outside())
	h.cfg.Logger.Info("took the virtual address", "address", h.cfg.Address, "interface", h.link.Name)
	defer h.cfg.Logger.Info("let go of the virtual address", "address", h.cfg.Address, "interface", h.link.Name)
	h.announce = time.NewTimer(0)
	defer h.announce.Stop()
	renew := time.NewTicker(renewal)
	defer renew.Stop()
	var due func() (goOn bool, err error)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			changed = h.cfg.Monitor.Watch()
			due = h.review
		case <-renew.C:
			due = h.renew
		case <-h.announce.C:
			due = h.tell
		case mac, ok := <-h.ears.claimed:
			if !ok {
				return h.ears.err
			}
			due = func() (bool, error) { return h.contest(mac) }
		}
		// A box that stood still for so long lost the address, and may have lost the authority too.
		if time.Since(h.renewed) >= lifetime {
			return nil
		}
		if goOn, err := due(); err != nil || !goOn {
			return err
		}
	}
}

// renew makes the kernel keep the address. A box that lost its authority meanwhile begins anew, by asking.
func (h *holding) renew() (goOn bool, err error) {
	if h.cfg.GiveWay() && !h.givesWay {
		return false, nil
	}
	h.givesWay = h.cfg.GiveWay()
	return true, h.place(h.link)
}

// place puts the address on the link, for another lifetime.
func (h *holding) place(l Link) error {
	h.renewed = time.Now()
	return h.put(l)
}

// review looks at the links after a change, and puts the address back where it is missing.
func (h *holding) review() (goOn bool, err error) {
	if _, known := h.cfg.Monitor.Links(); !known {
		return true, nil
	}
	now, err := h.on(h.link.Index)
	if err != nil || now.Index != h.link.Index || now.MAC.String() != h.socket.mac.String() {
		return false, err
	}
	before := h.link
	h.link = now
	if h.givesWay && !now.Carrier {
		return false, fmt.Errorf("the link of %s is down, so nobody can be asked whether it is free", now.Name)
	}
	missing := !now.Carries(h.cfg.Address)
	if missing {
		if err := h.place(now); err != nil {
			return false, err
		}
		h.cfg.Logger.Info("put back the virtual address", "address", h.cfg.Address, "interface", now.Name)
	}
	if missing || now.Carrier && !before.Carrier {
		h.step = 0
		h.announce.Reset(0)
	}
	if now.Name != before.Name {
		h.setStatus(true, now.Name, h.outside())
	}
	return true, nil
}

// tell announces the address and plans the next time.
func (h *holding) tell() (goOn bool, err error) {
	problem := h.outside()
	if err := h.socket.send(announcements(h.socket.mac, h.cfg.Address)...); err != nil {
		problem = err.Error()
	}
	h.step++
	wait := reminder
	if at := announceAt(); h.step < len(at) {
		wait = at[h.step] - at[h.step-1]
	}
	h.announce.Reset(wait)
	if problem != "" || time.Since(h.rival) >= reminder {
		h.setStatus(true, h.link.Name, problem)
	}
	return true, nil
}

// outside says when the address is of no network of its interface: then nobody looks for it there.
func (h *holding) outside() string {
	for _, p := range h.link.Addresses {
		if p.Addr() != h.cfg.Address && p.Contains(h.cfg.Address) {
			return ""
		}
	}
	return fmt.Sprintf("it is in no network of %s, so nobody looks for it there", h.link.Name)
}

// contest answers a claim of another machine: it fails where this box has to give way, and announces the address where
// this box is the one to hold it.
func (h *holding) contest(mac net.HardwareAddr) (goOn bool, err error) {
	if h.cfg.GiveWay() {
		return false, fmt.Errorf("%w: %s claimed it on %s", errGaveWay, mac, h.link.Name)
	}
	h.rival = time.Now()
	h.setStatus(true, h.link.Name, fmt.Sprintf("%s on %s claims it too: no other machine may have it", mac, h.link.Name))
	if time.Since(h.defended) < defence {
		return true, nil
	}
	h.defended = time.Now()
	return true, h.socket.send(announcements(h.socket.mac, h.cfg.Address)...)
}
