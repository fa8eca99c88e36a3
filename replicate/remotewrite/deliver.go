package remotewrite

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// deliver sends a request until every sample of it was taken or refused for ever. A refused request is cut up to find what is refused;
// the rest goes through. The error is ctx's.
func (l *lane) deliver(ctx context.Context, r *request) error {
	for l.refusedAt = (time.Time{}); ; {
		began := l.cfg.Now()
		c := cut{lane: l, left: maxCuts, began: began}
		if l.barren { // all of the last one was refused: this one is not searched until something of it is taken
			c.left = barrenCuts
		}
		err := c.run(ctx, r)
		l.barred = false
		if err != nil {
			return err
		}
		l.barren = c.taken == 0
		if c.doubtful == nil {
			return nil
		}
		if c.decides() {
			return l.settle(ctx, c.doubtful)
		}
		// It fails at everything: that is no matter of these samples.
		if err := l.pause(ctx, l.cfg.pace.failed); err != nil {
			return err
		}
	}
}

// settle tries what a receiver failed at while it took other samples. It may have been ill and is well again: only what it goes on to fail
// at while it answers else is given up.
func (l *lane) settle(ctx context.Context, doubtful []doubt) error {
	for round := 0; round < settleRounds && len(doubtful) > 0; {
		crowded := false
		if err := l.pause(ctx, l.cfg.pace.failed); err != nil {
			return err
		}
		var rest []doubt
		for _, x := range doubtful {
			a, v, err := l.resolve(ctx, x.part, true)
			switch {
			case err != nil:
				return err
			case v == accepted:
				l.accept(x.part, a)
			case v == refused:
				l.refuse(a.reason(), x.part, a.text)
			case (v == tooLarge || v == tooMuch) && x.samples() > 1: // it takes less at once than it did: no failure
				if crowded = true; v == tooLarge {
					l.s.smaller(x.samples())
				}
				middle := x.from + x.samples()/2
				rest = append(rest, doubt{part{x.request, x.from, middle}, a.words()}, doubt{part{x.request, middle, x.to}, a.words()})
			default:
				rest = append(rest, doubt{x.part, a.words()})
			}
		}
		if doubtful = rest; !crowded && l.poster.post(ctx, l.s.protocol(), (&request{}).whole()).answers() {
			round++
		}
	}
	for _, x := range doubtful {
		l.refuse(Failing, x.part, x.words)
	}
	if len(doubtful) > 0 {
		l.s.answered()
	}
	return nil
}

// settleRounds is how often that is tried.
const settleRounds = 3

// barrenCuts is how many requests a refused request becomes after one that was refused whole.
const barrenCuts = 4

// cut is a request that is being sent, in one or in parts.
type cut struct {
	*lane
	left     int // requests that it may still become for what is refused of it
	taken    int // samples
	began    time.Time
	doubtful []doubt
	byTime   bool

	// suspect: an empty request is refused as it is. What is refused of it is then as doubtful as what the receiver fails at.
	suspect bool
}

// doubt is a part at which the receiver fails.
type doubt struct {
	part
	words string
}

// decides says whether what is doubtful is a matter of these samples.
func (c *cut) decides() bool {
	switch {
	case c.taken > 0:
		return true
	case c.suspect:
		return c.s.tookSince(c.refusedAt) || c.s.impatient(c.refusedAt)
	}
	return c.s.acceptedSince(c.began)
}

func (c *cut) run(ctx context.Context, r *request) error {
	queue := []part{r.whole()}
	if r.whole().samples() == 0 {
		return nil
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		a, v, err := c.resolve(ctx, x, len(queue) > 0 || x.samples() < len(r.points))
		if err != nil {
			return err
		}
		switch v {
		case accepted:
			if c.taken += x.samples(); c.barren {
				c.barren, c.left = false, maxCuts
			}
			c.accept(x, a)
			continue
		case refused:
			if a.written > 0 { // of 2.0: the rest was written
				c.taken += a.written
				c.accept(part{x.request, x.from, x.from + min(a.written, x.samples())}, a)
				first, last := x.span()
				c.s.refuse(a.reason(), max(0, x.samples()-a.written), first, last, a.text)
				continue
			}
		case tooLarge:
			if c.s.smaller(x.samples()); x.samples() > 1 { // that is no refusal of samples
				queue = append(queue, c.halves(x, a)...)
				continue
			}
		case tooMuch:
			queue = append(queue, c.halves(x, a)...)
			continue
		case barred:
			c.lane.barred, c.suspect = true, true
		}
		if x.samples() > 1 && c.left >= 2 {
			c.left -= 2
			queue = append(queue, c.halves(x, a)...)
			continue
		}
		if v == failing || v == barred || v == refused && c.suspect {
			c.doubtful = append(c.doubtful, doubt{x, a.words()})
		} else {
			c.refuse(a.reason(), x, a.text)
		}
	}
	return nil
}

