package cisco

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// columnOf makes a whole column of texts or numbers.
func columnOf(rows map[string]snmp.Value) *snmp.Column {
	c := &snmp.Column{Complete: true}
	for index, v := range rows {
		c.Rows = append(c.Rows, snmp.Row{Index: index, Value: v})
	}
	return c
}

// What the inventory held is found again under its index, whatever was read and in
// whatever order; what is no entPhysicalIndex is not.
func TestParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		index := rapid.OneOf(rapid.StringMatching(`[1-9][0-9]{0,3}`), rapid.Just("4294967295"), rapid.Just("99999999999"), rapid.Just("1.2"))
		texts := rapid.MapOf(index, rapid.SampledFrom([]string{"", "chassis", " x ", strings.Repeat("é", 200)}))
		numbers := rapid.MapOf(index, rapid.Int64Range(-1, 70))
		g := &grid{}
		g.begin(len(entityGroup.objects))
		for slot := range entityGroup.objects {
			rows := map[string]snmp.Value{}
			if slot == entityParent || slot == entityClass {
				for i, n := range numbers.Draw(t, "numbers") {
					rows[i] = snmp.Value{Type: snmp.TypeInteger, Int: n}
				}
			} else {
				for i, s := range texts.Draw(t, "texts") {
					rows[i] = snmp.Value{Type: snmp.TypeOctetString, Bytes: []byte(s)}
				}
			}
			g.fill(slot, &entityGroup.objects[slot], columnOf(rows))
		}
		list := partsOf(g)
		for i := range list.rows {
			if i > 0 && list.rows[i-1].index >= list.rows[i].index {
				t.Fatalf("row %d is not after %d", list.rows[i].index, list.rows[i-1].index)
			}
		}
		for row, index := range g.index {
			e, ok := list.at(index)
			if _, err := strconv.ParseUint(index, 10, 32); ok != (err == nil) {
				t.Fatalf("part %s: found %v", index, ok)
			}
			if !ok {
				continue
			}
			var want entity
			for slot, into := range map[int]*string{
				entityDescr: &want.descr, entityName: &want.name, entityHardware: &want.hardware,
				entitySoftware: &want.version, entitySerial: &want.serial, entityModel: &want.model,
			} {
				*into, _ = g.text(row, slot)
			}
			class, _ := g.number(row, entityClass)
			want.class, want.parent = uint8(class), noParent
			if n, reason := g.number(row, entityParent); reason == "" {
				want.parent = uint32(n)
			}
			_, noName := g.text(row, entityName)
			_, noDescr := g.text(row, entityDescr)
			want.unnamed = g.amiss(entityName, noName) || want.name == "" && g.amiss(entityDescr, noDescr)
			bad := []hw.Reason{hw.Garbage, hw.OutOfRange}
			_, noParent := g.number(row, entityParent)
			_, noClass := g.number(row, entityClass)
			_, noSerial := g.text(row, entitySerial)
			want.unclassed = want.class == 0 && (slices.Contains(bad, noClass) || slices.Contains(bad, noSerial) || slices.Contains(bad, noParent))
			if e != want {
				t.Fatalf("part %s is %+v, want %+v", index, e, want)
			}
		}
		if again := partsOf(g); !again.same(&list) {
			t.Fatal("the same inventory read twice is not the same")
		}
	})
}

// Sheets that wait hold nothing of a device, and a table of thousands of rows does not
// stay in memory.
func TestSheetsKeepNothing(t *testing.T) {
	t.Parallel()
	var s shelf
	x := s.take()
	for grp, rows := range map[*group]int{&portGroup: keptRows, &cpuGroup: 4 * keptRows} {
		values := map[string]snmp.Value{}
		for i := range rows {
			values[strconv.Itoa(i+1)] = snmp.Value{Type: snmp.TypeCounter32, Uint: 1}
		}
		g := x.grid(grp)
		g.begin(len(grp.objects))
		g.fill(1, &grp.objects[1], columnOf(values))
		if g.count() != rows {
			t.Fatalf("%d rows, want %d", g.count(), rows)
		}
	}
	x.uptimes = make(snmp.UpTimes, 3)
	s.give(x)
	y := s.take()
	if x != y || y.uptimes != nil || y.grids[&cpuGroup] != nil {
		t.Fatalf("the sheets are not the same, or not empty: %+v", y)
	}
	g := y.grid(&portGroup)
	if g.any() || g.count() != 0 || len(g.at) != 0 || g.cell(0, 1) != 0 {
		t.Error("rows of the visit before are there")
	}
	for _, left := range g.index[:cap(g.index)] {
		if left != "" {
			t.Fatalf("index %q is still held", left)
		}
	}
	for range idleSheets + 3 {
		s.give(&sheets{})
	}
	if len(s.idle) != idleSheets {
		t.Errorf("%d sheets wait, want %d", len(s.idle), idleSheets)
	}
}
