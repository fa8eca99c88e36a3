package control

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Machine applies commands to a State. Its methods may be called from several goroutines; whoever reads never waits.
type Machine struct {
	state atomic.Pointer[State]

	mu      sync.Mutex // guards what follows, and who replaces state
	stuck   error      // why no command is applied any more
	changed chan struct{}
}

// New returns a machine with nothing agreed on.
func New() *Machine {
	m := &Machine{changed: make(chan struct{})}
	m.state.Store(&State{})
	return m
}

// State returns what is agreed on now.
func (m *Machine) State() State { return *m.state.Load() }

// Watch returns a channel that is closed at the next change of State or Err. Ask for it before State.
func (m *Machine) Watch() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Apply applies the command of the Raft entry at index. An error leaves the state as it was, and is the same on every
// member. After [ErrNewer] no further command is applied, so that this member does not become another one than the others.
func (m *Machine) Apply(index uint64, cmd []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stuck != nil {
		return m.stuck
	}
	next, err := m.State().Apply(index, cmd)
	if errors.Is(err, ErrNewer) {
		m.stuck = err
		m.tell()
	}
	if err != nil {
		return err
	}
	m.replace(next)
	return nil
}

// Err returns why no command is applied any more: nil, or [ErrNewer] until this member is updated.
func (m *Machine) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stuck
}

func (m *Machine) replace(s State) {
	m.state.Store(&s)
	m.tell()
}

func (m *Machine) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Snapshot writes the state; see [State.Encode].
func (m *Machine) Snapshot(w io.Writer) error {
	m.mu.Lock()
	s, err := m.State(), m.stuck
	m.mu.Unlock()
	if err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	if _, err := w.Write(s.Encode()); err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	return nil
}

// Restore replaces the state by a snapshot's. An empty one is the state before the first command: a member that begins
// another life needs it, as its entries begin at 1 again. An error leaves the state as it was.
func (m *Machine) Restore(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, maxState+1))
	if err != nil {
		return fmt.Errorf("read a snapshot: %w", err)
	}
	s, err := DecodeState(b)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stuck = nil
	m.replace(s)
	return nil
}

// Apply returns the state after the command of the Raft entry at index.
func (s State) Apply(index uint64, cmd []byte) (State, error) {
	if index <= s.applied {
		return s, fmt.Errorf("entry %d: %w, the last one was %d", index, ErrApplied, s.applied)
	}
	c, err := Decode(cmd)
	if err != nil {
		return s, err
	}
	next := s
	if err := c.apply(&next, index); err != nil {
		return s, err
	}
	next.applied = index
	return next, nil
}
