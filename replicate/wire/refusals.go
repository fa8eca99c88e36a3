package wire

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"rackpost/replicate/mode"
)

// How many refusals are kept, and how often the same one is logged again.
const (
	mostRefusals = 64
	logEvery     = time.Hour
	strangerLog  = 10 * time.Second // between two lines about callers who proved nothing
)

// refusals are the last ones, the newest last. What happens again and again is one of them, and
// callers who proved nothing make room first.
type refusals struct {
	mu       sync.Mutex
	list     []Refusal
	logged   []time.Time // of each in list
	stranger time.Time   // when a line was last written about one
	logger   *slog.Logger
}

// add keeps a refusal and says whether it is the first of its kind.
func (r *refusals) add(n Refusal) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n.Count = 1
	var logged time.Time
	i := slices.IndexFunc(r.list, func(o Refusal) bool {
		return o.Node == n.Node && o.Address == n.Address && o.Path == n.Path && o.Protocol == n.Protocol && o.Reason == n.Reason && o.Theirs == n.Theirs
	})
	if first = i < 0; !first {
		n.Count += r.list[i].Count
		logged = r.logged[i]
	} else if len(r.list) >= mostRefusals {
		i = max(0, slices.IndexFunc(r.list, func(o Refusal) bool { return o.Node == mode.NodeID{} }))
	}
	if i >= 0 {
		r.list, r.logged = slices.Delete(r.list, i, i+1), slices.Delete(r.logged, i, i+1)
	}
	if n.At.Sub(logged) >= logEvery && r.may(n) {
		logged = n.At
		r.log(n)
	}
	r.list, r.logged = append(r.list, n), append(r.logged, logged)
	return first
}

func (r *refusals) may(n Refusal) bool {
	if n.Reason != Untrusted && n.Reason != Malformed || n.Theirs {
		return true
	}
	if n.At.Sub(r.stranger) < strangerLog {
		return false
	}
	r.stranger = n.At
	return true
}

func (r *refusals) log(n Refusal) {
	level := slog.LevelWarn
	if n.Reason == RaftStopped {
		level = slog.LevelInfo
	}
	logger := r.logger
	if n.Node != (mode.NodeID{}) {
		logger = logger.With("node", n.Node.String())
	}
	logger.Log(context.Background(), level, "pair connection refused", "by_other_side", n.Theirs, "reason", n.Reason.String(), "words", n.Words,
		"address", n.Address, "path", n.Path, "protocol", n.Protocol, "count", n.Count)
}

// newest returns what is kept, the newest first.
func (r *refusals) newest() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.list)
	slices.Reverse(list)
	return list
}
