package link

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrCapability is returned where the kernel refuses what a virtual address needs.
var ErrCapability = errors.New(`rackpost may not do this here: it needs CAP_NET_ADMIN, CAP_NET_RAW, AF_NETLINK and AF_PACKET. ` +
	`Under systemd put these lines into the [Service] part of "systemctl edit rackpost": ` +
	`PrivateUsers=no; CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW; AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW; ` +
	`RestrictAddressFamilies=AF_NETLINK AF_PACKET`)

// needsCapability puts ErrCapability behind an error that says nothing but "not permitted". A unit that does not allow an
// address family gives EAFNOSUPPORT.
func needsCapability(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EAFNOSUPPORT) {
		return fmt.Errorf("%w: %w", err, ErrCapability)
	}
	return err
}
