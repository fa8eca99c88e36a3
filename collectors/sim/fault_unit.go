package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// resetReason is why the unit started.
type resetReason uint8

const (
	powerOn resetReason = iota
	reload
	upgraded
)

// why is OLD-CISCO-SYS-MIB's whyReload.
func (r resetReason) why() string {
	if r == powerOn {
		return "power-on"
	}
	return "reload"
}

// module is cefcModuleResetReason: powerUp(2), manualReset(5), upgradeReset(13).
func (r resetReason) module() int64 { return []int64{2, 5, 13}[r] }

// What the failover rows of the units say while roles change.
const (
	rowsAbsent = "absent"
	rowsEmpty  = "empty"
	rowsBusy   = "busy"
)

func failoverInProgress(d *Device, arg string, _ time.Duration) error {
	if arg == "" {
		arg = rowsAbsent
	}
	if sorts := []string{rowsAbsent, rowsEmpty, rowsBusy}; !slices.Contains(sorts, arg) {
		return fmt.Errorf("%q: write %s", arg, strings.Join(sorts, ", "))
	}
	d.state.pairing = arg
	return nil
}

func supplyFailed(d *Device, arg string, _ time.Duration) error {
	first := d.model.supplies
	n, err := number(arg, first, first, first+max(d.state.members, d.model.units)-1)
	if err == nil {
		d.state.supply = n
	}
	return err
}

func overload(d *Device, arg string, _ time.Duration) error {
	n, err := number(arg, 1, 1, d.state.members)
	if err == nil {
		d.state.overload = n
	}
	return err
}

func memberLost(d *Device, arg string, up time.Duration) error {
	s := &d.state
	if s.members < 2 {
		return errors.New("a stack of one has no member to lose: make it of two")
	}
	n, err := number(arg, s.members, 1, s.members)
	if err != nil {
		return err
	}
	s.lost = n
	s.ifChanged, s.entChanged = up, up
	d.settle(up)
	return nil
}

func memberBack(d *Device, up time.Duration) {
	s := &d.state
	back := s.lost
	s.lost = 0
	for _, p := range d.model.ports(s) {
		if p.member == back && p.live(s) {
			s.resume(p.index, up, true)
		}
	}
	s.ifChanged, s.entChanged = up, up
	s.rethink(up)
	d.settle(up)
}

func ringBroken(d *Device, arg string, up time.Duration) error {
	s := &d.state
	if s.members < 2 {
		return errors.New("a stack of one has no ring to break: make it of two")
	}
	n, err := number(arg, 1, 1, s.members)
	if err != nil {
		return err
	}
	s.ring = n
	d.settle(up)
	return nil
}

func ringWhole(d *Device, up time.Duration) {
	d.state.ring = 0
	d.settle(up)
}

func topologyChange(d *Device, _ string, up time.Duration) error {
	d.state.rethink(up)
	return nil
}

const tunnelDown = "tunnel-down"

func tunnelLost(d *Device, arg string, _ time.Duration) error {
	n, err := number(arg, 1, 1, asaPeers)
	if err == nil {
		t := d.state.tunnel(n)
		t.down = true
		d.state.tunnels[n] = t
	}
	return err
}

// tunnelsBack sets the tunnels up anew that were down.
func tunnelsBack(d *Device, up time.Duration) {
	for n, t := range d.state.tunnels {
		if t.down {
			d.state.tunnels[n] = tunnel{since: up, keys: t.keys + 1}
		}
	}
}

func tunnelRekey(d *Device, arg string, up time.Duration) error {
	n, err := number(arg, 1, 1, asaPeers)
	if err != nil {
		return err
	}
	t := d.state.tunnel(n)
	if t.down {
		return fmt.Errorf("the tunnel to peer %d is down", n)
	}
	d.state.tunnels[n] = tunnel{since: up, keys: t.keys + 1}
	return nil
}

