package trust_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

func newJoiner(t testing.TB, m *machine, token trust.Token, c trust.Candidate) *trust.Joiner {
	t.Helper()
	j, err := trust.NewJoiner(m.folder, token, c)
	must(t, err)
	return j
}

// call sends a request over a real connection and returns the answer.
func call(t testing.TB, leader *machine, cfg *tls.Config, request []byte, d trust.Desk) ([]byte, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		c := tls.Server(raw, leader.Server([]string{trust.JoinProtocol, raft}))
		defer c.Close()
		b := make([]byte, len(request))
		if _, err = io.ReadFull(c, b); err == nil {
			_, err = c.Write(leader.Answer(t.Context(), b, d))
		}
		done <- err
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), cfg)
	if err != nil {
		<-done
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(c)
	return answer, errors.Join(err, <-done)
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, role := range []mode.Role{mode.Box, mode.Witness} {
		t.Run(role.String(), func(t *testing.T) {
			t.Parallel()
			north, d, m := found(t), &desk{}, newMachine(t)
			token, err := trust.ParseToken(d.invite(t, north.Keeper, role).Text())
			must(t, err)
			j := newJoiner(t, m, token, candidate("south", role))
			answer, err := call(t, north, j.TLS(), j.Request(), d)
			must(t, err)
			got, err := j.Accept(answer)
			must(t, err)
			if got.Generation != d.Generation() || got.Identity.Site != site || got.Identity.Cluster != north.Identity().Cluster || len(got.Identity.Members) != 2 {
				t.Errorf("admitted with %+v", got)
			}
			if len(d.taken) != 1 || d.taken[0].Node != got.Identity.Self.Node || d.taken[0].Name != "south" {
				t.Errorf("taken in: %+v", d.taken)
			}
			var sent struct{ Body []byte }
			must(t, json.Unmarshal(answer, &sent))
			if bytes.Contains(sent.Body, []byte("ca_key")) != (role == mode.Box) {
				t.Errorf("a %s and the CA's key in its answer: %d bytes", role, len(sent.Body))
			}
			_, err = os.Stat(filepath.Join(string(m.folder), "ca.key"))
			if (err == nil) != (role == mode.Box) {
				t.Errorf("a %s and the CA's key: %v", role, err)
			}
			m.open(t)
			_, atServer, atClient := shake(t, north.Server(protos), m.Client(north.Identity().Self.Node, raft))
			if atServer != nil || !errors.Is(atClient, io.EOF) && atClient != nil {
				t.Error(atServer, atClient)
			}
		})
	}
}

// TestJoinAfterALostAnswer repeats it by the same process and by one that came after a crash.
func TestJoinAfterALostAnswer(t *testing.T) {
	t.Parallel()
	north, d, m := found(t), &desk{}, newMachine(t)
	token := d.invite(t, north.Keeper, mode.Box)
	first := newJoiner(t, m, token, candidate("south", mode.Box))
	_ = north.Answer(t.Context(), first.Request(), d)
	_ = north.Answer(t.Context(), first.Request(), d)
	again := newJoiner(t, m, token, candidate("south", mode.Box))
	got, err := again.Accept(north.Answer(t.Context(), again.Request(), d))
	must(t, err)
	if n := len(north.Identity().Members); n != 2 || d.taken[0].Node != got.Identity.Self.Node {
		t.Errorf("%d members, taken in %s, joined as %s", n, d.taken[0].Node, got.Identity.Self.Node)
	}
}

