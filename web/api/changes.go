package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rackpost/hw/journal"
	"rackpost/web"
)

// The bounds of an answer of records. What they cut off the next answer has.
const (
	maxWait     = time.Minute
	maxPlain    = 16 << 20 // bytes, before they are packed
	maxMaking   = 20 * time.Second
	pageBatches = 1000
	pageBytes   = 256 << 10
	// wakeEvery is how soon a waiting request looks again: headquarters hears something all the time.
	wakeEvery = 100 * time.Millisecond
	// maxSnapshots is how many snapshots are read at once: each has the registers of one site in memory.
	maxSnapshots = 8
)

// streamNames are the streams that can be asked for.
var streamNames = []string{journal.Facts.String(), journal.Samples.String(), journal.Logs.String()}

// changesCall is one answer of records being made.
type changesCall struct {
	*call
	out     *stream
	visits  visitWriter
	line    []byte
	site    journal.ID
	streams []journal.Stream
	limit   int // records that may still come
	plain   int // bytes that may still come
	until   time.Time
	found   bool
	alone   bool // the position cannot tell what its reader has
}

func (c *call) changes() error {
	site, err := c.site()
	if err != nil {
		return err
	}
	at, err := readCursor(c.args.text("after"))
	if err != nil {
		return positionProblem(c.args.text("after"))
	}
	out, err := c.stream(asLines)
	if err != nil {
		return err
	}
	x := &changesCall{call: c, out: out, visits: visitWriter{pack: &c.api.pack, spelling: c.api.spelling}, site: site,
		limit: c.args.whole("limit"), plain: maxPlain, until: time.Now().Add(maxMaking)}
	for _, s := range c.args.words("streams") {
		x.streams = append(x.streams, journal.Stream(1+slices.Index(streamNames, s)))
	}
	x.alone = site == (journal.ID{})
	wait := c.args.duration("wait")
	c.allow(wait + maxMaking + blockTime)
	var patience <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		patience = t.C
	}
	for {
		changed := c.api.Records.Watch(site)
		var last Changes
		if at, last, err = x.page(at); err != nil {
			return x.gone(err)
		}
		atHead := at.taken == 0 && at.after == last.Head
		if x.full() || atHead && (x.found || wait == 0 || !x.pause(changed, patience)) {
			return x.end(Trailer{Position(at.String()), last.Head, last.Oldest, !atHead})
		}
	}
}

// pause waits for something to come. false: it was waited long enough, or nobody waits any more.
func (x *changesCall) pause(changed <-chan struct{}, patience <-chan time.Time) bool {
	select {
	case <-changed:
	case <-patience:
		return false
	case <-x.r.Context().Done():
		return false
	}
	x.until = time.Now().Add(maxMaking)
	select {
	case <-time.After(wakeEvery):
		return true
	case <-x.r.Context().Done():
		return false
	}
}

// full says whether a bound of the answer is reached.
func (x *changesCall) full() bool { return x.limit <= 0 || x.plain <= 0 || !time.Now().Before(x.until) }

// page writes what comes next behind at and returns where that ends.
func (x *changesCall) page(at cursor) (cursor, Changes, error) {
	q := ChangesQuery{After: at.after, Site: x.site, Streams: x.streams, Batches: min(pageBatches, x.limit), Bytes: pageBytes}
	had := at.seen
	if had != nil {
		if at.seen, _ = had.of(x.site, x.streams); at.seen != nil {
			q.Seen = at.seen.whole
		}
	}
	q.Tell = at.seen == nil && !x.alone
	got, err := x.api.Records.Changes(x.r.Context(), q)
	if err != nil {
		return at, got, err
	}
	if q.Tell {
		if x.alone = got.Before == nil; !x.alone {
			at.seen = newSeen(x.site, x.streams, got.Before, had)
		}
	}
	for i := range got.Batches {
		b, behind := &got.Batches[i], got.Behind[i]
		taken, whole, err := x.batch(b, at.skips(b.Key, behind))
		if err != nil {
			return at, got, err
		}
		if !whole {
			at.stop(b.Key, taken, behind)
			return at, got, nil
		}
		at.pass(b.Key, behind)
		if x.full() && i < len(got.Batches)-1 {
			return at, got, nil
		}
	}
	at.after, at.taken, at.of = got.Next, 0, ""
	return at, got, nil
}

