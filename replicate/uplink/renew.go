package uplink

import (
	"context"
	"net"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

const (
	renewLook  = time.Hour
	renewRetry = 10 * time.Minute
)

// renew renews the site's certificate when it is due, and when headquarters refuses it for its dates.
func (u *Uplink) renew(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		urged := false
		select {
		case <-ctx.Done():
			return nil
		case <-u.urged:
			urged = true
		case <-timer.C:
		}
		if !urged && !(u.isSending() && u.cfg.Holder.Due()) {
			timer.Reset(renewLook)
			continue
		}
		if err := u.renewNow(ctx); err != nil {
			u.cfg.Logger.Warn("the certificate for headquarters could not be renewed", "expires", u.cfg.Holder.Credential().Expires(), "err", ship.Plain(err))
			timer.Reset(renewRetry)
			continue
		}
		u.cfg.Logger.Info("the certificate for headquarters was renewed", "expires", u.cfg.Holder.Credential().Expires())
		timer.Reset(renewLook)
	}
}

// urge has renew ask now.
func (u *Uplink) urge() { poke(u.urged) }

// renewNow asks over the way in use, or the first.
func (u *Uplink) renewNow(ctx context.Context) error {
	at := max(u.using(), 0)
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		return u.dial(ctx, u.cfg.Ways[at], u.cfg.Links, address)
	}
	var err error
	for _, p := range u.places() {
		if err = u.cfg.Holder.Renew(ctx, dial, enroll.Address(p)); err == nil {
			return nil
		}
	}
	return err
}
