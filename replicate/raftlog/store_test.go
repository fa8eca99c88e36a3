package raftlog_test

import (
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"rackpost/replicate/raftlog"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	s, err := raftlog.Open(t.Context(), path, raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	life := s.Life()
	if err := s.StoreLogs([]*raft.Log{{Index: 1, Term: 1, Data: []byte("x")}, {Index: 2, Term: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = raftlog.Open(t.Context(), path, raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var l raft.Log
	if err := s.GetLog(1, &l); err != nil || string(l.Data) != "x" || s.Life() != life {
		t.Errorf("entry %+v, life %s after %s: %v", l, s.Life(), life, err)
	}
	if last, _ := s.LastIndex(); last != 2 {
		t.Errorf("last index %d", last)
	}
}
