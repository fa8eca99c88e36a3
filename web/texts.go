package web

import "rackpost/hw"

// texts are the words of the pages in one language, by key. Codes of the journal have a
// prefix: health-, reason-, alert-, level-.
type texts map[string]string

// of returns the words for key, or the key itself: a code that a later version wrote is
// still shown.
func (t texts) of(prefix string, key any) string {
	var k string
	switch v := key.(type) {
	case string:
		k = v
	case hw.Reason:
		k = string(v)
	case hw.Health:
		k = v.String()
	}
	if s, ok := t[prefix+k]; ok {
		return s
	}
	return hw.Clean(k) // a later version's, or of somebody in whose hands a box is
}

// AlertWords returns what the alerts of a code say in English, the code where nothing is known of it. What an audit found
// says it itself: Alert.Says.
func AlertWords(code string) string { return english.of("alert-", code) }

// ReasonWords returns what a reason says in English, the reason where nothing is known of it.
func ReasonWords(r hw.Reason) string { return english.of("reason-", r) }

var english = texts{
	"lang":          "en",
	"title":         "Rack status",
	"devices":       "Devices",
	"device":        "Device",
	"model":         "Model",
	"health":        "Health",
	"age":           "Data age",
	"alerts":        "Alerts",
	"all-alerts":    "all alerts",
	"all-gaps":      "all that was not read",
	"gaps":          "Not read",
	"requests":      "Requests",
	"components":    "Components",
	"component":     "Component",
	"state":         "State",
	"about":         "About it",
	"readings":      "Readings",
	"raid-sets":     "RAID sets",
	"read-over":     "read over",
	"volume":        "volume",
	"controller":    "controller",
	"enclosure":     "enclosure",
	"spares":        "Spares",
	"unassigned":    "In no set that is known",
	"do":            "What to do",
	"overdue":       "overdue after",
	"stopped":       "No login is tried any more: two were refused. With other credentials in site.yaml it goes on, and with rackpost visit.",
	"zeros":         "Counters that are 0 are not listed.",
	"no-readings":   "The readings could not be fetched; the log of the box says why.",
	"ago":           "ago",
	"reload":        "Show it as it is now",
	"level":         "Level",
	"fault":         "Fault",
	"since":         "Since",
	"what":          "What",
	"why":           "Why",
	"none":          "none",
	"never":         "never read",
	"old":           "old",
	"at-start":      "not since this box started: this is how it last was, not how it is",
	"is-old":        "These data are old: this is how it last was, not how it is.",
	"was":           "was",
	"updated":       "Made at",
	"journal":       "Journal",
	"of":            "of",
	"segments":      "segments",
	"flushed":       "last written",
	"quarantined":   "Set aside as damaged",
	"clock-bad":     "Nothing keeps the clock of this box right (no NTP): times may be wrong, ages are not",
	"back":          "All devices",
	"no-devices":    "No device is configured yet. Write devices into site.yaml and reload.",
	"no-components": "Nothing was read yet.",
	"untold":        "not told",
	"unconfigured":  "no longer configured",
	"missing":       "missing",
	"serial":        "Serial",
	"version":       "Software",
	"address":       "Address",
	"rack":          "Rack",
	"customer":      "Customer",
	"not-found":     "There is no such device.",
	"failed":        "The store could not answer.",

	"group-battery":       "RAID batteries",
	"group-cell":          "Batteries",
	"group-channel":       "Port channels",
	"group-config":        "Configuration",
	"group-connections":   "Connections",
	"group-context":       "Contexts",
	"group-controller":    "RAID controllers",
	"group-cpu":           "Processors",
	"group-current":       "Currents",
	"group-dimm":          "Memory modules",
	"group-drive":         "Drives",
	"group-enclosure":     "Backplanes and enclosures",
	"group-failover":      "Failover",
	"group-fan":           "Fans",
	"group-fan-tray":      "Fan trays",
	"group-firmware":      "Firmware",
	"group-flash":         "Flash",
	"group-fru":           "Power of parts",
	"group-ike":           "IKE",
	"group-intrusion":     "Chassis intrusion",
	"group-ipsec":         "IPsec",
	"group-job":           "Jobs",
	"group-log":           "Logs",
	"group-mac":           "MAC addresses",
	"group-manager":       "Management controller",
	"group-member":        "Stack members",
	"group-memory":        "Memory",
	"group-module":        "Modules",
	"group-neighbour":     "Neighbours",
	"group-nic":           "Network adapters",
	"group-part":          "Inventory",
	"group-poe":           "Power over Ethernet",
	"group-port":          "Ports",
	"group-power":         "Power",
	"group-psu":           "Power supplies",
	"group-software":      "Software",
	"group-spanning-tree": "Spanning tree",
	"group-stack":         "Stack",
	"group-standby":       "Standby unit",
	"group-system":        "System",
	"group-temperature":   "Temperatures",
	"group-transceiver":   "Transceivers",
	"group-tunnel":        "Tunnels",
	"group-unit":          "Units",
	"group-vlan":          "VLANs",
	"group-voltage":       "Voltages",
	"group-volume":        "RAID sets",
	"group-vpn":           "VPN sessions",

	"health-ok":       "ok",
	"health-warning":  "warning",
	"health-critical": "critical",
	"health-unknown":  "unknown",

	"level-warning":  "Warning",
	"level-average":  "Average",
	"level-high":     "High",
	"level-disaster": "Disaster",

	"alert-hq-outgrown":  "headquarters is too small for what the sites bring",
	"alert-site-quota":   "a site is over its quota: only its facts are taken",
	"alert-site-refused": "records of a site were refused",
	"alert-site-lost":    "records of a site are lost",
	"alert-site-silent":  "nothing is heard of a site",
	"alert-put-back":     "this box was put back to an earlier state with its memory",
	"alert-health":       "the device calls it faulty",
	"alert-missing":      "it is gone",
	"alert-unreachable":  "two visits in a row read nothing",
	"alert-link-down":    "the link is down",
	"alert-flapping":     "it changes too often; told is the worst of the last hour",
	"alert-unit-changed": "another unit stands here",
	"alert-restarted":    "it has just started",

	"alert-switched-over": "the other unit took over",

	"reason-not-supported":   "the device does not offer it",
	"reason-not-installed":   "the slot is empty",
	"reason-not-ready":       "the device has no value now",
	"reason-no-answer":       "no answer",
	"reason-refused":         "nothing listens at the address",
	"reason-auth-failed":     "the credentials were refused",
	"reason-unknown-user":    "the device does not know the user",
	"reason-wrong-auth-key":  "the authentication key is wrong",
	"reason-wrong-priv-key":  "the privacy key is wrong",
	"reason-access-denied":   "the user may not read it",
	"reason-locked-out":      "it bars this box after failed logins",
	"reason-cert-changed":    "it shows another certificate than the trusted one",
	"reason-damaged":         "lost to a damaged page of the disk",
	"reason-device-error":    "the device reported an error",
	"reason-garbage":         "the answer was not what was asked for",
	"reason-out-of-range":    "the number is impossible",
	"reason-too-much":        "more than the limit",
	"reason-inconsistent":    "it changed while it was read",
	"reason-wrong-kind":      "another sort of device than configured",
	"reason-out-of-time":     "the time for the visit was used up",
	"reason-cancelled":       "the box stopped the visit",
	"reason-appliance-down":  "the box was not running",
	"reason-appliance-crash": "the box did not stop in order",
	"reason-missed":          "due, and not visited in time",
	"reason-dropped":         "given up for want of space",
	"reason-lost":            "lost: no box of the site has it any more",
	"reason-unreachable":     "there is no route to it",
}
