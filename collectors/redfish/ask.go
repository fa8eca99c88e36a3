package redfish

import (
	"context"
	"encoding/json"
	"strings"

	"rackpost/collectors"
)

// Protocol is what devices with a Redfish service are asked with.
const Protocol = "redfish"

// The kinds of devices that Ask tells apart.
const (
	DellKind  = "dell-idrac"
	PlainKind = "redfish"
)

// Ask is the collectors.Asker of the kinds that speak Redfish. It reads the service root, which needs no login.
func Ask(ctx context.Context, t collectors.Target) (a collectors.Answer, err error) {
	c, err := New(Config{Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password, LegacyTLS: t.LegacyTLS, LeaveSessions: true, Timeout: t.Timeout, Logger: t.Logger})
	if err != nil {
		return a, err
	}
	defer func() {
		_ = c.Close(ctx) // nothing is open but the connection, unless it said so before
		a.Requests = c.Counters().Requests
	}()
	root, err := c.Root(ctx)
	if err != nil {
		return a, err
	}
	a.Descr = strings.TrimSpace(root.Vendor + " " + root.Product)
	a.Kind = PlainKind
	if root.Of("Dell") {
		a.Kind = DellKind
	}
	return a, nil
}

// Of says whether the service is of a vendor, by its own word or by the part of the root that is the vendor's.
func (r ServiceRoot) Of(vendor string) bool {
	if r.Vendor != "" {
		return strings.HasPrefix(strings.ToLower(r.Vendor), strings.ToLower(vendor))
	}
	var oem map[string]json.RawMessage
	if json.Unmarshal(r.Oem, &oem) != nil {
		return false
	}
	for name := range oem {
		if strings.EqualFold(name, vendor) {
			return true
		}
	}
	return false
}
