package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/enroll"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/wholefile"
)

// What lets a site send to headquarters is one key and certificate. A lone box keeps it in a file that nobody else reads; a pair as a
// secret that is sealed to both boxes, so that either may send, and so may the next box in its place. It stays one credential while it is
// renewed, because its key stays: who renews changes what has that key, and nothing else. So who leaves wins.

// credentialFile is where a lone box keeps it, in its data folder.
const credentialFile = "headquarters.credential"

// credentialSecret is the name by which a pair does.
const credentialSecret = "headquarters"

// maxCredential is the greatest that is read, in bytes.
const maxCredential = 16 << 10

// errKeptOther is returned where what is kept is not what was to be replaced: somebody left or joined meanwhile, and that holds.
var errKeptOther = errors.New("what lets this site send to headquarters is another one by now, or none: somebody left headquarters or joined it meanwhile")

// keeping is where a box keeps its site's credential.
type keeping interface {
	// load returns it; ok is false when the site has joined no headquarters.
	load() (c enroll.Credential, ok bool, err error)
	// replace puts next in the place of what has the key of was, of nothing where was is empty, also of what cannot be read
	// then. What has another key is left as it is: errKeptOther.
	replace(ctx context.Context, was, next enroll.Credential, who, why string) error
	// drop forgets it, whatever it is.
	drop(ctx context.Context, who string) error
	// watch returns a channel that is closed when it may be another.
	watch() <-chan struct{}
}

// replaceable says whether what load returned may be replaced by who thinks that it is was.
func replaceable(was, kept enroll.Credential, err error) bool {
	if err != nil {
		return was.Key() == (enroll.Fingerprint{})
	}
	return was.Key() == kept.Key()
}

// fileKeeping is that of a lone box.
type fileKeeping struct {
	path string

	mu      sync.Mutex // of who changes the file
	changed chan struct{}
}

func newFileKeeping(box boxConfig) *fileKeeping {
	return &fileKeeping{path: filepath.Join(box.data, credentialFile), changed: make(chan struct{})}
}

func (k *fileKeeping) load() (enroll.Credential, bool, error) {
	b, err := readAtMost(k.path, maxCredential)
	if errors.Is(err, fs.ErrNotExist) {
		return enroll.Credential{}, false, nil
	}
	if err != nil {
		return enroll.Credential{}, false, err
	}
	c, err := enroll.ParseCredential(b)
	if err != nil {
		return enroll.Credential{}, false, fmt.Errorf("%s: %w", k.path, err)
	}
	return c, true, nil
}

func (k *fileKeeping) replace(_ context.Context, was, next enroll.Credential, _, _ string) error {
	b, err := next.Marshal()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, _, err := k.load(); !replaceable(was, kept, err) {
		return errKeptOther
	}
	if err := wholefile.Write(k.path, b, 0o600); err != nil {
		return err
	}
	k.tell()
	return nil
}

func (k *fileKeeping) drop(context.Context, string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.tell()
	return wholefile.Remove(k.path)
}

func (k *fileKeeping) watch() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// tell wakes who watches. The caller holds mu.
func (k *fileKeeping) tell() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// pairKeeping is that of a pair.
type pairKeeping struct {
	*pairing
	agree func(context.Context, control.Command) error // has it agreed on
}

func newPairKeeping(p *pairing) pairKeeping { return pairKeeping{p, p.propose} }

func (k pairKeeping) load() (enroll.Credential, bool, error) { return k.loadOf(k.agreed.State()) }

func (k pairKeeping) loadOf(state control.State) (c enroll.Credential, ok bool, err error) {
	if _, ok := state.Document(control.Secret + credentialSecret); !ok {
		return c, false, nil
	}
	text, err := k.openSecret(state, credentialSecret)
	if err != nil {
		return c, false, err
	}
	c, err = credentialOf(text)
	return c, err == nil, err
}

// credentialOf reads the secret of a pair.
func credentialOf(text string) (enroll.Credential, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		var c enroll.Credential
		if c, err = enroll.ParseCredential(b); err == nil {
			return c, nil
		}
	}
	return enroll.Credential{}, fmt.Errorf("the secret %q: %w", credentialSecret, err)
}

// credentialText writes it.
func credentialText(c enroll.Credential) ([]byte, error) {
	b, err := c.Marshal()
	return []byte(base64.StdEncoding.EncodeToString(b)), err
}

