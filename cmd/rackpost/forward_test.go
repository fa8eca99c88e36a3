package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rackpost/replicate/mode"
)

// TestWhatAnotherBoxMayAsk: a box may ask for what only the one that visits can do, in the name of one of its people, and for
// nothing else that the socket answers; a witness may ask for nothing.
func TestWhatAnotherBoxMayAsk(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.start()
	s.until("the first visit", func() bool { return b.part("drive/") != "" })
	box, witness := mode.NodeID{1}, mode.NodeID{2}
	answer := b.answerForwarded(func(id mode.NodeID) (string, bool) { return "box-b", id == box })
	ask := func(from mode.NodeID, f forwarded) (forwarded, error) {
		t.Helper()
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var got forwarded
		said, err := answer(t.Context(), from, body)
		if err == nil {
			err = json.Unmarshal(said, &got)
		}
		return got, err
	}
	locate := forwarded{Method: "POST", URL: "/api/v1/devices/srv-1/locate", Who: "anna\n\x1b[2J" + strings.Repeat("x", 1000),
		Body: []byte(`{"component": "` + b.part("drive/") + `", "on": true, "seconds": 600}`)}
	if _, err := ask(witness, locate); err == nil || s.blinking() != 0 {
		t.Errorf("a witness made a device act: %v", err)
	}
	got, err := ask(box, locate)
	if err != nil || got.Code != http.StatusOK || s.blinking() != 1 {
		t.Fatalf("%d %s, %v", got.Code, got.Body, err)
	}
	b.acts.mu.Lock()
	who := b.acts.lit[actPart{"srv-1", b.part("drive/")}].value.Who
	b.acts.mu.Unlock()
	if !strings.HasPrefix(who, "anna") || !strings.HasSuffix(who, "x at box-b") || len(who) > 80 || strings.ContainsAny(who, "\n\x1b") {
		t.Errorf("who: %q", who)
	}
	for _, f := range []forwarded{
		{Method: "GET", URL: "/api/v1/status"}, {Method: "POST", URL: "/api/v1/pair/leave", Body: []byte("{}")}, {Method: "POST", URL: "/api/v1/config", Body: []byte("{}")},
		{Method: "POST", URL: "/api/v1/secrets/x", Body: []byte("{}")}, {Method: "GET", URL: "/"}, {Method: "GET", URL: "http://[::1"}, {Method: "?", URL: "/"}, {},
	} {
		if got, err := ask(box, f); err == nil && got.Code < 300 {
			t.Errorf("%s %s: %d %.80s", f.Method, f.URL, got.Code, got.Body)
		}
	}
	if _, err := answer(t.Context(), box, []byte("{")); err == nil {
		t.Error("half a request is taken")
	}
}
