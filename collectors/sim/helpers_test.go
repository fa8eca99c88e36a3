package sim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/collectortest"
	"rackpost/collectors/sim"
)

func newClock() *collectortest.Clock {
	return collectortest.NewClock(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
}

func recorded(t testing.TB, text string) *sim.Device {
	t.Helper()
	rec, err := sim.ReadRecording(strings.NewReader(text), "test.snmprec")
	if err != nil {
		t.Fatal(err)
	}
	return sim.NewRecorded(rec)
}

func model(t testing.TB, name string, opt sim.ModelOptions) *sim.Device {
	t.Helper()
	d, err := sim.NewModel(name, opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// serve runs an agent for the length of the test and returns its address.
func serve(t testing.TB, d *sim.Device, opt sim.AgentOptions) string {
	t.Helper()
	a, err := sim.Listen("127.0.0.1:0", d, opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("agent: %v", err)
		}
	})
	return a.Addr().String()
}

// client is a session of an SNMP implementation that is not ours.
func client(t testing.TB, addr string, version gosnmp.SnmpVersion) *gosnmp.GoSNMP {
	t.Helper()
	host, port, _ := strings.Cut(addr, ":")
	c := &gosnmp.GoSNMP{Target: host, Community: "public", Version: version, Timeout: 5 * time.Second, MaxOids: 60, MaxRepetitions: 60}
	if _, err := fmt.Sscan(port, &c.Port); err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Conn.Close() })
	return c
}

// text shows a value so that equal values of equal types have equal texts.
func text(p gosnmp.SnmpPDU) string {
	if b, ok := p.Value.([]byte); ok {
		return fmt.Sprintf("%s %q", p.Type, b)
	}
	return fmt.Sprintf("%s %v", p.Type, p.Value)
}

// walk reads a subtree over UDP: the values by OID, without the leading dot.
func walk(t testing.TB, c *gosnmp.GoSNMP, root string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	err := c.BulkWalk(root, func(p gosnmp.SnmpPDU) error {
		rows[strings.TrimPrefix(p.Name, ".")] = text(p)
		return nil
	})
	if err != nil {
		t.Fatalf("walk %s: %v", root, err)
	}
	return rows
}

// get reads one object.
func get(t testing.TB, c *gosnmp.GoSNMP, oid string) gosnmp.SnmpPDU {
	t.Helper()
	p, err := c.Get([]string{oid})
	if err != nil {
		t.Fatalf("get %s: %v", oid, err)
	}
	if p.Error != gosnmp.NoError || len(p.Variables) != 1 {
		t.Fatalf("get %s: %v, %d variables", oid, p.Error, len(p.Variables))
	}
	return p.Variables[0]
}

func number(t testing.TB, c *gosnmp.GoSNMP, oid string) uint64 {
	t.Helper()
	p := get(t, c, oid)
	n := gosnmp.ToBigInt(p.Value)
	if p.Type == gosnmp.NoSuchInstance || p.Type == gosnmp.NoSuchObject || p.Type == gosnmp.OctetString {
		t.Fatalf("%s is no number: %s", oid, text(p))
	}
	return n.Uint64()
}
