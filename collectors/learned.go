package collectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rackpost/hw"
)

// The texts the poller itself keeps in a device's Memory.
const (
	// LearnedAt is the kind and address that all that is learned of a device belongs to: at
	// another one it means nothing.
	LearnedAt = "learned_at"
	// LearnedLogins is how many logins were refused in a row to a kind with LoginLimited.
	LearnedLogins = "failed_logins"
	// LearnedLoginsOf marks the credentials that were refused: others may be tried.
	LearnedLoginsOf = "failed_logins_of"
	// LearnedStop is since when no login is tried any more, RFC 3339 in UTC.
	LearnedStop = "logins_stopped"
)

func isOurs(key string) bool {
	switch key {
	case LearnedAt, LearnedLogins, LearnedLoginsOf, LearnedStop:
		return true
	}
	return false
}

// place is what all that is learned of a device belongs to.
func (w Watched) place() string {
	return hw.Clean(w.Kind.Name + " " + w.Target.Device.Address)
}

// mark tells these credentials from others, by 8 bits: enough to notice that they were changed,
// too few to try guesses on.
func (c Credentials) mark() string {
	texts := []string{c.Community, c.User, c.Password}
	if v := c.V3; v != nil {
		texts = append(texts, v.User, v.AuthProtocol, v.AuthKey, v.PrivProtocol, v.PrivKey, v.Context)
	}
	h := sha256.New()
	for _, s := range texts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:1])
}

// recall returns the memory for w: what the journal says was learned of the device, if it was
// learned at this address by this kind.
func (p *Poller) recall(w Watched) *Memory { return NewMemory(p.learnedOf(w)) }

// learnedOf returns what the journal says and what of it holds for w.
func (p *Poller) learnedOf(w Watched) hw.Attrs {
	if p.learned == nil {
		return nil
	}
	if all := p.learned(w.Target.Device.ID); all.Get(LearnedAt) == w.place() {
		return all
	}
	return nil
}

// relearn takes what another box learned of the device while this one did not visit it: who
// told the journal last knows best.
func (v *visitor) relearn(p *Poller) {
	v.mu.Lock()
	defer v.mu.Unlock()
	learned := p.learnedOf(v.watched)
	if p.learned == nil || slices.Equal(learned, v.told) {
		return
	}
	t := v.watched.Target
	t.Memory.relearn(learned)
	v.told = learned
	v.plan.logins, v.plan.stopped = 0, false
	v.plan.resume(v.clock.now(), t.Memory.failedLogins(t.Credentials))
}

// failedLogins returns how many logins with c were refused.
func (m *Memory) failedLogins(c Credentials) int {
	text, _ := m.Recall(LearnedLogins)
	mark, _ := m.Recall(LearnedLoginsOf)
	n, err := strconv.Atoi(text)
	if err != nil || mark != c.mark() {
		return 0
	}
	return min(max(n, 0), maxLogins)
}

func (m *Memory) forgetLogins() {
	for _, key := range []string{LearnedLogins, LearnedLoginsOf, LearnedStop} {
		_ = m.Learn(key, "") // to forget is within every bound
	}
}

// keepLogins keeps how the logins stand. v.mu is held.
func (v *visitor) keepLogins() {
	t, n := v.watched.Target, v.plan.logins
	m := t.Memory
	text, known := m.Recall(LearnedLogins)
	if n == 0 && !known {
		return
	}
	since, stopped := m.Recall(LearnedStop)
	count, mark := "", ""
	if n > 0 {
		count, mark = strconv.Itoa(n), t.Credentials.mark()
	}
	switch {
	case !v.plan.stopped:
		since = ""
	case !stopped || text != count:
		since = v.clock.wall().UTC().Format(time.RFC3339)
	}
	for key, value := range map[string]string{LearnedLogins: count, LearnedLoginsOf: mark, LearnedStop: since} {
		_ = m.Learn(key, value) // ours are within every bound
	}
}

// learned returns what the next report carries: every text, with where it belongs. It does not
// allocate where nothing changed. v.mu is held.
func (v *visitor) learned() hw.Attrs {
	m := v.watched.Target.Memory
	l := m.Learned()
	if len(l) > 0 && l.Get(LearnedAt) == "" {
		_ = m.Learn(LearnedAt, v.watched.place()) // ours are within every bound
		l = m.Learned()
	}
	return l
}

// Learn keeps a text in the memory of a device's collector, which the journal learns with the
// next report; an empty one forgets.
func (p *Poller) Learn(id hw.DeviceID, key, value string) error {
	v, err := p.find(id)
	if err != nil {
		return fmt.Errorf("learn %q of %s: %w", key, id, err)
	}
	return v.memory().Learn(key, value)
}

// Learned returns every text learned of a device. It must not be changed.
func (p *Poller) Learned(id hw.DeviceID) (hw.Attrs, error) {
	v, err := p.find(id)
	if err != nil {
		return nil, fmt.Errorf("what is learned of %s: %w", id, err)
	}
	return v.memory().Learned(), nil
}

func (v *visitor) memory() *Memory {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.watched.Target.Memory
}
