package parts_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// spoil changes one property or element of a document, by chance: it goes, is null, or of another type. It returns whether
// that stood in an element of a list: in one part.
func spoil(doc any, rnd *rand.Rand) (inPart bool) {
	other := []any{nil, "?", 7.0, true, map[string]any{"x": 1.0}, []any{}}[rnd.IntN(6)]
	for {
		var next any
		var set func(any)
		switch d := doc.(type) {
		case map[string]any:
			keys := slices.Sorted(maps.Keys(d))
			if len(keys) == 0 {
				return inPart
			}
			key := keys[rnd.IntN(len(keys))]
			next, set = d[key], func(v any) { d[key] = v }
		case []any:
			if len(d) == 0 {
				return inPart
			}
			i := rnd.IntN(len(d))
			inPart = true
			next, set = d[i], func(v any) { d[i] = v }
		}
		switch next.(type) {
		case map[string]any, []any:
			if rnd.IntN(4) > 0 {
				doc = next
				continue
			}
		}
		set(other)
		return inPart
	}
}

// Whatever becomes of one property of what another maker's server says: no part gets another name, at most the one it belongs to
// is lost, that is told where it is one of a list, and no fault is taken for well.
func TestSpoiltDocuments(t *testing.T) {
	t.Parallel()
	d := model(t, "proliant-dl380", "fan-failed 2", "psu-out 1", "temperature-high 45")
	for at, convert := range map[string]func(doc []byte) (parts.Found, []redfish.Odd){
		iloChassis + "/Thermal": func(doc []byte) (parts.Found, []redfish.Odd) {
			var x redfish.Thermal
			odd, _ := redfish.Decode(doc, &x)
			return parts.Thermal("s", x, parts.Names{}), odd
		},
		iloChassis + "/Power": func(doc []byte) (parts.Found, []redfish.Odd) {
			var x redfish.Power
			odd, _ := redfish.Decode(doc, &x)
			return parts.Power("s", x, parts.Names{}), odd
		},
	} {
		before, _ := convert(d[at])
		was := map[string]hw.Health{}
		for _, p := range before.Parts {
			was[p.Path] = p.Health
		}
		places := map[string]bool{} // an empty place that does not say so any more may be a part
		filled, _ := convert(bytes.ReplaceAll(d[at], []byte(`"Absent"`), []byte(`"Enabled"`)))
		for _, p := range filled.Parts {
			places[p.Path] = true
		}
		rnd := rand.New(rand.NewPCG(3, 4))
		for range 3000 {
			doc := plain(t, d, at)
			inPart := spoil(doc, rnd)
			b, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			f, odd := convert(b)
			valid(t, f.Parts...)
			var r parts.Report
			r.Begin("s")
			r.Odd("s", "x", odd)
			r.Take("s", "x", f)
			lost := maps.Clone(was)
			for _, p := range f.Parts {
				if h := was[p.Path]; !places[p.Path] || h > hw.OK && p.Health == hw.OK {
					t.Fatalf("%s is %v, was %v\n%s", p.Path, p.Health, h, b)
				}
				delete(lost, p.Path)
			}
			if inPart && (len(lost) > 1 || len(lost) == 1 && r.Extent("s") == hw.Complete && !gone(b)) {
				t.Fatalf("lost: %v, the section is %v\n%s", lost, r.Extent("s"), b)
			}
		}
	}
}

// gone says whether a list of a document has a null: a service that does not count its members shows nothing then.
func gone(doc []byte) bool {
	var lists map[string]json.RawMessage
	_ = json.Unmarshal(doc, &lists)
	for _, l := range lists {
		var elements []json.RawMessage
		if json.Unmarshal(l, &elements) == nil && slices.ContainsFunc(elements, func(e json.RawMessage) bool { return string(e) == "null" }) {
			return true
		}
	}
	return false
}
