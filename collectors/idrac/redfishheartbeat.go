package idrac

import (
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// readHeartbeat tells the system as the first request has it, and hastens what a change rolls up. It asks for nothing.
func (s *redfishSide) readHeartbeat(v *redfishVisit) {
	if v.lost != nil {
		v.Missed(sectionHeartbeat, hw.ChassisPath, v.lost)
		v.Components = append(v.Components, hw.Component{Path: hw.ChassisPath, Section: sectionHeartbeat, Attrs: hw.Attrs{}.With(raid.KeySource, raid.SourceRedfish)})
		return
	}
	c := hw.Component{Path: hw.ChassisPath, Section: sectionHeartbeat, Health: systemHealth(v.system.Status)}
	for _, w := range v.words() {
		c.State = c.State.With(w.key, w.word)
	}
	tag := v.serial()
	express := v.dell.ExpressServiceCode
	if express == "" {
		express = expressOf(tag)
	}
	for key, value := range map[string]string{hw.AttrHealthOf: hw.HealthOfAll, raid.KeySource: raid.SourceRedfish, "service_tag": tag, raid.KeyModel: v.system.Model, "express_service_code": express} {
		c.Attrs = c.Attrs.With(key, value)
	}
	v.Components = append(v.Components, c)
	for _, m := range s.places.unread {
		v.Gap(sectionHeartbeat+"/"+m.what, collectors.ReasonOf(m.err), clipped(m.err.Error(), collectors.MaxText))
	}
	if up, ok := s.uptime(v); ok {
		seconds := up.Truncate(1e9).Seconds()
		v.Gauge(c.Path, "uptime_seconds", &seconds, "")
	} else if v.system.LastResetTime != "" {
		v.Gauge(c.Path, "uptime_seconds", nil, hw.NotReady)
	}
	now := rollups{"": c.Health.String()}
	for word := range rolled() {
		if word != "" {
			now[word] = c.State.Get(word)
		}
	}
	v.Hasten, s.rollups = s.rollups.moved(now)
}

// systemHealth is the worst of the system and its parts.
func systemHealth(s redfish.Status) hw.Health {
	return max(parts.Health(s), parts.Health(redfish.Status{Health: s.HealthRollup}))
}

// heartbeatWord is a state of the system.
type heartbeatWord struct{ key, word string }

// words are the states of the system. They have the names SNMP's have.
func (v *redfishVisit) words() []heartbeatWord {
	d := &v.dell
	list := []heartbeatWord{{"power", powerWord(v.system.PowerState)}, {"locator", locatorWord(&v.system)}}
	for _, r := range []heartbeatWord{
		{"storage", d.StorageRollup}, {"power_supplies", d.PSRollup}, {"voltages", d.VoltRollup}, {"currents", d.CurrentRollup}, {"fans", d.FanRollup},
		{"temperatures", d.TempRollup}, {"memory", d.MemoryPrimaryStatus}, {"intrusion", d.IntrusionRollup}, {"processors", d.CPURollup}, {"batteries", d.BatteryRollup},
		{"sel", d.SELRollup}, {"licensing", d.LicensingRollup}, {"sd_cards", d.SDCardRollup}, {"internal_sd", d.IDSDMRollup},
	} {
		list = append(list, heartbeatWord{r.key, rollupWord(r.word)})
	}
	for _, r := range []struct {
		key    string
		status redfish.Status
	}{{"memory", v.system.MemorySummary.Status}, {"processors", v.system.ProcessorSummary.Status}} {
		if h := systemHealth(r.status); h != hw.Unknown { // an iDRAC 7 or 8 tells it here only
			list = append(list, heartbeatWord{r.key, h.String()})
		}
	}
	return list
}

// rollupWord is Dell's word for a health in ours. What it does not know is not told.
func rollupWord(w string) string {
	switch w {
	case "OK":
		return hw.OK.String()
	case "Degraded":
		return hw.Warning.String()
	case "Error":
		return hw.Critical.String()
	}
	return ""
}

// powerWord is PowerState: on, off, powering-on, powering-off, paused.
func powerWord(state string) string {
	return strings.ToLower(strings.Replace(state, "Powering", "Powering-", 1))
}

// locatorWord says whether the locator of the server is on; an older one tells it by its blinking.
func locatorWord(s *redfish.ComputerSystem) string {
	switch {
	case s.LocationIndicatorActive != nil && *s.LocationIndicatorActive, s.LocationIndicatorActive == nil && s.IndicatorLED == "Blinking":
		return "on"
	case s.LocationIndicatorActive != nil, s.IndicatorLED != "":
		return "off"
	}
	return ""
}
