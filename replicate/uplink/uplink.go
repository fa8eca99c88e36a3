package uplink

import (
	"context"
	"sync"
)

// Uplink is the way to headquarters. It does nothing until Run.
type Uplink struct {
	cfg Config

	mu      sync.Mutex
	changed chan struct{}
}

// New returns an uplink.
func New(cfg Config) (*Uplink, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Uplink{cfg: cfg, changed: make(chan struct{})}, nil
}

// Run sends until ctx ends, and returns nil then.
func (u *Uplink) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Status returns how it is.
func (u *Uplink) Status() Status { return Status{} }

// Report is what the other box of a pair is told.
func (u *Uplink) Report() Report { return Report{} }

// Watch returns a channel that is closed when the uplink comes up or goes down, changes its way, or is refused.
func (u *Uplink) Watch() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.changed
}
