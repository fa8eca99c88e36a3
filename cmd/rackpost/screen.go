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
)

const (
	redraw   = time.Second     // on a terminal
	reprint  = 5 * time.Second // elsewhere
	wideness = 80              // when the terminal does not tell
)

// screen shows what paint writes: drawn anew on a terminal, as lines of text elsewhere.
type screen struct {
	w       io.Writer
	fd      int // of the terminal; -1: w is none
	heading []string
	paint   func(context.Context, io.Writer) error
}

func newScreen(w io.Writer, heading []string, paint func(context.Context, io.Writer) error) *screen {
	return &screen{w: w, fd: terminalOf(w), heading: heading, paint: paint}
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
	if err := s.paint(ctx, &b); err != nil {
		return err
	}
	text := b.String()
	if s.fd >= 0 {
		columns, rows := s.size()
		text = frame(s.heading, text, columns, rows)
	}
	_, err := io.WriteString(s.w, text)
	return err
}

// frame makes what draws heading and text over the last ones. A line of the heading that is
// too long is broken by the terminal, since it is to be copied; one of the text is cut. The last lines of the
// heading give way to the text.
func frame(heading []string, text string, columns, rows int) string {
	var b strings.Builder
	b.WriteString("\x1b[H")
	tall := func(l string) int { return 1 + max(utf8.RuneCountInString(l)-1, 0)/columns }
	most := rows / 3
	for i, l := range heading {
		if most -= tall(l); most < 0 && i > 0 {
			break
		}
		rows -= tall(l)
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
