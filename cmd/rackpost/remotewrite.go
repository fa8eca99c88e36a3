package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/replicate/remotewrite"
	"rackpost/store"
	"rackpost/web"
)

// methodWrites asks the box that leads what it has written to the receivers.
const methodWrites = "remote-write"

// writesEvery is how often it is asked.
const writesEvery = 2 * time.Second

// writes are the receivers of remote write of this machine.
type writes struct {
	all    []*writer
	powers powers
	pair   *pairing // nil: none
	logger *slog.Logger
}

// writer writes to one receiver.
type writer struct {
	*remotewrite.Sender
	name    string
	id      string // the same on both boxes of a pair
	writing atomic.Bool
}

// openWrites makes what writes to the receivers of a configuration. places tells of a site.
func openWrites(box boxConfig, s *store.Store, places func(journal.ID) (remotewrite.Place, bool), pair *pairing, p powers, logger *slog.Logger) (*writes, error) {
	w := &writes{powers: p, pair: pair, logger: logger}
	folder := filepath.Join(box.data, "remote-write")
	for _, c := range box.writes {
		if c.unread.line > 0 {
			return nil, problem{c.unread, "the secret cannot be read: this process has no such credential; write LoadCredential=NAME:PATH into the systemd unit, or {file: PATH}"}
		}
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return nil, err
		}
		t, err := c.tls()
		if err != nil {
			return nil, fmt.Errorf("remote_write %s: %w", c.name, err)
		}
		sum := sha256.Sum256(fmt.Append(nil, c.url, "\n", c.headers))
		x := &writer{name: c.name, id: fmt.Sprintf("%x", sum[:8])}
		x.Sender, err = remotewrite.New(remotewrite.Config{
			URL: c.url, Protocol: c.protocol, InOrder: c.inOrder, Window: c.window, Bearer: c.bearer, User: c.user, Password: c.password,
			Headers: c.headers, Labels: c.labels, TLS: t, File: filepath.Join(folder, x.id), Shared: pair != nil,
			Journal: writtenJournal{s}, Counted: countedReadings{s}, Places: places, Logger: logger.With("receiver", c.name),
		})
		if err != nil {
			return nil, fmt.Errorf("remote_write %s: %w", c.name, err)
		}
		w.all = append(w.all, x)
	}
	return w, nil
}

// Run writes while this machine has the authority to, until ctx ends.
func (w *writes) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, x := range w.all {
		group.Go(func() error {
			return w.powers.While(ctx, mode.Configure, func(ctx context.Context) error {
				x.writing.Store(true)
				defer x.writing.Store(false)
				return x.Run(ctx)
			})
		})
	}
	if w.pair != nil {
		w.pair.wire.Handle(methodWrites, w.answerWritten)
		if len(w.all) > 0 {
			group.Go(func() error { return w.follow(ctx) })
		}
	}
	return group.Wait()
}

// answerWritten tells another box what was written.
func (w *writes) answerWritten(context.Context, mode.NodeID, []byte) ([]byte, error) {
	out := map[string][]byte{}
	for _, x := range w.all {
		out[x.id] = x.Done().Marshal()
	}
	return json.Marshal(out)
}

