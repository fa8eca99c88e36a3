package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Device is one simulated device, served by any number of agents. It is safe for concurrent use.
type Device struct {
	model  *model // nil for a recording
	clock  func() time.Time
	number int
	seed   uint64
	name   string

	mu       sync.Mutex
	view     *view
	live     *live // nil: the view is changed by faults alone
	state    state
	boot     time.Time // when the unit that answers started
	boots    uint64
	given    uint64 // value of the last numbered reading
	peer     unitClock
	replaced uint64 // boots of the unit that another one replaced
	readings Readings
	waiting  int           // requests without an answer yet
	most     int           // of them at once
	changed  chan struct{} // closed at the next fault
}

// unitClock is what the unit of a pair that does not answer keeps.
type unitClock struct {
	boot  time.Time
	boots uint64
	given uint64
}

// Readings is what was read from a device.
type Readings struct {
	Given    uint64 `json:"given"`    // numbered readings since the device was made
	Value    uint64 `json:"value"`    // the last one's value: Given, unless the unit restarted
	Requests uint64 `json:"requests"` // requests with the right community
	Answers  uint64 `json:"answers"`  // answers sent
	Varbinds uint64 `json:"varbinds"` // objects in them
}

// ModelOptions are the parameters of a model; the zero value is its default device.
type ModelOptions struct {
	Seed     uint64           // of everything that moves
	Number   int              // of the device, 0 to 9999: part of its serials, name and MAC addresses
	Members  int              // of a Catalyst stack, 1 to 8; 0 is the model's default
	Contexts int              // of an ASA in multiple-context mode, 1 to MaxContexts; 0 is single mode
	Name     string           // sysName; empty is made from model and number
	Uptime   time.Duration    // at the start; 0 is the model's default
	Clock    func() time.Time // nil is time.Now
}

// MaxMembers is the greatest stack, and MaxContexts what a firewall is divided into at most.
const (
	MaxMembers  = 8
	MaxContexts = 50
)

// NewRecorded serves a recording as it stands. It has no faults but those of the protocol.
func NewRecorded(rec *Recording) *Device {
	return newRecorded(rec.view())
}

func newRecorded(v *view) *Device {
	return &Device{clock: time.Now, view: v, state: newState(1, 0, 0), changed: make(chan struct{})}
}

// Another returns a further device that serves what d serves, in the same memory. Its number,
// and with it serials, name and seed, are d's plus n; no fault of d's is on.
func (d *Device) Another(n int) (*Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.live != nil:
		return nil, errors.New("the agent of a controller has no like: make another controller")
	case d.model == nil:
		return newRecorded(d.view), nil
	}
	opt := ModelOptions{Seed: d.seed + uint64(n), Number: d.number + n, Members: d.state.members, Contexts: d.state.contexts, Uptime: d.state.uptime, Clock: d.clock}
	var shared *view
	if d.state.pristine() {
		shared = d.view
	}
	return newModel(d.model, opt, shared)
}

// NewModel makes a device of one of [Models].
func NewModel(name string, opt ModelOptions) (*Device, error) {
	for i := range models {
		if models[i].name == name {
			return newModel(&models[i], opt, nil)
		}
	}
	return nil, fmt.Errorf("no model %q: use %s", name, strings.Join(Models(), ", "))
}

