package control

import (
	"bytes"
	"fmt"
	"slices"
)

// Line is one thing that one side had and the other has not.
type Line struct {
	Name string    `json:"name"` // of the document, the claim, ...
	Text string    `json:"text"`
	Lost *Document `json:"lost,omitempty"` // with its content, so that a person can apply it again
}

// Diff returns what is in old, the state that gave way, and not in new, the state that stays. Where new tells of the
// takeover that parted them, only what came after the parting counts; otherwise, everything that differs.
func Diff(old, new State) []Line {
	d := &differ{old: old, new: new, from: forkOf(old, new)}
	d.documents()
	d.claims()
	d.tokens()
	for _, t := range old.Takeovers() {
		if !slices.ContainsFunc(new.Takeovers(), func(n Takeover) bool { return n.Generation == t.Generation }) {
			d.say("takeover", "%s took over %s, as generation %d; here another takeover counts", t.Who, moment(t.At), t.Generation.Counter)
		}
	}
	if old.Level() > new.Level() {
		d.say("level", "the feature level was %d and is %d: raise it again", old.Level(), new.Level())
	}
	return d.lines
}

// forkOf returns the last Raft index that both states may share; 0 where new does not tell.
func forkOf(old, new State) uint64 {
	for _, t := range new.takeovers {
		if !slices.ContainsFunc(old.takeovers, func(o *Takeover) bool { return o.Generation == t.Generation }) {
			return t.From
		}
	}
	return 0
}

type differ struct {
	old, new State
	from     uint64
	lines    []Line
}

func (d *differ) say(name, format string, args ...any) *Line {
	d.lines = append(d.lines, Line{Name: name, Text: fmt.Sprintf(format, args...)})
	return &d.lines[len(d.lines)-1]
}

func (d *differ) documents() {
	for _, v := range d.old.history {
		d.document(*v, "a version before the last one")
	}
	for _, v := range d.old.documents {
		d.document(*v, "the last version")
	}
	for _, n := range d.new.documents {
		if _, ok := find(d.old.documents, n.Name); !ok && n.Index <= d.from {
			d.say(n.Name, "it had been deleted, and is there again: %s", describe(*n))
		}
	}
}

func (d *differ) document(v Document, which string) {
	if v.Index <= d.from || d.new.had(v) {
		return
	}
	now := "it is not there now"
	if n, ok := d.new.Document(v.Name); ok {
		now = "what counts now, " + describe(n)
	}
	d.say(v.Name, "%s does not count, %s; %s", which, describe(v), now).Lost = &v
}

// had says whether v is a version of s, or has a current one's content.
func (s State) had(v Document) bool {
	if n, ok := s.Document(v.Name); ok && bytes.Equal(n.Content, v.Content) {
		return true
	}
	return slices.ContainsFunc(s.history, func(h *Document) bool {
		return h.Name == v.Name && h.Version == v.Version && h.Index == v.Index && bytes.Equal(h.Content, v.Content)
	})
}

func (d *differ) claims() {
	for _, c := range d.old.claims {
		n, known := d.new.Claim(c.Key)
		if c.Index <= d.from || known && n.Attempt == c.Attempt && n.Outcome == c.Outcome && n.Node == c.Node {
			continue
		}
		now := "which is not known here"
		if known {
			now = fmt.Sprintf("and here attempt %d by %s is %s", n.Attempt, d.new.name(n.Node), n.Outcome)
		}
		when := c.At
		if c.Outcome != Open {
			when = c.Settled
		}
		d.say(c.Key, "%s, %s: attempt %d by %s is %s, %s, %s", c.Kind, c.What, c.Attempt, d.old.name(c.Node), c.Outcome, moment(when), now)
	}
}

func (d *differ) tokens() {
	for _, t := range d.old.tokens {
		n, known := d.new.Token(t.Hash)
		switch {
		case !t.Used.IsZero() && (!known || n.Used.IsZero()):
			d.say("token", "the token that %s made %s was used by %s, which is not known here: let it join again", t.Who, moment(t.At), d.old.name(t.By))
		case t.Used.IsZero() && !known:
			d.say("token", "the token that %s made %s is not known here: make a new one", t.Who, moment(t.At))
		}
	}
}
