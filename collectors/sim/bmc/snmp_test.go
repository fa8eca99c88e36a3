package bmc_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

// value returns the value of an OID, and whether there is one.
func value(rows []bmc.Row, oid string) string {
	for _, r := range rows {
		if r.OID == oid {
			return string(r.Value)
		}
	}
	return "none"
}

// TestRowsAreARecording gives the rows to the SNMP simulator.
func TestRowsAreARecording(t *testing.T) {
	t.Parallel()
	for _, model := range bmc.Models() {
		b, err := bmc.New(model, bmc.Options{Clock: newClock().Now})
		if err != nil {
			t.Fatal(err)
		}
		var rec sim.Recording
		rows := b.Rows()
		for _, r := range rows {
			if err := rec.Set(sim.Row(r)); err != nil {
				t.Errorf("%s: %v", model, err)
			}
		}
		if b.Kind() != "dell-idrac" {
			if len(rows) != 0 {
				t.Errorf("%s has rows of an iDRAC", model)
			}
			continue
		}
		for i, r := range rec.Rows() {
			if r.OID != rows[i].OID {
				t.Fatalf("%s: row %d is %s, in the order of the tree %s", model, i, rows[i].OID, r.OID)
			}
		}
	}
}

func TestRowsShowTheSameState(t *testing.T) {
	t.Parallel()
	c := newClock()
	b, err := bmc.New("poweredge-r630", bmc.Options{Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	const base = "1.3.6.1.4.1.674.10892.5.5.1.20"
	for _, s := range []struct{ fault, arg, oid, is, was string }{
		{"drive-failed", "2", ".130.4.1.4.3", "7", "3"}, {"drive-predicted", "2", ".130.4.1.31.3", "1", "0"}, {"drive-pulled", "2", ".130.4.1.1.3", "none", "3"},
		{"drive-foreign", "2", ".130.4.1.4.3", "4", "3"}, {"spare-removed", "", ".130.4.1.22.7", "1", "3"}, {"battery-dead", "", ".130.15.1.4.1", "3", "2"},
		{"battery-missing", "", ".130.15.1.4.1", "none", "2"}, {"policy-changed", "1", ".140.1.1.10.2", "3", "2"}, {"disk-cache-on", "0", ".140.1.1.26.1", "1", "2"},
		{"disk-cache-on", "0 Default", ".140.1.1.26.1", "3", "2"}, {"patrol-off", "", ".130.1.1.52.1", "3", "4"}, {"drive-failed", "0", ".140.1.1.4.1", "4", "2"},
		{"drive-failed", "0", ".140.1.1.34.1", "0", "1"}, {"firmware-mixed", "2", ".130.4.1.8.3", "OLD1", "NS07"},
	} {
		if was := value(b.Rows(), base+s.oid); was != s.was {
			t.Errorf("%s is %s before %s, want %s", s.oid, was, s.fault, s.was)
		}
		if err := b.Fault(s.fault, s.arg); err != nil {
			t.Fatal(err)
		}
		if is := value(b.Rows(), base+s.oid); is != s.is {
			t.Errorf("%s is %s under %s, want %s", s.oid, is, s.fault, s.is)
		}
		if err := b.Fault("clear", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Fault("rebuild", "0 1h"); err != nil {
		t.Fatal(err)
	}
	c.Pass(15 * time.Minute)
	if got := value(b.Rows(), base+".130.4.1.50.1") + " " + value(b.Rows(), base+".130.4.1.51.1"); got != "2 25" {
		t.Errorf("the rebuild is %s", got)
	}
}

// TestRowsHaveTheColumnsOfARecording: no column of the storage tables is of another type than on a real device.
func TestRowsHaveTheColumnsOfARecording(t *testing.T) {
	const name = "../../../../shared/data/snmp/drac_r540.snmprec"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("no recording at %s", name)
	}
	rec, err := sim.ReadRecording(bytes.NewReader(text), name)
	if err != nil {
		t.Fatal(err)
	}
	column := func(oid string) string { return oid[:strings.LastIndex(oid, ".")] }
	types := map[string]byte{}
	for _, r := range rec.Rows() {
		types[column(r.OID)] = r.Type
	}
	b, err := bmc.New("poweredge-r740", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shared, tables := 0, map[string]bool{}
	for _, r := range b.Rows() {
		want, ok := types[column(r.OID)]
		if !ok || !strings.HasPrefix(r.OID, "1.3.6.1.4.1.674") {
			continue
		}
		table := column(column(r.OID))
		if strings.Contains(r.OID, "10892.5.4.") {
			table = column(table) // its index has two numbers
		}
		tables[table] = true
		if shared++; r.Type != want {
			t.Errorf("%s is of type %d, on the device %d", r.OID, r.Type, want)
		}
	}
	if shared < 400 || len(tables) < 10 {
		t.Errorf("%d objects are of columns that the device has, of the tables %v", shared, tables)
	}
}
