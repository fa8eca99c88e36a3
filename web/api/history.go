package api

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

func (c *call) query() error {
	s, p, err := c.place()
	if err != nil {
		return err
	}
	from, to, err := c.args.span(c.api.Now())
	if err != nil {
		return err
	}
	q := web.SeriesQuery{Device: hw.DeviceID(c.args.text("device")), Component: c.args.text("component"), Sensor: c.args.text("sensor"), From: from, To: to}
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	id, err := s.id()
	if err != nil {
		return err
	}
	answer := web.Series{Site: s.ID, Device: q.Device, Component: q.Component, Sensor: q.Sensor, From: from, To: to, Points: []web.Point{}}
	err = p.Series(c.r.Context(), q, func(x web.Point) error {
		if answer.Truncated = len(answer.Points) == c.args.whole("limit"); answer.Truncated {
			return errEnough
		}
		answer.Points = append(answer.Points, x)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return c.unknown(p, q.Device, err)
	}
	if len(answer.Points) == 0 {
		if err := c.nothing([]Site{s}, AggregateQuery{Site: id, Device: q.Device, Component: q.Component, Sensor: q.Sensor}); err != nil {
			return err
		}
	}
	return c.answer(answer)
}

// facts gives those of one site, or of all that are here, together in order of time.
func (c *call) facts() error {
	id, err := c.site()
	if err != nil {
		return err
	}
	sites, err := c.places(id)
	if err == nil && id == (journal.ID{}) && c.args.text("device") != "" {
		err = noSiteNamed()
	}
	if err != nil {
		return err
	}
	from, to, err := c.args.span(c.api.Now())
	if err != nil {
		return err
	}
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	limit := c.args.whole("limit")
	q := web.FactQuery{Device: hw.DeviceID(c.args.text("device")), Kind: factKind(c.args.text("kind")), From: from, To: to, Limit: limit + 1}
	var answer web.Facts
	var facts []web.Fact
	if id != (journal.ID{}) {
		answer.Site = id.String()
		facts, err = c.factsOf(sites[0], q)
	} else {
		facts, err = c.factsOfAll(sites, q)
	}
	if err != nil {
		return err
	}
	answer.Facts = append([]web.Fact{}, facts...)
	if answer.Truncated = len(facts) > limit; answer.Truncated {
		answer.Facts = answer.Facts[1:]
	}
	return c.answer(answer)
}

// factKinds are the words of the kinds that can be asked for.
func factKinds() (words []string) {
	for k := hw.ComponentFact; k <= hw.LearnedFact; k++ {
		words = append(words, k.String())
	}
	return words
}

// factKind is the kind of a word of factKinds; zero, which is every kind, where there is none.
func factKind(word string) hw.FactKind { return hw.FactKind(1 + slices.Index(factKinds(), word)) }

func (c *call) factsOf(s Site, q web.FactQuery) (facts []web.Fact, err error) {
	err = c.listOf(s, func(_ Site, p Place, _ func(any) error) error {
		facts, err = p.Facts(c.r.Context(), q)
		return c.unknown(p, q.Device, err)
	}, nil)
	return facts, err
}

// factsOfAll returns the newest facts of many sites.
func (c *call) factsOfAll(sites []Site, q web.FactQuery) (all []web.Fact, err error) {
	newest := func() {
		slices.SortStableFunc(all, func(a, b web.Fact) int { return a.At.Compare(b.At) })
		all = slices.Delete(all, 0, max(0, len(all)-q.Limit))
	}
	for _, s := range sites {
		if !time.Now().Before(c.lastly) {
			return nil, badRequest("to read the facts of so many sites takes too long", "ask for a shorter time, for a device, or for one site at a time")
		}
		facts, err := c.factsOf(s, q)
		if err != nil {
			return nil, err
		}
		for i := range facts {
			facts[i].Site = s.ID
		}
		if all = append(all, facts...); len(all) > 2*q.Limit {
			newest()
		}
	}
	newest()
	return all, nil
}

// The bounds of an aggregate.
const (
	maxBuckets = 100_000
	maxStep    = 366 * 24 * time.Hour
	leastStep  = time.Second
)

func (c *call) aggregate() error {
	site, err := c.site()
	if err != nil {
		return err
	}
	from, to, err := c.args.span(c.api.Now())
	if err != nil {
		return err
	}
	step := c.args.duration("step")
	switch {
	case c.args["step"] != nil && step < leastStep:
		return badRequest(fmt.Sprintf("step: %s is too short", step), "write 1s or more, or leave it out for one bucket")
	case step > 0 && to.Sub(from)/step > maxBuckets:
		return badRequest(fmt.Sprintf("the time from %s to %s has more than %d steps of %s", from.Format(time.RFC3339), to.Format(time.RFC3339), maxBuckets, step), "write a longer step, or ask for less time")
	}
	q := AggregateQuery{Site: site, Device: hw.DeviceID(c.args.text("device")), Component: c.args.text("component"), Sensor: c.args.text("sensor"),
		By: c.args.text("by"), Step: step, From: from, To: to, Limit: maxBuckets}
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	if err := c.checkDevice(q); err != nil {
		return err
	}
	answer := Aggregates{From: from, To: to, Step: step.Seconds(), By: q.By, Groups: []AggregateGroup{}}
	c.allow(maxMaking + blockTime)
	if err := c.api.Readings.Aggregate(c.r.Context(), q, func(b Bucket) error { answer.add(b); return nil }); err != nil {
		return err
	}
	if len(answer.Groups) == 0 {
		sites, err := c.places(site)
		if err == nil {
			err = c.nothing(sites, q)
		}
		if err != nil {
			return err
		}
	}
	return c.answer(answer)
}

// checkDevice says so when the one device that is asked for is nowhere known.
func (c *call) checkDevice(q AggregateQuery) error {
	if q.Device == "" {
		return nil
	}
	sites, err := c.places(q.Site)
	var unknown error
	for _, s := range sites {
		id, parseErr := s.id()
		p, placeErr := c.api.Sites.Place(c.r.Context(), id)
		if err = errors.Join(err, parseErr, placeErr); err != nil {
			return err
		}
		if _, err = p.Device(c.r.Context(), q.Device); err == nil {
			return nil
		}
		unknown = c.unknown(p, q.Device, err)
		err = nil
	}
	return errors.Join(err, unknown)
}

// add puts a bucket into its group.
func (a *Aggregates) add(b Bucket) {
	g := AggregateGroup{Device: b.Device, Component: b.Component, Sensor: b.Sensor, Type: b.Type.String()}
	if b.Site != (Bucket{}.Site) {
		g.Site = b.Site.String()
	}
	n := len(a.Groups)
	if n == 0 || a.Groups[n-1].Site != g.Site || a.Groups[n-1].Device != g.Device || a.Groups[n-1].Component != g.Component ||
		a.Groups[n-1].Sensor != g.Sensor || a.Groups[n-1].Type != g.Type {
		a.Groups = append(a.Groups, g)
		n++
	}
	x := AggregateBucket{Start: b.Start, End: b.End, LastAt: b.LastAt, Count: b.Count, Completeness: b.Completeness, Series: b.Series}
	if b.Count > 0 {
		x.Min, x.Max, x.Mean, x.Last = number(b.Min), number(b.Max), number(b.Mean), number(b.Last)
		if b.Type == hw.Counter {
			x.Increase = number(b.Increase)
		}
	}
	a.Groups[n-1].Buckets = append(a.Groups[n-1].Buckets, x)
}

// number is f, or null where JSON has no number for it.
func number(f float64) *float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}
