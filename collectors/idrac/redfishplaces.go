package idrac

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// places is where things stand on this iDRAC. They are found once a unit, a firmware and a collector.
type places struct {
	known      bool
	generation int // of the iDRAC: 7 to 10; 0 is not known
	root       redfish.ServiceRoot
	system     string // path
	chassis    redfish.Chassis
	manager    redfish.Manager
	told       time.Time     // when chassis and manager were read
	unread     []missedPlace // what of them could not be read: its parts are looked for where Dell has them
	skew       time.Duration // what the iDRAC's clock is ahead of ours
}

// missedPlace is a resource that was looked for and could not be read.
type missedPlace struct {
	what, path string
	err        error
}

// What is looked for beside the system.
const (
	placeChassis = "chassis"
	placeManager = "manager"
)

// Where an iDRAC has its server, in case that nothing links to it.
const (
	systemPath  = "/redfish/v1/Systems/System.Embedded.1"
	chassisPath = "/redfish/v1/Chassis/System.Embedded.1"
	managerPath = "/redfish/v1/Managers/iDRAC.Embedded.1"
)

// chassisAt is a chassis that was not read: its parts stand where Dell has them.
func chassisAt(path string) redfish.Chassis {
	c := redfish.Chassis{Thermal: redfish.Link{Path: path + "/Thermal"}, Power: redfish.Link{Path: path + "/Power"}}
	c.ThermalSubsystem.Path, c.PowerSubsystem.Path = path+"/ThermalSubsystem", path+"/PowerSubsystem"
	c.NetworkAdapters.Path, c.Path = path+"/NetworkAdapters", path
	return c
}

// managerAt is the same of the iDRAC itself.
func managerAt(path string) redfish.Manager {
	m := redfish.Manager{LogServices: redfish.Link{Path: path + "/LogServices"}}
	m.Path = path
	return m
}

// The times an iDRAC needs to see its parts after it started, and after which it is asked again what it is.
const (
	startTime   = 15 * time.Minute
	reloginTime = 10 * time.Minute // where the iDRAC does not tell since when it has been up
	retryTime   = 5 * time.Minute  // after a chassis or manager that could not be read
)

// dellSystem is what Dell adds to the system.
type dellSystem struct {
	ChassisServiceTag   string
	NodeID              string
	ExpressServiceCode  string
	PSRollup            string `json:"PSRollupStatus"`
	VoltRollup          string `json:"VoltRollupStatus"`
	CurrentRollup       string `json:"CurrentRollupStatus"`
	FanRollup           string `json:"FanRollupStatus"`
	TempRollup          string `json:"TempRollupStatus"`
	MemoryPrimaryStatus string `json:"SysMemPrimaryStatus"`
	IntrusionRollup     string `json:"IntrusionRollupStatus"`
	CPURollup           string `json:"CPURollupStatus"`
	BatteryRollup       string `json:"BatteryRollupStatus"`
	StorageRollup       string `json:"StorageRollupStatus"`
	SELRollup           string `json:"SELRollupStatus"`
	LicensingRollup     string `json:"LicensingRollupStatus"`
	SDCardRollup        string `json:"SDCardRollupStatus"`
	IDSDMRollup         string `json:"IDSDMRollupStatus"`
}

// ofDell is what a resource's Oem holds on a Dell.
type ofDell struct {
	Dell struct {
		DellSystem dellSystem
	}
}

// beat reads the system: the first request of a visit, and the only one of most heartbeats. What follows a heartbeat at
// once goes by what that read. Before the first it
// finds where things are; once an hour, with the inventory, and after a new login it reads anew what the iDRAC is.
// Its error means that the device did not answer, or is none of ours.
func (s *redfishSide) beat(v *redfishVisit, due []collectors.Section) error {
	if s.places.known && !s.follow(v, due) {
		err := s.readSystem(v, s.places.system)
		if err != nil && collectors.ReasonOf(err) == hw.NotSupported && !redfish.Over(err) {
			s.move() // it was there: it has moved
		} else if err != nil && !s.bears(err) {
			return err
		} else if err != nil {
			v.withoutSystem(s.places.system, err)
		}
	}
	if !s.places.known {
		if err := s.find(v); err != nil {
			return err
		}
	}
	relogin := s.relogin()
	serial := v.serial()
	if serial != "" && s.serial != "" && serial != s.serial {
		s.forget()
		if err := s.find(v); err != nil {
			return err
		}
	}
	if serial != "" {
		s.serial = serial
	}
	if v.lost != nil {
		if err := s.alive(v); err != nil {
			return err
		}
	} else if (isDue(due, sectionInventory) || relogin || len(s.places.unread) > 0 && v.now.Sub(s.places.told) >= retryTime) && !v.fresh {
		if err := s.refresh(v); err != nil && redfish.Over(err) {
			return err
		}
	}
	s.judgeAge(v, relogin)
	if v.lost == nil {
		v.Unit = s.unit(v)
	}
	return nil
}

