package redfish

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"

	"rackpost/collectors"
	"rackpost/hw"
)

// Protocol is what devices with a Redfish service are asked with.
const Protocol = "redfish"

// The kinds of devices that Ask tells apart.
const (
	DellKind  = "dell-idrac"
	PlainKind = "redfish"
)

// thinking is how much longer than to make a connection an answer may take: most addresses are nobody's, and a BMC is slow.
const thinking = 5

// AskWith says whether credentials are those of Redfish.
func AskWith(c collectors.Credentials) bool { return c.User != "" && c.Password != "" }

// Ask is the collectors.Asker of the kinds that speak Redfish. The service root tells without a login whose device it is,
// and of a Dell the service tag; what is no Redfish service is never sent the password. With a user it reads the server.
// A certificate that the target's memory pins must be shown; without one the first is, to the end of the question.
func Ask(ctx context.Context, t collectors.Target) (a collectors.Answer, err error) {
	pins := t.Memory
	if pins == nil {
		pins = &collectors.Memory{}
	}
	c, err := New(Config{
		Address: t.Device.Address, User: cmp.Or(t.Credentials.User, "nobody"), Password: cmp.Or(t.Credentials.Password, "none"), // the root needs none
		LegacyTLS: t.LegacyTLS, LeaveSessions: true, Pins: pins, Timeout: thinking * t.Timeout, Rate: t.Rate, Logger: t.Logger,
	})
	if err != nil {
		return a, err
	}
	c.wire.connect = cmp.Or(t.Timeout, dialTimeout)
	defer func() {
		if err := c.Close(ctx); err != nil && t.Logger != nil {
			t.Logger.Log(ctx, slog.LevelDebug, "a session that was opened to ask stays until it times out", "err", err)
		}
		a.Requests = c.Counters().Requests
	}()
	root, err := c.Root(ctx)
	if err != nil {
		return a, notAsked(err)
	}
	a.Kind, a.Descr = PlainKind, strings.TrimSpace(root.Vendor+" "+root.Product)
	if root.Of("Dell") {
		a.Kind, a.Serial = DellKind, root.tag()
	}
	if !AskWith(t.Credentials) {
		return a, nil
	}
	s, err := c.firstSystem(ctx, root)
	if err != nil && collectors.ReasonOf(err) == hw.AuthFailed {
		return a, err
	}
	a.Name, a.Model = s.HostName, strings.TrimSpace(s.Model)
	if a.Serial == "" && a.Kind == DellKind {
		a.Serial = s.SKU // the service tag
	}
	a.Serial = cmp.Or(a.Serial, s.SerialNumber)
	return a, nil
}

// firstSystem reads the first system.
func (c *Client) firstSystem(ctx context.Context, root ServiceRoot) (s ComputerSystem, err error) {
	var systems struct{ Members []Link }
	if _, err := c.Get(ctx, root.Systems.Path, &systems); err != nil || len(systems.Members) == 0 {
		return s, err
	}
	_, err = c.Get(ctx, systems.Members[0].Path, &s)
	return s, err
}

// notAsked is the error of Ask for what stands there: what speaks no Redfish is a port that is closed for it.
func notAsked(err error) error {
	var v *collectors.VisitError
	var e *Error
	if errors.As(err, &v) && errors.As(err, &e) && (v.Reason == hw.WrongKind || v.Reason == hw.Garbage) {
		return &collectors.VisitError{Reason: hw.Refused, Hint: v.Hint, Err: v.Err}
	}
	return err
}

// Of says whether the service is of a vendor, by its own word or by a part of the root that is the vendor's.
func (r ServiceRoot) Of(vendor string) bool {
	if r.Vendor != "" && strings.HasPrefix(strings.ToLower(r.Vendor), strings.ToLower(vendor)) {
		return true
	}
	var oem map[string]json.RawMessage
	return json.Unmarshal(r.Oem, &oem) == nil && oem[vendor] != nil
}

// tag returns the service tag that an iDRAC9 tells without a login.
func (r ServiceRoot) tag() string {
	var oem struct{ Dell struct{ ServiceTag string } }
	_, _ = r.Oem.Decode(&oem) // what cannot be read is not told
	return oem.Dell.ServiceTag
}
