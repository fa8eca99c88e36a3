package cisco

import (
	"strconv"
	"strings"

	"rackpost/hw"
)

// chassisMemory is what is kept of the sensors of a chassis that only
// CISCO-ENTITY-SENSOR-MIB tells, until the next inventory.
type chassisMemory struct {
	read   bool // the thresholds were read whole
	limits map[string]rawLimits
	hot    map[string]int // the high threshold a sensor was beyond; it outlives the inventory
}

// cooled is by how many degrees a temperature must fall below a threshold it was beyond
// before it is well again: one that stays there is one fault and not many.
const cooled = 2

// readChassisTemperatures reads the temperatures of the chassis out of
// CISCO-ENTITY-SENSOR-MIB where CISCO-ENVMON-MIB, read just before, has none at all. Those of
// transceivers are told with them.
func (c *collector) readChassisTemperatures(v *visit) {
	env := c.sheets.grid(&temperatureGroup)
	if v.stopped != "" || env.any() || !env.wholeAll() || c.tables[&temperatureGroup].had {
		return
	}
	mine := c.chassisSensors()
	if len(mine) == 0 {
		return
	}
	g, ok := c.read(v, &chassisSensorGroup)
	if !ok {
		return
	}
	whole := c.readChassisLimits(v, g, mine)
	for _, row := range g.rows() {
		if sort, _ := g.number(row, sensorType); sort == typeCelsius && mine[g.index[row]] {
			c.chassisTemperature(v, g, row, whole)
		}
	}
}

// chassisSensors returns the indexes of the sensors that sit in no port and no transceiver.
// It is empty while the inventory was not read whole, and lacks those in a part of which
// something was not read: which they are is not known.
func (c *collector) chassisSensors() map[string]bool {
	if !c.entities.whole {
		return nil
	}
	p := &c.entities.parts
	pluggable, doubtful := map[uint32]bool{}, map[uint32]bool{}
	for i, r := range p.rows {
		pluggable[r.index] = r.class == classPort || p.pluggable(i)
		doubtful[r.index] = r.class != classChassis && p.doubtful(i)
	}
	mine := map[string]bool{}
	for i, r := range p.rows {
		if r.class != classSensor {
			continue
		}
		e, ok, own := p.entity(i), true, true
		for depth := 0; ok && depth < containmentDepth && own; depth++ {
			own = !pluggable[e.parent] && !doubtful[e.parent] && e.parent != noParent
			e, ok = p.find(e.parent)
		}
		if own {
			mine[strconv.FormatUint(uint64(r.index), 10)] = true
		}
	}
	return mine
}

// readChassisLimits reads the thresholds once an inventory, and reports whether all are known.
func (c *collector) readChassisLimits(v *visit, g *grid, mine map[string]bool) bool {
	if c.entities.sensors.read || !g.any() {
		return c.entities.sensors.read
	}
	t, ok := c.read(v, &chassisLimitGroup)
	all := limitsOf(t)
	c.entities.sensors.read, c.entities.sensors.limits = ok && t.wholeAll(), map[string]rawLimits{}
	for index := range mine {
		if l, ok := all[index]; ok {
			l.set[lowMinor] = false // where the warning of high minor ends
			c.entities.sensors.limits[index] = l
		}
	}
	return c.entities.sensors.read
}

// chassisTemperature adds one temperature of a chassis.
func (c *collector) chassisTemperature(v *visit, g *grid, row int, whole bool) {
	index := g.index[row]
	path, sensor := "temperature/"+index, opticKinds[opticTemperature].sensor
	m := opticValue(g, row, opticTemperature, c.entities.sensors.limits[index])
	name, _ := c.entityName(index)
	a := hw.Attrs{}.With("name", name).With("member", c.memberOf(index))
	if m.limits.set[highMajor] {
		a = a.With("threshold_celsius", strconv.FormatFloat(m.limits.value[highMajor], 'f', -1, 64))
	}
	c.entities.sensors.keepHot(index, &m)
	health, alarm := m.judge(opticTemperature, "up", whole)
	if m.absent == hw.NotReady {
		health = hw.Unknown
	}
	status, _ := g.word(row, sensorStatus)
	v.component(hw.Component{
		Path: path, Section: sectionEnvironment, Health: health, Attrs: a,
		State: hw.Attrs{}.With("state", status).With("alarm", alarm),
	})
	v.gauge(path, sensor, m.value, m.absent)
}

// keepHot lowers the high threshold a temperature was beyond before, and remembers the one it
// is beyond now.
func (s *chassisMemory) keepHot(index string, m *measured) {
	if m.absent != "" {
		return
	}
	if was, ok := s.hot[index]; ok {
		m.limits.value[was] -= cooled
	}
	if now, ok := m.limits.beyond(m.value); ok && now < lowMinor {
		if s.hot == nil {
			s.hot = map[string]int{}
		}
		s.hot[strings.Clone(index)] = now
	} else {
		delete(s.hot, index)
	}
}
