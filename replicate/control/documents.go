package control

import (
	"bytes"
	"slices"
	"strings"
)

func validName(name string) bool {
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if part == "" || part[0] == '.' || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
		}) {
			return false
		}
	}
	return len(parts) <= 2
}

func (p *Put) apply(s *State, index uint64) error {
	i, exists := find(s.documents, p.Name)
	if exists && p.isRepeat(s.documents[i]) {
		return nil
	}
	if err := s.expect(p.Name, p.Expected); err != nil {
		return err
	}
	if err := s.admits(p); err != nil {
		return err
	}
	// A document made anew does not begin at 1 again: who knows version 1 of the old one must not change it.
	d := &Document{Name: p.Name, Version: s.floor + 1, Content: p.Content, Who: p.Who, Why: p.Why, At: p.At, Index: index, Base: p.Expected, Proof: p.Proof}
	if !exists {
		s.documents = slices.Insert(slices.Clone(s.documents), i, d)
		return nil
	}
	old := s.documents[i]
	d.Version = old.Version + 1
	s.documents = slices.Clone(s.documents)
	s.documents[i] = d
	if p.Name == Site {
		s.keep(old)
	}
	return nil
}

// isRepeat says whether d is what p has made: whoever got no answer proposes again.
func (p *Put) isRepeat(d *Document) bool {
	return d.Version > p.Expected && d.Who == p.Who && d.Why == p.Why && d.At.Equal(p.At) && bytes.Equal(d.Content, p.Content)
}

func (s *State) expect(name string, version uint64) error {
	current, _ := s.Document(name)
	if current.Version == version {
		return nil
	}
	current.Content = nil
	return &ConflictError{Name: name, Expected: version, Current: current}
}

func (s *State) admits(p *Put) error {
	total := len(p.Content)
	for _, d := range s.documents {
		if d.Name != p.Name {
			total += len(d.Content)
		}
	}
	if total > maxTotal || p.Expected == 0 && len(s.documents) >= maxDocuments {
		return refuse("%s: the pair agrees on at most %d documents of %d MB together; delete some", p.Name, maxDocuments, maxTotal>>20)
	}
	if id, isMember := strings.CutPrefix(p.Name, Peer); isMember {
		if err := s.admitsMember(id, p.Content); err != nil {
			return err
		}
		return s.hasRoom(p.Content)
	}
	return nil
}

// keep makes old a version to go back to, and drops the oldest ones.
func (s *State) keep(old *Document) {
	s.history = append(slices.Clone(s.history), old)
	size := 0
	for _, d := range s.history {
		size += len(d.Content)
	}
	for len(s.history) >= maxVersions || size > maxHistory {
		size -= len(s.history[0].Content)
		s.history = s.history[1:]
	}
}

func (d *Delete) apply(s *State, _ uint64) error {
	if err := s.expect(d.Name, d.Expected); err != nil {
		return err
	}
	i, exists := find(s.documents, d.Name)
	if !exists {
		return refuse("%s does not exist", d.Name)
	}
	if d.Name == Site {
		return refuse("%s cannot be deleted: apply one without devices", d.Name)
	}
	s.floor = max(s.floor, s.documents[i].Version)
	s.documents = slices.Delete(slices.Clone(s.documents), i, i+1)
	if id, isMember := strings.CutPrefix(d.Name, Peer); isMember {
		s.forgetTokens(id)
	}
	return nil
}

// Documents returns the current documents whose names begin with prefix, by name.
func (s State) Documents(prefix string) []Document {
	var out []Document
	for _, d := range s.documents {
		if strings.HasPrefix(d.Name, prefix) {
			out = append(out, *d)
		}
	}
	return out
}

// History returns the versions of [Site] that are kept, the current one last.
func (s State) History() []Document {
	var out []Document
	for _, d := range s.history {
		out = append(out, *d)
	}
	if d, ok := s.Document(Site); ok {
		out = append(out, d)
	}
	return out
}