// follow keeps this box ready to go on where the one that leads is.
func (w *writes) follow(ctx context.Context) error {
	tick := time.NewTicker(writesEvery)
	defer tick.Stop()
	for {
		if leader := w.pair.node.Status().Leader; leader != (mode.NodeID{}) && leader != w.pair.self.Node {
			if err := w.ask(ctx, leader); err != nil {
				w.logger.Debug("the leader does not tell what it has written", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *writes) ask(ctx context.Context, leader mode.NodeID) error {
	asking, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	b, err := w.pair.wire.Request(asking, leader, methodWrites, nil)
	if err != nil {
		return err
	}
	var written map[string][]byte
	if err := json.Unmarshal(b, &written); err != nil {
		return err
	}
	for _, x := range w.all {
		if written[x.id] == nil {
			continue
		}
		v, err := journal.UnmarshalVector(written[x.id])
		if err != nil {
			return err
		}
		x.Join(v)
		if err := errors.Join(x.Skim(ctx), x.Save()); err != nil {
			return err
		}
	}
	return nil
}

// glance tells of all receivers.
func (w *writes) glance() (out []web.RemoteWrite) {
	if w == nil {
		return nil
	}
	for _, x := range w.all {
		out = append(out, x.glance(time.Now()))
	}
	return out
}

func (x *writer) glance(now time.Time) web.RemoteWrite {
	s := x.Status()
	r := web.RemoteWrite{
		Name: x.name, URL: s.URL, Writing: x.writing.Load(), Protocol: string(s.Protocol), Fallback: s.Fallback, Accepted: s.Accepted, Behind: s.Behind.Oldest,
		Samples: s.Samples, Bytes: s.Bytes, Requests: s.Requests, Problem: s.Held + s.Failure, Since: s.Since, Missing: []web.RemoteWriteMissing{},
	}
	if !s.Live.Reached.IsZero() {
		lag := 0.0
		if !s.Live.Oldest.IsZero() {
			lag = now.Sub(s.Live.Reached).Seconds()
		}
		r.Lag = &lag
	}
	if s.Clock {
		ms := s.Offset.Milliseconds()
		r.OffsetMS = &ms
	}
	for _, m := range s.Refused {
		r.Missing = append(r.Missing, web.RemoteWriteMissing{Reason: string(m.Reason), Samples: m.Samples, First: m.First, Last: m.Last, At: m.At, Words: m.Words})
	}
	return r
}

// place is what the labels say of this box's site.
func (a *appliance) place(site journal.ID) (p remotewrite.Place, ok bool) {
	at := a.site.Load()
	if site != at.id {
		return p, false
	}
	p = remotewrite.Place{Site: at.name, Devices: map[hw.DeviceID]remotewrite.Device{}}
	for _, w := range at.devices {
		d := w.Target.Device
		p.Devices[d.ID] = remotewrite.Device{Customer: hw.Clean(d.Customer), Rack: hw.Clean(d.Rack)}
	}
	return p, true
}

// place is what the labels say of a site, by its journal.
func (h *headquarters) place(site journal.ID) (p remotewrite.Place, ok bool) {
	views := h.store.DevicesOf(site)
	p = remotewrite.Place{Site: h.nameOf(site), Devices: map[hw.DeviceID]remotewrite.Device{}}
	for _, v := range views {
		if a := toldConfiguration(v.Facts); a != nil {
			p.Devices[v.ID] = remotewrite.Device{Customer: a.Get(configuredCustomer), Rack: a.Get(configuredRack)}
		}
	}
	return p, len(p.Devices) > 0
}

// writtenJournal is a store as remote write reads it.
type writtenJournal struct{ store *store.Store }

// Head implements remotewrite.Journal.
func (j writtenJournal) Head(ctx context.Context) remotewrite.Position {
	_, head := j.store.Ends(ctx)
	return writtenPosition(head)
}

// Watch implements remotewrite.Journal.
func (j writtenJournal) Watch() <-chan struct{} { return j.store.Watch() }

// Changes implements remotewrite.Journal.
func (j writtenJournal) Changes(ctx context.Context, after, until remotewrite.Position, limit int) (out remotewrite.Changes, err error) {
	q := store.ChangesQuery{Streams: []journal.Stream{journal.Samples}, Bytes: limit}
	if q.After, err = parseWritten(after); err != nil {
		return out, err
	}
	if q.Until, err = parseWritten(until); err != nil {
		return out, err
	}
	got, err := j.store.Changes(ctx, q)
	if errors.Is(err, store.ErrTrimmed) || errors.Is(err, store.ErrOtherLife) {
		err = fmt.Errorf("%w: %w", remotewrite.ErrGone, err)
	}
	if err != nil {
		return out, err
	}
	out = remotewrite.Changes{Batches: got.Batches, Behind: make([]remotewrite.Position, len(got.Behind)), Next: writtenPosition(got.Next), Head: writtenPosition(got.Head)}
	for i, p := range got.Behind {
		out.Behind[i] = writtenPosition(p)
	}
	if until != "" && got.Next.Segment == q.Until.Segment && got.Next.Row == q.Until.Row { // its checksum may be gone with its batch
		out.Next = until
	}
	return out, nil
}

func writtenPosition(p store.Position) remotewrite.Position {
	if p == (store.Position{}) {
		return ""
	}
	return remotewrite.Position(p.String())
}

func parseWritten(p remotewrite.Position) (store.Position, error) {
	if p == "" {
		return store.Position{}, nil
	}
	at, err := store.ParsePosition(string(p))
	if err != nil {
		err = fmt.Errorf("%w: %w", remotewrite.ErrGone, err)
	}
	return at, err
}

// countedReadings are the readings of a store.
type countedReadings struct{ store *store.Store }

// besideIsland is how far around an island's visits is looked for those of the others: a few of their periods.
const besideIsland = 20 * time.Minute

// Counted implements remotewrite.Counted.
func (c countedReadings) Counted(ctx context.Context, site journal.ID, device hw.DeviceID, from, to time.Time, fn func(component, sensor string, at time.Time)) error {
	return c.store.Series(ctx, store.SeriesQuery{Site: site, Device: device, From: from.Add(-besideIsland), To: to.Add(besideIsland)}, func(p store.Point) error {
		if p.Mode == journal.Island && p.At >= from.UnixMilli() && p.At <= to.UnixMilli() {
			fn(p.Component, p.Sensor, time.UnixMilli(p.At))
		}
		return nil
	})
}

// gapTold is for how long a gap at a receiver is told of in words; -json tells of it for ever.
const gapTold = 7 * 24 * time.Hour

// writeLines tell of the receivers of remote write, a line each, and of every gap there.
func writeLines(all []web.RemoteWrite, now time.Time) string {
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "remote write: %s\n", plain(r.Line(now)))
		gaps := slices.Clone(r.Missing)
		slices.SortFunc(gaps, func(a, b web.RemoteWriteMissing) int { return b.At.Compare(a.At) })
		for _, m := range gaps {
			if now.Sub(m.At) > gapTold {
				continue
			}
			fmt.Fprintf(&b, "note: %s: %s\n", plain(r.Name), plain(m.Line()))
		}
	}
	return b.String()
}
