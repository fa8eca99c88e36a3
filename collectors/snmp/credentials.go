package snmp

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors"
)

const (
	defaultPort  = 161
	maxCommunity = 127 // gosnmp writes its length as one byte
	maxUser      = 32  // RFC 3414
	maxContext   = 255
)

func authProtocols() map[string]gosnmp.SnmpV3AuthProtocol {
	return map[string]gosnmp.SnmpV3AuthProtocol{
		"": gosnmp.NoAuth, "MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224,
		"SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}
}

func privProtocols() map[string]gosnmp.SnmpV3PrivProtocol {
	return map[string]gosnmp.SnmpV3PrivProtocol{
		"": gosnmp.NoPriv, "DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192,
		"AES256": gosnmp.AES256, "AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C,
	}
}

// address splits host, host:port, IPv6 and [IPv6]:port; the port is 161 when not given.
func address(s string) (host string, port uint16, err error) {
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		host, p = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), strconv.Itoa(defaultPort)
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, "[]/ ") {
		return "", 0, fmt.Errorf("snmp address %.80q: want host or host:port", s)
	}
	return host, uint16(n), nil
}

// checkCredentials refuses what no device could accept or gosnmp would encode wrongly.
func checkCredentials(c collectors.Credentials) error {
	if c.V3 == nil {
		if n := len(c.Community); n == 0 || n > maxCommunity {
			return fmt.Errorf("snmp: community has %d bytes, want 1 to %d; for SNMPv3 give a user", n, maxCommunity)
		}
		return nil
	}
	v := c.V3
	_, auth := authProtocols()[v.AuthProtocol]
	_, priv := privProtocols()[v.PrivProtocol]
	switch {
	case v.User == "" || len(v.User) > maxUser:
		return fmt.Errorf("snmp v3: user has %d bytes, want 1 to %d", len(v.User), maxUser)
	case !auth:
		return fmt.Errorf("snmp v3: authentication protocol %.20q: want %s", v.AuthProtocol, names(authProtocols()))
	case !priv:
		return fmt.Errorf("snmp v3: privacy protocol %.20q: want %s", v.PrivProtocol, names(privProtocols()))
	case v.PrivProtocol != "" && v.AuthProtocol == "":
		return fmt.Errorf("snmp v3: privacy %s needs an authentication protocol", v.PrivProtocol)
	case (v.AuthProtocol != "") != (v.AuthKey != ""):
		return fmt.Errorf("snmp v3: authentication protocol and key go together; give both or neither")
	case (v.PrivProtocol != "") != (v.PrivKey != ""):
		return fmt.Errorf("snmp v3: privacy protocol and key go together; give both or neither")
	case len(v.Context) > maxContext:
		return fmt.Errorf("snmp v3: context has %d bytes, want at most %d", len(v.Context), maxContext)
	}
	return nil
}

func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m))[1:], ", ") // without ""
}

// level is the security level that the protocols of v stand for.
func level(v *collectors.V3) gosnmp.SnmpV3MsgFlags {
	switch {
	case v.PrivProtocol != "":
		return gosnmp.AuthPriv
	case v.AuthProtocol != "":
		return gosnmp.AuthNoPriv
	}
	return gosnmp.NoAuthNoPriv
}

// client describes gosnmp's side of a session at the given level, without I/O. It is loaded
// into a lent client: it has no buffer of its own.
func client(t collectors.Target, flags gosnmp.SnmpV3MsgFlags) (*gosnmp.GoSNMP, error) {
	host, port, err := address(t.Device.Address)
	if err != nil {
		return nil, err
	}
	x := &gosnmp.GoSNMP{
		Target: host, Port: port,
		MaxOids: maxOIDs, Version: gosnmp.Version2c, Community: t.Credentials.Community,
	}
	v := t.Credentials.V3
	if v == nil {
		return x, nil
	}
	u := &gosnmp.UsmSecurityParameters{
		UserName: v.User, AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
	}
	if flags&gosnmp.AuthNoPriv != 0 {
		u.AuthenticationProtocol, u.AuthenticationPassphrase = authProtocols()[v.AuthProtocol], v.AuthKey
	}
	if flags == gosnmp.AuthPriv {
		u.PrivacyProtocol, u.PrivacyPassphrase = privProtocols()[v.PrivProtocol], v.PrivKey
	}
	x.Version, x.Community = gosnmp.Version3, ""
	x.SecurityModel, x.MsgFlags = gosnmp.UserSecurityModel, flags|gosnmp.Reportable
	x.SecurityParameters, x.ContextName = u, v.Context
	return x, nil
}
