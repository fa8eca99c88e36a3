package all_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// sink hands on what the first report says is learned of a device.
type sink struct{ learned chan hw.Attrs }

func (s sink) Put(_ context.Context, r hw.Report) error {
	select {
	case s.learned <- r.Learned:
	default:
	}
	return nil
}

// A box of a pair remembers its sessions under its id, whatever kind opens them; a lone one as they are.
func TestSessionsCarryTheBox(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r750", "proliant-dl380"} {
		for box, prefix := range map[string]string{"": "/redfish/", "one": "one=/redfish/"} {
			t.Run(model+" "+box, func(t *testing.T) {
				t.Parallel()
				b, err := bmc.New(model, bmc.Options{})
				if err != nil {
					t.Fatal(err)
				}
				server, err := bmc.Listen("127.0.0.1:0", b)
				if err != nil {
					t.Fatal(err)
				}
				user, password := b.Account()
				w := collectors.Watched{Target: collectors.Target{
					Device:      hw.Device{ID: "server", Kind: b.Kind(), Address: server.Addr().String()},
					Credentials: collectors.Credentials{User: user, Password: password}, Rate: 1e6,
				}}
				for _, k := range all.Kinds() {
					if k.Name == b.Kind() {
						w.Kind = k
					}
				}
				s := sink{make(chan hw.Attrs, 1)}
				p, err := collectors.NewPoller(collectors.Config{Devices: []collectors.Watched{w}, Sink: s, Box: box})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				ended := make(chan error, 2)
				go func() { ended <- server.Run(ctx) }()
				go func() { ended <- p.Run(ctx) }()
				select {
				case learned := <-s.learned:
					if pin := learned.Get("session"); !strings.HasPrefix(pin, prefix) {
						t.Errorf("remembered is %q, want %s...", pin, prefix)
					}
				case <-ctx.Done():
					t.Error("no report")
				}
				cancel()
				for range 2 {
					if err := <-ended; err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}
