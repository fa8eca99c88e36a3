package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"rackpost/hw"
	"rackpost/replicate/mode"
)

const (
	storySetUp  = 60 * time.Second // in which a pair stands and acts
	storyHeal   = 90 * time.Second // in which it is whole again
	storyEqual  = 30 * time.Second // and both journals hold the same
	storyDown   = 8 * time.Second  // how long what died stays away
	storyLight  = 12 * time.Second // how long a light is asked for
	storySilent = 2 * time.Second  // after which a wait says what it waits for
	storyServer = "server-2"       // whose light it is
)

// story is one scenario of the demo: what is done to a pair, what it did, and whether it kept its word.
type story struct {
	lab   *demoLab
	plot  plot
	flags demoFlags
	out   io.Writer // where the timeline is told as it happens

	mu       sync.Mutex // guards what follows
	changed  chan struct{}
	stands   map[*labMember]*standNews // nil: it does not run
	vectors  map[*labMember]vectorNews
	held     heldNews // at headquarters
	heldAt   int64    // when that last changed
	history  []standAt
	acks     []ackAt
	visitor  *labMember // of the last visit
	fault    int64      // CLOCK_MONOTONIC of the first one; 0: none yet
	ready    time.Time  // since when the pair is watched
	lines    []storyLine
	promises []promise
	measured storyMeasured
	lights   int // asked for
}

// standAt is how a member stood from then on; nil: it did not run.
type standAt struct {
	at     int64
	member *labMember
	stand  *standNews
}

// ackAt is a visit that was acknowledged.
type ackAt struct {
	at     int64
	member *labMember
	ackNews
}

// storyLine is one line of the timeline.
type storyLine struct {
	Seconds *float64 `json:"seconds"` // since the fault; null before it
	Text    string   `json:"text"`
}

// promise is something a pair must keep.
type promise struct {
	Text   string `json:"text"`
	OK     bool   `json:"ok"`
	Timed  bool   `json:"timed,omitempty"`  // it is about seconds, and a machine that is too busy breaks it
	Detail string `json:"detail,omitempty"` // what was measured
}

// errUntold ends a story in which something never came that the rest needs.
var errUntold = errors.New("the story cannot go on")

func runStory(ctx context.Context, t terminal, f demoFlags) error {
	p, err := findPlot(f.scenario)
	if err != nil {
		return err
	}
	lab, err := newLab(f, p.hq)
	if err != nil {
		return err
	}
	s := &story{lab: lab, plot: p, flags: f, out: t.out, changed: make(chan struct{}), stands: map[*labMember]*standNews{}, vectors: map[*labMember]vectorNews{}}
	if f.json {
		s.out = t.err
	}
	lab.heard = s.heard
	err = lab.whileServing(ctx, s.tell)
	if err == nil {
		err = s.judge(ctx)
	}
	if err = errors.Join(err, lab.Close()); err != nil {
		return err
	}
	return s.print(t.out)
}

// tell lets the story happen, from a whole pair to a whole pair.
func (s *story) tell(ctx context.Context) error {
	fmt.Fprintf(s.out, "%s: %s\n", s.plot.name, s.plot.does)
	fmt.Fprintf(s.out, "Timers are those of a pair in a rack, but a member that came back votes after %s instead of %s, and who gained authority acts after %s instead of %s.\n",
		shortDuration(demoSettle), shortDuration(mode.DefaultTimers().Settle), shortDuration(demoQuarantine), shortDuration(mode.DefaultTimers().Quarantine))
	err := s.tellWhole(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: there is no verdict")
	case errors.Is(err, errUntold): // a promise says so
		return nil
	}
	return err
}

