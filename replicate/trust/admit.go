package trust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rackpost/replicate/mode"
)

// Desk is what the pair has agreed on about tokens. Only a member with authority can let in.
type Desk interface {
	// Grant returns what the pair keeps of a token.
	Grant(id string) (Grant, bool)
	// Take makes m a member and marks the token used by it, both or neither. For a token that m used
	// already it does nothing; for one that another used it returns an error.
	Take(ctx context.Context, token string, m Member) error
	// Generation is the pair's.
	Generation() mode.Generation
}

// AnswerJoin answers a request that came over a connection on which JoinProtocol was negotiated.
// Whatever is wrong with the request is in the answer, in words.
func (k *Keeper) AnswerJoin(ctx context.Context, cs tls.ConnectionState, request []byte, desk Desk) []byte {
	answer, err := k.admit(ctx, cs, request, desk)
	if err != nil {
		k.cfg.Logger.Warn("somebody was not let into the pair", "err", err)
		answer = refused(err)
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return nil // it has no value that JSON cannot write
	}
	return b
}

// refused tells what the joiner can do about it; what went wrong inside stays in the log.
func refused(err error) envelope {
	var r *Refusal
	if !errors.As(err, &r) {
		r = refuse(Unavailable, "the box cannot take anybody in now: see its log and \"rackpost pair status\", then try again with the same token")
	}
	return envelope{Reason: r.Reason, Refused: r.Words}
}

func (k *Keeper) admit(ctx context.Context, cs tls.ConnectionState, request []byte, desk Desk) (envelope, error) {
	b, err := bind(cs)
	if err != nil {
		return envelope{}, err
	}
	e, err := parseEnvelope(request)
	if err != nil {
		return envelope{}, err
	}
	grant, known := desk.Grant(e.Token)
	if !known || !b.callerProves(grant.Caller, e.Body, e.Proof) {
		return envelope{}, refuse(NoSuchToken, "this pair knows no such token: one is good for an hour and for one machine; make a new one (\"rackpost pair token\")")
	}
	p, key, err := parsePlea(e.Body)
	if err != nil {
		return envelope{}, err
	}
	if err := k.mayJoin(grant, p, k.clock().now); err != nil {
		return envelope{}, err
	}
	got, err := k.grace(p.Member, key)
	if err != nil {
		return envelope{}, err
	}
	if err := desk.Take(ctx, grant.ID, p.Member); err != nil {
		return envelope{}, fmt.Errorf("take %s in: %w", p.Member.Name, err)
	}
	got.Generation = desk.Generation()
	body, err := json.Marshal(got)
	if err != nil {
		return envelope{}, err
	}
	k.cfg.Logger.Info("a member was let into the pair", "node", p.Member.Node.String(), "name", p.Member.Name, "role", p.Member.Role.String(), "token", grant.ID)
	return envelope{Body: body, Proof: b.pairProof(grant.Pair, request, body)}, nil
}

// grace makes what a new member gets.
func (k *Keeper) grace(m Member, key []byte) (grace, error) {
	s := k.state.Load()
	peer := Peer{Cluster: s.Cluster, Role: m.Role, Node: m.Node}
	leaf, err := s.ca.issue(peer, key, k.clock())
	if err != nil {
		return grace{}, err
	}
	got := grace{Cluster: s.Cluster, Site: s.Site, Certificate: leaf.Raw, Members: []Member{m}}
	for _, have := range s.Members {
		if have.Node != m.Node {
			got.Members = append(got.Members, have)
		}
	}
	if m.Role == mode.Box {
		if got.CAKey, err = x509.MarshalPKCS8PrivateKey(s.ca.key); err != nil {
			return grace{}, err
		}
	}
	return got, nil
}

// mayJoin says what keeps who proved the token from joining.
func (k *Keeper) mayJoin(g Grant, p plea, now time.Time) error {
	s := k.state.Load()
	switch {
	case g.UsedBy != (mode.NodeID{}) && g.UsedBy != p.Member.Node:
		return refuse(UsedToken, "somebody joined with this token already (%s): if that was not you, take that member out (\"rackpost pair status\"); make a new token for this machine", g.UsedBy)
	case now.After(g.Expires) || now.Before(g.Made.Add(-TokenLife)):
		return refuse(Expired, "the token was good until %s: make a new one (\"rackpost pair token\")", g.Expires.UTC().Format(time.RFC3339))
	case g.Role != p.Member.Role:
		return refuse(WrongRole, "the token is for a %s, the machine wants to join as a %s: make a token for a %s (\"rackpost pair token\")", g.Role, p.Member.Role, p.Member.Role)
	case p.Site != "" && p.Site != s.Site:
		return refuse(OtherSite, "the machine's journal is of site %.64q, the pair is of site %s: join the pair of its own site, or give the machine an empty data folder and keep the old one", p.Site, s.Site)
	}
	return room(s.Members, p.Member)
}

func parsePlea(body []byte) (plea, []byte, error) {
	var p plea
	if err := json.Unmarshal(body, &p); err != nil {
		return p, nil, refuse(Malformed, "the request cannot be read: update the older of the two machines")
	}
	if err := p.Member.Check(); err != nil {
		return p, nil, refuse(Malformed, "the machine's configuration is not fit for a pair: %v", err)
	}
	if !idWord.MatchString(p.Site) {
		return p, nil, refuse(Malformed, "the machine names a site that is none")
	}
	key, err := requestKey(p.Request)
	if err != nil {
		return p, nil, refuse(Malformed, "%v", err)
	}
	if NodeOf(key) != p.Member.Node {
		return p, nil, refuse(OtherNode, "the machine's id is not that of its key")
	}
	return p, key, nil
}