// relogin says whether the session is another one than at the visit before: that of before was lost, or is old.
func (s *redfishSide) relogin() bool {
	n := s.client.Counters().Logins
	again := s.logins > 0 && n != s.logins
	s.logins = n
	return again
}

// readSystem reads the system and what Dell adds to it.
func (s *redfishSide) readSystem(v *redfishVisit, at string) error {
	v.system, v.dell = redfish.ComputerSystem{}, dellSystem{}
	a, err := s.client.Get(v.ctx, at, &v.system)
	if err != nil {
		return err
	}
	var oem ofDell
	odd, err := v.system.Oem.Decode(&oem)
	if err != nil {
		odd = append(odd, redfish.Odd{Property: "Oem", What: err.Error()})
	}
	v.dell = oem.Dell.DellSystem
	for _, o := range append(a.Odd, odd...) {
		v.Gap(sectionHeartbeat+"/system/"+o.Property, hw.Garbage, o.What)
	}
	return nil
}

// withoutSystem goes on where the system's document cannot be read and SNMP does not stand in: what is below it may be well.
func (v *redfishVisit) withoutSystem(at string, err error) {
	v.lost, v.system, v.dell = err, redfish.ComputerSystem{}, dellSystem{}
	v.system.Processors.Path, v.system.Memory.Path, v.system.Storage.Path = at+"/Processors", at+"/Memory", at+"/Storage"
}

// bears says whether an error of the system is one of that document alone, so that a visit may go on without. SNMP, where
// it is there, tells more than what is left.
func (s *redfishSide) bears(err error) bool {
	var v *collectors.VisitError
	return s.alone && !redfish.Over(err) && errors.As(err, &v) && v.Reason != hw.NotReady && v.RetryAfter == 0
}

// alive says whether the iDRAC tells of the chassis or of itself while the system cannot be read: else that is
// the error of the visit.
func (s *redfishSide) alive(v *redfishVisit) error {
	if !v.fresh {
		if err := s.refresh(v); err != nil {
			return err
		}
	}
	if len(s.places.unread) > 1 {
		return v.lost
	}
	return nil
}

// find reads the root, the system, the chassis it stands in and its iDRAC.
func (s *redfishSide) find(v *redfishVisit) error {
	root, err := s.client.Root(v.ctx)
	if err != nil {
		return err
	}
	if root.Vendor != "" && !root.Of("Dell") {
		return notDell(root.Vendor)
	}
	p := places{root: root}
	var systems struct {
		Members []redfish.Link
	}
	_, missed := s.client.Get(v.ctx, root.Systems.Path, &systems)
	switch {
	case redfish.Over(missed):
		return missed
	case missed != nil:
		p.system = systemPath
	default:
		p.system = serverOf(systems.Members)
	}
	if p.system == "" {
		return &collectors.VisitError{
			Reason: hw.NotReady, Err: errors.New("the iDRAC shows no system"), RetryAfter: 30 * time.Second,
			Hint: "it starts, or is being updated; where it stays so, restart the iDRAC (racadm racreset)",
		}
	}
	switch err := s.readSystem(v, p.system); {
	case err == nil:
	case !s.bears(err), collectors.ReasonOf(err) == hw.NotSupported, path.Base(p.system) != path.Base(systemPath):
		return err
	default:
		v.withoutSystem(p.system, err)
	}
	if missed != nil {
		v.Gap(sectionHeartbeat+"/systems", collectors.ReasonOf(missed), missed.Error())
	}
	if v.lost == nil && !root.Of("Dell") && !strings.Contains(v.system.Manufacturer, "Dell") && len(v.dell.NodeID+v.dell.ChassisServiceTag) == 0 {
		return notDell(v.system.Manufacturer)
	}
	s.places = p
	if err := s.refresh(v); err != nil {
		s.places = places{}
		return err
	}
	s.places.known = true
	return nil
}

// serverOf returns the path of the server among the systems: a DPU in it is one too.
func serverOf(systems []redfish.Link) string {
	for _, l := range systems {
		if path.Base(l.Path) == "System.Embedded.1" {
			return l.Path
		}
	}
	if len(systems) > 0 {
		return systems[0].Path
	}
	return ""
}

