package replicate

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
)

// formerLogs is a Logs that keeps the log of a life that is given up until the next one is worth something: the box that
// has the rest may be lost in between. It gives nobody authority by itself: a person has to take over.
type formerLogs interface {
	// SetAside is Wipe, but the closed log is kept, in place of one that is.
	SetAside() error
	// Former opens the one that is kept, nil where there is none.
	Former() (Log, error)
	// Reinstate puts the closed former log in the place of the closed one.
	Reinstate() error
	// Forget removes what is kept.
	Forget() error
}

// renewer is a Log that can be given another life, from its next opening on.
type renewer interface{ Renew(life string) error }

// giveUp removes the closed log, or keeps it aside where it holds something and nothing is kept yet.
func (n *Node) giveUp(holds bool) error {
	logs, ok := n.cfg.Logs.(formerLogs)
	if !ok || !holds || n.former != "" {
		return n.cfg.Logs.Wipe()
	}
	life := n.log.Life()
	if err := logs.SetAside(); err != nil {
		n.cfg.Logger.Warn("what is given up cannot be kept until this member is caught up", slog.Any("error", err))
		return n.cfg.Logs.Wipe()
	}
	n.former = life
	return nil
}

// findFormer learns whether a log is kept aside, and finishes going back to it where a person ordered that and the process ended.
func (n *Node) findFormer() error {
	logs, ok := n.cfg.Logs.(formerLogs)
	if !ok {
		return nil
	}
	log, err := logs.Former()
	if err != nil || log == nil {
		n.former = ""
		return err
	}
	ordered, err := log.Get([]byte(keyTakeover))
	if err = errors.Join(err, log.Close()); err != nil {
		return fmt.Errorf("read what is kept of the life before: %w", err)
	}
	if n.former = log.Life(); len(ordered) != 16 {
		return nil
	}
	n.former = ""
	return logs.Reinstate()
}

// forget removes what is kept of the life before.
func (n *Node) forget() {
	n.former = ""
	err := n.cfg.Logs.(formerLogs).Forget()
	if err != nil {
		n.cfg.Logger.Warn("what was agreed on in an earlier life is not removed; the next start tries again", slog.Any("error", err))
		return
	}
	n.cfg.Logger.Info("this member is caught up: what it had agreed on in its life before is removed")
}

// goBack puts the former life's log in the place of this one, with the order to take over in it: opening it finishes that. It gets
// a new life, since the others know its old one as over, and loses nothing when it is broken off: the order comes last.
func (n *Node) goBack(ef mode.Effect) error {
	n.cfg.Logger.Warn("this box goes back to what it had agreed on in its life before", slog.String("life", n.former))
	if err := n.report(ef); err != nil {
		return err
	}
	if err := n.log.Close(); err != nil {
		return fmt.Errorf("close the raft log: %w", err)
	}
	logs := n.cfg.Logs.(formerLogs)
	former, err := logs.Former()
	if err == nil && former == nil {
		err = errors.New("it is gone")
	}
	if err != nil {
		return fmt.Errorf("open what is kept of the life before: %w", err)
	}
	if err := errors.Join(n.revive(former, ef.Generation), former.Close()); err != nil {
		return fmt.Errorf("go back to the life before: %w", err)
	}
	if err := n.machine.reset(); err != nil {
		return fmt.Errorf("forget what was agreed on: %w", err)
	}
	n.mu.Lock()
	n.saved = 0
	n.mu.Unlock()
	if err := n.open(); err != nil { // it finds the order
		return err
	}
	n.state, n.current = n.state.Anew(), false
	return nil
}

// revive gives a former log another life with the snapshots of the one it had, and writes the order to take over into it.
func (n *Node) revive(former Log, g mode.Generation) error {
	life := raftlog.NewLife()
	last, err := n.copySnapshots(former.Life(), life)
	if err != nil {
		return fmt.Errorf("copy its snapshots: %w", err)
	}
	log, err := former.LastIndex()
	if err != nil {
		return err
	}
	if r, ok := former.(renewer); ok {
		if err := r.Renew(life); err != nil {
			return err
		}
	}
	n.former = life
	if err := former.SetUint64([]byte(keyParted), max(log, last)); err != nil {
		return err
	}
	return former.Set([]byte(keyTakeover), packGeneration(g))
}

// copySnapshots copies the newest snapshot of one life to another, and returns its index; 0 where there is none.
func (n *Node) copySnapshots(from, to string) (uint64, error) {
	source, err := n.cfg.Snapshots(from)
	if err != nil {
		return 0, err
	}
	list, err := source.List()
	if err != nil || len(list) == 0 {
		return 0, err
	}
	meta, content, err := source.Open(list[0].ID)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	n.former = from // both are kept
	target, err := n.cfg.Snapshots(to)
	if err != nil {
		return 0, err
	}
	sink, err := target.Create(meta.Version, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, noTransport{})
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(sink, content); err != nil {
		return 0, errors.Join(err, sink.Cancel())
	}
	return meta.Index, sink.Close()
}

// noTransport encodes what a snapshot has for versions of Raft before this one.
type noTransport struct{ raft.Transport }

// EncodePeer implements raft.Transport.
func (noTransport) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
