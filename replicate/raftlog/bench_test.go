package raftlog_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"rackpost/replicate/raftlog"
)

// BenchmarkStoreLogs stores entries of 1 KB, and drops old ones as Raft does.
func BenchmarkStoreLogs(b *testing.B) {
	for _, batch := range []uint64{1, 64} {
		b.Run(fmt.Sprintf("1KBx%d", batch), func(b *testing.B) {
			s, err := raftlog.Open(b.Context(), filepath.Join(b.TempDir(), "control.db"), raftlog.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			data, next := make([]byte, 1024), uint64(1)
			for b.Loop() {
				var logs []*raft.Log
				for range batch {
					logs = append(logs, &raft.Log{Index: next, Term: 1, Data: data})
					next++
				}
				if err := s.StoreLogs(logs); err != nil {
					b.Fatal(err)
				}
				if next%4096 < batch && next > 20000 {
					if err := s.DeleteRange(1, next-20000); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(next-1)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
