package cisco_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

const (
	vtpState, vtpType, vtpName = "1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.", "1.3.6.1.4.1.9.9.46.1.3.1.1.3.1.", "1.3.6.1.4.1.9.9.46.1.3.1.1.4.1."
	trunkColumn                = "1.3.6.1.4.1.9.9.46.1.6.1.1."
	accessVLAN                 = "1.3.6.1.4.1.9.9.68.1.2.2.1.2."
)

// vlanRow writes a VLAN.
func vlanRow(id, state, kind int, name string) script {
	return script{fmt.Sprintf("%s%d|2|%d", vtpState, id, state), fmt.Sprintf("%s%d|2|%d", vtpType, id, kind), fmt.Sprintf("%s%d|4|%s", vtpName, id, name)}
}

// trunkPortRow writes what a port is configured as and does, and the four sets of VLANs it
// carries when told to.
func trunkPortRow(index, configured, does, native int, carried ...string) script {
	s := script{
		fmt.Sprintf("%s13.%d|2|%d", trunkColumn, index, configured), fmt.Sprintf("%s14.%d|2|%d", trunkColumn, index, does),
		fmt.Sprintf("%s5.%d|2|%d", trunkColumn, index, native),
	}
	for i, set := range carried {
		s = append(s, fmt.Sprintf("%s%s.%d|4x|%x", trunkColumn, []string{"4", "17", "18", "19"}[i], index, set))
	}
	return s
}

// bits writes a set of VLANs from a base on as 128 octets.
func bits(base int, ids ...int) string {
	b := make([]byte, 128)
	for _, id := range ids {
		b[(id-base)/8] |= 0x80 >> ((id - base) % 8)
	}
	return string(b)
}

func full() string { return strings.Repeat("\xff", 128) }

