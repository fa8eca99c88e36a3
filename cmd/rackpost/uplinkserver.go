package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"rackpost/hw"
	"rackpost/replicate/enroll"
	"rackpost/replicate/mode"
	"rackpost/replicate/ship"
	"rackpost/replicate/uplink"
	"rackpost/web"
)

const uplinkPath = "/uplink"

// uplinkOrder is the body of POST /api/v1/uplink/join.
type uplinkOrder struct {
	URLs  []string `json:"urls"`
	Token string   `json:"token"`
	Name  string   `json:"name,omitempty"` // of the site at headquarters; empty: that in site.yaml
}

// uplinkJoined is the answer.
type uplinkJoined struct {
	Name string `json:"name"` // of the site, as headquarters has it
	URL  string `json:"url"`
	HQ   string `json:"hq"`
}

// uplinkView is GET /api/v1/uplink.
type uplinkView struct {
	Joined  bool           `json:"joined"`
	Box     string         `json:"box"`
	Problem string         `json:"problem,omitempty"` // why nothing is sent although the site has joined
	Uplink  *uplink.Status `json:"uplink,omitempty"`
	Leader  string         `json:"leader,omitempty"`  // of the pair, when it is another box
	Joining *uplinkAsking  `json:"joining,omitempty"` // who is asked to let the site in, now
}

// uplinkAsking is one address that is asked to let the site in.
type uplinkAsking struct {
	URL string `json:"url"`
	Way string `json:"way"`
}

// handle adds what is asked of the way to headquarters to the mux of the socket.
func (u *uplinks) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1"+uplinkPath, func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, u.view()) })
	mux.HandleFunc("POST /api/v1"+uplinkPath+"/join", pairOrder(u.host, func(ctx context.Context, who string, o uplinkOrder) (any, error) { return u.join(ctx, who, o) }))
	mux.HandleFunc("POST /api/v1"+uplinkPath+"/leave", pairOrder(u.host, func(ctx context.Context, who string, _ struct{}) (any, error) { return u.leave(ctx, who) }))
}

func (u *uplinks) view() uplinkView {
	up, _, problem := u.current()
	v := uplinkView{Box: u.box.name, Problem: problem, Joined: up != nil || problem != "", Joining: u.asking.Load()}
	if up != nil {
		s := up.Status()
		v.Uplink = &s
	}
	if u.pair != nil {
		if leader := u.pair.node.Status().Leader; leader != u.pair.self.Node && leader != (mode.NodeID{}) {
			v.Leader = u.pair.nameOf(leader)
		}
	}
	return v
}

// join lets the site send to a headquarters, over the first way and address that works. What fails may be asked once more with the
// same token.
func (u *uplinks) join(ctx context.Context, who string, o uplinkOrder) (uplinkJoined, error) {
	if !u.joining.TryLock() {
		return uplinkJoined{}, pairRefused("this box is joining a headquarters already; rackpost uplink status tells what came of it")
	}
	defer u.joining.Unlock()
	was, ok, err := u.keep.load()
	if err == nil && ok && !u.refusedForGood() {
		return uplinkJoined{}, pairRefused("this site sends to a headquarters already; rackpost uplink leave ends that")
	}
	if u.pair != nil {
		if err := u.pair.node.Verify(ctx, mode.Configure); err != nil && u.pair.node.Status().Leader == (mode.NodeID{}) {
			return uplinkJoined{}, pairRefused("the pair cannot agree on anything now: %v", err)
		}
	}
	c, url, err := u.askToJoin(ctx, o)
	if err != nil {
		return uplinkJoined{}, err
	}
	if err := u.keep.replace(ctx, was, c, who, "joined "+url); err != nil {
		return uplinkJoined{}, fmt.Errorf("headquarters let this site in, which cannot be kept here: %w; when that is mended, run the same command with the same token at this box", err)
	}
	if err := endJoining(u.box); err != nil { // of no use to anybody
		u.logger.Warn("the key with which this site joined lies there still", "err", err)
	}
	return uplinkJoined{Name: c.Name, URL: url, HQ: c.HQ.String()}, nil
}

