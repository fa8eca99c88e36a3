package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/collectors"
	"rackpost/replicate/link"
	"rackpost/replicate/mode"
	"rackpost/web"
)

// surroundings are what a box of a pair sees of the network besides the other members: its links, whether it is cut off from
// everything, and the virtual address.
type surroundings struct {
	monitor   *link.Monitor
	isolation *link.Isolation
	address   *link.Address // nil: none is wanted
	logger    *slog.Logger

	node  atomic.Pointer[pairing]
	asked atomic.Pointer[appliance] // which visits
}

func newSurroundings(box boxConfig, logger *slog.Logger) (*surroundings, error) {
	s := &surroundings{monitor: link.NewMonitor(logger), logger: logger}
	var paths []netip.Addr
	for _, a := range box.pair.listen {
		paths = append(paths, a.Addr())
	}
	s.isolation = link.NewIsolation(link.IsolationConfig{Paths: paths, Monitor: s.monitor, Devices: s.devices, Logger: logger})
	if !box.pair.address.IsValid() {
		return s, nil
	}
	var err error
	s.address, err = link.NewAddress(link.AddressConfig{Address: box.pair.address, Interface: box.pair.device, Beside: paths[0], Monitor: s.monitor, GiveWay: s.givesWay, Verify: s.verify, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("the address of the pair in box.yaml: %w", err)
	}
	return s, nil
}

// givesWay says whether this box has no authority.
func (s *surroundings) givesWay() bool {
	p := s.node.Load()
	return p == nil || !p.node.Status().Authority
}

// verify makes sure that this box may hold the address.
func (s *surroundings) verify(ctx context.Context) error {
	if p := s.node.Load(); p != nil {
		return p.node.Verify(ctx, mode.Address)
	}
	return errors.New("this box is starting")
}

// devices tells how many were asked in visits that ended since a time, and how many of them answered.
func (s *surroundings) devices(since time.Time) (answered, asked int) {
	a := s.asked.Load()
	if a == nil {
		return 0, 0
	}
	return answers(a.poller.Status(), since)
}

// answers counts the devices asked in visits that ended since a time, and those of them that answered. What a visit read that
// began earlier and ended in silence, or was cut short, may be from before that time: it says neither.
func answers(all []collectors.DeviceStatus, since time.Time) (answered, asked int) {
	for _, d := range all {
		switch {
		case d.LastVisit.IsZero() || d.LastVisit.Add(d.Took).Before(since):
		case d.Failures > 0:
			asked++
		case !d.Unanswered || !d.LastVisit.Before(since):
			answered++
			asked++
		}
	}
	return answered, asked
}

// full says whether this box keeps nothing that it reads.
func (s *surroundings) full() bool {
	a := s.asked.Load()
	return a != nil && a.store.Full()
}

// acting says whether something that a device was told may be under way.
func (s *surroundings) acting() bool {
	a := s.asked.Load()
	return a != nil && a.acts.acting()
}

// Run looks around until ctx ends.
func (s *surroundings) Run(ctx context.Context, p powers) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.monitor.Run(ctx) })
	group.Go(func() error { return s.isolation.Run(ctx) })
	group.Go(func() error { return s.hold(ctx, p) })
	return group.Wait()
}

// hold holds the virtual address while this box has that power. Where the system does not allow it, the box goes on without.
func (s *surroundings) hold(ctx context.Context, p powers) error {
	if s.address == nil {
		return nil
	}
	if err := s.address.Clean(); err != nil {
		s.logger.Error("the virtual address cannot be held; the box goes on without it", "err", err)
		return nil
	}
	err := p.While(ctx, mode.Address, s.address.Hold)
	if errors.Is(err, link.ErrCapability) {
		s.logger.Error("the virtual address cannot be held; the box goes on without it", "err", err)
		return nil
	}
	return err
}

// addressView is how the virtual address stands, nil where none is wanted.
func (a *appliance) addressView() *web.PairAddress {
	if a.around == nil || a.around.address == nil {
		return nil
	}
	s := a.around.address.Status()
	return &web.PairAddress{Address: s.Address.String(), Held: s.Held, Interface: s.Interface, Problem: s.Problem}
}
