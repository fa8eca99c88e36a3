package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// The bounds of what is read of storage.
const (
	maxStores      = 64
	maxDrives      = 256 // of a controller
	maxVolumes     = 256
	maxControllers = 8 // of a Storage: two, where they stand in for each other
	maxEnclosures  = 16
	controllersAge = time.Hour // how old what is known of a controller may be while its status stays
)

// controllers are the resources of the controllers of a Storage, which are read seldom.
type controllers struct {
	at     time.Time
	status redfish.Status
	list   []redfish.StorageController
}

// readRAID reads controllers, drives, volumes and enclosures, and judges them.
func (s *server) readRAID(v *visit) {
	defer func() { parts.Judge(&v.Report.Report, sectionRAID, s.target.Policy) }()
	if v.system.Storage.Path == "" {
		v.Fail(sectionRAID, hw.NotSupported, "the controller does not show its storage")
		return
	}
	stores, err := redfish.ReadMembers[redfish.Storage](v.ctx, s.client, v.system.Storage.Path, maxStores)
	if err != nil {
		v.Missed(sectionRAID, "storage", err)
		return
	}
	missed(v, sectionRAID, "storage", stores.Failed)
	s.settled(v, sectionRAID, "storage", len(stores.Items))
	enclosures := map[string]bool{}
	for _, item := range stores.Items {
		v.Odd(sectionRAID, parts.Last(item.Path), item.Odd)
		if v.Stopped != "" {
			v.Partial(sectionRAID, parts.Last(item.Path), v.Stopped, "")
			return
		}
		s.readStore(v, item.Path, item.Value, enclosures)
	}
}

// missed notes the resources of a list that could not be read.
func missed(v *visit, section, what string, failed []redfish.Failure) {
	for _, f := range failed {
		name := what
		if f.Path != "" {
			name += "/" + parts.Last(f.Path)
		}
		v.Missed(section, name, f.Err)
	}
}

// list reads resources that another one links to.
func list[T any](s *server, v *visit, section, path, property string, limit int) (redfish.Members[T], bool) {
	what := strings.TrimPrefix(path, "/redfish/v1/")
	m, err := redfish.ReadLinked[T](v.ctx, s.client, path, property, limit)
	if err != nil {
		v.Missed(section, what, err)
		return m, false
	}
	missed(v, section, what, m.Failed)
	if !m.Complete && len(m.Failed) == 0 {
		v.Partial(section, what, hw.Inconsistent, "")
	}
	for _, item := range m.Items {
		v.Odd(section, parts.Last(item.Path), item.Odd)
	}
	return m, s.settled(v, section, what, len(m.Items)) && m.Complete
}

// readStore reads one Storage: a controller with what hangs on it.
func (s *server) readStore(v *visit, path string, storage redfish.Storage, enclosures map[string]bool) {
	id := raid.ID(parts.Last(path))
	store := parts.Store{Section: sectionRAID, ID: id, Name: s.namer(id), Storage: storage, Settled: true}
	if len(storage.Drives) > 0 || s.knew(path+"/drives") {
		drives, _ := list[redfish.Drive](s, v, sectionRAID, path, "Drives", maxDrives)
		for _, d := range drives.Items {
			d.Value.Path = d.Path
			if !parts.EmptyBay(d.Value) {
				store.Drives = append(store.Drives, d.Value)
			}
		}
		s.had[path+"/drives"] = 0
	}
	if storage.Volumes.Path != "" {
		volumes, settled := list[redfish.Volume](s, v, sectionRAID, storage.Volumes.Path, "Members", maxVolumes)
		store.Settled = settled
		for _, x := range volumes.Items {
			x.Value.Path = x.Path
			store.Volumes = append(store.Volumes, x.Value)
		}
	}
	v.Add(store.Controller(s.controllers(v, path, storage)...))
	for _, x := range store.Volumes {
		if p, ok := store.Volume(x); ok {
			v.Add(p)
		}
	}
	for _, d := range store.Drives {
		p := store.Drive(d)
		s.drives[p.Path] = d.Path
		v.Add(p)
	}
	s.readEnclosures(v, &store, enclosures)
}

// knew says whether a list had members at an earlier visit.
func (s *server) knew(what string) bool {
	_, ok := s.had[what]
	return ok
}

// namer returns how the parts of a controller are called: by FQDD where the ids are that, else by id and controller.
func (s *server) namer(controller string) func(string) string {
	joined := parts.Joined(controller)
	return func(path string) string {
		if id := parts.Last(path); s.places.dell {
			return raid.ID(id)
		}
		return joined(path)
	}
}

// controllers returns the controllers of a Storage that are resources of their own.
func (s *server) controllers(v *visit, path string, storage redfish.Storage) []redfish.StorageController {
	if storage.Controllers.Path == "" {
		return nil
	}
	known, ok := s.stores[path]
	if ok && known.status == storage.Status && s.now().Sub(known.at) < controllersAge {
		return known.list
	}
	if v.Stopped != "" {
		return known.list
	}
	m, err := redfish.ReadMembers[redfish.StorageController](v.ctx, s.client, storage.Controllers.Path, maxControllers)
	if err != nil {
		v.Missed(sectionRAID, parts.Last(path)+"/controllers", err)
		return known.list
	}
	missed(v, sectionRAID, parts.Last(path)+"/controllers", m.Failed)
	fresh := controllers{at: s.now(), status: storage.Status}
	for _, x := range m.Items {
		fresh.list = append(fresh.list, x.Value)
	}
	if m.Complete {
		s.stores[path] = fresh
	}
	return fresh.list
}

// readEnclosures reads the shelves and backplanes of a controller. The box of the server is none.
func (s *server) readEnclosures(v *visit, store *parts.Store, seen map[string]bool) {
	for _, path := range pathsOf(store.Storage.Links.Enclosures) {
		own := slices.ContainsFunc(s.places.chassis, func(c redfish.Chassis) bool { return strings.EqualFold(c.Path, path) })
		if own || seen[path] || len(seen) >= maxEnclosures || v.Stopped != "" {
			continue
		}
		seen[path] = true
		var c redfish.Chassis
		if s.get(v, sectionRAID, "enclosure/"+parts.Last(path), path, &c) {
			c.Path = path
			v.Add(store.Enclosure(c))
		}
	}
}

// noDrive is what to say of a drive that is not there.
func noDrive(v *visit, component string) error {
	for _, g := range v.Gaps {
		return &collectors.VisitError{Reason: g.Reason, Err: fmt.Errorf("look for %s: %s: %s", component, g.What, g.Detail)}
	}
	return unable(fmt.Errorf("there is no %s", component))
}
