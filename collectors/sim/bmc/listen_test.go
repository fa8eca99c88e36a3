package bmc_test

import (
	"context"
	"net/http"
	"testing"

	"rackpost/collectors/sim/bmc"
)

// TestRunsAgain stops a device and runs it again at its address: it is the same one, with its sessions.
func TestRunsAgain(t *testing.T) {
	t.Parallel()
	b, err := bmc.New("poweredge-r740", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	addr, client := "127.0.0.1:0", newClient()
	l := &lab{tb: t, bmc: b, client: client}
	for i := range 3 {
		s, err := bmc.Listen(addr, b)
		if err != nil {
			t.Fatal(err)
		}
		addr = s.Addr().String()
		l.url = "https://" + addr
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		if i == 0 {
			l.login(sessions)
		}
		if a := l.do("GET", systemDoc, nil); a.code != http.StatusOK {
			t.Errorf("run %d: %d", i, a.code)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if a, err := l.try("GET", systemDoc, nil); err == nil {
			t.Errorf("a device that does not run answers: %d", a.code)
		}
	}
	if _, err := bmc.Listen("nowhere", b); err == nil {
		t.Error("an address of nothing was opened")
	}
}
