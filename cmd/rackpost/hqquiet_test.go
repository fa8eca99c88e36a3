package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestQuietHandshakes: a failed handshake is told to who looks for it alone, everything else as ever.
func TestQuietHandshakes(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var b bytes.Buffer
		l := slog.New(quietHandshakes{slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level})}).With("a", 1)
		slog.NewLogLogger(l.Handler(), slog.LevelWarn).Print(handshakeError + " from 192.0.2.1:5: EOF")
		if got := strings.Contains(b.String(), "192.0.2.1"); got != want {
			t.Errorf("at %v: %q", level, b.String())
		}
		l.Warn("something else")
		if !strings.Contains(b.String(), "something else") {
			t.Errorf("at %v: %q", level, b.String())
		}
	}
}
