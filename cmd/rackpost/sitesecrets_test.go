package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/all"
)

// secretBox is a machine that keeps secrets in all three ways.
func secretBox(t *testing.T) (dir string, env secretSource) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"community": "public", "my key": "authkey12", "kept/core": "corepass1"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"PRIV_KEY": "privkey12", "CREDENTIALS_DIRECTORY": filepath.Join(dir, "kept")}
	return dir, secretSource{getenv: func(k string) string { return vars[k] }}
}

const secretSite = `# Räume: "Ümlaute" vor allem
site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}
credentials:
  äußere: {community: {file: community}}   # flow, after "ä"
  same:
    community:
      file: "community"   # the same file
  v3:
    user: u
    auth: {protocol: SHA256, key: {file: 'my key'}}
    priv: {protocol: AES, key: { env : PRIV_KEY }}   # blanks
  servers: {user: root, password: {credential: core}, community: {file: community}}

devices:
  # a comment that stays
  - {id: sw, kind: cisco-catalyst, address: 192.0.2.1, credentials: same}
  - {id: fw, kind: cisco-asa, address: 192.0.2.2, credentials: v3}
  - {id: db, kind: dell-idrac, address: 192.0.2.3, credentials: servers}
`

func TestSealSecrets(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{"\n", "\r\n"} {
		dir, env := secretBox(t)
		in := strings.ReplaceAll(secretSite, "\n", ending)
		got, secrets, err := sealSecrets(filepath.Join(dir, "site.yaml"), []byte(in), env)
		if err != nil {
			t.Fatal(err)
		}
		want := in
		name := "servers-community" // the last one that is met names the file
		for _, r := range [][2]string{
			{"äußere: {community: {file: community}}", "äußere: {community: {secret: " + name + "}}"},
			{`file: "community"   # the`, "secret: " + name + "   # the"},
			{"key: {file: 'my key'}", "key: {secret: v3-auth}"},
			{"key: { env : PRIV_KEY }", "key: { secret: v3-priv }"},
			{"{credential: core}, community: {file: community}", "{secret: core}, community: {secret: " + name + "}"},
		} {
			want = strings.Replace(want, r[0], r[1], 1)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("the file (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{name: "public", "v3-auth": "authkey12", "v3-priv": "privkey12", "core": "corepass1"}, secrets); diff != "" {
			t.Errorf("the secrets (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"core", name, "v3-auth", "v3-priv"}, secretNames("site.yaml", got)); diff != "" {
			t.Errorf("their names (-want +got):\n%s", diff)
		}
	}
}

// TestSealNothing: what has no secret, or names of the pair only, stays as it is.
func TestSealNothing(t *testing.T) {
	t.Parallel()
	const site = "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: n}\n# no device\ndevices: []\n"
	got, secrets, err := sealSecrets("site.yaml", []byte(site), secretSource{getenv: noEnv})
	if err != nil || string(got) != site || len(secrets) > 0 {
		t.Errorf("%q, %v, %v", got, secrets, err)
	}
}

// TestSealRefuses: a secret that cannot be read, or whose place is not one word on its line, is told with its place.
func TestSealRefuses(t *testing.T) {
	t.Parallel()
	dir, env := secretBox(t)
	file := filepath.Join(dir, "site.yaml")
	head := "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: n}\ncredentials:\n"
	for _, c := range []struct{ text, want string }{
		{"  c: {community: {file: nosuch}}\n", "3:25: the secret cannot be read"},
		{"  c:\n    community:\n      file: |\n        community\n", "5:7: this cannot be rewritten as {secret: c-community}"},
		{"  c:\n    community:\n      file:\n        community\n", "5:7: this cannot be rewritten"},
		{"  c: {community: {secret: c}}\n", "3:27: secret: this box is in no pair"},
	} {
		_, _, err := sealSecrets(file, []byte(head+c.text), env)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestSharedSite: a file of a pair names no secret of one machine.
func TestSharedSite(t *testing.T) {
	t.Parallel()
	dir, env := secretBox(t)
	env.shared, env.sealed = true, notLookedAt
	_, _, err := parseSite(filepath.Join(dir, "site.yaml"), []byte(secretSite), all.Kinds(), env)
	if err == nil || strings.Count(err.Error(), "is of one machine, and both boxes of the pair need the secret: rackpost secret set NAME") != 6 {
		t.Errorf("%v", err)
	}
}

// FuzzSealSecrets: whatever is written around them, no secret is lost and nothing else changes.
func FuzzSealSecrets(f *testing.F) {
	f.Add(secretSite)
	f.Add("site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: n}\ncredentials: {\"a\": {community: {\"env\": \"X\\\"\"}}, b: {community: {'env': 'it''s'}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		env := secretSource{getenv: func(k string) string { return "value of " + k }}
		after, secrets, err := sealSecrets("f.yaml", []byte(text), env)
		if err != nil {
			return
		}
		if again, more, err := sealSecrets("f.yaml", after, secretSource{getenv: noEnv, sealed: func(n string) (string, error) { return secrets[n], nil }}); err != nil || string(again) != string(after) || len(more) > 0 {
			t.Errorf("sealed twice: %v", err)
		}
	})
}