func (k pairKeeping) replace(ctx context.Context, was, next enroll.Credential, who, why string) error {
	text, err := credentialText(next)
	if err != nil {
		return err
	}
	return k.change(ctx, func(state control.State, now control.Document) (control.Command, error) {
		if kept, _, err := k.loadOf(state); !replaceable(was, kept, err) {
			return nil, errKeptOther
		}
		sealed, err := trust.Seal(credentialSecret, text, trust.Recipients(k.members()))
		if err != nil {
			return nil, err
		}
		content, err := json.Marshal(sealed)
		return &control.Put{Name: control.Secret + credentialSecret, Expected: now.Version, Content: content, Who: who, Why: why, At: time.Now()}, err
	})
}

func (k pairKeeping) drop(ctx context.Context, who string) error {
	return k.change(ctx, func(_ control.State, now control.Document) (control.Command, error) {
		if now.Version == 0 {
			return nil, nil
		}
		return &control.Delete{Name: now.Name, Expected: now.Version, Who: who, Why: "left headquarters", At: time.Now()}, nil
	})
}

// How often, and for how long each time, a change is made once more that came too late: the secret was sealed anew, renewed or
// dropped by somebody else.
const (
	keepTries  = 4
	keepSettle = 3 * time.Second
)

// change has a change of what is kept agreed on, which is made of what is agreed on now and holds for that alone. Nil is no change.
func (k pairKeeping) change(ctx context.Context, of func(control.State, control.Document) (control.Command, error)) error {
	for try := 1; ; try++ {
		later := k.agreed.Watch()
		state := k.agreed.State()
		now, _ := state.Document(control.Secret + credentialSecret)
		c, err := of(state, now)
		if err != nil || c == nil {
			return err
		}
		err = k.agree(ctx, c)
		if !errors.As(err, new(*replicate.RefusedError)) || try == keepTries {
			return err
		}
		select {
		case <-later:
		case <-time.After(keepSettle):
			return err
		case <-ctx.Done():
			return err
		}
	}
}

func (k pairKeeping) watch() <-chan struct{} { return k.agreed.Watch() }

// bringCredential has a new pair keep what lets the site send to headquarters, if the box has that.
func (f *founding) bringCredential(box boxConfig, members []trust.Member) error {
	c, ok, err := newFileKeeping(box).load()
	if err != nil || !ok {
		return err
	}
	text, err := credentialText(c)
	if err != nil {
		return err
	}
	f.Secrets[credentialSecret], err = trust.Seal(credentialSecret, text, trust.Recipients(members))
	return err
}

// partCredential leaves a box that goes out of its pair with what lets the site send to headquarters when it is the last one, else
// without: the others send.
func (h *pairHost) partCredential(last bool) error {
	var c enroll.Credential
	ok := last && h.role == mode.Box
	if ok {
		var err error
		if c, ok, err = newPairKeeping(h.pairing).load(); err != nil {
			return err
		}
	}
	file := newFileKeeping(h.box)
	if err := file.drop(context.Background(), ""); err != nil || !ok {
		return err
	}
	return file.replace(context.Background(), enroll.Credential{}, c, "", "")
}

// joiningFile is where a box keeps the key with which it joins until what comes of it is kept, in its data folder: headquarters gives
// the same key with the same token the same once more, so what is lost on the way costs no token.
const joiningFile = "headquarters.joining"

// joining is what is in it.
type joining struct {
	Format int    `json:"format"`
	Token  string `json:"token"` // its ID, no secret
	Key    []byte `json:"key"`   // Ed25519 seed
}

const joiningFormat = 1

// joiningKey returns the key with which a box joins by a token: that of the last time, if it was the same token, else one that is
// written down first.
func joiningKey(box boxConfig, token enroll.Token) (ed25519.PrivateKey, error) {
	path := filepath.Join(box.data, joiningFile)
	b, err := readAtMost(path, maxCredential)
	var had joining
	if err == nil && json.Unmarshal(b, &had) == nil && had.Format == joiningFormat && had.Token == token.ID() && len(had.Key) == ed25519.SeedSize {
		return ed25519.NewKeyFromSeed(had.Key), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if b, err = json.Marshal(joining{Format: joiningFormat, Token: token.ID(), Key: key.Seed()}); err != nil {
		return nil, err
	}
	return key, wholefile.Write(path, b, 0o600)
}

// endJoining forgets that key.
func endJoining(box boxConfig) error { return wholefile.Remove(filepath.Join(box.data, joiningFile)) }
