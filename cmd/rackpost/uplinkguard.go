package main

import (
	"context"
	"fmt"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
)

// belowHeadquarters is the store of a box as headquarters reaches it. What comes down makes good what a lost disk knew. It
// does not say by which certificate a device is known where the box knows one: who holds headquarters, and a
// cable at the site, would be told the passwords of the devices.
type belowHeadquarters struct{ *store.Store }

// Merge takes batches, but for those that would have another certificate trusted.
func (s belowHeadquarters) Merge(ctx context.Context, batches []journal.Batch) error {
	for i := range batches {
		if s.Holds(batches[i].Key) {
			continue
		}
		if device, yes := s.Overrules(&batches[i], redfish.CertificatePin); yes {
			return otherCertificate(device)
		}
	}
	return s.Store.Merge(ctx, batches)
}

// Join takes a base, unless it would have another certificate trusted.
func (s belowHeadquarters) Join(ctx context.Context, raw []byte) error {
	var pack journal.Compressor
	if size, err := journal.BaseSize(raw); err == nil && size <= store.MaxMerge { // else the store refuses it
		b, err := pack.UnmarshalBase(raw)
		if err != nil {
			return fmt.Errorf("read the base: %w", err)
		}
		if device, yes := s.BaseOverrules(b, redfish.CertificatePin); yes {
			return otherCertificate(device)
		}
	}
	return s.Store.Join(ctx, raw)
}

func otherCertificate(device hw.DeviceID) error {
	return fmt.Errorf("%w: it would have another certificate of %s trusted; only this site does that: rackpost trust", ship.ErrRefused, device)
}
