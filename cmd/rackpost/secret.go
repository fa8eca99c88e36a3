package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rackpost/collectors"
)

const (
	maxSecret = 4096 // bytes of a secret file
	minV3Key  = 8    // RFC 3414 11.2
)

// secretSource is where secrets come from besides files.
type secretSource struct {
	getenv func(string) string
	// outside says that this process is not the unit, so that its systemd credentials
	// cannot be looked at.
	outside bool
	// sealed returns a secret that the pair keeps, errNotLookedAt where only the appliance can. Nil: the
	// box is in no pair.
	sealed func(name string) (string, error)
	// shared says that the file is the one of a pair: what only one machine has is refused.
	shared bool
}

// errNotLookedAt says that a secret may be there.
var errNotLookedAt = errors.New("not looked at")

func notLookedAt(string) (string, error) { return "", errNotLookedAt }

// rawSecret names where a secret is kept: exactly one of the four.
type rawSecret struct {
	At         place
	File       text `yaml:"file"`
	Env        text `yaml:"env"`
	Credential text `yaml:"credential"`
	Secret     text `yaml:"secret"`
	bad        bool // it was written as something else, which was told
}

// where tells where it is kept, as it is written.
func (r *rawSecret) where() string {
	return fmt.Sprintf("%q %q %q %q", r.File.s, r.Env.s, r.Credential.s, r.Secret.s)
}

// refuse implements wanter: a secret itself is never written into the file.
func (r *rawSecret) refuse() string {
	r.bad = true
	return "a secret is not written here, only where it is kept: {file: PATH}, {env: NAME} or {credential: NAME}, in a pair {secret: NAME}"
}

// rawCredentials are user and password of Redfish, an SNMP v2c community or an SNMPv3 user; of a
// server Redfish with one of the others. An iDRAC has one sort of user: theirs of Redfish is that of SNMPv3.
type rawCredentials struct {
	At        place
	User      text      `yaml:"user"`
	Password  rawSecret `yaml:"password"`
	Community rawSecret `yaml:"community"`
	Auth      rawKey    `yaml:"auth"`
	Priv      rawKey    `yaml:"priv"`
	Context   text      `yaml:"context"`
}

// redfish says whether they are written with what Redfish wants.
func (r rawCredentials) redfish() bool { return r.Password.At.line > 0 }

// snmp says whether they are written with what SNMP wants.
func (r rawCredentials) snmp() bool {
	return r.Community.At.line > 0 || r.v3() || r.User.set() && !r.redfish()
}

func (r rawCredentials) v3() bool { return r.Auth.At.line > 0 || r.Priv.At.line > 0 }

type rawKey struct {
	At       place
	Protocol text      `yaml:"protocol"`
	Key      rawSecret `yaml:"key"`
}

// The protocols of SNMPv3.
var (
	authProtocols = []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"}
	privProtocols = []string{"DES", "AES", "AES192", "AES256", "AES192C", "AES256C"}
)

func (c *checker) credentialsOf(r rawCredentials) collectors.Credentials {
	var read collectors.Credentials
	if r.redfish() {
		read.User = c.word(c.required(r.User, r.At, "user", "the name of the iDRAC's user that the password is of"))
		read.Password = c.secret(r.Password)
	}
	switch {
	case r.User.set() && r.Community.At.line > 0 && !r.redfish():
		c.problems.add(r.Community.At, "community and user stand together; write the community for SNMP v2c or the user for v3, or password: {file: PATH} where the user is one of Redfish")
	case r.Community.At.line > 0:
		if r.v3() {
			c.problems.add(r.At, "community stands beside auth or priv; write the community for SNMP v2c, or auth and priv for v3")
		}
		read.Community = c.secret(r.Community)
	case r.snmp():
		read.V3 = c.v3(r)
	case !r.redfish():
		c.problems.add(r.At, "write community: {file: PATH} for SNMP v2c, user: NAME with auth and priv for v3, or user: NAME with password: {file: PATH} for Redfish")
	}
	return read
}

func (c *checker) v3(r rawCredentials) *collectors.V3 {
	v := &collectors.V3{User: c.word(r.User), Context: c.word(r.Context)}
	if v.User == "" && !r.redfish() {
		c.required(r.User, r.At, "user", "the name of the SNMPv3 user")
	}
	if r.Auth.At.line > 0 {
		v.AuthProtocol, v.AuthKey = c.key(r.Auth, "auth", "SHA256", authProtocols)
	}
	if r.Priv.At.line > 0 {
		v.PrivProtocol, v.PrivKey = c.key(r.Priv, "priv", "AES256C", privProtocols)
		if r.Auth.At.line == 0 {
			c.problems.add(r.Priv.At, "priv needs auth beside it: SNMPv3 encrypts nothing that it does not authenticate")
		}
	}
	return v
}

