package redfish_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

const system = "/redfish/v1/Systems/1"

func get(t *testing.T, c *redfish.Client) {
	t.Helper()
	var s redfish.ComputerSystem
	if a, err := c.Get(t.Context(), system, &s); err != nil || s.PowerState != "On" || len(a.Odd) > 0 {
		t.Fatalf("got %+v, %v, odd %v", s, err, a.Odd)
	}
}

func TestOneSession(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Get(t.Context(), system, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := c.Counters(); n.Logins != 1 || n.Connections != 1 || n.Requests != 24 || n.Received == 0 || n.Busy <= 0 {
		t.Errorf("counters %+v, want 1 login, 1 connection, 24 requests: root, login, its life, others' sessions, 20", n)
	}
	if b.most != 1 || b.conns != 1 {
		t.Errorf("%d requests in flight over %d connections", b.most, b.conns)
	}
	if err := c.Close(t.Context()); err != nil || b.open() != 0 {
		t.Errorf("after Close %d sessions are open: %v", b.open(), err)
	}
	_, err := c.Get(t.Context(), system, nil)
	wantError(t, err, hw.Cancelled, true, "closed")
}

func TestSessionLost(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, nil)
	for range 3 {
		get(t, c)
		b.mu.Lock()
		clear(b.sessions)
		b.mu.Unlock()
	}
	get(t, c)
	if n := c.Counters().Logins; n != 4 || b.open() != 1 {
		t.Errorf("%d logins, %d sessions, want one login for each loss and one session", n, b.open())
	}
}

// TestRefusedInSession: a service that answers 401 for want of a privilege costs one login, once, and no session.
func TestRefusedInSession(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) { b.hook = on("GET /redfish/v1/Secret", answer(http.StatusUnauthorized, "{")) })
	c := newClient(t, b, nil)
	for range 3 {
		_, err := c.Get(t.Context(), "/redfish/v1/Secret", nil)
		wantError(t, err, hw.AccessDenied, false, "401")
		get(t, c)
	}
	if b.logins != 2 || b.open() != 1 {
		t.Errorf("%d logins, %d sessions open", b.logins, b.open())
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Password = "wrong" })
	for range 3 {
		_, err := c.Get(t.Context(), system, nil)
		wantError(t, err, hw.AuthFailed, true, "check user and password")
	}
	if n := b.asked("POST"); n != 1 {
		t.Errorf("%d logins, want one: the rest are held back", n)
	}
}

func TestLoginTrouble(t *testing.T) {
	t.Parallel()
	info := func(id, text string) string {
		return fmt.Sprintf(`{"error":{"@Message.ExtendedInfo":[{"MessageId":%q,"Message":%q}]}}`, id, text)
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		reason hw.Reason
		words  string
		after  time.Duration
	}{
		"locked out":       {401, info("X.1.0.Login", "The IP address is blocked due to excessive login failures."), hw.LockedOut, "bars", 2 * time.Minute},
		"too many":         {429, info("X.1.0.Login", "Too many failed login attempts."), hw.LockedOut, "bars", 2 * time.Minute},
		"HPE":              {400, info("iLO.2.14.UnauthorizedLoginAttempt", ""), hw.AuthFailed, "password", 0},
		"no privilege":     {403, info("Base.1.8.InsufficientPrivilege", "no"), hw.AuthFailed, "privilege to log in", 0},
		"table full":       {503, info("IDRAC.2.7.RAC0218", "The maximum number of user sessions is reached."), hw.NotReady, "session table is full", 5 * time.Minute},
		"starting":         {400, info("IDRAC.2.7.SWC0700", "iDRAC is not ready."), hw.NotReady, "starting", time.Minute},
		"no data":          {503, info("IDRAC.2.7.SYS518", "data sources are unavailable"), hw.NotReady, "no data at the moment", 30 * time.Second},
		"new password due": {403, info("Base.1.8.PasswordChangeRequired", "change it"), hw.AccessDenied, "must be changed", 0},
		"no token":         {201, "{}", hw.Garbage, "without a token", 0},
		"broken":           {500, "oops", hw.DeviceError, "500", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.hook = on("POST", answer(tc.status, tc.body)) })
			_, err := newClient(t, b, nil).Get(t.Context(), system, nil)
			if v := wantError(t, err, tc.reason, true, tc.words); v.RetryAfter != tc.after {
				t.Errorf("leave it alone for %s, want %s", v.RetryAfter, tc.after)
			}
			if n := b.asked("POST"); n != 1 {
				t.Errorf("%d logins", n)
			}
		})
	}
}

func TestWhereSessionsAre(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		login, root   string
		logins, basic int
	}{
		"iDRAC8":                       {"/redfish/v1/Sessions", `{"RedfishVersion":"1.4.0","Links":{"Sessions":{"@odata.id":"/redfish/v1/Sessions"}}}`, 1, 0},
		"a root that is wrong":         {"/redfish/v1/Sessions", `{"RedfishVersion":"1.4.0","Links":{"Sessions":{"@odata.id":"` + sessions + `"}}}`, 1, 0},
		"a root that says nothing":     {sessions, `{"RedfishVersion":"1.4.0","Links":null}`, 1, 0},
		"a root that points elsewhere": {sessions, `{"RedfishVersion":"1.4.0","Links":{"Sessions":"https://192.0.2.1/redfish/v1/Sessions"}}`, 1, 0},
		"none":                         {"", `{"RedfishVersion":"1.0.0"}`, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.login, b.docs["/redfish/v1"] = tc.login, tc.root })
			c := newClient(t, b, nil)
			get(t, c)
			get(t, c)
			if b.logins != tc.logins || b.basic != tc.basic {
				t.Errorf("%d logins, %d with Basic, want %d and %d", b.logins, b.basic, tc.logins, tc.basic)
			}
		})
	}
}

