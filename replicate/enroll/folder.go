package enroll

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder is where headquarters keeps what it is: DATA/hq. Nobody but its owner may read it.
type folder string

// The files of a folder. registerFile is written last when a headquarters is made: without it the rest
// is nothing.
const (
	registerFile = "sites.json"
	caFile       = "ca.pem"
	caKeyFile    = "ca.key"
)

const (
	folderMode  = 0o700
	fileMode    = 0o600
	maxFile     = 32 << 20
	registerNow = 1 // the format of registerFile
)

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

// open reads the folder, or makes the headquarters that is to be there.
func (f folder) open(at clock) (*authority, register, error) {
	if err := f.make(); err != nil {
		return nil, register{}, err
	}
	b, err := f.read(registerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return f.found(at)
	}
	if err != nil {
		return nil, register{}, err
	}
	var r register
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, register{}, f.broken(registerFile, err.Error())
	}
	if r.Format != registerNow {
		return nil, register{}, fmt.Errorf("%s is of format %d, this version knows %d: use the version that wrote it", f.path(registerFile), r.Format, registerNow)
	}
	a, err := f.authority()
	if err != nil {
		return nil, register{}, err
	}
	if fingerprintOf(a.cert) != r.CA {
		return nil, register{}, f.broken(caFile, "it is not the CA that "+registerFile+" names")
	}
	return a, r, f.checkRegister(a, r)
}

// found makes a headquarters without sites.
func (f folder) found(at clock) (*authority, register, error) {
	if _, err := os.Stat(f.path(caKeyFile)); err == nil {
		if a, err := f.authority(); err == nil && !at.now.After(a.cert.NotAfter) {
			r := register{Format: registerNow, CA: fingerprintOf(a.cert)}
			return a, r, f.writeRegister(r)
		}
	}
	a, err := newAuthority(at)
	if err != nil {
		return nil, register{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, register{}, err
	}
	if err := f.write(caKeyFile, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der})); err != nil {
		return nil, register{}, err
	}
	if err := f.write(caFile, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: a.cert.Raw})); err != nil {
		return nil, register{}, err
	}
	r := register{Format: registerNow, CA: fingerprintOf(a.cert)}
	return a, r, f.writeRegister(r)
}

func (f folder) authority() (*authority, error) {
	der, err := f.readPEM(caFile, pemCertificate)
	if err != nil {
		return nil, err
	}
	a := &authority{}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, f.broken(caFile, err.Error())
	}
	if der, err = f.readPEM(caKeyFile, pemKey); err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, f.broken(caKeyFile, "it is no ECDSA key") // the reason could quote the key
	}
	if !key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, f.broken(caKeyFile, "it is not the key of "+caFile)
	}
	a.key = key
	if a.hq, _, err = named(a.cert); err != nil {
		return nil, f.broken(caFile, "it is not the CA of a headquarters")
	}
	return a, nil
}

// checkRegister says what is wrong in a register that was read.
func (f folder) checkRegister(a *authority, r register) error {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, s := range r.Sites {
		id, err := s.check()
		if err != nil {
			return f.broken(registerFile, fmt.Sprintf("site %.80q: %v", s.Name, err))
		}
		if ids[id.String()] || names[s.Name] || id == a.hq {
			return f.broken(registerFile, fmt.Sprintf("site %.80q stands there twice", s.Name))
		}
		ids[id.String()], names[s.Name] = true, true
	}
	return nil
}

func (f folder) writeRegister(r register) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return f.write(registerFile, append(b, '\n'))
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) broken(name, why string) error {
	return fmt.Errorf("%s: %s: put the whole folder back from one copy; without one, move it away, and every site must join anew", f.path(name), why)
}

func (f folder) make() error {
	if err := os.MkdirAll(string(f), folderMode); err != nil {
		return fmt.Errorf("make headquarters' folder: %w", err)
	}
	if err := f.checkMode("."); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(string(f)))
}

// checkMode refuses what others than the owner may read or write.
func (f folder) checkMode(name string) error {
	info, err := os.Stat(f.path(name))
	if err != nil {
		return fmt.Errorf("read headquarters' folder: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s may be read or written by others (mode %04o), so its keys may be known to them: if nobody else uses this machine, \"chmod go= %s\"; otherwise move it away, and have every site join anew", f.path(name), perm, f.path(name))
	}
	return nil
}

func (f folder) read(name string) ([]byte, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := f.checkMode(name); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path(name), err)
	}
	if len(b) > maxFile {
		return nil, f.broken(name, "it is far too long")
	}
	return b, nil
}

func (f folder) readPEM(name, kind string) ([]byte, error) {
	b, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.broken(name, "it is missing")
	}
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(strings.TrimSpace(string(rest))) != 0 {
		return nil, f.broken(name, "it is not one PEM block of type "+kind)
	}
	return block.Bytes, nil
}

// write puts content under name, durably and whole or not at all.
func (f folder) write(name string, content []byte) error {
	path := f.path(name)
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp))
	}
	return syncFolder(string(f))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
