package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"rackpost/web"
)

const (
	redraw   = time.Second     // on a terminal
	reprint  = 5 * time.Second // elsewhere
	wideness = 80              // when the terminal does not tell
)

// screen shows the state of an appliance: a table drawn anew on a terminal, lines of text
// elsewhere.
type screen struct {
	w       io.Writer
	fd      int // of the terminal; -1: w is none
	heading []string
	source  web.Source
}

func newScreen(w io.Writer, heading []string, source web.Source) *screen {
	return &screen{w: w, fd: terminalOf(w), heading: heading, source: source}
}

// Run draws until ctx ends.
func (s *screen) Run(ctx context.Context) error {
	every := reprint
	if s.fd >= 0 {
		every = redraw
		fmt.Fprint(s.w, "\x1b[2J")
	} else {
		fmt.Fprintln(s.w, strings.Join(s.heading, "\n"))
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := s.draw(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return s.draw(context.WithoutCancel(ctx)) // how it was at the end
		case <-tick.C:
		}
	}
}

func (s *screen) draw(ctx context.Context) error {
	var b bytes.Buffer
	devices, err := s.source.Devices(ctx)
	if err != nil {
		return err
	}
	status, err := s.source.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n%s\n", status.Time.Format(time.TimeOnly))
	if err := printDevices(&b, devices, false); err != nil {
		return err
	}
	fmt.Fprintf(&b, "journal: %s, %d samples\n", web.Bytes(status.Journal.Bytes), status.Journal.Samples)
	text := b.String()
	if s.fd >= 0 {
		columns, rows := s.size()
		text = frame(s.heading, text, columns, rows)
	}
	_, err = io.WriteString(s.w, text)
	return err
}

// frame makes what draws heading and text over the last ones. A line of the heading that is
// too long is broken by the terminal, since it is to be copied; one of the text is cut.
func frame(heading []string, text string, columns, rows int) string {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for _, l := range heading {
		rows -= 1 + max(utf8.RuneCountInString(l)-1, 0)/columns
		b.WriteString(l + "\x1b[K\n")
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, l := range lines[:min(len(lines), max(rows-1, 1))] {
		if r := []rune(l); len(r) > columns {
			l = string(r[:columns])
		}
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	return b.String()
}

func (s *screen) size() (columns, rows int) {
	w, err := unix.IoctlGetWinsize(s.fd, unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return wideness, 24
	}
	return int(w.Col), int(w.Row)
}
