package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/all"
	"rackpost/hw"
	"rackpost/hw/raid"
)

func noEnv(string) string { return "" }

// FuzzConfig: whatever the file holds, nothing panics, and every refusal names the place.
func FuzzConfig(f *testing.F) {
	for _, file := range []string{"../../deploy/box.yaml", "../../deploy/site.yaml", "testdata/check_errors.txt"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(b), "\n-- ") {
			f.Add([]byte(part))
		}
	}
	for _, s := range []string{"a: &a [*a]", "<<: {a: b}", "? [a]: b", "name: !!binary x", "devices: [{}, ~, []]", "\xff", "a:\n\t- b", "site: {id: \"\\n\"}", "credentials: {~: {user: ~}}", "name: |\n  a\n  b", "? |\n  x\n: y"} {
		f.Add([]byte(s))
	}
	line := regexp.MustCompile(`^f\.yaml:[1-9][0-9]*:[1-9][0-9]*: .`)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, boxErr := parseBox("f.yaml", data)
		_, _, siteErr := parseSite("f.yaml", data, all.Kinds(), secretSource{getenv: noEnv, outside: true})
		for _, err := range []error{boxErr, siteErr} {
			if err == nil {
				continue
			}
			for l := range strings.SplitSeq(err.Error(), "\n") {
				if !line.MatchString(l) {
					t.Errorf("an error without a place: %q", l)
				}
			}
		}
	})
}

// TestPolicyOfADevice: its own word comes before the customer's, that before the site's, that before the default, each
// setting by itself.
func TestPolicyOfADevice(t *testing.T) {
	t.Parallel()
	const site = `
site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}
credentials: {c: {community: {env: C}}}
customers: [{name: A, policy: {raid: {levels: [raid5, raid6], patrol_read: fault}}}]
policy: {raid: {patrol_read: accept, no_hot_spare: accept, disk_cache: notice}}
devices:
  - {id: own, kind: dell-idrac, address: 192.0.2.1, credentials: c, customer: A, policy: {raid: {patrol_read: notice, firmware: accept}}}
  - {id: customer, kind: dell-idrac, address: 192.0.2.2, credentials: c, customer: A}
  - {id: site, kind: dell-idrac, address: 192.0.2.3, credentials: c}
  - {id: switch, kind: cisco-catalyst, address: 192.0.2.4, credentials: c, customer: A}
`
	got, _, err := parseSite("f.yaml", []byte(site), all.Kinds(), secretSource{getenv: func(string) string { return "x" }})
	if err != nil {
		t.Fatal(err)
	}
	of := func(change func(*raid.Policy)) raid.Policy {
		p := raid.Default()
		p.PatrolRead, p.NoHotSpare, p.DiskCache = raid.Accept, raid.Accept, raid.Notice
		change(&p)
		return p
	}
	for i, want := range []raid.Policy{
		of(func(p *raid.Policy) {
			p.Levels, p.PatrolRead, p.Firmware = []string{raid.Level5, raid.Level6}, raid.Notice, raid.Accept
		}),
		of(func(p *raid.Policy) { p.Levels, p.PatrolRead = []string{raid.Level5, raid.Level6}, raid.Fault }),
		of(func(*raid.Policy) {}),
		{},
	} {
		if d := got.devices[i].Target; !d.Policy.Equal(want) {
			t.Errorf("%s: policy %+v; want %+v", d.Device.ID, d.Policy, want)
		}
	}
}

// TestCredentialsOfServers: what stands in the file gets to the collector.
func TestCredentialsOfServers(t *testing.T) {
	t.Parallel()
	const site = `
site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}
credentials:
  both: {user: reader, password: {env: PASSWORD}, auth: {protocol: SHA256, key: {env: KEY}}}
  v2c: {user: reader, password: {env: PASSWORD}, community: {env: KEY}}
devices:
  - {id: a, kind: dell-idrac, address: 192.0.2.1, snmp: "192.0.2.9:1161", legacy_tls: true, credentials: both}
  - {id: b, kind: dell-idrac, address: 192.0.2.2, credentials: v2c}
`
	env := map[string]string{"PASSWORD": "secret", "KEY": "0123456789"}
	got, _, err := parseSite("f.yaml", []byte(site), all.Kinds(), secretSource{getenv: func(s string) string { return env[s] }})
	if err != nil {
		t.Fatal(err)
	}
	a, b := got.devices[0].Target, got.devices[1].Target
	if a.Credentials.User != "reader" || a.Credentials.Password != "secret" || a.Credentials.V3 == nil || a.Credentials.V3.User != "reader" || a.Credentials.V3.AuthKey != env["KEY"] ||
		a.SNMP != "192.0.2.9:1161" || !a.LegacyTLS {
		t.Errorf("target %+v", a)
	}
	if b.Credentials.User != "reader" || b.Credentials.Community != env["KEY"] || b.Credentials.V3 != nil || b.SNMP != "" || b.LegacyTLS {
		t.Errorf("target %+v", b)
	}
}