// halves cuts a part. What a receiver refuses for its age it is cut by time for: what is refused then stands together.
func (c *cut) halves(x part, a answer) []part {
	if !c.byTime && a.reason() != Rejected && x.samples() == len(x.points) && x.labelBytes() < MaxBody {
		c.byTime = true
		x = x.request.inTime().whole()
	}
	middle := x.from + x.samples()/2
	return []part{{x.request, x.from, middle}, {x.request, middle, x.to}}
}

// labelBytes is about what the labels take when each point has its own.
func (r *request) labelBytes() (n int) {
	for i := range r.series {
		s := &r.series[i]
		n += s.n * (len(s.sensor.name) + len(s.sensor.component) + len(s.device.before) + len(s.device.after))
	}
	return n / 2 // it is sent in halves
}

// inTime returns the request with its points in order of time, each in a series of its own.
func (r *request) inTime() *request {
	out := &request{series: make([]series, 0, len(r.points)), points: make([]point, 0, len(r.points))}
	type one struct {
		of *series
		point
	}
	all := make([]one, 0, len(r.points))
	for i := range r.series {
		s := &r.series[i]
		for _, x := range r.points[s.first : s.first+s.n] {
			all = append(all, one{s, x})
		}
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.atMS, b.atMS) })
	for i, x := range all {
		out.series = append(out.series, series{device: x.of.device, sensor: x.of.sensor, first: i, n: 1})
		out.points = append(out.points, x.point)
	}
	return out
}

// resolve sends a part until it is taken, refused, too large, or the receiver fails at it again and again. A piece of what failed is
// not tried as often as the whole.
func (l *lane) resolve(ctx context.Context, x part, piece bool) (answer, verdict, error) {
	wait := l.cfg.pace.first
	failed, crowded, barring := 0, 0, 0
	for {
		if err := l.s.ready(ctx, &l.poster); err != nil {
			return answer{}, 0, err
		}
		protocol := l.s.protocol()
		a := l.poster.post(ctx, protocol, x)
		v := a.judge(protocol)
		if v == refused && !piece && a.reason() == Rejected && l.allRefused(ctx) {
			v = barred
		}
		if v == tooLarge && a.why == burst && x.samples() <= leastSamples { // it lets next to nothing in: that will change
			v = busy
		}
		most := l.cfg.pace.failed
		switch v {
		case accepted, refused, tooLarge:
			if v == accepted || !l.barred {
				l.s.answered()
			}
			return a, v, nil
		case unproven:
			l.s.fallBack(a)
			continue
		case busy:
			l.s.holdFor(a)
			if crowded++; crowded >= triesAt500 && x.samples() > leastSamples { // less at once may get through; nothing is given up
				return a, tooMuch, nil
			}
			if a.after > 0 {
				continue
			}
		case failing:
			failed++
			if piece && failed >= 2 || failed >= triesAt500 {
				l.s.fail(a.words())
				return a, v, nil
			}
		case away:
			most = l.cfg.pace.refused
		case wrong:
			l.s.hold(a.words() + "; " + a.advice())
		case barred:
			l.s.hold(a.words() + "; " + a.advice())
			if barring++; barring >= triesAt500 {
				return a, v, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return a, v, err
		}
		if v != wrong && v != barred {
			l.s.fail(a.words())
		}
		if a.renewed {
			wait = l.cfg.pace.first
		}
		if err := l.pause(ctx, wait); err != nil {
			return a, v, err
		}
		wait = min(2*wait, most)
	}
}

// allRefused says whether a request that was refused is so for what is no matter of its samples.
func (l *lane) allRefused(ctx context.Context) bool {
	if l.refusedAt.IsZero() {
		l.refusedAt = l.cfg.Now()
	}
	return !l.s.tookSince(l.refusedAt) && l.s.refusesAll(ctx, &l.poster)
}

// pause waits about so long: many senders must not come back at one moment.
func (l *lane) pause(ctx context.Context, d time.Duration) error {
	return sleep(ctx, d/2+rand.N(d/2+1))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// accept counts what was taken.
func (l *lane) accept(x part, a answer) {
	n := x.samples()
	if a.written >= 0 && a.code/100 == 2 && a.written < n && l.s.protocol() == V2 { // it says itself that it lost some
		first, last := x.span()
		l.s.refuse(Rejected, n-a.written, first, last, "it took less than was sent and did not say why")
		n = a.written
	}
	if n > 0 {
		l.s.took()
	}
	l.s.note(func(s *Status) {
		s.Samples += uint64(n)
		l.status(s).Samples += uint64(n)
		s.Accepted = l.cfg.Now()
	})
}

func (l *lane) refuse(why Reason, x part, words string) {
	first, last := x.span()
	l.s.refuse(why, x.samples(), first, last, words)
}
