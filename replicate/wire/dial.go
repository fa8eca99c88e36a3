package wire

import (
	"context"
	"net"
)

func dialTCP(ctx context.Context, _, local, remote string) (net.Conn, error) {
	d := net.Dialer{}
	if ip := net.ParseIP(local); ip != nil {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	return d.DialContext(ctx, "tcp", remote)
}

func listenTCP(ctx context.Context, _, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