// TestEveryKeyIsChecked: the examples are right, and no line of them can be broken without
// an error.
func TestEveryKeyIsChecked(t *testing.T) {
	t.Parallel()
	parse := map[string]func([]byte) error{
		"../../deploy/box.yaml":     func(b []byte) error { _, err := parseBox("f", b); return err },
		"../../deploy/witness.yaml": func(b []byte) error { _, err := parseWitness("f", b); return err },
		"../../deploy/site.yaml": func(b []byte) error {
			_, _, err := parseSite("f", b, all.Kinds(), secretSource{getenv: noEnv, outside: true})
			return err
		},
	}
	key := regexp.MustCompile(`[a-z]+:( |$)`)
	for file, check := range parse {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(b); err != nil {
			t.Errorf("%s is refused: %v", file, err)
		}
		for i, l := range strings.Split(string(b), "\n") {
			at := key.FindStringIndex(strings.SplitN(l, "#", 2)[0])
			if at == nil {
				continue
			}
			broken := strings.Split(string(b), "\n")
			broken[i] = strings.Replace(l, l[at[0]:at[1]], "x"+l[at[0]:at[1]], 1)
			if names := i > 0 && strings.HasPrefix(strings.TrimSpace(broken[i-1]), "credentials:"); names {
				continue // the name of credentials may be any
			}
			if check([]byte(strings.Join(broken, "\n"))) == nil {
				t.Errorf("%s:%d: %q is taken", file, i+1, broken[i])
			}
		}
	}
}

func TestSiteIsReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/key", []byte("auth-key-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const file = `
site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}
racks: [{name: A12}]
credentials:
  v3: {user: u, auth: {protocol: SHA, key: {file: key}}, priv: {protocol: AES, key: {env: PRIV}}}
policy: {timeout: 3s, periods: {ports: 30s, memory: off}}
devices:
  - {id: sw, kind: cisco-catalyst, name: Core, address: "2001:db8::1", rack: A12, credentials: v3, periods: {memory: 10m, inventory: 1d}}
  - {id: fw, kind: cisco-asa, address: 192.0.2.20, standby: "192.0.2.21:1161", credentials: v3}
`
	env := secretSource{getenv: func(string) string { return "priv-key-1" }}
	site, notes, err := parseSite(dir+"/site.yaml", []byte(file), all.Kinds(), env)
	if err != nil || len(notes) > 0 || len(site.devices) != 2 {
		t.Fatalf("%v %v %v", site, notes, err)
	}
	w := site.devices[0]
	v3 := w.Target.Credentials.V3
	got := []any{site.name, site.id.String(), string(w.Target.Device.ID), w.Target.Device.Address, w.Target.Device.Rack, w.Target.Timeout, v3.AuthKey, v3.PrivKey, w.Periods, site.devices[1].Target.Device.Standby}
	want := []any{"FRA-3", "6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01", "sw", "2001:db8::1", "A12", 3 * time.Second, "auth-key-1", "priv-key-1",
		map[string]time.Duration{"ports": 30 * time.Second, "memory": 10 * time.Minute, "inventory": 24 * time.Hour}, "192.0.2.21:1161"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("site (-want +got):\n%s", d)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"8GB": 8e9, "1.5GiB": 3 << 29, "512 MiB": 512 << 20, "0B": 0, "8": -1, "-8GB": -1, "8gb": -1, "GB": -1, "": -1, "1e30TB": -1, "NaNGB": -1, "8GB8": -1} {
		n, err := parseSize(s)
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", s, n, err, want)
		}
	}
	for s, want := range map[string]time.Duration{"60s": time.Minute, "7d": 7 * day, "1h30m": 90 * time.Minute, "60": -1, "-1s": -1, "": -1, "1.5d": -1, "d": -1, "9999999d": -1, "99999999h": -1} {
		d, err := parseDuration(s)
		if err != nil {
			d = -1
		}
		if d != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", s, d, err, want)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "1h", 7 * day: "7d", 100 * time.Millisecond: "100ms", 90 * time.Second: "1m30s"} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %s; want %s", d, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:1161": "192.0.2.1:1161", "[::1]:161": "[::1]:161", "::1": "::1", "[::1]": "::1",
		"sw-1.example": "sw-1.example", "sw_1": "sw_1", "SW.example.:162": "SW.example.:162", "fe80::1%eth0": "fe80::1%eth0",
		"": "!", "192.0.2.300": "!", "192.0.2": "!", "1234": "!", "sw:0": "!", "sw:65536": "!", "sw:": "!", "a b": "!", "-a": "!", "a..b": "!", "[::1": "!", "http://sw": "!", "sw/24": "!",
	} {
		host, port, err := splitAddress(s)
		got := joinAddress(host, port)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("address %q = %q, %v; want %q", s, got, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"status", "check", "query", "run"}
	for word, want := range map[string]string{"stauts": "status", "chekc": "check", "Status": "status", "rum": "run", "xyz": "", "": "", strings.Repeat("a", 1000): ""} {
		if got := hw.Nearest(word, names); got != want {
			t.Errorf("hw.Nearest(%q) = %q; want %q", word, got, want)
		}
	}
}

