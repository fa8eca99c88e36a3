package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
)

// Defaults of hq.yaml.
const (
	defaultHQSocket = "/run/rackpost-hq/hq.sock"
	defaultHQConfig = "/etc/rackpost/hq.yaml"
	defaultHQBudget = "100GB"
	defaultSilent   = "30s"
	hqPort          = 443
)

// hqConfig is headquarters: hq.yaml, checked.
type hqConfig struct {
	boxConfig                         // name, data, socket, budget and log; listen is the address sites and consumers call
	urls      []string                // at which sites reach it
	names     []string                // host names and addresses of urls
	cert, key string                  // files of the certificate that consumers are shown; empty: one of the own CA
	limits    intake.Limits           // of all sites
	quotas    map[string]intake.Quota // of sites with other quotas, by name
}

// rawHQ is hq.yaml as it is written.
type rawHQ struct {
	At          place
	Name        text                `yaml:"name"`
	Data        text                `yaml:"data"`
	Listen      text                `yaml:"listen"`
	URLs        []text              `yaml:"urls"`
	Certificate rawCertificate      `yaml:"certificate"`
	Socket      text                `yaml:"socket"`
	Budget      text                `yaml:"budget"`
	Silent      text                `yaml:"silent"`
	Quota       rawQuota            `yaml:"quota"`
	Quotas      map[string]rawQuota `yaml:"quotas"`
	RemoteWrite []rawWrite          `yaml:"remote_write"`
	Log         rawLog              `yaml:"log"`
}

type rawCertificate struct {
	At   place
	File text `yaml:"file"`
	Key  text `yaml:"key"`
}

type rawQuota struct {
	At     place
	Day    text `yaml:"day"`
	Stored text `yaml:"stored"`
}

// hqKeys are the keys at the left margin that only an hq.yaml has.
var hqKeys = regexp.MustCompile(`(?m)^(urls|quotas?|silent|certificate)[ \t]*:`)

// loadHQ reads and checks hq.yaml.
func loadHQ(file string) (hqConfig, error) {
	data, err := readConfigFile(file, place{})
	if err != nil {
		return hqConfig{}, err
	}
	return parseHQ(file, data)
}

// parseHQ checks hq.yaml. The error, if any, holds every problem.
func parseHQ(file string, data []byte) (hqConfig, error) {
	var raw rawHQ
	c := &checker{problems: decodeYAML(file, data, &raw), dir: filepath.Dir(file)}
	if raw.At.line == 0 {
		return hqConfig{}, c.problems.err()
	}
	h := hqConfig{
		boxConfig: boxConfig{
			name:      c.label(c.required(raw.Name, raw.At, "name", "the name of this headquarters, such as hq")),
			data:      c.path(c.required(raw.Data, raw.At, "data", "the folder of the store, such as /var/lib/rackpost-hq")),
			listen:    c.listenAny(orDefault(raw.Listen, fmt.Sprintf("0.0.0.0:%d", hqPort)), hqPort),
			socket:    c.path(orDefault(raw.Socket, defaultHQSocket)),
			budget:    c.size(orDefault(raw.Budget, defaultHQBudget), minBudget),
			logLevel:  c.level(orDefault(raw.Log.Level, "info")),
			logFormat: c.oneOf(orDefault(raw.Log.Format, "auto"), "auto", "text", "json"),
		},
		limits: intake.Limits{Silent: c.duration(orDefault(raw.Silent, defaultSilent), intake.LeastSilent, 24*time.Hour), Quota: c.quota(raw.Quota)},
		quotas: map[string]intake.Quota{},
	}
	c.socketLength(h.socket, raw.Socket)
	h.urls, h.names = c.urls(raw)
	h.cert, h.key = c.certificate(raw.Certificate)
	h.writes = c.writes(raw.RemoteWrite)
	for name, q := range raw.Quotas {
		if err := enroll.CheckName(name); err != nil {
			c.problems.add(q.At, "quotas: %v", err)
		}
		h.quotas[name] = c.quota(q)
	}
	return h, c.problems.err()
}

// listenAny reads an address to listen at that other machines may reach.
func (c *checker) listenAny(t text, port int) netip.AddrPort {
	a, err := netip.ParseAddrPort(strings.Replace(t.s, "localhost:", "127.0.0.1:", 1))
	if err != nil && !t.bad {
		c.problems.add(t.at, "listen: %q is no address; write 0.0.0.0:%d for every address of this machine", shorten(t.s), port)
	}
	return a
}

// urls reads where the sites find headquarters, and the names in that.
func (c *checker) urls(raw rawHQ) (urls, names []string) {
	if len(raw.URLs) == 0 {
		c.problems.add(raw.At, "urls: is missing; write at which address the sites reach headquarters: [https://hq.example.org]")
	}
	for _, t := range raw.URLs {
		if t.bad {
			continue
		}
		u, err := enroll.ParseURL(t.s)
		if err == nil {
			err = enroll.CheckPlace(u)
		}
		if err != nil {
			c.problems.add(t.at, "urls: %v", err)
			continue
		}
		urls, names = append(urls, urlText(u)), append(names, u.Hostname())
	}
	return urls, names
}

// urlText writes a URL of headquarters as people do.
func urlText(u *url.URL) string {
	if u.Port() == fmt.Sprint(hqPort) {
		return "https://" + strings.TrimSuffix(u.Host, net.JoinHostPort("", u.Port()))
	}
	return "https://" + u.Host
}

// certificate reads the files of a public certificate. There may be none.
func (c *checker) certificate(r rawCertificate) (cert, key string) {
	if r.At.line == 0 {
		return "", ""
	}
	cert = c.path(c.required(r.File, r.At, "file", "the file of the certificate with its chain, PEM"))
	key = c.path(c.required(r.Key, r.At, "key", "the file of its key, PEM"))
	for _, f := range []struct {
		path string
		at   place
	}{{cert, r.File.at}, {key, r.Key.at}} {
		if f.path == "" {
			continue
		}
		if file, err := os.Open(f.path); err != nil {
			c.problems.add(f.at, "%v", err)
		} else {
			_ = file.Close()
		}
	}
	return cert, key
}

// quota reads how much a site may bring. What is not written has no limit.
func (c *checker) quota(r rawQuota) (q intake.Quota) {
	if r.Day.set() {
		q.BytesPerDay = c.bytes(r.Day, 1e6)
	}
	if r.Stored.set() {
		q.BytesStored = c.bytes(r.Stored, 10e6)
	}
	return q
}

// bytes is size for what may be less than a gigabyte.
func (c *checker) bytes(t text, least int64) int64 {
	n, err := parseSize(t.s)
	switch {
	case t.bad:
	case err != nil:
		c.problems.add(t.at, "%v", err)
	case n < least:
		c.problems.add(t.at, "%s is too little; write at least %dMB", t.s, least/1e6)
	}
	return n
}
