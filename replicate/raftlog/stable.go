package raftlog

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"rackpost/replicate/mode"
)

// Raft's names of the two halves of a vote, which it writes one after the other.
const (
	keyVoteTerm = "LastVoteTerm"
	keyVoteCand = "LastVoteCand"
)

// The keys of meta.
const (
	keyLife       = "life"
	keyGeneration = "generation"
)

// Set implements raft.StableStore. Of a vote it writes both halves at once.
func (s *Store) Set(key, val []byte) error {
	values := map[string][]byte{string(key): bytes.Clone(val)}
	s.mu.Lock()
	if string(key) == keyVoteCand && s.vote != nil {
		values[keyVoteTerm], s.vote = s.vote, nil
	}
	s.mu.Unlock()
	return s.set(values)
}

// Get implements raft.StableStore: nothing, and no error, where there is no such key.
func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return bytes.Clone(s.has.stable[string(key)]), nil
}

// SetUint64 implements raft.StableStore. The term of a vote is held until its candidate comes: a vote of a new term for
// the candidate of an old one must never be read.
func (s *Store) SetUint64(key []byte, val uint64) error {
	b := binary.BigEndian.AppendUint64(nil, val)
	if string(key) == keyVoteTerm {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.vote = b
		return s.err
	}
	return s.set(map[string][]byte{string(key): b})
}

// GetUint64 implements raft.StableStore: 0, and no error, where there is no such key.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.has.stable[string(key)]
	if !ok {
		return 0, nil
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("the raft value %.40q has %d bytes and is no number", key, len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

func (s *Store) set(values map[string][]byte) error {
	if err := s.checkValues(values, func(c content) map[string][]byte { return c.stable }); err != nil {
		return err
	}
	return s.write(change{stable: values})
}

func (s *Store) checkValues(values map[string][]byte, of func(content) map[string][]byte) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	has := of(s.has)
	for key, value := range values {
		if _, known := has[key]; !known && len(has) >= maxKeys {
			return fmt.Errorf("keep %.40q beside the raft log: %d values are kept already, the most there may be", key, maxKeys)
		}
		if len(key) > 256 || len(value) > maxValueBytes {
			return fmt.Errorf("keep %.40q of %d bytes beside the raft log: the most is %d", key, len(value), maxValueBytes)
		}
	}
	return nil
}

// Generation returns the generation this member is of, the zero value in a new file.
func (s *Store) Generation() mode.Generation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.has.meta[keyGeneration]
	if len(b) != 16 {
		return mode.Generation{}
	}
	return mode.Generation{Counter: binary.BigEndian.Uint64(b), Random: binary.BigEndian.Uint64(b[8:])}
}

// SetGeneration writes the generation this member is of from now on.
func (s *Store) SetGeneration(g mode.Generation) error {
	return s.setMeta(keyGeneration, pair(g.Counter, g.Random))
}

func (s *Store) setMeta(key string, value []byte) error {
	values := map[string][]byte{key: value}
	if err := s.checkValues(values, func(c content) map[string][]byte { return c.meta }); err != nil {
		return err
	}
	return s.write(change{meta: values})
}

// checkMeta reads the life once, so that a file without a good one is noticed.
func (s *Store) checkMeta() error {
	life := string(s.has.meta[keyLife])
	if b, err := hex.DecodeString(life); err != nil || len(b) != 8 {
		return fmt.Errorf("the raft log has the life %.40q: 16 hexadecimal digits were written", life)
	}
	s.life = life
	return nil
}

// NewLife returns the name of a life that no file has.
func NewLife() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

// Renew gives the file another life from its next Open on: the others know the one it has as over.
func (s *Store) Renew(life string) error { return s.setMeta(keyLife, []byte(life)) }

func pair(a, b uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a), b)
}