func TestJoinIsRefused(t *testing.T) {
	t.Parallel()
	type attempt struct {
		north *machine
		desk  *desk
		token trust.Token
		who   trust.Candidate
	}
	tests := []struct {
		name  string
		role  mode.Role
		setup func(t *testing.T, a *attempt)
		want  trust.Reason
		words string
	}{
		{"a token of no pair's", mode.Box, func(t *testing.T, a *attempt) { a.desk.grants = nil }, trust.NoSuchToken, "pair token"},
		{"another's secret under a known id", mode.Box, func(t *testing.T, a *attempt) { a.desk.grants[0].Hash[31] ^= 1 }, trust.NoSuchToken, "pair token"},
		{"used by another", mode.Box, func(t *testing.T, a *attempt) { a.desk.grants[0].UsedBy = mode.NewNodeID() }, trust.UsedToken, "if that is not a machine of yours"},
		{"expired", mode.Box, func(t *testing.T, a *attempt) { a.north.set(today.Add(61*time.Minute), true) }, trust.Expired, "2026-11-22T10:00:00Z"},
		{"the clock was set back", mode.Box, func(t *testing.T, a *attempt) { a.north.set(today.AddDate(-1, 0, 0), true) }, trust.Expired, "pair token"},
		{"the name is taken", mode.Box, func(t *testing.T, a *attempt) { a.who.Name = "north" }, trust.Taken, "box.yaml"},
		{"a copied disk", mode.Box, func(t *testing.T, a *attempt) { a.who.Origin = a.north.Identity().Self.Origin }, trust.Taken, "copy of north's"},
		{"a third box", mode.Box, func(t *testing.T, a *attempt) { join(t, a.north, "east", mode.Box) }, trust.Taken, "pair replace"},
		{"a second witness", mode.Witness, func(t *testing.T, a *attempt) { join(t, a.north, "west", mode.Witness) }, trust.Taken, "pair leave"},
		{"a journal of another site", mode.Box, func(t *testing.T, a *attempt) { a.who.Site = "11111111-2222-4333-8444-555555555555" }, trust.OtherSite, "empty data folder"},
		{"no authority", mode.Box, func(t *testing.T, a *attempt) { a.desk.fail = errors.New("the disk is on fire") }, trust.Unavailable, "try again"},
		{"the token is of the other role there", mode.Box, func(t *testing.T, a *attempt) { a.desk.grants[0].Role = mode.Witness }, trust.WrongRole, "make a token for a box"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &attempt{north: found(t), desk: &desk{}, who: candidate("south", tt.role)}
			a.token = a.desk.invite(t, a.north.Keeper, tt.role)
			tt.setup(t, a)
			before := len(a.north.Identity().Members)
			m := newMachine(t)
			j := newJoiner(t, m, a.token, a.who)
			_, err := j.Accept(a.north.Answer(t.Context(), j.Request(), a.desk))
			wantReason(t, err, tt.want, tt.words)
			if strings.Contains(err.Error(), "on fire") {
				t.Errorf("a stranger learns what is wrong inside: %v", err)
			}
			if err := m.reopen(); !errors.Is(err, trust.ErrNoPair) {
				t.Errorf("the folder holds a member: %v", err)
			}
			if got := len(a.north.Identity().Members); got != before || len(a.desk.taken) > 0 {
				t.Errorf("taken in: %d members, %v", got, a.desk.taken)
			}
			if a.north.log.String() == "" {
				t.Error("the pair's log says nothing")
			}
		})
	}
}

func TestJoinIsRefusedAtHome(t *testing.T) {
	t.Parallel()
	north, other, d := found(t), found(t), &desk{}
	token := d.invite(t, north.Keeper, mode.Box)
	_, err := trust.NewJoiner(other.folder, token, candidate("south", mode.Box))
	wantReason(t, err, trust.Elsewhere, "pair leave", other.Identity().Cluster.String())
	_, err = trust.Found(other.folder, founder(other.clock))
	wantReason(t, err, trust.Elsewhere, "pair leave")
	_, err = trust.NewJoiner(newMachine(t).folder, token, candidate("west", mode.Witness))
	wantReason(t, err, trust.WrongRole, "make a token for a witness")
	_, err = trust.NewJoiner(newMachine(t).folder, token, candidate("a name with blanks", mode.Box))
	if err == nil || !strings.Contains(err.Error(), "letters, digits") {
		t.Error(err)
	}
}

// TestJoinerTellsNobodyElse has it call those who are not of its pair: the handshake fails, with
// nothing sent, and an answer of somebody between is not believed.
func TestJoinerTellsNobodyElse(t *testing.T) {
	t.Parallel()
	north, other, d := found(t), found(t), &desk{}
	token := d.invite(t, north.Keeper, mode.Box)
	j := newJoiner(t, newMachine(t), token, candidate("south", mode.Box))
	_, err := call(t, other, j.TLS(), j.Request(), d)
	wantReason(t, err, trust.Foreign, "check the address")

	witness := join(t, north, "west", mode.Witness)
	_, err = call(t, witness, j.TLS(), j.Request(), d)
	wantReason(t, err, trust.WrongRole, "join at a box")

	// A box that was removed has the CA's key and does not know the token.
	_, err = j.Accept(north.Answer(t.Context(), j.Request(), &desk{}))
	wantReason(t, err, trust.NoSuchToken)
	answer := north.Answer(t.Context(), j.Request(), d)
	var m map[string]any
	must(t, json.Unmarshal(answer, &m))
	m["proof"] = []byte("a proof of who does not know the token")
	forged, err := json.Marshal(m)
	must(t, err)
	_, err = j.Accept(forged)
	wantReason(t, err, trust.Foreign, "where the token was made")

	_, err = j.Accept([]byte(`{"reason":"taken","refused":"no\u001b[2J\u009b"}`))
	wantReason(t, err, trust.Taken, "no ")
	if strings.ContainsAny(err.Error(), "\x1b\u009b") {
		t.Errorf("a refusal moves the cursor: %q", err)
	}

	// An answer to one joiner is of no use to another, and neither is its request.
	second := newJoiner(t, newMachine(t), token, candidate("east", mode.Box))
	_, err = second.Accept(answer)
	wantReason(t, err, trust.Foreign)
	must(t, json.Unmarshal(j.Request(), &m))
	var s map[string]any
	must(t, json.Unmarshal(second.Request(), &s))
	m["body"] = s["body"]
	mixed, err := json.Marshal(m)
	must(t, err)
	if got := north.Answer(t.Context(), mixed, d); !bytes.Contains(got, []byte(trust.NoSuchToken)) {
		t.Errorf("another body under a proof: %s", got)
	}
}

