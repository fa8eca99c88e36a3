package snmp

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosnmp/gosnmp"

	"rackpost/hw"
)

// Type is the ASN.1 type of a value; the numbers are those of BER.
type Type byte

// The types of SMIv2 (RFC 2578) and the exceptions of RFC 3416.
const (
	TypeInvalid        Type = 0 // the device's encoding could not be read, or the number is outside its type
	TypeInteger        Type = 0x02
	TypeOctetString    Type = 0x04
	TypeNull           Type = 0x05
	TypeOID            Type = 0x06
	TypeIPAddress      Type = 0x40
	TypeCounter32      Type = 0x41
	TypeGauge32        Type = 0x42 // and Unsigned32
	TypeTimeTicks      Type = 0x43 // hundredths of a second
	TypeOpaque         Type = 0x44
	TypeCounter64      Type = 0x46
	TypeNoSuchObject   Type = 0x80
	TypeNoSuchInstance Type = 0x81
	TypeEndOfMib       Type = 0x82
)

// Value is what a device said for one object. The zero Value is no value. INTEGER is as the
// device encoded it, also beyond 32 bits; unsigned 32-bit types are within their range.
type Value struct {
	Type  Type
	Int   int64  // INTEGER
	Uint  uint64 // Counter32, Gauge32, TimeTicks, Counter64
	Bytes []byte // part of the message, so copy what you keep: OCTET STRING, IpAddress (4 bytes), Opaque; the dotted text of an OID
}

// OK reports whether there is a value: no exception, not null.
func (v Value) OK() bool {
	switch v.Type {
	case TypeInvalid, TypeNull, TypeNoSuchObject, TypeNoSuchInstance, TypeEndOfMib:
		return false
	}
	return true
}

// MaxText is the greatest length of Text in bytes.
const MaxText = 255

// Text returns the bytes as text fit to store and show: valid UTF-8, without control
// characters and outer blanks, of at most MaxText bytes.
func (v Value) Text() string {
	if len(v.Bytes) <= MaxText && !bytes.ContainsFunc(v.Bytes, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return string(bytes.TrimSpace(v.Bytes)) // nearly always, in memory of its own size
	}
	var b strings.Builder
	for s := v.Bytes; len(s) > 0; {
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		if unicode.IsControl(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > MaxText {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// Reason returns why there is no value: NotSupported for an exception, NotReady for null,
// Garbage for an encoding that could not be read; "" when OK.
func (v Value) Reason() hw.Reason {
	switch v.Type {
	case TypeInvalid:
		return hw.Garbage
	case TypeNull:
		return hw.NotReady
	case TypeNoSuchObject, TypeNoSuchInstance, TypeEndOfMib:
		return hw.NotSupported
	}
	return ""
}

// legible reports whether p has a value, or an exception, of a known type.
func legible(p gosnmp.SnmpPDU) bool { return valueOf(&p).Type != TypeInvalid }

// valueOf takes over what gosnmp decoded. A number outside its type becomes TypeInvalid:
// the object is there, its value is not.
func valueOf(p *gosnmp.SnmpPDU) Value {
	v := Value{Type: Type(p.Type)}
	switch x := p.Value.(type) {
	case int:
		v.Int = int64(x)
	case uint:
		v.Uint = uint64(x)
	case uint32:
		v.Uint = uint64(x)
	case uint64:
		v.Uint = x
	case []byte:
		v.Bytes = x
	case string:
		v.Bytes = []byte(strings.TrimPrefix(x, "."))
	}
	switch v.Type {
	case TypeInteger, TypeOctetString, TypeOID, TypeOpaque, TypeCounter64, TypeTimeTicks,
		TypeNull, TypeNoSuchObject, TypeNoSuchInstance, TypeEndOfMib:
	case TypeCounter32, TypeGauge32:
		if v.Uint > 1<<32-1 {
			return Value{}
		}
	case Type(gosnmp.Uinteger32):
		v.Type = TypeGauge32
	case TypeIPAddress:
		a, err := netip.ParseAddr(string(v.Bytes))
		if err != nil || !a.Is4() {
			return Value{}
		}
		b := a.As4()
		v.Bytes = b[:]
	default:
		return Value{}
	}
	return v
}
