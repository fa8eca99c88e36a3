package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"

	"rackpost/collectors"
	"rackpost/collectors/discovery"
	"rackpost/hw"
	"rackpost/hw/journal"
)

// Defaults of box.yaml.
const (
	defaultListen = "127.0.0.1:8480"
	defaultSocket = "/run/rackpost/rackpost.sock"
	defaultBudget = "8GB"
)

const (
	minBudget     = 1e9
	maxSocketPath = 107 // sun_path of unix(7), less its final zero
)

// boxConfig is this machine: box.yaml, checked.
type boxConfig struct {
	name      string
	data      string // folder of the store
	site      string // path of site.yaml
	siteAt    place  // where box.yaml names it
	listen    netip.AddrPort
	socket    string
	budget    int64 // bytes of the data folder
	budgetAt  place // where box.yaml says so, or would
	logLevel  slog.Level
	logFormat string // auto, text, json
	pair      pairConfig
	uplink    uplinkConfig
	writes    []writeConfig
	pull      pullConfig
}

// siteConfig is the site: site.yaml, checked.
type siteConfig struct {
	id      journal.ID
	name    string
	devices []collectors.Watched

	customers, racks []string
	logins           []discovery.Login // in the order of the file; without credentials where they were not read
	secrets          [sha256.Size]byte // of a pair: checksum of those that were read for it
}

// rawBox is box.yaml as it is written.
type rawBox struct {
	At     place
	Name   text   `yaml:"name"`
	Data   text   `yaml:"data"`
	Site   text   `yaml:"site"`
	Listen text   `yaml:"listen"`
	Socket text   `yaml:"socket"`
	Budget text   `yaml:"budget"`
	Log    rawLog `yaml:"log"`

	Pair   rawPair   `yaml:"pair"`
	Uplink rawUplink `yaml:"uplink"`

	RemoteWrite []rawWrite `yaml:"remote_write"`
	Pull        rawPull    `yaml:"pull"`
}

type rawLog struct {
	Level  text `yaml:"level"`
	Format text `yaml:"format"`
}

// checker turns raw values into checked ones and gathers every problem.
type checker struct {
	problems problems
	notes    problems // not wrong, and worth knowing
	dir      string   // of the file; relative paths start here
	env      secretSource
	unread   bool // a secret was not looked at since this was last reset
}

// readConfigFile returns the bytes of path, one more than allowed at most. The error
// stands where the path was written; from is zero if that was the command line.
func readConfigFile(path string, from place) ([]byte, error) {
	if from.line == 0 {
		from = place{path, 1, 1}
	}
	data, err := readAtMost(path, maxConfigBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, problem{from, fmt.Sprintf("there is no file %s; write one after the examples in deploy: box.yaml, site.yaml, witness.yaml, hq.yaml", path)}
	case errors.Is(err, fs.ErrPermission):
		return nil, problem{from, fmt.Sprintf("no permission to read %s; it must be readable for the user that rackpost runs as", path)}
	case err != nil:
		return nil, problem{from, err.Error()}
	}
	return data, nil
}

// readAtMost returns the bytes of a file, one more than limit at most. A pipe that nobody writes
// to is empty: it must not hold us up, even against Ctrl-C.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// parseBox checks box.yaml. The error, if any, holds every problem.
func parseBox(file string, data []byte) (boxConfig, error) {
	var raw rawBox
	c := &checker{problems: decodeYAML(file, data, &raw), dir: filepath.Dir(file)}
	if raw.At.line == 0 { // nothing could be read, and that was told
		return boxConfig{}, c.problems.err()
	}
	box := boxConfig{
		name:      c.label(c.required(raw.Name, raw.At, "name", "the name of this machine, such as box-a")),
		data:      c.path(c.required(raw.Data, raw.At, "data", "the folder of the store, such as /var/lib/rackpost")),
		siteAt:    raw.Site.at,
		listen:    c.listen(orDefault(raw.Listen, defaultListen)),
		socket:    c.path(orDefault(raw.Socket, defaultSocket)),
		budget:    c.size(orDefault(raw.Budget, defaultBudget), minBudget),
		logLevel:  c.level(orDefault(raw.Log.Level, "info")),
		logFormat: c.oneOf(orDefault(raw.Log.Format, "auto"), "auto", "text", "json"),
	}
	if box.budgetAt = raw.Budget.at; !raw.Budget.set() {
		box.budgetAt = raw.At
	}
	if raw.Pair.At.line == 0 || raw.Site.set() { // of a box in a pair the pair knows the site
		box.site = c.path(c.required(raw.Site, raw.At, "site", "the path of the site file, such as site.yaml"))
	}
	box.pair = c.pair(raw.Pair, raw.Name)
	box.uplink = c.uplink(raw.Uplink)
	box.writes = c.writes(raw.RemoteWrite)
	box.pull = c.pull(raw.Pull)
	c.socketLength(box.socket, raw.Socket)
	return box, c.problems.err()
}

