package intaketest_test

import (
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/intake/intaketest"
)

// TestLostBatchesAreTold: a site's box lost what lay between what headquarters had and what came live. A gap in the site's journal tells, once, and the
// row of the site counts them.
func TestLostBatchesAreTold(t *testing.T) {
	t.Parallel()
	r := intaketest.Record(t, t.TempDir(), seconds(workload.Options{Servers: 10, Switches: 2}, 60))
	h := intaketest.Open(t, t.TempDir(), nil)
	whole := r.As(t, siteID(0), originID(0))
	gone := func(b journal.Batch) bool { return b.Stream == journal.Samples && b.Seq >= 3 && b.Seq <= 6 }
	all, err := whole.Page(t.Context(), journal.Vector{}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(all, gone)
	b := newBox(t, h, 0, intaketest.NewTape(whole.Site, whole.Origin, left, r.Layouts))
	b.connect(t, h)
	gaps := func() (out []hw.GapValue) {
		for _, f := range h.Store.RegistersOf(whole.Site, "") {
			if g, ok := f.Value.(hw.GapValue); ok && g.Reason == hw.Lost {
				out = append(out, g)
			}
		}
		return out
	}
	until(t, "it is told", func() bool { return len(gaps()) > 0 })
	g := gaps()
	if len(g) != 1 || !strings.Contains(g[0].Detail, "4 batches of samples") || !g[0].From.Before(g[0].To) {
		t.Errorf("gaps %+v", g)
	}
	until(t, "the row says so", func() bool { s := h.Status().Sites[0]; return s.Lost == 4 && s.Awaited == 0 })
	if n := h.Store.Awaited(whole.Site).Count(); n > 0 {
		t.Errorf("%d are awaited still", n)
	}
}