// TestBoxNeedsRestart requires that a changed box.yaml is told at a reload, and a same one not.
func TestBoxNeedsRestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "box.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const text = "name: a\ndata: /d\nsite: site.yaml\n"
	write(text)
	box, err := loadBox(file)
	if err != nil {
		t.Fatal(err)
	}
	receivers := "remote_write: [{url: http://h/w}]\n"
	for after, want := range map[string]int{text: 0, "# moved\n" + text: 0, text + "listen: 127.0.0.1:1\n": 1, text + receivers: 0} {
		write(after)
		now, err := loadBox(file)
		if err != nil {
			t.Fatal(err)
		}
		if notes := boxNotes(box, now, file); len(notes) != want {
			t.Errorf("%q: %v; want %d", after, notes, want)
		}
	}
}

// The other unit of a pair has an address of its own, and only a pair has another unit.
func TestStandbyIsChecked(t *testing.T) {
	t.Parallel()
	for devices, want := range map[string]string{
		"[{id: a, kind: cisco-asa, address: 192.0.2.1, standby: 192.0.2.1}]":                                                    "192.0.2.1",
		"[{id: a, kind: cisco-asa, address: 192.0.2.1, standby: 192.0.2.2}, {id: b, kind: cisco-catalyst, address: 192.0.2.2}]": "stands in line",
		"[{id: a, kind: cisco-asa, address: 192.0.2.1, standby: 192.0.2.300}]":                                                  "is no address",
		"[{id: a, kind: cisco-catalyst, address: 192.0.2.1, standby: 192.0.2.2}]":                                               "a cisco-catalyst is no failover pair",
	} {
		file := "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}\ncredentials: {c: {community: {env: C}}}\ndevices: " + strings.ReplaceAll(devices, "}", ", credentials: c}") + "\n"
		_, _, err := parseSite("f.yaml", []byte(file), all.Kinds(), secretSource{getenv: func(string) string { return "x" }})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", devices, err, want)
		}
	}
}

// TestNamesOfPeople: whatever script a name is in, what is not to be seen may not stand in it; a user's name is as the device wants it.
func TestNamesOfPeople(t *testing.T) {
	t.Parallel()
	const site = `
site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: "SITE"}
racks: [{name: "RACK"}]
credentials: {c: {user: "USER", auth: {protocol: SHA256, key: {env: C}}}}
devices:
  - {id: core, kind: cisco-catalyst, address: 192.0.2.4, name: "DEVICE", credentials: c}
`
	parse := func(names ...string) error {
		text := strings.NewReplacer(append(names, "SITE", "上海浦东金桥数据中心三号楼二层机房（中国移动通信集团）", "RACK", "甲排 12 架", "DEVICE", "核心交换机 1", "USER", "leser")...).Replace(site)
		_, _, err := parseSite("f.yaml", []byte(text), all.Kinds(), secretSource{getenv: func(string) string { return "0123456789" }})
		return err
	}
	if err := parse(); err != nil {
		t.Error(err)
	}
	if err := parse("USER", "two  blanks "); err != nil {
		t.Error(err)
	}
	for _, what := range []string{"SITE", "RACK", "DEVICE"} {
		err := parse(what, `x\u202ecba`)
		if err == nil || !strings.Contains(err.Error(), `"x\u202ecba" is no name: character 2, U+202E, is not to be seen; type the name anew`) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTextOfOthersOnATerminal(t *testing.T) {
	t.Parallel()
	if got, want := plain("上海\x1b[31m\u202ecba\u2066\u009b\u2028\xff"), "上海\ufffd[31m\ufffdcba\ufffd\ufffd\ufffd\ufffd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
