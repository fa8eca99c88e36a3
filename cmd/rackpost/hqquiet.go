package main

import (
	"context"
	"log/slog"
	"strings"
)

// quietHandshakes keeps what net/http says of every handshake that fails out of the log of a public port, but for who looks for it: whoever
// scans it, and a site that gave a call up because another one was quicker, would fill the log.
type quietHandshakes struct{ slog.Handler }

const handshakeError = "http: TLS handshake error"

// Handle implements slog.Handler.
func (q quietHandshakes) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, handshakeError) {
		if r.Level = slog.LevelDebug; !q.Enabled(ctx, slog.LevelDebug) {
			return nil
		}
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q quietHandshakes) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandshakes{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quietHandshakes) WithGroup(name string) slog.Handler {
	return quietHandshakes{q.Handler.WithGroup(name)}
}
