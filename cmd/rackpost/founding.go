package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/trust"
	"rackpost/wholefile"
)

// founding is what the first box of a pair brings in. It lies in the pair's folder until it is agreed on.
type founding struct {
	Who     string                  `json:"who"`
	At      time.Time               `json:"at"`
	Site    []byte                  `json:"site"`    // site.yaml
	Secrets map[string]trust.Sealed `json:"secrets"` // by name
}

const maxFounding = 16 << 20

func (p *pairing) foundPath() string { return filepath.Join(p.dir, foundFile) }

// isFounding says whether this box has yet to bring in what a pair begins with.
func (p *pairing) isFounding() (bool, error) {
	_, err := os.Lstat(p.foundPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (f founding) save(dir string) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(dir, foundFile), b, 0o600)
}

// toFound reads what the pair is to begin with; ok is false when it has begun. What lets the site send to headquarters is left out where
// somebody left there since.
func (p *pairing) toFound() (f founding, ok bool, err error) {
	b, err := readAtMost(p.foundPath(), maxFounding)
	if errors.Is(err, fs.ErrNotExist) {
		return f, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		return f, false, fmt.Errorf("read what the pair begins with: %w", err)
	}
	if !exists(newFileKeeping(p.box).path) {
		delete(f.Secrets, credentialSecret)
	}
	return f, true, nil
}

// found brings in what the pair begins with: this box, its secrets and its site. What is agreed on already is passed
// over, so that it may be called until it succeeds.
func (p *pairing) found(ctx context.Context) error {
	f, ok, err := p.toFound()
	if err != nil || !ok {
		return err
	}
	commands, err := f.commands(p.agreed.State(), p.keeper.Identity().Self)
	if err != nil {
		return err
	}
	for _, c := range commands {
		if err := p.propose(ctx, c); err != nil {
			return fmt.Errorf("agree on what the pair begins with: %w", err)
		}
	}
	if err := newFileKeeping(p.box).drop(ctx, ""); err != nil { // the pair keeps it now
		return err
	}
	return wholefile.Remove(p.foundPath())
}

// commands are what is still to be agreed on, the site last: with it the box begins to visit.
func (f founding) commands(state control.State, self trust.Member) ([]control.Command, error) {
	const why = "the pair begins"
	var commands []control.Command
	if _, known := state.Member(self.Node); !known {
		c, err := memberPut(state, agreedMember(self), f.Who, why, f.At)
		if err != nil {
			return nil, err
		}
		commands = append(commands, c)
	}
	for _, name := range sortedKeys(f.Secrets) {
		if _, known := state.Document(control.Secret + name); known {
			continue
		}
		content, err := json.Marshal(f.Secrets[name])
		if err != nil {
			return nil, err
		}
		commands = append(commands, &control.Put{Name: control.Secret + name, Content: content, Who: f.Who, Why: why, At: f.At})
	}
	if _, known := state.Document(control.Site); !known && len(f.Site) > 0 {
		commands = append(commands, &control.Put{Name: control.Site, Content: f.Site, Who: f.Who, Why: why, At: f.At})
	}
	return commands, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
