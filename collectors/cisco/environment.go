package cisco

import "rackpost/hw"

// readEnvironment reads temperatures, fans and power supplies: of a Catalyst out of
// CISCO-ENVMON-MIB and CISCO-ENTITY-FRU-CONTROL-MIB, of an ASA out of ENTITY-SENSOR-MIB.
func (c *collector) readEnvironment(v *visit) {
	if c.kind == ASAKind {
		c.readEntitySensors(v)
		return
	}
	c.readEnvmon(v, &temperatureGroup, "temperature/", false)
	c.readEnvmon(v, &fanGroup, "fan/", true)
	c.readEnvmon(v, &supplyGroup, "psu/", true)
	c.readFRU(v)
}

// readEnvmon reads one of the three ENVMON tables. Its rows are known by their index:
// their text changes with their state.
func (c *collector) readEnvmon(v *visit, grp *group, prefix string, expected bool) {
	g, ok := c.read(v, grp)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		index := g.index[row]
		word, reason := g.word(row, envState)
		if word == "notPresent" {
			continue // an empty bay, or one whose part was pulled: then it is missed
		}
		p := hw.Component{
			Path: prefix + index, Section: sectionEnvironment, Health: envHealth(word),
			State: hw.Attrs{}.With("state", word), Expected: expected && c.expected(prefix+index, reason == ""),
		}
		if name, reason := g.text(row, envName); reason == "" {
			p.Attrs = p.Attrs.With("name", cleanName(name))
		}
		p.Attrs = p.Attrs.With("member", c.memberOf(index))
		if grp == &supplyGroup {
			source, _ := g.word(row, envValue)
			p.Attrs = p.Attrs.With("source", source)
		}
		if grp == &temperatureGroup {
			c.temperature(v, g, row, &p)
		}
		v.component(p)
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

// envHealth judges a CiscoEnvMonState.
func envHealth(word string) hw.Health {
	switch word {
	case "normal":
		return hw.OK
	case "warning":
		return hw.Warning
	case "critical", "shutdown", "notFunctioning":
		return hw.Critical
	}
	return hw.Unknown
}

// readFRU reads the power state of replaceable parts: supplies and line cards.
func (c *collector) readFRU(v *visit) {
	g, ok := c.read(v, &fruGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		index := g.index[row]
		admin, _ := g.word(row, fruAdmin)
		oper, reason := g.word(row, fruOper)
		p := hw.Component{
			Path: "fru/" + index, Section: sectionEnvironment, Health: fruHealth(oper), Expected: c.expected("fru/"+index, reason == ""),
			State: hw.Attrs{}.With("admin", admin).With("power", oper),
		}
		name, _ := c.entityName(index)
		e, _ := c.entities.parts.at(index)
		p.Attrs = p.Attrs.With("name", name).With("serial", e.serial).With("model", e.model).With("member", c.memberOf(index))
		v.component(p)
	}
}

// fruHealth judges a PowerOperType. What a person switched off is not faulty.
func fruHealth(word string) hw.Health {
	switch word {
	case "on", "offAdmin":
		return hw.OK
	case "onButFanFail", "onButInlinePowerFail":
		return hw.Warning
	case "":
		return hw.Unknown
	}
	return hw.Critical
}
