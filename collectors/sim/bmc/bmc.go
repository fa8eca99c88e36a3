package bmc

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are the parameters of a simulated controller; the zero value is its default device.
type Options struct {
	Seed     uint64           // of everything that moves, and of serials and keys
	Number   int              // of the device, 0 to 9999: part of its service tag, name and MAC addresses
	Name     string           // HostName; empty is made from model and number
	Clock    func() time.Time // nil is time.Now
	User     string           // "" is root
	Password string           // "" is simulated
}

// The account of a device whose Options name none.
const (
	DefaultUser     = "root"
	DefaultPassword = "simulated"
)

// BMC is one simulated controller. It is safe for concurrent use.
type BMC struct {
	model *model
	opt   Options
	boot  time.Time // of the server; the controller itself may have started later

	mu       sync.Mutex
	state    state
	tree     tree
	recorded *recording // nil for a model
	overlay  map[string]object
	access   access
	counters Counters
	changes  uint64 // of what Rows shows, but by time
	conns    map[net.Conn]struct{}
	changed  chan struct{} // closed at the next fault
	cert     tls.Certificate
}

// New makes a controller of one of [Models].
func New(name string, opt Options) (*BMC, error) {
	for i := range models {
		if models[i].name == name {
			return create(&models[i], opt, nil)
		}
	}
	return nil, fmt.Errorf("no model %q: use %s", name, strings.Join(Models(), ", "))
}

// NewRecorded serves the folder of a recorded tree, which holds redfish/v1/**/index.json or files named by their paths
// (redfish/v1/Chassis/1.json). It has no faults but those of the protocol. A document that is not JSON is served as it stands.
func NewRecorded(folder string, opt Options) (*BMC, error) {
	rec, err := readTree(folder)
	if err != nil {
		return nil, err
	}
	return create(rec.model(), opt, rec)
}

func create(m *model, opt Options, rec *recording) (*BMC, error) {
	if opt.Number < 0 || opt.Number > 9999 {
		return nil, fmt.Errorf("device number %d: use 0 to 9999", opt.Number)
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.User == "" {
		opt.User = DefaultUser
	}
	if opt.Password == "" {
		opt.Password = DefaultPassword
	}
	if opt.Name == "" {
		opt.Name = fmt.Sprintf("sim-%s-%d", m.short, opt.Number)
	}
	now := opt.Clock()
	b := &BMC{
		model: m, opt: opt, boot: now.Add(-61 * day), recorded: rec, overlay: map[string]object{},
		counters: Counters{Requests: map[string]uint64{}}, conns: map[net.Conn]struct{}{}, changed: make(chan struct{}),
	}
	b.access = newAccess()
	b.state = newState(m, now)
	b.rebuild()
	var err error
	b.cert, err = certificate(b.secret("certificate 0"), b.opt.Name)
	return b, err
}

// Another returns a further controller that serves what b serves. Its number, and with it serials, name, keys and seed, are b's
// plus n; no fault of b's is on. A recorded tree is in memory once.
func (b *BMC) Another(n int) (*BMC, error) {
	opt := b.opt
	opt.Number, opt.Seed, opt.Name = opt.Number+n, opt.Seed+uint64(n), ""
	return create(b.model, opt, b.recorded)
}

const day = 24 * time.Hour

// Models returns the names of the models.
func Models() []string {
	names := make([]string, len(models))
	for i := range models {
		names[i] = models[i].name
	}
	return names
}

// Model returns the name of the model, or "recording".
func (b *BMC) Model() string { return b.model.name }

// Kind returns the kind of the collector that speaks to the device, "" for a recording.
func (b *BMC) Kind() string { return b.model.kind }

// Account returns the user and the password that the device takes.
func (b *BMC) Account() (user, password string) { return b.opt.User, b.opt.Password }

// Faults returns what is switched on, each with its argument, in the order of the names.
func (b *BMC) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var on []string
	for name, arg := range b.state.on {
		on = append(on, strings.TrimSpace(name+" "+arg))
	}
	slices.Sort(on)
	return on
}

// KnownFaults returns the names of the faults that the device can have, and clear.
func (b *BMC) KnownFaults() []string {
	var names []string
	for i := range faults {
		if faults[i].fits(b.model) {
			names = append(names, faults[i].name)
		}
	}
	return names
}

// Handler serves the device's documents over whatever connection the caller has.
func (b *BMC) Handler() http.Handler { return http.HandlerFunc(b.serve) }

// moment is what the documents of one answer are made of. The lock is held while they are.
type moment struct {
	at     time.Time
	up     time.Duration // of the server
	seed   uint64
	number int
	name   string
	other  bool // another unit stands in the place
	s      *state
}

func (b *BMC) moment() *moment {
	now := b.opt.Clock()
	return &moment{at: now, up: now.Sub(b.boot), seed: b.opt.Seed, number: b.opt.Number, name: b.opt.Name, other: b.state.other, s: &b.state}
}

// rebuild lists the resources there are now. The lock is held, or nobody else has b yet.
func (b *BMC) rebuild() {
	b.tree = tree{}
	if b.model.build != nil {
		b.model.build(b.model, b.tree, &b.state)
	}
}

// SessionPath returns where sessions are opened, and whether that is elsewhere than on most devices.
func (b *BMC) SessionPath() (path string, moved bool) {
	return b.model.sessions, b.model.sessions != sessionPath
}