func TestOnlyABoxLetsIn(t *testing.T) {
	t.Parallel()
	north, d := found(t), &desk{}
	witness := join(t, north, "west", mode.Witness)
	j := newJoiner(t, newMachine(t), d.invite(t, north.Keeper, mode.Box), candidate("south", mode.Box))
	_, err := j.Accept(witness.Answer(t.Context(), j.Request(), d))
	wantReason(t, err, trust.Unavailable, "ask a box")
	_, err = j.Accept(witness.Answer(t.Context(), j.Request(), nil))
	wantReason(t, err, trust.Unavailable, "ask at a box")
}

// TestSecretsAreNowhere looks for every secret in all that was logged, sent in the clear of a
// request, agreed on or said in an error.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	north, d, m := found(t), &desk{}, newMachine(t)
	token := d.invite(t, north.Keeper, mode.Box)
	var seen bytes.Buffer
	say := func(err error) {
		if err != nil {
			seen.WriteString(err.Error() + "\n")
		}
	}
	j := newJoiner(t, m, token, candidate("south", mode.Box))
	seen.Write(j.Request())
	for _, damaged := range []string{token.Text()[:60], strings.Replace(token.Text(), "-", "-Z", 1), token.Text() + "0"} {
		_, err := trust.ParseToken(damaged)
		say(err)
	}
	_, err := j.Accept([]byte("{}"))
	say(err)
	seen.Write(north.Answer(t.Context(), j.Request(), &desk{}))
	_, err = j.Accept(north.Answer(t.Context(), j.Request(), d))
	must(t, err)
	m.open(t)
	sealed, err := trust.Seal("snmp", []byte("correct horse battery"), trust.Recipients(north.Identity().Members))
	must(t, err)
	_, err = m.Open("another", sealed)
	say(err)
	for _, file := range []string{"ca.key", "node.key", "seal.key", "identity.json"} {
		path := filepath.Join(string(m.folder), file)
		content, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, append([]byte("x"), content[:len(content)/2]...), 0o600))
		say(m.reopen())
		must(t, os.WriteFile(path, content, 0o600))
	}
	for _, mm := range []*machine{north, m} {
		seen.WriteString(mm.log.String())
	}
	b, err := json.Marshal(struct {
		Desk     []trust.Grant
		Identity trust.Identity
		Sealed   trust.Sealed
	}{d.Grants(), north.Identity(), sealed})
	must(t, err)
	seen.Write(b)

	secrets := slices.Concat(groupsOf(token.Text())[1:6], []string{"correct horse"})
	for _, file := range []string{"ca.key", "node.key", "seal.key"} {
		content, err := os.ReadFile(filepath.Join(string(m.folder), file))
		must(t, err)
		lines := strings.Split(strings.TrimSpace(string(content)), "\n")
		secrets = append(secrets, lines[len(lines)/2][20:40])
	}
	for _, secret := range secrets {
		if bytes.Contains(bytes.ToUpper(seen.Bytes()), bytes.ToUpper([]byte(secret))) {
			t.Errorf("%q was said", secret)
		}
	}
	if seen.Len() < 2000 {
		t.Errorf("only %d bytes were looked at", seen.Len())
	}
}

// TestRefusalsDoNotFillTheLog: anybody may ask, and is answered; one line in a while says so.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	north := found(t)
	for range 50 {
		if b := north.Answer(t.Context(), []byte("{}"), nil); len(b) == 0 {
			t.Fatal("no answer")
		}
	}
	if n := strings.Count(north.log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d lines for 50 refusals within a moment", n)
	}
}
