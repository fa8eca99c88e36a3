package collectors

import (
	"fmt"
	"maps"
	"slices"
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
	learned hw.Attrs // never changed, only replaced: reports carry it
}

// MemoryAsked is the number under which the poller counts how often a person asked for a visit of the device: a
// collector that stopped logins by itself may try one more.
const MemoryAsked = "asked"

// The bounds of a Memory's texts.
const (
	maxLearned     = hw.MaxLearned / 2 // of the collector's; the rest is for the poller
	maxLearnedText = MaxText           // bytes
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

// Learn keeps value under key, for ever; an empty one forgets. It refuses what could not be kept
// whole: more than 16 texts, and texts and keys of more than 1 KiB and 100 bytes, with control
// characters or not in UTF-8.
func (m *Memory) Learn(key, value string) error {
	if key == "" || len(key) > MaxSensor || hw.Clean(key) != key || len(value) > maxLearnedText || hw.Clean(value) != value {
		return fmt.Errorf("learn %.40q under the key %.40q: it could not be kept whole", value, key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !isOurs(key) && value != "" && m.learned.Get(key) == "" && m.theirs() >= maxLearned {
		return fmt.Errorf("learn %q: %d texts are learned, more is not kept", key, maxLearned)
	}
	if m.learned.Get(key) != value {
		m.learned = slices.Clone(m.learned).With(key, value)
	}
	return nil
}

// theirs counts the collector's texts.
func (m *Memory) theirs() (n int) {
	for _, a := range m.learned {
		if !isOurs(a.Key) {
			n++
		}
	}
	return n
}

// Learned returns every text kept; it is never nil. It must not be changed.
func (m *Memory) Learned() hw.Attrs {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.learned == nil {
		return hw.Attrs{}
	}
	return m.learned
}

// relearn replaces every text kept.
func (m *Memory) relearn(learned hw.Attrs) {
	fresh := NewMemory(learned)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.learned = fresh.learned
}
