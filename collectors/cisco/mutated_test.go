package cisco_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// history follows a device as the store does: reports in, facts and alerts out.
type history struct {
	*visitor
	state hw.State
}

// see visits with all sections and returns the alerts that came and went, and the components
// whose register changed, as "+path code", "-path code" and "path".
func (h *history) see() []string {
	h.Helper()
	before := kept(&h.state)
	h.state.Visit(h.all().Report)
	after := kept(&h.state)
	var changed []string
	for key, now := range after {
		if was, had := before[key]; !had || was != now {
			changed = append(changed, sign(key, "+"))
		}
	}
	for key := range before {
		if _, has := after[key]; !has {
			changed = append(changed, sign(key, "-"))
		}
	}
	slices.Sort(changed)
	return slices.Compact(changed)
}

// sign writes a register of kept: an alert with its sign, a component by its path.
func sign(key, s string) string {
	if alert, ok := strings.CutPrefix(key, "alert "); ok {
		return s + alert
	}
	return key[:strings.LastIndexByte(key, ' ')]
}

// wants compares what changed with what should: the alerts exactly, of the components every
// one and no other; one that ends in * may change, with all that begin so.
func (h *history) wants(what string, got, want []string) {
	h.Helper()
	alert := func(s string) bool { return s[0] == '+' || s[0] == '-' }
	for _, w := range want {
		if !strings.HasSuffix(w, "*") && !slices.Contains(got, w) {
			h.Errorf("%s: %q did not come: %q", what, w, got)
		}
	}
	for _, g := range got {
		may := slices.ContainsFunc(want, func(w string) bool {
			prefix, any := strings.CutSuffix(w, "*")
			return w == g || any && alert(w) == alert(g) && strings.HasPrefix(g, prefix)
		})
		if !may {
			h.Errorf("%s: %q changed", what, g)
		}
	}
}

// event is what nobody recorded: made of a recording by setting objects ("" is none).
type event struct {
	name, recording string
	make            func(w walkOf) map[string]string
	want            func(w walkOf) []string
	stays           []string // what does not go when it is mended
}

// first returns the first index of a column, in order, of which ok holds.
func (w walkOf) first(t testing.TB, column string, ok func(index, value string) bool) string {
	t.Helper()
	values := w.column(column)
	for _, index := range slices.Sorted(maps.Keys(values)) {
		if ok(index, values[index]) {
			return index
		}
	}
	t.Fatalf("the recording has no such row of %s", column)
	return ""
}

const (
	operStatus  = "1.3.6.1.2.1.2.2.1.8"
	shortNames  = "1.3.6.1.2.1.31.1.1.1.1"
	aliases     = "1.3.6.1.2.1.31.1.1.1.18"
	powered3621 = "1.3.6.1.2.1.105.1.1.1.6"
)

// linked is a port with a link and without description: nobody is told that its link is lost.
func linked(t testing.TB, w walkOf) string {
	return w.first(t, operStatus, func(index, oper string) bool {
		name := w[shortNames+"."+index]
		return oper == "1" && w[aliases+"."+index] == "" && strings.Contains(name, "/") && !strings.HasPrefix(name, "Stack")
	})
}

// delivering is a PoE row that feeds something, and its port.
func delivering(t testing.TB, w walkOf) (row, port string) {
	row = w.first(t, powered3621, func(_, state string) bool { return state == "3" })
	return row, "port/" + w.shortName(w[entRow+".7."+w["1.3.6.1.4.1.9.9.402.1.2.1.11."+row]])
}

func events(t testing.TB) []event {
	return slices.Concat(partEvents(t), unitEvents(), memoryEvents(t))
}