func TestQuirkDefaultVLANsAreHidden(t *testing.T) {
	t.Parallel()
	s := join(vlanRow(1, 1, 1, "default"), vlanRow(20, 2, 1, "parked"), vlanRow(30, 3, 1, "jumbo"), vlanRow(40, 9, 1, "odd"),
		vlanRow(50, 1, 4, "net of fibre"), vlanRow(1002, 1, 2, "fddi-default"), vlanRow(1005, 1, 5, "trnet-default"), vlanRow(4095, 1, 1, "reserved"),
		script{"1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.1003|2|1", "1.3.6.1.4.1.9.9.46.1.3.1.1.2.2.20|2|3"}) // without a type; of a second domain
	r := visiting(t, catalyst, s.device(t, iosHead)).all()
	r.complete(t)
	want := map[string]hw.Health{"vlan/1": hw.OK, "vlan/20": hw.OK, "vlan/30": hw.Warning, "vlan/40": hw.Unknown}
	got := map[string]hw.Health{}
	for path, c := range r.parts {
		if strings.HasPrefix(path, "vlan/") {
			got[path] = c.Health
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if c := r.part(t, "vlan/20"); c.State.Get("state") != "suspended" || c.Attrs.Get("name") != "parked" {
		t.Errorf("%+v", c)
	}
}

// What a port is configured as is an attribute, what it negotiated a state; the VLANs of a
// trunk are a list.
func TestPortModes(t *testing.T) {
	t.Parallel()
	s := join(
		port(1, "Gi0/1", "", 1, 1), trunkPortRow(1, 1, 1, 99, "\x7f"+full()[1:], full(), full(), full()),
		port(2, "Gi0/2", "", 2, 1), trunkPortRow(2, 5, 2, 1, bits(0, 1, 10, 11, 12, 1023), bits(1024, 1024, 2000), "", bits(3072, 4094)),
		port(3, "Gi0/3", "", 1, 1), trunkPortRow(3, 2, 2, 1, full(), full(), full(), full()), script{accessVLAN + "3|2|20"},
		port(4, "Gi0/4", "", 1, 1), trunkPortRow(4, 4, 2, 1, full(), full(), full(), full()), script{accessVLAN + "4|2|30"},
		port(5, "Gi0/5", "", 1, 1), trunkPortRow(5, 3, 1, 7, bits(0), "", "", ""),
		port(6, "Vl1", "", 1, 1),
	)
	v := visiting(t, catalyst, s.device(t, iosHead))
	r := v.all()
	r.complete(t)
	for path, want := range map[string]string{
		"port/Gi0/1": "mode=trunk trunking=yes native_vlan=99 allowed_vlans=all vlan=",
		"port/Gi0/2": "mode=trunk trunking= native_vlan=1 allowed_vlans=1,10-12,1023-1024,2000,4094 vlan=",
		"port/Gi0/3": "mode=access trunking= native_vlan= allowed_vlans= vlan=20",
		"port/Gi0/4": "mode=dynamic trunking= native_vlan= allowed_vlans= vlan=30",
		"port/Gi0/5": "mode=dynamic trunking=yes native_vlan=7 allowed_vlans=none vlan=",
		"port/Vl1":   "mode= trunking= native_vlan= allowed_vlans= vlan=",
	} {
		wantPart(t, nil, r.part(t, path), "ok "+want)
	}
	v.becomes(join(s, port(1, "Gi0/1", "", 2, 1)).with(t, "1.3.6.1.2.1.2.2.1.8.1|2|2"))
	if c := v.fast().part(t, "port/Gi0/1"); c.State.Get("trunking") != "" || c.Attrs.Get("allowed_vlans") != "all" {
		t.Errorf("a trunk without link: %v %v", c.State, c.Attrs)
	}
}

// with makes the device of a script in which some rows say something else.
func (s script) with(t testing.TB, rows ...string) *sim.Device {
	t.Helper()
	oid := func(row string) string { return row[:strings.Index(row, "|")] }
	kept := slices.DeleteFunc(slices.Clone(s), func(row string) bool {
		return slices.ContainsFunc(rows, func(r string) bool { return oid(r) == oid(row) })
	})
	return append(kept, rows...).device(t, iosHead)
}

// A list that was cut, or a column that failed, leaves what was known and says so.
func TestCarriedVLANsUnread(t *testing.T) {
	t.Parallel()
	s := join(port(1, "Gi0/1", "", 1, 1), trunkPortRow(1, 1, 1, 99, bits(0, 5), bits(1024, 1500), "", ""),
		port(2, "Gi0/2", "", 1, 1), trunkPortRow(2, 1, 1, 99, bits(0, 6), bits(1024, 1600), "", ""))
	v := visiting(t, catalyst, s.device(t, iosHead))
	v.all().complete(t)
	for _, lost := range []string{trunkColumn + "4.1", trunkColumn + "17.1", trunkColumn + "13.1"} {
		v.becomes(slices.DeleteFunc(slices.Clone(s), func(row string) bool { return strings.HasPrefix(row, lost+"|") }).device(t, iosHead))
		r := v.all()
		if got := r.part(t, "port/Gi0/1").Attrs.Get("allowed_vlans"); got != "5,1500" {
			t.Errorf("without %s: %q", lost, got)
		}
		if !strings.HasSuffix(lost, "13.1") && r.extent(t, "vlans") != hw.Partial {
			t.Errorf("without %s the section is %v", lost, r.extent(t, "vlans"))
		}
	}
	v.becomes(s.device(t, iosHead))
	v.fault("generr", trunkColumn+"17.2")
	r := v.all()
	if got := r.part(t, "port/Gi0/2").Attrs.Get("allowed_vlans"); got != "6,1600" || r.extent(t, "vlans") != hw.Partial {
		t.Errorf("with an object that fails: %q, %v", got, r.extent(t, "vlans"))
	}
	v.fault("clear", "generr")
	v.fault("generr", "1.3.6.1.4.1.9.9.46.1.6.1.1.14")
	r = v.all()
	if c := r.part(t, "port/Gi0/1"); c.State.Get("trunking") != "" || c.Attrs.Get("mode") != "trunk" || c.Attrs.Get("allowed_vlans") != "5,1500" {
		t.Errorf("without the status: %v %v", c.State, c.Attrs)
	}
	if r.extent(t, "vlans") != hw.Partial {
		t.Errorf("the section is %v", r.extent(t, "vlans"))
	}
}

// Any set of VLANs is written so that it can be read back, and never without bound.
func TestVLANLists(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	sets := map[int]map[int]bool{}
	var s script
	for index := 1; index <= 40; index++ {
		set := map[int]bool{}
		for range rng.IntN(1 << (index / 4)) {
			from := 1 + rng.IntN(4094)
			for id := from; id <= min(4094, from+rng.IntN(1+index*index)); id++ {
				set[id] = true
			}
		}
		var four []string
		for base := 0; base < 4096; base += 1024 {
			var ids []int
			for id := range set {
				if id >= base && id < base+1024 {
					ids = append(ids, id)
				}
			}
			four = append(four, bits(base, ids...))
		}
		sets[index] = set
		s = join(s, port(index, fmt.Sprintf("Gi0/%d", index), "", 1, 1), trunkPortRow(index, 1, 1, 1, four...))
	}
	r := visiting(t, catalyst, s.device(t, iosHead)).all()
	r.complete(t)
	for index, set := range sets {
		list := r.part(t, fmt.Sprintf("port/Gi0/%d", index)).Attrs.Get("allowed_vlans")
		got, more := readList(t, list)
		if len(list) > 255 || len(got)+more != len(set) || more == 0 && !maps.Equal(got, set) {
			t.Errorf("%d VLANs are %q", len(set), list)
		}
		for id := range got {
			if !set[id] {
				t.Errorf("%d is invented in %q", id, list)
			}
		}
	}
}

// readList reads what a port carries back, and how many more there are.
func readList(t *testing.T, list string) (set map[int]bool, more int) {
	t.Helper()
	set = map[int]bool{}
	list, rest, _ := strings.Cut(list, " and ")
	more, _ = strconv.Atoi(strings.TrimSuffix(rest, " more"))
	switch list {
	case "none":
		return set, 0
	case "all":
		list = "1-4094"
	}
	for part := range strings.SplitSeq(list, ",") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil {
			t.Fatalf("list %q", list)
		}
		for id := a; id <= b; id++ {
			set[id] = true
		}
	}
	return set, more
}

// More trunks than one visit reads are read in turn.
func TestManyTrunks(t *testing.T) {
	t.Parallel()
	var s script
	for index := 1; index <= 200; index++ {
		s = join(s, port(index, fmt.Sprintf("Gi0/%d", index), "", 1, 1), trunkPortRow(index, 1, 1, 1, bits(0, index), "", "", ""))
	}
	v := visiting(t, catalyst, s.device(t, iosHead))
	known := func(r report) (n int) {
		for index := 1; index <= 200; index++ {
			if list := r.part(t, fmt.Sprintf("port/Gi0/%d", index)).Attrs.Get("allowed_vlans"); list == strconv.Itoa(index) {
				n++
			}
		}
		return n
	}
	if r := v.all(); known(r) != 128 || r.extent(t, "vlans") != hw.Partial {
		t.Errorf("first visit: %d lists, %v", known(r), r.extent(t, "vlans"))
	}
	r := v.all()
	r.complete(t)
	if known(r) != 200 {
		t.Errorf("second visit: %d lists", known(r))
	}
}

// The VLANs of real switches, and what their ports carry.
func TestRecordedVLANs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cisco_16_switch", "cisco-c3560", "ios_2960x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			w := parse(t, lines)
			r := visiting(t, catalyst, recorded(t, lines)).all()
			r.complete(t)
			states := []string{"", "operational", "suspended"}
			vlans := 0
			for index, state := range w.column(strings.TrimSuffix(vtpState, ".")) {
				if w[vtpType+index] != "1" {
					continue
				}
				vlans++
				c := r.part(t, "vlan/"+index)
				if n, _ := strconv.Atoi(state); c.State.Get("state") != states[n] || c.Attrs.Get("name") != w[vtpName+index] {
					t.Errorf("VLAN %s is %+v, told %s %q", index, c, state, w[vtpName+index])
				}
			}
			for path := range r.parts {
				if strings.HasPrefix(path, "vlan/") {
					vlans--
				}
			}
			if vlans != 0 {
				t.Errorf("%d VLANs more or less than the device has", -vlans)
			}
			wantRecordedModes(t, w, r)
		})
	}
}

