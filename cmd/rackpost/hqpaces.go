package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"sync"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/wholefile"
)

// maxPaces is the greatest file of paces that is read, in bytes.
const maxPaces = 8 << 20

// paces are what an operator wishes of sites, in a file: a restart takes none of it back.
type paces struct {
	path string

	mu   sync.Mutex
	kept map[journal.ID]ship.Pace
}

func openPaces(folder string) (*paces, error) {
	p := &paces{path: filepath.Join(folder, "paces.json"), kept: map[journal.ID]ship.Pace{}}
	b, err := readAtMost(p.path, maxPaces)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; what hq pause, slow and facts-only wished is in it: move it away to go on without", p.path, err)
	}
	return p, nil
}

// of returns what is wished of a site; the zero Pace is nothing.
func (p *paces) of(site journal.ID) ship.Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[site]
}

// set keeps a wish; the zero Pace forgets it.
func (p *paces) set(site journal.ID, pace ship.Pace) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := maps.Clone(p.kept)
	if kept[site] = pace; pace == (ship.Pace{}) {
		delete(kept, site)
	}
	b, err := json.Marshal(kept)
	if err == nil {
		err = wholefile.Write(p.path, b, 0o600)
	}
	if err == nil {
		p.kept = kept
	}
	return err
}
