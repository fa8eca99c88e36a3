package replicate

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// TestSnapshotsOfTheFormerLife: they are kept while the life is, and copied when it gets another name.
func TestSnapshotsOfTheFormerLife(t *testing.T) {
	t.Parallel()
	dir, logger := t.TempDir(), slog.New(slog.DiscardHandler)
	n := &Node{former: "a"}
	n.cfg.Snapshots = func(life string) (raft.SnapshotStore, error) {
		return snapshotFiles(dir, []string{life, n.former}, logger)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := n.cfg.Snapshots("a")
	check(err)
	sink, err := first.Create(1, 7, 2, raft.Configuration{Servers: []raft.Server{{ID: "x.a", Address: "x"}}}, 3, noTransport{})
	check(err)
	_, err = sink.Write([]byte("what was agreed on"))
	check(err)
	check(sink.Close())
	if index, err := n.copySnapshots("a", "b"); index != 7 || err != nil {
		t.Fatalf("copied up to %d: %v", index, err)
	}
	second, err := n.cfg.Snapshots("b")
	check(err)
	list, err := second.List()
	if err != nil || len(list) != 1 {
		t.Fatalf("%d snapshots: %v", len(list), err)
	}
	meta, content, err := second.Open(list[0].ID)
	check(err)
	defer content.Close()
	if b, err := io.ReadAll(content); string(b) != "what was agreed on" || err != nil || meta.Index != 7 || meta.Term != 2 {
		t.Errorf("%q of entry %d and term %d: %v", b, meta.Index, meta.Term, err)
	}
	n.former = ""
	_, err = n.cfg.Snapshots("b")
	check(err)
	lives, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	check(err)
	var names []string
	for _, l := range lives {
		names = append(names, l.Name())
	}
	if diff := cmp.Diff([]string{"b"}, names); diff != "" {
		t.Errorf("lives (-want +got):\n%s", diff)
	}
}
