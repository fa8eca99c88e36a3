package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/web"
)

const (
	maxReport    = 128 << 20 // bytes: the largest state, as text
	maxLostLines = 20        // of one report
)

// conflicts are the reports of what was given up, the newest first, each with what of it does not count now. One of which nothing is
// missing is not told: an old image that agreed on nothing alone leaves one too.
func (p *pairing) conflicts() []web.PairConflict {
	out := []web.PairConflict{}
	files, err := filepath.Glob(filepath.Join(p.dir, "conflicts", "*.json"))
	if err != nil {
		return out
	}
	slices.Sort(files)
	now := p.agreed.State()
	for _, file := range slices.Backward(files) {
		if c := conflictOf(file, now); c.Problem != "" || len(c.Lost) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// sweepConflicts removes the reports of which nothing is missing, each time this member has caught up: those that are kept are few.
func (p *pairing) sweepConflicts(ctx context.Context) error {
	swept := false
	for {
		news := p.node.Watch()
		current := p.node.Status().Current
		if current && !swept {
			p.dropConflicts()
		}
		swept = current
		select {
		case <-ctx.Done():
			return nil
		case <-news:
		}
	}
}

func (p *pairing) dropConflicts() {
	files, err := filepath.Glob(filepath.Join(p.dir, "conflicts", "*.json"))
	if err != nil {
		return
	}
	now := p.agreed.State()
	for _, file := range files {
		if c := conflictOf(file, now); c.Problem != "" || len(c.Lost) > 0 {
			continue
		}
		if err := os.Remove(file); err != nil {
			p.logger.Warn("a report of what was given up, of which nothing is missing, is not removed", "file", file, "err", err)
			continue
		}
		p.logger.Info("nothing of what was given up is missing: the report is removed", "file", file)
	}
}

func conflictOf(file string, now control.State) web.PairConflict {
	c := web.PairConflict{File: file, Lost: []string{}}
	old, err := readConflict(file)
	switch {
	case err != nil:
		c.Problem = err.Error()
	case now.Applied() == 0:
		c.Problem = "what of it is missing shows when this machine is caught up"
	default:
		c.Lost = lostLines(old, now)
	}
	return c
}

// lostLines tells in words what old has and now has not.
func lostLines(old, now control.State) []string {
	out := []string{}
	for _, l := range control.Diff(old, now) {
		if len(out) == maxLostLines {
			return append(out, "and more")
		}
		out = append(out, l.Name+": "+l.Text)
	}
	return out
}

// readConflict returns the state that a report keeps.
func readConflict(file string) (control.State, error) {
	f, err := os.Open(file)
	if err != nil {
		return control.State{}, fmt.Errorf("read a conflict report: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReport))
	if err != nil {
		return control.State{}, fmt.Errorf("read a conflict report: %w", err)
	}
	var c replicate.Conflict
	if err := json.Unmarshal(b, &c); err != nil {
		return control.State{}, fmt.Errorf("%s is no conflict report: %w", file, err)
	}
	s, err := control.DecodeState(c.State)
	if err != nil {
		return control.State{}, fmt.Errorf("%s is no conflict report: %w", file, err)
	}
	return s, nil
}

// siteOfConflict returns the last version of the site that a report keeps.
func siteOfConflict(file string) (siteVersion, error) {
	s, err := readConflict(file)
	if err != nil {
		return siteVersion{}, err
	}
	d, ok := s.Document(control.Site)
	if !ok {
		return siteVersion{}, fmt.Errorf("%s holds no site.yaml", file)
	}
	return siteVersion{Version: d.Version, Who: d.Who, Why: d.Why, At: d.At, Bytes: len(d.Content), Text: string(d.Content)}, nil
}
