package main

import (
	"flag"
	"fmt"
	"strings"
	"time"

	"rackpost/collectors/discovery"
)

// How politely we ask when nothing else is said.
const (
	discoverTimeout = time.Second
	discoverRate    = 10
	maxDiscoverRate = 1000
)

func discoverCommand() command {
	return command{
		name: "discover",
		args: "[-site FILE [-new NAME] [-dry-run]] [-credentials NAME,...] [-json] NETWORK|FILE.csv...",
		does: "ask which devices stand at some addresses, and add them to site.yaml",
		help: `NETWORK is 192.0.2.0/24, 192.0.2.10-192.0.2.20 or one address, at most ` + fmt.Sprint(discovery.MaxAddresses) + ` addresses in all. The first line of
FILE.csv names its columns: address, and any of ` + strings.Join(listColumns[1:], ", ") + `.

  -site FILE           try its credentials, and add what is found to its devices; all else in it stays as it is
  -new NAME            there is no FILE yet: make it, for the site NAME, with the credentials of the flags below
  -dry-run             print the lines, write nothing
  -credentials N,...   try only these of FILE
  -json                print one JSON object
  -rate N              requests a second in all, ` + fmt.Sprint(discoverRate) + ` if not given
  -timeout D           for one request, ` + shortDuration(discoverTimeout) + ` if not given; silence is asked once more
  -port N              of addresses without one; that of the protocol if not given

Without -site, or with -new:

` + credentialHelp() + `

One address of a subnet is asked at a time, ` + fmt.Sprint(discovery.AtOnce) + ` subnets at once. Ctrl-C ends it early: what was found until then is written.
Exit code 0: it ran, even if nothing was found; 1: it did not work; 2: wrong usage.`,
		run: runDiscover,
	}
}

// discoverFlags are the flags of discover.
type discoverFlags struct {
	credentialFlags
	site, create string
	only         string
	dryRun, json bool
	rate         float64
	timeout      string
	port         string
}

func (f *discoverFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("discover", flag.ContinueOnError)
	fs.StringVar(&f.site, "site", "", "")
	fs.StringVar(&f.create, "new", "", "")
	fs.StringVar(&f.only, "credentials", "", "")
	fs.BoolVar(&f.dryRun, "dry-run", false, "")
	fs.BoolVar(&f.json, "json", false, "")
	fs.Float64Var(&f.rate, "rate", discoverRate, "")
	fs.StringVar(&f.timeout, "timeout", "", "")
	fs.StringVar(&f.port, "port", "", "")
	f.register(fs)
	return fs
}

// check tells what does not go together.
func (f *discoverFlags) check(args []string) error {
	switch {
	case len(args) == 0:
		return usagef("name a network, an address or a list FILE.csv")
	case f.site == "" && (f.create != "" || f.dryRun || f.only != ""):
		return usagef("-new, -dry-run and -credentials need -site FILE")
	case f.site != "" && f.create == "" && f.given():
		return usagef("with -site the credentials are those of the file; -credentials NAME says which")
	case f.create != "" && (f.community != "" || !f.given() || f.user != "" && f.passwordFile == ""):
		return usagef("-new needs -community-file F, -v3-user U with its files, or -user U -password-file F: site.yaml says where a secret is kept, and never holds it")
	case f.create != "" && f.user != "" && f.v3.User != "" && f.user != f.v3.User:
		return usagef("-user and -v3-user differ: the SNMPv3 user of a server is its user of Redfish")
	case f.create != "" && f.only != "":
		return usagef("-credentials is for those of a file that is there; -new makes one")
	case !(f.rate > 0 && f.rate <= maxDiscoverRate):
		return usagef("-rate: write more than 0 and at most %d requests a second", maxDiscoverRate)
	case f.port != "" && !isPort(f.port):
		return usagef("-port: %q is no port; write 1 to 65535", shorten(f.port))
	}
	return nil
}
