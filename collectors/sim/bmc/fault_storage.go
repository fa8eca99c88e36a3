package bmc

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// backplane is how the log names the bay of a drive.
func (b *BMC) backplane(d *drive) string {
	return fmt.Sprintf("Disk %d in Backplane 1 of %s", d.bay, d.controller)
}

func (b *BMC) storageEvent(now time.Time, severity, code, format string, args ...any) {
	b.state.lc.add(now, severity, code, "Storage", fmt.Sprintf(format, args...))
}

// some returns the drive that a fault is about: the third by default, a member of the striped mirrors where there are any.
func (b *BMC) some(arg string) (*drive, string, error) {
	drives := b.state.drives
	unset := drives[min(2, len(drives)-1)].bay
	bay, rest, err := two(arg, unset)
	if err != nil {
		return nil, "", err
	}
	d := b.state.drive(bay)
	if d == nil {
		var bays []string
		for i := range drives {
			bays = append(bays, fmt.Sprint(drives[i].bay))
		}
		return nil, "", fmt.Errorf("no drive in bay %d: use %s", bay, strings.Join(bays, ", "))
	}
	return d, rest, nil
}

// only is the drive of a fault that takes a bay and nothing else.
func (b *BMC) only(arg string) (*drive, error) {
	d, rest, err := b.some(arg)
	if err == nil && rest != "" {
		return nil, fmt.Errorf("%q: write a bay alone", arg)
	}
	return d, err
}

const rebuildTime = 4 * time.Hour

func driveFailed(b *BMC, arg string, now time.Time) error {
	d, err := b.only(arg)
	if err != nil {
		return err
	}
	d.failed = true
	b.storageEvent(now, healthCritical, "PDR1001", "Fault detected on drive %s.", b.backplane(d))
	b.spare(d, now)
	return nil
}

// spare lets a hot spare of the same sort take the place of a drive that is lost.
func (b *BMC) spare(lost *drive, now time.Time) {
	s := &b.state
	at := slices.IndexFunc(s.drives, func(d drive) bool { return d.id == lost.id })
	by := slices.IndexFunc(s.drives, func(d drive) bool {
		return d.spare != "None" && d.controller == lost.controller && d.media == lost.media && d.bytes >= lost.bytes && d.serves(now)
	})
	for i := range s.volumes {
		v := &s.volumes[i]
		if by < 0 || !slices.Contains(v.drives, at) || v.level == "" {
			continue
		}
		v.took[at] = by
		s.drives[by].spare, s.drives[by].rebuild = "None", progress{now, rebuildTime}
		b.storageEvent(now, healthOK, "PDR42", "Rebuild of %s has started.", b.backplane(&s.drives[by]))
	}
}

// release gives the place of a drive that is whole again back to it.
func (b *BMC) release() {
	s := &b.state
	_, removed := s.on["spare-removed"]
	for i := range s.volumes {
		for at, by := range s.volumes[i].took {
			if s.drives[at].failed || s.drives[at].pulled {
				continue
			}
			delete(s.volumes[i].took, at)
			s.drives[by].rebuild = progress{}
			if !removed {
				s.drives[by].spare = "Global"
			}
		}
	}
}

func (b *BMC) each(f func(*drive)) {
	for i := range b.state.drives {
		f(&b.state.drives[i])
	}
}

func driveMended(b *BMC, _ time.Time) {
	b.each(func(d *drive) { d.failed = false })
	b.release()
}

func drivePredicted(b *BMC, arg string, now time.Time) error {
	d, err := b.only(arg)
	if err == nil {
		d.predicted = true
		b.storageEvent(now, healthWarning, "PDR16", "Predictive failure reported for drive %s.", b.backplane(d))
	}
	return err
}

func driveHealthy(b *BMC, _ time.Time) { b.each(func(d *drive) { d.predicted = false }) }

func drivePulled(b *BMC, arg string, now time.Time) error {
	d, err := b.only(arg)
	if err == nil {
		d.pulled = true
		b.storageEvent(now, healthCritical, "PDR5", "%s is removed.", b.backplane(d))
		b.spare(d, now)
	}
	return err
}

func driveBack(b *BMC, now time.Time) {
	b.each(func(d *drive) {
		if d.pulled {
			d.pulled = false
			b.storageEvent(now, healthOK, "PDR8", "%s is inserted.", b.backplane(d))
		}
	})
	b.release()
}

func driveReplaced(b *BMC, arg string, now time.Time) error {
	d, rest, err := b.some(arg)
	if err != nil {
		return err
	}
	lasts, err := duration(rest, rebuildTime)
	if err != nil {
		return err
	}
	d.failed, d.predicted, d.pulled, d.foreign = false, false, false, false
	for _, name := range []string{"drive-failed", "drive-predicted", "drive-pulled", "drive-foreign"} {
		if !slices.ContainsFunc(b.state.drives, func(o drive) bool {
			return name == "drive-failed" && o.failed || name == "drive-predicted" && o.predicted || name == "drive-pulled" && o.pulled || name == "drive-foreign" && o.foreign
		}) {
			delete(b.state.on, name)
		}
	}
	d.replaced++
	d.errors, d.errorsHourly = 0, 0
	b.storageEvent(now, healthOK, "PDR8", "%s is inserted.", b.backplane(d))
	b.release()
	if vs := b.state.volumesOf(d); len(vs) > 0 && vs[0].level != "" {
		d.rebuild = progress{now, lasts}
		b.storageEvent(now, healthOK, "PDR42", "Rebuild of %s has started.", b.backplane(d))
	}
	return nil
}

