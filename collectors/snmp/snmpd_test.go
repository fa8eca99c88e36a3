package snmp_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const snmpdUsers = `
createUser plain
createUser auth256 SHA-256 "authauth1"
createUser priv256 SHA-256 "authauth1" AES "privpriv1"
createUser priv512 SHA-512 "authauth1" AES-256 "privpriv1"
createUser privmd5 MD5 "authauth1" DES "privpriv1"
rouser plain noauth
rouser auth256 auth
rouser priv256 priv
rouser priv512 priv
rouser privmd5 priv
rocommunity public
sysName engine-%d
`

// snmpd runs net-snmp's agent at address until stop is called.
func snmpd(t *testing.T, address string, engine int) (stop func()) {
	t.Helper()
	path, err := exec.LookPath("snmpd")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/snmpd")
	}
	if err != nil && os.Getenv("RACKPOST_REQUIRE_TOOLS") == "1" {
		t.Fatal("snmpd is missing: apt-get install snmpd")
	}
	if err != nil {
		t.Skip("snmpd is missing: apt-get install snmpd")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "test.conf")
	text := fmt.Sprintf(snmpdUsers, engine) + fmt.Sprintf("exactEngineID 0x80001f8804%08d\n", engine)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-f", "-C", "-c", conf, "-Lf", filepath.Join(dir, "log"), "-I", "-smux", "udp:"+address)
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "SNMPCONFPATH="+dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cmd.Process.Kill()
			cmd.Wait() // says "killed"
		}
	}
	t.Cleanup(stop)
	awaitSnmpd(t, address, dir)
	return stop
}

func awaitSnmpd(t *testing.T, address, dir string) {
	t.Helper()
	s := session(t, targetAt(address))
	for range 40 {
		s.StartVisit()
		if _, err := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0"); err == nil {
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("snmpd does not come up: %s", log)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func v3(user, auth, authKey, priv, privKey string) *collectors.V3 {
	return &collectors.V3{User: user, AuthProtocol: auth, AuthKey: authKey, PrivProtocol: priv, PrivKey: privKey}
}

func TestSnmpd(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	snmpd(t, address, 1)
	for name, test := range map[string]struct {
		community string
		v3        *collectors.V3
		reason    hw.Reason
	}{
		"v2c":             {community: "public"},
		"wrong community": {community: "private", reason: hw.NoAnswer},
		"noAuthNoPriv":    {v3: v3("plain", "", "", "", "")},
		"authNoPriv":      {v3: v3("auth256", "SHA256", "authauth1", "", "")},
		"SHA256 AES":      {v3: v3("priv256", "SHA256", "authauth1", "AES", "privpriv1")},
		"SHA512 AES256":   {v3: v3("priv512", "SHA512", "authauth1", "AES256", "privpriv1")},
		"SHA512 AES256C":  {v3: v3("priv512", "SHA512", "authauth1", "AES256C", "privpriv1")},
		"MD5 DES":         {v3: v3("privmd5", "MD5", "authauth1", "DES", "privpriv1")},

		"unknown user":            {v3: v3("nobody", "SHA256", "authauth1", "AES", "privpriv1"), reason: hw.UnknownUser},
		"unknown user, auth":      {v3: v3("nobody", "SHA256", "authauth1", "", ""), reason: hw.UnknownUser},
		"unknown user, plain":     {v3: v3("nobody", "", "", "", ""), reason: hw.UnknownUser},
		"wrong auth key":          {v3: v3("auth256", "SHA256", "authauth2", "", ""), reason: hw.WrongAuthKey},
		"wrong auth key, priv":    {v3: v3("priv256", "SHA256", "authauth2", "AES", "privpriv1"), reason: hw.WrongAuthKey},
		"wrong auth protocol":     {v3: v3("auth256", "SHA", "authauth1", "", ""), reason: hw.WrongAuthKey},
		"wrong priv key":          {v3: v3("priv256", "SHA256", "authauth1", "AES", "privpriv2"), reason: hw.WrongPrivKey},
		"wrong priv protocol":     {v3: v3("priv256", "SHA256", "authauth1", "DES", "privpriv1"), reason: hw.WrongPrivKey},
		"level the user has not":  {v3: v3("auth256", "SHA256", "authauth1", "AES", "privpriv1"), reason: hw.AuthFailed},
		"level below the allowed": {v3: v3("priv256", "SHA256", "authauth1", "", ""), reason: hw.AccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tg := targetAt(address)
			tg.Timeout = 150 * time.Millisecond
			tg.Credentials = collectors.Credentials{Community: test.community, V3: test.v3}
			s := session(t, tg)
			tab, times, err := s.WalkTimed(t.Context(), "1.3.6.1.2.1.1.9.1.2", "1.3.6.1.2.1.1.9.1.3", "1.3.6.1.2.1.1.1")
			if test.reason != "" {
				var v *collectors.VisitError
				if !errors.As(err, &v) || v.Reason != test.reason || v.Hint == "" {
					t.Errorf("walk: got %v, reason %q, want %q with a hint", err, collectors.ReasonOf(err), test.reason)
				}
				if _, err := s.Get(t.Context(), "1.3.6.1.2.1.1.3.0"); collectors.ReasonOf(err) != test.reason {
					t.Errorf("get: got %v, reason %q, want %q", err, collectors.ReasonOf(err), test.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkSysORTable(t, tab, times)
		})
	}
}

func checkSysORTable(t *testing.T, tab snmp.Table, times snmp.UpTimes) {
	t.Helper()
	for _, c := range tab {
		if !c.Complete || len(c.Rows) == 0 {
			t.Errorf("column %s: complete %v, %d rows, %v", c.OID, c.Complete, len(c.Rows), c.Err)
			continue
		}
		if up := times.Of(c.Rows[0]); !up.OK || up.At.IsZero() {
			t.Errorf("column %s has no clock", c.OID)
		}
	}
	if len(tab[0].Rows) != len(tab[1].Rows) || tab[0].Rows[0].Type != snmp.TypeOID {
		t.Errorf("sysORTable: %d and %d rows, type %#x", len(tab[0].Rows), len(tab[1].Rows), tab[0].Rows[0].Type)
	}
}

// A replaced unit has another engine ID. The session must find it by itself.
func TestSnmpdReplaced(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]*collectors.V3{
		"authNoPriv": v3("auth256", "SHA256", "authauth1", "", ""),
		"authPriv":   v3("priv256", "SHA256", "authauth1", "AES", "privpriv1"),
		"plain":      v3("plain", "", "", "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			stop := snmpd(t, address, 1)
			tg := targetAt(address)
			tg.Timeout = 500 * time.Millisecond
			tg.Credentials = collectors.Credentials{V3: user}
			s := session(t, tg)
			for engine := 1; engine <= 3; engine++ {
				if engine > 1 {
					stop()
					stop = snmpd(t, address, engine)
				}
				got, err := s.Get(t.Context(), "1.3.6.1.2.1.1.5.0")
				if err != nil {
					t.Fatalf("engine %d: %v", engine, err)
				}
				if want := fmt.Sprintf("engine-%d", engine); !strings.EqualFold(got[0].Text(), want) {
					t.Errorf("got %q, want %q", got[0].Text(), want)
				}
			}
		})
	}
}
