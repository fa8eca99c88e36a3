package replicate

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// Of large entries so few are kept as fit into the file, which refuses more beyond its bound: nothing could be agreed on then.
const (
	trimBytes = 128 << 20
	trimEvery = time.Minute
	trimmedTo = 64 // entries
)

// trim has Raft cut its log short when that takes too many bytes. By itself Raft counts entries only.
func (n *Node) trim(now time.Duration) {
	log, ok := n.log.(interface{ Bytes() int64 })
	if !ok || now-n.trimmed < trimEvery {
		return
	}
	n.trimmed = now
	e, keep := n.running(), uint64(trailingLogs)
	large := log.Bytes() > cmp.Or(n.cfg.LogBytes, trimBytes)
	if large {
		keep = trimmedTo
	}
	if c := e.raft.ReloadableConfig(); c.TrailingLogs != keep {
		c.TrailingLogs = keep
		if err := e.raft.ReloadConfig(c); err != nil {
			e.fail(fmt.Errorf("change how much raft keeps: %w", err))
			return
		}
	}
	if !large {
		return
	}
	e.beside(func() {
		if err := e.answer(e.raft.Snapshot()); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
			n.cfg.Logger.Warn("the log of the pair is large, and was not cut short", slog.Any("error", err))
		}
	})
}
