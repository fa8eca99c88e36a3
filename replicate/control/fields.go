package control

import (
	"time"

	"rackpost/replicate/mode"
)

// What a command says and what the state keeps of it begin with the same fields. Each such beginning is written once, below, so
// that whatever is taken as a command can be kept.

func (c *codec) version(name *string, number *uint64, content *[]byte, who, why *string, at *time.Time) {
	c.docName(name)
	c.num(number)
	c.blob(content, maxContent)
	c.must(who, "who changes it", maxWho)
	c.text(why, maxWhy)
	c.at(at)
}

func (c *codec) claim(key, kind *string, node *mode.NodeID, what *string, attempt *uint64, at *time.Time) {
	c.must(key, "the key of the claim", maxName)
	c.must(kind, "the kind of the claim", maxName)
	c.node(node)
	c.text(what, maxWhat)
	c.num(attempt)
	c.at(at)
}

func (c *codec) token(hash *[32]byte, role *mode.Role, who *string, at, expires *time.Time) {
	c.fixed(hash[:])
	c.role(role)
	c.must(who, "who invites", maxWho)
	c.at(at)
	c.at(expires)
}

func (c *codec) takeover(g *mode.Generation, from *uint64, who, why *string, at *time.Time) {
	c.num(&g.Counter)
	c.num(&g.Random)
	c.num(from)
	c.must(who, "who took over", maxWho)
	c.text(why, maxWhy)
	c.at(at)
}

func (p *Put) fields(c *codec) {
	c.version(&p.Name, &p.Expected, &p.Content, &p.Who, &p.Why, &p.At)
	c.proof(&p.Proof)
}

func (d *Delete) fields(c *codec) {
	c.docName(&d.Name)
	c.num(&d.Expected)
	c.must(&d.Who, "who deletes it", maxWho)
	c.text(&d.Why, maxWhy)
	c.at(&d.At)
}

func (s *Start) fields(c *codec) {
	c.claim(&s.Key, &s.Kind, &s.Node, &s.What, &s.Attempt, &s.At)
}

func (s *Settle) fields(c *codec) {
	c.must(&s.Key, "the key of the claim", maxName)
	c.num(&s.Attempt)
	if c.outcome(&s.Outcome); s.Outcome != Done && s.Outcome != Failed {
		c.fail("a claim is settled as done or failed")
	}
	c.text(&s.Detail, maxWhat)
	c.at(&s.At)
}

func (i *Inherit) fields(c *codec) {
	c.node(&i.Node)
	c.at(&i.At)
}

func (i *Invite) fields(c *codec) {
	c.token(&i.Hash, &i.Role, &i.Who, &i.At, &i.Expires)
	c.proof(&i.Proof)
}

func (r *Redeem) fields(c *codec) {
	c.fixed(r.Hash[:])
	c.node(&r.Node)
	c.at(&r.At)
}

func (r *Raise) fields(c *codec) {
	c.small(&r.Level)
	c.must(&r.Who, "who raises the level", maxWho)
	c.at(&r.At)
}

func (f *Forced) fields(c *codec) {
	c.takeover(&f.Generation, &f.From, &f.Who, &f.Why, &f.At)
}

func (d *Document) fields(c *codec) {
	c.version(&d.Name, &d.Version, &d.Content, &d.Who, &d.Why, &d.At)
	c.num(&d.Index)
	c.num(&d.Base)
	c.proof(&d.Proof)
}

func (l *Claim) fields(c *codec) {
	c.claim(&l.Key, &l.Kind, &l.Node, &l.What, &l.Attempt, &l.At)
	c.outcome(&l.Outcome)
	c.text(&l.Detail, maxWhat)
	c.when(&l.Settled)
	c.num(&l.Index)
}

func (t *Token) fields(c *codec) {
	c.token(&t.Hash, &t.Role, &t.Who, &t.At, &t.Expires)
	if c.when(&t.Used); !t.Used.IsZero() {
		c.node(&t.By)
	}
	c.proof(&t.Proof)
}

func (t *Takeover) fields(c *codec) {
	c.takeover(&t.Generation, &t.From, &t.Who, &t.Why, &t.At)
	c.num(&t.Index)
}

func (m *Member) fields(c *codec) {
	version := uint64(format)
	if c.num(&version); version != format {
		c.fail("a member's document of format %d", version)
	}
	c.node(&m.Node)
	c.must(&m.Name, "the member's name", maxName)
	c.role(&m.Role)
	list(c, &m.Paths, maxPaths, (*Path).fields)
	c.text(&m.Recipient, maxWhat)
	c.text(&m.Origin, maxName)
	c.text(&m.Pin, maxName)
	c.small(&m.Speaks)
}

func (p *Path) fields(c *codec) {
	c.must(&p.Name, "the path's name", maxName)
	c.must(&p.Address, "the path's address", maxName)
}

func (c *codec) proof(v *[]byte) {
	if c.blob(v, maxProof); len(*v) == 0 {
		*v = nil
	}
}

func (c *codec) outcome(v *Outcome) {
	n := uint64(*v)
	if c.upTo(&n, uint64(outcomes)-1); c.reading && c.err == nil {
		*v = Outcome(n)
	}
}

func (c *codec) role(v *mode.Role) {
	n := uint64(*v)
	if c.num(&n); n != uint64(mode.Box) && n != uint64(mode.Witness) {
		c.fail("the role %d of a member", n)
		return
	}
	*v = mode.Role(n)
}

// docName is one or two parts of letters, digits and -._
func (c *codec) docName(v *string) {
	c.must(v, "the document's name", maxName)
	if !validName(*v) {
		c.fail("the document's name %.40q: letters, digits and -._ with at most one slash between", *v)
	}
}
