package parts

import (
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// Health is what a service judges of a part. Null, empty and unheard-of words are unknown.
func Health(s redfish.Status) hw.Health { return healthWord(s.Health) }

func healthWord(word string) hw.Health {
	switch word {
	case "OK":
		return hw.OK
	case "Warning":
		return hw.Warning
	case "Critical":
		return hw.Critical
	}
	return hw.Unknown
}

// Rollup is the word for the worst of a part and what belongs to it, as the state "rollup" has it; empty where it is not told.
func Rollup(s redfish.Status) string {
	if h := healthWord(s.HealthRollup); h != hw.Unknown {
		return h.String()
	}
	return ""
}