func (s *story) tellWhole(ctx context.Context) error {
	if err := s.lab.setUp(ctx, s.say); err != nil {
		return err
	}
	if !s.await(ctx, "the pair stands, every device is visited, and the leader may act", storySetUp, s.isReady) {
		return errUntold
	}
	s.mu.Lock()
	s.ready = time.Now()
	s.mu.Unlock()
	s.say("the pair stands: %s leads", s.leader().name)
	pause(ctx, s.lab.period*3/2)
	if err := s.plot.act(ctx, s); err != nil {
		return err
	}
	return s.heal(ctx)
}

// heal makes everything whole, and waits until the pair is.
func (s *story) heal(ctx context.Context) error {
	s.lab.cutCables()
	for _, m := range s.lab.everyone() {
		if err := m.start(); err != nil {
			return err
		}
	}
	began := time.Now()
	s.say("everything is whole again; nobody repairs anything by hand")
	if !s.await(ctx, "the pair is whole again by itself: one leads, all vote", storyHeal, s.isWhole) {
		return errUntold
	}
	s.measured.Heal = time.Since(began).Seconds()
	s.say("the pair is whole: %s leads", s.leader().name)
	if s.lights > 0 && !s.await(ctx, "the light is dark at its end", storyHeal, s.isDark) {
		return errUntold
	}
	pause(ctx, s.lab.period*3/2)
	return s.compare(ctx)
}

// compare lets the boxes rest, and waits until both hold the same.
func (s *story) compare(ctx context.Context) error {
	for _, m := range s.lab.boxes() {
		m.order(memberOrder{Rest: true})
	}
	s.mu.Lock()
	clear(s.vectors)
	s.mu.Unlock()
	began := time.Now()
	asking, end := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer end()
	tasks.Go(func() {
		for asking.Err() == nil {
			for _, m := range s.lab.boxes() {
				m.order(memberOrder{Vector: true})
			}
			pause(asking, 200*time.Millisecond)
		}
	})
	equal := s.await(ctx, "both journals hold the same", storyEqual, func() bool {
		a, b := s.vectors[s.lab.members[0]], s.vectors[s.lab.members[1]]
		return a.Batches > 0 && a == b && a.Conflicts == 0 && a.Putting == 0
	})
	if !equal {
		return errUntold
	}
	if s.lab.hq != nil && !s.hqEqual(ctx) {
		return errUntold
	}
	s.say("both journals hold the same, %.1f s after the last visit: %d batches", time.Since(began).Seconds(), s.vectors[s.lab.members[0]].Batches)
	return nil
}

// heard takes what a member says, from the goroutine that listens to it.
func (s *story) heard(m *labMember, n memberNews) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case n.Ended:
		s.stands[m] = nil
		s.history = append(s.history, standAt{n.At, m, nil})
	case n.Stand != nil:
		s.narrate(m, n)
		s.stands[m] = n.Stand
		s.history = append(s.history, standAt{n.At, m, n.Stand})
	case n.Held != nil:
		s.held, s.heldAt = *n.Held, n.At
	case n.Vector != nil:
		s.vectors[m] = *n.Vector
	case n.Ack != nil:
		if s.fault != 0 && m != s.visitor && n.Ack.Good {
			s.sayAt(n.At, fmt.Sprintf("%s visits: %s has answered, and it is on the disk", m.name, n.Ack.Device))
		}
		if n.Ack.Good {
			s.visitor = m
		}
		s.acks = append(s.acks, ackAt{n.At, m, *n.Ack})
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// narrate tells of a change that a person would want to know. The caller holds mu.
func (s *story) narrate(m *labMember, n memberNews) {
	was, now := s.stands[m], n.Stand
	if s.fault == 0 {
		return
	}
	may := strings.Join(now.Powers, ", ")
	switch {
	case was == nil || was.Mode != now.Mode || was.Authority != now.Authority:
		text := fmt.Sprintf("%s is %s", m.name, now.Mode)
		if may != "" {
			text += " and may " + may
		}
		s.sayAt(n.At, text)
	case len(now.Powers) > len(was.Powers):
		s.sayAt(n.At, fmt.Sprintf("%s may %s", m.name, may))
	}
}

