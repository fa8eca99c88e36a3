package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/web"
)

// The bounds of what is asked over the socket.
const (
	maxOrder  = 4 << 10 // bytes of a body
	maxOrders = 16      // at once
)

// locateOrder is the body of POST /api/v1/devices/{id}/locate.
type locateOrder struct {
	Component string  `json:"component"`
	On        bool    `json:"on"`
	Seconds   float64 `json:"seconds,omitempty"` // how long; 0: the usual time
}

// trustOrder is the body of POST /api/v1/devices/{id}/trust.
type trustOrder struct {
	Certificate string `json:"certificate"` // the fingerprint that is expected
}

// certificates are those of a device, SHA-256 in hex: GET /api/v1/devices/{id}/trust.
type certificates struct {
	Trusted string `json:"trusted"` // empty: none yet
	Seen    string `json:"seen"`    // that it shows instead; empty: it shows the trusted one
}

// control is the handler of the unix socket: what the page has, and acts, for the people whom the mode of
// the socket lets in. The network never gets to it.
func (a *appliance) control(pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	a.handleVisitor(mux, a.atVisitor)
	if a.host != nil {
		a.host.handlePair(mux)
		a.handleConfig(mux)
		a.uplinks.handle(mux)
	}
	mux.Handle("/", pages)
	return mux
}

// handleVisitor adds what only the box that visits can do. It is all that another box may ask for.
func (a *appliance) handleVisitor(mux *http.ServeMux, wrap func(http.HandlerFunc) http.HandlerFunc) {
	c := controller{a, make(chan struct{}, maxOrders), &strangers{}}
	mux.HandleFunc("POST /api/v1/devices/{id}/locate", wrap(c.locate))
	mux.HandleFunc("POST /api/v1/devices/{id}/trust", wrap(c.accept))
	mux.HandleFunc("GET /api/v1/devices/{id}/trust", wrap(c.certificates))
	mux.HandleFunc("POST /api/v1/devices/{id}/visit", wrap(c.visit))
	mux.HandleFunc("GET /api/v1"+loginsPath, wrap(c.loginPause))
	mux.HandleFunc("POST /api/v1"+loginsPath, wrap(c.loginRefused))
}

type controller struct {
	*appliance
	busy      chan struct{} // as many as acts are being done
	strangers *strangers
}

func (c controller) locate(w http.ResponseWriter, r *http.Request) {
	var o locateOrder
	order(c, w, r, &o, func(ctx context.Context, who string, id hw.DeviceID) (any, error) {
		lasts := time.Duration(o.Seconds * float64(time.Second))
		return c.acts.Locate(ctx, who, id, o.Component, o.On, lasts)
	})
}

func (c controller) accept(w http.ResponseWriter, r *http.Request) {
	var o trustOrder
	order(c, w, r, &o, func(ctx context.Context, who string, id hw.DeviceID) (any, error) {
		if o.Certificate == "" {
			return nil, fmt.Errorf("%w: the fingerprint of the certificate is missing", errActRefused)
		}
		return c.acts.Trust(ctx, who, id, o.Certificate)
	})
}

// visit has a device visited at once; after logins that were refused, once more.
func (c controller) visit(w http.ResponseWriter, r *http.Request) {
	order(c, w, r, &struct{}{}, func(_ context.Context, who string, id hw.DeviceID) (any, error) {
		c.logger.Info("a visit is asked for", "device", string(id), "who", who)
		return struct{}{}, c.poller.VisitNow(id)
	})
}

func (c controller) certificates(w http.ResponseWriter, r *http.Request) {
	learned, err := c.poller.Learned(hw.DeviceID(r.PathValue("id")))
	if err != nil {
		fail(w, http.StatusNotFound, web.Problem{Error: err.Error(), Hint: "rackpost status lists the devices"})
		return
	}
	tell(w, http.StatusOK, certificates{learned.Get(redfish.CertificatePin), learned.Get(redfish.CertificateSeen)})
}

// order reads what is asked into body and has do done in the name of the person at the other end.
func order(c controller, w http.ResponseWriter, r *http.Request, body any, do func(context.Context, string, hw.DeviceID) (any, error)) {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	default:
		fail(w, http.StatusServiceUnavailable, web.Problem{Error: "too many acts at once", Hint: "ask again in a moment"})
		return
	}
	if !readOrder(w, r, maxOrder, body) {
		return
	}
	id := hw.DeviceID(r.PathValue("id"))
	if !c.knows(id) {
		fail(w, http.StatusNotFound, web.Problem{Error: web.ErrUnknownDevice.Error(), Hint: "rackpost status lists the devices"})
		return
	}
	// The device may be in the middle of a visit: longer than other answers may take.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * actWait))
	answer, err := do(r.Context(), personOf(r), id)
	switch {
	case err == nil:
		tell(w, http.StatusOK, answer)
	case errors.Is(err, errActBusy):
		fail(w, http.StatusServiceUnavailable, web.Problem{Error: refusalOf(err)})
	case errors.Is(err, errActRefused):
		fail(w, http.StatusConflict, web.Problem{Error: refusalOf(err)})
	default:
		c.logger.Error("an act", "path", r.URL.Path, "error", err)
		fail(w, http.StatusInternalServerError, web.Problem{Error: err.Error(), Hint: "the log of the appliance says more"})
	}
}

// refusalOf is why an act was refused.
func refusalOf(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), errActRefused.Error()+": "), errActBusy.Error()+": ")
}

func fail(w http.ResponseWriter, code int, p web.Problem) { tell(w, code, p) }

func tell(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// readOrder reads the body of a request, of so many bytes at most. It answers what cannot be read, and returns false.
func readOrder(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		fail(w, http.StatusRequestEntityTooLarge, web.Problem{Error: fmt.Sprintf("the order has more than %d bytes", most), Hint: "say it in fewer words: a reason or a note is one sentence"})
	case err != nil:
		fail(w, http.StatusBadRequest, web.Problem{Error: "the body cannot be read: " + err.Error()})
	}
	return err == nil
}

// peers is a listener on a unix socket whose connections have the user at the other end as their
// address.
type peers struct{ net.Listener }

// Accept implements net.Listener.
func (p peers) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return peer{conn, peerAddr(uidOf(conn))}, nil
}

type peer struct {
	net.Conn
	addr peerAddr
}

// RemoteAddr implements net.Conn.
func (p peer) RemoteAddr() net.Addr { return p.addr }

// peerAddr is a user's number; negative is not known.
type peerAddr int

// Network implements net.Addr.
func (peerAddr) Network() string { return "unix" }

// String implements net.Addr.
func (a peerAddr) String() string { return strconv.Itoa(int(a)) }

// uidOf returns whose process is at the other end, by the word of the kernel.
func uidOf(conn net.Conn) int {
	uid := -1
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return uid
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return uid
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	return uid
}

// personOf names who made a request over the socket, of this box or of another one.
func personOf(r *http.Request) string {
	if who, ok := r.Context().Value(whoKey{}).(string); ok {
		return who
	}
	if u, err := user.LookupId(r.RemoteAddr); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + r.RemoteAddr
}
