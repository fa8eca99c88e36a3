package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim"
)

// hook is a terminal that tells when something is written to it.
type hook struct {
	bytes.Buffer
	written func()
}

func (h *hook) Write(p []byte) (int, error) {
	h.written()
	return h.Buffer.Write(p)
}

// Ctrl-C at the first sign of progress: what was found until then is written.
func TestDiscoverIsStopped(t *testing.T) {
	t.Parallel()
	rack := sim.NewRack()
	d, err := sim.NewModel("catalyst-2960x", sim.ModelOptions{Name: "early"})
	if err != nil {
		t.Fatal(err)
	}
	agent, err := rack.Add("early", d, "127.84.0.1:0", sim.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	serving, stopServing := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- rack.Run(serving) }()
	defer func() {
		stopServing()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	for name, text := range map[string]string{"community": "public\n", "site.yaml": "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: x}\ncredentials: {c: {community: {file: community}}}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	said, out := hook{written: interrupt}, bytes.Buffer{}
	site := filepath.Join(dir, "site.yaml")
	port := strconv.Itoa(int(agent.Addr().Port()))
	code := execute(ctx, terminal{out: &out, err: &said}, []string{"discover", "-site", site, "-rate", "2", "-port", port, "127.84.0.1-127.84.0.200"})
	written, err := os.ReadFile(site)
	if code != exitOK || err != nil || !strings.Contains(string(written), "  - id: early\n") {
		t.Errorf("exit code %d, error %v; the site:\n%s", code, err, written)
	}
	if !strings.Contains(out.String(), " not asked\n") || !strings.Contains(said.String(), " of 200 asked, 1 answered, about ") {
		t.Errorf("told:\n%s%s", said.String(), out.String())
	}
}
