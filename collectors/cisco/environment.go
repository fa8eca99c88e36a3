package cisco

import (
	"strings"

	"rackpost/hw"
)

// readEnvironment reads temperatures, fans and power supplies: of a Catalyst out of
// CISCO-ENVMON-MIB and CISCO-ENTITY-FRU-CONTROL-MIB, of an ASA out of ENTITY-SENSOR-MIB.
func (c *collector) readEnvironment(v *visit) {
	if c.kind == ASAKind {
		c.readEntitySensors(v)
		return
	}
	c.readEnvmon(v, &temperatureGroup, "temperature/", false)
	c.readChassisTemperatures(v)
	told := told{fans: c.readEnvmon(v, &fanGroup, "fan/", true), supplies: c.readEnvmon(v, &supplyGroup, "psu/", true)}
	told.bays, told.trays = envStates(c.sheets.grid(&supplyGroup)), envStates(c.sheets.grid(&fanGroup))
	c.readFRU(v, told)
	c.readFanTrays(v, told)
	c.readModules(v)
}

// told are the stack members of which CISCO-ENVMON-MIB tells a faulty fan or supply. The
// same part stands in CISCO-ENTITY-FRU-CONTROL-MIB: there it is shown, and not judged a
// second time. On IOS it has another index there, and nothing in either joins the two; on
// IOS-XE it has the same, and bays and trays are the states of supplies and fans by it.
type told struct {
	fans, supplies map[string]bool
	bays, trays    map[string]string
}

// envStates returns the states of an ENVMON table by index.
func envStates(g *grid) map[string]string {
	states := make(map[string]string, len(g.index))
	for _, row := range g.rows() {
		states[g.index[row]], _ = g.word(row, envState)
	}
	return states
}

// readEnvmon reads one of the three ENVMON tables. Its rows are known by their index:
// their text changes with their state. It returns the stack members with a faulty part.
func (c *collector) readEnvmon(v *visit, grp *group, prefix string, expected bool) (faulty map[string]bool) {
	g, ok := c.read(v, grp)
	if !ok {
		return nil
	}
	for _, row := range g.rows() {
		index := g.index[row]
		word, reason := g.word(row, envState)
		if word == "notPresent" {
			continue // an empty bay, or one whose part was pulled: then it is missed
		}
		if expected && reason != hw.OutOfRange && g.amiss(envState, reason) && !c.parts[prefix+index] {
			v.limit(sectionEnvironment, hw.Partial)
			continue // it may be an empty bay
		}
		p := hw.Component{
			Path: prefix + index, Section: sectionEnvironment, Health: envHealth(grp, word),
			State: hw.Attrs{}.With("state", word), Expected: expected && c.expected(prefix+index, reason == ""),
		}
		if name, reason := g.text(row, envName); reason == "" {
			p.Attrs = p.Attrs.With("name", cleanName(name))
		}
		p.Attrs = p.Attrs.With("member", c.memberOf(index))
		if grp == &supplyGroup {
			c.redundantSupply(g, row, &p)
		}
		if grp == &temperatureGroup {
			c.temperature(v, g, row, &p)
		}
		if envHealth(grp, word) > hw.OK {
			if faulty == nil {
				faulty = map[string]bool{}
			}
			faulty[c.memberOf(index)] = true
		}
		v.component(p)
	}
	return faulty
}

// redundantSupply adds what a supply's row tells of its source, and, in its text alone, of
// the redundant power system beside it: "Sw1, PS1 Normal, RPS Critical" is state normal.
func (c *collector) redundantSupply(g *grid, row int, p *hw.Component) {
	source, _ := g.word(row, envValue)
	p.Attrs = p.Attrs.With("source", source)
	text, _ := g.text(row, envName)
	_, after, _ := strings.Cut(text, ", RPS ")
	switch word := strings.ToLower(after); word {
	case "warning", "critical", "faulty", "shutdown", "notfunctioning":
		p.Health = max(p.Health, hw.Warning)
		fallthrough
	case "normal":
		p.State = p.State.With("rps", word)
	}
}

// temperature adds what a temperature row has besides its state.
func (c *collector) temperature(v *visit, g *grid, row int, p *hw.Component) {
	if t, reason := g.text64(row, envThreshold); reason == "" && t != "0" {
		p.Attrs = p.Attrs.With("threshold_celsius", t)
	}
	n, reason := g.number(row, envValue)
	v.gauge(p.Path, temperatureGroup.objects[envValue].as, float64(n), reason)
}

// envHealth judges a CiscoEnvMonState. A sensor that does not work is not what it measures.
func envHealth(grp *group, word string) hw.Health {
	switch {
	case word == "normal":
		return hw.OK
	case word == "warning", word == "notFunctioning" && grp == &temperatureGroup:
		return hw.Warning
	case word == "critical", word == "shutdown", word == "notFunctioning":
		return hw.Critical
	}
	return hw.Unknown
}