func TestBasicRefused(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) { b.login = "" })
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Password = "wrong" })
	for range 3 {
		_, err := c.Get(t.Context(), system, nil)
		wantError(t, err, hw.AuthFailed, true, "password")
	}
	if b.basic != 1 {
		t.Errorf("the password was sent %d times", b.basic)
	}
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-time.Hour)
	start := func(b *bmc) {
		for id, change := range map[string]map[string]any{
			"ours": {}, "remembered": {"SessionType": "WebUI"}, "person": {"UserName": "root"}, "other-box": {"ClientOriginIPAddress": "192.0.2.7"},
			"browser": {"SessionType": "WebUI"}, "untold": {"ClientOriginIPAddress": nil}, "just-begun": {"CreatedTime": time.Now().Format(time.RFC3339)},
		} {
			path := sessions + "/" + id
			b.sessions[path] = session(path, "127.0.0.1:1", old)
			maps.Copy(b.sessions[path], change)
		}
	}
	for name, tc := range map[string]struct {
		leave bool
		pin   string
		gone  []string
	}{
		"by user, address, sort and age": {false, "", []string{"ours"}},
		"remembered too":                 {false, sessions + "/remembered", []string{"ours", "remembered"}},
		"remembered only":                {true, sessions + "/remembered", []string{"remembered"}},
		"another's, remembered":          {true, sessions + "/other-box", nil},
		"an earlier one, gone":           {true, sessions + "/7", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, start)
			pins := &collectors.Memory{}
			if tc.pin != "" {
				_ = pins.Learn(redfish.SessionPin, tc.pin)
			}
			c := newClient(t, b, func(cfg *redfish.Config) { cfg.Pins, cfg.LeaveSessions = pins, tc.leave })
			get(t, c)
			get(t, c)
			if n := b.open(); n != 8-len(tc.gone) {
				t.Errorf("%d sessions are open, want %d", n, 8-len(tc.gone))
			}
			for _, id := range tc.gone {
				if b.sessions[sessions+"/"+id] != nil {
					t.Errorf("the session %s is still there", id)
				}
			}
			if own, _ := pins.Recall(redfish.SessionPin); b.sessions[own] == nil {
				t.Errorf("remembered is %q", own)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if left, _ := pins.Recall(redfish.SessionPin); left != "" {
				t.Errorf("after Close %q is remembered", left)
			}
		})
	}
}

func TestCloseIsBounded(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	b := newBMC(t, func(b *bmc) { b.hook = on("DELETE", func(http.ResponseWriter) { <-hang }) })
	defer close(hang)
	c := newClient(t, b, nil)
	get(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Close(ctx); err == nil {
		t.Error("a session that was not ended is no error")
	}
}

// TestUnusedSession: one that may have timed out is ended before another is opened.
func TestUnusedSession(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, nil)
	get(t, c)
	for range 3 {
		c.Later(20 * time.Minute)
		get(t, c)
	}
	if b.logins != 1 {
		t.Errorf("%d logins of a session in use", b.logins)
	}
	c.Later(25 * time.Minute)
	get(t, c)
	if b.logins != 2 || b.asked("DELETE") != 1 || b.open() != 1 {
		t.Errorf("%d logins, %d ended, %d open", b.logins, b.asked("DELETE"), b.open())
	}
}

// TestRefusedForAWhile: the second login comes after the hold, and silence after refused logins is explained.
func TestRefusedForAWhile(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Password = "wrong" })
	ask := func(reason hw.Reason, words string) {
		t.Helper()
		_, err := c.Get(t.Context(), system, nil)
		wantError(t, err, reason, true, words)
	}
	ask(hw.AuthFailed, "password")
	c.Later(70 * time.Second)
	ask(hw.AuthFailed, "password")
	if n := b.asked("POST"); n != 1 {
		t.Errorf("%d logins within 70 s", n)
	}
	c.Later(10 * time.Second)
	ask(hw.AuthFailed, "password")
	if n := b.asked("POST"); n != 2 {
		t.Errorf("%d logins after the hold", n)
	}
	c.Later(80 * time.Second)
	b.Server.Close()
	ask(hw.Refused, "barred this box's address")
}

// TestNoSessionPath: where the service says nothing of use about the session, it is not deleted by guess.
func TestNoSessionPath(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) {
		b.hook = on("POST", answer(http.StatusCreated, "", "X-Auth-Token", "token"+sessions+"/5", "Location", sessions))
		b.sessions[sessions+"/5"] = session(sessions+"/5", "127.0.0.1:1", time.Now())
	})
	c := newClient(t, b, nil)
	get(t, c)
	if err := c.Close(t.Context()); err != nil || b.asked("DELETE") != 0 {
		t.Errorf("%d deleted, %v", b.asked("DELETE"), err)
	}
}
