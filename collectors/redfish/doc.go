// Package redfish is a careful client for one BMC: one connection, one session, one request in flight, at a pace the BMC bears.
//
// A BMC is a slow computer that people need when all else is broken. So a Client keeps its session, ends it, cleans up what an earlier
// run left, obeys Retry-After, logs in again once when the session is gone and not at all for a while when the login is refused, and
// trusts the certificate it saw first. What it reads it reads leniently: a property of the wrong type is told and costs nothing else.
// Docs: docs/redfish.md.
//
//	c, err := redfish.New(redfish.Config{Address: "192.0.2.10", User: user, Password: password, Pins: pins, Logger: logger})
//	if err != nil {
//		return err
//	}
//	defer c.Close(ctx)
//
//	var system redfish.ComputerSystem
//	a, err := c.Get(ctx, "/redfish/v1/Systems/System.Embedded.1", &system)
//	if redfish.Over(err) {
//		return err // a *collectors.VisitError about the device: nothing else is to be had in this visit
//	}
//	for _, odd := range a.Odd {
//		... // a gap: odd.Property was not what it should be
//	}
//
//	// A controller and its drives: one request where the device expands links rightly, one more a drive where it does not.
//	drives, err := redfish.ReadLinked[redfish.Drive](ctx, c, system.Storage.Path+"/RAID.Integrated.1-1", "Drives", 256)
//	...
//	for _, d := range drives.Items {
//		... // d.Value, d.Value.Oem.Decode(&ofDell)
//	}
//	if !drives.Complete {
//		... // a drive that is not here may still be there; drives.Failed tells
//	}
//
// Absent is not zero: numbers and truth values are pointers, nil where the service said nothing. An empty Health is neither well nor ill.
package redfish
