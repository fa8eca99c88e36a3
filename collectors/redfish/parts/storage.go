package parts

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// SensorLifeLeftPercent is what is left of the rated writes of an SSD.
const SensorLifeLeftPercent = "life_left_percent"

// Store is one Storage: a controller with what hangs on it, in the words of hw/raid. What a resource does not tell
// is left out, never guessed.
type Store struct {
	Section string
	ID      string                      // of the controller, as it stands in paths
	Name    func(path string) string    // the id of the part whose resource is at a path
	Raw     func(v redfish.Volume) bool // a disk that shows itself as a volume; nil is RawDevice
	Storage redfish.Storage
	Drives  []redfish.Drive
	Volumes []redfish.Volume // raw ones too
	// Settled says that Volumes are all there are.
	Settled bool

	ties map[string]ties // by id of the drive
	sets map[string]bool // ids of the volumes that are none of their drive alone
}

// ties are what a drive is to the volumes: ids, sorted.
type ties struct {
	member, spare []string
	told          bool // these are all
}

// RawDevice says whether a volume is no RAID set but a disk given through.
func RawDevice(v redfish.Volume) bool {
	return v.VolumeType == "RawDevice" && (v.RAIDType == "" || v.RAIDType == "None")
}

// EmptyBay says whether a drive is only the place for one.
func EmptyBay(d redfish.Drive) bool {
	return d.Status.State == "Absent" && d.SerialNumber == "" && (d.CapacityBytes == nil || *d.CapacityBytes == 0)
}

// Joined returns the function that names parts for a service whose ids are unique within their collection only: the Id of the
// resource with that of its controller, as FQDDs have it.
func Joined(controller string) func(path string) string {
	return func(path string) string {
		path = strings.TrimRight(path, "/")
		owner := controller
		if _, below, ok := strings.Cut(path, "/Storage/"); ok {
			if first, rest, ok := strings.Cut(below, "/"); ok && strings.Contains(rest, "/") {
				owner = first
			}
		}
		id := last(path)
		if id == owner {
			return raid.ID(id)
		}
		return raid.ID(id + ":" + owner)
	}
}

