package discovery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// AtOnce is how many subnets are asked at the same time.
const AtOnce = 8

// Login is credentials under the name the site gives them.
type Login struct {
	Name        string
	Credentials collectors.Credentials
}

// Place is an address to ask.
type Place struct {
	Address string // host or host:port
	Subnet  string // of places in the same one, one is asked at a time
	Kind    string // only what this kind asks; empty: what any does
	Login   string // only this one; empty: any
}

// Result is what was learned of a place.
type Result struct {
	Answer collectors.Answer
	Login  string    // that was answered, or refused
	Reason hw.Reason // why there is no answer; empty: there is one. Cancelled: it was not asked to the end
	Detail string    // about the reason
	Beside string    // another login, that was answered in another protocol; empty: Login was, or none
}

// Config says who asks and how.
type Config struct {
	Kinds   []collectors.Kind
	Logins  []Login       // in the order they are tried
	Rate    float64       // requests a second, more than 0
	Timeout time.Duration // of one request
	// Progress, if any, is called after each place with how many were asked, and how many
	// of them answered.
	Progress func(asked, answered int)
}

// ErrNothingToAsk is returned by Run when no login fits any of the kinds.
var ErrNothingToAsk = errors.New("none of the credentials fits a kind of device that can be asked")

// Run asks every place and returns what was learned, in their order. Silence is asked once
// more, a refusal never. A kind that locks us out after failed logins is asked with each login once, until two
// failed, and not again where nobody answers. When ctx ends, what was learned until then is returned.
func Run(ctx context.Context, cfg Config, places []Place) ([]Result, error) {
	r := &run{cfg: cfg, places: places, answers: make(chan answer, AtOnce)}
	r.prepare()
	if len(r.questions) == 0 {
		return nil, ErrNothingToAsk
	}
	subnets := make([]string, len(places))
	for i, p := range places {
		subnets[i] = p.Subnet
		r.dialogues = append(r.dialogues, r.dialogue(p))
	}
	r.schedule = newSchedule(subnets, AtOnce, time.Duration(float64(time.Second)/cfg.Rate))
	r.loop(ctx)
	results := make([]Result, len(places))
	for i, d := range r.dialogues {
		results[i] = d.result
		if len(d.questions) > 0 && !Heard(d.result.Reason) {
			results[i] = Result{Reason: hw.Cancelled}
		}
	}
	return results, nil
}

// run is one call of Run.
type run struct {
	cfg       Config
	places    []Place
	questions []question // all that make sense
	dialogues []dialogue // by place
	schedule  *schedule
	answers   chan answer

	asked, answered int
}

// answer is the outcome of one question.
type answer struct {
	place int
	collectors.Answer
	err error
}

// prepare finds the questions: one kind asks for all of its protocol, with each login that fits it.
func (r *run) prepare() {
	var protocols []string
	for k, kind := range r.cfg.Kinds {
		if kind.Ask == nil || slices.Contains(protocols, kind.Protocol) {
			continue
		}
		protocols = append(protocols, kind.Protocol)
		for l, login := range r.cfg.Logins {
			if fits(kind, login) {
				r.questions = append(r.questions, question{k, l})
			}
		}
	}
}

// fits lets the kind judge the credentials; it speaks to nobody. It may take others for a protocol
// beside the one it asks in.
func fits(kind collectors.Kind, login Login) bool {
	if kind.AskWith != nil && !kind.AskWith(login.Credentials) {
		return false
	}
	const documentation = "192.0.2.1"
	c, err := kind.New(collectors.Target{
		Device:      hw.Device{ID: "fits", Kind: kind.Name, Address: documentation},
		Credentials: login.Credentials, Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return false
	}
	_ = c.Close(context.Background()) // nothing was opened
	return true
}

// dialogue is what a place is asked.
func (r *run) dialogue(p Place) dialogue {
	d := dialogue{
		once:     func(q question) bool { return r.cfg.Kinds[q.kind].LoginLimited },
		protocol: func(q question) string { return r.cfg.Kinds[q.kind].Protocol },
		main:     r.main,
		result:   Result{Reason: hw.Cancelled},
	}
	for _, q := range r.questions {
		if r.wanted(q, p) {
			d.questions = append(d.questions, q)
		}
	}
	if len(d.questions) == 0 {
		d.result.Reason = hw.NotSupported
	}
	return d
}

// wanted reports whether a place is to be asked q.
func (r *run) wanted(q question, p Place) bool {
	if p.Login != "" && r.cfg.Logins[q.login].Name != p.Login {
		return false
	}
	asker := r.cfg.Kinds[q.kind]
	return p.Kind == "" || slices.ContainsFunc(r.cfg.Kinds, func(k collectors.Kind) bool {
		return k.Name == p.Kind && k.Protocol == asker.Protocol
	})
}

// loop asks until every place was asked, or ctx ends; then it waits for those under way.
func (r *run) loop(ctx context.Context) {
	epoch := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !r.schedule.over() {
		place, wait, ok := 0, time.Duration(0), false
		if ctx.Err() == nil {
			place, wait, ok = r.schedule.take(time.Since(epoch))
		}
		switch {
		case ok && len(r.dialogues[place].questions) == 0:
			r.finish(time.Since(epoch), answer{place: place}, false)
			continue
		case ok:
			go r.ask(ctx, place, r.dialogues[place].questions[0])
			continue
		case ctx.Err() != nil && r.schedule.flying == 0:
			return
		}
		var ring <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			ring = timer.C
		}
		ended := ctx.Done()
		if ctx.Err() != nil {
			ended = nil
		}
		select {
		case a := <-r.answers:
			r.hear(time.Since(epoch), a)
		case <-ring:
		case <-ended:
		}
	}
}

// ask puts one question; loop reads its answer, always.
func (r *run) ask(ctx context.Context, place int, q question) {
	kind, login := r.cfg.Kinds[q.kind], r.cfg.Logins[q.login]
	got, err := kind.Ask(ctx, collectors.Target{
		Device:      hw.Device{ID: hw.DeviceID(r.places[place].Address), Kind: kind.Name, Address: r.places[place].Address},
		Credentials: login.Credentials, Timeout: r.cfg.Timeout,
		Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	})
	r.answers <- answer{place, got, err}
}

func (r *run) hear(now time.Duration, a answer) {
	d := &r.dialogues[a.place]
	login := r.cfg.Logins[d.questions[0].login].Name
	reason, detail := hw.Reason(""), ""
	switch {
	case a.err != nil:
		reason, detail = collectors.ReasonOf(a.err), a.err.Error()
	case a.Kind == "":
		a.Kind = r.byAgent(a.ObjectID)
	}
	r.finish(now, a, d.answered(a.Answer, login, detail, reason))
}

// byAgent returns the kind whose devices have such a sysObjectID; empty: none.
func (r *run) byAgent(id string) string {
	for _, k := range r.cfg.Kinds {
		for _, of := range k.ObjectIDs {
			if id == of || strings.HasPrefix(id, of+".") {
				return k.Name
			}
		}
	}
	return ""
}

// main returns the protocol in which devices of a kind are asked.
func (r *run) main(kind string) string {
	for _, k := range r.cfg.Kinds {
		if k.Name == kind {
			return k.Protocol
		}
	}
	return ""
}

func (r *run) finish(now time.Duration, a answer, again bool) {
	r.schedule.answered(now, a.place, again, a.Requests)
	if again {
		return
	}
	r.asked++
	if r.dialogues[a.place].result.Reason == "" {
		r.answered++
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.asked, r.answered)
	}
}
