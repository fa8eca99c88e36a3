package ship_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/replicate/ship"
)

// TestPlain: what the network says is told in words, with what it was still in it.
func TestPlain(t *testing.T) {
	t.Parallel()
	at := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}
	dial := func(no syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: os.NewSyscallError("connect", no)}
	}
	for _, x := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("read from the peer: %w", io.EOF), "read from the peer: the connection was closed without a word"},
		{fmt.Errorf("the answer: %w", io.ErrUnexpectedEOF), "closed without a word"},
		{&net.OpError{Op: "read", Net: "tcp", Source: at, Addr: at, Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "broken off"},
		{fmt.Errorf("write to the peer: %w", &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}), "broken off"},
		{dial(syscall.ECONNREFUSED), "nobody listens at 10.0.0.1:443"},
		{dial(syscall.ENETUNREACH), "no way to 10.0.0.1:443"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: os.ErrDeadlineExceeded}, "no answer from 10.0.0.1:443 in time"},
		{context.DeadlineExceeded, "no answer in time"},
		{context.Canceled, "this end gave"},
		{net.ErrClosed, "this end gave"},
		{&net.DNSError{Err: "no such host", Name: "hq.example.org", IsNotFound: true}, `nobody knows the name "hq.example.org"`},
		{&net.DNSError{Err: "i/o timeout", Name: "hq.example.org", IsTimeout: true}, "do not tell where"},
	} {
		got := ship.Plain(x.err)
		if !strings.Contains(got.Error(), x.want) || !errors.Is(got, x.err) {
			t.Errorf("%v: %q, want %q", x.err, got, x.want)
		}
		if again := ship.Plain(fmt.Errorf("call: %w", got)); again.Error() != "call: "+got.Error() {
			t.Errorf("told twice: %q", again)
		}
		for _, raw := range []string{"EOF", "i/o timeout", "context", "syscall", "tcp", "reset by peer", "use of closed"} {
			if strings.Contains(got.Error(), raw) {
				t.Errorf("%q still says %q", got, raw)
			}
		}
	}
	other := errors.New("no common version of the protocol")
	if ship.Plain(other) != other || ship.Plain(nil) != nil {
		t.Error("it changes what is no error of the network")
	}
}

// TestEndInWords: why a connection ended is told in words at both ends, whatever ended it.
func TestEndInWords(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"the other end is gone": func(c net.Conn) { _ = c.Close() },
		"nothing comes":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b, _ *box) {
				here, there := net.Pipe()
				l, done := b.line(), make(chan error)
				go func() { done <- l.Run(t.Context(), here) }()
				go func() { _, _ = io.Copy(io.Discard, there) }()
				synctest.Wait()
				if end != nil {
					end(there)
				}
				time.Sleep(time.Minute)
				err := <-done
				reason := l.Progress().Reason
				if err == nil || reason != err.Error() || strings.Contains(reason, "EOF") || strings.Contains(reason, "timeout") || strings.Contains(reason, "closed pipe") || strings.Contains(reason, "the peer") {
					t.Errorf("it ended with %v, and says %q", err, reason)
				}
				_ = there.Close()
			})
		})
	}
}
