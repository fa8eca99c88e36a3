package raid_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/raid"
)

var allCases = sync.OnceValue(auditCases)

// anyServer draws one of the servers of the table, or several faults at once.
func anyServer(t *rapid.T) server {
	s := rapid.SampledFrom(allCases()).Draw(t, "case").server
	for range rapid.IntRange(0, 6).Draw(t, "more") {
		c := rapid.SampledFrom(s).Draw(t, "part")
		kind, _, _ := strings.Cut(c.Path, "/")
		keys := keysOf(c)
		if len(keys) == 0 {
			continue
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		if words := raid.Words(kind+"/", key); len(words) > 0 {
			s = s.set(c.Path, key, rapid.SampledFrom(words).Draw(t, "word"))
		}
	}
	return s
}

func keysOf(c hw.Component) []string {
	var keys []string
	for _, a := range slices.Concat(c.State, c.Attrs) {
		keys = append(keys, a.Key)
	}
	return keys
}

// witnesses are keys of which two tell of one thing: where one says bad and the other good, the
// good one is taken when the bad one is silent.
var witnesses = map[string][]string{
	raid.KeyWritePolicy:    {raid.KeyWritePolicyNow},
	raid.KeyWritePolicyNow: {raid.KeyWritePolicy},
	raid.KeyDiskCache:      {raid.KeyDiskCacheNow, raid.KeyWriteCache},
	raid.KeyDiskCacheNow:   {raid.KeyDiskCache},
	raid.KeyState:          {raid.KeyRedundancyLeft, raid.KeySecurity},
	raid.KeyRedundancyLeft: {raid.KeyState},
	raid.KeySecurity:       {raid.KeyState},
	raid.KeyWriteCache:     {raid.KeyDiskCache},
}

// No loss of a key turns a fault into silence: its verdict stays, or is undecided, which leaves its alert
// open. Every part of every server of the table, every key, three ways to lose it.
func TestNothingLostIsNothingWrong(t *testing.T) {
	t.Parallel()
	for _, c := range allCases() {
		before := faults(raid.Audit(raid.Policy{}, c.server))
		if len(before) == 0 {
			continue
		}
		for _, part := range c.server.without(bay(4), bay(5), shelf, cpu) { // these are like others
			for _, key := range keysOf(part) {
				for _, word := range lost(part.Path, key) {
					after := raid.Audit(raid.Policy{}, c.server.set(part.Path, key, word))
					stillThere(t, c.name, part.Path+" "+key+"="+word, before, after)
				}
			}
		}
	}
}

// lost are the ways a key gets lost: it is gone, or its word is none. A free text has no such word.
func lost(path, key string) []string {
	kind, _, _ := strings.Cut(path, "/")
	if raid.Words(kind+"/", key) == nil {
		return []string{""}
	}
	return []string{"", "Unknown"}
}

func stillThere(t *testing.T, name, mutation string, before, after []hw.Verdict) {
	t.Helper()
	for _, v := range before {
		if !slices.ContainsFunc(after, func(x hw.Verdict) bool { return x.Component == v.Component && x.Code == v.Code }) {
			t.Errorf("%s: %s silenced %s of %s; left: %v", name, mutation, v.Code, v.Component, words(after))
		}
	}
}

// The same for several faults at once, but for two witnesses that contradict each other.
func TestNothingLostIsNothingWrongAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyServer(t)
		part := rapid.SampledFrom(s).Draw(t, "part")
		keys := keysOf(part)
		if len(keys) == 0 {
			return
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		if slices.ContainsFunc(witnesses[key], func(k string) bool { return part.State.Get(k)+part.Attrs.Get(k) != "" }) {
			return
		}
		before := faults(raid.Audit(raid.Policy{}, s))
		after := raid.Audit(raid.Policy{}, s.set(part.Path, key, rapid.SampledFrom(lost(part.Path, key)).Draw(t, "word")))
		for _, v := range before {
			if !slices.ContainsFunc(after, func(x hw.Verdict) bool { return x.Component == v.Component && (x.Code == v.Code || x.Level > 0) }) {
				t.Fatalf("%s %s: silenced %s of %s", part.Path, key, v.Code, v.Component)
			}
		}
	})
}

// What a partial reading says, the whole one says at the same level: parts that were not read take nothing
// back, and make nothing graver or less grave.
func TestAPartialReadingSaysNothingWrong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyServer(t)
		if slices.ContainsFunc(s, func(c hw.Component) bool { return c.Path == cell }) {
			s = s.set(perc, raid.KeyBattery, raid.BatteryPresent) // a controller does not say none and show one
		}
		if rapid.Bool().Draw(t, "kind by the drives") {
			s = s.each("volume/", raid.KeyMedia, "", raid.KeyBus, "")
		}
		part := slices.Clone(s)
		for range rapid.IntRange(0, len(s)-1).Draw(t, "lost") {
			i := rapid.IntRange(0, len(part)-1).Draw(t, "which")
			part = slices.Delete(part, i, i+1)
		}
		whole := raid.Audit(raid.Policy{}, s)
		for _, v := range faults(raid.AuditPartial(raid.Policy{}, part)) {
			is := func(x hw.Verdict) bool { return x.Component == v.Component && x.Code == v.Code && x.Level == v.Level }
			if !slices.ContainsFunc(whole, is) {
				t.Fatalf("%s of %s, %v: the whole reading says %v", v.Code, v.Component, v.Level, words(whole))
			}
		}
	})
}