// readFRU reads the power state of replaceable parts: supplies and line cards. The ports of
// a Catalyst 4500 that feed others stand there too: what they do is told with the ports.
func (c *collector) readFRU(v *visit, told told) {
	g, ok := c.read(v, &fruGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		index := g.index[row]
		e, _ := c.entities.parts.at(index)
		bay, twin := told.bays[index]
		twin = twin && (e.class == classSupply || e.class == 0)
		if twin && bay == "notPresent" || e.class == classPort || e.class == 0 && c.portNamed(e.name) != nil {
			continue
		}
		admin, _ := g.word(row, fruAdmin)
		oper, _ := g.word(row, fruOper)
		running := strings.HasPrefix(oper, "on")
		p := c.frued(index, "fru/"+index, running && (e.class != 0 || c.entities.whole))
		p.Health = fruHealth(admin, oper, p.Expected)
		p.State = p.State.With("admin", admin).With("power", oper)
		if p.Health > hw.OK && told.supplies[c.memberOf(index)] && (e.class == classSupply || e.class == 0) {
			p.Health = hw.Unknown
		}
		p.Expected = p.Expected && !twin // missed once, as psu
		v.component(p)
	}
}

// fruHealth judges a PowerOperType. What a person switched off is not faulty, and what was
// never seen to run may not be there: an empty bay says offEnvOther.
func fruHealth(admin, oper string, ran bool) hw.Health {
	switch {
	case oper == "on", oper == "offAdmin", admin == "off" && oper == "offEnvOther":
		return hw.OK
	case oper == "onButFanFail", oper == "onButInlinePowerFail":
		return hw.Warning
	case oper == "", oper == "offEnvOther" && !ran:
		return hw.Unknown
	}
	return hw.Critical
}

// readFanTrays reads the fan trays of IOS-XE switches.
func (c *collector) readFanTrays(v *visit, told told) {
	g, ok := c.read(v, &fanTrayGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		index := g.index[row]
		tray, twin := told.trays[index]
		if twin = twin && c.isFan(index); twin && tray == "notPresent" {
			continue
		}
		word, reason := g.word(row, 0)
		p := c.frued(index, "fan-tray/"+index, reason == "")
		p.Expected = p.Expected && !twin // missed once, as fan
		p.State = p.State.With("state", word)
		switch word {
		case "up":
			p.Health = hw.OK
		case "warning":
			p.Health = hw.Warning
		case "down":
			p.Health = hw.Critical
		}
		if p.Health > hw.OK && told.fans[c.memberOf(index)] {
			p.Health = hw.Unknown
		}
		v.component(p)
	}
}

// isFan reports whether a part is a fan, or of no class that is known.
func (c *collector) isFan(index string) bool {
	e, _ := c.entities.parts.at(index)
	return e.class == classFan || e.class == 0
}

// readModules reads the state of line cards, supervisors and members, and why each was
// started.
func (c *collector) readModules(v *visit) {
	g, ok := c.read(v, &moduleGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		index := g.index[row]
		word, reason := g.word(row, moduleOper)
		if word == "missing" {
			continue // configured, not there; one that was there is missed
		}
		reset, _ := g.word(row, moduleReset)
		p := c.frued(index, "module/"+index, reason == "" && word != "unknown") // a provisioned member is unknown
		p.Health = moduleHealth(word)
		p.State = p.State.With("oper", word)
		if reset != "unknown" {
			p.State = p.State.With("reset_reason", reset)
		}
		v.component(p)
	}
}

// frued is a part of CISCO-ENTITY-FRU-CONTROL-MIB with what the inventory says of it.
func (c *collector) frued(index, path string, there bool) hw.Component {
	name, _ := c.entityName(index)
	e, _ := c.entities.parts.at(index)
	return hw.Component{
		Path: path, Section: sectionEnvironment, Expected: c.expected(path, there),
		Attrs: hw.Attrs{}.With("name", name).With("serial", e.serial).With("model", e.model).With("member", c.memberOf(index)),
	}
}

// moduleHealth judges a ModuleOperType.
func moduleHealth(word string) hw.Health {
	switch word {
	case "ok", "disabled", "outOfServiceAdmin", "poweredDown", "dormant", "fwDownloadSuccess", "upgrading", "mdr":
		return hw.OK
	case "okButDiagFailed", "okButPowerOverWarning", "okButAuthFailed", "boot", "selfTest", "poweredUp", "powerCycled", "syncInProgress",
		"fwMismatchFound", "mismatchConfig":
		return hw.Warning
	case "failed", "mismatchWithParent", "diagFailed", "outOfServiceEnvTemp", "powerDenied", "okButPowerOverCritical", "fwDownloadFailure":
		return hw.Critical
	}
	return hw.Unknown
}
