package server

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// How many resources are looked at to find the server.
const (
	maxSystems  = 8
	maxManagers = 4
	maxChassis  = 8
)

// places is where things stand on this device: found once a unit.
type places struct {
	known   bool
	dell    bool
	systems int    // the service shows
	system  string // path of the one that is read
	chassis []redfish.Chassis
	unread  error  // why not all boxes are known; nil: they are
	control string // path of the manager; empty where none is linked
	manager redfish.Manager
	root    redfish.ServiceRoot
}

// find reads the root, the system, the chassis it stands in and its manager. An error says that no system can be
// read; a chassis or a manager that cannot is looked for again at the next visit.
func (s *server) find(v *visit) error {
	root, err := s.client.Root(v.ctx)
	if err != nil {
		return err
	}
	p := places{root: root}
	paths, err := s.systems(v, root)
	if err != nil {
		return err
	}
	p.systems = len(paths)
	if len(paths) > 1 {
		paths = s.managed(v, root, paths)
	}
	for i, path := range paths[:min(len(paths), maxSystems)] {
		var system redfish.ComputerSystem
		a, err := s.client.Get(v.ctx, path, &system)
		if err != nil && (redfish.Over(err) || i+1 == min(len(paths), maxSystems)) && p.system == "" {
			return err
		}
		if err == nil && (p.system == "" || isServer(&system)) {
			p.system, v.system, v.odd = path, system, a.Odd
			if isServer(&system) {
				break
			}
		}
	}
	p.dell = isDell(v.system.Manufacturer) || isDell(root.Vendor)
	p.chassis, p.unread = s.chassis(v, root)
	p.known = s.readManager(v, root, &p) && p.unread == nil
	s.places = p
	return nil
}

// isServer says whether a system is a machine and not a part of one, or one made of software.
func isServer(c *redfish.ComputerSystem) bool {
	return slices.Contains([]string{"", "Physical", "PhysicallyPartitioned"}, c.SystemType)
}

// systems returns the paths of the systems of the service.
func (s *server) systems(v *visit, root redfish.ServiceRoot) ([]string, error) {
	if root.Systems.Path == "" {
		return nil, &collectors.VisitError{Reason: hw.WrongKind, Err: errors.New("the Redfish service has no Systems"),
			Hint: "it manages no server: a power strip, a chassis or an enclosure; give the address of the server's own controller"}
	}
	paths, err := s.links(v, root.Systems.Path)
	if err != nil && !redfish.Over(err) {
		if named := s.managed(v, root, nil); len(named) > 0 {
			v.Gap(sectionHeartbeat+"/systems", collectors.ReasonOf(err), err.Error())
			return named, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, &collectors.VisitError{Reason: hw.NotReady, Err: fmt.Errorf("%s is empty", root.Systems.Path), RetryAfter: time.Minute,
			Hint: "after a reset a controller shows its server some minutes later; the manager of a chassis may never show one"}
	}
	return paths, nil
}

// links reads the links of a collection.
func (s *server) links(v *visit, path string) ([]string, error) {
	var list struct{ Members []redfish.Link }
	if _, err := s.client.Get(v.ctx, path, &list); err != nil {
		return nil, err
	}
	return pathsOf(list.Members), nil
}

func pathsOf(list []redfish.Link) []string {
	var paths []string
	for _, l := range list {
		if l.Path != "" {
			paths = append(paths, l.Path)
		}
	}
	return paths
}

// managed puts the systems first that the first manager of servers names, in its order. Of no paths it returns those it names.
func (s *server) managed(v *visit, root redfish.ServiceRoot, paths []string) []string {
	managers, err := s.links(v, root.Managers.Path)
	if err != nil {
		return paths
	}
	for _, path := range managers[:min(len(managers), maxManagers)] {
		var m redfish.Manager
		if _, err := s.client.Get(v.ctx, path, &m); err != nil {
			continue
		}
		var first []string
		for _, p := range pathsOf(m.Links.ManagerForServers) {
			if paths == nil || slices.Contains(paths, p) {
				first = append(first, p)
			}
		}
		if len(first) > 0 {
			return append(first, slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return slices.Contains(first, p) })...)
		}
	}
	return paths
}

// chassis returns the boxes the system stands in: those it links to, else the ones that link to it. The error says that one of
// them could not be read.
func (s *server) chassis(v *visit, root redfish.ServiceRoot) (found []redfish.Chassis, unread error) {
	paths, linked := pathsOf(v.system.Links.Chassis), true
	if len(paths) == 0 {
		linked = false
		all, err := s.links(v, root.Chassis.Path)
		if err != nil && collectors.ReasonOf(err) != hw.NotSupported {
			return nil, err
		}
		paths = all
	}
	for _, path := range paths[:min(len(paths), maxChassis)] {
		var c redfish.Chassis
		if _, err := s.client.Get(v.ctx, path, &c); err != nil {
			if collectors.ReasonOf(err) != hw.NotSupported {
				unread = err
			}
			continue
		}
		if c.Path == "" {
			c.Path = path
		}
		if linked || len(paths) == 1 || slices.Contains(pathsOf(c.Links.ComputerSystems), v.system.Path) {
			found = append(found, c)
		}
	}
	return found, unread
}

// readManager reads the controller itself. False: it could not be read, and may be later.
func (s *server) readManager(v *visit, root redfish.ServiceRoot, p *places) bool {
	paths := pathsOf(v.system.Links.ManagedBy)
	if len(paths) == 0 {
		all, err := s.links(v, root.Managers.Path)
		if err != nil {
			return collectors.ReasonOf(err) == hw.NotSupported
		}
		paths = all
	}
	if len(paths) == 0 {
		return true
	}
	var m redfish.Manager
	p.control = paths[0]
	_, err := s.client.Get(v.ctx, p.control, &m)
	if err == nil {
		p.manager = m
	}
	return err == nil || collectors.ReasonOf(err) == hw.NotSupported
}