func newModel(m *model, opt ModelOptions, shared *view) (*Device, error) {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Members == 0 {
		opt.Members = m.members
	}
	if opt.Uptime == 0 {
		opt.Uptime = m.uptime
	}
	switch {
	case opt.Members < 1 || opt.Members > m.most:
		return nil, fmt.Errorf("%s of %d members: use 1 to %d", m.name, opt.Members, m.most)
	case opt.Contexts < 0 || opt.Contexts > m.contexts:
		return nil, fmt.Errorf("%s of %d contexts: use 0 to %d", m.name, opt.Contexts, m.contexts)
	case opt.Number < 0 || opt.Number > 9999:
		return nil, fmt.Errorf("device number %d: use 0 to 9999", opt.Number)
	case opt.Uptime < 0:
		return nil, fmt.Errorf("uptime %v: use a positive one", opt.Uptime)
	}
	if opt.Name == "" {
		opt.Name = fmt.Sprintf("sim-%s-%d", m.short, opt.Number)
	}
	d := &Device{
		model: m, clock: opt.Clock, number: opt.Number, seed: opt.Seed, name: opt.Name, view: shared,
		state: newState(opt.Members, opt.Contexts, opt.Uptime), boot: opt.Clock().Add(-opt.Uptime), boots: 7,
		changed: make(chan struct{}),
	}
	d.state.version, d.state.lag = m.version, m.lag
	d.peer = unitClock{boot: d.boot.Add(opt.Uptime / 3), boots: 4}
	if shared != nil {
		return d, nil
	}
	var err error
	d.view, err = m.view(&d.state)
	return d, err
}

// Models returns the names of the models.
func Models() []string {
	names := make([]string, len(models))
	for i := range models {
		names[i] = models[i].name
	}
	return names
}

// Kind returns the kind of the collector that speaks to the device, "" for a recording.
func (d *Device) Kind() string {
	if d.model == nil {
		return ""
	}
	return d.model.kind
}

// Model returns the name of the device's model, or "recording".
func (d *Device) Model() string {
	if d.model == nil {
		return "recording"
	}
	return d.model.name
}

// Readings tells what was read so far.
func (d *Device) Readings() Readings {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.readings
	r.Value = d.given
	return r
}

// Faults returns what is switched on, each with its argument, in the order of the names.
func (d *Device) Faults() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var on []string
	for name, arg := range d.state.on {
		on = append(on, strings.TrimSpace(name+" "+arg))
	}
	slices.Sort(on)
	return on
}

// KnownFaults returns the names of the faults this device can have, and clear.
func (d *Device) KnownFaults() []string {
	var known []string
	for _, f := range faults {
		if f.set == nil && f.port == nil || d.model != nil && slices.Contains(d.model.faults, f.name) {
			known = append(known, f.name)
		}
	}
	return known
}

// arrive counts a request that waits for its answer: until respond or leave.
func (d *Device) arrive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	d.most = max(d.most, d.waiting)
}

// leave counts a request that gets no answer.
func (d *Device) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
}

// MostInFlight returns how many requests have ever waited for their answers at once. One that is sent again while
// the first still waits counts too.
func (d *Device) MostInFlight() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most
}

// wait holds an answer back for as long as the fault slow says. It returns false when there is to be
// none: the device is silent or booting, or ctx ended.
func (d *Device) wait(ctx context.Context) bool {
	d.mu.Lock()
	d.readings.Requests++
	delay, changed, mute := d.state.delay, d.changed, d.state.silent
	d.mu.Unlock()
	if mute {
		return false
	}
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// respond answers q, which arrived, through send. What it numbered counts only when send succeeds.
func (d *Device) respond(a *answerer, q *request, send func([]byte) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	if !d.refresh() {
		return nil
	}
	m := d.moment()
	v := d.view.in(q.vlan)
	if m.uptime < 0 || d.state.silent || v == nil {
		return nil
	}
	before := m.given
	t := &d.state.trouble
	reply := a.answer(q, v, &m, t)
	if reply == nil {
		return nil
	}
	if t.garbage != "" {
		a.out = mangle(reply, t.garbage, t.mangled)
		reply, m.given, a.count = a.out, before, 0
		t.mangled++
	}
	if err := send(reply); err != nil {
		return err
	}
	d.readings.Answers++
	d.readings.Varbinds += uint64(a.count)
	d.readings.Given += m.given - before
	d.given = m.given
	return nil
}

func (d *Device) moment() moment {
	up := d.clock().Sub(d.boot)
	return moment{uptime: up, clock: up + d.state.shift, boots: d.boots, number: d.number, seed: d.seed, name: d.name, given: d.given}
}
