package idrac

import (
	"context"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// alone is the SNMP side as a collector of its own.
type alone struct{ side *snmpSide }

func (a alone) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	return a.side.read(ctx, due)
}

func (a alone) Close(context.Context) error { return a.side.close() }

// SNMPAlone is a kind that reads an iDRAC over SNMP and nothing else.
func SNMPAlone() collectors.Kind {
	pool := &snmp.Pool{}
	k := collectors.Kind{Name: "dell-idrac", Protocol: "snmp", New: func(t collectors.Target) (collectors.Collector, error) {
		s, err := openSNMP(t, t.Device.Address, pool)
		return alone{s}, err
	}}
	for _, r := range sectionReaders() {
		k.Sections = append(k.Sections, collectors.Section{Name: r.section, Period: time.Minute})
	}
	return k
}

// DateOf reads a DateName.
var DateOf = dateOf

// ExpressOf returns the express service code of a service tag.
var ExpressOf = expressOf

// Documented returns the sensors and the states and attributes that the tables name.
func Documented() (sensors, words map[string]bool) {
	sensors, words = map[string]bool{}, map[string]bool{"source": true, "health_of": true}
	for _, t := range mibTables() {
		for _, list := range [][]mibObject{t.objects, t.also} {
			for _, o := range list {
				switch o.use {
				case mibSensor:
					sensors[o.as] = true
				case mibState, mibAttribute:
					words[o.as] = true
				}
			}
		}
	}
	return sensors, words
}
