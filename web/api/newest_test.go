package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
	"rackpost/web/api"
)

// manySites is a headquarters of as many sites as it is for.
type manySites struct {
	*world
	ids []journal.ID
}

func (m manySites) Sites(context.Context) (out []api.Site, err error) {
	for i, id := range m.ids {
		out = append(out, api.Site{ID: id.String(), Name: fmt.Sprintf("S-%d", i)})
	}
	return out, nil
}

func (m manySites) Place(context.Context, journal.ID) (api.Place, error) {
	return &place{devices: []web.Device{{ID: "sw"}}}, nil
}

// TestScrapesOfManySites: a scrape of a site costs what came since the last one, also where hundreds are scraped in turn.
func TestScrapesOfManySites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := manySites{world: w}
	for i := range 300 {
		m.ids = append(m.ids, mustID(fmt.Sprintf("6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7b%04d", i)))
		w.visit(m.ids[i], "sw", now.Add(-time.Minute), []hw.Scope{fast}, cpu(1))
	}
	at := now
	c := w.config()
	c.Own, c.Sites, c.Now = journal.ID{}, m, func() time.Time { at = at.Add(time.Millisecond); return at }
	h := api.New(c).Local()
	for round := range 2 {
		w.looked = 0
		for i := range m.ids {
			if r := get(t, h, fmt.Sprintf("/metrics?site=S-%d", i)); !has(r.Body.String(), "rackpost_cpu_busy_1m_ratio{") {
				t.Fatalf("site %d: %d %.300s", i, r.Code, r.Body)
			}
		}
		if round == 1 && w.looked > 0 {
			t.Errorf("%d batches were read anew of sites that nothing came of", w.looked)
		}
	}
}
