package enroll

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rackpost/replicate/keys"
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
	maxFile     = 32 << 20
	registerNow = 1 // the format of registerFile
)

// in is where its files are.
func (f folder) in() keys.Folder {
	return keys.Folder{Path: string(f), Name: "headquarters' folder", Exposed: "move it away, and have every site join anew", Most: maxFile,
		Broken: "put the whole folder back from one copy; without one, move it away, and every site must join anew"}
}

// open reads the folder, or makes the headquarters that is to be there.
func (f folder) open(at keys.Clock) (*authority, register, error) {
	if err := f.in().Make(); err != nil {
		return nil, register{}, err
	}
	b, err := f.in().Read(registerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return f.found(at)
	}
	if err != nil {
		return nil, register{}, err
	}
	var r register
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, register{}, f.in().Damaged(registerFile, err.Error())
	}
	if r.Format != registerNow {
		return nil, register{}, fmt.Errorf("%s is of format %d, this version knows %d: use the version that wrote it", f.in().At(registerFile), r.Format, registerNow)
	}
	a, err := f.authority()
	if err != nil {
		return nil, register{}, err
	}
	if keys.FingerprintOf(a.Cert) != r.CA {
		return nil, register{}, f.in().Damaged(caFile, "it is not the CA that "+registerFile+" names")
	}
	return a, r, f.checkRegister(a, r)
}

// found makes a headquarters without sites.
func (f folder) found(at keys.Clock) (*authority, register, error) {
	if _, err := os.Stat(f.in().At(caKeyFile)); err == nil {
		if a, err := f.authority(); err == nil && !at.Now.After(a.Cert.NotAfter) {
			r := register{Format: registerNow, CA: keys.FingerprintOf(a.Cert)}
			return a, r, f.writeRegister(r)
		}
	}
	a, err := newAuthority(at)
	if err != nil {
		return nil, register{}, err
	}
	if err := f.in().WriteKey(caKeyFile, a.Key); err != nil {
		return nil, register{}, err
	}
	if err := f.in().WriteCertificate(caFile, a.Cert); err != nil {
		return nil, register{}, err
	}
	r := register{Format: registerNow, CA: keys.FingerprintOf(a.Cert)}
	return a, r, f.writeRegister(r)
}

func (f folder) authority() (*authority, error) {
	cert, err := f.in().ReadCertificate(caFile)
	if err != nil {
		return nil, err
	}
	key, err := keys.ReadKey[*ecdsa.PrivateKey](f.in(), caKeyFile, "ECDSA")
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, f.in().Damaged(caKeyFile, "it is not the key of "+caFile)
	}
	hq, _, err := named(cert)
	if err != nil {
		return nil, f.in().Damaged(caFile, "it is not the CA of a headquarters")
	}
	return &authority{hq, keys.Authority{Cert: cert, Key: key}}, nil
}

// checkRegister says what is wrong in a register that was read.
func (f folder) checkRegister(a *authority, r register) error {
	ids, names := map[string]bool{}, map[string]bool{}
	for _, s := range r.Sites {
		id, err := s.check()
		if err != nil {
			return f.in().Damaged(registerFile, fmt.Sprintf("site %.80q: %v", s.Name, err))
		}
		if ids[id.String()] || names[s.Name] || id == a.hq {
			return f.in().Damaged(registerFile, fmt.Sprintf("site %.80q stands there twice", s.Name))
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
	return f.in().Write(registerFile, append(b, '\n'))
}
