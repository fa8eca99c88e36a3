package idrac_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/hw"
)

// made is a small tree of a server nobody recorded, in documents of our own.
type made struct {
	docs    map[string]any
	handler *tree
	below   bool // drives and sets stand beside the controllers, as on an iDRAC 7 and 8
}

// object is a document.
type object = map[string]any

const madeSystem, madeStorage = "/redfish/v1/Systems/System.Embedded.1", "/redfish/v1/Systems/System.Embedded.1/Storage"

// madeServer begins a tree: what leads to the controllers. generation is what the iDRAC says of the server: 14G.
func madeServer(generation string) *made {
	m := &made{docs: map[string]any{}, below: generation == "12G" || generation == "13G"}
	m.put("/redfish/v1", "ServiceRoot", object{"Vendor": "Dell", "Systems": linkTo("/redfish/v1/Systems"), "Links": object{"Sessions": linkTo("/redfish/v1/Sessions")}})
	m.collect("/redfish/v1/Systems", madeSystem)
	m.put(madeSystem, "ComputerSystem", object{
		"Manufacturer": "Dell Inc.", "Model": "PowerEdge", "SKU": "MADE001", "PowerState": "On", "Storage": linkTo(madeStorage), "Status": object{"Health": "OK"},
		"Links": object{"Chassis": linksTo("/redfish/v1/Chassis/System.Embedded.1"), "ManagedBy": linksTo("/redfish/v1/Managers/iDRAC.Embedded.1")},
	})
	m.put("/redfish/v1/Chassis/System.Embedded.1", "Chassis", object{})
	m.put("/redfish/v1/Managers/iDRAC.Embedded.1", "Manager", object{"Model": generation + " Monolithic", "FirmwareVersion": "1.2.3"})
	m.collect(madeStorage)
	return m
}

func linkTo(at string) object { return object{"@odata.id": at} }

func linksTo(list ...string) []any {
	links := []any{}
	for _, at := range list {
		links = append(links, linkTo(at))
	}
	return links
}

// put puts a resource at a path.
func (m *made) put(at, sort string, doc object) {
	doc = maps.Clone(doc)
	usual := object{"@odata.id": at, "@odata.type": "#" + sort + ".v1_0_0." + sort, "Id": path.Base(at), "Name": path.Base(at)}
	for k, v := range usual {
		if _, told := doc[k]; !told {
			doc[k] = v
		}
	}
	m.docs[at] = doc
}

func (m *made) collect(at string, members ...string) {
	m.docs[at] = object{"@odata.id": at, "@odata.type": "#Collection.Collection", "Name": "Collection", "Members": linksTo(members...), "Members@odata.count": len(members)}
}

// add adds a member to a collection, or a link to a list of a resource.
func (m *made) add(at, list, link string) {
	doc := m.docs[at].(object)
	have, _ := doc[list].([]any)
	doc[list] = append(have, linkTo(link))
	doc[list+"@odata.count"] = len(have) + 1
}

// store adds a controller.
func (m *made) store(id string, doc object) string {
	at := madeStorage + "/" + id
	m.put(at, "Storage", object{"Drives": []any{}, "Volumes": linkTo(at + "/Volumes"), "Status": object{"Health": "OK", "State": "Enabled"}, "Links": object{"Enclosures": []any{}}})
	maps.Copy(m.docs[at].(object), doc)
	if volumes, ok := m.docs[at].(object)["Volumes"].(object); ok {
		m.collect(volumes["@odata.id"].(string))
	}
	m.add(madeStorage, "Members", at)
	return at
}

func (m *made) partOf(store, what, id string) string {
	if m.below {
		return madeStorage + "/" + what + "/" + id
	}
	return store + "/" + what + "/" + id
}