func (c *checker) key(r rawKey, name, example string, protocols []string) (protocol, key string) {
	if t := c.required(r.Protocol, r.At, name+".protocol", "the protocol, such as "+example); t.s != "" {
		protocol = c.oneOf(t, protocols...)
	}
	if r.Key.At.line == 0 {
		c.problems.add(r.At, "%s.key: is missing; write key: {file: PATH}", name)
		return protocol, ""
	}
	key = c.secret(r.Key)
	if key != "" && len(key) < minV3Key {
		c.problems.add(r.Key.At, "%s.key: has %d characters; an SNMPv3 key has at least %d", name, len(key), minV3Key)
	}
	return protocol, key
}

// secret reads the secret that r names. An empty result was reported, or cannot be looked at
// from outside of the unit.
func (c *checker) secret(r rawSecret) string {
	if r.bad {
		c.unread = true
		return ""
	}
	var set []text
	for _, t := range []text{r.File, r.Env, r.Credential, r.Secret} {
		if t.set() && t.s != "" {
			set = append(set, t)
		}
	}
	if len(set) != 1 {
		c.problems.add(r.At, "write exactly one of file, env, credential and secret")
		return ""
	}
	switch {
	case r.Secret.set():
		return c.secretSealed(r.Secret)
	case c.env.shared:
		c.problems.add(set[0].at, "%s is of one machine, and both boxes of the pair need the secret: rackpost secret set NAME < FILE, and write {secret: NAME}", shorten(set[0].s))
		c.unread = true
		return ""
	case r.Env.set():
		return c.secretEnv(r.Env)
	case r.File.set():
		return c.secretFile(c.path(r.File), r.File.at)
	}
	return c.secretCredential(r.Credential)
}

// secretSealed returns what the pair keeps under a name.
func (c *checker) secretSealed(t text) string {
	if c.id(t); !idPattern.MatchString(t.s) {
		return ""
	}
	if c.env.sealed == nil {
		c.problems.add(t.at, "secret: this box is in no pair that would keep %q; write {file: PATH}, {env: NAME} or {credential: NAME}, or rackpost pair init", shorten(t.s))
		return ""
	}
	s, err := c.env.sealed(t.s)
	switch {
	case errors.Is(err, errNotLookedAt):
		c.unread = true
		c.notes.add(t.at, "the secret %s was not looked at: only the appliance can read it", t.s)
	case err != nil:
		c.unread = true
		c.problems.add(t.at, "%v", err)
	}
	return s
}

func (c *checker) secretEnv(t text) string {
	s := c.env.getenv(t.s)
	if s == "" {
		c.problems.add(t.at, "the environment variable %s is not set; set it for the process, or write {file: PATH}", shorten(t.s))
	}
	return s
}

func (c *checker) secretCredential(t text) string {
	dir := c.env.getenv("CREDENTIALS_DIRECTORY")
	switch {
	case t.s != filepath.Base(t.s) || t.s == "..":
		c.problems.add(t.at, "%q is no name of a credential; write the NAME of LoadCredential=NAME:PATH", shorten(t.s))
	case dir != "":
		return c.secretFile(filepath.Join(dir, t.s), t.at)
	case c.env.outside:
		c.unread = true
		c.notes.add(t.at, "the credential %s was not looked at: only the systemd unit can read it", t.s)
	default:
		c.problems.add(t.at, "there is no credential %s: this process has none; write LoadCredential=%s:PATH into the systemd unit, or {file: PATH} here", t.s, t.s)
	}
	return ""
}

func (c *checker) secretFile(path string, at place) string {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not hold us up
	if err != nil {
		c.problems.add(at, "the secret cannot be read: %v; write it into that file, readable for the user that rackpost runs as", err)
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	s := strings.TrimRight(string(b), "\r\n")
	switch {
	case err != nil:
		c.problems.add(at, "the secret cannot be read: %v; write it into a plain file", err)
	case len(b) > maxSecret:
		c.problems.add(at, "%s has more than %d bytes; a secret is one line", path, maxSecret)
	case s == "":
		c.problems.add(at, "%s is empty; write the secret into it", path)
	case strings.ContainsAny(s, "\n\x00"):
		c.problems.add(at, "%s has more than one line; a secret is one line", path)
	default:
		if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o007 != 0 {
			c.notes.add(at, "%s can be read by every user of this machine; chmod 640 it", path)
		}
		return s
	}
	return ""
}
