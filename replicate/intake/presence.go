package intake

import "time"

// presencePeriod is how often the log says at most that a site connected: of one that comes and goes it says how often.
const presencePeriod = time.Minute

// presence is whether any lane of a site is connected, and what the log says of it. The site's mu guards it.
type presence struct {
	open    int       // connections
	since   time.Time // when the first of them came, or the last left
	address string    // of the first
	reason  string    // why the last one ended

	told  bool      // the log says that it is connected
	at    time.Time // when it said so last
	times int       // that it came since
}

// came notes a connection. The caller holds mu.
func (s *site) came(address string) {
	p := &s.presence
	if p.open++; p.open == 1 {
		p.since, p.address = time.Now(), address
		p.times++
		s.tellPresence(time.Now())
	}
}

// went notes that a connection ended, and why. The caller holds mu.
func (s *site) went(reason string, stopping bool) {
	p := &s.presence
	if p.open--; p.open == 0 {
		connected := p.since
		p.since, p.reason = time.Now(), reason
		if p.told && !stopping {
			s.in.cfg.Logger.Info("site disconnected", "site", s.name, "address", p.address, "was_connected", since(connected), "reason", reason)
		}
		p.told = false
	}
}

// tellPresence says in the log that the site is connected, when that is news and it was not said a moment ago. The caller holds mu.
func (s *site) tellPresence(now time.Time) {
	p := &s.presence
	if p.open == 0 || p.told || !p.at.IsZero() && now.Sub(p.at) < presencePeriod {
		return
	}
	args := []any{"site", s.name, "address", p.address}
	if p.times > 1 {
		args = append(args, "times", p.times, "reason_before", p.reason)
	}
	s.in.cfg.Logger.Info("site connected", args...)
	p.told, p.at, p.times = true, now, 0
}

// since returns in words how long something has been.
func since(t time.Time) string { return time.Since(t).Round(time.Second).String() }
