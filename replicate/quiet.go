package replicate

import (
	"context"
	"io"
	"log"
	"log/slog"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// quietly is what Raft tells again and again while a member is away, which mode.Step tells once.
var quietly = []string{"failed to heartbeat", "failed to appendEntries", "failed to make", "failed to contact",
	"failed to pipeline", "failed to start pipeline", "Election timeout", "heartbeat timeout", "rejecting", "not part of stable", "newer term"}

// quiet returns a logger for Raft that says little.
func quiet(to *slog.Logger) hclog.Logger {
	return &raftLogger{Logger: hclog.NewNullLogger(), to: to.With(slog.String("part", "raft"))}
}

// raftLogger passes warnings and errors on to slog, but those that repeat, which are for debugging.
type raftLogger struct {
	hclog.Logger // what is not worth telling
	to           *slog.Logger
}

func (l *raftLogger) tell(level slog.Level, msg string, args []any) {
	for _, often := range quietly {
		if strings.Contains(msg, often) {
			level = slog.LevelDebug
		}
	}
	l.to.Log(context.Background(), level, msg, args...)
}

// Warn implements hclog.Logger.
func (l *raftLogger) Warn(msg string, args ...any) { l.tell(slog.LevelDebug, msg, args) }

// Error implements hclog.Logger.
func (l *raftLogger) Error(msg string, args ...any) { l.tell(slog.LevelWarn, msg, args) }

// With implements hclog.Logger.
func (l *raftLogger) With(args ...any) hclog.Logger { return &raftLogger{l.Logger, l.to.With(args...)} }

// Named implements hclog.Logger.
func (l *raftLogger) Named(string) hclog.Logger { return l }

// ResetNamed implements hclog.Logger.
func (l *raftLogger) ResetNamed(string) hclog.Logger { return l }

// StandardLogger implements hclog.Logger.
func (l *raftLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(io.Discard, "", 0)
}
