package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateFiles is a certificate that others keep in files.
type certificateFiles struct {
	cert, key string
	logger    *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	changed time.Time // of the file that is loaded
	looked  time.Time
}

// certificateLook is how often the files are looked at, at most.
const certificateLook = time.Minute

// read takes the files as they are.
func (f *certificateFiles) read() error {
	info, err := os.Stat(f.cert)
	if err != nil {
		return err
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.loaded, f.changed = &c, info.ModTime()
	return nil
}

// get returns the certificate. One that cannot be read while it is renewed leaves the last one in force.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= certificateLook {
		f.looked = now
		if info, err := os.Stat(f.cert); err == nil && !info.ModTime().Equal(f.changed) {
			if err := f.read(); err != nil {
				f.logger.Warn("the certificate for consumers changed and cannot be read: the last one is shown", "err", err)
			}
		}
	}
	return f.loaded, nil
}
