package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rackpost/wholefile"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

// Folder is where keys are kept: nobody but its owner may read it. Its files are written whole or not at all, durably.
type Folder struct {
	Path    string
	Name    string // what people call it: the pair's folder
	Exposed string // what to do where others could read it: otherwise ...
	Broken  string // what to do where a file is missing or damaged
	Most    int64  // bytes of a file that are read
}

// At is the path of a file in it; "." is the folder itself.
func (f Folder) At(name string) string { return filepath.Join(f.Path, name) }

// Damaged says why a file cannot be used, and what to do.
func (f Folder) Damaged(name, why string) error {
	return fmt.Errorf("%s: %s: %s", f.At(name), why, f.Broken)
}

// Make makes the folder, unless it is there.
func (f Folder) Make() error {
	if err := os.MkdirAll(f.Path, folderMode); err != nil {
		return fmt.Errorf("make %s: %w", f.Name, err)
	}
	if err := f.Check("."); err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(f.Path))
}

// Check refuses what others than the owner may read or write.
func (f Folder) Check(name string) error {
	info, err := os.Stat(f.At(name))
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s may be read or written by others (mode %04o), so its keys may be known to them: if nobody else uses this machine, \"chmod go= %s\"; otherwise %s", f.At(name), perm, f.At(name), f.Exposed)
	}
	return nil
}

// Read returns a file; fs.ErrNotExist where there is none.
func (f Folder) Read(name string) ([]byte, error) {
	file, err := os.Open(f.At(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := f.Check(name); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, f.Most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.At(name), err)
	}
	if int64(len(b)) > f.Most {
		return nil, f.Damaged(name, "it is far too long")
	}
	return b, nil
}

// Needed returns a file that must be there.
func (f Folder) Needed(name string) ([]byte, error) {
	b, err := f.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.Damaged(name, "it is missing")
	}
	return b, err
}

// Write puts content under name, durably and whole or not at all.
func (f Folder) Write(name string, content []byte) error {
	return wholefile.Write(f.At(name), content, fileMode)
}

// Remove removes a file, if there is one, so that it stays removed.
func (f Folder) Remove(name string) error { return wholefile.Remove(f.At(name)) }

// WriteCertificate writes a certificate as PEM.
func (f Folder) WriteCertificate(name string, c *x509.Certificate) error {
	return f.Write(name, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw}))
}

// ReadCertificate reads what WriteCertificate wrote; the file must be there.
func (f Folder) ReadCertificate(name string) (*x509.Certificate, error) {
	der, err := f.readPEM(name, pemCertificate)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, f.Damaged(name, err.Error())
	}
	return c, nil
}

// WriteKey writes a key as PEM (PKCS #8).
func (f Folder) WriteKey(name string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return f.Write(name, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}))
}

// ReadKey reads what WriteKey wrote; the file must be there, and the key of this kind.
func ReadKey[K crypto.Signer](f Folder, name, kind string) (key K, err error) {
	der, err := f.readPEM(name, pemKey)
	if err != nil {
		return key, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(K)
	if err != nil || !ok {
		return key, f.Damaged(name, "it is no "+kind+" key") // the reason could quote the key
	}
	return key, nil
}

func (f Folder) readPEM(name, kind string) ([]byte, error) {
	b, err := f.Needed(name)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(strings.TrimSpace(string(rest))) != 0 {
		return nil, f.Damaged(name, "it is not one PEM block of type "+kind)
	}
	return block.Bytes, nil
}
