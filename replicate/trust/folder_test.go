package trust_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// written is the order in which a new member's files come.
var written = []string{"node.key", "seal.key", "ca.key", "ca.pem", "node.pem", "identity.json"}

func path(m *machine, name string) string { return filepath.Join(string(m.folder), name) }

func TestFolderIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	m := found(t)
	info, err := os.Stat(string(m.folder))
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %o", info.Mode().Perm())
	}
	entries, err := os.ReadDir(string(m.folder))
	must(t, err)
	if len(entries) != len(written) {
		t.Errorf("%d files: %v", len(entries), entries)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o (%v)", e.Name(), info.Mode().Perm(), err)
		}
	}
	for _, name := range append(written, ".") {
		old, err := os.Stat(path(m, name))
		must(t, err)
		must(t, os.Chmod(path(m, name), old.Mode().Perm()|0o040))
		if err := m.reopen(); err == nil || !strings.Contains(err.Error(), "chmod go= "+path(m, name)) {
			t.Errorf("%s may be read by others: %v", name, err)
		}
		must(t, os.Chmod(path(m, name), old.Mode().Perm()))
	}
	must(t, m.reopen())
}

// TestCrashWhileFounding ends the process after each file: the folder holds no member, and founding
// again makes one.
func TestCrashWhileFounding(t *testing.T) {
	t.Parallel()
	for n := range written {
		m := found(t)
		for _, name := range written[n:] {
			must(t, os.Remove(path(m, name)))
		}
		must(t, os.WriteFile(path(m, written[n]+".tmp"), []byte("half a f"), 0o600))
		if err := m.reopen(); !errors.Is(err, trust.ErrNoPair) {
			t.Fatalf("after %v: %v", written[:n], err)
		}
		_, err := trust.Found(m.folder, founder(m.clock))
		must(t, err)
		m.open(t)
		if _, err := os.Stat(path(m, written[n]+".tmp")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a file is left: %v", err)
		}
	}
}

// TestCrashWhileJoining ends it after each file too: the same token and machine join again.
func TestCrashWhileJoining(t *testing.T) {
	t.Parallel()
	for n := range written {
		north, d, m := found(t), &desk{}, newMachine(t)
		token := d.invite(t, north.Keeper, mode.Box)
		j := newJoiner(t, m, token, candidate("south", mode.Box))
		_, err := j.Accept(north.Answer(t.Context(), j.Request(), d))
		must(t, err)
		for _, name := range written[n:] {
			must(t, os.Remove(path(m, name)))
		}
		j, err = trust.NewJoiner(m.folder, token, candidate("south", mode.Box))
		must(t, err)
		_, err = j.Accept(north.Answer(t.Context(), j.Request(), d))
		if n == 0 { // the key is lost: it is another machine to the pair
			wantReason(t, err, trust.UsedToken)
			continue
		}
		must(t, err)
		m.open(t)
	}
}

