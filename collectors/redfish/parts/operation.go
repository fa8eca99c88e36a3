package parts

import (
	"cmp"
	"slices"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// operations are the words of raid.KeyOperation, the gravest last.
var operations = [...]string{
	raid.OperationNone, raid.OperationOther, raid.OperationErase, raid.OperationInitialise, raid.OperationCheck,
	raid.OperationResync, raid.OperationReconstruct, raid.OperationCopyback, raid.OperationRebuild,
}

// operationWords are parts of the names services give to operations, and what they mean: the first that is
// in a name counts.
var operationWords = [...][2]string{
	{"rebuild", raid.OperationRebuild}, {"copyback", raid.OperationCopyback}, {"copy back", raid.OperationCopyback}, {"replacemember", raid.OperationCopyback},
	{"replace member", raid.OperationCopyback}, {"reconstruct", raid.OperationReconstruct}, {"changeraidtype", raid.OperationReconstruct}, {"transform", raid.OperationReconstruct},
	{"migrat", raid.OperationReconstruct}, {"expan", raid.OperationReconstruct}, {"resize", raid.OperationReconstruct}, {"changestripsize", raid.OperationReconstruct},
	{"resync", raid.OperationResync}, {"consistency", raid.OperationCheck}, {"initial", raid.OperationInitialise}, {"clear", raid.OperationErase},
	{"erase", raid.OperationErase}, {"format", raid.OperationErase}, {"saniti", raid.OperationErase},
}

// OperationWord returns the word for the name of an operation, empty for one that says nothing.
func OperationWord(name string) string {
	name = strings.ToLower(text(name))
	switch name {
	case "", "unknown", "notapplicable", "not applicable":
		return ""
	case "none":
		return raid.OperationNone
	}
	for _, w := range operationWords {
		if strings.Contains(name, w[0]) {
			return w[1]
		}
	}
	return raid.OperationOther
}

// Operation adds the gravest of what is going on. A nil list tells nothing, an empty one that nothing is.
func (p *Part) Operation(list []redfish.Operation) {
	if list == nil {
		return
	}
	word, percent := raid.OperationNone, (*float64)(nil)
	for _, o := range list {
		w := OperationWord(cmp.Or(o.OperationName, o.Operation))
		if w == "" || w == raid.OperationNone {
			w = raid.OperationOther // it is listed: something runs
		}
		if graver(w, word) {
			word, percent = w, o.PercentageComplete
		}
	}
	p.Runs(word, percent)
}

// Runs adds an operation, of which the service may tell in several places: the gravest counts. How far it is is a sample.
func (p *Part) Runs(word string, percent *float64) {
	if word == "" || !graver(word, p.State.Get(raid.KeyOperation)) {
		if i := p.sample(raid.SensorOperationPercent); i >= 0 && word == p.State.Get(raid.KeyOperation) && p.Samples[i].Absent != "" {
			p.Samples[i] = Gauge(p.Path, raid.SensorOperationPercent, inPercent(percent), "")
		}
		return
	}
	p.State = p.State.With(raid.KeyOperation, word)
	if i := p.sample(raid.SensorOperationPercent); i >= 0 {
		p.Samples = slices.Delete(p.Samples, i, i+1)
	}
	if word != raid.OperationNone {
		p.Samples = append(p.Samples, Gauge(p.Path, raid.SensorOperationPercent, inPercent(percent), ""))
	}
}

func graver(a, b string) bool { return slices.Index(operations[:], a) > slices.Index(operations[:], b) }

// sample returns where the sample of a sensor is, -1 where there is none.
func (p *Part) sample(sensor string) int {
	for i := range p.Samples {
		if p.Samples[i].Sensor == sensor {
			return i
		}
	}
	return -1
}

// inPercent is nil for what is no percent.
func inPercent(f *float64) *float64 {
	if f == nil || !(*f >= 0 && *f <= 100) {
		return nil
	}
	return f
}
