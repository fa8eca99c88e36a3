package trust

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"rackpost/replicate/mode"
)

// Folder is where a member keeps what it is: DATA/pair. Nobody but its owner may read it.
type Folder string

// The files of a Folder. identityFile is written last when a member is made and removed first when
// it leaves: without it the rest is nothing.
const (
	identityFile = "identity.json"
	caFile       = "ca.pem"
	caKeyFile    = "ca.key" // boxes only
	nodeFile     = "node.pem"
	nodeKeyFile  = "node.key"
	sealKeyFile  = "seal.key" // boxes only; what age(1) reads
)

const (
	folderMode  = 0o700
	fileMode    = 0o600
	maxFile     = 256 << 10
	identityNow = 1 // the format of identityFile
)

// ErrNoPair is returned for a folder that holds no member.
var ErrNoPair = errors.New("this machine is in no pair: make one with \"rackpost pair init\", or join one with \"rackpost pair join\"")

// Identity is what a member is. It holds no secret.
type Identity struct {
	Format  int             `json:"format"`
	Cluster mode.NodeID     `json:"cluster"`
	Site    string          `json:"site"`
	Self    Member          `json:"self"`
	CA      Fingerprint     `json:"ca_sha256"`
	Joined  mode.Generation `json:"joined"`  // the pair's generation when it became a member
	Members []Member        `json:"members"` // as last known, itself too; what is agreed on wins
}

// Peer returns the name its certificate carries.
func (id Identity) Peer() Peer {
	return Peer{Cluster: id.Cluster, Role: id.Self.Role, Node: id.Self.Node}
}

// held is all that a folder holds.
type held struct {
	Identity
	ca   authority
	leaf *x509.Certificate
	key  ed25519.PrivateKey
	seal *age.X25519Identity // nil in a witness
}

// Identity reads who this machine is, without its keys. It returns ErrNoPair when it is no member.
func (f Folder) Identity() (Identity, error) {
	var id Identity
	b, err := f.read(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return id, ErrNoPair
	}
	if err != nil {
		return id, err
	}
	if err := json.Unmarshal(b, &id); err != nil {
		return id, f.broken(identityFile, err.Error())
	}
	if id.Format != identityNow {
		return id, fmt.Errorf("%s is of format %d, this version knows %d: use the version that wrote it", f.path(identityFile), id.Format, identityNow)
	}
	if err := id.Self.Check(); err != nil {
		return id, f.broken(identityFile, err.Error())
	}
	return id, nil
}

func (f Folder) load() (*held, error) {
	if err := f.checkMode("."); err != nil {
		return nil, err
	}
	id, err := f.Identity()
	if err != nil {
		return nil, err
	}
	h := &held{Identity: id}
	if h.key, err = f.readKey(nodeKeyFile); err != nil {
		return nil, err
	}
	if h.leaf, err = f.readCertificate(nodeFile); err != nil {
		return nil, err
	}
	if h.ca.cert, err = f.readCertificate(caFile); err != nil {
		return nil, err
	}
	if id.Self.Role == mode.Box {
		if h.ca.key, err = f.readKey(caKeyFile); err != nil {
			return nil, err
		}
		if h.seal, err = f.readSeal(); err != nil {
			return nil, err
		}
	}
	return h, f.checkHeld(h)
}

// checkHeld says which file is not of the same member as the others.
func (f Folder) checkHeld(h *held) error {
	if fingerprintOf(h.ca.cert) != h.CA {
		return f.broken(caFile, "it is not the CA that identity.json names")
	}
	if NodeOf(public(h.key)) != h.Self.Node {
		return f.broken(nodeKeyFile, "it is not the key of the member that identity.json names")
	}
	peer, err := checkChain(h.ca.cert, h.leaf)
	if err != nil {
		return f.broken(nodeFile, err.Error())
	}
	if peer != h.Peer() {
		return f.broken(nodeFile, "it is not the certificate of the member that identity.json names")
	}
	if h.Self.Role != mode.Box {
		return nil
	}
	if !public(h.ca.key).Equal(h.ca.cert.PublicKey) {
		return f.broken(caKeyFile, "it is not the key of ca.pem")
	}
	if h.seal.Recipient().String() != h.Self.Recipient {
		return f.broken(sealKeyFile, "it is not the key of the recipient that identity.json names")
	}
	return nil
}

