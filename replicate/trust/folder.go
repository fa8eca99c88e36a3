package trust

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"filippo.io/age"

	"rackpost/replicate/keys"
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
	maxFile     = 256 << 10
	identityNow = 1 // the format of identityFile
)

// folder is where its files are.
func (f Folder) folder() keys.Folder {
	return keys.Folder{Path: string(f), Name: "the pair's folder", Exposed: "leave the pair and join it anew", Most: maxFile,
		Broken: "put the whole folder back from one copy, or move it away and join again with a new token (\"rackpost pair join\")"}
}

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
	b, err := f.folder().Read(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return id, ErrNoPair
	}
	if err != nil {
		return id, err
	}
	if err := json.Unmarshal(b, &id); err != nil {
		return id, f.folder().Damaged(identityFile, err.Error())
	}
	if id.Format != identityNow {
		return id, fmt.Errorf("%s is of format %d, this version knows %d: use the version that wrote it", f.folder().At(identityFile), id.Format, identityNow)
	}
	if err := id.Self.Check(); err != nil {
		return id, f.folder().Damaged(identityFile, err.Error())
	}
	return id, nil
}

func (f Folder) load() (*held, error) {
	in := f.folder()
	if err := in.Check("."); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoPair
	} else if err != nil {
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
	if h.leaf, err = in.ReadCertificate(nodeFile); err != nil {
		return nil, err
	}
	if h.ca.cert, err = in.ReadCertificate(caFile); err != nil {
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
	if keys.FingerprintOf(h.ca.cert) != h.CA {
		return f.folder().Damaged(caFile, "it is not the CA that identity.json names")
	}
	if NodeOf(public(h.key)) != h.Self.Node {
		return f.folder().Damaged(nodeKeyFile, "it is not the key of the member that identity.json names")
	}
	peer, err := checkChain(h.ca.cert, h.leaf)
	if err != nil {
		return f.folder().Damaged(nodeFile, err.Error())
	}
	if peer != h.Peer() {
		return f.folder().Damaged(nodeFile, "it is not the certificate of the member that identity.json names")
	}
	if h.Self.Role != mode.Box {
		return nil
	}
	if !public(h.ca.key).Equal(h.ca.cert.PublicKey) {
		return f.folder().Damaged(caKeyFile, "it is not the key of ca.pem")
	}
	if h.seal.Recipient().String() != h.Self.Recipient {
		return f.folder().Damaged(sealKeyFile, "it is not the key of the recipient that identity.json names")
	}
	return nil
}

// save writes all of a new member, the identity last: after a crash before that the folder holds
// no member, and what lies there is used again or overwritten.
func (f Folder) save(h *held) error {
	in := f.folder()
	if err := f.saveKeys(h); err != nil {
		return err
	}
	if h.ca.key != nil {
		if err := in.WriteKey(caKeyFile, h.ca.key); err != nil {
			return err
		}
	}
	if err := in.WriteCertificate(caFile, h.ca.cert); err != nil {
		return err
	}
	if err := in.WriteCertificate(nodeFile, h.leaf); err != nil {
		return err
	}
	return f.saveIdentity(h.Identity)
}

// saveKeys writes what a candidate needs to ask again after a crash.
func (f Folder) saveKeys(h *held) error {
	in := f.folder()
	if err := in.Make(); err != nil {
		return err
	}
	if err := in.WriteKey(nodeKeyFile, h.key); err != nil {
		return err
	}
	if h.seal == nil {
		return nil
	}
	return in.Write(sealKeyFile, []byte(h.seal.String()+"\n"))
}

func (f Folder) saveIdentity(id Identity) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return f.folder().Write(identityFile, append(b, '\n'))
}

// Leave makes this machine a member of no pair: the keys are gone after it. The rest of the folder
// is not touched.
func (f Folder) Leave() error {
	for _, name := range []string{identityFile, caKeyFile, sealKeyFile, nodeKeyFile, nodeFile, caFile} {
		if err := f.folder().Remove(name); err != nil {
			return fmt.Errorf("leave the pair: %w", err)
		}
	}
	return nil
}

func (f Folder) readKey(name string) (ed25519.PrivateKey, error) {
	return keys.ReadKey[ed25519.PrivateKey](f.folder(), name, "Ed25519")
}

func (f Folder) readSeal() (*age.X25519Identity, error) {
	b, err := f.folder().Needed(sealKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, f.folder().Damaged(sealKeyFile, "it is no age X25519 identity")
	}
	return key, nil
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(slices.Clone([]byte(key[ed25519.SeedSize:])))
}
