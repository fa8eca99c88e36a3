package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	bearer   string
	user     string
	password string
	headers  map[string]string
	labels   map[string]string
	ca       string // file of the authorities of the receiver; empty: the system's
	cert     string // file of the certificate that the receiver is shown; empty: none
	key      string
	server   string // name the receiver's certificate must have; empty: that of the address
	unread   place  // of a secret that could not be looked at; zero: there is none
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
		user: c.label(r.User),
	}
	if r.URL.set() && !r.URL.bad && w.url != "" {
		if _, err := remotewrite.CheckURL(w.url); err != nil {
			c.problems.add(r.URL.at, "url: %v", err)
		}
	}
	if r.Window.set() {
		w.window = c.duration(r.Window, time.Minute, 10*365*24*time.Hour)
	}
	c.writeLogin(r, &w)
	t := r.TLS
	w.ca, w.cert, w.key, w.server = c.path(t.CA), c.path(t.Certificate), c.path(t.Key), c.label(t.Name)
	if (w.cert == "") != (w.key == "") {
		c.problems.add(t.At, "tls: certificate and key stand together")
	} else if _, err := w.tls(); err != nil {
		c.problems.add(t.At, "tls: %v", err)
	}
	return w
}

// writeLogin reads the secrets of a receiver.
func (c *checker) writeLogin(r rawWrite, w *writeConfig) {
	switch bearer, password := r.Bearer.At.line > 0, r.Password.At.line > 0; {
	case bearer && (password || r.User.set()):
		c.problems.add(r.Bearer.At, "bearer stands beside user or password; write one of them")
	case password != r.User.set():
		c.problems.add(r.At, "user and password stand together")
	}
	read := func(s rawSecret) string {
		if s.At.line == 0 && !s.bad {
			return ""
		}
		c.unread = false
		value := c.secret(s)
		if value == "" && c.unread {
			w.unread = s.At
		}
		return value
	}
	w.bearer, w.password = read(r.Bearer), read(r.Password)
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

// tls returns what the connection to the receiver is made with; nil for what is usual.
func (w *writeConfig) tls() (*tls.Config, error) {
	if w.ca == "" && w.cert == "" && w.server == "" {
		return nil, nil
	}
	out := &tls.Config{ServerName: w.server, MinVersion: tls.VersionTLS12}
	if w.ca != "" {
		pem, err := readAtMost(w.ca, maxConfigBytes)
		if err != nil {
			return nil, err
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(w.ca + " has no certificate; write the PEM of the receiver's authority into it")
		}
	}
	if w.cert != "" {
		pair, err := tls.LoadX509KeyPair(w.cert, w.key)
		if err != nil {
			return nil, err
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