// maxUser is the longest name that ccmHistoryEventTerminalUser holds.
const maxUser = 64

func configChanged(d *Device, arg string, up time.Duration) error {
	if arg == "" {
		arg = "operator"
	}
	if len(arg) > maxUser {
		return fmt.Errorf("the user's name is of %d characters: write up to %d", len(arg), maxUser)
	}
	d.state.record(edit{at: max(up, 1), user: arg})
	return nil
}

func configSaved(d *Device, arg string, up time.Duration) error {
	if err := configChanged(d, arg, up); err != nil {
		return err
	}
	d.state.edits[len(d.state.edits)-1].saves = true
	return nil
}

func failover(d *Device, _ string, _ time.Duration) error {
	d.swap(true)
	return nil
}

// swap lets the other unit of a pair answer: it has counters and an uptime of its own, and what was
// wrong with the links of the first one is not wrong with its own.
func (d *Device) swap(standby bool) {
	s := &d.state
	if s.standby == standby {
		return
	}
	for name := range s.hit {
		delete(s.on, name)
	}
	clear(s.hit)
	clear(s.lines)
	clear(s.late)
	clear(s.tunnels)
	delete(s.on, tunnelDown)
	s.wraps, s.shift = 0, 0
	s.standby = standby
	d.boot, d.peer.boot = d.peer.boot, d.boot
	d.boots, d.peer.boots = d.peer.boots, d.boots
	d.given, d.peer.given = d.peer.given, d.given
}

func reboot(d *Device, arg string, _ time.Duration) error {
	wait, err := duration(arg, 0)
	if err != nil {
		return err
	}
	d.restart(wait, reload)
	return nil
}

// maxVersion is the longest software version.
const maxVersion = 32

func upgrade(d *Device, arg string, _ time.Duration) error {
	if arg == "" {
		arg = next(d.state.version)
	}
	if len(arg) > maxVersion {
		return fmt.Errorf("a version of %d characters: write up to %d, as %s", len(arg), maxVersion, next(d.state.version))
	}
	d.state.version = arg
	d.restart(0, upgraded)
	return nil
}

// next is the version whose last number is greater by one.
func next(version string) string {
	end := strings.LastIndexAny(version, "0123456789") + 1
	from := end
	for from > 0 && version[from-1] >= '0' && version[from-1] <= '9' {
		from--
	}
	n, _ := strconv.ParseUint(version[from:end], 10, 32) // digits alone
	return version[:from] + strconv.FormatUint(n+1, 10) + version[end:]
}

func (d *Device) restart(wait time.Duration, why resetReason) {
	d.boot, d.given = d.clock().Add(wait), 0
	d.boots++
	d.state.restart(why)
	d.list(errDisabled)
}

func wrap(d *Device, arg string, up time.Duration) error {
	in, err := duration(arg, 30*time.Second)
	if err == nil {
		d.state.wraps = up + max(in, 1)
	}
	return err
}

// wrapUptime lets the unit have been up for so long that sysUpTime passes zero soon. The counters go on as they were.
func wrapUptime(d *Device, arg string, up time.Duration) error {
	const wraps = 1 << 32 * 10 * time.Millisecond
	in, err := duration(arg, 30*time.Second)
	if err != nil {
		return err
	}
	if clock := up + d.state.shift; clock < wraps {
		d.state.shift += wraps - in - clock
		return nil
	}
	return errors.New("sysUpTime of this unit has passed zero already: reboot it first")
}

func otherUnit(d *Device, _ string, _ time.Duration) error {
	d.exchange(true)
	return nil
}

// exchange puts another unit in the place, or the first one back.
func (d *Device) exchange(other bool) {
	if d.state.other == other {
		return
	}
	boots := d.boots
	d.restart(0, powerOn)
	d.state.other = other
	if other {
		d.replaced, d.boots = boots, 1
	} else {
		d.boots = d.replaced + 1
	}
}
