package control

import "rackpost/replicate/mode"

func (p *Put) fields(c *codec) {
	c.docName(&p.Name)
	c.num(&p.Expected)
	c.blob(&p.Content, maxContent)
	c.must(&p.Who, "who changes it", maxWho)
	c.text(&p.Why, maxWhy)
	c.at(&p.At)
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
	c.must(&s.Key, "the key of the claim", maxName)
	c.must(&s.Kind, "the kind of the claim", maxName)
	c.node(&s.Node)
	c.text(&s.What, maxWhat)
	c.num(&s.Attempt)
	c.at(&s.At)
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
	c.fixed(i.Hash[:])
	c.role(&i.Role)
	c.must(&i.Who, "who invites", maxWho)
	c.at(&i.At)
	c.at(&i.Expires)
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
	c.num(&f.Generation.Counter)
	c.num(&f.Generation.Random)
	c.num(&f.From)
	c.must(&f.Who, "who took over", maxWho)
	c.text(&f.Why, maxWhy)
	c.at(&f.At)
}

func (d *Document) fields(c *codec) {
	c.docName(&d.Name)
	c.num(&d.Version)
	c.blob(&d.Content, maxContent)
	c.must(&d.Who, "who changed it", maxWho)
	c.text(&d.Why, maxWhy)
	c.at(&d.At)
	c.num(&d.Index)
	c.num(&d.Base)
	c.proof(&d.Proof)
}

func (l *Claim) fields(c *codec) {
	c.must(&l.Key, "the key of the claim", maxName)
	c.must(&l.Kind, "the kind of the claim", maxName)
	c.node(&l.Node)
	c.text(&l.What, maxWhat)
	c.num(&l.Attempt)
	c.at(&l.At)
	c.outcome(&l.Outcome)
	c.text(&l.Detail, maxWhat)
	c.when(&l.Settled)
	c.num(&l.Index)
}

func (t *Token) fields(c *codec) {
	c.fixed(t.Hash[:])
	c.role(&t.Role)
	c.must(&t.Who, "who invited", maxWho)
	c.at(&t.At)
	c.at(&t.Expires)
	if c.when(&t.Used); !t.Used.IsZero() {
		c.node(&t.By)
	}
	c.proof(&t.Proof)
}

func (t *Takeover) fields(c *codec) {
	c.num(&t.Generation.Counter)
	c.num(&t.Generation.Random)
	c.num(&t.From)
	c.must(&t.Who, "who took over", maxWho)
	c.text(&t.Why, maxWhy)
	c.at(&t.At)
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