// say adds a line to the timeline, of now.
func (s *story) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sayAt(monotonic(), fmt.Sprintf(format, args...))
}

// sayAt is say of another time. The caller holds mu.
func (s *story) sayAt(at int64, text string) {
	line := storyLine{Text: text}
	before := "          "
	if s.fault != 0 {
		seconds := float64((at-s.fault)/1e6) / 1e3
		line.Seconds = &seconds
		before = fmt.Sprintf("%+7.2f s ", seconds)
	}
	s.lines = append(s.lines, line)
	fmt.Fprintf(s.out, "%s %s\n", before, text)
}

// strike is the fault: times are told from the first one on. It returns when it was.
func (s *story) strike(format string, args ...any) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := monotonic()
	if s.fault == 0 {
		s.fault = at
	}
	s.sayAt(at, fmt.Sprintf(format, args...))
	return at
}

// await waits until cond, which is called with mu held, is true. What never comes is a promise that was broken.
func (s *story) await(ctx context.Context, what string, most time.Duration, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond) // the rack changes without a word
	defer tick.Stop()
	began, told := time.Now(), false
	for {
		s.mu.Lock()
		done, changed := cond(), s.changed
		if done {
			s.mu.Unlock()
			return true
		}
		if !told && time.Since(began) > storySilent {
			told = true
			fmt.Fprintf(s.out, "           (waiting until %s)\n", what)
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				s.promised(false, fmt.Sprintf("within %s, %s", shortDuration(most), what), s.standing())
			}
			return false
		case <-changed:
		case <-tick.C:
		}
	}
}

// promised notes whether the pair kept its word.
func (s *story) promised(ok bool, text, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promises = append(s.promises, promise{Text: text, OK: ok, Detail: detail})
}

// promisedSoon is promised of seconds.
func (s *story) promisedSoon(ok bool, text, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promises = append(s.promises, promise{Text: text, OK: ok, Timed: true, Detail: detail})
}

// standing is how the members stand, in words.
func (s *story) standing() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var words []string
	for _, m := range s.lab.members {
		if now := s.stands[m]; now == nil {
			words = append(words, m.name+" does not run")
		} else {
			words = append(words, strings.TrimSpace(fmt.Sprintf("%s is %s %s", m.name, now.Mode, now.Why)))
		}
	}
	return strings.Join(words, "; ")
}

// leads returns who has authority, nil when nobody does. The caller holds mu.
func (s *story) leads() *labMember {
	for _, m := range s.lab.boxes() {
		if now := s.stands[m]; now != nil && now.Authority {
			return m
		}
	}
	return nil
}

// leader is leads for who does not hold mu.
func (s *story) leader() *labMember {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leads()
}

// other is the other box.
func (s *story) other(m *labMember) *labMember {
	if m == s.lab.members[0] {
		return s.lab.members[1]
	}
	return s.lab.members[0]
}

// isWhole says whether one leads and the others follow and vote. The caller holds mu.
func (s *story) isWhole() bool {
	leader := s.leads()
	if leader == nil || s.stands[leader].Mode != mode.Leader || s.stands[leader].Voters != len(s.lab.members)-1 {
		return false
	}
	follower := s.stands[s.other(leader)]
	return follower != nil && follower.Mode == mode.Follower && (len(s.lab.members) < 3 || s.stands[s.lab.members[2]] != nil)
}

// isReady says whether the pair is whole and at work. The caller holds mu.
func (s *story) isReady() bool {
	if !s.isWhole() || !slices.Contains(s.stands[s.leads()].Powers, mode.Act.String()) {
		return false
	}
	visited := map[hw.DeviceID]bool{}
	for _, a := range s.acks {
		visited[a.Device] = visited[a.Device] || a.Good
	}
	return len(visited) == len(s.lab.rack.Devices())
}

func (s *story) isDark() bool {
	drives, server := s.lab.rack.BMC(storyServer).Blinking()
	return len(drives) == 0 && !server
}
