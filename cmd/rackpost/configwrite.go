package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"rackpost/replicate/remotewrite"
)

// writeConfig is one receiver of remote write.
type writeConfig struct {
	name     string
	url      string
	protocol remotewrite.Protocol
	inOrder  bool
	window   time.Duration
	headers  map[string]string
	labels   map[string]string
	ca       string // file of the authorities of the receiver; empty: the system's
	cert     string // file of the certificate that the receiver is shown; empty: none
	key      string
	server   string // name the receiver's certificate must have; empty: that of the address
	login    writeLogin
	dir      string // where relative paths start
	unread   place  // of a secret that could not be looked at; zero: there is none
}

// writeLogin is where the secrets of a receiver are kept.
type writeLogin struct {
	user             string
	bearer, password rawSecret
}

// rawWrite is one of remote_write: as it is written.
type rawWrite struct {
	At       place
	Name     text            `yaml:"name"`
	URL      text            `yaml:"url"`
	Protocol text            `yaml:"protocol"`
	Order    text            `yaml:"order"`
	Window   text            `yaml:"window"`
	Bearer   rawSecret       `yaml:"bearer"`
	User     text            `yaml:"user"`
	Password rawSecret       `yaml:"password"`
	Headers  map[string]text `yaml:"headers"`
	Labels   map[string]text `yaml:"labels"`
	TLS      rawWriteTLS     `yaml:"tls"`
}

type rawWriteTLS struct {
	At          place
	CA          text `yaml:"ca"`
	Certificate text `yaml:"certificate"`
	Key         text `yaml:"key"`
	Name        text `yaml:"name"`
}

// maxWrites is how many receivers there may be.
const maxWrites = 8

// writes checks remote_write:; it may be absent.
func (c *checker) writes(raw []rawWrite) (out []writeConfig) {
	c.env = secretSource{getenv: os.Getenv, outside: true}
	for i, r := range raw {
		if i == maxWrites {
			c.problems.add(r.At, "remote_write: at most %d receivers", maxWrites)
			break
		}
		w := c.write(r, i)
		for _, before := range out {
			if before.name == w.name {
				c.problems.add(r.At, "remote_write: two have the name %s; give one another", w.name)
			}
			if before.url == w.url && fmt.Sprint(before.headers) == fmt.Sprint(w.headers) {
				c.problems.add(r.At, "remote_write: two write to the same receiver; leave one out")
			}
		}
		out = append(out, w)
	}
	return out
}

func (c *checker) write(r rawWrite, i int) writeConfig {
	w := writeConfig{
		name:     c.label(orDefault(r.Name, fmt.Sprintf("receiver-%d", i+1))),
		url:      c.required(r.URL, r.At, "url", "where the receiver takes remote write, such as https://victoria.example.org/api/v1/write").s,
		protocol: remotewrite.Protocol(c.oneOf(orDefault(r.Protocol, string(remotewrite.V1)), string(remotewrite.V1), string(remotewrite.V2))),
		inOrder:  c.oneOf(orDefault(r.Order, "live"), "live", "time") == "time",
		headers:  c.pairs(r.Headers, remotewrite.CheckHeader), labels: c.pairs(r.Labels, remotewrite.CheckLabel),
		login: writeLogin{c.word(r.User), r.Bearer, r.Password}, dir: c.dir,
	}
	if r.URL.set() && !r.URL.bad && w.url != "" {
		if _, err := remotewrite.CheckURL(w.url); err != nil {
			c.problems.add(r.URL.at, "url: %v", err)
		}
	}
	if r.Window.set() {
		w.window = c.duration(r.Window, time.Minute, 10*365*24*time.Hour)
	}
	switch bearer, password := r.Bearer.At.line > 0, r.Password.At.line > 0; {
	case bearer && (password || r.User.set()):
		c.problems.add(r.Bearer.At, "bearer stands beside user or password; write one of them")
	case password != r.User.set():
		c.problems.add(r.At, "user and password stand together")
	}
	_, _, w.unread = c.writeSecrets(w.login)
	t := r.TLS
	w.ca, w.cert, w.key, w.server = c.path(t.CA), c.path(t.Certificate), c.path(t.Key), c.word(t.Name)
	if (w.cert == "") != (w.key == "") {
		c.problems.add(t.At, "tls: certificate and key stand together")
	} else if _, err := w.tls(io.Discard); err != nil {
		c.problems.add(t.At, "tls: %v", err)
	}
	return w
}

// writeSecrets reads the secrets of a receiver; unread is where one stands that could not be looked at.
func (c *checker) writeSecrets(l writeLogin) (bearer, password string, unread place) {
	read := func(s rawSecret) string {
		if s.At.line == 0 && !s.bad {
			return ""
		}
		c.unread = false
		value := c.secret(s)
		if value == "" && c.unread {
			unread = s.At
		}
		return value
	}
	bearer, password = read(l.bearer), read(l.password)
	return bearer, password, unread
}

// access reads what the receiver lets in, as it is now. sum tells whether two are the same.
func (w *writeConfig) access() (a remotewrite.Access, sum [sha256.Size]byte, err error) {
	c := &checker{dir: w.dir, env: secretSource{getenv: os.Getenv, outside: true}}
	var unread place
	a.User = w.login.user
	a.Bearer, a.Password, unread = c.writeSecrets(w.login)
	if err := c.problems.err(); err != nil {
		return a, sum, err
	}
	if unread.line > 0 {
		return a, sum, problem{unread, "the secret cannot be read: this process has no such credential; write LoadCredential=NAME:PATH into the systemd unit, or {file: PATH}"}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q ", a.Bearer, a.User, a.Password)
	if a.TLS, err = w.tls(h); err != nil {
		return a, sum, fmt.Errorf("tls: %w", err)
	}
	return a, [sha256.Size]byte(h.Sum(nil)), nil
}

// told is all that was written of the receiver, as text: two that are the same are one.
func (w *writeConfig) told() string {
	return fmt.Sprintf("%q %q %q %v %s %q %q %q %q %q %q %q %s %s", w.name, w.url, w.protocol, w.inOrder, w.window, w.headers, w.labels, w.ca, w.cert, w.key, w.server,
		w.login.user, w.login.bearer.where(), w.login.password.where())
}

func (c *checker) pairs(raw map[string]text, check func(name, value string) error) map[string]string {
	var out map[string]string
	for name, t := range raw {
		if t.bad {
			continue
		}
		if err := check(name, t.s); err != nil {
			c.problems.add(t.at, "%v", err)
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = t.s
	}
	return out
}

// tls returns what the connection to the receiver is made with; nil for what is usual. It writes what it read to seen.
func (w *writeConfig) tls(seen io.Writer) (*tls.Config, error) {
	if w.ca == "" && w.cert == "" && w.server == "" {
		return nil, nil
	}
	out := &tls.Config{ServerName: w.server, MinVersion: tls.VersionTLS12}
	if w.ca != "" {
		pem, err := readAtMost(w.ca, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(seen, "%x ", pem)
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(w.ca + " has no certificate; write the PEM of the receiver's authority into it")
		}
	}
	if w.cert != "" {
		cert, err := readAtMost(w.cert, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		key, err := readAtMost(w.key, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s and %s: %w", w.cert, w.key, err)
		}
		fmt.Fprintf(seen, "%x %x ", cert, key)
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
