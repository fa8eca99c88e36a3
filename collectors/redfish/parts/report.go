package parts

import (
	"errors"
	"math"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// Report is the report of one visit being made.
type Report struct {
	hw.Report
	// Stopped is why nothing more is asked; empty while the device answers.
	Stopped hw.Reason
	gaps    map[string]bool
}

// Begin opens the scope of a section.
func (r *Report) Begin(section string) {
	r.Read = append(r.Read, hw.Scope{Section: section, Extent: hw.Complete})
}

// Extent returns how much of a section was read so far; Failed for one that was not begun.
func (r *Report) Extent(section string) hw.Extent {
	for _, s := range r.Read {
		if s.Section == section {
			return s.Extent
		}
	}
	return hw.Failed
}

// Limit lowers the extent of a section.
func (r *Report) Limit(section string, e hw.Extent) {
	for i := range r.Read {
		if s := &r.Read[i]; s.Section == section && s.Extent > e {
			s.Extent = e
		}
	}
}

// Partial says that a section was not read whole, and names what is missing, once.
func (r *Report) Partial(section, what string, reason hw.Reason, detail string) {
	r.Limit(section, hw.Partial)
	r.Gap(section+"/"+what, reason, detail)
}

// Fail says that a section could not be read at all.
func (r *Report) Fail(section string, reason hw.Reason, detail string) {
	r.Limit(section, hw.Failed)
	r.Gap(section, reason, detail)
}

// Gap adds a gap, once a name.
func (r *Report) Gap(what string, reason hw.Reason, detail string) {
	if r.gaps[what] || len(r.Gaps) >= collectors.MaxGaps {
		return
	}
	if r.gaps == nil {
		r.gaps = map[string]bool{}
	}
	r.gaps[what] = true
	r.Gaps = append(r.Gaps, hw.Gap{What: what, Reason: reason, Detail: detail})
}

// Missed notes the error of one resource of a section: the section is partial, and stops the
// visit where the error concerns the whole device.
func (r *Report) Missed(section, what string, err error) {
	reason := collectors.ReasonOf(err)
	r.Partial(section, what, reason, err.Error())
	if redfish.Over(err) {
		r.Stopped = reason
	}
}

// Odd tells what of a resource was not as Redfish has it. It costs nothing else: what is not understood is absent. Where it
// cost a list of parts a member, the section is partial.
func (r *Report) Odd(section, what string, odd []redfish.Odd) {
	for _, o := range odd {
		r.Gap(section+"/"+what+"/"+o.Property, hw.Garbage, o.What)
	}
	if shortened(odd) {
		r.Limit(section, hw.Partial)
	}
}

// Gauge adds a sample of a number that is told, and an absence where it is not. A number no
// gauge can hold is out of range.
func (r *Report) Gauge(component, sensor string, value *float64, absent hw.Reason) {
	r.Samples = append(r.Samples, Gauge(component, sensor, value, absent))
}

// Gauge returns the sample of a number that may not be told.
func Gauge(component, sensor string, value *float64, absent hw.Reason) hw.Sample {
	s := hw.Sample{Component: component, Sensor: sensor}
	switch {
	case value == nil && absent == "":
		s.Absent = hw.NotReady
	case value == nil:
		s.Absent = absent
	case math.IsNaN(*value) || math.IsInf(*value, 0):
		s.Absent = hw.OutOfRange
	default:
		s.Gauge = *value
	}
	return s
}

// Add takes parts with what they measure.
func (r *Report) Add(list ...Part) {
	for _, p := range list {
		r.Components = append(r.Components, p.Component)
		r.Samples = append(r.Samples, p.Samples...)
	}
}

// Part is a component and its samples.
type Part struct {
	hw.Component
	Samples []hw.Sample
}

// Whole is the error of a visit that read nothing: err itself when it concerns the device, else
// one that says so.
func Whole(err error) error {
	var v *collectors.VisitError
	if errors.As(err, &v) {
		return v
	}
	return &collectors.VisitError{Reason: collectors.ReasonOf(err), Err: err}
}