// A part without any word is never a fault, and never well where proof is wanted.
func TestNothingToldIsNoFault(t *testing.T) {
	t.Parallel()
	bare := server{}.set(perc).set(cell).set(mirror).set(bay(0)).set(shelf)
	want := []string{mirror + " raid-disk-cache-unproven warning", mirror + " raid-level-unproven warning", mirror + " raid-write-policy-unproven warning"}
	if d := cmp.Diff(want, words(faults(raid.Audit(raid.Policy{}, bare)))); d != "" {
		t.Error(d)
	}
	if got := raid.Audit(raid.Policy{}, server{}.set("fan/1", "state", "failed").set("drive/", "state", "failed")); len(got) > 0 {
		t.Errorf("what is no RAID part was judged: %v", words(got))
	}
}

func TestTheOrderOfPartsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anyServer(t)
		for range rapid.IntRange(0, 3).Draw(t, "twins") {
			twin := rapid.SampledFrom(anyServer(t)).Draw(t, "twin")
			twin.Section = rapid.SampledFrom([]string{"raid", "snmp"}).Draw(t, "section")
			s = append(s, twin)
		}
		verdicts, arranged := raid.Audit(raid.Policy{}, s), raid.Arrange(s)
		mixed := server(rapid.Permutation(s).Draw(t, "order"))
		if d := cmp.Diff(verdicts, raid.Audit(raid.Policy{}, mixed)); d != "" {
			t.Fatal(d)
		}
		if d := cmp.Diff(arranged, raid.Arrange(mixed)); d != "" {
			t.Fatal(d)
		}
		before := fmt.Sprint(mixed)
		raid.Audit(raid.Policy{}, mixed)
		if fmt.Sprint(mixed) != before {
			t.Fatal("the parts were changed")
		}
		sane(t, s, verdicts)
	})
}

// sane checks what holds of every audit: one verdict a component and code, in order, on a part that is
// there, with a rule, within the limits of a report.
func sane(t interface {
	Helper()
	Fatalf(string, ...any)
}, s []hw.Component, verdicts []hw.Verdict,
) {
	t.Helper()
	seen := map[string]bool{}
	for i, v := range verdicts {
		if about := v.Component + " " + v.Code; seen[about] {
			t.Fatalf("%s twice", about)
		} else {
			seen[about] = true
		}
		if i > 0 && verdicts[i-1].Compare(v) >= 0 {
			t.Fatalf("%v before %v", verdicts[i-1], v)
		}
		if _, ok := raid.Lookup(v.Code); !ok {
			t.Fatalf("no rule %q", v.Code)
		}
		if !slices.ContainsFunc(s, func(c hw.Component) bool { return c.Path == v.Component && c.Section == v.Section }) {
			t.Fatalf("a verdict on %s of %s, which is not there", v.Component, v.Section)
		}
		if v.Level > hw.LevelDisaster || v.Late > 0 && v.Within <= 0 {
			t.Fatalf("verdict %+v", v)
		}
		for _, p := range v.Params {
			if p.Key == "" || p.Value == "" {
				t.Fatalf("verdict %+v", v)
			}
		}
	}
}

// Whatever a component says of itself, the audit and the tree stand.
func FuzzAudit(f *testing.F) {
	f.Add("drive/1\x00raid\x00state=failed\x00size_bytes=99999999999999999999\nvolume/1\x00raid\x00level=raid5\x00drives=-1\x00redundancy_left=9e9")
	f.Add("volume/a b\x00raid\x00controller=x\ndrive/d\x00raid\x00volumes=a+b a+b\x00spare=dedicated\x00spare_for=a+b\x00controller=x")
	f.Add("battery/b\x00r\x00controller=c\x00state=learning\ncontroller/c\x00r\x00battery=none\ncontroller/c\x00s\x00battery=present")
	f.Add("battery/b\x00r\x00b=0\ncontroller/c \x00r\ncontroller/c\x00r\ncontroller/ c\x00r")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<13 {
			return
		}
		var parts []hw.Component
		for line := range strings.SplitSeq(text, "\n") {
			fields := strings.Split(line, "\x00")
			c := hw.Component{Path: fields[0]}
			for i, x := range fields[1:] {
				key, value, _ := strings.Cut(x, "=")
				switch {
				case i == 0:
					c.Section = x
				case i%2 == 1:
					c.State = c.State.With(key, value)
				default:
					c.Attrs = c.Attrs.With(key, value)
				}
			}
			parts = append(parts, c)
		}
		sane(t, parts, raid.Audit(raid.Policy{}, parts))
		all := map[string]bool{}
		for _, c := range raid.Arrange(parts) {
			paths(c, all)
		}
		for _, c := range parts {
			kind, id, ok := strings.Cut(c.Path, "/")
			if ok && id != "" && slices.Contains([]string{"controller", "battery", "volume", "drive", "enclosure"}, kind) && !all[c.Path] {
				t.Fatalf("%q is not in the tree", c.Path)
			}
		}
	})
}

// paths notes every part of a branch of the tree.
func paths(c raid.Controller, all map[string]bool) {
	if c.Part != nil {
		all[c.Part.Path] = true
	}
	lists := [][]hw.Component{c.Batteries, c.Spares, c.Unassigned, c.Enclosures}
	for _, v := range c.Volumes {
		all[v.Part.Path] = true
		lists = append(lists, v.Drives, v.Spares)
	}
	for _, list := range lists {
		for _, x := range list {
			all[x.Path] = true
		}
	}
}
