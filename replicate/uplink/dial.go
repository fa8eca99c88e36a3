package uplink

import (
	"context"
	"net"
)

// Dial opens a connection over the way to HOST:PORT.
func (w Way) Dial(ctx context.Context, links Links, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}
