package main

import (
	"context"
	"fmt"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// trusted is what came of a Trust. Both are SHA-256 of the leaf certificate, hex.
type trusted struct {
	Certificate string `json:"certificate"`
	Former      string `json:"former"`
}

// Trust makes the certificate a device shows now the one that is trusted, writes who did that, and has
// the device visited at once. expected is the fingerprint the person checked, colons allowed; empty
// takes what the device showed at its last visit. It is refused, errActRefused, where the device shows the
// trusted one.
func (a *acts) Trust(ctx context.Context, who string, device hw.DeviceID, expected string) (trusted, error) {
	learned, err := a.trust.Learned(device)
	if err != nil {
		return trusted{}, fmt.Errorf("%w: %w", errActRefused, err)
	}
	t := trusted{Certificate: learned.Get(redfish.CertificateSeen), Former: learned.Get(redfish.CertificatePin)}
	expected = strings.ReplaceAll(expected, ":", "")
	switch {
	case t.Certificate == "":
		return trusted{}, fmt.Errorf("%w: %s has shown no other certificate than the trusted one", errActRefused, device)
	case expected != "" && !strings.EqualFold(expected, t.Certificate):
		return trusted{}, fmt.Errorf("%w: %s shows the certificate %s, not the one you expect", errActRefused, device, t.Certificate)
	}
	now := a.now()
	act := hw.Fact{Kind: hw.ActFact, Version: 1, Device: device, Group: hw.ActTrust, At: now, Value: hw.ActValue{
		Phase: hw.ActDone, On: true, Who: hw.Clean(who), Since: now,
		Params: hw.Attrs{}.With("certificate", t.Certificate).With("former", t.Former)}}
	pin := hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: device, Group: redfish.CertificatePin, At: now, Value: hw.LearnedValue{Value: t.Certificate}}
	seen := hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: device, Group: redfish.CertificateSeen, At: now, Removed: true}
	if err := a.log.Say(ctx, []hw.Fact{act, pin, seen}); err != nil {
		return trusted{}, fmt.Errorf("trust the certificate of %s: %w", device, err)
	}
	if err := a.relearn(device, t.Certificate); err != nil {
		return trusted{}, fmt.Errorf("trust the certificate of %s: %w", device, err)
	}
	a.logger.Info("another certificate is trusted", "device", string(device), "certificate", t.Certificate, "former", t.Former, "who", who)
	return t, nil
}

// relearn gives the collector the certificate to trust, and visits the device.
func (a *acts) relearn(device hw.DeviceID, certificate string) error {
	if err := a.trust.Learn(device, redfish.CertificatePin, certificate); err != nil {
		return err
	}
	if err := a.trust.Learn(device, redfish.CertificateSeen, ""); err != nil {
		return err
	}
	return a.trust.VisitNow(device)
}
