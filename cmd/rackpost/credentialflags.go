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
	user          string
	passwordFile  string
}

// passwordVariable is the environment variable that holds the password where no file is named.
const passwordVariable = "RACKPOST_PASSWORD"

// credentialHelp describes the flags of credentialFlags.
func credentialHelp() string {
	return `  -user U             Redfish, of a server
  -password-file F    its password; without it that of the environment variable ` + passwordVariable + `
  -community C        SNMP v2c, public if nothing is given; every user of this machine can see it in the list of processes
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
	fs.StringVar(&f.user, "user", "", "")
	fs.StringVar(&f.passwordFile, "password-file", "", "")
}

// given reports whether any of the flags was.
func (f *credentialFlags) given() bool { return *f != credentialFlags{} }

// credentials checks the flags and reads the files they name. Where nothing is given they are the community public.
func (f *credentialFlags) credentials() (collectors.Credentials, error) {
	c := &checker{env: secretSource{getenv: os.Getenv}}
	read, err := f.redfish(c)
	if err != nil {
		return collectors.Credentials{}, err
	}
	if err := f.snmp(c, &read); err != nil {
		return collectors.Credentials{}, err
	}
	return read, c.problems.err()
}

// redfish reads user and password.
func (f *credentialFlags) redfish(c *checker) (collectors.Credentials, error) {
	read := collectors.Credentials{User: f.user}
	switch {
	case f.user == "" && f.passwordFile != "":
		return read, usagef("-password-file needs -user beside it")
	case f.user == "":
	case f.passwordFile != "":
		read.Password = c.flagFile(f.passwordFile)
	default:
		if read.Password = c.env.getenv(passwordVariable); read.Password == "" {
			return read, usagef("-user needs its password: -password-file F, or the environment variable %s", passwordVariable)
		}
	}
	return read, nil
}

// snmp reads the community or the SNMPv3 user.
func (f *credentialFlags) snmp(c *checker, read *collectors.Credentials) error {
	community := f.community
	if f.communityFile != "" {
		community = c.flagFile(f.communityFile)
	}
	v3 := f.v3
	v3.AuthKey, v3.PrivKey = c.flagFile(f.authFile), c.flagFile(f.privFile)
	given := f.v3 != (collectors.V3{}) || f.authFile != "" || f.privFile != ""
	switch {
	case len(c.problems) > 0:
	case !given:
		if community == "" && f.user == "" {
			community = "public"
		}
		read.Community = community
	case community != "":
		return usagef("-community is for v2c and the -v3 flags for v3: give one of them")
	case v3.User == "":
		return usagef("-v3-user is missing")
	case (v3.AuthProtocol == "") != (f.authFile == ""):
		return usagef("-v3-auth and -v3-auth-key-file go together")
	case (v3.PrivProtocol == "") != (f.privFile == ""):
		return usagef("-v3-priv and -v3-priv-key-file go together")
	case v3.PrivProtocol != "" && v3.AuthProtocol == "":
		return usagef("-v3-priv needs -v3-auth: SNMPv3 encrypts nothing that it does not authenticate")
	default:
		read.V3 = &v3
	}
	return nil
}

// flagFile reads the secret in a file that a flag names, "" for none.
func (c *checker) flagFile(path string) string {
	if path == "" {
		return ""
	}
	return c.secretFile(path, place{path, 1, 1})
}
