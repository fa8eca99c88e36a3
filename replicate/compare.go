package replicate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"strings"
	"time"

	"rackpost/replicate/mode"
)

// settleSum is how long a member may take to apply a mark.
const settleSum = 5 * time.Second

// compare has every member take the sum of what it holds at the same entry, and compares. They
// differ only when memory, disk or program failed.
func (n *Node) compare(ev mode.Event) {
	if !n.state.Authority || ev.Now-n.compared < n.cfg.Compare {
		return
	}
	n.compared = ev.Now
	e := n.running()
	var ask []mode.NodeID
	for _, m := range ev.Members {
		if m.Silent < time.Second && len(m.Servers) > 0 {
			ask = append(ask, m.Node)
		}
	}
	e.beside(func() {
		if len(ask) > 0 {
			n.compareWith(e.ctx, ask)
		}
	})
}

func (n *Node) compareWith(ctx context.Context, ask []mode.NodeID) {
	index, err := n.apply(ctx, entryMark, nil)
	if err != nil {
		n.cfg.Logger.Info("what is agreed on was not compared", slog.Any("error", err))
		return
	}
	wait := time.NewTimer(settleSum)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return
	case <-wait.C:
	}
	mine, ok := n.machine.sumAt(index)
	if !ok {
		return
	}
	var differ []string
	for _, id := range ask {
		theirs, ok := n.askSum(ctx, id, index)
		if ok && theirs != mine {
			differ = append(differ, id.Short())
		}
	}
	n.mu.Lock()
	n.diverge = strings.Join(differ, ", ")
	n.mu.Unlock()
	if len(differ) > 0 {
		n.cfg.Logger.Error("members hold different states of what they agreed on", slog.Any("members", differ), slog.Uint64("index", index))
	}
}

func (n *Node) askSum(ctx context.Context, id mode.NodeID, index uint64) (sha [sha256.Size]byte, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, settleSum)
	defer cancel()
	answer, err := n.cfg.Peers.Ask(ctx, id, binary.BigEndian.AppendUint64([]byte{askSum}, index))
	if err != nil || len(answer) != 1+sha256.Size || answer[0] != answerDone {
		return sha, false
	}
	return [sha256.Size]byte(answer[1:]), true
}