// TestFilesOfAnotherMember puts each file of one box into the folder of another.
func TestFilesOfAnotherMember(t *testing.T) {
	t.Parallel()
	for _, name := range written {
		north, other := found(t), found(t)
		b, err := os.ReadFile(path(other, name))
		must(t, err)
		must(t, os.WriteFile(path(north, name), b, 0o600))
		if err := north.reopen(); err == nil || !strings.Contains(err.Error(), "from one copy") || !strings.Contains(err.Error(), strings.Replace(name, "identity.json", "ca.pem", 1)+":") {
			t.Errorf("another box's %s: %v", name, err)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for _, name := range written {
		for what, damage := range map[string]func([]byte) []byte{
			"empty": func([]byte) []byte { return nil },
			"cut":   func(b []byte) []byte { return b[:len(b)/2] },
			"twice": func(b []byte) []byte { return append(b, b...) },
			"zeros": func(b []byte) []byte { return make([]byte, len(b)) },
			"huge":  func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) },
		} {
			m := found(t)
			b, err := os.ReadFile(path(m, name))
			must(t, err)
			must(t, os.WriteFile(path(m, name), damage(b), 0o600))
			if err := m.reopen(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "from one copy") {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
}

func TestMissingFiles(t *testing.T) {
	t.Parallel()
	for _, name := range written[:len(written)-1] {
		m := found(t)
		must(t, os.Remove(path(m, name)))
		if err := m.reopen(); err == nil || errors.Is(err, trust.ErrNoPair) || !strings.Contains(err.Error(), name+": it is missing") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestIdentityOfANewerVersion(t *testing.T) {
	t.Parallel()
	m := found(t)
	b, err := os.ReadFile(path(m, "identity.json"))
	must(t, err)
	must(t, os.WriteFile(path(m, "identity.json"), []byte(strings.Replace(string(b), `"format": 1`, `"format": 2`, 1)), 0o600))
	if err := m.reopen(); err == nil || !strings.Contains(err.Error(), "use the version that wrote it") {
		t.Error(err)
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	m := found(t)
	must(t, os.WriteFile(path(m, "control.db"), []byte("not trust's"), 0o600))
	must(t, m.folder.Leave())
	must(t, m.folder.Leave()) // again, as after a crash
	if err := m.reopen(); !errors.Is(err, trust.ErrNoPair) {
		t.Error(err)
	}
	entries, err := os.ReadDir(string(m.folder))
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "control.db" {
		t.Errorf("left: %v", entries)
	}
	if err := trust.Folder(filepath.Join(t.TempDir(), "none")).Leave(); err != nil {
		t.Errorf("who is in no pair leaves: %v", err)
	}
	_, err = trust.Found(m.folder, founder(m.clock))
	must(t, err)
}

func TestIdentityAndMembersAreKept(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	want := north.Identity()
	must(t, north.reopen())
	if diff := cmp.Diff(want, north.Identity()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Members, south.Identity().Members); diff != "" {
		t.Error(diff)
	}
	moved := want.Self
	moved.Addresses = map[string]string{"lan": "192.0.2.77:7000", "cable": "[fe80::1%eth1]:7000"}
	must(t, north.SetMembers([]trust.Member{moved}))
	must(t, north.reopen())
	if got := north.Identity(); got.Self.Addresses["lan"] != "192.0.2.77:7000" || len(got.Members) != 1 {
		t.Errorf("kept: %+v", got)
	}
	if north.SetMembers(nil) == nil {
		t.Error("a pair without members was taken")
	}
	moved.Name = "no good\nname"
	if north.SetMembers([]trust.Member{moved}) == nil {
		t.Error("a member without a good name was taken")
	}
}

// TestMembersOfADiskThatIsFull refuses who was removed even though the list cannot be kept, and
// keeps it when there is room again.
func TestMembersOfADiskThatIsFull(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	tmp := path(north, "identity.json.tmp")
	must(t, os.Mkdir(tmp, 0o700))
	must(t, os.WriteFile(filepath.Join(tmp, "in the way"), nil, 0o600))
	list := []trust.Member{north.Identity().Self}
	if north.SetMembers(list) == nil {
		t.Fatal("a list that was not kept was taken for kept")
	}
	_, atServer, _ := shake(t, north.Server(protos), south.Client(north.Identity().Self.Node, raft))
	wantReason(t, atServer, trust.NotMember)
	must(t, os.RemoveAll(tmp))
	must(t, north.SetMembers(list))
	must(t, north.reopen())
	if n := len(north.Identity().Members); n != 1 {
		t.Errorf("%d members after the restart", n)
	}
}

func TestFounderIsChecked(t *testing.T) {
	t.Parallel()
	for words, change := range map[string]func(*trust.Founder){
		"name":      func(f *trust.Founder) { f.Name = "" },
		"host:port": func(f *trust.Founder) { f.Addresses = map[string]string{"lan": "192.0.2.1"} },
		"path":      func(f *trust.Founder) { f.Addresses = map[string]string{"the lan": "192.0.2.1:7"} },
		"origin":    func(f *trust.Founder) { f.Origin = "" },
		"site":      func(f *trust.Founder) { f.Site = "" },
	} {
		m := newMachine(t)
		f := founder(m.clock)
		change(&f)
		if _, err := trust.Found(m.folder, f); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
		if err := m.reopen(); !errors.Is(err, trust.ErrNoPair) {
			t.Error(err)
		}
	}
}

// TestNoCertificateAfterLeaving has the answer to a renewal come when the machine has left.
func TestNoCertificateAfterLeaving(t *testing.T) {
	t.Parallel()
	north, south, _ := pair(t)
	must(t, south.Leave())
	if _, err := south.Appeal(t.Context(), "north", func(_ context.Context, request []byte) ([]byte, error) {
		return north.Answer(t.Context(), request, nil), nil
	}); err == nil {
		t.Error("it takes a certificate after it left")
	}
	if _, err := os.Stat(path(south, "node.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its certificate is on the disk: %v", err)
	}
}
