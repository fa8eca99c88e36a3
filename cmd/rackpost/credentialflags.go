package main

import (
	"flag"
	"os"
	"strings"

	"rackpost/collectors"
)

// credentialFlags are the flags by which a subcommand is given the credentials of devices.
type credentialFlags struct {
	community     string
	communityFile string
	v3            collectors.V3
	authFile      string
	privFile      string
}

// credentialHelp describes the flags of credentialFlags.
func credentialHelp() string {
	return `  -community C        SNMP v2c, public if nothing is given; every user of this machine can see it in the list of processes
  -community-file F   the same from a file
  -v3-user U          SNMPv3; without the flags below nothing is authenticated
  -v3-auth P          ` + strings.Join(authProtocols, ", ") + `
  -v3-auth-key-file F
  -v3-priv P          ` + strings.Join(privProtocols, ", ") + ` (C: the key form of Cisco)
  -v3-priv-key-file F
  -v3-context C`
}

// register adds the flags to fs.
func (f *credentialFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.community, "community", "", "")
	fs.StringVar(&f.communityFile, "community-file", "", "")
	fs.StringVar(&f.v3.User, "v3-user", "", "")
	fs.StringVar(&f.v3.AuthProtocol, "v3-auth", "", "")
	fs.StringVar(&f.authFile, "v3-auth-key-file", "", "")
	fs.StringVar(&f.v3.PrivProtocol, "v3-priv", "", "")
	fs.StringVar(&f.privFile, "v3-priv-key-file", "", "")
	fs.StringVar(&f.v3.Context, "v3-context", "", "")
}

// given reports whether any of the flags was.
func (f *credentialFlags) given() bool { return *f != credentialFlags{} }

// credentials checks the flags and reads the files they name.
func (f *credentialFlags) credentials() (collectors.Credentials, error) {
	var none collectors.Credentials
	c := &checker{getenv: os.Getenv}
	file := func(path string) string {
		if path == "" {
			return ""
		}
		return c.secretFile(path, place{path, 1, 1})
	}
	if f.communityFile != "" {
		f.community = file(f.communityFile)
	}
	v3 := f.v3
	v3.AuthKey, v3.PrivKey = file(f.authFile), file(f.privFile)
	given := f.v3 != (collectors.V3{}) || f.authFile != "" || f.privFile != ""
	switch {
	case len(c.problems) > 0:
		return none, c.problems.err()
	case !given:
		if f.community == "" {
			f.community = "public"
		}
		return collectors.Credentials{Community: f.community}, nil
	case f.community != "":
		return none, usagef("-community is for v2c and the -v3 flags for v3: give one of them")
	case v3.User == "":
		return none, usagef("-v3-user is missing")
	case (v3.AuthProtocol == "") != (f.authFile == ""):
		return none, usagef("-v3-auth and -v3-auth-key-file go together")
	case (v3.PrivProtocol == "") != (f.privFile == ""):
		return none, usagef("-v3-priv and -v3-priv-key-file go together")
	case v3.PrivProtocol != "" && v3.AuthProtocol == "":
		return none, usagef("-v3-priv needs -v3-auth: SNMPv3 encrypts nothing that it does not authenticate")
	}
	return collectors.Credentials{V3: &v3}, nil
}
