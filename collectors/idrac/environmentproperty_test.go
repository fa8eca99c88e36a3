package idrac_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/store/crashtest"
)

// place is where a property or an element stands in a document.
type place []any // names and indexes

func (p place) String() string {
	var b strings.Builder
	for _, step := range p {
		fmt.Fprintf(&b, "/%v", step)
	}
	return b.String()
}

// places returns all places of a document, but what names it and its type.
func places(doc any, at place) []place {
	var all []place
	switch d := doc.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(d)) {
			p := append(slices.Clone(at), k)
			all = append(append(all, p), places(d[k], p)...)
		}
	case []any:
		for i := range d {
			p := append(slices.Clone(at), i)
			all = append(append(all, p), places(d[i], p)...)
		}
	}
	return all
}

// spoil returns a copy of a document with another thing at a place: nothing, null, or another type.
func spoil(doc any, at place, how string) any {
	doc = clone(doc)
	parent := doc
	for _, step := range at[:len(at)-1] {
		switch s := step.(type) {
		case string:
			parent = parent.(map[string]any)[s]
		case int:
			parent = parent.([]any)[s]
		}
	}
	other := map[string]any{"null": nil, "text": "?", "number": 7.0, "object": map[string]any{"x": 1.0}, "list": []any{}, "bool": true}
	switch s := at[len(at)-1].(type) {
	case string:
		if how == "removed" {
			delete(parent.(map[string]any), s)
			return doc
		}
		parent.(map[string]any)[s] = other[how]
	case int:
		if how == "removed" {
			how = "null" // an element less is a part less
		}
		parent.([]any)[s] = other[how]
	}
	return doc
}

// Whatever becomes of one property of one document: no other part is lost, none gets another name, none is taken for gone, and no
// fault is taken for well.
func TestSpoiltProperties(t *testing.T) {
	t.Parallel()
	for name, docs := range map[string]func(testing.TB) map[string]any{
		"r740": func(t testing.TB) map[string]any {
			return ailing(modelTree(t, "poweredge-r740", "psu-out 2", "fan-failed 3", "temperature-high 45"))
		},
		"r750 by its subsystems": func(t testing.TB) map[string]any {
			docs := ailing(modelTree(t, "poweredge-r750", "psu-out 1", "fan-failed 1"))
			docs[chassisAt+"/Thermal"], docs[chassisAt+"/Power"] = nil, nil
			return docs
		},
		"recorded r750": func(t testing.TB) map[string]any { return ailing(recordedTree(t, "r750-idrac9-6.00")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoilAll(t, docs(t))
		})
	}
}

// ailing opens the chassis and lets a DIMM, a processor, a voltage and a card fail.
func ailing(docs map[string]any) map[string]any {
	critical := map[string]any{"Health": "Critical", "State": "Enabled"}
	docs[chassisAt].(map[string]any)["PhysicalSecurity"] = map[string]any{"IntrusionSensor": "HardwareIntrusion"}
	if dell, ok := at(docs[systemAt], "Oem", "Dell", "DellSystem").(map[string]any); ok {
		dell["IntrusionRollupStatus"] = "Error"
	}
	for _, collection := range []string{systemAt + "/Memory", systemAt + "/Processors", chassisAt + "/NetworkAdapters", "/redfish/v1/UpdateService/FirmwareInventory"} {
		all := members(docs, collection)
		id := slices.Sorted(maps.Keys(all))[0]
		all[id].(map[string]any)["Status"] = critical
	}
	for _, l := range []string{"Voltages", "PowerSupplies"} {
		if all := list(docs[chassisAt+"/Power"], l); len(all) > 0 {
			all[0].(map[string]any)["Status"] = critical
		}
	}
	return docs
}

// spoiled are the documents of a section that are spoilt: the one of a list and one of each collection.
func spoiled(docs map[string]any) map[string][]string {
	first := func(collection string) string {
		for _, id := range slices.Sorted(maps.Keys(members(docs, collection))) {
			return collection + "/" + id
		}
		return ""
	}
	card := first(chassisAt + "/NetworkAdapters")
	return map[string][]string{
		"environment": {chassisAt + "/Thermal", chassisAt + "/Power", systemAt, chassisAt, chassisAt + "/ThermalSubsystem", chassisAt + "/ThermalSubsystem/ThermalMetrics", chassisAt + "/PowerSubsystem",
			first(chassisAt + "/ThermalSubsystem/Fans"), first(chassisAt + "/PowerSubsystem/PowerSupplies")},
		"inventory": {systemAt, systemAt + "/Memory", first(systemAt + "/Memory"), systemAt + "/Processors", first(systemAt + "/Processors")},
		"network":   {chassisAt + "/NetworkAdapters", card, card + "/NetworkPorts", first(card + "/NetworkPorts")},
		"firmware":  {"/redfish/v1/UpdateService/FirmwareInventory", first("/redfish/v1/UpdateService/FirmwareInventory")},
	}
}

// spoilAll spoils some places of each document, by chance of a fixed seed; `make soak` spoils nearly all.
func spoilAll(t *testing.T, docs map[string]any) {
	tries := crashtest.Rounds(24, 1000)
	rnd := rand.New(rand.NewPCG(1, 2))
	v, x := treeVisitor(t, docs)
	hows := []string{"removed", "null", "text", "number", "object", "list", "bool"}
	for section, paths := range spoiled(docs) {
		before := v.visit(section)
		before.complete(t)
		for _, path := range paths {
			good := docs[path]
			if good == nil {
				continue
			}
			all := places(good, nil)
			rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, at := range all[:min(len(all), tries)] {
				if named(at) {
					continue
				}
				how := hows[rnd.IntN(len(hows))]
				x.set(path, spoil(good, at, how))
				after := v.visit(section)
				compareSpoilt(t, path+at.String()+" "+how, section, before, after, at)
				x.set(path, good)
				if t.Failed() {
					return
				}
			}
		}
	}
}

// named says whether a place is where things stand, or what device it is: that is tried with the places themselves.
func named(at place) bool {
	if len(at) == 0 {
		return true
	}
	switch at[0] {
	case "SKU", "Links", "Oem":
		return len(at) < 4
	}
	return strings.HasPrefix(fmt.Sprint(at[0]), "@odata")
}

func compareSpoilt(t *testing.T, what, section string, before, after redfishReport, at place) {
	t.Helper()
	whole := after.extent(section) == hw.Complete
	lost := 0
	for path, was := range before.parts {
		is, there := after.parts[path]
		if !there {
			lost++
		}
		if !there && whole {
			t.Errorf("%s: %s is taken for gone", what, path)
		}
		if was.Health > hw.OK && there && is.Health == hw.OK {
			t.Errorf("%s: %s was %v and is taken for well", what, path, was.Health)
		}
	}
	for path := range after.parts {
		if _, ok := before.parts[path]; !ok && path != "air/system" {
			t.Errorf("%s: %s is new", what, path)
		}
	}
	if cards := strings.Contains(what, "/NetworkAdapters/Members"); inElement(at) && lost > 1 && !cards { // with a card go its ports
		t.Errorf("%s: %d parts are lost", what, lost)
	}
}

// inElement says whether a place is in an element of a list: of one part.
func inElement(at place) bool {
	return slices.ContainsFunc(at, func(step any) bool { _, err := strconv.Atoi(fmt.Sprint(step)); return err == nil })
}