// partEvents are what happens to parts of a device.
func partEvents(t testing.TB) []event {
	path := func(w walkOf, index string) string { return "port/" + w[shortNames+"."+index] }
	return []event{
		{name: "failover in progress", recording: "asa",
			make: func(walkOf) map[string]string {
				away := map[string]string{}
				for _, column := range []string{".2.", ".3.", ".4."} {
					away["1.3.6.1.4.1.9.9.147.1.2.1.1.1"+column+"6"], away["1.3.6.1.4.1.9.9.147.1.2.1.1.1"+column+"7"] = "", ""
				}
				return away
			},
			want: func(walkOf) []string { return []string{"failover/primary", "failover/secondary", "failover/pair"} }},
		{name: "ring broken", recording: "ios_2960x",
			make: func(w walkOf) map[string]string {
				cut := w.first(t, csw+"2.2.1.1", func(string, string) bool { return true })
				return map[string]string{csw + "1.3.0": "2|2", csw + "2.2.1.1." + cut: "2|2"}
			},
			want: func(walkOf) []string { return []string{"+stack/ring health", "stack/ring"} }},
		{name: "err-disabled port", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				index := linked(t, w)
				return map[string]string{operStatus + "." + index: "2|2", errDisable + ".3.1.1.2." + index + ".0": "2|2"}
			},
			want: func(w walkOf) []string {
				p := path(w, linked(t, w))
				return []string{"+" + p + " health", p, "neighbour/" + strings.TrimPrefix(p, "port/") + "*", "transceiver/*"}
			}},
		{name: "PoE fault", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				row, _ := delivering(t, w)
				return map[string]string{powered3621 + "." + row: "2|4"}
			},
			want: func(w walkOf) []string {
				_, p := delivering(t, w)
				return []string{"+" + p + " health", p}
			}},
		{name: "counters that wrap", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				index := linked(t, w)
				return map[string]string{"1.3.6.1.2.1.31.1.1.1.6." + index: "70|1", "1.3.6.1.2.1.2.2.1.14." + index: "65|0"}
			},
			want: func(walkOf) []string { return nil }},
		{name: "SFP pulled", recording: "ios_2960x",
			make: func(w walkOf) map[string]string {
				gone, sfp := map[string]string{}, optic(t, w)
				for oid := range w {
					index := oid[strings.LastIndexByte(oid, '.')+1:]
					ofIt := index == sfp || w[entRow+".4."+index] == sfp
					if ofIt && (strings.HasPrefix(oid, entRow+".") || strings.HasPrefix(oid, ciscoSensor+".")) {
						gone[oid] = ""
					}
				}
				return gone
			},
			want: func(w walkOf) []string { return []string{"transceiver/*", "part/*"} }},
	}
}

// unitEvents are what happens to a device, or to a chassis of it.
func unitEvents() []event {
	return []event{
		{name: "reboot", recording: "cisco_16_switch",
			make:  func(walkOf) map[string]string { return map[string]string{upTicks: "67|3000"} },
			want:  func(walkOf) []string { return []string{"+ restarted", "config/*"} },
			stays: []string{"+ restarted"}},
		{name: "IOS upgraded", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				return map[string]string{upTicks: "67|3000", "1.3.6.1.2.1.1.1.0": "4|Cisco IOS Software, C3750 Software, Version 15.0(2)SE11, RELEASE"}
			},
			want:  func(walkOf) []string { return []string{"+ restarted", "system", "config/*"} },
			stays: []string{"+ restarted"}},
		{name: "unit swapped", recording: "cisco_16_switch",
			make: func(walkOf) map[string]string { return map[string]string{entSerial + "3001": "4|SIMOTHER1"} },
			want: func(walkOf) []string { return []string{"+ unit-changed", "unit/*", "member/3", "part/*", "config/*"} }},
		{name: "member lost", recording: "ios_2960x",
			make: func(w walkOf) map[string]string {
				gone := map[string]string{}
				for column := 1; column <= 12; column++ {
					gone[csw+"2.1.1."+strconv.Itoa(column)+".3001"] = ""
				}
				return gone
			},
			want: func(walkOf) []string { return []string{"+member/3 missing", "member/3"} }},
	}
}

// memoryEvents fill the pools.
func memoryEvents(t testing.TB) []event {
	pool := func(w walkOf, name string) string {
		return w.first(t, "1.3.6.1.4.1.9.9.48.1.1.1.2", func(_, n string) bool { return n == name })
	}
	return []event{
		{name: "Driver text full", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				return map[string]string{memoryPool + "6." + pool(w, "Driver text"): "66|0"}
			},
			want: func(walkOf) []string { return nil }},
		{name: "Processor memory full", recording: "cisco_16_switch",
			make: func(w walkOf) map[string]string {
				return map[string]string{memoryPool + "6." + pool(w, "Processor"): "66|1000"}
			},
			want: func(walkOf) []string { return []string{"+memory/Processor health", "memory/Processor"} }},
	}
}

