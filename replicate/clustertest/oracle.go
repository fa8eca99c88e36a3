package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/ship/shiptest"
)

// oracle watches a world and knows what must never happen in it.
type oracle struct {
	w *World

	mu        sync.Mutex
	done      bool
	problems  []string
	takeovers []time.Time     // ordered by a person and done
	refused   int             // takeovers
	last      time.Time       // of the last visit
	able      [most]time.Time // since when each box could make one; zero: it cannot
	worst     time.Duration
	gone      bool // all that was agreed on, on every box
	acks      map[reading]ack
	agreed    map[string]time.Time // proposals that were confirmed
	tried     int
	acts      []act
	unwell    time.Time       // when something last kept the boxes' journals apart
	caught    time.Time       // when both journals surely held the same last, but for what was written a moment ago
	forgot    time.Time       // when a disk was last lost
	alone     map[string]bool // confirmed proposals that nobody else held when a disk was lost
	losses    []loss
	visits    []visit
}

type ack struct {
	at    time.Time
	store *shiptest.Store
}

type act struct {
	at time.Time
	p  *process
}

type visit struct {
	at time.Time
	p  *process
}

// loss is a journal that was lost for good.
type loss struct {
	store  *shiptest.Store
	at     time.Time
	caught time.Time
}

// fail notes a problem, at most ten of them.
func (o *oracle) fail(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.problems) < 10 {
		o.problems = append(o.problems, fmt.Sprintf("%.3fs: ", time.Since(o.w.began).Seconds())+fmt.Sprintf(format, args...))
	}
}

func (o *oracle) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
}

func (o *oracle) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done
}

func (o *oracle) failed() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.problems)
}

func (o *oracle) tookOver(*process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.takeovers = append(o.takeovers, time.Now())
}

// refusal counts a takeover that was refused.
func (o *oracle) refusal() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused++
}

func (o *oracle) visited(p *process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = time.Now()
	o.visits = append(o.visits, visit{time.Now(), p})
}

func (o *oracle) acknowledged(p *process, r reading) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acks == nil {
		o.acks = map[reading]ack{}
	}
	o.acks[r] = ack{time.Now(), p.disk.journal}
}

func (o *oracle) acted(p *process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acts = append(o.acts, act{time.Now(), p})
}

// proposed notes what became of a proposal. One that was under way when a disk was lost may have been agreed on by its box alone.
func (o *oracle) proposed(command string, began time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tried++
	if err != nil {
		return
	}
	if o.agreed == nil {
		o.agreed = map[string]time.Time{}
	}
	o.agreed[command] = time.Now()
	if began.Before(o.forgot) {
		o.alone[command] = true
	}
}

func (o *oracle) lost(store *shiptest.Store) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.losses = append(o.losses, loss{store, time.Now(), o.caught})
}

