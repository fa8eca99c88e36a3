package api

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/klauspost/compress/zstd"
)

// stream writes a long answer, packed as the client takes it.
type stream struct {
	io.Writer
	packer io.WriteCloser // nil: not packed
	buffer *bufio.Writer
	late   *late
}

// The bounds of a long answer.
const (
	streamBuffer = 64 << 10 // so much is made before the answer begins
	// blockTime is how long a client may take for what fills the buffer once.
	blockTime = 30 * time.Second
	// leastPacked is how long an answer of one object is before it is packed.
	leastPacked = 1 << 10
)

// pace is how long an answer may last in all: a client that reads slowly must not keep the others out.
type pace struct {
	turn    time.Duration // that every answer has
	slowest int           // and so many bytes a second, before packing, of one that is not read in a turn
	longest time.Duration // of any
}

func usualPace() pace { return pace{turn: maxTurn, slowest: 64 << 10, longest: 15 * time.Minute} }

// of is how long an answer may last of which so much was made.
func (p pace) of(plain int) time.Duration {
	return min(p.turn+time.Duration(float64(plain)/float64(p.slowest)*float64(time.Second)), p.longest)
}

// Write implements io.Writer.
func (s *stream) Write(b []byte) (int, error) {
	s.late.c.plain += len(b)
	return s.Writer.Write(b)
}

// late begins the answer with the first bytes: until then an error can still be told.
type late struct {
	c      *call
	header func(http.Header)
}

// Write implements io.Writer.
func (l *late) Write(b []byte) (int, error) {
	if !l.c.begun {
		l.c.begun, l.c.since = true, time.Now()
		l.header(l.c.w.Header())
		l.c.w.WriteHeader(http.StatusOK)
	}
	l.c.allow(blockTime)
	return l.c.w.Write(b)
}

// allow gives the client so much time from now on, as long as the answer may last. A recorder of tests has no deadline.
func (c *call) allow(d time.Duration) {
	end, lastly := time.Now().Add(d), c.lastly
	if lastly.IsZero() && c.begun {
		lastly = c.since.Add(c.api.pace.of(c.plain))
	}
	if !lastly.IsZero() && lastly.Before(end) {
		end = lastly
	}
	_ = http.NewResponseController(c.w).SetWriteDeadline(end)
}

// stream begins a long answer.
func (c *call) stream(form string) (*stream, error) {
	coding := ""
	for _, x := range []string{"zstd", "gzip"} {
		if coding == "" && wants(c.r, x) {
			coding = x
		}
	}
	s := &stream{late: &late{c: c, header: func(h http.Header) {
		h.Set("Content-Type", form)
		h.Set("Vary", "Accept-Encoding")
		if coding != "" {
			h.Set("Content-Encoding", coding)
		}
	}}}
	s.buffer = bufio.NewWriterSize(s.late, streamBuffer)
	s.Writer = s.buffer
	switch coding {
	case "zstd":
		e, err := zstd.NewWriter(s.buffer, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return nil, fmt.Errorf("start zstd: %w", err)
		}
		s.packer = e
	case "gzip":
		g, err := gzip.NewWriterLevel(s.buffer, gzip.BestSpeed)
		if err != nil {
			return nil, fmt.Errorf("start gzip: %w", err)
		}
		s.packer = g
	}
	if s.packer != nil {
		s.Writer = s.packer
	}
	return s, nil
}

// end writes what is left.
func (s *stream) end() error {
	var err error
	if s.packer != nil {
		err = s.packer.Close()
	}
	return errors.Join(err, s.buffer.Flush())
}
