package collectors

import (
	"fmt"
	"maps"
	"sync"

	"rackpost/hw"
)

// Memory is what a collector learned of a device and wants to find again after its
// session was closed. Its numbers, such as the largest answer the device bears, end with the
// process. Its texts, such as the certificate that was trusted, are written to the journal
// with the next report, so they survive restart and fail-over. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	values  map[string]int64
	learned hw.Attrs
}

// The bounds of a Memory's texts.
const (
	maxLearned     = 16
	maxLearnedText = MaxText
)

// NewMemory returns a memory that knows what was learned before.
func NewMemory(learned hw.Attrs) *Memory {
	m := &Memory{}
	for _, a := range learned {
		_ = m.Learn(a.Key, a.Value) // what is beyond the bounds was never learned
	}
	return m
}

// Get returns the value under key.
func (m *Memory) Get(key string) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	return v, ok
}

// Set keeps value under key. Keys are few and constant: they are not bounded here.
func (m *Memory) Set(key string, value int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]int64{}
	}
	m.values[key] = value
}

// All returns a copy of every number kept.
func (m *Memory) All() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

// Recall returns the text that was learned under key.
func (m *Memory) Recall(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.learned.Get(key)
	return s, s != ""
}

// Learn keeps value under key, for ever; an empty one forgets. It refuses what is beyond its
// bounds: 16 texts of 1 KiB.
func (m *Memory) Learn(key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.learned.Get(key) != ""
	if len(value) > maxLearnedText || !known && value != "" && len(m.learned) >= maxLearned {
		return fmt.Errorf("learn %q: %d bytes beside %d texts; the bounds are %d and %d", key, len(value), len(m.learned), maxLearnedText, maxLearned)
	}
	m.learned = append(hw.Attrs(nil), m.learned...).With(key, value)
	return nil
}

// Learned returns every text kept. It must not be changed.
func (m *Memory) Learned() hw.Attrs {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.learned
}
