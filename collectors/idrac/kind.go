// Package idrac visits Dell servers through their iDRAC (7 to 10): over Redfish, over SNMP, or
// over both as one device.
package idrac

import (
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/snmp"
)

// KindName is the name of the kind.
const KindName = "dell-idrac"

const sectionJobs = "jobs" // SNMP does not tell them

// Kind returns the kind of the Dell servers.
func Kind() collectors.Kind { return KindAt(time.Now) }

// KindAt is Kind with another clock, for days that are simulated.
func KindAt(now func() time.Time) collectors.Kind {
	pool := &snmp.Pool{}
	return collectors.Kind{
		Name: KindName,
		Sections: []collectors.Section{
			{Name: sectionHeartbeat, Period: time.Minute, First: true},
			{Name: sectionRAID, Period: 5 * time.Minute},
			{Name: sectionEnvironment, Period: 5 * time.Minute},
			{Name: sectionLog, Period: 5 * time.Minute},
			{Name: sectionJobs, Period: 5 * time.Minute},
			{Name: sectionInventory, Period: time.Hour},
			{Name: sectionNetwork, Period: time.Hour},
			{Name: sectionFirmware, Period: 24 * time.Hour},
		},
		New:          func(t collectors.Target) (collectors.Collector, error) { return open(t, pool, now) },
		LoginLimited: true,
		Subtrees:     snmpSubtrees(),
		ObjectIDs:    []string{"1.3.6.1.4.1.674.10892.5"},
		Protocol:     redfish.Protocol,
		Ask:          redfish.Ask,
		AskWith:      redfish.AskWith,
	}
}
