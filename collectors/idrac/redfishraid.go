package idrac

import (
	"maps"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// The bounds of section raid.
const (
	maxStores      = 32
	maxDrives      = 256 // on one controller
	maxVolumes     = 256 // likewise
	maxControllers = 4   // of one Storage
	maxBatteries   = 32
	maxShelves     = 32
)

// redfishRAID is what is remembered of section raid between visits.
type redfishRAID struct {
	populated map[string]bool   // ids of controllers that had drives or sets
	shelves   map[string]string // paths of backplanes and shelves, and the controller of each
	bare      map[string]int    // controller: how often in a row it told that it has no battery
	unseen    map[string]int    // likewise: how often no battery, or no enclosures, were seen, whatever it told
	absent    map[string]time.Time
	smart     smartMemory
}

// absentTime is how long a place that is not there is not asked for again.
const absentTime = 24 * time.Hour

// readRAID reads controllers, batteries, sets, drives and shelves: one request for all controllers, one or two for each
// that has drives, one a shelf. What the counters of a drive tell is read an hour apart.
func (s *redfishSide) readRAID(v *redfishVisit) {
	if s.raid.populated == nil {
		s.raid = redfishRAID{populated: map[string]bool{}, shelves: map[string]string{}, bare: map[string]int{}, unseen: map[string]int{}, absent: map[string]time.Time{}, smart: smartMemory{drives: map[string]*smartDrive{}}}
	}
	stores := s.readStores(v)
	for _, d := range stores {
		if v.Stopped == "" {
			s.readStore(v, d)
		}
	}
	if v.Stopped == "" {
		s.readBatteries(v, stores)
		s.readDellCollections(v, stores)
	}
	var list []parts.Part
	seen := map[string]bool{}
	take := func(p parts.Part) {
		if !seen[p.Path] {
			seen[p.Path] = true
			list = append(list, p)
		}
	}
	for _, d := range stores {
		if d.nothing() {
			continue
		}
		r := d.parts()
		for id, odd := range r.odd {
			v.Odd(sectionRAID, id, odd)
		}
		for _, p := range r.list {
			take(p)
		}
	}
	for _, p := range s.readShelves(v, stores) {
		take(p)
	}
	s.readSMART(v, stores, list)
	v.Add(list...)
}

// nothing says that a controller of the board has neither drives nor sets: it is no part of anybody's storage.
func (d *dellStore) nothing() bool {
	return d.sort() == sortChipset && len(d.Drives) == 0 && len(d.Volumes) == 0
}

// readStores reads the controllers.
func (s *redfishSide) readStores(v *redfishVisit) []*dellStore {
	if v.system.Storage.Path == "" {
		v.Partial(sectionRAID, "controllers", hw.NotSupported, "the system links to no storage")
		return nil
	}
	m, err := redfish.ReadMembers[redfish.Storage](v.ctx, s.client, v.system.Storage.Path, maxStores)
	if err != nil {
		v.Missed(sectionRAID, "controllers", err)
		return nil
	}
	s.missed(v, "", m.Failed)
	if m.Complete && s.settled(v, sectionRAID, "controllers", len(m.Items)) {
		maps.DeleteFunc(s.raid.shelves, func(_, id string) bool {
			return !slices.ContainsFunc(m.Items, func(x redfish.Item[redfish.Storage]) bool { return fqddAt(x.Path) == id })
		})
	}
	stores := make([]*dellStore, 0, len(m.Items))
	for _, x := range m.Items {
		d, odd := newDellStore(x.Path, x.Value)
		v.Odd(sectionRAID, d.ID, append(x.Odd, odd...))
		stores = append(stores, d)
	}
	return stores
}

// missed notes resources that could not be read.
func (s *redfishSide) missed(v *redfishVisit, below string, failed []redfish.Failure) {
	for _, f := range failed {
		v.Missed(sectionRAID, strings.TrimPrefix(below+"/"+fqddAt(f.Path), "/"), f.Err)
	}
}

// readStore reads drives and sets of a controller, and the controller itself where its Storage does not tell enough.
func (s *redfishSide) readStore(v *redfishVisit, d *dellStore) {
	sort := d.sort()
	if d.Storage.Drives != nil && len(d.Storage.Drives) == 0 && sort != sortRAID && !s.raid.populated[d.ID] {
		return
	}
	s.readDrives(v, d)
	if v.Stopped == "" {
		s.readVolumes(v, d)
	}
	if len(d.Drives)+len(d.Volumes) > 0 && len(s.raid.populated) < maxStores {
		s.raid.populated[d.ID] = true
	}
	if v.Stopped != "" || d.Storage.Controllers.Path == "" || sort != sortRAID && len(d.Storage.StorageControllers) > 0 {
		return
	}
	m, err := redfish.ReadMembers[redfish.StorageController](v.ctx, s.client, d.Storage.Controllers.Path, maxControllers)
	if err != nil {
		v.Missed(sectionRAID, d.ID+"/controller", err)
		return
	}
	s.missed(v, d.ID+"/controller", m.Failed)
	for _, x := range m.Items {
		v.Odd(sectionRAID, d.ID+"/controller", x.Odd)
		d.controllers = append(d.controllers, x.Value)
	}
}

func (s *redfishSide) readDrives(v *redfishVisit, d *dellStore) {
	m, err := redfish.ReadLinked[redfish.Drive](v.ctx, s.client, d.Storage.Path, "Drives", maxDrives)
	if err != nil {
		v.Missed(sectionRAID, d.ID+"/drives", err)
		return
	}
	s.missed(v, d.ID, m.Failed)
	if m.Complete {
		s.settled(v, sectionRAID, d.ID+"/drives", len(m.Items))
	}
	for _, x := range m.Items {
		x.Value.Path = x.Path
		v.Odd(sectionRAID, fqddAt(x.Path), x.Odd)
		d.Drives = append(d.Drives, x.Value)
	}
}

func (s *redfishSide) readVolumes(v *redfishVisit, d *dellStore) {
	if d.Storage.Volumes.Path == "" {
		v.Partial(sectionRAID, d.ID+"/volumes", hw.NotSupported, "it does not tell its volumes")
		return
	}
	m, err := redfish.ReadMembers[redfish.Volume](v.ctx, s.client, d.Storage.Volumes.Path, maxVolumes)
	if err != nil {
		v.Missed(sectionRAID, d.ID+"/volumes", err)
		return
	}
	s.missed(v, d.ID, m.Failed)
	d.Settled = m.Complete && s.settled(v, sectionRAID, d.ID+"/volumes", len(m.Items))
	for _, x := range m.Items {
		x.Value.Path = x.Path
		v.Odd(sectionRAID, fqddAt(x.Path), x.Odd)
		d.Volumes = append(d.Volumes, x.Value)
	}
}

// asked says whether a place that not every iDRAC has may be asked for.
func (s *redfishSide) asked(v *redfishVisit, path string) bool {
	return path != "" && !v.Started.Before(s.raid.absent[path])
}

// without notes that a place is not there; other errors are told.
func (s *redfishSide) without(v *redfishVisit, what, path string, err error) (absent bool) {
	if collectors.ReasonOf(err) == hw.NotSupported {
		if len(s.raid.absent) < maxStores {
			s.raid.absent[path] = v.Started.Add(absentTime)
		}
		return true
	}
	v.Missed(sectionRAID, what, err)
	return false
}

// readBatteries looks for the batteries that no Storage shows inline: by generation they stand elsewhere. A controller that can
// have one and shows none anywhere has none, when it was read so often enough.
func (s *redfishSide) readBatteries(v *redfishVisit, stores []*dellStore) {
	whole := true
	for _, d := range stores {
		whole = s.followBatteries(v, d) && whole
	}
	open := false
	for _, d := range stores {
		open = open || d.sort() == sortRAID && len(d.batteries) == 0
	}
	if open && s.places.generation >= 9 {
		whole = s.readBatteryHomes(v, stores) && whole
	}
	for _, d := range stores {
		if d.sort() == sortRAID {
			s.believeBattery(v, d, whole)
		}
	}
}

// believeBattery decides whether a controller that shows no battery has none. A reading before that is not whole, unless it
// is an iDRAC that shows none of any controller, or there is no cache to keep.
func (s *redfishSide) believeBattery(v *redfishVisit, d *dellStore, whole bool) {
	id, c := d.ID, d.oem.Dell.DellController
	believed := s.settled(v, sectionRAID, id+"/battery", len(d.batteries))
	if len(d.batteries) > 0 {
		delete(s.raid.bare, id)
		delete(s.raid.unseen, id)
		return
	}
	cached := c.CacheSizeInMB == nil || *c.CacheSizeInMB > 0
	if s.raid.unseen[id]++; s.raid.unseen[id] < emptyReadings && cached && s.places.generation >= 9 {
		v.Partial(sectionRAID, id+"/battery", hw.Inconsistent, "it shows no battery; believed when it stays so")
	}
	if told := c.ID != "" || c.CacheSizeInMB != nil; !told || !whole || !believed {
		delete(s.raid.bare, id)
		return
	}
	s.raid.bare[id]++
	d.bare = s.raid.bare[id] >= emptyReadings
}

// followBatteries reads the batteries a Storage only links to; false when one could not be read.
func (s *redfishSide) followBatteries(v *redfishVisit, d *dellStore) bool {
	whole, read := true, d.batteries[:0:0]
	for i, b := range d.batteries {
		if i >= maxControllers {
			break
		}
		if !b.link() {
			read = append(read, b)
			continue
		}
		path := b.Path
		whole = v.Stopped == "" && s.get(v, sectionRAID, fqddAt(path), path, &b) && whole
		b.Path = path
		read = append(read, b) // what could not be read is there all the same
	}
	d.batteries = read
	return whole
}

// readBatteryHomes reads the collections of batteries; false when one that may be there could not be read.
func (s *redfishSide) readBatteryHomes(v *redfishVisit, stores []*dellStore) bool {
	chassis := strings.TrimRight(s.places.chassis.Path, "/")
	if chassis == "" {
		return false
	}
	whole := true
	for _, path := range []string{chassis + "/Oem/Dell/DellControllerBattery", chassis + "/PowerSubsystem/Oem/Dell/DellControllerBattery"} {
		if v.Stopped != "" || !s.asked(v, path) {
			continue
		}
		m, err := redfish.ReadMembers[dellBattery](v.ctx, s.client, path, maxBatteries)
		if err != nil {
			whole = s.without(v, "batteries", path, err) && whole
			continue
		}
		s.missed(v, "", m.Failed)
		whole = whole && m.Complete
		for _, x := range m.Items {
			x.Value.Path = x.Path
			for _, d := range stores {
				if controllerIn(fqddAt(x.Path)) == d.ID && len(d.batteries) == 0 {
					d.batteries = append(d.batteries, x.Value)
				}
			}
		}
	}
	return whole && v.Stopped == ""
}

// readDellCollections reads what Dell tells of drives and sets where an iDRAC has that in collections of its own.
func (s *redfishSide) readDellCollections(v *redfishVisit, stores []*dellStore) {
	if s.places.generation < 9 {
		return
	}
	drives, volumes := false, false
	for _, d := range stores {
		if d.sort() != sortRAID {
			continue
		}
		d, v := d.untold()
		drives, volumes = drives || d, volumes || v
	}
	base := strings.TrimRight(s.places.system, "/") + "/Oem/Dell/"
	if drives {
		byID := readDell[dellDrive](s, v, base+"DellDrives", maxDrives)
		for _, d := range stores {
			d.driveOem = byID
		}
	}
	if volumes {
		byID := readDell[dellVolume](s, v, base+"DellVolumes", maxVolumes)
		for _, d := range stores {
			d.volumeOem = byID
		}
	}
}

// untold says whether no drive, and no set, has its Dell part inline.
func (d *dellStore) untold() (drives, volumes bool) {
	drives, volumes = len(d.Drives) > 0, len(d.Volumes) > 0
	for _, x := range d.Drives {
		var oem dellDriveOem
		if _, err := x.Oem.Decode(&oem); err == nil && (oem.Dell.DellPhysicalDisk.ID != "" || oem.Dell.DellPhysicalDisk.RaidStatus != "" || oem.Dell.DellPCIeSSD.ID != "") {
			drives = false
		}
	}
	for _, x := range d.Volumes {
		var oem dellVolumeOem
		if _, err := x.Oem.Decode(&oem); isRaw(x) || err == nil && (oem.Dell.DellVolume.ID+oem.Dell.DellVirtualDisk.ID != "" || oem.Dell.DellVolume.RaidStatus+oem.Dell.DellVirtualDisk.RaidStatus != "") {
			volumes = false
		}
	}
	return drives, volumes
}

// readDell reads a collection of Dell's by the ids of its members; nil where there is none.
func readDell[T any](s *redfishSide, v *redfishVisit, path string, limit int) map[string]T {
	if v.Stopped != "" || !s.asked(v, path) {
		return nil
	}
	m, err := redfish.ReadMembers[T](v.ctx, s.client, path, limit)
	if err != nil {
		s.without(v, fqddAt(path), path, err)
		return nil
	}
	s.missed(v, fqddAt(path), m.Failed)
	byID := make(map[string]T, len(m.Items))
	for _, x := range m.Items {
		byID[fqddAt(x.Path)] = x.Value
	}
	return byID
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
			s.findShelves(v, d)
		}
	}
	var list []parts.Part
	for _, path := range slices.Sorted(maps.Keys(s.raid.shelves)) {
		if v.Stopped != "" {
			break
		}
		var c redfish.Chassis
		id := fqddAt(path)
		if !s.get(v, sectionRAID, id, path, &c) {
			continue
		}
		c.Path = path
		var oem dellShelfOem
		odd, _ := c.Oem.Decode(&oem)
		v.Odd(sectionRAID, id, odd)
		d := &dellStore{Store: parts.Store{Section: sectionRAID, ID: s.raid.shelves[path], Name: fqddAt}}
		list = append(list, d.shelf(c, oem))
	}
	return list
}

// findShelves notes what a controller tells of its shelves.
func (s *redfishSide) findShelves(v *redfishVisit, d *dellStore) {
	garbled := slices.ContainsFunc(d.Storage.Links.Enclosures, func(l redfish.Link) bool { return !strings.HasPrefix(l.Path, "/") })
	if d.Storage.Links.Enclosures == nil || garbled {
		key := d.ID + "/enclosures"
		if s.raid.unseen[key]++; s.raid.unseen[key] < emptyReadings {
			v.Partial(sectionRAID, key, hw.NotSupported, "it does not tell its enclosures; believed when it stays so")
		}
		return
	}
	delete(s.raid.unseen, d.ID+"/enclosures")
	told := map[string]bool{}
	for _, l := range d.Storage.Links.Enclosures {
		if !strings.HasPrefix(fqddAt(l.Path), "Enclosure.") {
			continue
		}
		told[l.Path] = true
		if _, known := s.raid.shelves[l.Path]; !known && len(s.raid.shelves) < maxShelves {
			s.raid.shelves[l.Path] = d.ID
		}
	}
	maps.DeleteFunc(s.raid.shelves, func(path, id string) bool { return id == d.ID && !told[path] })
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
