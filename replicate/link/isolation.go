package link

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

const (
	evaluation = time.Second
	lately     = 2 * time.Minute // visits that ended longer ago say nothing of now
	enough     = 10              // percent of the devices that were asked
)

// Evidence is what one way of looking says of the rest of the world.
type Evidence uint8

// What there is to be said.
const (
	Unknown   Evidence = iota // nothing can be said
	Connected                 // somebody is there
	Cut                       // nobody is
)

// String returns the word for it.
func (e Evidence) String() string { return [...]string{"unknown", "connected", "cut"}[e%3] }

// MarshalText implements encoding.TextMarshaler.
func (e Evidence) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Signs are all that a box sees of the world besides its peer.
type Signs struct {
	Links   Evidence `json:"links"`   // of the interfaces of all paths: cut when none has a carrier
	Gateway Evidence `json:"gateway"` // whether the default gateway answers ARP, or neighbour solicitations
	Devices Evidence `json:"devices"` // whether a tenth of the devices asked lately answered
}

// Isolated says whether the signs prove that this box is the one that is cut off, and not its peer. Whatever is unknown
// proves nothing: a box with its links up is isolated only when both the gateway and the devices are silent.
func (s Signs) Isolated() bool {
	if s.Gateway == Connected || s.Devices == Connected {
		return false
	}
	return s.Links == Cut || s.Gateway == Cut && s.Devices == Cut
}

// IsolationConfig says where to look.
type IsolationConfig struct {
	Paths   []netip.Addr // this box's own addresses towards the other members
	Monitor *Monitor     // which somebody runs
	// Devices tells how many devices were asked in visits that ended after the time, and how many of them answered. It is
	// called about once a second and returns at once. Nil: unknown.
	Devices func(since time.Time) (answered, asked int)
	Logger  *slog.Logger
}

// Isolation finds out whether this box is cut off from everything.
type Isolation struct {
	cfg     IsolationConfig
	gateway *gateways
	seen    map[netip.Addr]int // the interface that carried a path's address last

	mu    sync.Mutex
	signs Signs
}

// NewIsolation returns an Isolation that knows nothing until it runs.
func NewIsolation(cfg IsolationConfig) *Isolation {
	return &Isolation{cfg: cfg, gateway: newGateways(cfg.Logger), seen: map[netip.Addr]int{}}
}

// Isolated says whether this box is cut off, as of the last second. It never waits.
func (i *Isolation) Isolated() bool { return i.Signs().Isolated() }

// Signs returns what was seen last.
func (i *Isolation) Signs() Signs {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signs
}

// Run looks once a second, and whenever a link changes, until ctx ends.
func (i *Isolation) Run(ctx context.Context) error {
	defer i.gateway.close()
	tick := time.NewTicker(evaluation)
	defer tick.Stop()
	var cutAt time.Time
	for {
		changed := i.cfg.Monitor.Watch()
		now := time.Now()
		links, known := i.cfg.Monitor.Links()
		signs := Signs{Links: i.paths(links, known), Gateway: i.gateway.look(now, links, known)}
		if signs.Links != Cut {
			cutAt = time.Time{}
		} else if cutAt.IsZero() {
			cutAt = now
		}
		signs.Devices = i.devices(latest(now.Add(-lately), cutAt, i.gateway.silent()))
		i.set(signs)
		select {
		case <-ctx.Done():
			i.set(Signs{})
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

func (i *Isolation) set(s Signs) {
	i.mu.Lock()
	before := i.signs
	i.signs = s
	i.mu.Unlock()
	if s.Isolated() != before.Isolated() {
		i.cfg.Logger.Warn("cut off from everything", "isolated", s.Isolated(), "links", s.Links, "gateway", s.Gateway, "devices", s.Devices)
	}
}

// paths says whether any path has a carrier. An address that no interface ever carried says nothing, and neither does the
// loopback interface; one that went away is looked for where it was.
func (i *Isolation) paths(links []Link, known bool) Evidence {
	if !known || len(i.cfg.Paths) == 0 {
		return Unknown
	}
	unknown := false
	for _, p := range i.cfg.Paths {
		for _, l := range links {
			if l.Carries(p) {
				i.seen[p] = l.Index
			}
		}
		index, ok := i.seen[p]
		if !ok {
			unknown = true
			continue
		}
		for _, l := range links {
			switch {
			case l.Index == index && l.Loopback:
				unknown = true
			case l.Index == index && l.Carrier:
				return Connected
			}
		}
	}
	if unknown {
		return Unknown
	}
	return Cut
}

func (i *Isolation) devices(since time.Time) Evidence {
	if i.cfg.Devices == nil {
		return Unknown
	}
	answered, asked := i.cfg.Devices(since)
	switch {
	case asked <= 0:
		return Unknown
	case 100*answered < enough*asked:
		return Cut
	}
	return Connected
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
