package trust

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

const (
	renewEvery = time.Hour
	renewRetry = 10 * time.Minute
	renewShare = 12 // of its life, where that is short
)

// Ask carries a request to the Answer of a box of the pair and returns what it said. Over a
// connection with JoinProtocol it does so also for who is refused because of its dates.
type Ask func(ctx context.Context, request []byte) ([]byte, error)

// Run renews this member's certificate when it is due: a box with a right clock by itself, any other
// member by asking. It returns when ctx ends; a renewal that fails is logged and tried again.
func (k *Keeper) Run(ctx context.Context, ask Ask) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(k.renewIfDue(ctx, ask))
	}
}

// renewIfDue returns after how long to look again.
func (k *Keeper) renewIfDue(ctx context.Context, ask Ask) time.Duration {
	s, at := k.state.Load(), k.clock()
	if !at.due(s.held) {
		return min(renewEvery, at.life/renewShare)
	}
	var err error
	if s.ca.key != nil && at.Trusted {
		err = k.renewSelf()
	} else {
		err = k.renewBy(ctx, ask)
	}
	if err != nil {
		k.cfg.Logger.Warn("this member's certificate could not be renewed", "expires", s.leaf.NotAfter, "err", err)
		return min(renewRetry, at.life/renewShare)
	}
	k.cfg.Logger.Info("this member's certificate was renewed", "expires", k.state.Load().leaf.NotAfter)
	return min(renewEvery, at.life/renewShare)
}

func (k *Keeper) renewSelf() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.state.Load().held
	leaf, err := h.ca.issue(h.Peer(), public(h.key), k.clock())
	if err != nil {
		return err
	}
	return k.replace(h, leaf)
}

func (k *Keeper) replace(h held, leaf *x509.Certificate) error {
	if k.left {
		return refuse(NotMember, "this machine left the pair")
	}
	if err := k.cfg.Folder.folder().WriteCertificate(nodeFile, leaf); err != nil {
		return err
	}
	h.leaf = leaf
	k.show(h)
	return nil
}

func (k *Keeper) renewBy(ctx context.Context, ask Ask) error {
	if ask == nil {
		return refuse(Unavailable, "there is no way to ask a box of the pair")
	}
	m, err := k.request(ctx, ask)
	if err == nil {
		err = m.said()
	}
	if err != nil {
		return fmt.Errorf("ask for a certificate: %w", err)
	}
	return k.accept(m.Certificate)
}

// request asks for a certificate, and returns what was said to it.
func (k *Keeper) request(ctx context.Context, ask Ask) (message, error) {
	request, err := keys.Request(k.state.Load().key)
	if err != nil {
		return message{}, err
	}
	b, err := json.Marshal(message{Renew: request})
	if err != nil {
		return message{}, err
	}
	answer, err := ask(ctx, b)
	if err != nil {
		return message{}, err
	}
	return parseMessage(answer)
}

// Appeal asks box for another certificate after it refused this member's. If the box says that this
// is no member, that is what is returned: whether to believe it is for who knows how far this member
// is. The box proved who it is, since ask's connection is one of Client with JoinProtocol.
func (k *Keeper) Appeal(ctx context.Context, box string, ask Ask) (mode.Struck, error) {
	m, err := k.request(ctx, ask)
	if err == nil {
		err = m.said()
	}
	switch {
	case err != nil && m.Reason == NotMember:
		return mode.Struck{By: box, Generation: m.Generation, Applied: m.Applied}, nil
	case err != nil:
		return mode.Struck{}, fmt.Errorf("ask %s why it refuses this member: %w", box, err)
	}
	return mode.Struck{}, k.accept(m.Certificate)
}

// accept takes a certificate that is this member's by the pair's CA.
func (k *Keeper) accept(der []byte) error {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("the certificate received: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.state.Load().held
	peer, err := checkChain(h.ca.cert, leaf)
	if err != nil {
		return fmt.Errorf("the certificate received: %w", err)
	}
	if peer != h.Peer() {
		return refuse(OtherNode, "the certificate received is %s's, not this member's", peer.Node)
	}
	return k.replace(h, leaf)
}

// answerRenewal makes a certificate for a member in its role and for the key it has, nothing else.
func (k *Keeper) answerRenewal(m message) (message, error) {
	key, err := requestKey(m.Renew)
	if err != nil {
		return message{}, err
	}
	s, at, node := k.state.Load(), k.clock(), NodeOf(key)
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Node == node })
	if i < 0 {
		return message{}, notMember(node)
	}
	if !at.Trusted {
		return message{}, refuse(Unavailable, "this box does not trust its own clock: give it a time server, or ask the other box")
	}
	leaf, err := s.ca.issue(Peer{Cluster: s.Cluster, Role: s.Members[i].Role, Node: node}, key, at)
	if err != nil {
		return message{}, err
	}
	k.cfg.Logger.Info("a member's certificate was renewed", "node", node.String(), "expires", leaf.NotAfter)
	return message{Certificate: leaf.Raw}, nil
}
