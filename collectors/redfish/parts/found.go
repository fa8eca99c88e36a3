package parts

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Found is what a document or a collection yields.
type Found struct {
	Parts   []Part
	Unnamed int // members that nothing names, or that are counted and not shown: what was read is not whole
}

// Names say what a vendor calls the parts that Redfish numbers. The zero value is standard Redfish. A name
// is "" where nothing tells it.
type Names struct {
	Fan    func(redfish.ThermalFan) string
	Supply func(redfish.PowerSupply) string
	Memory func(path string, m redfish.Memory) string
}

// Take adds what was found; the section is partial where a member has no name.
func (r *Report) Take(section, what string, f Found) {
	r.Add(f.Parts...)
	if f.Unnamed > 0 {
		r.Partial(section, what, hw.Garbage, strconv.Itoa(f.Unnamed)+" that cannot be told apart are left out")
	}
}

// Members converts the members of a collection. A part without a path has no name; false says that the place is empty.
func Members[T any](m redfish.Members[T], convert func(path string, v T) (Part, bool)) Found {
	var f Found
	items := slices.SortedFunc(slices.Values(m.Items), func(a, b redfish.Item[T]) int { return strings.Compare(a.Path, b.Path) }) // the same order at every visit
	for _, item := range items {
		p, there := convert(item.Path, item.Value)
		f.add(p, there)
	}
	return f
}

// whole notes the members that a service counts and does not show.
func (f *Found) whole(count *int64, shown int) {
	if count != nil && *count > int64(shown) {
		f.Unnamed++
	}
}

// partLists are the lists that hold parts. Their names are those of no other property.
var partLists = []string{"Fans", "Temperatures", "TemperatureReadingsCelsius", "FanRedundancy", "PowerSupplies", "PowerControl", "Voltages", "PowerSupplyRedundancy", "Redundancy"}

// manyOdd is how many odd properties are told of a document at most: there may be more.
const manyOdd = 40

// shortened says whether what was odd in a document cost a member of one of its lists of parts: an element that is no
// object, or a list that is none.
func shortened(odd []redfish.Odd) bool {
	for _, o := range odd {
		name, _, _ := strings.Cut(o.Property, "[")
		if slices.Contains(partLists, name) && !strings.Contains(o.Property, ".") {
			return true
		}
	}
	return len(odd) >= manyOdd
}

// add takes a part; the second of a name gets a number.
func (f *Found) add(p Part, there bool) {
	switch {
	case !there:
		return
	case p.Path == "":
		f.Unnamed++
		return
	}
	path := p.Path
	for n := 2; slices.ContainsFunc(f.Parts, func(x Part) bool { return x.Path == p.Path }); n++ {
		p.Path = path + "#" + strconv.Itoa(n)
	}
	for i := range p.Samples {
		p.Samples[i].Component = p.Path
	}
	f.Parts = append(f.Parts, p)
}

// made begins a part. Without an id it has no path.
func made(section, prefix, id string, s redfish.Status) Part {
	p := Part{Component: hw.Component{Section: section, Health: Health(s)}}
	if id = Name(id); id != "" {
		p.Path = prefix + id
	}
	p.Attrs = p.Attrs.With(raid.KeySource, raid.SourceRedfish)
	p.State = p.State.With(raid.KeyState, unusual(s))
	return p
}

// absent says that there is an empty place and no part.
func absent(s redfish.Status) bool { return s.State == "Absent" }

// unusual is the state of a part that is not simply enabled.
func unusual(s redfish.Status) string {
	if s.State == "Enabled" {
		return ""
	}
	return kebab(s.State)
}

// kebab writes a word of Redfish as ours: UnavailableOffline is unavailable-offline.
func kebab(word string) string {
	var b strings.Builder
	for i, r := range Text(word) {
		switch {
		case unicode.IsSpace(r):
			continue
		case unicode.IsUpper(r) && i > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// maxName bounds an id in a path.
const maxName = 200

// Name makes a path's end of a name: an FQDD stays as it is, "System Board Inlet Temp" becomes
// SystemBoardInletTemp. Nothing that a path may not hold stays in it.
func Name(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == unicode.ReplacementChar:
			return -1
		case r == '/':
			return '-'
		}
		return r
	}, s)
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// Last is the last segment of a resource's path: its id, whatever the resource says of itself.
func Last(path string) string {
	path = strings.TrimRight(path, "/")
	path = path[strings.LastIndexByte(path, '/')+1:]
	if s, err := url.PathUnescape(path); err == nil {
		path = s
	}
	return path
}

// Member is the name of a member of a list: what it is called, or its MemberId where that is more than a number.
func Member(id string, names ...string) string {
	for _, n := range append(names, id[strings.LastIndexAny(id, "#|")+1:]) {
		if n = Text(n); isName(n) {
			return n
		}
	}
	return ""
}

// isName says whether a text is a name: a number or a truth value that stands in its place is none.
func isName(s string) bool {
	return s != "true" && s != "false" && strings.ContainsFunc(s, unicode.IsLetter)
}

// Text is what a text tells: trimmed, blanks once; "" for what services write where there is nothing to tell.
func Text(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	switch strings.ToLower(s) {
	case "n/a", "na", "none", "null", "unknown", "not available", "not applicable", "notapplicable", "not specified", "nospecification":
		return ""
	}
	return s
}

// attr sets attributes of texts, by key and value in turn.
func (p *Part) attr(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		p.Attrs = p.Attrs.With(pairs[i], Text(pairs[i+1]))
	}
}

// number sets an attribute that is a number, where it is told; less than least is not known.
func (p *Part) number(key string, v *float64, least float64) {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) || *v < least {
		return
	}
	p.Attrs = p.Attrs.With(key, strconv.FormatFloat(*v, 'f', -1, 64))
}

func (p *Part) count(key string, v *int64) {
	if v != nil && *v > 0 {
		p.Attrs = p.Attrs.With(key, strconv.FormatInt(*v, 10))
	}
}

// gauge adds a sample within limits, or its absence.
func (p *Part) gauge(sensor string, v *float64, least, most float64) {
	s := Gauge(p.Path, sensor, v, hw.NotReady)
	if s.Absent == "" && (s.Gauge < least || s.Gauge > most) {
		s.Gauge, s.Absent = 0, hw.OutOfRange
	}
	p.Samples = append(p.Samples, s)
}

// told adds a sample of what only some services tell.
func (p *Part) told(sensor string, v *float64, least, most float64) {
	if v != nil {
		p.gauge(sensor, v, least, most)
	}
}

// The greatest numbers that are believed.
const (
	maxCelsius = 3000
	maxWatts   = 1e6
	maxVolts   = 1000
	maxAmperes = 1e5
	maxRPM     = 1e5
	noLimit    = math.MaxFloat64
)
