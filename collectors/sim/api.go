package sim

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

var errSkeleton = errors.New("sim: being built")

// Recording is a device's MIB as read from a snmprec file.
type Recording struct {
	Rows                []Row
	Duplicates, Skipped int
}

// Row is one object.
type Row struct {
	OID   string
	Type  byte
	Value []byte
}

// ReadRecording reads OID|type|value lines; name is for error messages.
func ReadRecording(r io.Reader, name string) (*Recording, error) { return nil, errSkeleton }

// WriteRecording writes rec as snmprec lines.
func WriteRecording(w io.Writer, rec *Recording) error { return errSkeleton }

// Device is one simulated device, served by any number of agents.
type Device struct{}

// ModelOptions are the parameters of a model; the zero value is its default device.
type ModelOptions struct {
	Seed    uint64
	Number  int           // of the device: part of its serials, name and MAC addresses
	Members int           // of a Catalyst stack; 0 is the model's default
	Name    string        // sysName; empty is made from model and number
	Uptime  time.Duration // at the start; 0 is the model's default
	Clock   func() time.Time
}

// NewRecorded serves a recording. Devices of one recording share its memory.
func NewRecorded(rec *Recording) *Device { return &Device{} }

// NewModel makes a device of one of Models.
func NewModel(name string, opt ModelOptions) (*Device, error) { return nil, errSkeleton }

// Models returns the names of the models.
func Models() []string { return nil }

// Faults returns the names of all faults.
func Faults() []string { return nil }

// Fault switches a fault on; "clear" ends all of them, or the one named by arg.
func (d *Device) Fault(name, arg string) error { return errSkeleton }

// Readings tells how many readings of the numbered sensor were given.
func (d *Device) Readings() Readings { return Readings{} }

// Readings is what was read from a device.
type Readings struct {
	Given    uint64 `json:"given"`    // numbered readings since the device was made
	Value    uint64 `json:"value"`    // the last one's value: Given, unless the device restarted
	Requests uint64 `json:"requests"` // requests understood
	Answers  uint64 `json:"answers"`  // answers sent
	Varbinds uint64 `json:"varbinds"` // objects in them
}

// AgentOptions say how an agent answers.
type AgentOptions struct {
	Community string // "" is "public"
	MaxSize   int    // of an answer in bytes; 0 is 1472
	Logger    *slog.Logger
}

// Agent serves a device on one UDP address.
type Agent struct{}

// Listen opens the address. Run serves it.
func Listen(addr string, d *Device, opt AgentOptions) (*Agent, error) { return nil, errSkeleton }

// Run serves until ctx ends, then closes the socket and returns nil.
func (a *Agent) Run(ctx context.Context) error { return errSkeleton }

// Addr returns the address the agent listens on.
func (a *Agent) Addr() netip.AddrPort { return netip.AddrPort{} }

// Close closes an agent that was not run.
func (a *Agent) Close() error { return errSkeleton }

// Rack is a set of named devices with their agents.
type Rack struct{}

// NewRack returns an empty rack.
func NewRack() *Rack { return &Rack{} }

// Add listens on addr for d.
func (r *Rack) Add(name, model string, d *Device, addr string, opt AgentOptions) (*Agent, error) {
	return nil, errSkeleton
}

// Run serves all agents until ctx ends.
func (r *Rack) Run(ctx context.Context) error { return errSkeleton }

// Close closes the agents of a rack that was not run.
func (r *Rack) Close() error { return errSkeleton }

// Devices returns the devices in the order they were added.
func (r *Rack) Devices() []DeviceInfo { return nil }

// Device returns the device called name, or nil.
func (r *Rack) Device(name string) *Device { return nil }

// Handler is the control interface: GET /devices, GET /readings, POST /fault.
func (r *Rack) Handler() http.Handler { return nil }

// Serve serves Handler on a unix socket at path until ctx ends.
func (r *Rack) Serve(ctx context.Context, path string) error { return errSkeleton }

// DeviceInfo is one device of a rack.
type DeviceInfo struct {
	Name    string   `json:"name"`
	Model   string   `json:"model"` // or "recording"
	Kind    string   `json:"kind"`  // the collector that speaks to it; empty for a recording
	Address string   `json:"address"`
	Faults  []string `json:"faults"` // switched on: "port-down Gi1/0/5"
	Known   []string `json:"known"`  // faults it can have
}

// DemoOptions place the demo rack.
type DemoOptions struct {
	Base  netip.Addr // of the first device; zero is 127.77.0.1
	Port  uint16     // 0 is 1161
	Seed  uint64
	Clock func() time.Time
}

// DemoRack is the rack of the demo: a 3750-48PS stack of two, a 2960X, an ASA failover pair.
func DemoRack(opt DemoOptions) (*Rack, error) { return nil, errSkeleton }

// FleetOptions place a fleet.
type FleetOptions struct {
	Port  uint16 // 0 is 1161
	Model ModelOptions
	Agent AgentOptions
}

// Fleet is n devices of a model on 127.1.0.1, 127.1.0.2 ...
func Fleet(n int, model string, opt FleetOptions) (*Rack, error) { return nil, errSkeleton }

// Client speaks to a rack's control socket.
type Client struct{}

// Control returns a client for the unix socket at path.
func Control(path string) *Client { return &Client{} }

// Fault switches a fault of a device; device "" is the only one of the rack.
func (c *Client) Fault(ctx context.Context, device, name, arg string) error { return errSkeleton }

// Devices lists the rack.
func (c *Client) Devices(ctx context.Context) ([]DeviceInfo, error) { return nil, errSkeleton }

// Readings tells what was read, by device name.
func (c *Client) Readings(ctx context.Context) (map[string]Readings, error) { return nil, errSkeleton }
