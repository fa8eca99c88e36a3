package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/link"
	"rackpost/replicate/mode"
	"rackpost/replicate/ship"
	"rackpost/replicate/uplink"
)

// methodUplink asks another box of the pair how its way to headquarters is.
const methodUplink = "uplink"

const (
	reportEvery = 2 * time.Second
	reportTime  = 3 * time.Second
	heldEvery   = time.Minute      // how often a box asks what headquarters holds
	setHQEvery  = 10 * time.Second // how often the store is told
	keepRetry   = 10 * time.Second // after the credential could not be read
)

// uplinks is this box's way to headquarters, for as long as its site has joined one.
type uplinks struct {
	*appliance
	keep  keeping
	links *link.Monitor // nil: the state of the interfaces is not known
	dial  uplinkDial

	joining sync.Mutex                   // while a person has the site join
	asking  atomic.Pointer[uplinkAsking] // who is asked then; nil: nobody

	mu      sync.Mutex
	now     *uplink.Uplink // nil: there is no headquarters
	known   *ship.Known
	problem string // why there is none although there should be
	seen    heardReport
	sends   bool
}

// uplinkDial opens a connection over a way.
type uplinkDial = func(ctx context.Context, w uplink.Way, links uplink.Links, address string) (net.Conn, error)

// heardReport is what the leader told last of its way to headquarters.
type heardReport struct {
	from   mode.NodeID
	report uplink.Report
	at     time.Time // zero: nothing yet
	since  time.Time // that this box follows it
}

// uplinkReport is the answer to methodUplink.
type uplinkReport struct {
	Report uplink.Report `json:"report"`
	Held   []byte        `json:"held,omitempty"` // what headquarters holds, where that was asked
}

// uplinkQuestion is the body of methodUplink.
type uplinkQuestion struct {
	Held bool `json:"held,omitempty"`
}

func (a *appliance) newUplinks() *uplinks {
	u := &uplinks{appliance: a}
	if a.pair != nil {
		u.keep, u.links, u.dial = newPairKeeping(a.pair), a.around.monitor, a.pair.cuts.uplink
		return u
	}
	u.keep = newFileKeeping(a.box)
	if a.host != nil {
		u.dial = a.host.cuts.uplink
	}
	return u
}

// Run sends to headquarters while the site has joined one, until ctx ends.
func (u *uplinks) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if u.links == nil && len(u.box.uplink.ways) > 0 {
		u.links = link.NewMonitor(u.logger)
		group.Go(func() error { return u.links.Run(ctx) })
	}
	if u.pair != nil {
		u.pair.wire.Handle(methodUplink, u.answerReport)
		group.Go(func() error { return u.hearLeader(ctx) })
	}
	group.Go(func() error { return u.follow(ctx) })
	group.Go(func() error { return u.tellStore(ctx) })
	return group.Wait()
}

// follow runs an uplink for each credential, one after the other.
func (u *uplinks) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := u.keep.watch()
		c, ok, err := u.keep.load()
		switch {
		case err != nil:
			u.set(nil, nil, err.Error())
			u.logger.Error("what lets this site send to headquarters cannot be read", "err", err)
			pause(ctx, keepRetry)
		case !ok:
			u.set(nil, nil, "")
			select {
			case <-ctx.Done():
			case <-changed:
			}
		default:
			if err := u.serve(ctx, c); err != nil && ctx.Err() == nil {
				u.set(nil, nil, err.Error())
				u.logger.Error("the way to headquarters cannot be gone", "err", err)
				pause(ctx, keepRetry)
			}
		}
	}
	return nil
}

// serve runs the uplink of a credential until the site has joined another headquarters, or none. A renewed
// certificate goes on in place.
func (u *uplinks) serve(ctx context.Context, c enroll.Credential) error {
	holder, err := enroll.NewHolder(enroll.Holding{Credential: c, Trusted: clockTrusted,
		Save: func(ctx context.Context, c enroll.Credential) error {
			return u.keep.replace(ctx, c, c, u.box.name, "renewed") // of the same key, or none
		}})
	if err != nil {
		return err
	}
	known := ship.NewKnown()
	cfg := uplink.Config{Ways: u.box.uplink.ways, NewestFirst: u.box.uplink.newestFirst, Holder: holder, Store: belowHeadquarters{u.store},
		Ship:   ship.Options{Site: u.site.Load().id, Origin: u.store.Origin(), Known: known, Logger: u.logger, Quarantine: u.bad.keep},
		Logger: u.logger, Send: u.mayNow, Dial: u.dial}
	if u.links != nil {
		cfg.Links = u.links
	}
	up, err := uplink.New(cfg)
	if err != nil {
		return err
	}
	u.set(up, known, "")
	u.logger.Info("this site sends to headquarters", "url", c.URLs[0], "as", c.Name)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return up.Run(ctx) })
	group.Go(func() error { return u.renewed(ctx, holder, c) })
	if err := group.Wait(); !errors.Is(err, errOtherHQ) {
		return err
	}
	return nil
}