func (c *checker) socketLength(path string, t text) {
	if len(path) > maxSocketPath {
		c.problems.add(t.at, "socket: the path has %d bytes; a unix socket bears at most %d: write a shorter one", len(path), maxSocketPath)
	}
}

func orDefault(t text, value string) text {
	if !t.set() || t.bad {
		t.s = value
	}
	return t
}

// required reports a key that is absent or empty.
func (c *checker) required(t text, parent place, key, example string) text {
	switch {
	case t.bad:
	case !t.set():
		c.problems.add(parent, "%s: is missing; write %s", key, example)
	case strings.TrimSpace(t.s) == "":
		c.problems.add(t.at, "%s: is empty; write %s", key, example)
	}
	return t
}

// label is a name for people; it may be left out.
func (c *checker) label(t text) string {
	if t.s == "" {
		return ""
	}
	if err := hw.CheckName(t.s); err != nil {
		c.problems.add(t.at, "%q is no name: %v", shorten(t.s), err)
	}
	return t.s
}

const maxWord = 64

// word is a text for another machine, such as a user's name: it is as that machine wants it, on one line.
func (c *checker) word(t text) string {
	if len(t.s) > maxWord || strings.ContainsFunc(t.s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		c.problems.add(t.at, "%q is too long or not on one line; write at most %d bytes", shorten(t.s), maxWord)
	}
	return t.s
}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// id is a text that names something for ever.
func (c *checker) id(t text) string {
	if t.set() && t.s != "" && !idPattern.MatchString(t.s) {
		c.problems.add(t.at, "%q is no id; write small letters, digits, dots, hyphens and underscores, at most 64, such as core-switch-1", shorten(t.s))
	}
	return t.s
}

func (c *checker) path(t text) string {
	switch {
	case t.s == "":
		return ""
	case strings.ContainsRune(t.s, 0):
		c.problems.add(t.at, "a path has no zero byte")
		return ""
	case filepath.IsAbs(t.s):
		return filepath.Clean(t.s)
	}
	return filepath.Join(c.dir, t.s)
}

func (c *checker) listen(t text) netip.AddrPort {
	a, err := netip.ParseAddrPort(strings.Replace(t.s, "localhost:", "127.0.0.1:", 1))
	switch {
	case err != nil:
		c.problems.add(t.at, "listen: %q is no address; write %s", shorten(t.s), defaultListen)
	case !a.Addr().Unmap().IsLoopback():
		c.problems.add(t.at, "listen: %s can be reached from other machines, and there is neither TLS nor a token yet; write %s and reach it through ssh -L", t.s, defaultListen)
	}
	return a
}

func (c *checker) size(t text, least int64) int64 {
	n, err := parseSize(t.s)
	switch {
	case err != nil:
		c.problems.add(t.at, "%v", err)
	case n < least:
		c.problems.add(t.at, "%s is too little; write at least %dGB", t.s, least/1e9)
	}
	return n
}

func (c *checker) duration(t text, least, most time.Duration) time.Duration {
	d, err := parseDuration(t.s)
	switch {
	case t.bad:
	case err != nil:
		c.problems.add(t.at, "%v", err)
	case d < least || d > most:
		c.problems.add(t.at, "%s is out of bounds; write %s to %s", t.s, shortDuration(least), shortDuration(most))
	}
	return d
}

func (c *checker) level(t text) slog.Level {
	var l slog.Level
	switch s := c.oneOf(t, "debug", "info", "warn", "error"); s {
	case "":
	default:
		// The four words are those of slog.
		_ = l.UnmarshalText([]byte(s))
	}
	return l
}

// oneOf returns t if it is one of the words, else "".
func (c *checker) oneOf(t text, words ...string) string {
	for _, w := range words {
		if t.s == w {
			return w
		}
	}
	if s := hw.Nearest(t.s, words); s != "" {
		c.problems.add(t.at, "unknown word %q; did you mean %q?", shorten(t.s), s)
	} else {
		c.problems.add(t.at, "unknown word %q; write one of %s", shorten(t.s), strings.Join(words, ", "))
	}
	return ""
}

// shorten cuts a text of the file to what an error line bears.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
