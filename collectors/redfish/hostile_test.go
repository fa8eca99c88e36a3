package redfish_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// TestSecretsAreNotTold: services repeat values that they refuse, and what they say goes to logs, pages and terminals.
func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	words := info("Base.1.8.PropertyValueFormatError", "The value "+password+" and token"+sessions+"/101 are\u001b]0;wrong\u0007\u009b31m\nthere")
	for name, prefix := range map[string]string{"login": "POST " + sessions, "resource": "GET " + system} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.hook = on(prefix, answer(400, words)) })
			var log bytes.Buffer
			c := newClient(t, b, func(cfg *redfish.Config) {
				cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			_, err := c.Get(t.Context(), system, nil)
			if err == nil || !strings.Contains(err.Error(), "[hidden]") {
				t.Fatalf("error %v", err)
			}
			said := fmt.Sprintf("%v %+v %q", err, err, log.String())
			if strings.Contains(said, password) || name == "resource" && strings.Contains(said, "token/redfish") {
				t.Errorf("it tells a secret: %s", said)
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("it goes to a terminal as %q", err.Error())
			}
			_ = c.Close(t.Context())
			if strings.Contains(log.String(), password) || strings.Contains(log.String(), "token/redfish") {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

// TestNoPasswordForStrangers: a server that lets nobody in is not sent the password, unless it is a Redfish service.
func TestNoPasswordForStrangers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		root    func(http.ResponseWriter)
		redfish bool
	}{
		"a web server":           {answer(403, "<html>Forbidden</html>"), false},
		"a service of its own":   {answer(401, `{"error":{"code":"unauthorized","message":"log in"}}`), false},
		"Redfish, with words":    {answer(401, info("Base.1.8.NoValidSession", "log in")), true},
		"Redfish, with a header": {answer(403, "", "OData-Version", "4.0"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) {
				b.hook = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.TrimRight(r.URL.Path, "/") != "/redfish/v1" {
						return false
					}
					test.root(w)
					return true
				}
			})
			_, err := newClient(t, b, nil).Get(t.Context(), system, nil)
			if sent := b.asked("POST") > 0; sent != test.redfish {
				t.Errorf("the password was sent: %v; %v", sent, err)
			}
			if !test.redfish {
				wantError(t, err, hw.WrongKind, true, "no Redfish service")
			}
		})
	}
}