// drive adds a drive of a controller.
func (m *made) drive(store, id string, doc object) string {
	at := m.partOf(store, "Drives", id)
	m.put(at, "Drive", object{
		"Model": "DISK", "SerialNumber": "S" + strconv.Itoa(len(m.docs)), "Revision": "A1", "MediaType": "HDD", "Protocol": "SAS", "CapacityBytes": 1.2e12, "FailurePredicted": false,
		"HotspareType": "None", "Status": object{"Health": "OK", "State": "Enabled"}, "Operations": []any{}, "EncryptionAbility": "None", "WriteCacheEnabled": false, "Links": object{"Volumes": []any{}},
	})
	maps.Copy(m.docs[at].(object), doc)
	m.add(store, "Drives", at)
	return at
}

// volume adds a set of drives, which are known by their paths.
func (m *made) volume(store, id string, doc object, drives ...string) string {
	at := m.partOf(store, "Volumes", id)
	m.put(at, "Volume", object{
		"CapacityBytes": 1.2e12, "VolumeType": "Mirrored", "Status": object{"Health": "OK", "State": "Enabled"}, "Operations": []any{},
		"Links": object{"Drives": linksTo(drives...), "Drives@odata.count": len(drives)},
	})
	maps.Copy(m.docs[at].(object), doc)
	m.add(m.docs[store].(object)["Volumes"].(object)["@odata.id"].(string), "Members", at)
	for _, d := range drives {
		links := m.docs[d].(object)["Links"].(object)
		links["Volumes"] = append(slices.Clone(links["Volumes"].([]any)), linkTo(at))
	}
	return at
}

// dell is what Dell adds.
func dell(pairs ...any) object {
	o := object{"@odata.type": "#DellOem.v1_3_0.DellOemResources"}
	for i := 0; i+1 < len(pairs); i += 2 {
		o[pairs[i].(string)] = pairs[i+1]
	}
	return object{"Dell": o}
}

// bays are so many drives of a backplane, members of nothing.
func (m *made) bays(store, shelf string, from, n int, doc object) []string {
	var all []string
	for i := range n {
		all = append(all, m.drive(store, fmt.Sprintf("Disk.Bay.%d:%s", from+i, shelf), doc))
	}
	return all
}

// perc adds a PERC with its battery and a mirror of two drives whose policies stand in volume and set.
func (m *made) perc(id, set string, inline object) (store, volume string) {
	store = m.store(id, object{"StorageControllers": []any{object{"Model": "PERC", "Status": object{"Health": "OK"}}}, "Oem": dell(
		"DellController", object{"Id": id, "CacheSizeInMB": 8192, "PatrolReadState": "Stopped"},
		"DellControllerBattery", object{"Id": "Battery.Integrated.1:" + id, "RAIDState": "Ready", "PrimaryStatus": "OK"})})
	disk := object{"Oem": dell("DellPhysicalDisk", object{"RaidStatus": "Online", "PredictiveFailureState": "SmartAlertAbsent", "OperationName": "None"})}
	drives := m.bays(store, "Enclosure.Internal.0-1:"+id, 0, 2, disk)
	m.put("/redfish/v1/Chassis/Enclosure.Internal.0-1:"+id, "Chassis", object{"Status": object{"Health": "OK", "State": "Enabled"}})
	return store, m.volume(store, set+":"+id, inline, drives...)
}

// open opens a reader of the tree.
func (m *made) open(t *testing.T) *raidLab {
	t.Helper()
	l := newRAIDLab()
	m.handler = &tree{docs: m.docs}
	l.serve(t, m.handler, "")
	return l
}

// told is a part in short: its health, and its state and attributes under some keys, "-" where they are not told.
func told(r hw.Report, part string, keys ...string) string {
	i := slices.IndexFunc(r.Components, func(c hw.Component) bool { return c.Path == part })
	if i < 0 {
		return "not there"
	}
	c := r.Components[i]
	out := []string{c.Health.String()}
	for _, k := range keys {
		s := c.State.Get(k) + c.Attrs.Get(k)
		if s == "" {
			s = "-"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}
