package api

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// LatestList is the answer of GET /api/v1/latest, in order of site id and device.
type LatestList struct {
	Devices []web.Latest `json:"devices"` // of which a sensor that is asked for was read
	Next    string       `json:"next"`    // to go on after; empty: that was all
	More    bool         `json:"more"`    // a bound of the answer was reached: ask again after next
}

// latestCall is one answer of the last readings of many devices being made.
type latestCall struct {
	*call
	answer LatestList
	left   int // readings, until no other device is begun
	until  time.Time
}

// latestOfAll gives the last readings of the devices behind a place in the order of site ids and devices.
func (c *call) latestOfAll() error {
	id, err := c.site()
	if err != nil {
		return err
	}
	after, err := readAfter(c.args.text("after"))
	if err != nil {
		return err
	}
	sites, err := c.places(id)
	if err != nil {
		return err
	}
	leave, err := c.inTurn()
	if err != nil {
		return err
	}
	defer leave()
	q := AggregateQuery{Site: id, Device: hw.DeviceID(c.args.text("device")), Component: c.args.text("component"), Sensor: c.args.text("sensor")}
	if err := c.checkDevice(q); err != nil {
		return err
	}
	x := latestCall{call: c, answer: LatestList{Devices: []web.Latest{}}, left: c.args.whole("limit"), until: time.Now().Add(maxMaking)}
	for _, s := range slices.SortedFunc(slices.Values(sites), func(a, b Site) int { return cmp.Compare(a.ID, b.ID) }) {
		if x.answer.More || s.ID < after.site {
			continue
		}
		if err := c.listOf(s, func(s Site, p Place, _ func(any) error) error { return x.ofSite(s, p, q, after) }, nil); err != nil {
			return err
		}
	}
	if !x.answer.More {
		x.answer.Next = ""
	}
	if len(x.answer.Devices) == 0 && !x.answer.More && after == (deviceAt{}) {
		if err := c.nothing(sites, q); err != nil {
			return err
		}
	}
	return c.answer(x.answer)
}

// ofSite adds the devices of a site, until a bound is reached.
func (x *latestCall) ofSite(s Site, p Place, q AggregateQuery, after deviceAt) error {
	devices, err := p.Devices(x.r.Context())
	if err != nil {
		return err
	}
	var ids []hw.DeviceID
	for _, d := range devices {
		if (q.Device == "" || d.ID == q.Device) && (s.ID > after.site || d.ID > after.device) {
			ids = append(ids, d.ID)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if x.answer.Next != "" && (x.left <= 0 || !time.Now().Before(x.until)) { // one device at least: else it would never get on
			x.answer.More = true
			return nil
		}
		readings, err := p.Latest(x.r.Context(), id)
		if err != nil && !errors.Is(err, web.ErrUnknownDevice) { // it was taken out meanwhile
			return err
		}
		readings = slices.DeleteFunc(slices.Clone(readings), func(r web.Reading) bool { return !like(q.Component, r.Component) || !like(q.Sensor, r.Sensor) })
		if x.left -= len(readings); len(readings) > 0 {
			x.answer.Devices = append(x.answer.Devices, web.Latest{Site: s.ID, Device: id, Readings: readings})
		}
		x.answer.Next = deviceAt{s.ID, id}.String()
	}
	return nil
}

// deviceAt is a place in the order of all devices.
type deviceAt struct {
	site   string // id
	device hw.DeviceID
}

// String returns the text readAfter reads.
func (d deviceAt) String() string { return d.site + "/" + string(d.device) }

func readAfter(s string) (deviceAt, error) {
	if s == "" {
		return deviceAt{}, nil
	}
	site, device, ok := strings.Cut(s, "/")
	if id, err := journal.ParseID(site); !ok || err != nil || id.String() != site {
		return deviceAt{}, badRequest(fmt.Sprintf("after: %.100q is no next of an answer", s), "write what an earlier answer gave as next, or leave it out to begin anew")
	}
	return deviceAt{site, hw.DeviceID(device)}, nil
}
