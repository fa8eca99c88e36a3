package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/capture"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/redfish"
	"rackpost/collectors/sim/bmc"
)

// trees are recordings of real devices, kept outside the repository.
const trees = "../../../shared/data/redfish"

var treeKey = bytes.Repeat([]byte("tree"), 8)

// clientOf serves a controller until the test ends and returns a client without a pace.
func clientOf(t *testing.T, b *bmc.BMC) *redfish.Client {
	t.Helper()
	s, err := bmc.Listen("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	user, password := b.Account()
	c, err := redfish.New(redfish.Config{Address: s.Addr().String(), User: user, Password: password, Rate: 1e6, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if n := b.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// identifying are names of properties whose values must not be left, whatever else is.
var (
	identifying = regexp.MustCompile(`(?i)(serialnumber|serviceid|servicetag|uuid|guid|wwn|wwpn|macaddress(es)?|macaddr|hostname|fqdn|durablename|sasaddress|uniqueidentifier|assettag)$|^(NodeID|UniqueID|AssociatedNetworkAddresses)$`)
	macText     = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`)
	nobodys     = regexp.MustCompile(`^(?i)(0x)?[0:.\- ]*$|^(ff[:-]?)+$|^(none|null|n/?a|unknown|not ?(available|applicable|specified))$`)
)

// secretsOf finds what identifies in documents, by plain decoding.
func secretsOf(docs map[string][]byte) map[string]string {
	found := map[string]string{}
	var walk func(path, name string, v any)
	walk = func(path, name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path, k, x)
			}
		case []any:
			for _, x := range v {
				walk(path, name, x)
			}
		case string:
			v = strings.TrimSpace(v)
			if identifying.MatchString(name) && len(v) >= 6 && !nobodys.MatchString(v) {
				found[strings.ToLower(v)] = path + " " + name
			}
			for _, m := range macText.FindAllString(v, -1) {
				if !nobodys.MatchString(m) {
					found[strings.ToLower(m)] = path + " " + name
				}
			}
		}
	}
	for path, body := range docs {
		var v any
		if json.Unmarshal(body, &v) == nil {
			walk(path, "", v)
		}
	}
	return found
}

// spyReader remembers what was read.
type spyReader struct {
	*redfish.Client
	docs map[string][]byte
}

func (s *spyReader) Get(ctx context.Context, path string, v any) (redfish.Answer, error) {
	a, err := s.Client.Get(ctx, path, v)
	if err == nil {
		s.docs[path] = bytes.Clone(a.Doc)
	}
	return a, err
}

// recordedTree captures a device, checks that nothing of it is left, and returns what was captured.
func recordedTree(t *testing.T, b *bmc.BMC) *capture.ServerResult {
	t.Helper()
	c := clientOf(t, b)
	spy := &spyReader{c, map[string][]byte{}}
	r, err := capture.RecordServer(t.Context(), spy, nil, capture.ServerOptions{Key: treeKey, Secrets: []string{"root"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Tree.Stopped != "" || len(r.Tree.Documents) < 20 {
		t.Errorf("%d documents, stopped: %q", len(r.Tree.Documents), r.Tree.Stopped)
	}
	var all bytes.Buffer
	for _, d := range r.Tree.Documents {
		all.WriteString(strings.ToLower(d.Path) + "\n")
		all.Write(bytes.ToLower(d.Body))
		if !json.Valid(d.Body) {
			t.Errorf("%s is no JSON", d.Path)
		}
	}
	if err := r.WriteNotes(&all, capture.About{}); err != nil {
		t.Error(err)
	}
	secrets := secretsOf(spy.docs)
	if len(secrets) < 10 {
		t.Errorf("only %d secrets to look for", len(secrets))
	}
	for s, where := range secrets {
		if at := bytes.Index(all.Bytes(), []byte(s)); at >= 0 {
			t.Errorf("%q of %s is left: %q", s, where, all.Bytes()[max(0, at-60):min(all.Len(), at+60)])
		}
	}
	n := c.Counters()
	t.Logf("%d resources with %d requests, %d bytes, %d secrets, failed %d, never read %v", len(r.Tree.Documents), n.Requests, n.Received, len(secrets), len(r.Tree.Failed), r.Tree.Skipped)
	if n.Logins != 1 || n.Connections != 1 || b.MostInFlight() > 1 {
		t.Errorf("%d logins, %d connections, %d requests at once", n.Logins, n.Connections, b.MostInFlight())
	}
	return r
}

func TestCaptureOfTrees(t *testing.T) {
	t.Parallel()
	for _, name := range bmc.Models() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := bmc.New(name, bmc.Options{Number: 7, Name: "paris-node-7"})
			if err != nil {
				t.Fatal(err)
			}
			r := recordedTree(t, b)
			if !r.Whole() {
				t.Errorf("not whole: %q, %v", r.Tree.Stopped, r.Tree.Failed)
			}
		})
	}
	for _, name := range []string{"dl385-ilo5", "r750-idrac9-6.00"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(filepath.Join(trees, name)); err != nil {
				t.Skipf("no recording of a real device here: %v", err)
			}
			b, err := bmc.NewRecorded(filepath.Join(trees, name), bmc.Options{})
			if err != nil {
				t.Fatal(err)
			}
			recordedTree(t, b)
		})
	}
}

// The limits end the reading, and what was read stays.
func TestTreeIsBounded(t *testing.T) {
	t.Parallel()
	b, err := bmc.New("poweredge-r740", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := clientOf(t, b)
	tree, err := capture.ReadTree(t.Context(), c, capture.TreeOptions{Resources: 10})
	if err != nil || len(tree.Documents) != 10 || tree.Whole() || tree.Left == 0 || !strings.Contains(tree.Stopped, "limit of 10") {
		t.Errorf("error %v, %d documents, %d left, %q", err, len(tree.Documents), tree.Left, tree.Stopped)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	tree, err = capture.ReadTree(ctx, c, capture.TreeOptions{Progress: func(capture.Progress) {
		if n++; n == 5 {
			cancel()
		}
	}})
	if err != nil || len(tree.Documents) < 4 || len(tree.Documents) > 5 || tree.Stopped != "it was interrupted" {
		t.Errorf("error %v, %d documents, %q", err, len(tree.Documents), tree.Stopped)
	}
}

// What is nobody's business is not asked for, and a log is not followed.
func TestNeverReadOfTree(t *testing.T) {
	t.Parallel()
	b, err := bmc.New("poweredge-r750", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := capture.ReadTree(t.Context(), clientOf(t, b), capture.TreeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Documents {
		low := strings.ToLower(d.Path)
		if strings.Contains(low, "session") || strings.Contains(low, "account") || strings.Contains(low, "skip=") && strings.Contains(low, "entries") {
			t.Errorf("%s was read", d.Path)
		}
	}
	if entries := slices.DeleteFunc(slices.Clone(tree.Documents), func(d scrub.Document) bool { return !strings.Contains(d.Path, "/Entries/") }); len(entries) > 64 {
		t.Errorf("%d entries of logs were read one by one", len(entries))
	}
}
