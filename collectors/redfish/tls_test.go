package redfish_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(-time.Hour)} // long expired, as BMCs' are
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	pins := &collectors.Memory{}
	with := func(cfg *redfish.Config) { cfg.Pins = pins }
	first := newBMC(t, withTLS(&tls.Config{Certificates: []tls.Certificate{certificate(t)}}))
	get(t, newClient(t, first, with))
	pinned, ok := pins.Recall(redfish.CertificatePin)
	if !ok || len(pinned) != 64 {
		t.Fatalf("pinned is %q", pinned)
	}

	other := newBMC(t, withTLS(&tls.Config{Certificates: []tls.Certificate{certificate(t)}}))
	c := newClient(t, other, with)
	_, err := c.Get(t.Context(), system, nil)
	wantError(t, err, hw.CertChanged, true, "rackpost trust")
	var changed *redfish.CertificateError
	if !errors.As(err, &changed) || changed.Pinned != pinned || other.asked("") != 0 {
		t.Fatalf("%v after %d requests", err, other.asked(""))
	}
	if again, _ := pins.Recall(redfish.CertificatePin); again != pinned {
		t.Error("the pin moved by itself")
	}
	if seen, _ := pins.Recall(redfish.CertificateSeen); seen != changed.Found {
		t.Errorf("learned that %q is shown, want %s", seen, changed.Found)
	}
	if err := pins.Learn(redfish.CertificatePin, changed.Found); err != nil {
		t.Fatal(err)
	}
	get(t, c)
	if seen, ok := pins.Recall(redfish.CertificateSeen); ok {
		t.Errorf("%s is still told as another certificate", seen)
	}
	_ = pins.Learn(redfish.CertificatePin, pinned)
	_, err = c.Get(t.Context(), system, nil)
	wantError(t, err, hw.CertChanged, true, "")
}

type fullPins struct{ collectors.Memory }

func (*fullPins) Learn(string, string) error { return errors.New("disk full") }

// TestPinNotKept: the password is not sent to a device whose certificate could not be remembered.
func TestPinNotKept(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	_, err := newClient(t, b, func(cfg *redfish.Config) { cfg.Pins = &fullPins{} }).Get(t.Context(), system, nil)
	wantError(t, err, hw.DeviceError, true, "disk full")
	if b.asked("POST") != 0 {
		t.Error("a login")
	}
}

func TestLegacyTLS(t *testing.T) {
	t.Parallel()
	for name, conf := range map[string]*tls.Config{
		"TLS 1.0":          {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"TLS 1.1":          {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"RSA key exchange": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		"3DES":             {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.TLS = conf.Clone() })
			_, err := newClient(t, b, nil).Get(t.Context(), system, nil)
			wantError(t, err, hw.Garbage, true, "legacy_tls")
			get(t, newClient(t, b, func(cfg *redfish.Config) { cfg.LegacyTLS = true }))
		})
	}
}
