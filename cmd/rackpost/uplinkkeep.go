package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/enroll"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// What lets a site send to headquarters is one key and certificate. A lone box keeps it in a file that nobody else reads; a pair as a
// secret that is sealed to both boxes, so that either may send, and so may the next box in its place.

// credentialFile is where a lone box keeps it, in its data folder.
const credentialFile = "headquarters.credential"

// credentialSecret is the name by which a pair does.
const credentialSecret = "headquarters"

// maxCredential is the greatest that is read, in bytes.
const maxCredential = 16 << 10

// keeping is where a box keeps its site's credential.
type keeping interface {
	// load returns it; ok is false when the site has joined no headquarters.
	load() (c enroll.Credential, ok bool, err error)
	// save puts one in its place.
	save(ctx context.Context, c enroll.Credential, who, why string) error
	// drop forgets it.
	drop(ctx context.Context, who string) error
	// watch returns a channel that is closed when it may be another.
	watch() <-chan struct{}
}

// fileKeeping is that of a lone box.
type fileKeeping struct {
	path string

	mu      sync.Mutex
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
		return c, false, fmt.Errorf("%s: %w", k.path, err)
	}
	return c, true, nil
}

func (k *fileKeeping) save(_ context.Context, c enroll.Credential, _, _ string) error {
	b, err := c.Marshal()
	if err != nil {
		return err
	}
	if err := writeDurably(k.path, b); err != nil {
		return err
	}
	k.tell()
	return nil
}

func (k *fileKeeping) drop(context.Context, string) error {
	err := os.Remove(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	k.tell()
	return err
}

func (k *fileKeeping) watch() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

func (k *fileKeeping) tell() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.changed)
	k.changed = make(chan struct{})
}

// pairKeeping is that of a pair.
type pairKeeping struct{ *pairing }

func (k pairKeeping) load() (c enroll.Credential, ok bool, err error) {
	state := k.agreed.State()
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
func credentialOf(text string) (c enroll.Credential, err error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		c, err = enroll.ParseCredential(b)
	}
	if err != nil {
		return c, fmt.Errorf("the secret %q: %w", credentialSecret, err)
	}
	return c, nil
}

// credentialText writes it.
func credentialText(c enroll.Credential) ([]byte, error) {
	b, err := c.Marshal()
	return []byte(base64.StdEncoding.EncodeToString(b)), err
}

func (k pairKeeping) save(ctx context.Context, c enroll.Credential, who, why string) error {
	text, err := credentialText(c)
	if err != nil {
		return err
	}
	now, _ := k.agreed.State().Document(control.Secret + credentialSecret)
	sealed, err := trust.Seal(credentialSecret, text, trust.Recipients(k.members()))
	if err != nil {
		return err
	}
	content, err := json.Marshal(sealed)
	if err != nil {
		return err
	}
	return k.propose(ctx, &control.Put{Name: control.Secret + credentialSecret, Expected: now.Version, Content: content, Who: who, Why: why, At: time.Now()})
}

func (k pairKeeping) drop(ctx context.Context, who string) error {
	now, ok := k.agreed.State().Document(control.Secret + credentialSecret)
	if !ok {
		return nil
	}
	return k.propose(ctx, &control.Delete{Name: now.Name, Expected: now.Version, Who: who, Why: "left headquarters", At: time.Now()})
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
	file := newFileKeeping(h.box)
	if !last || h.role != mode.Box {
		return file.drop(context.Background(), "")
	}
	c, ok, err := pairKeeping{h.pairing}.load()
	switch {
	case err != nil:
		return err
	case !ok:
		return file.drop(context.Background(), "")
	}
	return file.save(context.Background(), c, "", "")
}