func wantRecordedModes(t *testing.T, w walkOf, r report) {
	t.Helper()
	names := w.column("1.3.6.1.2.1.31.1.1.1.1")
	for index, access := range w.column(strings.TrimSuffix(accessVLAN, ".")) {
		c := r.part(t, "port/"+names[index])
		if got := c.Attrs.Get("vlan"); got != access && c.Attrs.Get("mode") != "trunk" {
			t.Errorf("%s: VLAN %q, want %q", c.Path, got, access)
		}
	}
	for index, does := range w.column(trunkColumn + "14") {
		c := r.part(t, "port/"+names[index])
		want := map[string]string{"1": "yes", "2": "no"}[does]
		if w["1.3.6.1.2.1.2.2.1.8."+index] != "1" || want == "no" && c.Attrs.Get("mode") != "trunk" {
			want = "" // without link it trunks nothing
		}
		if got := c.State.Get("trunking"); got != want {
			t.Errorf("%s: trunking %q, want %q", c.Path, got, want)
		}
		if does != "1" {
			continue
		}
		set, _ := readList(t, c.Attrs.Get("allowed_vlans"))
		for id := 1; id <= 4094; id++ {
			octets := w[trunkColumn+[]string{"4.", "17.", "18.", "19."}[id/1024]+index]
			if told := len(octets) > id%1024/8 && octets[id%1024/8]&(0x80>>(id%8)) != 0; told != set[id] {
				t.Fatalf("%s: VLAN %d is carried: %v, the device says %v", c.Path, id, set[id], told)
			}
		}
		if got := c.Attrs.Get("native_vlan"); got != w[trunkColumn+"5."+index] {
			t.Errorf("%s: native VLAN %q", c.Path, got)
		}
	}
}
