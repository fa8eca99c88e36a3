package trust_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

func TestSealedSecretIsOpenToTheBoxesAlone(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	to := trust.Recipients(north.Identity().Members)
	if len(to) != 2 {
		t.Fatalf("recipients %v", to)
	}
	rapid.Check(t, func(r *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(r, "secret")
		sealed, err := trust.Seal("snmp-north", secret, to)
		if err != nil {
			r.Fatal(err)
		}
		b, err := json.Marshal(sealed)
		if err != nil {
			r.Fatal(err)
		}
		if sealed, err = trust.ParseSealed(b); err != nil {
			r.Fatal(err)
		}
		for _, box := range []*machine{north, south} {
			if got, err := box.Open("snmp-north", sealed); err != nil || !bytes.Equal(got, secret) {
				r.Fatalf("%x: %v", got, err)
			}
		}
		if len(secret) > 8 && bytes.Contains(b, secret) {
			r.Fatal("the secret is in the clear")
		}
		if _, err := south.Open("snmp-south", sealed); !errors.Is(err, trust.ErrNotSealed) {
			r.Fatal("opened under another name")
		}
		i := rapid.IntRange(0, len(sealed.Age)-1).Draw(r, "damage")
		sealed.Age[i] ^= 1
		if got, err := south.Open("snmp-north", sealed); err == nil && !bytes.Equal(got, secret) {
			r.Fatalf("a damaged secret opens as another: byte %d", i)
		}
	})
	sealed, err := trust.Seal("snmp", []byte("word"), to)
	must(t, err)
	_, err = witness.Open("snmp", sealed)
	wantReason(t, err, trust.WrongRole)
	_, err = found(t).Open("snmp", sealed)
	if !errors.Is(err, trust.ErrNotSealed) || !strings.Contains(err.Error(), "secret set") {
		t.Error(err)
	}
}

func TestLengthIsHidden(t *testing.T) {
	t.Parallel()
	to := trust.Recipients(found(t).Identity().Members)
	short, err := trust.Seal("a", []byte("1234"), to)
	must(t, err)
	long, err := trust.Seal("a", bytes.Repeat([]byte("x"), 200), to)
	must(t, err)
	if len(short.Age) != len(long.Age) {
		t.Errorf("%d and %d bytes", len(short.Age), len(long.Age))
	}
}

func TestResealWhenMembersComeAndGo(t *testing.T) {
	t.Parallel()
	north := found(t)
	sealed, err := trust.Seal("snmp", []byte("word"), trust.Recipients(north.Identity().Members))
	must(t, err)
	if _, changed, err := north.Reseal("snmp", sealed, north.Identity().Members); err != nil || changed {
		t.Error("sealed anew for the same", err)
	}
	alone := north.Identity().Members
	south := join(t, north, "south", mode.Box)
	_, err = south.Open("snmp", sealed)
	if !errors.Is(err, trust.ErrNotSealed) {
		t.Error(err)
	}
	both, changed, err := north.Reseal("snmp", sealed, north.Identity().Members)
	must(t, err)
	if got, err := south.Open("snmp", both); !changed || err != nil || string(got) != "word" {
		t.Error(changed, string(got), err)
	}
	one, changed, err := north.Reseal("snmp", both, alone)
	must(t, err)
	if _, err := south.Open("snmp", one); !changed || !errors.Is(err, trust.ErrNotSealed) {
		t.Error("who left opens what was sealed after", err)
	}
}

func TestSealIsBounded(t *testing.T) {
	t.Parallel()
	to := trust.Recipients(found(t).Identity().Members)
	for name, try := range map[string]func() error{
		"a long secret":     func() error { _, err := trust.Seal("a", make([]byte, trust.MaxSecret+1), to); return err },
		"a long name":       func() error { _, err := trust.Seal(strings.Repeat("a", 200), nil, to); return err },
		"nobody":            func() error { _, err := trust.Seal("a", nil, nil); return err },
		"many":              func() error { _, err := trust.Seal("a", nil, make([]string, 9)); return err },
		"no recipient":      func() error { _, err := trust.Seal("a", nil, []string{"age1nobody"}); return err },
		"a key, by mistake": func() error { _, err := trust.Seal("a", nil, []string{"AGE-SECRET-KEY-1QQQ"}); return err },
		"long JSON":         func() error { _, err := trust.ParseSealed(make([]byte, 1<<20)); return err },
		"no JSON":           func() error { _, err := trust.ParseSealed([]byte("{")); return err },
		"many in JSON": func() error {
			_, err := trust.ParseSealed([]byte(`{"to":["","","","","","","","",""]}`))
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "SECRET-KEY") {
			t.Errorf("%s: %v", name, err)
		}
	}
	longest := bytes.Repeat([]byte{7}, trust.MaxSecret)
	m := found(t)
	sealed, err := trust.Seal(strings.Repeat("n", 64), longest, trust.Recipients(m.Identity().Members))
	must(t, err)
	b, err := json.Marshal(sealed)
	must(t, err)
	sealed, err = trust.ParseSealed(b)
	must(t, err)
	if got, err := m.Open(strings.Repeat("n", 64), sealed); err != nil || !bytes.Equal(got, longest) {
		t.Error("the longest does not open", err)
	}
}

// TestSecretOpensWithAge is for the day when only the tool age(1) is at hand.
func TestSecretOpensWithAge(t *testing.T) {
	t.Parallel()
	m := found(t)
	sealed, err := trust.Seal("snmp", []byte("word"), trust.Recipients(m.Identity().Members))
	must(t, err)
	identities, err := age.ParseIdentities(strings.NewReader(readFile(t, path(m, "seal.key"))))
	must(t, err)
	r, err := age.Decrypt(bytes.NewReader(sealed.Age), identities...)
	must(t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	must(t, err)
	if !strings.Contains(b.String(), "word") {
		t.Errorf("%q", b.String())
	}
}
