// Package web shows people what the appliance knows, on its page. It reads and never changes anything.
package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"rackpost/hw"
)

// Source is what there is to show now.
type Source interface {
	Status(ctx context.Context) (Status, error)
	// Devices returns all devices in the order of the configuration, without components.
	Devices(ctx context.Context) ([]Device, error)
	// Device returns one device with its components. The error is ErrUnknownDevice if there
	// is none of that id.
	Device(ctx context.Context, id hw.DeviceID) (Device, error)
}

// History is what was recorded. The error for a device nobody knows is ErrUnknownDevice.
type History interface {
	// Latest returns the last reading of every sensor of a device, in order of component
	// and sensor.
	Latest(ctx context.Context, id hw.DeviceID) ([]Reading, error)
	// Series calls fn in the order of time until it returns an error, and returns that.
	Series(ctx context.Context, q SeriesQuery, fn func(Point) error) error
	// Facts returns the newest q.Limit facts, oldest first.
	Facts(ctx context.Context, q FactQuery) ([]Fact, error)
}

// Config is what a handler needs.
type Config struct {
	Source  Source
	History History
	Turns   Turns            // of whatever reads the history; nil: of the pages alone
	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // nil is time.Now
}

type handler struct {
	Config
	busy chan struct{} // as many as pages are being made
	page pages
}

// maxBusy pages are made at a time.
const maxBusy = 16

// New returns the pages.
func New(c Config) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Turns == nil {
		c.Turns = NewTurns()
	}
	h := &handler{Config: c, busy: make(chan struct{}, maxBusy), page: newPages(english, c.Now)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.home)
	mux.HandleFunc("GET /devices/{id}", h.inTurn(h.devicePage))
	mux.HandleFunc("GET "+h.page.stylePath, h.style)
	mux.HandleFunc("/", h.notFound)
	return h.limited(mux)
}

// limited sets the headers of every answer and refuses what is too much at once.
func (h *handler) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			h.fail(w, http.StatusMethodNotAllowed, Problem{"this interface is read-only", "use GET"})
			return
		}
		select {
		case h.busy <- struct{}{}:
			defer func() { <-h.busy }()
			next.ServeHTTP(w, r)
		default:
			header.Set("Retry-After", "1")
			h.fail(w, http.StatusServiceUnavailable, Problem{"too many requests at once", "ask again in a second"})
		}
	})
}

// inTurn makes a request for the history wait for its turn.
func (h *handler) inTurn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if leave, err := h.Turns.Take(r.Context()); err == nil { // else nobody waits for the answer any more
			defer leave()
			next(w, r)
		}
	}
}

// LocalOnly lets only requests through that were addressed to this machine by a loopback
// name. A page of another site that had its own name resolve to 127.0.0.1 is refused.
func LocalOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		a, err := netip.ParseAddr(host)
		if host != "localhost" && (err != nil || !a.Unmap().IsLoopback()) {
			WriteJSON(w, http.StatusForbidden, Problem{"this host name is not served", "use http://127.0.0.1 or http://localhost with the port"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// The time limits of a connection.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 60 * time.Second
	shutdownTimeout = time.Second
	maxHeaderBytes  = 16 << 10
)

// Serve answers on ln until ctx ends, gives the answers being made a second to finish, and
// returns nil. It closes ln.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, logger *slog.Logger) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if s.Shutdown(limit) != nil {
			_ = s.Close() // a client that does not read ends here
		}
	})
	err := s.Serve(ln)
	if stop() {
		return err // it ended by itself
	}
	<-stopped
	return nil
}
