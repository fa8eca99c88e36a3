package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/store"
)

// slowJournal is a journal whose disk takes its time.
type slowJournal struct {
	*stage
	said func() // after what is intended was written
}

func (j slowJournal) Say(ctx context.Context, facts []hw.Fact) error {
	err := j.stage.Say(ctx, facts)
	if j.said != nil {
		j.said()
	}
	return err
}

// TestAuthorityLostBeforeTheDeed: who may act no more when what is intended is at last written tells the device nothing.
func TestAuthorityLostBeforeTheDeed(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(b *book, powerless func()){
		"no quorum": func(b *book, _ func()) { b.set(func() { b.barred = errors.New("another box leads") }) },
		"no power":  func(_ *book, powerless func()) { powerless() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, b := newStage(t), newBook()
				ctx, cancel := context.WithCancel(t.Context())
				j := &slowJournal{stage: s}
				a := newActs(j, s, s, slog.New(slog.DiscardHandler))
				a.ledger = b
				a.ready.Store(false)
				done := make(chan error, 1)
				go func() { done <- (&appliance{acts: a}).act(ctx) }()
				synctest.Wait()
				j.said = func() { j.said = nil; lose(b, cancel); synctest.Wait() }
				got, err := a.Locate(t.Context(), "engineer", "srv-1", "drive/1", true, time.Minute)
				if err != nil || got.Phase != hw.ActFailed {
					t.Errorf("it ended as %+v, %v", got, err)
				}
				if _, told, _ := s.heard(); len(told) > 0 {
					t.Errorf("the device was told %q", told)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestActEndsWithThePower: an act under way ends when the box may not act any more.
func TestActEndsWithThePower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		ctx, cancel := context.WithCancel(t.Context())
		s.do = func(ctx context.Context, _ hw.Action) error { cancel(); <-ctx.Done(); return ctx.Err() }
		a := newActs(s, s, s, slog.New(slog.DiscardHandler))
		a.ledger = b
		done := make(chan error, 1)
		go func() { done <- (&appliance{acts: a}).act(ctx) }()
		synctest.Wait()
		if got, err := a.Locate(t.Context(), "engineer", "srv-1", "drive/1", true, time.Minute); err != nil || got.Phase != hw.ActUnknown {
			t.Errorf("it ended as %+v, %v", got, err)
		}
		if took := time.Since(s.begun); took > 0 {
			t.Errorf("it went on for %v without the power", took)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestDamagedControl: a box whose part of what is agreed on is damaged begins that part anew.
func TestDamagedControl(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logs := raftLogs(dir, pairCuts{}, slog.New(slog.DiscardHandler))
	open := func() string {
		l, err := logs.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}()
		return l.Life()
	}
	life, path := open(), filepath.Join(dir, controlFile)
	if err := os.WriteFile(path, []byte(strings.Repeat("no log of Raft", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if open() == life {
		t.Error("it has the life that was damaged")
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Error(err)
	}
}

// disks is a journal with what is said of others' disks.
type disks struct {
	own  journal.ID
	lost []journal.ID
	fail error
}

func (d *disks) Origin() journal.ID { return d.own }

func (d *disks) Retired() (out []store.Retirement) {
	for _, id := range d.lost {
		out = append(out, store.Retirement{Origin: id})
	}
	return out
}

func (d *disks) Retire(_ context.Context, origin journal.ID, on bool, _, _ string) error {
	if d.fail == nil && !on {
		d.lost = slices.DeleteFunc(slices.Clone(d.lost), func(id journal.ID) bool { return id == origin })
	}
	return d.fail
}

// TestReturnedDisk: a box that is in the pair again is waited for again, whatever was said of its disk.
func TestReturnedDisk(t *testing.T) {
	t.Parallel()
	own, back, gone := journal.ID{1}, journal.ID{2}, journal.ID{3}
	d := &disks{own: own, lost: []journal.ID{own, back, gone}, fail: errors.New("the disk is full")}
	members := []control.Member{{Name: "a", Origin: own.String()}, {Name: "b", Origin: back.String()}, {Name: "w", Role: mode.Witness}}
	if err := unretire(t.Context(), d, members, "a"); err == nil {
		t.Error("that nothing was written is not told")
	}
	d.fail = nil
	if err := unretire(t.Context(), d, members, "a"); err != nil || !slices.Equal(d.lost, []journal.ID{own, gone}) {
		t.Errorf("lost are %v: %v", d.lost, err)
	}
}

// TestStuckNode: a part of the pair that stands still is not alive.
func TestStuckNode(t *testing.T) {
	t.Parallel()
	for still, alive := range map[time.Duration]bool{0: true, time.Second: true, maxWait: true, maxWait + 1: false} {
		if err := stuckNode(still); (err == nil) != alive {
			t.Errorf("after %v: %v", still, err)
		}
	}
	if w := takenBy("a\x00"+strings.Repeat("ü", 200), "why"); len(w.who) > 2*maxWho || !strings.HasPrefix(w.who, "a") || w.why != "why" {
		t.Errorf("taken by %q because of %q", w.who, w.why)
	}
}
