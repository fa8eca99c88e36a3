package uplink

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"rackpost/replicate/enroll"
)

// viaProxy is the reason of what a proxy refuses.
const viaProxy enroll.Reason = "proxy"

// maxProxy bounds what a proxy may say.
const maxProxy = 64 << 10

func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "8080"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// connect asks a proxy for a connection to HOST:PORT. The error is an enroll.Refusal where asking again
// brings nothing.
func connect(ctx context.Context, conn net.Conn, proxy *url.URL, address string) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"rackpost"}}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("ask the proxy: %w", errors.Join(context.Cause(ctx), err))
	}
	r := bufio.NewReader(io.LimitReader(conn, maxProxy))
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return fmt.Errorf("the proxy's answer: %w", errors.Join(context.Cause(ctx), err))
	}
	if resp.StatusCode != http.StatusOK {
		return proxyRefused(resp.StatusCode, proxy, address)
	}
	if r.Buffered() > 0 {
		return &enroll.Refusal{Reason: viaProxy, What: "the proxy says more than it was asked", Advice: "is " + proxy.Host + " an HTTP proxy?"}
	}
	if !stop() {
		return context.Cause(ctx)
	}
	return nil
}

func proxyRefused(status int, proxy *url.URL, address string) error {
	switch status {
	case http.StatusProxyAuthRequired:
		if proxy.User == nil {
			return &enroll.Refusal{Reason: viaProxy, What: "the proxy wants a name and a password", Advice: "write them before its host, http://USER:PASSWORD@" + proxy.Host}
		}
		return &enroll.Refusal{Reason: viaProxy, What: "the proxy does not accept the name or the password", Advice: "only basic authentication is spoken; correct them in box.yaml"}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("the proxy does not reach %s: it answers %d", address, status)
	}
	return &enroll.Refusal{Reason: viaProxy, What: fmt.Sprintf("the proxy does not let %s through: it answers %d %s", address, status, http.StatusText(status)), Advice: "have it allow CONNECT to " + address}
}
