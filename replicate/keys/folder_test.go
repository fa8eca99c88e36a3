package keys_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/replicate/keys"
)

func newFolder(t *testing.T) keys.Folder {
	t.Helper()
	f := keys.Folder{Path: filepath.Join(t.TempDir(), "a", "b"), Name: "the folder of a test", Exposed: "begin anew", Broken: "put it back", Most: 1000}
	if err := f.Make(); err != nil {
		t.Fatal(err)
	}
	return f
}

func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%v, want %q", err, words)
	}
}

// TestFolder: what is written is whole, its owner's alone, and gone when it is removed; whatever else lies there is named.
func TestFolder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	if err := os.WriteFile(f.At("x.tmp"), []byte("half a f"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "second"} {
		if err := f.Write("x", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.Read("x"); string(b) != content || err != nil {
			t.Errorf("%q: %v", b, err)
		}
	}
	for name, mode := range map[string]fs.FileMode{".": 0o700, "x": 0o600} {
		if info, err := os.Stat(f.At(name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		if err := os.Chmod(f.At(name), mode|0o040); err != nil {
			t.Fatal(err)
		}
		wantWords(t, f.Check(name), "otherwise begin anew")
		if _, err := f.Read("x"); (err != nil) != (name == "x") {
			t.Errorf("%s is read: %v", name, err)
		}
		if err := os.Chmod(f.At(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Write("x", make([]byte, f.Most+1)); err != nil {
		t.Fatal(err)
	}
	_, err := f.Read("x")
	wantWords(t, err, "far too long: put it back")
	if err := errors.Join(f.Remove("x"), f.Remove("x")); err != nil {
		t.Error(err)
	}
	if _, err := f.Read("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there still: %v", err)
	}
	_, err = f.Needed("x")
	wantWords(t, err, "it is missing: put it back")
	if left, err := os.ReadDir(f.Path); err != nil || len(left) != 0 {
		t.Errorf("%v lie there: %v", left, err)
	}
}

// TestWriteThatFails leaves what was there.
func TestWriteThatFails(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	if err := os.MkdirAll(f.At("x/y"), 0o700); err != nil { // no file can take its place
		t.Fatal(err)
	}
	wantWords(t, f.Write("x", []byte("new")), "write "+f.At("x"))
	if left, err := os.ReadDir(f.Path); err != nil || len(left) != 1 {
		t.Errorf("%v lie there: %v", left, err)
	}
}

func TestKeysOfAFolder(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteKey("e", edwards), f.WriteKey("c", curve)); err != nil {
		t.Fatal(err)
	}
	if got, err := keys.ReadKey[ed25519.PrivateKey](f, "e", "Ed25519"); err != nil || !got.Equal(edwards) {
		t.Errorf("%v", err)
	}
	if got, err := keys.ReadKey[*ecdsa.PrivateKey](f, "c", "ECDSA"); err != nil || !got.Equal(curve) {
		t.Errorf("%v", err)
	}
	_, err = keys.ReadKey[ed25519.PrivateKey](f, "c", "Ed25519")
	wantWords(t, err, "it is no Ed25519 key")
	_, err = f.ReadCertificate("e")
	wantWords(t, err, "it is not one PEM block of type CERTIFICATE")
	b, err := f.Read("e")
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, b[:len(b)/2], append(b, b...)} {
		if err := f.Write("e", damaged); err != nil {
			t.Fatal(err)
		}
		_, err = keys.ReadKey[ed25519.PrivateKey](f, "e", "Ed25519")
		wantWords(t, err, "put it back")
	}
}
