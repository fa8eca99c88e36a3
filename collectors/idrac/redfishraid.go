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
)

// The bounds of section raid.
const (
	maxStores      = 32
	maxDrives      = 256 // on one controller
	maxVolumes     = 256 // likewise
	maxControllers = 4   // of one Storage
	maxBatteries   = 32
	maxShelves     = 32
	maxListed      = 1024 // drives, or sets, of all controllers together
)

// redfishRAID is what is remembered of section raid between visits.
type redfishRAID struct {
	populated map[string]bool      // ids of controllers that had drives or sets
	shelves   map[string]dellPlace // backplanes and shelves, by path
	bare      map[string]int       // controller: how often in a row it told that it has no battery
	unseen    map[string]int       // likewise: how often no battery, or no enclosures, were seen, whatever it told
	powered   map[string]bool      // controllers that showed a battery
	absent    map[string]time.Time
	smart     smartMemory
}

// absentTime is how long a place that is not there is not asked for again.
const absentTime = 24 * time.Hour

// readRAID reads controllers, batteries, sets, drives and shelves: one request for all controllers, one or two for each
// that has drives, one a shelf. What the counters of a drive tell is read an hour apart.
func (s *redfishSide) readRAID(v *redfishVisit) {
	if s.raid.populated == nil {
		s.raid = redfishRAID{populated: map[string]bool{}, shelves: map[string]dellPlace{}, bare: map[string]int{}, unseen: map[string]int{}, powered: map[string]bool{}, absent: map[string]time.Time{}, smart: smartMemory{drives: map[string]*smartDrive{}}}
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
		maps.DeleteFunc(s.raid.shelves, func(_ string, at dellPlace) bool {
			return !slices.ContainsFunc(m.Items, func(x redfish.Item[redfish.Storage]) bool { return fqddAt(x.Path) == at.controller })
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
		if sort := d.sort(); sort == sortHBA || sort == sortDirect || sort == sortChipset {
			return // it makes no sets
		}
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
	if open && s.places.tellsRAID() {
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
		s.raid.powered[id] = true
		return
	}
	told := c.ID != "" || c.CacheSizeInMB != nil
	if d.garbled || !told && s.raid.powered[id] {
		v.Partial(sectionRAID, id+"/battery", hw.Garbage, "what Dell adds to the controller cannot be read: a battery may be there")
	}
	cached := c.CacheSizeInMB == nil || *c.CacheSizeInMB > 0
	if s.raid.unseen[id]++; s.raid.unseen[id] < emptyReadings && cached && s.places.tellsRAID() {
		v.Partial(sectionRAID, id+"/battery", hw.Inconsistent, "it shows no battery; believed when it stays so")
	}
	if d.garbled || !told || !whole || !believed {
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
	if !s.places.tellsRAID() {
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
		byID := readDell[dellDrive](s, v, base+"DellDrives", maxListed)
		for _, d := range stores {
			d.driveOem = byID
		}
	}
	if volumes {
		byID := readDell[dellVolume](s, v, base+"DellVolumes", maxListed)
		for _, d := range stores {
			d.volumeOem = byID
		}
	}
}

// untold says whether no drive, and no set, has its Dell part inline. What is given through is no set.
func (d *dellStore) untold() (drives, volumes bool) {
	drives = len(d.Drives) > 0
	for _, x := range d.Drives {
		var oem dellDriveOem
		_, _ = x.Oem.Decode(&oem)
		if o := oem.Dell; o.DellPhysicalDisk.ID+o.DellPhysicalDisk.RaidStatus+o.DellPCIeSSD.ID+o.DellDrive.ID+o.DellDrive.RaidStatus != "" {
			drives = false
		}
	}
	told := false
	for _, x := range d.Volumes {
		var oem dellVolumeOem
		_, _ = x.Oem.Decode(&oem)
		o := oem.Dell
		volumes = volumes || !isRaw(x)
		told = told || !isRaw(x) && o.DellVolume.ID+o.DellVolume.RaidStatus+o.DellVirtualDisk.ID+o.DellVirtualDisk.RaidStatus != ""
	}
	return drives, volumes && !told
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