// TestHugeCollection: a list is bounded as a whole, whatever each of its pages and members is.
func TestHugeCollection(t *testing.T) {
	t.Parallel()
	const list = "/redfish/v1/Chassis"
	pad := `"Pad":"` + strings.Repeat("x", 3<<20) + `"`
	for name, serve := range map[string]func(n int) string{
		"pages": func(n int) string {
			return fmt.Sprintf(`{"@odata.id":"%s","Members":[{"@odata.id":"%s/m%d","@odata.type":"#C.v1.C","Id":"m%d",%s}],"Members@odata.nextLink":"%s?$skip=%d"}`, list, list, n, n, pad, list, n)
		},
		"members": func(n int) string {
			if n > 1 {
				return fmt.Sprintf(`{"@odata.id":"%s/%d","Id":"%d",%s}`, list, n, n, pad)
			}
			var links []string
			for i := range 60 {
				links = append(links, fmt.Sprintf(`{"@odata.id":"%s/%d"}`, list, i))
			}
			return `{"@odata.id":"` + list + `","Members":[` + strings.Join(links, ",") + `]}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			b := newBMC(t, func(b *bmc) {
				b.hook = func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.URL.Path, list) {
						return false
					}
					n++
					_, _ = io.WriteString(w, serve(n))
					return true
				}
			})
			c := newClient(t, b, nil)
			m, err := redfish.ReadMembers[redfish.Resource](t.Context(), c, list, 256)
			if err != nil || m.Complete || len(m.Failed) == 0 || collectors.ReasonOf(m.Failed[len(m.Failed)-1].Err) != hw.TooMuch {
				t.Fatalf("%d items, complete %v, %d failed: %v", len(m.Items), m.Complete, len(m.Failed), err)
			}
			if got := c.Counters().Received; got > 32<<20 {
				t.Errorf("%d MB were read", got>>20)
			}
		})
	}
}

// TestNothingGoesElsewhere: neither token nor password, wherever the device sends us.
func TestNothingGoesElsewhere(t *testing.T) {
	t.Parallel()
	stolen := 0
	thief := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen++ }))
	defer thief.Close()
	for _, to := range []string{
		thief.URL + "/redfish/v1/Systems/1", strings.TrimPrefix(thief.URL, "https:") + "/redfish/v1/Systems/1", "http://127.0.0.1/redfish/v1/", "/etc/passwd",
		"/redfish/v1/../../x", "/redfish/v1//thief/x", "/redfish/v1/\u009bx", "https://user@" + strings.TrimPrefix(thief.URL, "https://") + "/redfish/v1",
	} {
		b := newBMC(t, func(b *bmc) {
			b.docs["/redfish/v1/Chassis"] = fmt.Sprintf(`{"@odata.id":"/redfish/v1/Chassis","Members":[{"@odata.id":%q}],"Members@odata.nextLink":%q}`, to, to)
			b.hook = on("GET /redfish/v1/Systems/2", answer(307, "", "Location", to))
		})
		c := newClient(t, b, nil)
		if _, err := c.Get(t.Context(), to, nil); err == nil {
			t.Errorf("%q is asked for", to)
		}
		if _, err := c.Get(t.Context(), "/redfish/v1/Systems/2", nil); err == nil {
			t.Errorf("a redirect to %q is followed", to)
		}
		m, err := redfish.ReadMembers[redfish.Resource](t.Context(), c, "/redfish/v1/Chassis", 16)
		if here := strings.Contains(to, "://"); err != nil || m.Complete || len(m.Items) > 0 && !here { // of a URL the path is asked for on the device itself
			t.Errorf("members at %q: %d, complete %v, %v", to, len(m.Items), m.Complete, err)
		}
		if _, err := redfish.Ask(t.Context(), collectors.Target{Device: hw.Device{Address: b.address()}, Timeout: time.Second}); err != nil {
			t.Error(err)
		}
	}
	if stolen > 0 {
		t.Errorf("%d requests went to another host", stolen)
	}
}

// TestPackedAnswer: what was not asked for packed is not unpacked.
func TestPackedAnswer(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 64<<20))
	_ = w.Close()
	b := newBMC(t, func(b *bmc) {
		b.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != system {
				return false
			}
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
			}
			answer(200, bomb.String(), "Content-Encoding", "gzip")(w)
			return true
		}
	})
	c := newClient(t, b, nil)
	_, err := c.Get(t.Context(), system, nil)
	wantError(t, err, hw.Garbage, false, "not a JSON object")
	if n := c.Counters().Received; n > 1<<20 {
		t.Errorf("%d bytes", n)
	}
}

// TestTrickle: a body that comes byte by byte costs a request its time, two of them the visit, and no more.
func TestTrickle(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) {
		b.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/redfish/v1/" {
				return false
			}
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
			return true
		}
		for i := range 9 {
			b.docs[fmt.Sprint("/redfish/v1/", i)] = "{}"
		}
	})
	b.login = "" // found missing: Basic
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Timeout = 200 * time.Millisecond })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 9 {
		if _, err := c.Get(ctx, fmt.Sprint("/redfish/v1/", i), nil); redfish.Over(err) {
			if i > 2 {
				t.Errorf("over after %d", i)
			}
			return
		}
	}
	t.Error("it never counted as dead")
}

func info(id, text string) string {
	b, err := json.Marshal(map[string]any{"error": map[string]any{"@Message.ExtendedInfo": []map[string]string{{"MessageId": id, "Message": text}}}})
	if err != nil {
		panic(err)
	}
	return string(b)
}
