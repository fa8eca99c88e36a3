package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/store"
)

// TestQuarantineIsBounded: what cannot be read is kept once under its name, readable by nobody else; of a site sixteen, and no more than that in an
// hour; the oldest go first.
func TestQuarantineIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		data := t.TempDir()
		q := newQuarantine(data, slog.New(slog.NewTextHandler(&log, nil)))
		one, other := journal.ID{1}, journal.ID{2}
		why := errors.New("its checksum is wrong")
		key := func(seq uint64) journal.Key {
			return journal.Key{StreamKey: journal.StreamKey{Site: one, Origin: journal.ID{9}, Incarnation: 7, Stream: journal.Facts}, Seq: seq}
		}
		q.keep(other, key(1), []byte("other's"), why)
		for seq := range uint64(100) {
			q.keep(one, key(seq), []byte("bytes"), why)
			q.keep(one, key(seq), []byte("bytes"), why)
		}
		count := func(site journal.ID) (names []string) {
			files, err := filepath.Glob(filepath.Join(data, quarantineFolder, site.String()+"-*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if st, err := os.Stat(f); err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v %v", f, st.Mode(), err)
				}
			}
			return files
		}
		if n, m := len(count(one)), len(count(other)); n != quarantineOfSite || m != 1 {
			t.Fatalf("%d and %d files", n, m)
		}
		want := filepath.Join(data, quarantineFolder, one.String()+"-"+journal.ID{9}.String()+"-0000000000000007-facts-15")
		if b, err := os.ReadFile(want); err != nil || string(b) != "bytes" {
			t.Errorf("%q %v", b, err)
		}
		if !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "its checksum is wrong") {
			t.Errorf("the log says %s", log.String())
		}
		time.Sleep(time.Hour)
		q.keep(one, key(200), []byte("bytes"), why)
		if files := count(one); len(files) != quarantineOfSite {
			t.Errorf("%d files after an hour", len(files))
		}
		if told := quarantinedIn(data); len(told) != quarantineOfSite+1 || !strings.HasPrefix(told[0], "quarantine/") {
			t.Errorf("told is %q", told)
		}
	})
}

// TestQuarantineBytes: all of it together takes 64 MB at most.
func TestQuarantineBytes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	q := newQuarantine(data, slog.New(slog.DiscardHandler))
	large := make([]byte, 15<<20)
	for n := range byte(6) {
		q.keep(journal.ID{n}, journal.Key{Seq: 1}, large, errors.New("torn"))
	}
	files, err := quarantinedFiles(filepath.Join(data, quarantineFolder))
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if !strings.HasPrefix(files[3].Name(), journal.ID{5}.String()) {
		t.Errorf("the newest is %s", files[3].Name())
	}
}

// TestQuarantineIsTold: what cannot be read of what sites bring is kept, and hq sites -json tells it.
func TestQuarantineIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "hq.yaml")
	if err := os.WriteFile(file, []byte("name: hq\ndata: data\nsocket: sock\nlisten: 127.0.0.1:0\nurls: [\"https://127.0.0.1:1\"]\nbudget: 1GB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadHQ(file)
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	h, err := openHeadquarters(t.Context(), cfg, store.Options{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer h.store.Close()
	h.receiving(t.TempDir()).Quarantine(journal.ID{1}, journal.Key{Seq: 3}, []byte("torn"), errors.New("torn"))
	v, err := h.view(t.Context())
	if err != nil || len(v.Journal.Quarantined) != 1 || !strings.Contains(v.Journal.Quarantined[0], journal.ID{1}.String()) {
		t.Errorf("%q %v", v.Journal.Quarantined, err)
	}
}
