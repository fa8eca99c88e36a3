package idrac

import (
	"maps"
	"path"
	"slices"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// dellPlace is whose backplane or shelf stands at a path.
type dellPlace struct {
	controller string
	guessed    bool // nothing links to it: a drive has its name
}

// dellShelfOem is what Dell adds to the Chassis of a backplane or shelf.
type dellShelfOem struct {
	Dell struct {
		DellChassisEnclosure, DellEnclosure dellShelf
	}
}

type dellShelf struct {
	ServiceTag string
	SlotCount  *int64
	Version    string
}

// readShelves reads the backplanes and shelves of the controllers that have drives. A controller that does not tell its own this
// time has those it had.
func (s *redfishSide) readShelves(v *redfishVisit, stores []*dellStore) []parts.Part {
	for _, d := range stores {
		if s.raid.populated[d.ID] {
			s.findShelves(v, d, stores)
		}
	}
	var list []parts.Part
	for _, at := range slices.Sorted(maps.Keys(s.raid.shelves)) {
		if v.Stopped != "" {
			break
		}
		shelf := s.raid.shelves[at]
		if shelf.guessed && !s.asked(v, at) {
			continue
		}
		var c redfish.Chassis
		id := fqddAt(at)
		a, err := s.client.Get(v.ctx, at, &c)
		switch {
		case err != nil && shelf.guessed && collectors.ReasonOf(err) == hw.NotSupported:
			s.without(v, id, at, err)
			continue
		case err != nil:
			v.Missed(sectionRAID, id, err)
			continue
		}
		c.Path = at
		var oem dellShelfOem
		odd, _ := c.Oem.Decode(&oem)
		v.Odd(sectionRAID, id, append(a.Odd, odd...))
		d := &dellStore{Store: parts.Store{Section: sectionRAID, ID: shelf.controller, Name: fqddAt}}
		list = append(list, d.shelf(c, oem))
	}
	return list
}

// findShelves notes what a controller tells of its shelves, and those its drives are in, whatever it tells.
func (s *redfishSide) findShelves(v *redfishVisit, d *dellStore, stores []*dellStore) {
	links := d.Storage.Links.Enclosures
	untold := links == nil || slices.ContainsFunc(links, func(l redfish.Link) bool { return !strings.HasPrefix(l.Path, "/") })
	told := map[string]bool{} // by id
	note := func(at string, guessed bool) {
		told[fqddAt(at)] = true
		if was, known := s.raid.shelves[at]; known && !was.guessed || len(s.raid.shelves) >= maxShelves {
			return
		}
		maps.DeleteFunc(s.raid.shelves, func(other string, was dellPlace) bool { return was.guessed && fqddAt(other) == fqddAt(at) })
		s.raid.shelves[at] = dellPlace{ownerOf(fqddAt(at), d, stores), guessed}
	}
	for _, l := range links {
		if strings.HasPrefix(fqddAt(l.Path), "Enclosure.") && strings.HasPrefix(l.Path, "/") {
			note(l.Path, false)
		}
	}
	for at, was := range s.raid.shelves {
		if untold && was.controller == d.ID {
			told[fqddAt(at)] = true
		}
	}
	for _, x := range d.Drives {
		shelf := shelfOf(fqddAt(x.Path))
		switch {
		case shelf == "" || told[shelf]:
		case fqddAt(x.Links.Chassis.Path) == shelf && strings.HasPrefix(x.Links.Chassis.Path, "/"):
			note(x.Links.Chassis.Path, true)
		default:
			note(path.Dir(chassisPath)+"/"+shelf, true)
		}
	}
	key := d.ID + "/enclosures"
	if untold {
		if s.raid.unseen[key]++; s.raid.unseen[key] < emptyReadings {
			v.Partial(sectionRAID, key, hw.NotSupported, "it does not tell its enclosures; believed when it stays so")
		}
		return
	}
	delete(s.raid.unseen, key)
	maps.DeleteFunc(s.raid.shelves, func(at string, was dellPlace) bool { return was.controller == d.ID && !told[fqddAt(at)] })
}

// ownerOf returns the id of the controller of a backplane or shelf: the one its FQDD names, or d, which tells of it.
func ownerOf(shelf string, d *dellStore, stores []*dellStore) string {
	named := controllerIn(shelf)
	if slices.ContainsFunc(stores, func(x *dellStore) bool { return x.ID == named }) {
		return named
	}
	return d.ID
}

// shelfOf returns the id of the backplane or shelf that the FQDD of a drive names, empty for a drive that is in none.
func shelfOf(drive string) string {
	if _, shelf, _ := strings.Cut(drive, ":"); strings.HasPrefix(shelf, "Enclosure.") {
		return shelf
	}
	return ""
}

func (d *dellStore) shelf(c redfish.Chassis, oem dellShelfOem) parts.Part {
	p := d.Enclosure(c)
	for _, x := range []dellShelf{oem.Dell.DellChassisEnclosure, oem.Dell.DellEnclosure} {
		p.FillAttr(raid.KeyFirmware, strings.TrimSpace(x.Version))
		p.FillAttr("service_tag", strings.TrimSpace(x.ServiceTag))
		if n := x.SlotCount; n != nil && *n > 0 && *n < 256 {
			p.FillAttr("slots", digits(uint64(*n)))
		}
	}
	return p
}
