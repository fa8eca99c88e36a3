package main

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/replicate/intake"
)

// TestCheckedURLsCanBeCalled: with what the check of hq.yaml passes headquarters starts, and there is a port that sites can call.
func TestCheckedURLsCanBeCalled(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"https://hq.example.org": "", "https://hq.example.org:8443": "", "https://192.0.2.7": "", "https://[2001:db8::1]:8443": "", "https://xn--hq-xka.example": "",
		"https://höq.example": "xn--...", "https://-hq.example": "is no name of headquarters", "https://[fe80::1%25eth0]": "without a zone",
		"https://hq.example.org:0": "write a port from 1 to 65535", "https://hq.example.org:99999": "write a port from 1 to 65535",
	} {
		_, err := parseHQ("hq.yaml", fmt.Appendf(nil, "name: hq\ndata: /d\nurls: ['%s']\n", url))
		switch {
		case says == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case says != "" && (err == nil || !strings.HasPrefix(err.Error(), "hq.yaml:3:8: urls: ") || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want %q", url, err, says)
		}
	}
}

// TestCheckedSilenceIsKept: how soon a silent site is told is no promise that headquarters would break.
func TestCheckedSilenceIsKept(t *testing.T) {
	t.Parallel()
	for silent, says := range map[string]string{"10s": "", "30s": "", "1d": "", "9s": "9s is out of bounds; write 10s to 1d", "5s": "5s is out of bounds; write 10s to 1d"} {
		cfg, err := parseHQ("hq.yaml", fmt.Appendf(nil, "name: hq\ndata: /d\nurls: [https://hq.example.org]\nsilent: %s\n", silent))
		switch {
		case says == "" && (err != nil || cfg.limits.Silent < intake.LeastSilent):
			t.Errorf("%s is %s: %v", silent, cfg.limits.Silent, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want %q", silent, err, says)
		}
	}
}
