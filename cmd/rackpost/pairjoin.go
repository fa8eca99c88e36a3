package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
	"rackpost/store"
)

const (
	joinTime = 20 * time.Second // for one address of the box that lets in
	leftTime = 15 * time.Second // for a member to be out of the pair
)

// joinOrder is the body of POST /api/v1/pair/join.
type joinOrder struct {
	Token     string   `json:"token"`
	Addresses []string `json:"addresses"` // of the box that made the token, any of its paths
}

// joined is what came of it.
type joined struct {
	Cluster string   `json:"cluster"`
	Name    string   `json:"name"`
	Members []string `json:"members"` // the others
	Running bool     `json:"running"` // a process goes on as the member
}

// join makes this machine a member of the pair that made the token.
func (h *pairHost) join(ctx context.Context, o joinOrder) (joined, error) {
	folder := pairFolderOf(h.box)
	switch id, err := folder.Identity(); {
	case err == nil:
		return joined{}, pairRefused("%s is in a pair already; rackpost pair leave takes it out", id.Self.Name)
	case !errors.Is(err, trust.ErrNoPair):
		return joined{}, err
	case h.box.pair.at.line == 0:
		return joined{}, pairRefused("%s does not say where the other box finds this one; write pair: into it, with listen: and the address of each path to the other box", h.file)
	}
	token, err := trust.ParseToken(o.Token)
	if err != nil {
		return joined{}, fmt.Errorf("%w: %w", errPairRefused, err)
	}
	self, err := h.candidate()
	if err != nil {
		return joined{}, err
	}
	if err := setAsideUnlessJoining(folder); err != nil {
		return joined{}, err
	}
	j, err := trust.NewJoiner(folder, token, self)
	if err != nil {
		return joined{}, fmt.Errorf("%w: %w", errPairRefused, err)
	}
	answer, err := introduce(ctx, j, o.Addresses)
	if err != nil {
		return joined{}, err
	}
	admission, err := j.Accept(answer)
	if err != nil {
		return joined{}, fmt.Errorf("%w: %w", errPairRefused, err)
	}
	if err := h.giveTo(h.box.data); err != nil {
		return joined{}, err
	}
	out := joined{Cluster: admission.Identity.Cluster.String(), Name: admission.Identity.Self.Name, Running: h.takeUp()}
	for _, m := range admission.Identity.Members {
		if m.Node != admission.Identity.Self.Node {
			out.Members = append(out.Members, m.Name)
		}
	}
	return out, nil
}

// candidate is what this machine would be in the pair.
func (h *pairHost) candidate() (trust.Candidate, error) {
	c := trust.Candidate{Name: h.box.name, Role: h.role, Addresses: addressesOf(h.box.pair.advertise)}
	if h.role != mode.Box {
		return c, nil
	}
	site, origin, err := store.Identity(h.box.data)
	if err != nil {
		return c, err
	}
	if site != (journal.ID{}) {
		c.Site = site.String()
	} else if _, err := rand.Read(origin[:]); err != nil {
		return c, err
	}
	c.Origin = origin.String()
	return c, nil
}

// setAsideUnlessJoining keeps the keys of an attempt before, with which the same token lets in again, and nothing of an
// earlier pair.
func setAsideUnlessJoining(folder trust.Folder) error {
	for _, name := range []string{controlFile, foundFile, peersFile, struckFile} {
		if exists(string(folder) + "/" + name) {
			return setAside(string(folder))
		}
	}
	return nil
}

// introduce asks at one address after the other, until one answers.
func introduce(ctx context.Context, j *trust.Joiner, addresses []string) ([]byte, error) {
	var errs []error
	for _, a := range addresses {
		at, err := joinAddressOf(a)
		if err != nil {
			return nil, err
		}
		asking, cancel := context.WithTimeout(ctx, joinTime)
		answer, err := wire.Introduce(asking, at, j.TLS(), j.Request())
		cancel()
		if err == nil {
			return answer, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", at, trust.Explain(err)))
	}
	return nil, fmt.Errorf("%w: no box of the pair lets this machine in: %w; is it running, and is the address one of its pair: listen: in box.yaml?", errPairRefused, errors.Join(errs...))
}

// joinAddressOf gives an address without a port the usual one.
func joinAddressOf(s string) (string, error) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.String(), nil
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, pairPort).String(), nil
	}
	host, port, err := splitAddress(s)
	if err != nil {
		return "", pairRefused("%q is no address; write that of the box that made the token, such as 192.0.2.5:%d", shorten(s), pairPort)
	}
	if port == "" {
		port = fmt.Sprint(pairPort)
	}
	return joinAddress(host, port), nil
}