// last returns the last part of a path: the Id of its resource on most services.
func last(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// tie finds which drives belong to which volumes: either side may tell. They are known by their ids: services name one
// resource by several paths, below its controller and beside it, with and without a slash at the end.
func (s *Store) tie() {
	if s.ties != nil {
		return
	}
	s.ties, s.sets = map[string]ties{}, map[string]bool{}
	raw := s.Raw
	if raw == nil {
		raw = RawDevice
	}
	listed, spares := map[string][]string{}, map[string][]string{} // drive: the volumes that list it
	seen := map[string]bool{}
	for _, v := range s.Volumes {
		id := s.Name(v.Path)
		seen[id] = true
		for _, l := range v.Links.DedicatedSpareDrives {
			spares[s.Name(l.Path)] = append(spares[s.Name(l.Path)], id)
		}
		if raw(v) {
			continue
		}
		s.sets[id] = true
		for _, l := range v.Links.Drives {
			listed[s.Name(l.Path)] = append(listed[s.Name(l.Path)], id)
		}
	}
	for _, d := range s.Drives {
		own := s.Name(d.Path)
		t := ties{member: slices.Clone(listed[own]), spare: slices.Clone(spares[own]), told: d.Links.Volumes != nil || s.Settled}
		for _, l := range d.Links.Volumes {
			id := s.Name(l.Path)
			switch {
			case id == "" || seen[id] && !s.sets[id], slices.Contains(t.member, id):
			case !seen[id] && raw(redfish.Volume{Resource: redfish.Resource{Path: l.Path}}):
			case d.HotspareType == "Dedicated" && seen[id]:
				t.spare = append(t.spare, id) // the volume does not list it: it stands by
			default:
				t.member = append(t.member, id)
			}
		}
		slices.Sort(t.member)
		slices.Sort(t.spare)
		t.member, t.spare = slices.Compact(t.member), slices.Compact(t.spare)
		s.ties[own] = t
	}
}

// component begins a part of s.
func (s *Store) component(prefix, id string, r redfish.Resource) hw.Component {
	c := hw.Component{Path: prefix + raid.ID(id), Section: s.Section, Health: Health(r.Status), Expected: true}
	c.State = c.State.With("rollup", Rollup(r.Status))
	c.Attrs = c.Attrs.With(raid.KeySource, raid.SourceRedfish).With(raid.KeyName, text(r.Name))
	if prefix != raid.ControllerPath {
		c.Attrs = c.Attrs.With(raid.KeyController, raid.ID(s.ID))
	}
	return c
}

func text(s string) string { return strings.TrimSpace(s) }

// SetAttr sets an attribute; an empty value changes nothing.
func (p *Part) SetAttr(key, value string) {
	if value != "" {
		p.Attrs = p.Attrs.With(key, value)
	}
}

// FillAttr sets an attribute that is not told yet.
func (p *Part) FillAttr(key, value string) {
	if p.Attrs.Get(key) == "" {
		p.SetAttr(key, value)
	}
}

// SetState sets a state; an empty value changes nothing.
func (p *Part) SetState(key, value string) {
	if value != "" {
		p.State = p.State.With(key, value)
	}
}

// FillState sets a state that is not told yet.
func (p *Part) FillState(key, value string) {
	if p.State.Get(key) == "" {
		p.SetState(key, value)
	}
}

// Controller returns the controller of s; more are its resources of the newer form, of which the first is told.
func (s *Store) Controller(more ...redfish.StorageController) Part {
	var c redfish.StorageController
	for _, x := range slices.Concat(more, s.Storage.StorageControllers) {
		c = richer(c, x)
	}
	p := Part{Component: s.component(raid.ControllerPath, s.ID, s.Storage.Resource)}
	if h := Health(c.Status); h != hw.Unknown {
		p.Health = h
	}
	p.Attrs = p.Attrs.With(raid.KeyName, cmp.Or(text(s.Storage.Name), text(c.Name))).
		With(raid.KeyModel, text(c.Model)).With(raid.KeyManufacturer, text(c.Manufacturer)).
		With(raid.KeySerial, text(c.SerialNumber)).With(raid.KeyPartNumber, text(c.PartNumber)).
		With(raid.KeyFirmware, text(c.FirmwareVersion)).With(raid.KeySlot, text(c.Location.PartLocation.ServiceLabel))
	if mib := c.CacheSummary.TotalCacheSizeMiB; mib != nil && *mib >= 0 && *mib < 1<<20 {
		p.Attrs = p.Attrs.With(raid.KeyCacheBytes, strconv.FormatInt(int64(*mib*(1<<20)), 10))
	}
	return p
}

// richer fills what c leaves out from x.
func richer(c, x redfish.StorageController) redfish.StorageController {
	if Health(c.Status) == hw.Unknown {
		c.Status = x.Status
	}
	if c.CacheSummary.TotalCacheSizeMiB == nil {
		c.CacheSummary = x.CacheSummary
	}
	c.Name, c.Model, c.Manufacturer = cmp.Or(c.Name, x.Name), cmp.Or(c.Model, x.Model), cmp.Or(c.Manufacturer, x.Manufacturer)
	c.SerialNumber, c.PartNumber = cmp.Or(c.SerialNumber, x.SerialNumber), cmp.Or(c.PartNumber, x.PartNumber)
	c.FirmwareVersion = cmp.Or(c.FirmwareVersion, x.FirmwareVersion)
	c.Location.PartLocation.ServiceLabel = cmp.Or(c.Location.PartLocation.ServiceLabel, x.Location.PartLocation.ServiceLabel)
	return c
}

// Enclosure returns a backplane or shelf.
func (s *Store) Enclosure(c redfish.Chassis) Part {
	p := Part{Component: s.component(raid.EnclosurePath, s.Name(c.Path), c.Resource)}
	state := statusState(c.Status)
	if state == raid.StateOnline {
		state = raid.StateReady
	}
	p.State = p.State.With(raid.KeyState, state)
	p.Attrs = p.Attrs.With(raid.KeyModel, text(c.Model)).With(raid.KeyManufacturer, text(c.Manufacturer)).
		With(raid.KeySerial, text(c.SerialNumber)).With(raid.KeyPartNumber, text(c.PartNumber))
	return p
}

// statusState is the state of a part of which only the status is told.
func statusState(s redfish.Status) string {
	switch s.State {
	case "Enabled", "StandbySpare":
		if s.Health == "OK" {
			return raid.StateOnline
		}
	case "Degraded":
		return raid.StateDegraded
	case "Absent":
		return raid.StateMissing
	case "UnavailableOffline":
		return raid.StateOffline
	}
	return ""
}
