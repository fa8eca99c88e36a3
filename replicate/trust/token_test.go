package trust_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

func groupsOf(text string) []string { return strings.Split(strings.TrimPrefix(text, "rackpost-"), "-") }

func TestTokenPrintsWithoutItsSecret(t *testing.T) {
	t.Parallel()
	token, grant, err := found(t).NewToken(mode.Witness)
	must(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "token", token, "pointer", &token, "grant", grant)
	b, err := json.Marshal(struct{ Token trust.Token }{token})
	if err == nil {
		t.Errorf("a token was stored: %s", b)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		log.WriteString(fmt.Sprintf(verb, token) + fmt.Sprintf(verb, &token) + fmt.Sprintf(verb, []any{token}))
	}
	for _, secret := range append(groupsOf(token.Text())[1:11], fmt.Sprintf("%x", grant.Hash), fmt.Sprint(grant.Hash[:4])) {
		if strings.Contains(strings.ToUpper(log.String()), strings.ToUpper(secret)) {
			t.Errorf("%q is in %s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), token.ID()) {
		t.Error("the token's id is in no line")
	}
}

func TestTokenIsForABoxOrAWitness(t *testing.T) {
	t.Parallel()
	if _, _, err := found(t).NewToken(mode.RoleUnknown); err == nil {
		t.Error("a token for nobody")
	}
}

// TestTokenOfHeadquarters: what lets a site send to headquarters is told from what lets a machine into a pair.
func TestTokenOfHeadquarters(t *testing.T) {
	t.Parallel()
	_, err := trust.ParseToken("rackpost-30007-20G37-0G2GK-C1R8Y-1450F-P30DE-003GZ-W58W4-4CN3W-2E1ZD-8S6N8-8PYQW")
	if err == nil || !strings.Contains(err.Error(), "rackpost uplink join") {
		t.Errorf("it is taken, or refused as something else: %v", err)
	}
}