// askToJoin returns what headquarters gave, and where.
func (u *uplinks) askToJoin(ctx context.Context, o uplinkOrder) (enroll.Credential, string, error) {
	token, err := enroll.ParseToken(o.Token)
	if err != nil {
		return enroll.Credential{}, "", err
	}
	key, err := joiningKey(u.box, token)
	if err != nil {
		return enroll.Credential{}, "", fmt.Errorf("write down the key with which this site joins: %w; nothing was asked of headquarters", err)
	}
	if o.Name == "" {
		o.Name = u.site.Load().name
	}
	var errs []error
	defer u.asking.Store(nil)
	for _, url := range o.URLs {
		for _, w := range u.joiningWays() {
			u.asking.Store(&uplinkAsking{url, w.Name})
			c, err := enroll.Join(ctx, enroll.Joining{URL: url, Token: o.Token, Site: u.site.Load().id, Name: o.Name, Key: key, Trusted: clockTrusted(), Dial: u.dialing(w)})
			var refused *enroll.Refusal
			if err == nil || errors.As(err, &refused) && refused.Reason != enroll.Unavailable && refused.Reason != enroll.TooMany {
				return c, url, err
			}
			errs = append(errs, ship.Plain(err))
		}
	}
	return enroll.Credential{}, "", pairRefused("%v", errors.Join(errs...))
}

// refusedForGood says whether headquarters takes nothing of this site any more, so that it may join anew, or another one.
func (u *uplinks) refusedForGood() bool {
	up, _, _ := u.current()
	if up == nil {
		return false
	}
	r := up.Status().Refusal
	return r != nil && (r.Reason == string(enroll.Revoked) || r.Reason == string(enroll.NotEnrolled))
}

// joiningWays are the ways to headquarters.
func (u *uplinks) joiningWays() []uplink.Way {
	if ways := u.box.uplink.ways; len(ways) > 0 {
		return ways
	}
	return []uplink.Way{{Name: "default"}}
}

// dialing is a way as a dialer.
func (u *uplinks) dialing(w uplink.Way) enroll.Dial {
	return func(ctx context.Context, address string) (net.Conn, error) {
		if u.dial != nil {
			return u.dial(ctx, w, nil, address)
		}
		return w.Dial(ctx, nil, address)
	}
}

// leave ends the site's sending.
func (u *uplinks) leave(ctx context.Context, who string) (uplinkJoined, error) {
	c, ok, err := u.keep.load()
	if err == nil && !ok {
		return uplinkJoined{}, pairRefused("this site sends to no headquarters")
	}
	var out uplinkJoined
	if ok {
		out = uplinkJoined{Name: c.Name, URL: c.URLs[0], HQ: c.HQ.String()}
	}
	return out, errors.Join(u.keep.drop(ctx, who), endJoining(u.box))
}

// glance is what the status of the box tells; nil: there is no headquarters.
func (u *uplinks) glance() *web.Uplink {
	v := u.view()
	if !v.Joined {
		return nil
	}
	if v.Uplink == nil {
		return &web.Uplink{Ways: []web.UplinkWay{}, Why: v.Problem, Refusal: v.Problem}
	}
	s := v.Uplink
	out := &web.Uplink{Sending: s.Sending, Why: s.Why, Connected: s.Connected, Way: s.Way, Ways: []web.UplinkWay{}}
	for _, w := range s.Ways {
		out.Ways = append(out.Ways, web.UplinkWay{Name: w.Name, InUse: w.InUse, Answers: w.Answers == uplink.Yes, Problem: hw.Clean(w.Problem)})
	}
	if s.Connected || s.Sending && s.Backlog.Known {
		lag := s.LiveLag
		out.Lag = &lag
	}
	out.Paused, out.FactsOnly, out.Slowed, out.HeldBack = s.Held.Paused, s.Held.FactsOnly, s.Held.BytesPerSecond, hw.Clean(s.Held.Why)
	out.Backlog = web.UplinkBacklog{Known: s.Backlog.Known, Records: s.Backlog.Records, Bytes: s.Backlog.Bytes, Oldest: s.Backlog.Oldest}
	if drain := s.Backlog.Drain; drain > 0 || s.Backlog.Known && s.Backlog.Records == 0 {
		out.Backlog.Drain = &drain
	}
	if s.ClockKnown {
		ms := int64(s.ClockOffset * 1000)
		out.OffsetMS = &ms
	}
	out.Refused = s.Live.Returned + s.Behind.Returned
	if s.Refusal != nil {
		out.Refusal = hw.Clean(s.Refusal.Error)
	}
	return out
}
