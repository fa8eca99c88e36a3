package capture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors"
	"rackpost/collectors/capture"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	kind := collectors.Kind{Name: "lab", Subtrees: []string{"1.3.6.1.2.1.31.1.1.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.1.5", "1.3.6.1.2.1.2.20"}}
	got, err := capture.Plan(kind, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1.3.6.1.2.1.1", "1.3.6.1.6.3.10.2.1", "1.3.6.1.2.1.31.1.1.1", "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.2.20"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// A kind that asks for what is never read does not get it; one that asks for the root of it is told.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for subtree, want := range map[string]string{
		"1.3.6.1.2.1":                   "is never read: name the tables beside it",
		"1.3.6.1.6.3":                   "(targets of notifications) is never read",
		"1.3.6.1.2.1.x":                 "want numbers with dots between",
		"":                              "want numbers with dots between",
		"1.3.6.1.4.1.9.9.109.1.2.1.1":   "",
		"1.3.6.1.6.3.18":                "",
		"1.3.6.1.4.1.9.9.109.1.1.1.1.6": "",
	} {
		plan, err := capture.Plan(collectors.Kind{Name: "lab", Subtrees: []string{subtree}}, false)
		for _, x := range capture.Exclusions() {
			if slices.ContainsFunc(plan, func(oid string) bool { return strings.HasPrefix(oid+".", x.OID+".") }) {
				t.Errorf("%q: %s is read", subtree, x.OID)
			}
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", subtree, err, want)
		}
	}
	if _, err := capture.Plan(collectors.Kind{Name: "lab"}, false); err == nil || !strings.Contains(err.Error(), "use -all") {
		t.Errorf("a kind without subtrees: %v", err)
	}
}

// Even the plan for everything goes round what is never read, holds nothing twice, and has what
// every device has.
func TestPlanOfAll(t *testing.T) {
	t.Parallel()
	plan, err := capture.Plan(collectors.Kind{Name: "lab"}, true)
	if err != nil {
		t.Fatal(err)
	}
	within := func(oid, outer string) bool { return strings.HasPrefix(oid+".", outer+".") }
	for _, oid := range plan {
		for _, x := range capture.Exclusions() {
			if within(oid, x.OID) || within(x.OID, oid) {
				t.Errorf("%s is read, though %s (%s) never is", oid, x.OID, x.What)
			}
		}
	}
	for _, object := range []string{
		"1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.2.1", "1.3.6.1.2.1.4.20.1.1.1", "1.3.6.1.2.1.17.1.1.0", "1.3.6.1.2.1.17.7.1.4.3.1.1.1",
		"1.3.6.1.2.1.31.1.1.1.1.1", "1.3.6.1.2.1.47.1.1.1.1.2.1", "1.3.6.1.4.1.9.2.1.57.0", "1.3.6.1.4.1.9.9.10.1.1.4.1.1.4.1.1", "1.3.6.1.4.1.9.9.109.1.1.1.1.6.1",
		"1.3.6.1.4.1.9.9.392.1.3.35.0", "1.3.6.1.4.1.9.9.548.1.3.1.1.2.1.1", "1.3.6.1.4.1.3076.2.1.2.36.1.4.0", "1.0.8802.1.1.2.1.4.1.1.9.0.1.1", "1.3.6.1.6.3.10.2.1.1.0",
	} {
		if n := len(slices.DeleteFunc(slices.Clone(plan), func(oid string) bool { return !within(object, oid) })); n != 1 {
			t.Errorf("%s is in %d subtrees, want 1", object, n)
		}
	}
}
