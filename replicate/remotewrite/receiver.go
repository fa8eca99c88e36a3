package remotewrite

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// receiver is what both lanes know of whom they write to. Sender.mu guards it.
type receiver struct {
	speaks   Protocol
	until    time.Time // it asked not to be sent anything before
	samples  int       // of a request at most
	heard    bool      // it has answered
	empties  bool      // it took an empty request
	accepted time.Time // when it took something, or refused it, last
	tookAt   time.Time // when it took a sample last
}

// ready waits until something may be sent.
func (s *Sender) ready(ctx context.Context, p *poster) error {
	for first := true; ; first = false {
		now := s.cfg.Now()
		s.mu.Lock()
		wait := s.to.until.Sub(now)
		heard := s.to.heard
		offset, known := s.status.Offset, s.status.Clock
		s.mu.Unlock()
		switch {
		case wait > 0:
			if err := sleep(ctx, wait); err != nil {
				return err
			}
			continue
		case heard && (!known || offset.Abs() <= maxOffset):
			return ctx.Err()
		case heard:
			s.hold(fmt.Sprintf("the clock of the receiver is %s; samples would stand at wrong times: set the clock that is wrong, here with NTP", aheadWords(offset)))
		}
		if !first {
			wait := s.cfg.pace.refused
			if heard {
				wait = s.cfg.pace.probe
			}
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
		a := p.post(ctx, s.protocol(), (&request{}).whole()) // it tells its time
		if a.code == 0 {
			s.fail(a.words())
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// agree asks the receiver for its time, and waits until the clock here is as its, where it tells that.
func (s *Sender) agree(ctx context.Context, p *poster) error {
	for {
		if err := s.ready(ctx, p); err != nil {
			return err
		}
		a := p.post(ctx, s.protocol(), (&request{}).whole())
		if a.code != 0 {
			return s.ready(ctx, p)
		}
		s.fail(a.words())
		if err := sleep(ctx, s.cfg.pace.refused); err != nil {
			return err
		}
	}
}

func aheadWords(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("%s behind ours", (-d).Round(time.Second))
	}
	return fmt.Sprintf("%s ahead of ours", d.Round(time.Second))
}

// heard notes the clock of an answer to what was sent at before.
func (s *Sender) heard(date string, before time.Time) {
	now := s.cfg.Now()
	at, err := http.ParseTime(date)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.heard = true
	if s.status.Clock = err == nil; !s.status.Clock {
		return
	}
	middle := before.Add(now.Sub(before) / 2)
	s.status.Offset = at.Add(500 * time.Millisecond).Sub(middle) // it tells whole seconds
}

func (s *Sender) protocol() Protocol {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.speaks
}

// fallBack goes on with 1.0.
func (s *Sender) fallBack(a answer) {
	why := "the receiver answers 415: it does not know 2.0"
	if a.code/100 == 2 {
		why = fmt.Sprintf("the receiver answers %d to 2.0 without saying that it wrote something, as one that does not know 2.0 and stores nothing", a.code)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to.speaks == V1 {
		return
	}
	s.to.speaks, s.status.Protocol, s.status.Fallback = V1, V1, why
	s.cfg.Logger.Warn("remote write goes on with 1.0", "url", s.url, "why", why)
}

// holdFor does what the receiver asks.
func (s *Sender) holdFor(a answer) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := now.Add(a.after); at.After(s.to.until) {
		s.to.until = at
	}
	s.problem(now, a.words(), "")
}

// hold notes why nothing is sent.
func (s *Sender) hold(why string) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem(now, "", why)
}

// fail notes what the last try failed at.
func (s *Sender) fail(why string) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem(now, why, "")
}

// problem changes what is wrong, and tells of it when it is new. The caller holds mu.
func (s *Sender) problem(now time.Time, failure, held string) {
	old := s.status.Failure + s.status.Held
	s.status.Failure, s.status.Held = failure, held
	if old == "" {
		s.status.Since = now
		s.cfg.Logger.Warn("remote write does not get on", "url", s.url, "why", failure+held)
	}
}

// tookNothing notes that the receiver took an empty request.
func (s *Sender) tookNothing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.empties = true
}

// refusesAll says whether a receiver that refuses samples refuses an empty request too, although it took one before, or although nothing was
// ever written to it: that is no matter of the samples, but of an address, a tenant or what stands before the receiver.
func (s *Sender) refusesAll(ctx context.Context, p *poster) bool {
	s.mu.Lock()
	known := s.to.empties || !s.at.took && s.status.Samples == 0
	protocol := s.to.speaks
	s.mu.Unlock()
	if !known {
		return false
	}
	a := p.post(ctx, protocol, (&request{}).whole())
	return a.judge(protocol) == refused
}

// impatient says whether a receiver that has refused everything since a moment is not waited for any longer: it never took an empty request,
// so that it refuses this one says little.
func (s *Sender) impatient(since time.Time) bool {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.to.empties && now.Sub(since) > s.cfg.pace.barred
}

// took notes that the receiver took samples.
func (s *Sender) took() {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.tookAt = now
}

// tookSince says whether it took some after a moment.
func (s *Sender) tookSince(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.tookAt.After(at)
}

// answered notes that the receiver did its work.
func (s *Sender) answered() {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.Failure+s.status.Held != "" {
		s.cfg.Logger.Info("remote write goes on", "url", s.url, "after", now.Sub(s.status.Since).Round(time.Second).String())
	}
	s.status.Failure, s.status.Held, s.status.Since = "", "", time.Time{}
	s.to.accepted = now
}

// acceptedSince says whether the receiver took something after a moment.
func (s *Sender) acceptedSince(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.accepted.After(at)
}

// smaller makes requests smaller than one that was too large.
func (s *Sender) smaller(than int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.samples = min(s.to.samples, max(leastSamples, than/2))
}

// leastSamples is what requests are not made smaller than beforehand.
const leastSamples = 100

func (s *Sender) limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.samples
}
