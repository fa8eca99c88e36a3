package idrac

import (
	"context"
	"errors"
	"net"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// collector visits one server: over Redfish where a user is known, over SNMP where that has credentials, over both
// where both are given.
type collector struct {
	redfish *redfishSide // nil: without
	snmp    *snmpSide    // nil: without
}

func open(t collectors.Target, pool *snmp.Pool) (collectors.Collector, error) {
	c := &collector{}
	if t.Credentials.User == "" && !t.Credentials.SNMP() {
		return nil, errors.New("a user and its password for Redfish, or a community or user of SNMP, are needed")
	}
	var err error
	if t.Credentials.User != "" {
		if c.redfish, err = openRedfish(t); err != nil {
			return nil, err
		}
	}
	if t.Credentials.SNMP() {
		if c.snmp, err = openSNMP(t, agentAddress(t), pool); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// agentAddress returns where the SNMP agent of a target listens.
func agentAddress(t collectors.Target) string {
	if t.SNMP != "" || t.Credentials.User == "" {
		if t.SNMP != "" {
			return t.SNMP
		}
		return t.Device.Address
	}
	if host, _, err := net.SplitHostPort(t.Device.Address); err == nil {
		return host
	}
	return t.Device.Address
}

// Collect implements collectors.Collector.
func (c *collector) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	if c.redfish != nil {
		return c.redfish.read(ctx, due)
	}
	return c.snmp.read(ctx, due)
}

// Close implements collectors.Collector.
func (c *collector) Close(ctx context.Context) error {
	var errs []error
	if c.redfish != nil {
		errs = append(errs, c.redfish.close(ctx))
	}
	if c.snmp != nil {
		errs = append(errs, c.snmp.close())
	}
	return errors.Join(errs...)
}
