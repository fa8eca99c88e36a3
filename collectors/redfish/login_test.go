package redfish_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"rackpost/collectors/redfish"
)

// A BMC that restarted has closed the connection that rested: the login is sent again on a fresh one, once.
func TestLoginOnDeadConnection(t *testing.T) {
	t.Parallel()
	for cuts, want := range map[int32]bool{1: true, 2: false} {
		var left, posts atomic.Int32
		left.Store(cuts)
		b := newBMC(t, func(b *bmc) {
			b.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost {
					return false
				}
				posts.Add(1)
				if left.Add(-1) < 0 {
					return false
				}
				panic(http.ErrAbortHandler) // the connection ends without an answer
			}
		})
		c := newClient(t, b, nil)
		if _, err := c.Root(t.Context()); err != nil { // opens the connection that the login finds dead
			t.Fatal(err)
		}
		var s redfish.ComputerSystem
		_, err := c.Get(t.Context(), "/redfish/v1/Systems/1", &s)
		if (err == nil) != want || posts.Load() != 2 {
			t.Errorf("%d connections cut: %d logins sent, error %v", cuts, posts.Load(), err)
		}
	}
}
