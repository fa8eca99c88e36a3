package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"rackpost/collectors/sim/bmc"
)

// maxControl is the greatest body the control interface takes or gives, and controlTimeout how long
// one exchange may take.
const (
	maxControl     = 16 << 20
	maxCommand     = 64 << 10
	controlTimeout = 10 * time.Second
)

type command struct {
	Device string `json:"device"`
	Name   string `json:"name"`
	Arg    string `json:"arg"`
}

// Fault switches a fault of a device; device may be empty when the rack has only one.
func (r *Rack) Fault(device, name, arg string) error {
	if device == "" && len(r.places) == 1 {
		device = r.places[0].name
	}
	p := r.find(device)
	if p == nil {
		var names []string
		for i := range r.places[:min(len(r.places), 10)] {
			names = append(names, r.places[i].name)
		}
		return fmt.Errorf("no device %q: use %s", device, strings.Join(names, ", "))
	}
	return p.Fault(name, arg)
}

// Handler is the rack's control interface, for a unix socket or loopback: GET /devices, GET /readings,
// GET /counters, POST /fault with {"device","name","arg"}. Errors are a line of text.
func (r *Rack) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /devices", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.Devices()) })
	mux.HandleFunc("GET /readings", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.Readings()) })
	mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.Counters()) })
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, q *http.Request) {
		var c command
		dec := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxCommand))
		dec.DisallowUnknownFields()
		err := dec.Decode(&c)
		if err != nil {
			err = fmt.Errorf(`read command: send {"device":"","name":"","arg":""}: %w`, err)
		} else {
			err = r.Fault(c.Device, c.Name, c.Arg)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone: nobody to tell
}

// Serve serves Handler on a unix socket at path, for this user alone, until ctx ends. A socket that
// nobody serves any more is taken over; one that is served is an error.
func (r *Rack) Serve(ctx context.Context, path string) error {
	l, err := listenUnix(path)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: r.Handler(), ReadTimeout: controlTimeout, WriteTimeout: controlTimeout}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = srv.Close()
	})
	err = srv.Serve(l)
	if !stop() {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", path, err)
}

func listenUnix(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("listen on %s: another simulator serves it: stop that one or choose another path", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen on %s: remove what is left of the last one: %w", path, err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	return l, nil
}

// Client speaks to a rack's control socket.
type Client struct {
	path string
	http http.Client
}

// Control returns a client for the unix socket at path.
func Control(path string) *Client {
	c := &Client{path: path}
	c.http.Timeout = controlTimeout
	c.http.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}
	return c
}

// Fault switches a fault of a device as [Device.Fault] does; device may be empty when the rack has only one.
func (c *Client) Fault(ctx context.Context, device, name, arg string) error {
	return c.do(ctx, http.MethodPost, "/fault", command{Device: device, Name: name, Arg: arg}, nil)
}

// Devices lists the rack.
func (c *Client) Devices(ctx context.Context) ([]DeviceInfo, error) {
	var infos []DeviceInfo
	err := c.do(ctx, http.MethodGet, "/devices", nil, &infos)
	return infos, err
}

// Readings tells what was read over SNMP, by the name of the device.
func (c *Client) Readings(ctx context.Context) (map[string]Readings, error) {
	var m map[string]Readings
	err := c.do(ctx, http.MethodGet, "/readings", nil, &m)
	return m, err
}

// Counters tells what was asked over Redfish, by the name of the device.
func (c *Client) Counters(ctx context.Context) (map[string]bmc.Counters, error) {
	var m map[string]bmc.Counters
	err := c.do(ctx, http.MethodGet, "/counters", nil, &m)
	return m, err
}

func (c *Client) do(ctx context.Context, method, path string, send, receive any) error {
	var body bytes.Buffer
	if send != nil {
		if err := json.NewEncoder(&body).Encode(send); err != nil {
			return fmt.Errorf("control %s: %w", c.path, err)
		}
	}
	q, err := http.NewRequestWithContext(ctx, method, "http://sim"+path, &body)
	if err != nil {
		return fmt.Errorf("control %s: %w", c.path, err)
	}
	resp, err := c.http.Do(q)
	if err != nil {
		return fmt.Errorf("control %s: is the simulator running? %w", c.path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxControl))
	switch {
	case err != nil:
		return fmt.Errorf("control %s: %w", c.path, err)
	case resp.StatusCode >= 300:
		return errors.New(strings.TrimSpace(string(b)))
	case receive == nil:
		return nil
	}
	if err := json.Unmarshal(b, receive); err != nil {
		return fmt.Errorf("control %s: %w", c.path, err)
	}
	return nil
}
