package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/web"
)

// A server bars the address of this machine after three refused logins within a minute, whichever program tried. So those beside
// the appliance ask it first, and tell it of a login that was refused.

// loginsPath is where that is asked, and told.
const loginsPath = "/logins"

// loginPatience is how long the appliance may take to answer; where none runs nothing is known.
const loginPatience = 2 * time.Second

// refusedLogin is the body of POST /api/v1/logins: a login there was refused.
type refusedLogin struct {
	Address string `json:"address"`
}

// loginPause is the answer of GET /api/v1/logins?address=A.
type loginPause struct {
	Seconds     float64 `json:"seconds"`               // no login is to be tried for so long
	Certificate string  `json:"certificate,omitempty"` // that is trusted there
}

// mayLogin returns why a program beside the appliance must not log in to a server now, or nil. Then the memory knows the
// certificate that the appliance trusts: what shows another one is not sent the password.
func mayLogin(ctx context.Context, t collectors.Target) error {
	if t.Credentials.User == "" {
		return nil
	}
	c := newClient("")
	c.http.Timeout = loginPatience
	var p loginPause
	if c.get(ctx, loginsPath, url.Values{"address": {t.Device.Address}}, &p) != nil {
		return nil
	}
	if p.Seconds <= 0 {
		return t.Memory.Learn(redfish.CertificatePin, p.Certificate)
	}
	left := time.Duration(p.Seconds * float64(time.Second))
	return &collectors.VisitError{Reason: hw.AuthFailed, RetryAfter: left, Err: fmt.Errorf("log in to %s: a login there was refused a moment ago", t.Device.Address),
		Hint: fmt.Sprintf("more of them would bar this machine's address: try again in %v", left.Round(time.Second))}
}

// noteLogin tells the appliance when a login was refused in what ended with err. What a collector noted by itself counts too.
func noteLogin(ctx context.Context, t collectors.Target, err error) {
	_, noted := t.Memory.Recall(collectors.LearnedRefused)
	reason := collectors.ReasonOf(err)
	if t.Credentials.User == "" || !noted && reason != hw.AuthFailed && reason != hw.LockedOut {
		return
	}
	c := newClient("")
	c.http.Timeout = loginPatience
	_ = c.post(context.WithoutCancel(ctx), loginsPath, refusedLogin{t.Device.Address}, &struct{}{}) // without an appliance nobody keeps it
}

// askers are the kinds as a program beside the appliance asks with them.
func askers() []collectors.Kind {
	kinds := slices.Clone(all.Kinds())
	for i := range kinds {
		kinds[i] = considerate(kinds[i])
	}
	return kinds
}

// considerate is a kind whose questions keep to that.
func considerate(k collectors.Kind) collectors.Kind {
	ask := k.Ask
	if ask == nil || !k.LoginLimited {
		return k
	}
	k.Ask = func(ctx context.Context, t collectors.Target) (collectors.Answer, error) {
		if err := mayLogin(ctx, t); err != nil {
			return collectors.Answer{}, err
		}
		a, err := ask(ctx, t)
		noteLogin(ctx, t, err)
		return a, err
	}
	return k
}

// strangers are refused logins at addresses that no device of the site has.
type strangers struct {
	mu sync.Mutex
	at map[string]*collectors.Memory
}

const maxStrangers = 1024

// of returns what is known of an address. While too many are known, all share one.
func (s *strangers) of(key string, now time.Time) *collectors.Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]*collectors.Memory{}
	}
	if len(s.at) >= maxStrangers {
		for k, m := range s.at {
			if m.LoginPause(now, false) == 0 {
				delete(s.at, k)
			}
		}
	}
	if s.at[key] == nil && len(s.at) >= maxStrangers {
		key = ""
	}
	if s.at[key] == nil {
		s.at[key] = &collectors.Memory{}
	}
	return s.at[key]
}

// deviceAt returns the server of the site at an address, empty if there is none.
func (c controller) deviceAt(address string) hw.DeviceID {
	key := addressKey(joinDefault(address))
	for _, d := range c.site.Load().devices {
		if speaksRedfish(d.Kind) && addressKey(joinDefault(d.Target.Device.Address)) == key {
			return d.Target.Device.ID
		}
	}
	return ""
}

// joinDefault gives an address of Redfish without a port its own.
func joinDefault(address string) string {
	host, port, err := splitAddress(address)
	if err != nil || port != "" {
		return address
	}
	return joinAddress(host, "443")
}

// loginPause answers how long no login is to be tried at an address.
func (c controller) loginPause(w http.ResponseWriter, r *http.Request) {
	address := r.URL.Query().Get("address")
	if _, _, err := splitAddress(address); err != nil {
		fail(w, http.StatusBadRequest, web.Problem{Error: err.Error()})
		return
	}
	var left time.Duration
	var learned hw.Attrs
	if id := c.deviceAt(address); id != "" {
		left, _ = c.poller.LoginPause(id) // of a device that has just been taken out nothing is known
		learned, _ = c.poller.Learned(id)
	} else {
		now := time.Now()
		left = c.strangers.of(addressKey(joinDefault(address)), now).LoginPause(now, true)
	}
	tell(w, http.StatusOK, loginPause{left.Seconds(), learned.Get(redfish.CertificatePin)})
}

// loginRefused takes the word of a program beside the appliance that a login was refused.
func (c controller) loginRefused(w http.ResponseWriter, r *http.Request) {
	var told refusedLogin
	if !readOrder(w, r, maxOrder, &told) {
		return
	}
	if _, _, err := splitAddress(told.Address); err != nil {
		fail(w, http.StatusBadRequest, web.Problem{Error: err.Error()})
		return
	}
	if id := c.deviceAt(told.Address); id != "" {
		_ = c.poller.RefuseLogin(id) // one that has just been taken out has no visits to hold back
	} else {
		now := time.Now()
		c.strangers.of(addressKey(joinDefault(told.Address)), now).RefuseLogin(now)
	}
	c.logger.Info("a program beside the appliance was refused a login", "address", told.Address, "who", personOf(r))
	tell(w, http.StatusOK, struct{}{})
}
