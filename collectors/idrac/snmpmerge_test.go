package idrac

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/raid"
)

func attrs(kv ...string) hw.Attrs {
	var a hw.Attrs
	for i := 0; i+1 < len(kv); i += 2 {
		a = a.With(kv[i], kv[i+1])
	}
	return a
}

// What Redfish of an iDRAC8 hides SNMP tells: policies, the level it leaves open, the battery.
func TestFillFromSNMP(t *testing.T) {
	t.Parallel()
	redfish := []hw.Component{
		{Path: "controller/R", Section: "raid", Health: hw.OK, Attrs: attrs("source", "redfish", "model", "PERC")},
		{Path: "volume/V", Section: "raid", State: attrs("state", "online"), Attrs: attrs("source", "redfish", "name", "data", "level", raid.Level5Or6)},
	}
	snmp := []hw.Component{
		{Path: "controller/R", Section: "raid", Health: hw.Warning, State: attrs("preserved_cache", "yes", "battery", "present"), Attrs: attrs("source", "snmp", "model", "another")},
		{Path: "volume/V", Section: "raid", Health: hw.OK, State: attrs("state", "degraded"), Attrs: attrs("source", "snmp", "name", "label", "level", raid.Level6, "write_policy", "write-back")},
		{Path: "volume/W", Section: "raid", Attrs: attrs("source", "snmp")},
		{Path: "battery/B:R", Section: "raid", Health: hw.OK, State: attrs("state", "ready"), Attrs: attrs("source", "snmp", "controller", "R")},
	}
	want := []hw.Component{
		{Path: "controller/R", Section: "raid", Health: hw.OK, State: attrs("battery", "present", "preserved_cache", "yes"), Attrs: attrs("source", "redfish", "model", "PERC", "from_snmp", "battery preserved_cache")},
		{Path: "volume/V", Section: "raid", Health: hw.OK, State: attrs("state", "online"), Attrs: attrs("source", "redfish", "name", "data", "level", raid.Level6, "write_policy", "write-back", "from_snmp", "health level write_policy")},
		snmp[3],
	}
	if d := cmp.Diff(want, fillFromSNMP(redfish, snmp)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(attrs("source", "redfish", "model", "PERC"), redfish[0].Attrs); d != "" {
		t.Errorf("the list that was given changed: %s", d)
	}
}

// Whatever the two say: nothing Redfish tells is lost or changed but a level it left open, and what is added is
// named.
func TestFillKeepsWhatWasTold(t *testing.T) {
	t.Parallel()
	part := func(rt *rapid.T, source, path string) hw.Component {
		c := hw.Component{Path: path, Section: "raid", Health: hw.Health(rapid.IntRange(0, 3).Draw(rt, "health")), Attrs: attrs("source", source)}
		for _, key := range []string{"state", "write_policy", "model", "level", "serial"} {
			value := rapid.SampledFrom([]string{"", "a", "b", raid.Level5Or6, raid.Level6}).Draw(rt, key)
			if rapid.Bool().Draw(rt, "moves") {
				c.State = c.State.With(key, value)
			} else {
				c.Attrs = c.Attrs.With(key, value)
			}
		}
		return c
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := part(rt, "redfish", "volume/V"), part(rt, "snmp", "volume/V")
		got := fillFromSNMP([]hw.Component{a}, []hw.Component{b})
		if len(got) != 1 {
			rt.Fatalf("%d parts", len(got))
		}
		c, added := got[0], raid.Split(got[0].Attrs.Get(raid.KeyFromSNMP))
		for _, x := range append(slices.Clone(a.State), a.Attrs...) {
			now := c.State.Get(x.Key) + c.Attrs.Get(x.Key)
			if now != x.Value && !(x.Key == "level" && x.Value == raid.Level5Or6 && now == raid.Level6 && slices.Contains(added, "level")) {
				rt.Fatalf("%s was %q and is %q", x.Key, x.Value, now)
			}
		}
		for _, x := range append(slices.Clone(c.State), c.Attrs...) {
			if x.Key != raid.KeyFromSNMP && a.State.Get(x.Key)+a.Attrs.Get(x.Key) != x.Value && !slices.Contains(added, x.Key) {
				rt.Fatalf("%s=%s is of SNMP and not said to be", x.Key, x.Value)
			}
		}
		if a.Health != hw.Unknown && c.Health != a.Health {
			rt.Fatalf("health was %v and is %v", a.Health, c.Health)
		}
	})
}

// A capture holds all that is read but the log, and no subtree twice.
func TestSNMPSubtrees(t *testing.T) {
	t.Parallel()
	list := snmpSubtrees()
	for _, s := range list {
		for _, o := range list {
			if s != o && strings.HasPrefix(s, o+".") {
				t.Errorf("%s stands in %s", s, o)
			}
		}
	}
	for _, table := range mibTables() {
		for i := range table.objects {
			oid := table.oid(&table.objects[i])
			held := slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(oid+".", s+".") })
			if held == (table == &eventLogTable) {
				t.Errorf("%s %s: held by a capture: %v", table.objects[i].name, oid, held)
			}
		}
	}
}

// SNMP tells what Redfish does not, of the parts that are asked for, and overrules nothing.
func TestSamplesOfSNMP(t *testing.T) {
	t.Parallel()
	absent := hw.Sample{Component: "drive/A", Sensor: "wear_percent", Absent: "not told"}
	own := []hw.Sample{{Component: "drive/A", Sensor: "celsius", Gauge: 20}, absent, {Component: "drive/A", Sensor: "hours", Absent: "not told"}}
	more := []hw.Sample{
		{Component: "drive/A", Sensor: "celsius", Gauge: 30}, {Component: "drive/A", Sensor: "wear_percent", Gauge: 7}, {Component: "drive/A", Sensor: "hours", Absent: "not there"},
		{Component: "drive/A", Sensor: "volts", Gauge: 5}, {Component: "drive/B", Sensor: "celsius", Gauge: 40},
	}
	want := []hw.Sample{own[0], more[1], own[2], more[3]}
	if d := cmp.Diff(want, withSamples(slices.Clone(own), more, map[string]bool{"drive/A": true})); d != "" {
		t.Error(d)
	}
}

// Where SNMP stands in for Redfish, a line that was read over Redfish does not come again; one without a time may be new.
func TestLinesReadBefore(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := collector{redfish: &redfishSide{}}
	c.redfish.logs.newest = at
	lines := []hw.LogLine{{Entry: "1", At: at.Add(-time.Second)}, {Entry: "2", At: at}, {Entry: "3", At: at.Add(time.Second)}, {Entry: "4"}}
	if d := cmp.Diff(slices.Clone(lines[2:]), c.unseen(slices.Clone(lines))); d != "" {
		t.Error(d)
	}
	c.redfish.logs.newest = time.Time{}
	if got := c.unseen(slices.Clone(lines)); len(got) != 4 {
		t.Errorf("of a log that Redfish never told, only %v", got)
	}
}
