package api

import (
	"errors"
	"fmt"
	"net/http"
)

// ack notes how far a consumer has come. It informs, and keeps nothing from being dropped.
func (c *call) ack() error {
	var a Ack
	if err := c.body(&a); err != nil {
		return err
	}
	if c.who.name != "" {
		if a.Consumer != "" && a.Consumer != c.who.name {
			return refusal(http.StatusForbidden, fmt.Sprintf("the token is that of %q, and not of %q", c.who.name, a.Consumer), "leave consumer out: the token says who you are")
		}
		a.Consumer = c.who.name
	}
	if a.Consumer == "" {
		return badRequest("nobody is named, and there is no token", `write {"consumer": "NAME", "position": "..."}, or send the token`)
	}
	if err := c.checkPosition(a.Position); err != nil {
		return err
	}
	answer, err := c.api.Consumers.acknowledge(a.Consumer, a.Position)
	if errors.Is(err, ErrUnknownConsumer) {
		return notFound(err.Error(), nearestOf(a.Consumer, c.consumerNames()))
	}
	if err != nil {
		return err
	}
	return c.answer(answer)
}

// checkPosition says whether a position can be gone on from.
func (c *call) checkPosition(p Position) error {
	at, err := readCursor(string(p))
	if err != nil || p == "" {
		return badRequest(fmt.Sprintf("position: %.100q is none", p), "write what an answer of changes or snapshot gave as next")
	}
	q := ChangesQuery{After: at.after, Batches: 1, Bytes: 1}
	if at.seen != nil {
		q.Site, q.Streams, q.Seen = at.seen.site, at.seen.streams, at.seen.whole
	}
	_, err = c.api.Records.Changes(c.r.Context(), q)
	switch {
	case errors.Is(err, ErrPosition):
		return badRequest(fmt.Sprintf("position: %.100q is none", p), "write what an answer of changes or snapshot gave as next")
	case errors.Is(err, ErrGone):
		return (&changesCall{call: c}).gone(err)
	}
	return err
}

func (c *call) consumerNames() []string {
	var names []string
	for _, x := range c.api.Consumers.List() {
		names = append(names, x.Name)
	}
	return names
}

func (c *call) consumers() error {
	list := c.api.Consumers.List
	if c.who.all { // who asks from elsewhere does not have the boxes ask each other
		list = func() []Consumer { return c.api.Consumers.Newest(c.r.Context()) }
	}
	return c.answer(ConsumerList{append([]Consumer{}, list()...)})
}

const notNowAdvice = "who is there already goes on pulling; wait until the other box or the witness is back: rackpost pair status tells how the pair stands, and what a person can do"

func (c *call) addConsumer() error {
	var n NewConsumer
	if err := c.body(&n); err != nil {
		return err
	}
	token, err := c.api.Consumers.Add(c.r.Context(), n.Name, n.Scopes, n.Token)
	switch {
	case errors.Is(err, ErrNameTaken):
		return refusal(http.StatusConflict, err.Error(), "rackpost consumer list tells who is there")
	case errors.Is(err, ErrConsumer):
		return badRequest(err.Error(), "")
	case errors.Is(err, ErrNotNow):
		return refusal(http.StatusServiceUnavailable, err.Error(), notNowAdvice)
	case err != nil:
		return err
	}
	return c.answer(Token{n.Name, token})
}

func (c *call) removeConsumer() error {
	name := c.args.text("name")
	err := c.api.Consumers.Remove(c.r.Context(), name)
	switch {
	case errors.Is(err, ErrUnknownConsumer):
		return notFound(err.Error(), nearestOf(name, c.consumerNames()))
	case errors.Is(err, ErrNotNow):
		return refusal(http.StatusServiceUnavailable, err.Error(), notNowAdvice)
	}
	if err != nil {
		return err
	}
	return c.consumers()
}
