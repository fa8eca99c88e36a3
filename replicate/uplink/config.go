package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/link"
	"rackpost/replicate/ship"
)

// Way is one way to headquarters: an interface, a proxy, or what the system's routes say.
type Way struct {
	Name      string // for people; no two ways have the same
	Interface string // empty: by the system's routes
	Proxy     string // http://[USER:PASSWORD@]HOST:PORT, asked to CONNECT; empty: none
	Live      uint64 // bytes a second that the lane of what is new takes at most; 0: no limit
	Behind    uint64 // the same of what is behind
}

// Links tells the state of this machine's interfaces: link.Monitor does.
type Links interface {
	Links() (links []link.Link, known bool)
	Watch() <-chan struct{}
}

// Line carries the records of one lane over connections: ship.Line does.
type Line interface {
	Run(ctx context.Context, conn net.Conn) error
	Progress() ship.Progress
}

// Config is what an Uplink is made of. Store, Ship, Holder and Logger must be set.
type Config struct {
	Ways        []Way // in order, the best first; none: one by the system's routes
	NewestFirst bool  // of what is behind
	Holder      *enroll.Holder
	Store       ship.Store
	Ship        ship.Options // Site, Origin and Logger; Known too where somebody else wants to know
	Links       Links        // nil: the state of the interfaces is not known, only whether calls succeed
	Logger      *slog.Logger

	// Send says whether this box is to send now, and why or why not; nil: always. It is asked several times a
	// second, see Decide.
	Send func() (bool, string)

	// Dial opens a connection over a way to HOST:PORT, by name or address, through its proxy where it has
	// one. Nil: as Way.Dial, with the addresses of names remembered. Demonstrations and tests cut here.
	Dial func(ctx context.Context, w Way, links Links, address string) (net.Conn, error)

	// Lines makes what carries the records of a lane over a way. Nil: ship.New on Store, with Ship.
	Lines func(w Way, lane ship.Lane) Line

	Now    func() time.Time // of the wall; nil: time.Now
	Timing Timing
}

// Timing is how patient an Uplink is. What is 0 is as said.
type Timing struct {
	Stagger  time.Duration // between two calls while none is answered; 1 s
	Quiet    time.Duration // of a connection on which something waits; after it another one is tried beside; 2 s
	FailOver time.Duration // of a way without an answer; after it all ways are tried; 3 s
	HoldDown time.Duration // of proven health of a better way, before it is taken again; 60 s
	Probe    time.Duration // between two looks whether a better way answers; 5 s
	Standby  time.Duration // the same of a worse one; 60 s
	Patience time.Duration // with a write without a word from headquarters, where nothing else tells whether it arrived; 7 s
	Retry    time.Duration // after headquarters ended or refused a connection, the first time; 1 s
	MostWait time.Duration // the longest of these, which double; 60 s
}

type dialFunc = func(ctx context.Context, w Way, links Links, address string) (net.Conn, error)

const (
	mostWays  = 8
	mostAfter = 10 * time.Minute // a Retry-After of more is taken for this
	mostCalls = 4                // under way at once over one way
	callLife  = 4 * time.Second  // of one of them, to the end of the handshake
	askLife   = 10 * time.Second // of a request, once there is a connection
)

func (t *Timing) defaults() {
	for _, d := range []struct {
		to   *time.Duration
		then time.Duration
	}{
		{&t.Stagger, time.Second}, {&t.Quiet, 2 * time.Second}, {&t.FailOver, 3 * time.Second}, {&t.HoldDown, time.Minute},
		{&t.Probe, 5 * time.Second}, {&t.Standby, time.Minute}, {&t.Patience, 7 * time.Second}, {&t.Retry, time.Second}, {&t.MostWait, time.Minute},
	} {
		if *d.to <= 0 {
			*d.to = d.then
		}
	}
}

func (c *Config) check() error {
	if c.Store == nil || c.Holder == nil || c.Logger == nil {
		return errors.New("uplink: Config needs Store, Holder and Logger")
	}
	if len(c.Ways) == 0 {
		c.Ways = []Way{{Name: "default"}}
	}
	if c.Send == nil {
		c.Send = func() (bool, string) { return true, "" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Ship.Logger == nil {
		c.Ship.Logger = c.Logger
	}
	if c.Ship.Known == nil {
		c.Ship.Known = ship.NewKnown()
	}
	c.Timing.defaults()
	return CheckWays(c.Ways)
}

var wayName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// CheckWays says what is wrong with ways.
func CheckWays(ways []Way) error {
	if len(ways) > mostWays {
		return fmt.Errorf("ways: %d of them, %d are enough", len(ways), mostWays)
	}
	names := map[string]bool{}
	for _, w := range ways {
		if !wayName.MatchString(w.Name) {
			return fmt.Errorf("ways: name %.80q: write 1 to 32 letters, digits, dots, hyphens or underscores", w.Name)
		}
		if names[w.Name] {
			return fmt.Errorf("ways: two are called %s", w.Name)
		}
		names[w.Name] = true
		if len(w.Interface) > 15 || strings.ContainsAny(w.Interface, "/ \t\n") {
			return fmt.Errorf("way %s: %.80q is no name of an interface: \"ip link\" shows them", w.Name, w.Interface)
		}
		if _, err := w.proxy(); err != nil {
			return fmt.Errorf("way %s: %w", w.Name, err)
		}
	}
	return nil
}

// proxy reads the address of the proxy; nil: there is none. The error repeats no password.
func (w Way) proxy() (*url.URL, error) {
	if w.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(w.Proxy)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("proxy: write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, without anything behind it; characters like @ and / in the password as %40 and %2F")
	}
	return u, nil
}
