package cisco_test

import (
	"fmt"
	"testing"

	"rackpost/hw"
)

const (
	partitions  = "1.3.6.1.4.1.9.9.10.1.1.4.1.1"
	flashDevice = "1.3.6.1.4.1.9.9.10.1.1.2.1.7"
)

// partition writes a row with the 32-bit columns.
func partition(index, name string, size, free uint64) script {
	return script{
		fmt.Sprintf("%s.10.%s|4|%s", partitions, index, name),
		fmt.Sprintf("%s.4.%s|66|%d", partitions, index, size), fmt.Sprintf("%s.5.%s|66|%d", partitions, index, free),
	}
}

func TestFlashOfAStack(t *testing.T) {
	t.Parallel()
	r := visiting(t, catalyst, join(
		partition("1.1", "flash", 57_931_776, 18_407_424), partition("2.1", "flash-2", 57_931_776, 0), partition("10.1", "usbflash0:", 0, 0),
		script{"1.3.6.1.4.1.9.9.10.1.1.4.2.1.1.5.1.1.1|4|flash:config.text"},
	).device(t, iosHead)).all()
	r.complete(t)
	for path, want := range map[string][2]float64{"flash/flash": {57_931_776, 18_407_424}, "flash/flash-2": {57_931_776, 0}, "flash/usbflash0:": {0, 0}} {
		if c := r.part(t, path); c.Health != hw.OK {
			t.Errorf("%+v", c)
		}
		if size, free := r.gauge(t, path, "size_bytes"), r.gauge(t, path, "free_bytes"); size != want[0] || free != want[1] {
			t.Errorf("%s: %v of %v", path, free, size)
		}
	}
}

// The 32-bit columns end at 4 GB: there they are no value.
func TestQuirkFlashAbove4GB(t *testing.T) {
	t.Parallel()
	old := partition("1.1", "bootflash", 4_294_967_295, 4_294_967_295)
	r := visiting(t, catalyst, old.device(t, iosHead)).all()
	for _, sensor := range []string{"size_bytes", "free_bytes"} {
		if s := r.samples["flash/bootflash "+sensor]; s.Absent != hw.OutOfRange {
			t.Errorf("%s at the top of 32 bits: %+v", sensor, s)
		}
	}
	if c := r.part(t, "flash/bootflash"); c.Health != hw.Unknown {
		t.Errorf("%+v", c)
	}
	wide := join(old, script{partitions + ".13.1.1|70|11353194496", partitions + ".14.1.1|70|7905910784"})
	r = visiting(t, catalyst, wide.device(t, iosHead)).all()
	if size, free := r.gauge(t, "flash/bootflash", "size_bytes"), r.gauge(t, "flash/bootflash", "free_bytes"); size != 11353194496 || free != 7905910784 {
		t.Errorf("%v of %v", free, size)
	}
}

// Partitions of one name, or of none, are told apart by their device, then by their index.
func TestQuirkFlashNames(t *testing.T) {
	t.Parallel()
	device := join(
		partition("1.1", "1", 100, 10), partition("2.1", "1", 200, 20), partition("3.1", "", 300, 30),
		partition("4.1", "/x//y/", 400, 40), partition("5.1", "1", 500, 50),
		script{flashDevice + ".1|4|flash", flashDevice + ".2|4|slot0", flashDevice + ".3|4|disk0"},
	)
	v := visiting(t, catalyst, device.device(t, iosHead))
	r := v.all()
	r.complete(t)
	for path, size := range map[string]float64{"flash/flash/1": 100, "flash/slot0/1": 200, "flash/disk0": 300, "flash/x/y": 400, "flash/1#5.1": 500} {
		if got := r.gauge(t, path, "size_bytes"); got != size {
			t.Errorf("%s: %v, want %v", path, got, size)
		}
	}
	v.fault("generr", flashDevice)
	r = v.all()
	if r.extent(t, "flash") != hw.Partial {
		t.Errorf("the names of the devices were not read: %v", r.extent(t, "flash"))
	}
	for path, c := range r.parts {
		if c.Section == "flash" {
			t.Errorf("%s: named by what was not read", path)
		}
	}
}

func TestFlashDamaged(t *testing.T) {
	t.Parallel()
	number := join(partition("1.1", "flash1", 100, 1), script{partitions + ".10.2.1|2|7", partitions + ".4.2.1|66|9"})
	if r := visiting(t, catalyst, number.device(t, iosHead)).all(); r.extent(t, "flash") != hw.Partial || r.parts["flash/flash1"].Health != hw.OK {
		t.Errorf("a name that is no text: %v %v", r.extent(t, "flash"), r.parts)
	}
	v := visiting(t, catalyst, join(partition("1.1", "flash1", 100, 101), partition("2.1", "flash2", 100, 7)).device(t, iosHead))
	r := v.all()
	if s := r.samples["flash/flash1 free_bytes"]; s.Absent != hw.Inconsistent {
		t.Errorf("more free than there is: %+v", s)
	}
	if got := r.gauge(t, "flash/flash2", "free_bytes"); got != 7 {
		t.Errorf("%v", got)
	}
	v.fault("generr", partitions+".10")
	r = v.all()
	if _, there := r.parts["flash/flash2"]; there || r.extent(t, "flash") != hw.Partial {
		t.Errorf("a name that was not read: %v", r.extent(t, "flash"))
	}
	v.fault("clear", "generr")
	v.fault("generr", partitions+".5")
	if s := v.all().samples["flash/flash2 free_bytes"]; s.Absent != hw.DeviceError {
		t.Errorf("%+v", s)
	}
}

func TestRecordedFlash(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560"} {
		lines := raw(t, name)
		w := parse(t, lines)
		r := visiting(t, catalyst, recorded(t, lines)).all()
		names := w.column(partitions + ".10")
		if len(names) == 0 {
			t.Errorf("%s has no partition", name)
		}
		for index, label := range names {
			size, free := r.gauge(t, "flash/"+label, "size_bytes"), r.gauge(t, "flash/"+label, "free_bytes")
			if fmt.Sprintf("%.0f %.0f", size, free) != w[partitions+".4."+index]+" "+w[partitions+".5."+index] {
				t.Errorf("%s: %v of %v", label, free, size)
			}
		}
	}
}
