package raid_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// outline writes a tree as lines, a part a line.
func outline(all []raid.Controller) []string {
	var out []string
	list := func(what string, parts []hw.Component) {
		for _, p := range parts {
			out = append(out, what+p.Path)
		}
	}
	for _, c := range all {
		out = append(out, c.ID)
		list("  ", c.Batteries)
		for _, v := range c.Volumes {
			out = append(out, "  "+v.Part.Path)
			list("    ", v.Drives)
			list("    spare ", v.Spares)
		}
		list("  spare ", c.Spares)
		list("  unassigned ", c.Unassigned)
		list("  ", c.Enclosures)
	}
	return out
}

func TestArrange(t *testing.T) {
	t.Parallel()
	const id = "RAID.Integrated.1-1"
	s := sound().
		set(bay(10), "controller", id, "spare", "dedicated", "spare_for", "Disk.Virtual.1:"+id).
		set(bay(11), "controller", id, "volumes", "Disk.Virtual.9:"+id).
		set(bay(5), "volumes", raid.List("Disk.Virtual.0:"+id, "Disk.Virtual.1:"+id)).
		set("drive/loose", "state", "online")
	want := []string{
		"CPU.1", "  unassigned " + flash,
		id, "  " + cell,
		"  " + mirror, "    " + bay(0), "    " + bay(1), "    " + bay(5),
		"  " + striped, "    " + bay(2), "    " + bay(3), "    " + bay(4), "    " + bay(5), "    spare " + bay(10),
		"  spare " + spare, "  unassigned " + bay(11), "  " + shelf,
		"", "  unassigned drive/loose",
	}
	got := raid.Arrange(s)
	if d := cmp.Diff(want, outline(got)); d != "" {
		t.Error(d)
	}
	if got[1].Part == nil || got[1].Part.Attrs.Get("model") != "PERC H740P Mini" || got[2].Part != nil {
		t.Error("a controller without its part, or one that was not read")
	}
}

func TestArrangeJoinsSections(t *testing.T) {
	t.Parallel()
	other := hw.Component{Path: mirror, Section: "snmp", Health: hw.Critical, State: hw.Attrs{{Key: "bad_blocks", Value: "yes"}, {Key: "extra", Value: "1"}}}
	got := raid.Arrange(append(sound(), other))
	v := got[1].Volumes[0].Part
	if len(got[1].Volumes) != 2 || v.Health != hw.Critical || v.State.Get("bad_blocks") != "no" || v.State.Get("extra") != "1" {
		t.Errorf("got %+v", v)
	}
}

// A part of another vendor may have spaces in its id.
func TestIDsWithSpaces(t *testing.T) {
	t.Parallel()
	s := server{}.set("controller/Smart Array", "mode", "raid").set("volume/Vol 1", "controller", "Smart Array", "level", "raid1").
		set("drive/Bay 1", "controller", "Smart  Array", "volumes", raid.List("Vol 1", ""))
	want := []string{"Smart+Array", "  volume/Vol 1", "    drive/Bay 1"}
	if d := cmp.Diff(want, outline(raid.Arrange(s))); d != "" {
		t.Error(d)
	}
}

func TestListIsBounded(t *testing.T) {
	t.Parallel()
	var ids []string
	for range 100 {
		ids = append(ids, "Disk.Virtual.239:RAID.Integrated.1-1")
	}
	got := raid.List(ids...)
	if len(got) > 1024 || len(raid.Split(got)) < 27 {
		t.Errorf("%d ids in %d bytes", len(raid.Split(got)), len(got))
	}
}
