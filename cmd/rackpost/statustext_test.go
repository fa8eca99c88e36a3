package main

import (
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/web"
)

// TestStatusIsPlain: whatever a site calls its devices and alerts, the terminal obeys none of it.
func TestStatusIsPlain(t *testing.T) {
	t.Parallel()
	const evil = "x\x1b]0;y\a\nz\u009b2J"
	alert := web.Alert{Component: evil, Name: evil, Code: evil, Level: "high", Params: hw.Attrs{}.With(evil, evil)}
	var out strings.Builder
	r := statusResult{Devices: []web.Device{{ID: evil, Name: evil, Unit: &web.Unit{Model: evil}, Alerts: []web.Alert{alert}, Gaps: []web.Gap{{Reason: evil, Detail: evil}}}}}
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0) }); i >= 0 || strings.Contains(out.String(), "\nz") {
		t.Errorf("%d: %+q", i, out.String())
	}
}
