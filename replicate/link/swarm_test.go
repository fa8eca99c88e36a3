package link

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"rackpost/replicate/netlab"
)

// TestAFullBufferIsAReasonToReadAnew proves that the kernel did lose messages here, and that the one who waits for them
// returns and reads all anew instead of failing.
func TestAFullBufferIsAReasonToReadAnew(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		overflow := func() *nl.NetlinkSocket {
			socket, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(socket.Close)
			if err := socket.SetReceiveBufferSize(1, false); err != nil {
				t.Fatal(err)
			}
			var lines strings.Builder
			for i := range 100 {
				fmt.Fprintf(&lines, "address add 127.1.0.%d/32 dev lo\naddress del 127.1.0.%d/32 dev lo\n", i+1, i+1)
			}
			batch := exec.Command("ip", "-batch", "-")
			batch.Stdin = strings.NewReader(lines.String())
			if out, err := batch.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			return socket
		}
		if _, _, err := overflow().Receive(); !errors.Is(err, unix.ENOBUFS) {
			t.Fatalf("nothing was lost (%v), so this test proves nothing", err)
		}
		if err := awaitSwarm(overflow()); err != nil {
			t.Errorf("after a loss: %v", err)
		}
	})
}
