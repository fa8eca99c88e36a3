package trust

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// Desk is what the pair has agreed on about tokens.
type Desk interface {
	// Grants returns what the pair keeps of tokens.
	Grants() []Grant
	// Take marks the token with this hash used by m, then makes m a member. It is called again when m
	// did not get the answer, and then completes what is left to do. It returns an error for a token
	// that another used, and where this box has no authority.
	Take(ctx context.Context, token [32]byte, m Member) error
	// Generation is the pair's.
	Generation() mode.Generation
	// Applied is how far this box is in what is agreed on; 0 where it has no authority.
	Applied() uint64
}

// Answer answers a request to join, from who showed no certificate, or to renew a certificate, from
// whomever: the request is signed by the member's key, and the answer is no secret. Whatever is
// wrong with the request is in the answer, in words. With a nil desk nobody joins.
func (k *Keeper) Answer(ctx context.Context, request []byte, desk Desk) []byte {
	m, err := parseMessage(request)
	var answer message
	switch {
	case err != nil:
	case m.Renew != nil:
		answer, err = k.answerRenewal(m)
	case desk == nil:
		err = refuse(Unavailable, "nobody can join here: ask at a box of the pair")
	default:
		answer, err = k.admit(ctx, request, m, desk)
	}
	if err != nil {
		k.cfg.Logger.Log(ctx, k.refusedLevel(), "a request to join the pair or to renew a certificate was refused", "token", fmt.Sprintf("%.16q", m.Token), "err", err)
		answer = refusal(err)
		if desk != nil && answer.Reason == NotMember {
			answer.Generation, answer.Applied = desk.Generation(), desk.Applied()
		}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		k.cfg.Logger.Error("an answer could not be written", "err", err)
	}
	return b
}

// refusedEvery is how often a refusal is worth a line that everybody reads: anybody on the network can ask.
const refusedEvery = 10 * time.Second

func (k *Keeper) refusedLevel() slog.Level {
	now := time.Now().UnixNano()
	last := k.refused.Load()
	if now-last < int64(refusedEvery) || !k.refused.CompareAndSwap(last, now) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (k *Keeper) admit(ctx context.Context, request []byte, m message, desk Desk) (message, error) {
	if len(m.Token) > maxWord {
		return message{}, refuse(Malformed, "the request names no token")
	}
	grants := desk.Grants()
	i := slices.IndexFunc(grants, func(g Grant) bool { return g.ID() == m.Token && callerProves(g.Hash, m.Body, m.Proof) })
	if i < 0 {
		return message{}, refuse(NoSuchToken, "this pair knows no such token: one is good for an hour and for one machine; make a new one (\"rackpost pair token\")")
	}
	grant := grants[i]
	p, key, err := parsePlea(m.Body)
	if err != nil {
		return message{}, err
	}
	k.joining.Lock()
	defer k.joining.Unlock()
	if err := k.mayJoin(grant, p, k.clock().Now); err != nil {
		return message{}, err
	}
	got, err := k.grace(p.Member, key)
	if err != nil {
		return message{}, err
	}
	if err := desk.Take(ctx, grant.Hash, p.Member); err != nil {
		return message{}, fmt.Errorf("take %s in: %w", p.Member.Name, err)
	}
	if err := k.SetMembers(got.Members); err != nil { // it may call before what is agreed on is heard of here
		return message{}, err
	}
	got.Generation = desk.Generation()
	body, err := json.Marshal(got)
	if err != nil {
		return message{}, errors.New("the answer to who joins cannot be written") // the reason could quote a key
	}
	k.cfg.Logger.Info("a member was let into the pair", "node", p.Member.Node.String(), "name", p.Member.Name, "role", p.Member.Role.String(), "token", grant.ID())
	return message{Body: body, Proof: pairProof(grant.Hash, request, body)}, nil
}

// grace makes what a new member gets.
func (k *Keeper) grace(m Member, key ed25519.PublicKey) (grace, error) {
	s := k.state.Load()
	leaf, err := s.ca.issue(Peer{Cluster: s.Cluster, Role: m.Role, Node: m.Node}, key, k.clock())
	if err != nil {
		return grace{}, err
	}
	got := grace{Cluster: s.Cluster, Site: s.Site, CA: s.ca.cert.Raw, Certificate: leaf.Raw, Members: []Member{m}}
	for _, have := range s.Members {
		if have.Node != m.Node {
			got.Members = append(got.Members, have)
		}
	}
	if m.Role != mode.Box {
		return got, nil
	}
	got.CAKey, err = x509.MarshalPKCS8PrivateKey(s.ca.key)
	return got, err
}

// mayJoin says what keeps who proved the token from joining.
func (k *Keeper) mayJoin(g Grant, p plea, now time.Time) error {
	s := k.state.Load()
	switch {
	case g.UsedBy != (mode.NodeID{}) && g.UsedBy != p.Member.Node:
		return refuse(UsedToken, "%s joined with this token already: if that is not a machine of yours, take it out (\"rackpost pair status\" shows it); make a new token for this one (\"rackpost pair token\")", nameOf(s.Members, g.UsedBy))
	case now.After(g.Expires) || now.Before(g.Made.Add(-TokenLife)):
		return refuse(Expired, "the token was good until %s: make a new one (\"rackpost pair token\")", g.Expires.UTC().Format(time.RFC3339))
	case g.Role != p.Member.Role:
		return refuse(WrongRole, "the token is for a %s, the machine wants to join as a %s: make a token for a %s (\"rackpost pair token\")", g.Role, p.Member.Role, p.Member.Role)
	case p.Site != "" && p.Site != s.Site:
		return refuse(OtherSite, "the machine's journal is of site %.64q, the pair is of site %s: join the pair of its own site, or give the machine an empty data folder and keep the old one", p.Site, s.Site)
	}
	return room(s.Members, p.Member)
}

// nameOf is what people call a member.
func nameOf(members []Member, id mode.NodeID) string {
	for _, m := range members {
		if m.Node == id {
			return m.Name
		}
	}
	return "member " + id.String()
}

func parsePlea(body []byte) (plea, ed25519.PublicKey, error) {
	var p plea
	if err := json.Unmarshal(body, &p); err != nil {
		return plea{}, nil, refuse(Malformed, "the request cannot be read: update the older of the two machines")
	}
	if err := p.Member.Check(); err != nil {
		return plea{}, nil, refuse(Malformed, "the machine's configuration is not fit for a pair: %v", err)
	}
	if !idWord.MatchString(p.Site) {
		return plea{}, nil, refuse(Malformed, "the machine names a site that is none")
	}
	key, err := requestKey(p.Request)
	if err != nil {
		return plea{}, nil, err
	}
	if NodeOf(key) != p.Member.Node {
		return plea{}, nil, refuse(OtherNode, "the machine's id is not that of its key")
	}
	return p, key, nil
}
