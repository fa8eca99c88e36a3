package bmc_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors/sim/bmc"
)

func TestNinthSessionIsRefused(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	var first string
	for i := range 8 {
		if location := l.login(sessions); i == 0 {
			first = location
		}
	}
	a := l.do("POST", sessions, credentials(bmc.DefaultPassword))
	if a.code != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "RAC0218") {
		t.Fatalf("the ninth: %d %s", a.code, a.body)
	}
	if o := l.get(sessions); len(members(o)) != 8 {
		t.Errorf("%d sessions listed", len(members(o)))
	}
	for _, m := range members(l.get(sessions + "?$expand=*($levels=1)")) {
		if m.(map[string]any)["ClientOriginIPAddress"] != "127.0.0.1" {
			t.Errorf("expanded session %v", m)
		}
	}
	if o := l.get(first); o["UserName"] != bmc.DefaultUser || o["ClientOriginIPAddress"] != "127.0.0.1" {
		t.Errorf("session %v", o)
	}
	if a := l.do("DELETE", first, nil); a.code != http.StatusOK {
		t.Errorf("delete: %d", a.code)
	}
	l.login(sessions)
	if c := l.bmc.Counters(); c.Sessions != 8 || c.MostSessions != 8 || c.Logins != 9 || c.Refused != 1 {
		t.Errorf("counters %+v", c)
	}
	l.clock.Pass(1800 * time.Second)
	if n := l.bmc.Sessions(); n != 0 {
		t.Errorf("%d sessions after 1,800 s", n)
	}
	if a := l.do("GET", "/redfish/v1/Systems", nil); a.code != http.StatusUnauthorized {
		t.Errorf("with an old token: %d", a.code)
	}
}

func TestUseKeepsASession(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	for range 4 {
		l.clock.Pass(1700 * time.Second)
		l.get("/redfish/v1/Systems")
	}
}

func TestThreeWrongPasswordsLockTheAddress(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	wrong := func() answer { return l.do("POST", sessions, credentials("wrong")) }
	for range 3 {
		if a := wrong(); a.code != http.StatusUnauthorized || strings.Contains(string(a.body), "RAC0212") {
			t.Fatalf("a wrong password: %d %s", a.code, a.body)
		}
	}
	a := l.do("POST", sessions, credentials(bmc.DefaultPassword))
	if a.code != http.StatusUnauthorized || !strings.Contains(string(a.body), "RAC0212") {
		t.Fatalf("the right password of a locked address: %d %s", a.code, a.body)
	}
	l.clock.Pass(60 * time.Second)
	l.login(sessions)
	if c := l.bmc.Counters(); c.FailedLogins != 4 {
		t.Errorf("%d failed logins", c.FailedLogins)
	}
	entries := members(l.get("/redfish/v1/Managers/iDRAC.Embedded.1/LogServices/Lclog/Entries?$top=5"))
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.(map[string]any)["MessageId"].(string))
	}
	want := "IDRAC.2.8.USR0030 IDRAC.2.8.USR0034 IDRAC.2.8.USR0031 IDRAC.2.8.USR0031 IDRAC.2.8.USR0031"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("log %s, want %s", got, want)
	}
}

func TestWrongPasswordsFarApartLockNobody(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	for range 6 {
		l.do("POST", sessions, credentials("wrong"))
		l.clock.Pass(31 * time.Second)
	}
	l.login(sessions)
}

func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	basic := func(password string) int {
		q, err := http.NewRequest("GET", l.url+"/redfish/v1/Systems", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.SetBasicAuth(bmc.DefaultUser, password)
		r, err := l.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		return r.StatusCode
	}
	if code := basic(bmc.DefaultPassword); code != http.StatusOK {
		t.Errorf("right: %d", code)
	}
	if code := basic("wrong"); code != http.StatusUnauthorized {
		t.Errorf("wrong: %d", code)
	}
	l.fault("sessions-full", "")
	if code := basic(bmc.DefaultPassword); code != http.StatusServiceUnavailable {
		t.Errorf("with a full table: %d", code)
	}
	for path, want := range map[string]int{"/redfish": 200, "/redfish/v1": 200, "/redfish/v1/": 200, "/redfish/v1/Systems": 401} {
		if a := l.do("GET", path, nil); a.code != want {
			t.Errorf("%s without a login: %d, want %d", path, a.code, want)
		}
	}
	if n := l.bmc.Sessions(); n != 0 {
		t.Errorf("%d sessions are ours", n)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for _, path := range l.bmc.Paths()[:40] {
				if a, err := l.try("GET", path+"?$expand=.($levels=1)", nil); err != nil || a.code != http.StatusOK {
					t.Errorf("%s: %d %v", path, a.code, err)
				}
			}
		})
		all.Go(func() {
			for n := range 20 {
				name := []string{"drive-failed", "psu-out", "battery-learning", "log-flood"}[(i+n)%4]
				if err := l.bmc.Fault(name, ""); err != nil {
					t.Error(err)
				}
				if n%5 == 4 {
					_ = l.bmc.Fault("clear", "") // another one may have cleared it
				}
				l.bmc.Counters()
			}
		})
	}
	all.Wait()
	if c := l.bmc.Counters(); c.InFlight != 0 || c.MostInFlight < 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestOthersHaveMessagesOfTheirOwn(t *testing.T) {
	t.Parallel()
	l := start(t, "proliant-dl380")
	if a := l.do("POST", sessions, credentials("wrong")); a.code != http.StatusUnauthorized || !strings.Contains(string(a.body), "iLO.2.15.UnauthorizedLoginAttempt") {
		t.Errorf("a wrong password: %d %s", a.code, a.body)
	}
	for range 8 {
		l.login(sessions)
	}
	for want, a := range map[string]answer{
		"SessionLimitExceeded": l.do("POST", sessions, credentials(bmc.DefaultPassword)), "ResourceMissingAtURI": l.do("GET", "/redfish/v1/Nothing", nil),
		"QueryNotSupported": l.do("GET", "/redfish/v1/Systems?$expand=*($levels=1)", nil),
	} {
		if !strings.Contains(string(a.body), want) || strings.Contains(string(a.body), "IDRAC") {
			t.Errorf("%d %s, want %s", a.code, a.body, want)
		}
	}
}
