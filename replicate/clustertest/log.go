package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// recorder keeps what the processes of a world log, with the world's time.
type recorder struct {
	w *World

	mu    sync.Mutex
	lines []string
}

// mostLines bounds what is kept.
const mostLines = 4000

func (r *recorder) handler(p *process) slog.Handler { return scribe{r, p.String()} }

func (r *recorder) add(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < mostLines {
		r.lines = append(r.lines, fmt.Sprintf("%8.3f ", time.Since(r.w.began).Seconds())+fmt.Sprintf(format, args...))
	}
}

// scribe is a process's part of a recorder. It implements slog.Handler.
type scribe struct {
	to  *recorder
	who string
}

func (s scribe) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelDebug }

func (s scribe) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&b, " %s", a); return true })
	s.to.add("%s %s%s", s.who, r.Message, b.String())
	return nil
}

func (s scribe) WithAttrs(list []slog.Attr) slog.Handler {
	for _, a := range list {
		s.who += " " + a.Value.String()
	}
	return s
}

func (s scribe) WithGroup(string) slog.Handler { return s }
