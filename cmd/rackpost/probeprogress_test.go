package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/redfish"
)

func TestVisitProgressIsOneLine(t *testing.T) {
	t.Parallel()
	p := &visitProgress{columns: 60, doing: "visiting 192.0.2.30:443"}
	if got, want := p.line(3*time.Second), "visiting 192.0.2.30:443: 3 s"; got != want {
		t.Errorf("before the first request: %q, want %q", got, want)
	}
	log := slog.New(p)
	log.Debug(redfish.Asks, "method", "GET", "path", "/redfish/v1/")
	log.Warn("something else", "path", "/other")
	log.Debug(redfish.Asks, "method", "GET", "path", "/redfish/v1/Systems\x1b[2J")
	got := p.line(4 * time.Second)
	if want := "visiting 192.0.2.30:443: 4 s, 2 requests, now Systems\ufffd[2J"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	log.Debug(redfish.Asks, "method", "GET", "path", "/redfish/v1/"+strings.Repeat("Long/", 30))
	if got := p.line(5 * time.Second); len(got) != p.columns-1 {
		t.Errorf("%q has %d columns on a terminal of %d", got, len(got), p.columns)
	}
	if newVisitProgress(&bytes.Buffer{}, "192.0.2.30") != nil {
		t.Error("progress is told where no terminal is")
	}
	var none *visitProgress
	none.watch()()
	none.logger().Info("goes nowhere")
}