func driveForeign(b *BMC, arg string, now time.Time) error {
	d, err := b.only(arg)
	if err == nil {
		d.foreign = true
		b.storageEvent(now, healthWarning, "CTL39", "A foreign configuration was detected on %s.", d.controller)
	}
	return err
}

func driveOurs(b *BMC, _ time.Time) { b.each(func(d *drive) { d.foreign = false }) }

func rebuildDrive(b *BMC, arg string, now time.Time) error {
	d, rest, err := b.some(arg)
	if err != nil {
		return err
	}
	lasts, err := duration(rest, rebuildTime)
	if err == nil {
		d.rebuild = progress{now, lasts}
		b.storageEvent(now, healthOK, "PDR42", "Rebuild of %s has started.", b.backplane(d))
	}
	return err
}

func rebuildDone(b *BMC, _ time.Time) { b.each(func(d *drive) { d.rebuild = progress{} }) }

func mediaErrors(b *BMC, arg string, now time.Time) error {
	d, rest, err := b.some(arg)
	if err != nil {
		return err
	}
	hourly, err := number(rest, 12, 1, 1_000_000)
	if err == nil {
		d.errors, d.errorsSince, d.errorsHourly = d.errors+1, now, float64(hourly)
	}
	return err
}

// mediaQuiet stops the counting. A counter never goes back.
func mediaQuiet(b *BMC, now time.Time) {
	m := b.moment()
	b.each(func(d *drive) { d.errors, d.errorsHourly = uint64(d.mediaErrors(m)), 0 })
}

func spareRemoved(b *BMC, _ time.Time) error {
	b.each(func(d *drive) { d.spare = "None" })
	return nil
}

func spareBack(b *BMC, _ time.Time) {
	fresh := b.model.parts()
	took := map[int]bool{}
	for i := range b.state.volumes {
		for _, by := range b.state.volumes[i].took {
			took[by] = true
		}
	}
	for i := range b.state.drives {
		if !took[i] {
			b.state.drives[i].spare = fresh.drives[i].spare
		}
	}
}

func firmwareMixed(b *BMC, arg string, _ time.Time) error {
	d, err := b.only(arg)
	if err == nil {
		d.revision = "OLD1"
	}
	return err
}

func firmwareLike(b *BMC, _ time.Time) {
	fresh := b.model.parts()
	for i := range b.state.drives {
		b.state.drives[i].revision = fresh.drives[i].revision
	}
}

func batteryIs(word string) func(*BMC, time.Time) error {
	return func(b *BMC, now time.Time) error {
		for _, other := range []string{"battery-dead", "battery-learning", "battery-missing"} {
			delete(b.state.on, other) // there is one battery
		}
		for i := range b.state.controllers {
			if c := &b.state.controllers[i]; c.sort == perc {
				c.battery = word
			}
		}
		switch word {
		case "Failed":
			b.storageEvent(now, healthCritical, "BAT1000", "Battery on Integrated RAID Controller 1 has failed.")
		case "":
			b.storageEvent(now, healthCritical, "BAT1001", "Battery on Integrated RAID Controller 1 is missing.")
		default:
			b.storageEvent(now, healthOK, "BAT1002", "The battery on Integrated RAID Controller 1 has started its learn cycle.")
		}
		return nil
	}
}

func batteryReady(b *BMC, _ time.Time) {
	for i := range b.state.controllers {
		if c := &b.state.controllers[i]; c.sort == perc {
			c.battery = battery
		}
	}
}

// volumeOf is the volume of a number, and what follows it in the argument.
func (b *BMC) volumeOf(arg string) (*volume, string, error) {
	n, rest, err := two(arg, 0)
	if err != nil {
		return nil, "", err
	}
	if n >= len(b.state.volumes) {
		return nil, "", fmt.Errorf("no volume %d: use 0 to %d", n, len(b.state.volumes)-1)
	}
	return &b.state.volumes[n], rest, nil
}

func policyChanged(b *BMC, arg string, now time.Time) error {
	v, policy, err := b.volumeOf(arg)
	if err != nil {
		return err
	}
	if policy == "" {
		policy = "WriteBackForce"
	}
	if !slices.Contains([]string{"WriteBackForce", "WriteBack", "WriteThrough"}, policy) {
		return fmt.Errorf("%q: write WriteBackForce, WriteBack or WriteThrough", policy)
	}
	v.write = policy
	b.storageEvent(now, healthOK, "VDR47", "The write policy of %s has changed.", v.name)
	return nil
}

func policyBack(b *BMC, _ time.Time) {
	fresh := b.model.parts()
	for i := range b.state.volumes {
		b.state.volumes[i].write = fresh.volumes[i].write
	}
}

func diskCacheOn(b *BMC, arg string, now time.Time) error {
	v, policy, err := b.volumeOf(arg)
	if err != nil {
		return err
	}
	if policy == "" {
		policy = "Enabled"
	}
	if !slices.Contains([]string{"Enabled", "Default", "Unknown"}, policy) {
		return fmt.Errorf("%q: write Enabled, Default or Unknown", policy)
	}
	v.disk = policy
	b.storageEvent(now, healthOK, "VDR48", "The disk cache policy of %s has changed.", v.name)
	return nil
}

func diskCacheOff(b *BMC, _ time.Time) {
	fresh := b.model.parts()
	for i := range b.state.volumes {
		b.state.volumes[i].disk = fresh.volumes[i].disk
	}
}

func patrolOff(b *BMC, _ time.Time) error {
	b.state.patrol = false
	return nil
}

func patrolOn(b *BMC, _ time.Time) { b.state.patrol = true }
