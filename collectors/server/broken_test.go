package server_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/server"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// documentsOf returns the documents of a model with faults, by their paths below /redfish/v1.
func documentsOf(t *testing.T, name string, faults ...string) map[string]string {
	t.Helper()
	b, err := bmc.New(name, bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if err := b.Fault(f, ""); err != nil {
			t.Fatal(err)
		}
	}
	docs := map[string]string{}
	for path, doc := range b.Documents() {
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimPrefix(strings.TrimPrefix(path, "/redfish/v1"), "/")] = string(body)
	}
	return docs
}

// faultsSaid are the verdicts that are faults.
func faultsSaid(r hw.Report) map[string]bool {
	said := map[string]bool{}
	for _, v := range r.Verdicts {
		if v.Level > 0 {
			said[v.Component+" "+v.Code] = true
		}
	}
	return said
}

// A resource that is spoilt costs itself and what hangs on it, never another one, and never a verdict.
func TestOneResourceIsSpoilt(t *testing.T) {
	t.Parallel()
	docs := documentsOf(t, model, "drive-predicted")
	whole := visit(t, made(t, docs).collector())
	predicted := ""
	for _, v := range whole.Verdicts {
		if v.Code == "raid-drive-predicted" && v.Level > 0 {
			predicted, _, _ = strings.Cut(strings.TrimPrefix(v.Component, raid.DrivePath), ":")
		}
	}
	if predicted == "" {
		t.Fatalf("no drive predicts its failure: %v", whole.Verdicts)
	}
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		above := strings.HasSuffix(path, "/Drives/"+predicted) || path == "" || path == "Systems" || path == "Systems/1" || path == "Systems/1/Storage" ||
			strings.HasPrefix(path, "Systems/1/Storage/") && strings.Count(path, "/") == 3
		if above || strings.HasPrefix(path, "SessionService") {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			spoilt := maps.Clone(docs)
			spoilt[path] = `{"error":`
			r := visit(t, made(t, spoilt).collector())
			for said := range faultsSaid(whole) {
				if strings.Contains(said, "raid-drive-predicted") && !faultsSaid(r)[said] {
					t.Errorf("%s is not said any more; gaps %v", said, r.Gaps)
				}
			}
			for _, s := range r.Read {
				if lost := sectionParts(whole, s.Section) - sectionParts(r, s.Section); lost > 0 && s.Extent == hw.Complete {
					t.Errorf("%d parts of %s are lost, and it is called complete", lost, s.Section)
				}
			}
		})
	}
}

func sectionParts(r hw.Report, section string) (n int) {
	for _, c := range r.Components {
		if c.Section == section {
			n++
		}
	}
	return n
}

// What the end of a visit cut off counts as failed, so that it is read again soon, and the next visit is whole.
func TestVisitIsCutOff(t *testing.T) {
	t.Parallel()
	d := simulated(t, model)
	c := d.collector()
	visit(t, c, "heartbeat")
	d.fault("slow", "60ms")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	r, err := c.Collect(ctx, server.Kind().Sections)
	if err != nil {
		t.Fatal(err)
	}
	if err := collectors.CheckReport(r); err != nil {
		t.Error(err)
	}
	failed := 0
	for _, s := range r.Read {
		switch {
		case s.Extent == hw.Failed:
			failed++
		case s.Extent == hw.Partial && s.Section != "log":
			t.Errorf("section %s is partial", s.Section)
		}
	}
	if failed == 0 {
		t.Errorf("nothing was cut off: %v", r.Read)
	}
	d.fault("clear", "")
	for _, s := range visit(t, c).Read {
		if s.Extent != hw.Complete {
			t.Errorf("section %s is %v then", s.Section, s.Extent)
		}
	}
}
