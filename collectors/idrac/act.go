package idrac

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Act implements collectors.Actor: it switches the locator of a drive or of the server.
func (c *collector) Act(ctx context.Context, a hw.Action) error {
	if c.redfish == nil {
		return unable("over SNMP an iDRAC takes no orders", "give it a user and a password for Redfish")
	}
	if a.Name != hw.Locate {
		return unable(fmt.Sprintf("an iDRAC is not told to %.40q", a.Name), "")
	}
	if c.snmp != nil && c.outage.refused() {
		if err := c.outage.wait(c.target.Memory, c.now()); err != nil {
			return uncounted(err)
		}
	}
	before := c.redfish.client.Counters().Requests
	err := c.redfish.locate(ctx, a)
	var v *collectors.VisitError
	if c.snmp != nil && errors.As(err, &v) && isRefusal(v.Reason) {
		c.outage.begin(c.target, v, c.redfish.client.Counters().Requests > before, c.now())
		return uncounted(v)
	}
	return err
}

// uncounted is a login refused beside SNMP: it is counted here, and must not stop the visits as one the poller
// counts would.
func uncounted(v *collectors.VisitError) error {
	u := *v
	if isRefusal(u.Reason) {
		u.Reason = hw.AccessDenied
	}
	return &u
}

func unable(why, hint string) error {
	return &collectors.VisitError{Reason: hw.NotSupported, Err: errors.New(why), Hint: hint}
}

func (s *redfishSide) locate(ctx context.Context, a hw.Action) error {
	v := &redfishVisit{ctx: ctx, now: s.now()}
	s.beaten = beaten{} // it is about to change
	var err error
	if s.places.known {
		err = s.readSystem(v, s.places.system)
	} else {
		err = s.find(v)
	}
	if err != nil {
		return parts.Whole(err)
	}
	switch id, drive := strings.CutPrefix(a.Component, raid.DrivePath); {
	case drive && id != "":
		return locked(s.blink(v, id, a.On))
	case a.Component == hw.ChassisPath:
		return locked(s.light(v, a.On))
	}
	return unable(fmt.Sprintf("%.100s has no locator that can be switched", a.Component), "drives have one, and the server: `"+hw.ChassisPath+"`")
}

// locked says what to do where lockdown mode refuses a change.
func locked(err error) error {
	var v *collectors.VisitError
	var e *redfish.Error
	if !errors.As(err, &v) || !errors.As(err, &e) {
		return err
	}
	for _, m := range e.Messages {
		if strings.Contains(strings.ToLower(m.Text), "lockdown") {
			return &collectors.VisitError{Reason: hw.AccessDenied, Err: v.Err, Hint: "system lockdown mode is on: switch it off on the iDRAC (Lockdown.1.SystemLockdown) before it takes changes"}
		}
	}
	return err
}

// The paths of the RAID service where the system does not link to it: of an iDRAC9, and before that.
var raidServices = [...]string{
	"/redfish/v1/Systems/System.Embedded.1/Oem/Dell/DellRaidService",
	"/redfish/v1/Dell/Systems/System.Embedded.1/DellRaidService",
}

// blink switches the locator of a drive by its FQDD.
func (s *redfishSide) blink(v *redfishVisit, fqdd string, on bool) error {
	action := "UnBlinkTarget"
	if on {
		action = "BlinkTarget"
	}
	var links struct {
		Dell struct{ DellRaidService redfish.Link }
	}
	_, _ = v.system.Links.Oem.Decode(&links) // what is not told is looked for
	for i, at := range append([]string{links.Dell.DellRaidService.Path}, raidServices[:]...) {
		if at == "" || i > 0 && at == links.Dell.DellRaidService.Path {
			continue
		}
		var service struct{ Actions map[string]redfish.Action }
		_, err := s.client.Get(v.ctx, at, &service)
		if isAbsent(err) {
			continue
		}
		if err != nil {
			return err
		}
		target := service.Actions["#DellRaidService."+action].Target
		if target == "" {
			target = at + "/Actions/DellRaidService." + action
		}
		_, err = s.client.Do(v.ctx, redfish.Request{Method: http.MethodPost, Path: target, Body: map[string]string{"TargetFQDD": fqdd}}, nil)
		if refused(err) {
			return unable(err.Error(), "the drive has no locator the iDRAC can switch, as NVMe drives without a backplane, or is not there")
		}
		return err
	}
	return unable("the iDRAC has no RAID service over Redfish", "it needs iDRAC9 firmware 3.30 or later, or an iDRAC8 of 2.60 or later with the licence for it")
}

// light switches the locator of the server: by the property that is told, the newer one first.
func (s *redfishSide) light(v *redfishVisit, on bool) error {
	at, body := s.places.system, map[string]any{"LocationIndicatorActive": on}
	if v.system.LocationIndicatorActive == nil {
		word := "Lit" // the light of a server that is not sought is on
		if on {
			word = "Blinking"
		}
		body = map[string]any{"IndicatorLED": word}
		if v.system.IndicatorLED == "" && s.places.chassis.IndicatorLED == "" {
			return unable("the iDRAC does not tell of a locator", "")
		}
		if s.places.chassis.IndicatorLED != "" {
			at = s.places.chassis.Path
		}
	}
	_, err := s.client.Do(v.ctx, redfish.Request{Method: http.MethodPatch, Path: at, Body: body}, nil)
	if refused(err) {
		return unable(err.Error(), "")
	}
	return err
}

// isAbsent says whether err is that a resource is not there.
func isAbsent(err error) bool {
	return err != nil && collectors.ReasonOf(err) == hw.NotSupported && !redfish.Over(err)
}

// refused says whether the service understood an order and cannot do it.
func refused(err error) bool {
	var e *redfish.Error
	return errors.As(err, &e) && !redfish.Over(err) && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed)
}
