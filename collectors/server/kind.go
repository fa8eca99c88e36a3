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
func Kind() collectors.Kind { return kindAt(0) }

// kindAt is Kind with a pace of its own, in requests a second; 0 is the client's.
func kindAt(rate float64) collectors.Kind {
	return collectors.Kind{
		Name: KindName,
		Sections: []collectors.Section{
			{Name: sectionHeartbeat, Period: time.Minute},
			{Name: sectionRAID, Period: 5 * time.Minute},
			{Name: sectionEnvironment, Period: 5 * time.Minute},
			{Name: sectionLog, Period: 5 * time.Minute},
			{Name: sectionInventory, Period: time.Hour},
			{Name: sectionNetwork, Period: time.Hour},
		},
		New:          func(t collectors.Target) (collectors.Collector, error) { return open(t, rate) },
		LoginLimited: true,
		Protocol:     redfish.Protocol,
		Ask:          redfish.Ask,
	}
}

// open makes the collector of a device. It does not speak to it.
func open(t collectors.Target, rate float64) (collectors.Collector, error) {
	if t.Credentials.User == "" || t.Credentials.Password == "" {
		return nil, errors.New("a user and its password for Redfish are needed")
	}
	c, err := redfish.New(redfish.Config{
		Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password,
		LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once, Pins: t.Memory, Timeout: t.Timeout, Rate: rate, Logger: t.Logger,
	})
	if err != nil {
		return nil, err
	}
	s := &server{target: t, client: c}
	s.forget()
	return s, nil
}

// Close implements collectors.Collector.
func (s *server) Close(ctx context.Context) error { return s.client.Close(ctx) }
