package clustertest

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

// flushAfter is how long a report waits for others to be written with.
const flushAfter = time.Second

// reading is what one visit of a device brought.
type reading struct {
	by     uint64 // the process that made it
	number uint64
}

// site is the one all records here are of.
func site() journal.ID { return journal.ID{'s', 'i', 't', 'e'} }

// keeper is a process's journal: what it acknowledges is on the disk, and goes to the other box.
type keeper struct {
	p     *process
	store *shiptest.Store
	turn  chan struct{} // held by who writes: a bubble's clock stands still while a goroutine waits for a mutex
	line  *ship.Line
	wake  chan struct{}

	mu      sync.Mutex
	waiting []report
}

type report struct {
	what  reading
	taken chan error
}

func newKeeper(p *process) *keeper {
	k := &keeper{p: p, store: p.disk.journal, turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	k.line = ship.New(k.shared(), ship.Options{Site: site(), Origin: k.store.Origin(), Logger: slog.New(slog.DiscardHandler)})
	return k
}

// shared is the store as the line sees it.
func (k *keeper) shared() ship.Store { return &shared{Store: k.store, k: k} }

type shared struct {
	*shiptest.Store
	k *keeper
}

// Merge is ship's.
func (s *shared) Merge(ctx context.Context, list []journal.Batch) error {
	return s.k.alone(func() error { return s.Store.Merge(ctx, list) })
}

// Join is ship's.
func (s *shared) Join(ctx context.Context, raw []byte) error {
	return s.k.alone(func() error { return s.Store.Join(ctx, raw) })
}

func (k *keeper) alone(f func() error) error {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	if !k.p.alive() {
		return shiptest.ErrCrashed
	}
	return f()
}

// room says whether another visit may be made: a poller keeps one report a device.
func (k *keeper) room() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.waiting) < 4
}

// put returns when the reading is on the disk, or was refused.
func (k *keeper) put(ctx context.Context, r reading) error {
	one := report{r, make(chan error, 1)}
	k.mu.Lock()
	k.waiting = append(k.waiting, one)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-one.taken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-k.p.dead:
		return shiptest.ErrCrashed
	}
}

// run writes what waits.
func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-k.wake:
		case <-ctx.Done():
			return
		}
		if !pause(flushAfter, ctx.Done()) {
			return
		}
		k.mu.Lock()
		list := k.waiting
		k.waiting = nil
		k.mu.Unlock()
		var body []byte
		for _, r := range list {
			body = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(body, r.what.by), r.what.number)
		}
		err := k.alone(func() error {
			_, err := k.store.Write(ctx, journal.Samples, k.p.w.wall(k.p.who).UnixMilli(), journal.Leader, body, len(list))
			return err
		})
		if k.p.alive() {
			for _, r := range list {
				r.taken <- err
			}
		}
		if errors.Is(err, errDisk) {
			k.p.fail(err)
			return
		}
	}
}

// call keeps a connection to the other box.
func (k *keeper) call(ctx context.Context) {
	p := k.p
	for pause(500*time.Millisecond, ctx.Done()) {
		peer := p.w.running(boxB)
		by := p.wire.best(boxB)
		if peer == nil || p.stopped() || peer.stopped() || !p.w.net.open(boxA, boxB, by) {
			continue
		}
		mine, yours := p.w.streams(boxA, boxB, by)
		if !peer.spawn(func(ctx context.Context) { peer.keeper.serve(ctx, yours) }) {
			_ = yours.Close()
		}
		k.serve(ctx, mine)
	}
}

func (k *keeper) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.p.w.loose.Go(func() {
		select {
		case <-k.p.dead:
			cancel()
			_ = c.Close()
		case <-ctx.Done():
		}
	})
	_ = k.line.Run(ctx, c)
}

// readings says how often each reading is in a journal.
func readings(s *shiptest.Store) (map[reading]int, error) {
	var pack journal.Compressor
	count := map[reading]int{}
	for _, raw := range s.Content() {
		b, err := journal.ParseBatch([]byte(raw))
		if err != nil {
			return nil, err
		}
		body, err := pack.Body(&b)
		if err != nil {
			return nil, err
		}
		for ; len(body) >= 16; body = body[16:] {
			count[reading{binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:])}]++
		}
	}
	return count, nil
}
