package powerfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/store/powerfs"
)

func TestWhatSurvivesAPlainCut(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	dir := disk.Dir()
	write(t, filepath.Join(dir, "synced"), "one", true)
	write(t, filepath.Join(dir, "bytes lost"), "one", true)
	write(t, filepath.Join(dir, "removed"), "one", true)
	write(t, filepath.Join(dir, "renamed"), "one", true)
	syncDir(t, dir)
	write(t, filepath.Join(dir, "bytes lost"), "two", false)
	write(t, filepath.Join(dir, "name lost"), "one", true)
	must(t, os.Remove(filepath.Join(dir, "removed")))
	must(t, os.Rename(filepath.Join(dir, "renamed"), filepath.Join(dir, "new name")))
	if got := read(t, filepath.Join(dir, "bytes lost")); got != "two" {
		t.Errorf("before the cut a reader sees %q, want what was written", got)
	}

	want := map[string]string{"synced": "one", "bytes lost": "one", "removed": "one", "renamed": "one"}
	if diff := cmp.Diff(want, tree(t, cut(t, disk, false, 1))); diff != "" {
		t.Errorf("survivor (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "late"), nil, 0o600); !errors.Is(err, syscall.EIO) {
		t.Errorf("a write after the cut: %v, want EIO", err)
	}
}

func TestTornCutMixesSectors(t *testing.T) {
	t.Parallel()
	const sectors = 64
	seen := map[byte]bool{}
	for seed := range uint64(3) {
		disk := powerfs.ForTest(t, "")
		path := filepath.Join(disk.Dir(), "f")
		write(t, path, string(bytes.Repeat([]byte{'o'}, sectors*512)), true)
		syncDir(t, disk.Dir())
		write(t, path, string(bytes.Repeat([]byte{'n'}, sectors*512)), false)
		got := tree(t, cut(t, disk, true, seed))["f"]
		if len(got) != sectors*512 {
			t.Fatalf("seed %d: %d bytes left, want %d", seed, len(got), sectors*512)
		}
		for s := range sectors {
			part := got[s*512 : (s+1)*512]
			if part != string(bytes.Repeat([]byte{part[0]}, 512)) {
				t.Errorf("seed %d: sector %d is torn inside", seed, s)
			}
			seen[part[0]] = true
		}
	}
	if diff := cmp.Diff(map[byte]bool{'o': true, 'n': true}, seen); diff != "" {
		t.Errorf("old and new sectors must both be left (-want +got):\n%s", diff)
	}
}

func TestRenameIsOneChange(t *testing.T) {
	t.Parallel()
	outcomes := map[string]bool{}
	for seed := range uint64(12) {
		disk := powerfs.ForTest(t, "")
		a, b := filepath.Join(disk.Dir(), "a"), filepath.Join(disk.Dir(), "b")
		must(t, os.Mkdir(b, 0o755))
		write(t, a, "x", true)
		syncDir(t, disk.Dir())
		must(t, os.Rename(a, filepath.Join(b, "a")))
		left := tree(t, cut(t, disk, true, seed))
		_, before := left["a"]
		_, after := left["b/a"]
		if before == after {
			t.Errorf("seed %d: a file must have exactly one name, got %v", seed, left)
		}
		outcomes[map[bool]string{true: "old", false: "new"}[before]] = true
	}
	if len(outcomes) != 2 {
		t.Errorf("over twelve seeds only %v was left, want both names", outcomes)
	}
}

func TestSyncOfOneFolderCarriesARename(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	to := filepath.Join(disk.Dir(), "to")
	must(t, os.Mkdir(to, 0o755))
	syncDir(t, disk.Dir())
	write(t, filepath.Join(disk.Dir(), "f"), "x", true)
	write(t, filepath.Join(disk.Dir(), "other"), "x", true)
	must(t, os.Rename(filepath.Join(disk.Dir(), "f"), filepath.Join(to, "f")))
	syncDir(t, to)
	want := map[string]string{"other": "x", "to/": "", "to/f": "x"}
	if diff := cmp.Diff(want, tree(t, cut(t, disk, false, 1))); diff != "" {
		t.Errorf("survivor (-want +got):\n%s", diff)
	}
}

func TestLimitsAndFaults(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	path := filepath.Join(disk.Dir(), "f")
	must(t, disk.SetCapacity(8192))
	if err := os.WriteFile(path, make([]byte, 8192), 0o600); err != nil {
		t.Fatalf("fill the disk: %v", err)
	}
	if err := os.WriteFile(path+"2", []byte("x"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write to the full disk: %v, want ENOSPC", err)
	}
	var st syscall.Statfs_t
	must(t, syscall.Statfs(disk.Dir(), &st))
	if st.Bavail != 0 || st.Blocks != 2 {
		t.Errorf("statfs: %d of %d blocks free, want 0 of 2", st.Bavail, st.Blocks)
	}
	must(t, os.Remove(path))
	must(t, os.WriteFile(path+"2", []byte("x"), 0o600))
	must(t, disk.SetFault(syscall.EIO))
	if err := os.WriteFile(path+"3", []byte("x"), 0o600); !errors.Is(err, syscall.EIO) {
		t.Errorf("a write to the broken disk: %v, want EIO", err)
	}
	must(t, disk.SetFault(0))
	write(t, path+"3", "x", true)
	if got, err := disk.Syncs(); got != 1 || err != nil {
		t.Errorf("%d syncs counted, %v, want 1", got, err)
	}
}

// TestSyncedIsSafe runs random operations, syncs all, runs a cut of any kind, and expects exactly what a reader saw; then
// goes on from the survivor.
func TestSyncedIsSafe(t *testing.T) {
	t.Parallel()
	powerfs.ForTest(t, "") // skips here where FUSE is missing
	rapid.Check(t, func(rt *rapid.T) {
		content := ""
		for range rapid.IntRange(1, 3).Draw(rt, "lives") {
			base, err := os.MkdirTemp(t.TempDir(), "life")
			must(rt, err)
			disk, err := powerfs.Mount(base, content)
			must(rt, err)
			operate(rt, disk.Dir())
			syncAll(rt, disk.Dir())
			want := tree(rt, disk.Dir())
			content, err = disk.Cut(rapid.Bool().Draw(rt, "torn"), rapid.Uint64().Draw(rt, "seed"))
			must(rt, err)
			must(rt, disk.Close())
			if diff := cmp.Diff(want, tree(rt, content)); diff != "" {
				rt.Fatalf("survivor (-want +got):\n%s", diff)
			}
		}
	})
}

// operate does some random things; that some of them fail (no such file) is part of it.
func operate(rt *rapid.T, dir string) {
	name := rapid.SampledFrom([]string{"a", "b", "d/a", "d/b"})
	_ = os.Mkdir(filepath.Join(dir, "d"), 0o755)
	for range rapid.IntRange(0, 12).Draw(rt, "operations") {
		path := filepath.Join(dir, name.Draw(rt, "name"))
		switch rapid.IntRange(0, 4).Draw(rt, "operation") {
		case 0, 1:
			f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
			must(rt, err)
			b := rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(rt, "bytes")
			_, err = f.WriteAt(b, rapid.Int64Range(0, 3000).Draw(rt, "offset"))
			must(rt, err)
			must(rt, f.Close())
		case 2:
			_ = os.Truncate(path, rapid.Int64Range(0, 3000).Draw(rt, "size"))
		case 3:
			_ = os.Rename(path, filepath.Join(dir, name.Draw(rt, "new name")))
		case 4:
			_ = os.Remove(path)
		}
	}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, disk *powerfs.FS, torn bool, seed uint64) string {
	t.Helper()
	survivor, err := disk.Cut(torn, seed)
	must(t, err)
	return survivor
}

// write overwrites the file from its start without shortening it first.
func write(t *testing.T, path, content string, sync bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteString(content)
	must(t, err)
	if sync {
		must(t, f.Sync())
	}
	must(t, f.Close())
}

func syncDir(t fataler, path string) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

func syncAll(t fataler, dir string) {
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		must(t, err)
		syncDir(t, path)
		return nil
	}))
}

func read(t fataler, path string) string {
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// tree returns what is below dir: file names with their content, folder names ending in a slash.
func tree(t fataler, dir string) map[string]string {
	got := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		must(t, err)
		rel, err := filepath.Rel(dir, path)
		must(t, err)
		switch {
		case path == dir:
		case e.IsDir():
			got[rel+"/"] = ""
		default:
			got[rel] = read(t, path)
		}
		return nil
	}))
	return got
}
