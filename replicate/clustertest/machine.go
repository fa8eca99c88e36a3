package clustertest

import (
	"encoding/json"
	"hash/fnv"
	"io"
	"sync"
)

// machine is what the members agree on here: the commands, in order, and a hash of each beginning of them.
type machine struct {
	mu       sync.Mutex
	commands []string
	hashes   []uint64
}

// Apply implements replicate.StateMachine.
func (m *machine) Apply(_ uint64, command []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(string(command))
	return nil
}

func (m *machine) add(command string) {
	h := fnv.New64a()
	if n := len(m.hashes); n > 0 {
		for shift := 0; shift < 64; shift += 8 {
			_, _ = h.Write([]byte{byte(m.hashes[n-1] >> shift)})
		}
	}
	_, _ = io.WriteString(h, command)
	m.commands = append(m.commands, command)
	m.hashes = append(m.hashes, h.Sum64())
}

// Snapshot implements replicate.StateMachine.
func (m *machine) Snapshot(w io.Writer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return json.NewEncoder(w).Encode(m.commands)
}

// Restore implements replicate.StateMachine.
func (m *machine) Restore(r io.Reader) error {
	var commands []string
	if err := json.NewDecoder(r).Decode(&commands); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands, m.hashes = nil, nil
	for _, c := range commands {
		m.add(c)
	}
	return nil
}

// agrees says whether what one of both holds is the beginning of what the other holds.
func (m *machine) agrees(o *machine) bool {
	a, b := m.chain(), o.chain()
	n := min(len(a), len(b))
	return n == 0 || a[n-1] == b[n-1]
}

func (m *machine) chain() []uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hashes[:len(m.hashes):len(m.hashes)]
}

// all returns what was agreed on.
func (m *machine) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.commands...)
}