// forgets notes what is gone with what a member agreed on: a box alone has the only copy of it.
func (o *oracle) forgets(who int) {
	held := map[string]bool{}
	for other := range o.w.size {
		if p := o.w.last(other); other != who && p != nil {
			for _, c := range p.machine.all() {
				held[c] = true
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.alone == nil {
		o.alone = map[string]bool{}
	}
	o.forgot = time.Now()
	for c := range o.agreed {
		o.alone[c] = o.alone[c] || !held[c]
	}
}

// member is a process that can do something, and what it says of itself.
type member struct {
	*process
	replicate.Status
}

// awake are the processes that run and are not stopped.
func (w *World) awake() []member {
	var list []member
	for _, p := range w.processes() {
		if !p.stopped() {
			list = append(list, member{p, p.node.Status()})
		}
	}
	return list
}

// tick looks at everybody. The bubble is at rest.
func (o *oracle) tick() {
	list := o.w.awake()
	for i, a := range list {
		for _, b := range list[:i] {
			o.compare(a, b)
		}
	}
	o.progress(list)
	o.watchLine()
}

// reconnected is how long after all was well the journals of the boxes are surely near each other again.
const reconnected = 10 * time.Second

// watchLine notes when nothing has kept the journals from being equal for long enough.
func (o *oracle) watchLine() {
	well := o.w.net.clean(boxA, boxB)
	for who := range 2 {
		p := o.w.running(who)
		well = well && p != nil && !p.stopped() && p.disk.prompt()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !well {
		o.unwell = time.Now()
	} else if time.Since(o.unwell) > reconnected {
		o.caught = time.Now()
	}
}

// compare holds two members against each other.
//
// Two have authority at once only when a person forced a takeover while one of them was not heard: then they are of
// different generations, and the lower one gives way once it hears of the higher.
func (o *oracle) compare(a, b member) {
	same := a.Generation == b.Generation
	if a.Authority && b.Authority {
		switch {
		case same:
			o.fail("%s and %s both have authority in generation %v", a.process, b.process, a.Generation)
		case !o.forced():
			o.fail("%s and %s have authority in two generations, and nobody took over", a.process, b.process)
		case a.Generation.Counter < b.Generation.Counter && a.knows(b.Generation):
			o.fail("%s has authority and knows of %s's takeover", a.process, b.process)
		case b.Generation.Counter < a.Generation.Counter && b.knows(a.Generation):
			o.fail("%s has authority and knows of %s's takeover", b.process, a.process)
		case a.Generation.Counter == b.Generation.Counter && (a.knows(b.Generation) || b.knows(a.Generation)):
			o.fail("%s and %s both took over, know it and keep authority", a.process, b.process)
		}
	}
	if same && settled(a.Mode) && settled(b.Mode) && !a.machine.agrees(b.machine) {
		o.fail("%s and %s agreed on different things in generation %v", a.process, b.process, a.Generation)
	}
}

func settled(m mode.Mode) bool { return m != mode.Boot && m != mode.Rejoin }

func (o *oracle) forced() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.takeovers) > 0
}

// knows says whether the process has heard of a generation for as long as it may need to draw its conclusions.
func (p *process) knows(g mode.Generation) bool {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	for _, links := range p.wire.links {
		for _, l := range links {
			if l.known && l.hello.Generation == g && time.Since(l.since) > grace {
				return true
			}
		}
	}
	return false
}

// grace is how long after it heard of a takeover a member may still believe in itself.
const grace = 500 * time.Millisecond

// progress demands that somebody visits the devices within a bound, where one box could for as long.
func (o *oracle) progress(list []member) {
	now := time.Now()
	able := [most]time.Time{}
	for _, m := range list {
		if m.who != witness && m.disk.healthy() && !o.w.cutOff(m.who) {
			able[m.who] = now
			if since := o.able[m.who]; !since.IsZero() {
				able[m.who] = since
			}
		}
	}
	o.mu.Lock()
	o.able = able
	if o.done {
		o.last = now
	}
	silent := time.Duration(0)
	for _, since := range able {
		if !since.IsZero() {
			silent = max(silent, now.Sub(later(since, o.last)))
		}
	}
	o.worst = max(o.worst, silent)
	bound := o.w.timers.Island + o.w.slack
	if silent > bound {
		o.last = now
	}
	o.mu.Unlock()
	if silent > bound {
		o.fail("no device was visited for %v: %s", silent, o.w.describe())
	}
}

// holds checks, after the end, that no two members had a power at once that only one may have.
func (o *oracle) holds() {
	type owned struct {
		hold
		p *process
	}
	var list []owned
	for _, p := range o.w.all {
		for _, h := range p.held() {
			if h.power == mode.Act || h.power == mode.Configure {
				list = append(list, owned{h, p})
			}
		}
	}
	for i, a := range list {
		for _, b := range list[:i] {
			if a.p != b.p && a.power == b.power && a.generation == b.generation && a.from.Before(b.to) && b.from.Before(a.to) {
				o.fail("%s and %s both had the power %v from %v to %v in generation %v", a.p, b.p, a.power,
					later(a.from, b.from).Sub(o.w.began), earlier(a.to, b.to).Sub(o.w.began), a.generation)
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// held are the times in which the process had powers and could use them.
func (p *process) held() []hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := time.Now()
	if !p.died.IsZero() {
		end = p.died
	}
	var list []hold
	for _, h := range p.holds {
		if h.to.IsZero() || h.to.After(end) {
			h.to = end
		}
		for _, s := range p.stops {
			if s.to.IsZero() {
				s.to = end
			}
			if s.from.Before(h.to) && h.from.Before(s.to) {
				before := h
				before.to = s.from
				list, h.from = append(list, before), s.to
			}
		}
		if h.from.Before(h.to) {
			list = append(list, h)
		}
	}
	return list
}

// remains checks, after everything healed, that nothing is lost that may not be, and nothing doubled.
func (o *oracle) remains() {
	o.mu.Lock()
	defer o.mu.Unlock()
	var problems []string
	for _, p := range o.w.processes() {
		if p.keeper != nil {
			problems = append(problems, o.journal(p)...)
		}
	}
	problems = append(problems, o.proposals()...)
	o.problems = append(o.problems, problems...)
}

func (o *oracle) journal(p *process) (problems []string) {
	store := p.disk.journal
	count, err := readings(store)
	if err != nil {
		return []string{err.Error()}
	}
	if n := store.Doubles(); n > 0 {
		problems = append(problems, fmt.Sprintf("%d batches stand twice in the journal of %s", n, p))
	}
	missing, twice := 0, 0
	for r, a := range o.acks {
		switch n := count[r]; {
		case n > 1:
			twice++
		case n == 0 && !o.excused(a):
			missing++
		}
	}
	if missing+twice > 0 {
		problems = append(problems, fmt.Sprintf("of %d acknowledged readings %d are lost and %d doubled in the journal of %s", len(o.acks), missing, twice, p))
	}
	return problems
}

// excused says whether a reading may be lost: its disk was, and the other box had not got it within two seconds, or was not
// there to get it.
func (o *oracle) excused(a ack) bool {
	return slices.ContainsFunc(o.losses, func(l loss) bool {
		return l.store == a.store && a.at.After(l.caught.Add(-2*time.Second))
	})
}

// proposals checks that what was confirmed is agreed on, or in a report of what lost a takeover.
func (o *oracle) proposals() (problems []string) {
	for _, p := range o.w.processes() {
		has := map[string]int{}
		for _, c := range p.machine.all() {
			if has[c]++; has[c] > 1 {
				problems = append(problems, fmt.Sprintf("%s was applied %d times at %s", c, has[c], p))
			}
		}
		var gone []string
		for c := range o.agreed {
			if has[c] == 0 && !o.alone[c] {
				gone = append(gone, c)
			}
		}
		if reported, err := o.w.conflicts(); err != nil {
			problems = append(problems, err.Error())
		} else {
			gone = slices.DeleteFunc(gone, reported)
		}
		if len(gone) > 0 {
			slices.Sort(gone)
			problems = append(problems, fmt.Sprintf("%d of %d confirmed proposals are lost at %s, and no report says so: %v", len(gone), len(o.agreed), p, gone[:min(5, len(gone))]))
		}
	}
	return problems
}

var errUnreadable = errors.New("a conflict report cannot be read")
