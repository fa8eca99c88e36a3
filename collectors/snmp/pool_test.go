package snmp

import (
	"reflect"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// A client that waits holds nothing of the device it spoke to, and only so many wait.
func TestPoolKeepsNothing(t *testing.T) {
	t.Parallel()
	var p Pool
	var lent []*gosnmp.GoSNMP
	for range idleClients + 3 {
		x, err := p.take()
		if err != nil {
			t.Fatal(err)
		}
		load(x, &gosnmp.GoSNMP{
			Conn: &guard{}, Version: gosnmp.Version3, Community: "secret", MaxOids: maxOIDs,
			SecurityModel: gosnmp.UserSecurityModel, MsgFlags: gosnmp.AuthPriv | gosnmp.Reportable,
			SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "u", PrivacyPassphrase: "secret"},
			ContextEngineID:    "engine", ContextName: "context",
		})
		lent = append(lent, x)
	}
	for _, x := range lent {
		p.give(x)
	}
	if len(p.idle) != idleClients {
		t.Errorf("%d clients wait, want %d", len(p.idle), idleClients)
	}
	for _, x := range p.idle {
		v := reflect.ValueOf(x).Elem()
		for _, name := range []string{
			"Conn", "Version", "Community", "SecurityModel", "MsgFlags", "SecurityParameters", "ContextEngineID", "ContextName",
		} {
			if !v.FieldByName(name).IsZero() {
				t.Errorf("%s is still set", name)
			}
		}
	}
	if x, err := p.take(); err != nil || x != lent[idleClients-1] {
		t.Errorf("took %p, %v; want one that waited", x, err)
	}
}