// optic returns the first transceiver of a recording: what holds a sensor of light.
func optic(t testing.TB, w walkOf) string {
	sensor := w.first(t, ciscoSensor+".1", func(_, kind string) bool { return kind == "14" })
	return w[entRow+".4."+sensor]
}

// Events made of real recordings: what they say as facts and alerts, what goes when they are
// mended, and that nothing else changes.
func TestMutatedRecordings(t *testing.T) {
	t.Parallel()
	for _, e := range events(t) {
		t.Run(strings.ReplaceAll(e.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			lines := raw(t, e.recording)
			w := parse(t, lines)
			h := &history{visitor: visiting(t, kindOf(e.recording), recorded(t, lines))}
			h.see()
			sound := kept(&h.state)
			change := e.make(w)
			h.becomes(recorded(t, append(replaced(lines, change), added(w, change)...)))
			got := h.see()
			h.wants(e.name, got, e.want(w))
			h.becomes(recorded(t, lines))
			h.see()
			for key, was := range sound {
				if now := kept(&h.state)[key]; !alike(now, was) && !slices.Contains(e.stays, sign(key, "+")) {
					t.Errorf("mended: %s is %q, was %q", key, now, was)
				}
			}
			for key := range kept(&h.state) {
				if _, was := sound[key]; !was && !slices.Contains(e.stays, sign(key, "+")) {
					t.Errorf("mended: %s stays", key)
				}
			}
		})
	}
}

// changedAt is when a configuration was last changed, in whole minutes.
var changedAt = regexp.MustCompile(`{at ([^}]*)}`)

// alike says whether two texts of a register say the same. A restart has the time of the boot reckoned anew, and by milliseconds what was
// reckoned from it may fall into the next minute.
func alike(a, b string) bool {
	x, y := changedAt.FindStringSubmatch(a), changedAt.FindStringSubmatch(b)
	if x == nil || y == nil {
		return a == b
	}
	at, err := time.Parse(time.RFC3339, x[1])
	was, wrong := time.Parse(time.RFC3339, y[1])
	return err == nil && wrong == nil && at.Sub(was).Abs() <= time.Minute && changedAt.ReplaceAllString(a, "") == changedAt.ReplaceAllString(b, "")
}

// added are the rows that a change adds to a recording.
func added(w walkOf, change map[string]string) []byte {
	var rows []string
	for oid, value := range change {
		if _, has := w[oid]; !has && value != "" {
			rows = append(rows, oid+"|"+value)
		}
	}
	return text(rows)
}

// sysUpTime of a real switch passes zero: nothing is told, and nothing starts anew.
func TestMutatedUptimeWraps(t *testing.T) {
	t.Parallel()
	lines := raw(t, "cisco_16_switch")
	late := func(ticks string) *sim.Device {
		return recorded(t, replaced(lines, map[string]string{upTicks: "67|" + ticks, engineTime: ""}))
	}
	h := &history{visitor: visiting(t, catalyst, late("4294967200"))}
	before := h.all()
	h.state.Visit(before.Report)
	before.complete(t)
	h.becomes(late("100"))
	h.wants("wrap", h.see(), []string{"config/*"})
	after := h.all()
	if up := after.gauge(t, "system", "uptime_seconds"); up < 42949672 {
		t.Errorf("up for %v s", up)
	}
	for key, s := range after.samples {
		if was := before.samples[key]; s.Type == hw.Counter && s.StartMS != was.StartMS {
			t.Fatalf("%s starts anew", key)
		}
	}
}

// In the last second before sysUpTime wraps the device did not restart.
func TestUptimeJustBeforeItsWrap(t *testing.T) {
	t.Parallel()
	var all script
	for n := range 60 {
		name := "Gi0/" + strconv.Itoa(n+1)
		all = join(all, port(n+1, name, name, 1, 7))
	}
	r := visiting(t, catalyst, join(all, script{"1.3.6.1.2.1.1.3.0|67|4294967250"}).device(t, iosHead)).all()
	r.complete(t)
}
