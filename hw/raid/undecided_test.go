package raid_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// What a fault might be and what might overturn it are told as undecided: neither raised nor settled.
func TestPartialReadingsAreUndecided(t *testing.T) {
	t.Parallel()
	s := sound()
	through := s.each("volume/", "write_policy", "write-through", "write_policy_now", "write-through")
	for _, c := range []struct {
		name   string
		server server
		want   []string
	}{
		{"the spare may be missing", s.without(spare), []string{mirror + " raid-no-hot-spare ?", striped + " raid-no-hot-spare ?"}},
		{"the volume may be missing", s.without(mirror, striped).set(perc, "patrol_read", "off"), []string{perc + " raid-patrol-read ?"}},
		{"the disk among flash may be missing", s.each("drive/", "media", "ssd", "wear", "good").each("volume/", "media", "ssd").set(perc, "patrol_read", "off"), []string{perc + " raid-patrol-read ?"}},
		{"the volume that writes back may be missing", through.set(cell, "state", "failed"), []string{cell + " raid-battery-bad ?"}},
		{"the controller that says hba may be missing", s.without(perc).set(spare, "spare", "none", "write_cache", "enabled"), []string{spare + " raid-drive-cache-on ?"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := words(raid.AuditPartial(raid.Policy{}, c.server))
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("%s is not among %v", w, got)
				}
			}
			if raised := words(faults(raid.AuditPartial(raid.Policy{}, c.server))); len(raised) > 0 {
				t.Errorf("raised: %v", raised)
			}
		})
	}
}

// The same of properties that a whole reading leaves out.
func TestUnknownSparesAreUndecided(t *testing.T) {
	t.Parallel()
	s := sound()
	none := func(level string) []string {
		return []string{mirror + " raid-no-hot-spare " + level, striped + " raid-no-hot-spare " + level}
	}
	for _, c := range []struct {
		name   string
		server server
		want   []string
	}{
		{"size of the spare", s.set(spare, "size_bytes", ""), none("?")},
		{"size of a member, and the spare is large enough for the others", s.set(bay(0), "size_bytes", ""), none("?")[:1]},
		{"size of a member, and the spare is too small for the others", s.set(bay(0), "size_bytes", "").set(spare, "size_bytes", "1100000000000"), []string{mirror + " raid-no-hot-spare ?", striped + " raid-no-hot-spare warning"}},
		{"a member", s.without(bay(0)), none("?")[:1]},
		{"a byte more than the members", s.set(spare, "size_bytes", "1200000000001"), nil},
		{"a byte less", s.set(spare, "size_bytes", "1199999999999"), none("warning")},
		{"role of one that stands alone", s.set(spare, "spare", ""), none("?")},
		{"role of a member", s.without(spare).each("drive/", "spare", "").set(flash, "spare", "none"), none("warning")},
		{"state", s.set(spare, "state", ""), none("?")},
		{"kind", s.set(spare, "media", ""), none("?")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range raid.Audit(raid.Policy{}, c.server) {
				if v.Code == raid.CodeNoHotSpare {
					got = append(got, words([]hw.Verdict{v})...)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Each field makes a difference.
func TestPolicyEqual(t *testing.T) {
	t.Parallel()
	whole := raid.Default()
	if !whole.Equal(raid.Default()) || !(raid.Policy{}).Equal(raid.Policy{}) {
		t.Error("equal policies are not")
	}
	kind := reflect.TypeFor[raid.Policy]()
	for i := range kind.NumField() {
		other := raid.Default()
		switch f := reflect.ValueOf(&other).Elem().Field(i).Addr().Interface().(type) {
		case *[]string:
			*f = append(slices.Clone(*f), raid.Level6)
		case *raid.Judgement:
			*f = ""
		default:
			t.Fatalf("%s has a type of its own", kind.Field(i).Name)
		}
		if whole.Equal(other) || other.Equal(whole) {
			t.Errorf("%s makes no difference", kind.Field(i).Name)
		}
	}
	if (raid.Policy{Levels: []string{}}).Equal(raid.Policy{}) {
		t.Error("no level at all is not the same as not set")
	}
}