// errOtherHQ ends an uplink whose credential is not the site's any more.
var errOtherHQ = errors.New("the site has joined another headquarters, or none")

// renewed hands the holder what the other box renewed.
func (u *uplinks) renewed(ctx context.Context, holder *enroll.Holder, began enroll.Credential) error {
	for {
		changed := u.keep.watch()
		c, ok, err := u.keep.load()
		switch {
		case err != nil: // what it has is good
		case !ok || c.HQ != began.HQ || c.CA() != began.CA():
			return errOtherHQ
		case c.Key() != holder.Credential().Key() || c.Expires() != holder.Credential().Expires():
			if err := holder.Set(c); err != nil {
				return errOtherHQ
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (u *uplinks) set(up *uplink.Uplink, known *ship.Known, problem string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.now, u.known, u.problem = up, known, problem
}

// current returns the uplink, nil where there is none, and why there is none.
func (u *uplinks) current() (*uplink.Uplink, *ship.Known, string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.now, u.known, u.problem
}

// tellStore tells the store what headquarters holds: that is what goes first when there is no room.
func (u *uplinks) tellStore(ctx context.Context) error {
	tick := time.NewTicker(setHQEvery)
	defer tick.Stop()
	var held heldAbove
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_, known, _ := u.current()
		if v, news := held.next(known); news {
			u.store.SetHQ(v)
		}
	}
}

// heldAbove is what the store was told that headquarters holds.
type heldAbove struct {
	known *ship.Known
	told  time.Time
}

// next returns what the store is to be told now, if anything. What a headquarters held that the site has left is held by nobody.
func (h *heldAbove) next(known *ship.Known) (v journal.Vector, news bool) {
	if known != h.known {
		news = h.known != nil
		h.known, h.told, v = known, time.Time{}, journal.Vector{}
	}
	if known != nil && known.Moved().After(h.told) {
		h.told = known.Moved()
		return known.Held(), true
	}
	return v, news
}

// mayNow says whether this box is to send.
func (u *uplinks) mayNow() (bool, string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v := uplink.View{Part: uplink.Lone}
	if u.pair != nil {
		v.Part = partOf(u.pair.node.Mode())
		from := u.seen.at
		if from.IsZero() {
			from = u.seen.since
		}
		v.Heard, v.Report, v.Age = !u.seen.at.IsZero(), u.seen.report, time.Since(from)
	}
	sends, why := uplink.Decide(u.sends, v)
	u.sends = sends
	return sends, why
}

func partOf(m mode.Mode) uplink.Part {
	switch m {
	case mode.Leader, mode.Solo:
		return uplink.Leader
	case mode.Island:
		return uplink.Island
	case mode.Follower:
		return uplink.Follower
	}
	return uplink.Idle
}

// hearLeader asks the box that leads how its way to headquarters is, while this one follows.
func (u *uplinks) hearLeader(ctx context.Context) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	var asked time.Time // for what headquarters holds
	for {
		leader := u.pair.node.Status().Leader
		u.follows(leader)
		if leader != (mode.NodeID{}) && leader != u.pair.self.Node {
			whole := time.Since(asked) >= heldEvery
			if u.askLeader(ctx, leader, whole) && whole {
				asked = time.Now()
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// follows notes whom this box follows.
func (u *uplinks) follows(leader mode.NodeID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen.from != leader || u.seen.since.IsZero() {
		u.seen = heardReport{from: leader, since: time.Now()}
	}
}

func (u *uplinks) askLeader(ctx context.Context, leader mode.NodeID, whole bool) bool {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	question, err := json.Marshal(uplinkQuestion{Held: whole})
	if err != nil {
		return false
	}
	b, err := u.pair.wire.Request(ctx, leader, methodUplink, question)
	var answer uplinkReport
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	if err != nil {
		u.logger.LogAttrs(ctx, slog.LevelDebug, "the leader does not tell of its way to headquarters", slog.Any("err", err))
		return false
	}
	u.mu.Lock()
	if u.seen.from == leader {
		u.seen.report, u.seen.at = answer.Report, time.Now()
	}
	u.mu.Unlock()
	if len(answer.Held) > 0 {
		if v, err := journal.UnmarshalVector(answer.Held); err == nil {
			u.store.SetHQ(v)
		}
	}
	return true
}

// answerReport answers another box.
func (u *uplinks) answerReport(_ context.Context, _ mode.NodeID, body []byte) ([]byte, error) {
	var q uplinkQuestion
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, errors.New("the question cannot be read: update the older of the two boxes")
	}
	up, known, _ := u.current()
	if up == nil {
		return json.Marshal(uplinkReport{})
	}
	answer := uplinkReport{Report: up.Report()}
	if q.Held && !known.Moved().IsZero() {
		answer.Held = known.Held().Marshal()
	}
	return json.Marshal(answer)
}
