package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/collectors/redfish"
	"rackpost/web"
)

// visitProgress tells on a terminal, in one line that is drawn anew, how long something takes, and how far a visit is: it is the
// handler of the visit's log, where a server's requests are told.
type visitProgress struct {
	w       io.Writer
	columns int
	doing   string // visiting 192.0.2.30
	started time.Time

	mu       sync.Mutex
	requests int
	now      string // what is asked for
}

// newVisitProgress returns nil where nobody looks: w is no terminal.
func newVisitProgress(w io.Writer, doing string) *visitProgress {
	fd := terminalOf(w)
	if fd < 0 {
		return nil
	}
	columns := wideness
	if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil && size.Col > 0 {
		columns = int(size.Col)
	}
	return &visitProgress{w: w, columns: columns, doing: doing, started: time.Now()}
}

// terminalOf returns the descriptor of the terminal that w is, else -1.
func terminalOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return -1
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return -1
	}
	return int(f.Fd())
}

// logger is what the visit logs to.
func (p *visitProgress) logger() *slog.Logger {
	if p == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(p)
}

// watch draws until the returned function is called, which leaves the line empty.
func (p *visitProgress) watch() (stop func()) {
	if p == nil {
		return func() {}
	}
	done, joined := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(joined)
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-done:
				fmt.Fprint(p.w, "\r\x1b[K")
				return
			case now := <-tick.C:
				fmt.Fprint(p.w, "\r"+p.line(now.Sub(p.started))+"\x1b[K")
			}
		}
	}()
	return func() { close(done); <-joined }
}

// line is one line that fits the terminal.
func (p *visitProgress) line(took time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%s: %s", p.doing, web.Ago(took))
	if p.requests > 0 {
		text += fmt.Sprintf(", %d %s, now %s", p.requests, plural(p.requests, "request", "requests"), plain(p.now))
	}
	if r := []rune(text); len(r) >= p.columns {
		text = string(r[:max(p.columns-1, 0)])
	}
	return text
}

// Enabled implements slog.Handler.
func (p *visitProgress) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (p *visitProgress) Handle(_ context.Context, r slog.Record) error {
	if r.Message != redfish.Asks {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "path" {
			p.now = strings.TrimPrefix(a.Value.String(), "/redfish/v1/")
		}
		return a.Key != "path"
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (p *visitProgress) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup implements slog.Handler.
func (p *visitProgress) WithGroup(string) slog.Handler { return p }
