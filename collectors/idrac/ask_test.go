package idrac_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// A BMC is asked without a login first, and leaves no session behind.
func TestAsk(t *testing.T) {
	t.Parallel()
	for model, kind := range map[string]string{"poweredge-r740": "dell-idrac", "poweredge-r630": "dell-idrac", "proliant-dl380": "redfish"} {
		s := newServer(t, model)
		target := s.target(redfishOnly)
		full, err := redfish.Ask(t.Context(), target)
		if err != nil || full.Kind != kind || full.Serial == "" || full.Model == "" || full.Name == "" {
			t.Errorf("%s: asked with a login: %+v, %v; want kind %s with serial, model and name", model, full, err, kind)
		}
		if n := s.bmc.Sessions(); n != 0 {
			t.Errorf("%s: %d sessions left", model, n)
		}
		logins := s.bmc.Counters().Logins
		target.Credentials = collectors.Credentials{}
		bare, err := redfish.Ask(t.Context(), target)
		if err != nil || bare.Kind != kind || bare.Requests != 1 || s.bmc.Counters().Logins != logins {
			t.Errorf("%s: asked without a login: %+v, %v; want kind %s in 1 request", model, bare, err, kind)
		}
		if kind == "dell-idrac" && bare.Serial != full.Serial {
			t.Errorf("%s: serial %q without a login, %q with", model, bare.Serial, full.Serial)
		}
	}
}

// What does not speak Redfish is a closed port to whoever asks; a wrong password is told, once.
func TestAskOthers(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>a printer</html>")) })
	secure, plain := httptest.NewTLSServer(page), httptest.NewServer(page)
	defer secure.Close()
	defer plain.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	s := newServer(t, "poweredge-r740")
	s.fault("bad-login")
	for name, x := range map[string]struct {
		address string
		want    hw.Reason
	}{
		"a web page": {strings.TrimPrefix(secure.URL, "https://"), hw.Refused}, "no TLS": {strings.TrimPrefix(plain.URL, "http://"), hw.Refused},
		"a closed port": {closed, hw.Refused}, "a wrong password": {s.addr, hw.AuthFailed},
	} {
		target := collectors.Target{Device: hw.Device{Address: x.address}, Credentials: collectors.Credentials{User: "root", Password: "x"}, Timeout: 5 * time.Second}
		if _, err := redfish.Ask(context.Background(), target); collectors.ReasonOf(err) != x.want {
			t.Errorf("%s: %v, want %s", name, err, x.want)
		}
	}
	if n := s.bmc.Counters().FailedLogins; n != 1 {
		t.Errorf("%d logins failed, want 1", n)
	}
}
