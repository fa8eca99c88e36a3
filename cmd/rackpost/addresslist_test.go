package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rackpost/collectors/all"
	"rackpost/collectors/discovery"
	"rackpost/hw"
)

func labNames() listNames {
	return listNames{site: true, racks: []string{"A12"}, customers: []string{"acme"}, credentials: []string{"switches", "firewalls"}, kinds: all.Kinds()}
}

func TestParseAddressList(t *testing.T) {
	t.Parallel()
	row := func(address, subnet string, more ...func(*asked)) asked {
		a := asked{Place: discovery.Place{Address: address, Subnet: subnet}, listed: true}
		for _, m := range more {
			m(&a)
		}
		return a
	}
	all := func(a *asked) {
		a.name, a.rack, a.customer, a.Kind, a.Login = "Core, left", "A12", "acme", "cisco-asa", "firewalls"
	}
	for name, test := range map[string]struct {
		list string
		want []asked
	}{
		"only addresses": {"address\n192.0.2.1\n2001:db8::1\n", []asked{row("192.0.2.1", "192.0.2.0/24"), row("2001:db8::1", "2001:db8::/64")}},
		"every column, any order": {"name,credentials,KIND,Customer, rack ,port,address\n\"Core, left\",firewalls,cisco-asa,acme,A12,1161,192.0.2.1\n",
			[]asked{row("192.0.2.1:1161", "192.0.2.0/24", all)}},
		"as a spreadsheet saves it": {"\ufeffaddress;port;name;rack;customer;kind;credentials;\r\n192.0.2.1;1161;Core, left;A12;acme;cisco-asa;firewalls;\r\n;;;;;;;\r\n", []asked{row("192.0.2.1:1161", "192.0.2.0/24", all)}},
		"tabs, short lines":         {"address\tname\n192.0.2.1\n\n192.0.2.2\tb\n", []asked{row("192.0.2.1", "192.0.2.0/24"), row("192.0.2.2", "192.0.2.0/24", func(a *asked) { a.name = "b" })}},
		"ports and names":           {"address,port\nsw-1.example,\n[2001:db8::1]:1161,1161\n# left out\n192.0.2.1:99,\n", []asked{row("sw-1.example", "names"), row("[2001:db8::1]:1161", "2001:db8::/64"), row("192.0.2.1:99", "192.0.2.0/24")}},
		"nothing in it":             {"address\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseAddressList("l.csv", []byte(test.list), "", labNames())
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(asked{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
	got, err := parseAddressList("l.csv", []byte("address,port\n192.0.2.1,\n192.0.2.2,161\n"), "1161", labNames())
	if err != nil || got[0].Address != "192.0.2.1:1161" || got[1].Address != "192.0.2.2:161" {
		t.Errorf("with a port for all: %+v, error %v", got, err)
	}
}

func TestParseAddressListRefuses(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"":                                                "l.csv:1:1: the list is empty",
		"adress\n":                                        `l.csv:1:1: unknown column "adress"; did you mean "address"?`,
		"address,colour\n":                                `l.csv:1:9: unknown column "colour"; the columns are address, port,`,
		"name\nx\n":                                       "l.csv:1:1: there is no column address",
		"192.0.2.1\n":                                     `l.csv:1:1: unknown column "192.0.2.1"`,
		"address,address\n":                               `l.csv:1:9: the column "address" stands here twice`,
		"address,name\n,x\n":                              "l.csv:2:1: this line has no address",
		"address\n192.0.2.300\n":                          `l.csv:2:1: "192.0.2.300" is no address`,
		"name,address\nx,192.0.2.1/24\n":                  `l.csv:2:3: "192.0.2.1/24" is no address`,
		"address,port\n192.0.2.1,0\n":                     `l.csv:2:11: "0" is no port`,
		"address,port\n192.0.2.1:5,6\n":                   "l.csv:2:13: port 6: the address says 5",
		"address\n192.0.2.1\n192.0.2.1\n":                 `l.csv:3:1: address "192.0.2.1" stands in line 2 already`,
		"address\n192.0.2.1,x\n":                          `l.csv:2:11: "x" stands in a column without a name`,
		"address,rack\n192.0.2.1,A21\n":                   `l.csv:2:11: rack: there is no "A21"; did you mean "A12"?`,
		"address,customer\n192.0.2.1,xx\n":                `l.csv:2:11: customer: there is no "xx"; the file defines acme`,
		"address,kind\n192.0.2.1,asa\n":                   `l.csv:2:11: unknown kind "asa"`,
		"address,credentials\n::1,switch\n":               `l.csv:2:5: credentials: there is no "switch"; did you mean "switches"?`,
		"address,name\n::1,\"x\n":                         "l.csv:2:8: this is not CSV",
		"address,name\n::1,\"x\"y\n":                      "l.csv:2:",
		"address\n\xff\n":                                 "l.csv:1:1: the list is not UTF-8",
		"a\x00d\x00":                                      "l.csv:1:1: the list is not UTF-8",
		"address\n" + strings.Repeat("x", maxConfigBytes): "l.csv:1:1: the list has more than",
		"address\n" + manyAddresses(discovery.MaxAddresses+1):    "l.csv:4098:1: the list has more than 4096 addresses",
		"address,name\n::1," + strings.Repeat("n", hw.MaxName+1): "l.csv:2:5: \"nnn",
	} {
		got, err := parseAddressList("l.csv", []byte(list), "", labNames())
		if err == nil || !strings.HasPrefix(err.Error(), want) || got != nil {
			t.Errorf("%.60q: %d addresses, error %.200v; want %q", list, len(got), err, want)
		}
	}
}

func manyAddresses(n int) string {
	list, _ := discovery.Expand("10.0.0.0-10.0.15.255")
	var b strings.Builder
	for i := range n {
		b.WriteString(list[i%len(list)].String() + strings.Repeat(":99", i/len(list)) + "\n")
	}
	return b.String()
}

// FuzzAddressList: whatever the list holds, nothing panics, and every refusal names the place.
func FuzzAddressList(f *testing.F) {
	for _, s := range []string{
		"address,port,name,rack,customer,kind,credentials\n192.0.2.1,161,x,A12,acme,cisco-asa,switches\n", "\ufeffaddress;name\r\n::1;\"a;b\"\r\n",
		"address\t\n# c\n\"192.0.2.1\n", "address,\n,,\n::1,,x\n", "\"\n", "address\n\r\r\n",
	} {
		f.Add([]byte(s))
	}
	names := labNames()
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseAddressList("l.csv", data, "", names)
		if err != nil {
			for l := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(l, "l.csv:") {
					t.Errorf("an error without a place: %q", l)
				}
			}
			return
		}
		if got := len(unique(list)); got != len(list) || got > discovery.MaxAddresses {
			t.Errorf("%d addresses, %d of them different", len(list), got)
		}
		for _, a := range list {
			if _, _, err := splitAddress(a.Address); err != nil {
				t.Errorf("%q: %v", a.Address, err)
			}
		}
	})
}

// TestPipeDoesNotHold requires that a pipe nobody writes to, in the place of a list, a key or a
// configuration, is an empty file: opening one waits for ever, and Ctrl-C does not end it.
func TestPipeDoesNotHold(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "list.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no pipe can be made here: %v", err)
	}
	for _, args := range [][]string{
		{"discover", pipe}, {"check", "-config", pipe},
		{"capture", "-key-file", pipe, "cisco-asa", "127.0.0.1:1", filepath.Join(t.TempDir(), "capture")},
	} {
		var out bytes.Buffer
		if code := execute(t.Context(), terminal{out: &out, err: &out}, args); code != 1 || out.Len() == 0 {
			t.Errorf("%s: code %d, %q; want 1 and what is wrong", args[0], code, out.String())
		}
	}
}
