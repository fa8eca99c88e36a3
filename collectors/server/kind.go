// Package server visits any server through the standard Redfish of its management controller:
// HPE iLO, Lenovo XCC, Supermicro and others that have no kind of their own.
package server

import (
	"context"
	"errors"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
)

// KindName is the name of the kind.
const KindName = "redfish"

// The sections of the kind.
const (
	sectionHeartbeat   = "heartbeat"
	sectionRAID        = "raid"
	sectionEnvironment = "environment"
	sectionInventory   = "inventory"
	sectionNetwork     = "network"
	sectionLog         = "log"
)

// Kind returns the kind of servers that have none of their own.
func Kind() collectors.Kind { return KindAt(time.Now) }

// KindAt is Kind with another clock, for days that are simulated.
func KindAt(now func() time.Time) collectors.Kind {
	return collectors.Kind{
		Name: KindName,
		Sections: []collectors.Section{
			{Name: sectionHeartbeat, Period: time.Minute, First: true},
			{Name: sectionRAID, Period: 5 * time.Minute},
			{Name: sectionEnvironment, Period: 5 * time.Minute},
			{Name: sectionLog, Period: 5 * time.Minute},
			{Name: sectionInventory, Period: time.Hour},
			{Name: sectionNetwork, Period: time.Hour},
		},
		New:          func(t collectors.Target) (collectors.Collector, error) { return open(t, now) },
		LoginLimited: true,
		Protocol:     redfish.Protocol,
		Ask:          redfish.Ask,
	}
}

// open makes the collector of a device. It does not speak to it.
func open(t collectors.Target, now func() time.Time) (collectors.Collector, error) {
	if t.Credentials.User == "" || t.Credentials.Password == "" {
		return nil, errors.New("a user and its password for Redfish are needed")
	}
	c, err := redfish.New(redfish.Config{
		Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password,
		LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once, Box: t.Box, Pins: t.Memory, Timeout: t.Timeout, Rate: t.Rate, Logger: t.Logger, Clock: now,
	})
	if err != nil {
		return nil, err
	}
	s := &server{target: t, client: c, now: now}
	s.forget()
	return s, nil
}

// Close implements collectors.Collector.
func (s *server) Close(ctx context.Context) error { return s.client.Close(ctx) }
