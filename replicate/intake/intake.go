package intake

import (
	"context"
	"errors"
	"net/http"

	"rackpost/hw/journal"
)

// Intake takes records of many sites.
type Intake struct {
	cfg Config
}

// New returns an intake. It lets nobody in before Run.
func New(cfg Config) (*Intake, error) {
	if cfg.Store == nil || cfg.Door == nil || cfg.Logger == nil {
		return nil, errors.New("make an intake: a store, a door and a logger are needed")
	}
	return &Intake{cfg: cfg}, nil
}

// Run serves until ctx ends, and returns when every connection has ended. It returns nil then, and an
// error when the store cannot write.
func (in *Intake) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// ServeHTTP lets the lanes of a site in: GET /uplink/v1/live and /uplink/v1/behind with Upgrade.
func (in *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Error(w, "not yet", http.StatusServiceUnavailable)
}

// Status returns how everything is.
func (in *Intake) Status() Status { return Status{} }

// SetPace makes a site's lanes do no more than this, by an operator's wish, until the next call; by
// whom and why is shown.
func (in *Intake) SetPace(site journal.ID, p Pace, why string) error { return nil }

// Revoked ends the connections of a site whose certificate was revoked.
func (in *Intake) Revoked(site journal.ID) {}
