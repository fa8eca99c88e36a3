package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rackpost/replicate/mode"
	"rackpost/wholefile"
)

// struckFile keeps what a box said of this member that it took out, so that a restart does not forget it.
const struckFile = "struck.json"

// struckFor is how long after that a box with authority may still have been heard from before it.
const struckFor = 10 * time.Second

// strickenAt is what a box said of this member, and when this process heard or read it.
type strickenAt struct {
	mode.Struck
	at time.Time
}

// recallStruck reads what an earlier run was told.
func (p *pairing) recallStruck() {
	b, err := readAtMost(filepath.Join(p.dir, struckFile), maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var said mode.Struck
	if err == nil {
		err = json.Unmarshal(b, &said)
	}
	if err != nil {
		p.logger.Warn("whether this machine was taken out of its pair cannot be read; it is learned anew", "err", err)
		return
	}
	p.struck.Store(&strickenAt{said, time.Now()})
}

// strickenBy keeps what a box said of this member; nothing: it is one.
func (p *pairing) strickenBy(said mode.Struck) {
	had := p.said()
	p.struck.Store(&strickenAt{said, time.Now()})
	if said == had {
		return
	}
	path := filepath.Join(p.dir, struckFile)
	var err error
	if said == (mode.Struck{}) {
		if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		var b []byte
		if b, err = json.Marshal(said); err == nil {
			err = wholefile.Write(path, b, 0o600)
		}
	}
	if err != nil {
		p.logger.Warn("whether this machine was taken out of its pair is not kept", "err", err)
	}
}

// said is what a box last said of this member that refuses it.
func (p *pairing) said() mode.Struck {
	if s := p.struck.Load(); s != nil {
		return s.Struck
	}
	return mode.Struck{}
}

// heardAgain forgets that this member was taken out when a box with authority speaks with it, which it does with members only.
func (p *pairing) heardAgain(now time.Time) {
	s := p.struck.Load()
	if s == nil || s.Struck == (mode.Struck{}) || now.Sub(s.at) < struckFor {
		return
	}
	for _, c := range p.wire.Contacts() {
		if c.Role == mode.Box && c.Authority && c.Silent < struckFor/5 {
			p.logger.Warn("a box with authority takes this machine for a member: it is none that was taken out", "box", p.nameOf(c.Node))
			p.strickenBy(mode.Struck{})
			return
		}
	}
}