// save writes all of a new member, the identity last: after a crash before that the folder holds
// no member, and what lies there is used again or overwritten.
func (f Folder) save(h *held) error {
	if err := f.saveKeys(h); err != nil {
		return err
	}
	if h.ca.key != nil {
		if err := f.writeKey(caKeyFile, h.ca.key); err != nil {
			return err
		}
	}
	if err := f.writeCertificate(caFile, h.ca.cert); err != nil {
		return err
	}
	if err := f.writeCertificate(nodeFile, h.leaf); err != nil {
		return err
	}
	return f.saveIdentity(h.Identity)
}

// saveKeys writes what a candidate needs to ask again after a crash.
func (f Folder) saveKeys(h *held) error {
	if err := f.make(); err != nil {
		return err
	}
	if err := f.writeKey(nodeKeyFile, h.key); err != nil {
		return err
	}
	if h.seal == nil {
		return nil
	}
	return f.write(sealKeyFile, []byte(h.seal.String()+"\n"))
}

func (f Folder) saveIdentity(id Identity) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return f.write(identityFile, append(b, '\n'))
}

// Leave makes this machine a member of no pair: the keys are gone after it. The rest of the folder
// is not touched.
func (f Folder) Leave() error {
	for _, name := range []string{identityFile, caKeyFile, sealKeyFile, nodeKeyFile, nodeFile, caFile} {
		err := os.Remove(f.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err = errors.Join(err, syncFolder(string(f))); err != nil {
			return fmt.Errorf("leave the pair: %w", err)
		}
	}
	return nil
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

func (f Folder) broken(name, why string) error {
	return fmt.Errorf("%s: %s: put the whole folder back from one copy, or move it away and join again with a new token (\"rackpost pair join\")", f.path(name), why)
}

func (f Folder) make() error {
	if err := os.MkdirAll(string(f), folderMode); err != nil {
		return fmt.Errorf("make the pair's folder: %w", err)
	}
	if err := f.checkMode("."); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(string(f)))
}

// checkMode refuses what others than the owner may read or write.
func (f Folder) checkMode(name string) error {
	info, err := os.Stat(f.path(name))
	if errors.Is(err, fs.ErrNotExist) && name == "." {
		return ErrNoPair
	}
	if err != nil {
		return fmt.Errorf("read the pair's folder: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s may be read or written by others (mode %04o), so its keys may be known to them: if nobody else uses this machine, \"chmod go= %s\"; otherwise leave the pair and join it anew", f.path(name), perm, f.path(name))
	}
	return nil
}

func (f Folder) read(name string) ([]byte, error) {
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

// needed reads a file that must be there beside identityFile.
func (f Folder) needed(name string) ([]byte, error) {
	b, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.broken(name, "it is missing")
	}
	return b, err
}

// write puts content under name, durably and whole or not at all.
func (f Folder) write(name string, content []byte) error {
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

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "PRIVATE KEY"
)

func (f Folder) writeCertificate(name string, c *x509.Certificate) error {
	return f.write(name, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw}))
}

func (f Folder) readCertificate(name string) (*x509.Certificate, error) {
	der, err := f.readPEM(name, pemCertificate)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, f.broken(name, err.Error())
	}
	return c, nil
}

func (f Folder) writeKey(name string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return f.write(name, pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}))
}

func (f Folder) readKey(name string) (ed25519.PrivateKey, error) {
	der, err := f.readPEM(name, pemKey)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, f.broken(name, "it is no Ed25519 key") // the reason could quote the key
	}
	return key, nil
}

func (f Folder) readPEM(name, kind string) ([]byte, error) {
	b, err := f.needed(name)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != kind || len(strings.TrimSpace(string(rest))) != 0 {
		return nil, f.broken(name, "it is not one PEM block of type "+kind)
	}
	return block.Bytes, nil
}

func (f Folder) readSeal() (*age.X25519Identity, error) {
	b, err := f.needed(sealKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, f.broken(sealKeyFile, "it is no age X25519 identity")
	}
	return key, nil
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(slices.Clone([]byte(key[ed25519.SeedSize:])))
}
