package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// status is that of who answers; at headquarters with the devices of all sites, or that of the one named.
func (c *call) status() error {
	ctx := c.r.Context()
	id, err := c.site()
	if err != nil {
		return err
	}
	if id != (journal.ID{}) && id != c.api.Own {
		p, err := c.api.Sites.Place(ctx, id)
		if err != nil {
			return err
		}
		s, err := p.Status(ctx)
		if err != nil {
			return err
		}
		return c.answer(s)
	}
	s, err := c.api.Box.Status(ctx)
	if err == nil && c.api.Own == (journal.ID{}) && c.api.Sites != nil {
		s.Devices, err = c.countAll()
	}
	if err != nil {
		return err
	}
	return c.answer(s)
}

// census is how the devices of all sites were when they were last counted. That takes seconds where there are 20,000, so a count is
// good for ten times as long as it took, and a second at least.
type census struct {
	turn      chan struct{} // who counts, or reads this, holds the one place in it
	all       web.Counts
	at, until time.Time
}

// countAll counts the devices of all sites.
func (c *call) countAll() (web.Counts, error) {
	k := &c.api.census
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-c.r.Context().Done():
		return web.Counts{}, c.r.Context().Err()
	}
	began, now := time.Now(), c.api.Now()
	if now.Before(k.until) && !now.Before(k.at) {
		return k.all, nil
	}
	all, err := c.countNow()
	if err == nil {
		k.all, k.at, k.until = all, now, now.Add(max(time.Second, 10*time.Since(began)))
	}
	return all, err
}

func (c *call) countNow() (all web.Counts, err error) {
	sites, err := c.sitesHere()
	for _, x := range sites {
		if err == nil {
			err = c.listOf(x, func(_ Site, p Place, _ func(any) error) error {
				devices, err := p.Devices(c.r.Context())
				all.Add(web.CountOf(devices))
				return err
			}, nil)
		}
	}
	return all, err
}

func (c *call) sites() error {
	sites, err := c.sitesHere()
	if err != nil {
		return err
	}
	return c.answer(SiteList{append([]Site{}, sites...)})
}

// list writes {name: [...]} with what each of the sites asked for gives.
func (c *call) list(name string, each func(s Site, p Place, emit func(any) error) error) error {
	id, err := c.site()
	if err != nil {
		return err
	}
	sites, err := c.places(id)
	if err != nil {
		return err
	}
	out, err := c.stream(asJSON)
	if err != nil {
		return err
	}
	_, err = out.Write([]byte(`{"` + name + `":`))
	n := 0
	emit := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = out.Write(append([]byte{sign(n, '[')}, b...))
		n++
		return err
	}
	for _, s := range sites {
		if err == nil {
			err = c.listOf(s, each, emit)
		}
	}
	if err != nil {
		return err
	}
	end := "]}\n"
	if n == 0 {
		end = "[" + end
	}
	_, err = out.Write([]byte(end))
	return errors.Join(err, out.end())
}

func (c *call) listOf(s Site, each func(s Site, p Place, emit func(any) error) error, emit func(any) error) error {
	id, err := s.id()
	if err != nil {
		return err
	}
	p, err := c.api.Sites.Place(c.r.Context(), id)
	if err != nil {
		return err
	}
	return each(s, p, emit)
}

func (c *call) devices() error {
	return c.list("devices", func(s Site, p Place, emit func(any) error) error {
		devices, err := p.Devices(c.r.Context())
		for _, d := range devices {
			if err == nil {
				d.Site = s.ID
				err = emit(d)
			}
		}
		return err
	})
}

// one returns the device that is asked for.
func (c *call) one() (Site, Place, web.Device, error) {
	s, p, err := c.place()
	if err != nil {
		return s, p, web.Device{}, err
	}
	id := hw.DeviceID(c.args.text("id"))
	d, err := p.Device(c.r.Context(), id)
	d.Site = s.ID
	return s, p, d, c.unknown(p, id, err)
}

func (c *call) device() error {
	_, _, d, err := c.one()
	if err != nil {
		return err
	}
	return c.answer(d)
}

func (c *call) latest() error {
	s, p, err := c.place()
	if err != nil {
		return err
	}
	id := hw.DeviceID(c.args.text("id"))
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	readings, err := p.Latest(c.r.Context(), id)
	if err != nil {
		return c.unknown(p, id, err)
	}
	return c.answer(web.Latest{Site: s.ID, Device: id, Readings: append([]web.Reading{}, readings...)})
}

// wanted returns the devices of a site that are asked for, each whole.
func (c *call) wanted(p Place, fn func(web.Device) error) error {
	id := hw.DeviceID(c.args.text("device"))
	if id != "" {
		d, err := p.Device(c.r.Context(), id)
		if err != nil {
			return c.unknown(p, id, err)
		}
		return fn(d)
	}
	devices, err := p.Devices(c.r.Context())
	for _, d := range devices {
		if err == nil {
			d, err = p.Device(c.r.Context(), d.ID)
		}
		if err == nil {
			err = fn(d)
		}
	}
	return err
}

func (c *call) inventory() error {
	return c.list("devices", func(s Site, p Place, emit func(any) error) error {
		return c.wanted(p, func(d web.Device) error { return emit(inventoryOf(s, d)) })
	})
}

func inventoryOf(s Site, d web.Device) Inventory {
	x := Inventory{Site: s.ID, Device: d.ID, Kind: d.Kind, Name: d.Name, Customer: d.Customer, Rack: d.Rack, Stale: d.Stale, Unit: d.Unit, Parts: []Part{}}
	for _, p := range d.Components {
		if len(p.Attrs) > 0 {
			x.Parts = append(x.Parts, Part{p.Path, p.Health, p.Attrs, p.Missing})
		}
	}
	return x
}

func (c *call) raid() error {
	s, p, d, err := c.one()
	if err != nil {
		return err
	}
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	answer, err := web.RaidNow(c.r.Context(), p, d, c.api.Now())
	if err != nil {
		return err
	}
	answer.Site = s.ID
	return c.answer(answer)
}

// raids gives the devices that have RAID parts, or of whose kind they are wanted; of each site the worst first.
func (c *call) raids() error {
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	return c.list("devices", func(s Site, p Place, emit func(any) error) error {
		var all []web.Raid
		devices, err := p.Devices(c.r.Context())
		for _, d := range devices {
			if err == nil && d.HasRaid {
				var one web.Raid
				one, err = c.raidOf(p, d)
				one.Site = s.ID
				all = append(all, one)
			}
		}
		slices.SortStableFunc(all, func(a, b web.Raid) int { return cmp.Compare(b.Urgency(), a.Urgency()) })
		for _, one := range all {
			if err == nil {
				err = emit(one)
			}
		}
		return err
	})
}

func (c *call) raidOf(p Place, d web.Device) (web.Raid, error) {
	d, err := p.Device(c.r.Context(), d.ID)
	if err != nil {
		return web.Raid{}, err
	}
	return web.RaidNow(c.r.Context(), p, d, c.api.Now())
}
