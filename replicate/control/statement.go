package control

// Whoever leads Raft may put anything into its log, also a witness that fell into other hands. So what decides who is let in,
// what is sealed to whom and what the boxes do is vouched for by a box: it signs the statement, the proof stays with what was
// agreed on, and whoever uses that asks first. This package carries proofs and checks none.

// Statement is what a proof of the document that p makes is over.
func (p *Put) Statement() []byte {
	bare := *p
	bare.Proof = nil
	c := &codec{b: []byte{format, kindPut}}
	bare.fields(c)
	return c.b
}

// Statement is what a proof of the token is over.
func (i *Invite) Statement() []byte {
	bare := *i
	bare.Proof = nil
	c := &codec{b: []byte{format, kindInvite}}
	bare.fields(c)
	return c.b
}

// Statement is what Proof is to be over; nil where the version is not the one that follows what it was made from.
func (d Document) Statement() []byte {
	if d.Base != 0 && d.Version != d.Base+1 {
		return nil
	}
	return (&Put{Name: d.Name, Expected: d.Base, Content: d.Content, Who: d.Who, Why: d.Why, At: d.At}).Statement()
}

// Statement is what Proof is to be over.
func (t Token) Statement() []byte {
	return (&Invite{Hash: t.Hash, Role: t.Role, Who: t.Who, At: t.At, Expires: t.Expires}).Statement()
}
