package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestJoiningIsTold: while headquarters does not answer, a person is told who is asked, each once; nothing where nobody is.
func TestJoiningIsTold(t *testing.T) {
	t.Parallel()
	asked := make(chan *uplinkAsking)
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	box := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case now := <-asked:
			tell(w, http.StatusOK, uplinkView{Joining: now})
		case <-r.Context().Done():
		}
	})}}
	box.Start()
	defer box.Close()
	reader, writer := io.Pipe()
	defer reader.Close()
	said := make(chan string, 8)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := reader.Read(b)
			if err != nil {
				close(said)
				return
			}
			said <- string(b[:n])
		}
	}()
	told := tellJoining(t.Context(), writer, newClient(ln.Addr().String()), time.Millisecond)
	first, second := &uplinkAsking{"https://192.0.2.1:8443", "fibre"}, &uplinkAsking{"https://192.0.2.1:8443", "lte"}
	for _, now := range []*uplinkAsking{nil, first, first, second, nil} {
		asked <- now
	}
	told()
	_ = writer.Close()
	var all []string
	for x := range said {
		all = append(all, x)
	}
	if len(all) != 2 || !strings.HasPrefix(all[0], "https://192.0.2.1:8443 by fibre does not answer yet: asked for 0 s, at most 1 min") || !strings.Contains(all[1], " by lte ") {
		t.Errorf("told %q", all)
	}
}