var errEnough = errors.New("enough")

// batch writes the records of b but the first skip ones, and returns how many of it have been taken, and whether that is all.
func (x *changesCall) batch(b *journal.Batch, skip uint32) (taken uint32, whole bool, err error) {
	body, err := x.api.pack.Body(b)
	if err != nil {
		l := lineOf(b, 0, "unread")
		l.Reason, l.Bytes = err.Error(), b.Bytes
		if skip == 0 {
			err = x.write(l)
		}
		return 1, true, err
	}
	err = journal.Records(body, func(r journal.Record) error {
		if r.Index < skip {
			return nil
		}
		if x.full() {
			return errEnough
		}
		taken = r.Index + 1
		if r.Type == journal.TypeVisit {
			line, err := x.visits.append(x.line[:0], b, r)
			x.line = line
			if err == nil {
				return x.send(line)
			}
			return x.write(unread(b, r, err))
		}
		return x.write(readLine(b, r))
	})
	if errors.Is(err, errEnough) {
		return max(taken, skip), false, nil
	}
	if errors.Is(err, journal.ErrCorrupt) { // what comes before it was written; the store counted it when it came
		err = nil
	}
	return taken, true, err
}

func (x *changesCall) write(l Line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return x.send(append(b, '\n'))
}

func (x *changesCall) send(line []byte) error {
	x.found, x.limit, x.plain = true, x.limit-1, x.plain-len(line)
	_, err := x.out.Write(line)
	return err
}

// end writes the last line. Who is at the head stands where next says: they are told as one text.
func (x *changesCall) end(t Trailer) error {
	if !t.More {
		t.Head = t.Next
	}
	b, err := json.Marshal(t)
	if err == nil {
		_, err = x.out.Write(append(b, '\n'))
	}
	return errors.Join(err, x.out.end())
}

// gone makes an answer of an error about a position.
func (x *changesCall) gone(err error) error {
	switch {
	case errors.Is(err, ErrPosition):
		return positionProblem(x.args.text("after"))
	case !errors.Is(err, ErrGone):
		return err
	}
	address := "/api/v1/snapshot"
	if named := x.args.text("site"); named != "" {
		address += "?site=" + url.QueryEscape(named)
	}
	oldest, _ := x.api.Records.Ends(x.r.Context())
	p := web.Problem{Error: ErrGone.Error(), Hint: "get " + address + ", put it in place of what you know, and go on from its next; after=" + string(oldest) + " gives what is still here"}
	return &refused{code: http.StatusGone, Problem: p, body: Gone{p, oldest, address}}
}

func positionProblem(s string) error {
	return badRequest(fmt.Sprintf("after: %.100q is no position", s), "write what an earlier answer gave as next, or leave it out for all there is")
}

// snapshot writes every register, and the position to go on from.
func (c *call) snapshot() error {
	site, err := c.site()
	if err != nil {
		return err
	}
	end, err := c.api.bounds.tell(c.who.name)
	if err != nil {
		return err
	}
	defer end()
	leave, err := c.take(c.api.snaps)
	if err != nil {
		return err
	}
	defer leave()
	out, err := c.stream(asLines)
	if err != nil {
		return err
	}
	x := &changesCall{call: c, out: out}
	c.allow(maxMaking + blockTime)
	next, err := c.api.Registers.Snapshot(c.r.Context(), site, func(r Register) error {
		l := Line{
			Site: r.Site.String(), Origin: r.Order.Origin.String(), Incarnation: r.Order.Incarnation.String(), Stream: journal.Facts.String(),
			Seq: r.Order.Seq, Index: r.Order.Index, Turn: r.Order.Turn, Mode: r.Mode.String(), Type: "register", Yields: !r.Shown,
		}
		l.fact(r.Fact)
		return x.write(l)
	})
	if err != nil {
		return err
	}
	oldest, head := c.api.Records.Ends(c.r.Context())
	at := cursor{after: next}
	if site != (journal.ID{}) {
		got, err := c.api.Records.Changes(c.r.Context(), ChangesQuery{After: next, Site: site, Batches: 1, Bytes: 1, Tell: true})
		if err != nil {
			return err
		}
		if got.Before != nil {
			at.seen = newSeen(site, nil, got.Before, nil)
		}
	}
	return x.end(Trailer{Position(at.String()), head, oldest, next != head})
}
