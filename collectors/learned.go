package collectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	// LearnedRefused is when logins were refused, the last two, RFC 3339 in UTC. It belongs to the
	// address: a device that bars it counts them whatever the credentials.
	LearnedRefused = "logins_refused"
)

const (
	// loginPause is the least time between two failed logins with the same credentials.
	loginPause = 90 * time.Second
	// loginWindow is the time within which no third login fails, whatever the credentials: an
	// iDRAC bars the address at three within 60 s.
	loginWindow = 75 * time.Second
	// maxLogins is how many failed logins a LoginLimited kind may make.
	maxLogins = 2
)

func isOurs(key string) bool {
	switch key {
	case LearnedAt, LearnedLogins, LearnedLoginsOf, LearnedStop, LearnedRefused:
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

// learnedOf returns what the journal says and what of it holds for w. Refused logins count at the
// address, whatever kind tried.
func (p *Poller) learnedOf(w Watched) hw.Attrs {
	if p.learned == nil {
		return nil
	}
	all := p.learned(w.Target.Device.ID)
	if all.Get(LearnedAt) == w.place() {
		return all
	}
	if _, at, _ := strings.Cut(all.Get(LearnedAt), " "); at != "" && at == hw.Clean(w.Target.Device.Address) {
		return hw.Attrs(nil).With(LearnedRefused, all.Get(LearnedRefused))
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
	v.resume()
}

// resume makes the plan remember the failed logins the memory tells of. v.mu is held.
func (v *visitor) resume() {
	t := v.watched.Target
	n := t.Memory.failedLogins(t.Credentials)
	v.plan.resume(v.clock.now(), n, t.Memory.LoginPause(v.clock.wall(), n == 0))
}

// RefuseLogin notes that the device refused a login.
func (m *Memory) RefuseLogin(now time.Time) {
	text := now.UTC().Format(time.RFC3339)
	if before := m.refusals(); len(before) > 0 {
		text = before[len(before)-1].UTC().Format(time.RFC3339) + " " + text
	}
	_ = m.Learn(LearnedRefused, text) // ours are within every bound
}

// LoginPause returns how long no login may be tried after those that were refused. With other
// credentials than those one may be, so that who corrects a password need not wait; two may not.
// A time that is yet to come was written by another clock, and counts as now.
func (m *Memory) LoginPause(now time.Time, others bool) time.Duration {
	since, pause := time.Time{}, loginPause
	if at := m.refusals(); !others && len(at) > 0 {
		since = at[len(at)-1]
	} else if len(at) >= maxLogins {
		since, pause = at[len(at)-maxLogins], loginWindow
	} else {
		return 0
	}
	return max(pause-max(now.Sub(since), 0), 0)
}

// refusals returns when logins were refused.
func (m *Memory) refusals() (at []time.Time) {
	text, _ := m.Recall(LearnedRefused)
	for _, word := range strings.Fields(text) {
		if t, err := time.Parse(time.RFC3339, word); err == nil {
			at = append(at, t)
		}
	}
	return at
}

// refused says whether a login was refused of which no stored report tells yet: the next process
// must know of it.
func (v *visitor) refused() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	text, known := v.watched.Target.Memory.Recall(LearnedRefused)
	return known && text != v.told.Get(LearnedRefused)
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

// keepLogins keeps how the logins stand, of which one may just have been refused. v.mu is held.
func (v *visitor) keepLogins(refused bool) {
	t, n := v.watched.Target, v.plan.logins
	m := t.Memory
	if refused {
		m.RefuseLogin(v.clock.wall())
	} else if n == 0 && m.LoginPause(v.clock.wall(), false) == 0 {
		_ = m.Learn(LearnedRefused, "")
	}
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

// RefuseLogin notes that a device refused a login of another program of this machine. Visits go on with
// the session there is; the next process, configuration and program know of it.
func (p *Poller) RefuseLogin(id hw.DeviceID) error {
	v, err := p.find(id)
	if err != nil {
		return fmt.Errorf("note a refused login at %s: %w", id, err)
	}
	v.memory().RefuseLogin(v.clock.wall())
	return nil
}

// LoginPause returns how long no other program of this machine may log in to a device, after one that
// was refused.
func (p *Poller) LoginPause(id hw.DeviceID) (time.Duration, error) {
	v, err := p.find(id)
	if err != nil {
		return 0, fmt.Errorf("refused logins at %s: %w", id, err)
	}
	return v.memory().LoginPause(v.clock.wall(), false), nil
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
