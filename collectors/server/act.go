package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Act implements collectors.Actor: it makes the server or a drive blink, or stops it.
func (s *server) Act(ctx context.Context, a hw.Action) error {
	if a.Name != hw.Locate {
		return unable(fmt.Errorf("%s is nothing a %s can do", a.Name, KindName))
	}
	v := &visit{ctx: ctx}
	s.beaten = beaten{} // it is about to change
	if err := s.beat(v); err != nil {
		return err
	}
	switch {
	case a.Component == hw.ChassisPath:
		return s.locateChassis(ctx, a.On)
	case strings.HasPrefix(a.Component, raid.DrivePath):
		return s.locateDrive(v, a)
	}
	return unable(fmt.Errorf("%s has no locator", a.Component))
}

func unable(err error) error {
	return &collectors.VisitError{Reason: hw.NotSupported, Err: err}
}

// locateChassis switches the locator of the system, or of the box it stands in where it has none of its own.
func (s *server) locateChassis(ctx context.Context, on bool) error {
	paths := []string{s.places.system}
	for i := range s.places.chassis {
		paths = append(paths, s.places.chassis[i].Path)
	}
	var err error
	for _, path := range paths {
		if err = s.locate(ctx, path, on); err == nil || redfish.Over(err) || collectors.ReasonOf(err) != hw.NotSupported {
			return err
		}
	}
	return err
}

// locateDrive switches the locator of a drive. Before the drives were read they are looked for.
func (s *server) locateDrive(v *visit, a hw.Action) error {
	if s.drives[a.Component] == "" {
		v.Begin(sectionRAID)
		s.readRAID(v)
	}
	path := s.drives[a.Component]
	if path == "" {
		return noDrive(v, a.Component)
	}
	return s.locate(v.ctx, path, a.On)
}

// locator is how a part shows where it is.
type locator struct {
	redfish.Resource
	LocationIndicatorActive *bool
	IndicatorLED            string
}

// locate switches the locator of one resource, and reads back whether it did.
func (s *server) locate(ctx context.Context, path string, on bool) error {
	var l locator
	a, err := s.client.Get(ctx, path, &l)
	if err != nil {
		return err
	}
	var changes []map[string]any
	if l.LocationIndicatorActive != nil {
		changes = append(changes, map[string]any{"LocationIndicatorActive": on})
	}
	if l.IndicatorLED != "" {
		led := "Off"
		if on {
			led = "Blinking"
		}
		changes = append(changes, map[string]any{"IndicatorLED": led})
		if on {
			changes = append(changes, map[string]any{"IndicatorLED": "Lit"}) // some know no other
		}
	}
	err = unable(fmt.Errorf("%s shows no locator", path))
	for _, change := range changes {
		_, err = s.client.Do(ctx, redfish.Request{Method: http.MethodPatch, Path: path, Body: change, ETag: a.ETag}, nil)
		if err == nil || redfish.Over(err) {
			return err
		}
		var refused *redfish.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest && refused.Status != http.StatusMethodNotAllowed && refused.Status != http.StatusUnprocessableEntity {
			return err
		}
		err = unable(err)
	}
	return err
}
