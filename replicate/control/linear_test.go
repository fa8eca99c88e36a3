package control_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"rackpost/replicate/control"
)

// change is one compare-and-set, or a read where Put is nil.
type change struct{ put *control.Put }

type outcome struct {
	ok      bool
	version uint64 // read, or found instead of the expected one
	who     string
}

// register is the model: a version and who made it.
var register = porcupine.Model{
	Init: func() any { return outcome{} },
	Step: func(state, in, out any) (bool, any) {
		now, c, o := state.(outcome), in.(change), out.(outcome)
		switch {
		case c.put == nil:
			return o.version == now.version && o.who == now.who, now
		case o.ok:
			return c.put.Expected == now.version, outcome{version: now.version + 1, who: c.put.Who}
		}
		return c.put.Expected != now.version && o.version == now.version && o.who == now.who, now
	},
}

// TestCompareAndSetIsLinearizable lets several change one document through one log, and asks whether what each was told,
// refusals too, has an order in which it is true.
func TestCompareAndSetIsLinearizable(t *testing.T) {
	t.Parallel()
	m := control.New()
	var log sync.Mutex // as Raft, it gives each entry its index and applies in that order
	index := uint64(0)
	propose := func(cmd []byte) error {
		log.Lock()
		defer log.Unlock()
		index++
		return m.Apply(index, cmd)
	}
	begin := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var g sync.WaitGroup
	for client := range 6 {
		g.Go(func() {
			version := uint64(0)
			for n := range 60 {
				in, call := change{}, time.Since(begin)
				if rand.N(3) > 0 {
					in.put = &control.Put{Name: "user/x", Expected: version, Who: fmt.Sprintf("%d-%d", client, n), At: start}
				}
				out := do(t, m, propose, in)
				version = out.version
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(begin))})
				mu.Unlock()
			}
		})
	}
	g.Wait()
	if !porcupine.CheckOperations(register, history) {
		t.Error("the answers have no order in which they are true")
	}
	if d, _ := m.State().Document("user/x"); d.Version < 10 {
		t.Errorf("only %d changes succeeded", d.Version)
	}
}

func do(t *testing.T, m *control.Machine, propose func([]byte) error, in change) outcome {
	if in.put == nil {
		d, _ := m.State().Document("user/x")
		return outcome{ok: true, version: d.Version, who: d.Who}
	}
	b, err := control.Encode(in.put)
	if err != nil {
		t.Error(err)
	}
	err = propose(b)
	var conflict *control.ConflictError
	if errors.As(err, &conflict) {
		return outcome{version: conflict.Current.Version, who: conflict.Current.Who}
	}
	if err != nil {
		t.Error(err)
	}
	return outcome{ok: true, version: in.put.Expected + 1}
}
