package idrac

import (
	"context"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// RAIDReader reads section raid alone, as fast as the device answers.
type RAIDReader struct {
	*collector
	due []collectors.Section
}

// OpenRAID makes the reader of a device that lives by clock.
func OpenRAID(t collectors.Target, clock func() time.Time) (*RAIDReader, error) {
	made, err := Kind().New(t)
	if err != nil {
		return nil, err
	}
	c := made.(*collector)
	c.now = clock
	if c.redfish, err = openRedfishAt(t, clock); err != nil {
		return nil, err
	}
	c.redfish.client, err = redfish.New(redfish.Config{
		Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password, LeaveSessions: true, Pins: t.Memory, Rate: 1e6, Burst: 1e6, Clock: clock,
	})
	return &RAIDReader{collector: c, due: []collectors.Section{{Name: sectionRAID, Period: 5 * time.Minute}}}, err
}

// Sections makes the reader read others beside raid.
func (r *RAIDReader) Sections(names ...string) {
	for _, n := range names {
		r.due = append(r.due, collectors.Section{Name: n, Period: 5 * time.Minute})
	}
}

// Read makes one visit.
func (r *RAIDReader) Read(ctx context.Context) (hw.Report, error) { return r.Collect(ctx, r.due) }

// Requests returns how many requests were made over Redfish.
func (r *RAIDReader) Requests() int { return r.redfish.client.Counters().Requests }

// DecodeRAID says what documents of one controller tell, without a device.
func DecodeRAID(storage, controller, drive, volume []byte) []hw.Component {
	var s redfish.Storage
	_, _ = redfish.Decode(storage, &s)
	d, _ := newDellStore("/redfish/v1/Systems/1/Storage/RAID.Slot.1-1", s)
	var c redfish.StorageController
	if _, err := redfish.Decode(controller, &c); err == nil {
		d.controllers = append(d.controllers, c)
	}
	var x redfish.Drive
	if _, err := redfish.Decode(drive, &x); err == nil {
		x.Path = "/redfish/v1/Systems/1/Storage/RAID.Slot.1-1/Drives/Disk.Bay.0:Enclosure.Internal.0-1:RAID.Slot.1-1"
		d.Drives = append(d.Drives, x)
	}
	var v redfish.Volume
	if _, err := redfish.Decode(volume, &v); err == nil {
		v.Path = "/redfish/v1/Systems/1/Storage/RAID.Slot.1-1/Volumes/Disk.Virtual.0:RAID.Slot.1-1"
		d.Volumes = append(d.Volumes, v)
	}
	var out []hw.Component
	for _, p := range d.parts().list {
		out = append(out, p.Component)
	}
	return out
}