func notDell(vendor string) error {
	if vendor == "" {
		vendor = "a vendor it does not name"
	}
	return &collectors.VisitError{
		Reason: hw.WrongKind, Err: fmt.Errorf("the device is of %.60s", vendor),
		Hint: "this kind is for Dell's iDRAC; visit others as kind `" + redfish.PlainKind + "`",
	}
}

// refresh reads the chassis and the manager, and drops all paths when the iDRAC's firmware is another one. Its error is
// one of the device; of a resource that cannot be read, what was told before still holds.
func (s *redfishSide) refresh(v *redfishVisit) error {
	p := &s.places
	var unread []missedPlace
	chassis, manager := redfish.Chassis{}, redfish.Manager{}
	for _, r := range []struct {
		what  string
		links []redfish.Link
		path  string
		into  any
	}{{placeChassis, v.system.Links.Chassis, chassisPath, &chassis}, {placeManager, v.system.Links.ManagedBy, managerPath, &manager}} {
		if len(r.links) > 0 && r.links[0].Path != "" {
			r.path = strings.TrimRight(r.links[0].Path, "/")
		}
		_, err := s.client.Get(v.ctx, r.path, r.into)
		switch {
		case redfish.Over(err):
			return err
		case err != nil:
			unread = append(unread, missedPlace{r.what, r.path, err})
		}
	}
	was := p.manager.FirmwareVersion
	p.told, p.unread = s.now(), unread
	if len(unread) > 0 && p.known {
		return nil // what was told before still holds
	}
	for _, m := range unread {
		switch m.what {
		case placeChassis:
			chassis = chassisAt(m.path)
		case placeManager:
			manager = managerAt(m.path)
		}
	}
	p.chassis, p.manager = chassis, manager
	p.generation, p.skew = generationOf(manager), 0
	if at, ok := redfish.Time(manager.DateTime); ok {
		p.skew = at.Sub(p.told)
	}
	v.fresh = true
	if p.known && was != "" && manager.FirmwareVersion != "" && was != manager.FirmwareVersion {
		s.move()
		return s.find(v)
	}
	return nil
}

// generationOf returns the generation of an iDRAC, 7 to 10, and 0 where it is not known. The model of the manager
// names that of the server, which is five ahead; the iDRAC9 served three.
func generationOf(m redfish.Manager) int {
	server, _, _ := strings.Cut(m.Model, " ")
	switch server {
	case "12G":
		return 7
	case "13G":
		return 8
	case "14G", "15G", "16G":
		return 9
	case "17G", "18G":
		return 10
	}
	return 0
}

// tellsRAID says that this iDRAC may tell batteries and what Dell adds to drives and sets: 7 and 8 do not. One that does not
// say which it is may.
func (p *places) tellsRAID() bool { return p.generation != 7 && p.generation != 8 }

// judgeAge says whether the iDRAC may not have seen all its parts yet.
func (s *redfishSide) judgeAge(v *redfishVisit, relogin bool) {
	if at, ok := redfish.Time(s.places.manager.LastResetTime); ok {
		s.young = at.Add(startTime - s.places.skew)
	} else if relogin {
		s.young = v.now.Add(reloginTime)
	}
	v.young = v.now.Before(s.young)
}

// serial returns the service tag.
func (v *redfishVisit) serial() string {
	for _, tag := range []string{v.system.SKU, v.dell.ChassisServiceTag, v.dell.NodeID, v.system.SerialNumber} {
		if tag = strings.TrimSpace(tag); tag != "" {
			return tag
		}
	}
	return ""
}

// unit says what stands there. Its uptime is the server's.
func (s *redfishSide) unit(v *redfishVisit) *hw.Unit {
	u := &hw.Unit{Serial: v.serial(), Model: v.system.Model, Version: s.places.manager.FirmwareVersion, Name: v.system.HostName}
	u.Uptime, _ = s.uptime(v)
	return u
}

// maxUptime is the longest uptime that is believed.
const maxUptime = 20 * 365 * 24 * time.Hour

// uptime returns how long the server has been on. It is told as a date of the iDRAC's clock.
func (s *redfishSide) uptime(v *redfishVisit) (time.Duration, bool) {
	at, told := redfish.Time(v.system.LastResetTime)
	up := v.now.Add(s.places.skew).Sub(at)
	if !told || v.system.PowerState == "Off" || up <= 0 || up > maxUptime {
		return 0, false
	}
	return up, true
}
