package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// plain is an error that is told in words of people.
type plain struct {
	words string
	err   error
}

func (p *plain) Error() string { return p.words }
func (p *plain) Unwrap() error { return p.err }

// Plain puts an error of the network into words that say what it means and where to look, and leaves any other as it is. What it
// was stays in it for errors.Is and errors.As.
func Plain(err error) error {
	words := networkWords(err)
	if words == "" {
		return err
	}
	return &plain{strings.Replace(err.Error(), raw(err).Error(), words, 1), err}
}

// raw is the part of an error that the network said.
func raw(err error) error {
	for {
		switch err.(type) {
		case *net.OpError, *net.DNSError:
			return err
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func networkWords(err error) string {
	told, name, timeout := (*plain)(nil), (*net.DNSError)(nil), net.Error(nil)
	switch {
	case err == nil, errors.As(err, &told):
		return ""
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Sprintf("nobody knows the name %q: check the address, and the name servers of this machine", name.Name)
	case errors.As(err, &name):
		return fmt.Sprintf("the name servers of this machine do not tell where %q is", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens" + called(" at ", err) + ": it does not run there, or the address is another one"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "there is no way" + called(" to ", err) + ": look at the cables, the addresses and the routes of this machine"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return "the connection was broken off: the other end ended in the middle, or a firewall or proxy between did it"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return "the connection was closed without a word: the other end ended, or a firewall or proxy between did it"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "this end gave the connection up"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &timeout) && timeout.Timeout():
		return "there was no answer" + called(" from ", err) + " in time: the line is cut, or something between drops what is sent"
	}
	return ""
}

// called names the address that was called, behind a word, where the error knows it.
func called(word string, err error) string {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" && op.Addr != nil {
		return word + op.Addr.String()
	}
	return ""
}
