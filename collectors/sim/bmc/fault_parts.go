package bmc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (b *BMC) event(now time.Time, severity, code, category, message string) {
	b.state.lc.add(now, severity, code, category, message)
	b.state.sel.add(now, severity, code, category, message)
}

func supplyOut(b *BMC, arg string, now time.Time) error {
	n, err := number(arg, 2, 1, len(b.state.supplies))
	if err == nil {
		b.state.supplies[n-1].out = true
		b.event(now, healthCritical, "PSU0003", "System Health", fmt.Sprintf("The power input for power supply %d is lost.", n))
	}
	return err
}

func supplyBack(b *BMC, now time.Time) {
	for i := range b.state.supplies {
		if b.state.supplies[i].out {
			b.state.supplies[i].out = false
			b.event(now, healthOK, "PSU0017", "System Health", fmt.Sprintf("Power supply %d is operating normally.", i+1))
		}
	}
}

func fanFailed(b *BMC, arg string, now time.Time) error {
	n, err := number(arg, 1, 1, len(b.state.fans))
	if err == nil {
		b.state.fans[n-1].failed = true
		b.event(now, healthCritical, "FAN0001", "System Health", fmt.Sprintf("Fan %d RPM is less than the lower critical threshold.", n))
	}
	return err
}

func fanTurns(b *BMC, now time.Time) {
	for i := range b.state.fans {
		if b.state.fans[i].failed {
			b.state.fans[i].failed = false
			b.event(now, healthOK, "FAN0002", "System Health", fmt.Sprintf("Fan %d RPM is within range.", i+1))
		}
	}
}

func inletHot(b *BMC, arg string, now time.Time) error {
	n, err := number(arg, 45, 1, 90)
	if err == nil {
		b.state.hot = float64(n)
		b.event(now, healthCritical, "TMP0121", "System Health", "The system inlet temperature is greater than the upper critical threshold.")
	}
	return err
}

func inletCool(b *BMC, _ time.Time) { b.state.hot = 0 }

func linkDown(b *BMC, arg string, _ time.Time) error {
	a := &b.state.adapters[0]
	n, err := number(arg, 1, 1, len(a.ports))
	if err == nil {
		a.ports[n-1] = false
	}
	return err
}

func linkUp(b *BMC, _ time.Time) {
	fresh := b.model.parts()
	for i := range b.state.adapters {
		copy(b.state.adapters[i].ports, fresh.adapters[i].ports)
	}
}

// sessionsFull takes all places that are free, for others who never log off.
func sessionsFull(b *BMC, now time.Time) error {
	for i := 0; ; i++ {
		if _, full := b.open("operator", fmt.Sprintf("192.0.2.%d", 20+i), "WebUI", true, now); full {
			return nil
		}
	}
}

func sessionsFree(b *BMC, now time.Time) {
	a := &b.access
	kept := a.sessions[:0]
	for _, s := range a.sessions {
		if !s.foreign {
			kept = append(kept, s)
		}
	}
	a.sessions = kept
	a.expire(now)
}

func sessionsLost(b *BMC, _ time.Time) error {
	b.access.sessions = nil
	return nil
}

func floodLog(b *BMC, arg string, now time.Time) error {
	if b.recorded != nil && b.recorded.log == "" {
		return errors.New("the recording has no log to fill")
	}
	n, err := number(arg, 500_000, 1, 500_000)
	if err == nil {
		b.state.lc.flood(now, n)
	}
	return err
}

// unflood leaves the log as it is: what was logged stays.
func unflood(*BMC, time.Time) {}

func certificateChanged(b *BMC, _ time.Time) error {
	return b.exchange(b.state.talk.certificate + 1)
}

func certificateBack(b *BMC, _ time.Time) {
	_ = b.exchange(0) // it was made once before
}

// exchange shows certificate n from the next connection on, and ends those there are.
func (b *BMC) exchange(n int) error {
	c, err := certificate(b.secret("certificate "+strconv.Itoa(n)), b.opt.Name)
	if err != nil {
		return err
	}
	b.cert, b.state.talk.certificate = c, n
	b.closeAll()
	return nil
}

func racreset(b *BMC, arg string, _ time.Time) error {
	first, rest, _ := strings.Cut(arg, " ")
	lasts, err := duration(first, 2*time.Minute)
	if err != nil {
		return err
	}
	requests, err := number(strings.TrimSpace(rest), 1, 1, 10_000)
	if err == nil {
		b.state.reset = resetting{requests: requests, armed: true, lasts: lasts}
	}
	return err
}

func lockdown(b *BMC, _ time.Time) error {
	b.state.lockdown = true
	return nil
}

func unlock(b *BMC, _ time.Time) { b.state.lockdown = false }

func firmwareUpdate(b *BMC, arg string, now time.Time) error {
	lasts, err := duration(arg, 10*time.Minute)
	if err == nil {
		id := b.state.enqueue("Firmware Update: BIOS", "FirmwareUpdate", now, lasts)
		b.state.lc.add(now, healthOK, "SUP0516", "Updates", "Updating firmware for BIOS, job "+id+".")
	}
	return err
}

func otherUnit(b *BMC, _ time.Time) error { return b.swap(true) }

// swap puts another server in the place: it has serials and a certificate of its own and knows no session.
func (b *BMC) swap(other bool) error {
	b.state.other = other
	b.access.sessions = nil
	c, err := certificate(b.secret("certificate of the other unit"), b.opt.Name)
	if err != nil {
		return err
	}
	b.cert = c
	b.closeAll()
	return nil
}

func firstUnit(b *BMC, _ time.Time) {
	_ = b.swap(false)
	_ = b.exchange(b.state.talk.certificate)
}
