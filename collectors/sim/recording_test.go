package sim_test

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

func read(t testing.TB, text string) *sim.Recording {
	t.Helper()
	rec, err := sim.ReadRecording(strings.NewReader(text), "r.snmprec")
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestReadRecording(t *testing.T) {
	t.Parallel()
	rec := read(t, "# comment\n1.3.10|2|-5\r\n\n.1.3.9|4x|00ff\n1.3.9.1|64x|c0000201\n1.3.10|2|6\n1.3.11|2:numeric|rate=1\n1.3.8|4|a|b \n")
	want := []sim.Row{
		{OID: "1.3.8", Type: 4, Value: []byte("a|b ")}, {OID: "1.3.9", Type: 4, Value: []byte{0, 255}},
		{OID: "1.3.9.1", Type: 64, Value: []byte("192.0.2.1")}, {OID: "1.3.10", Type: 2, Value: []byte("-5")},
	}
	if diff := cmp.Diff(want, rec.Rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	notes := []string{
		"r.snmprec:6:1: left out: 1.3.10 is already in line 2",
		`r.snmprec:7:8: skipped: variation module "numeric"; write the value itself after |2|`,
	}
	if diff := cmp.Diff(notes, rec.Notes); diff != "" || rec.Duplicates != 1 || rec.Skipped != 1 {
		t.Errorf("%d duplicates, %d skipped, notes (-want +got):\n%s", rec.Duplicates, rec.Skipped, diff)
	}
}

func TestReadRecordingErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "r.snmprec:1:1: no objects: write lines as 1.3.6.1.2.1.1.5.0|4|name"},
		{"1.3.1|4", "r.snmprec:1:1: not OID|type|value: write it as 1.3.6.1.2.1.1.5.0|4|name"},
		{"1.3.1|2|1\n1.3.x|2|1", `r.snmprec:2:1: "1.3.x" is not an object identifier`},
		{"1.3.1|9|1", `r.snmprec:1:7: unknown type "9": write 2 (INTEGER), 4 (OCTET STRING), 4x`},
		{"1.3.1|4e|1", `r.snmprec:1:7: unknown type "4e": write`},
		{"1.3.1|2|2147483648", `r.snmprec:1:9: "2147483648" is not an INTEGER: write -2147483648 to 2147483647`},
		{"1.3.1|65|-1", `r.snmprec:1:10: "-1" is not an unsigned number of 32 bits: write 0 to 4294967295`},
		{"1.3.1|70|18446744073709551616", "write 0 to 18446744073709551615"},
		{"1.3.1|4x|0g", "r.snmprec:1:10: not hexadecimal: write two digits an octet, or type 4 and the text"},
		{"1.3.1|2x|01", "write type 2 and decimal or dotted text"},
		{"1.3.1|64|1.2.3", `"1.2.3" is not an IpAddress: write four numbers, as 192.0.2.1`},
		{"1.3.1|6|9.9", `"9.9" is not an object identifier: it must begin with two arcs`},
		{"1.3.1|4|" + strings.Repeat("x", sim.MaxRecordingLine), "r.snmprec:1:1: the line is longer than 65536 bytes: shorten or remove it"},
	} {
		_, err := sim.ReadRecording(strings.NewReader(c.text), "r.snmprec")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error %v, want it to contain %q", c.text, err, c.want)
		}
	}
}

func TestRecordingLines(t *testing.T) {
	t.Parallel()
	_, err := sim.ReadRecording(strings.NewReader(strings.Repeat("\n", sim.MaxRecordingLines+1)), "r")
	if err == nil || !strings.Contains(err.Error(), "cut the recording to the subtrees you need") {
		t.Errorf("error %v for too many lines", err)
	}
}

func TestChangeRecording(t *testing.T) {
	t.Parallel()
	rec := read(t, "1.3.1.1|2|1\n1.3.1.2|2|2\n1.3.2|2|3\n")
	if err := rec.Set(sim.Row{OID: "1.3.1.2", Type: 4, Value: []byte("two")}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Set(sim.Row{OID: "1.3.1.3", Type: 66, Value: []byte("9")}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Set(sim.Row{OID: "1.3.1.4", Type: 66, Value: []byte("-9")}); err == nil {
		t.Error("a negative Gauge32 was taken")
	}
	if n, err := rec.Delete("1.3.2"); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	var b bytes.Buffer
	if err := sim.WriteRecording(&b, rec); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1.3.1.1|2|1\n1.3.1.2|4|two\n1.3.1.3|66|9\n", b.String()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func FuzzReadRecording(f *testing.F) {
	for _, s := range []string{"1.3.1|2|1\n", "1.3.2|4x|00ff\n1.3.1|4|a\n", "1.3.1|6|1.3\n1.3.1|64|192.0.2.1\n", "1.3.1|5|x", "#\n1.3.1|2:a|", "1.3.1|68x|ff", "1.3|70|01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := sim.ReadRecording(bytes.NewReader(b), "f")
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := sim.WriteRecording(&out, rec); err != nil {
			t.Fatal(err)
		}
		again, err := sim.ReadRecording(&out, "f")
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(rec.Rows(), again.Rows()); diff != "" {
			t.Errorf("rows changed (-before +after):\n%s", diff)
		}
		sim.Answer(sim.NewRecorded(rec), request(1, "public", 0xa5, 0, 50, "06012b"), 1472)
	})
}

// recordings returns the recorded devices next to the repository.
func recordings(t testing.TB) []string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", "snmp")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no recorded devices in %s", dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.snmprec"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s: %v", dir, err)
	}
	return files
}

// TestServeRecordings walks every recorded device over UDP and finds every row as it is in the file.
func TestServeRecordings(t *testing.T) {
	t.Parallel()
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			rec := read(t, strings.Join(lines, "\n"))
			if rec.Skipped > 0 || len(rec.Rows())+rec.Duplicates != len(lines) {
				t.Errorf("%d rows, %d duplicates and %d skipped of %d lines: %v", len(rec.Rows()), rec.Duplicates, rec.Skipped, len(lines), rec.Notes)
			}
			checkServed(t, rec)
		})
	}
}

func checkServed(t *testing.T, rec *sim.Recording) {
	t.Helper()
	c := client(t, serve(t, sim.NewRecorded(rec), sim.AgentOptions{}), gosnmp.Version2c)
	want := map[string]string{}
	for _, r := range rec.Rows() {
		want[r.OID] = text(gosnmp.SnmpPDU{Type: gosnmp.Asn1BER(r.Type), Value: goValue(t, r)})
	}
	got := walk(t, c, ".1.3")
	maps.Copy(got, walk(t, c, ".1.0")) // LLDP-MIB
	maps.Copy(got, walk(t, c, ".1.2")) // IEEE8023-LAG-MIB
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d rows of %d (-recorded +served):\n%.2000s", len(got), len(want), diff)
	}
}

// goValue is a row's value as gosnmp gives it.
func goValue(t *testing.T, r sim.Row) any {
	t.Helper()
	switch r.Type {
	case 4:
		return r.Value
	case 5:
		return nil
	case 6:
		return "." + string(r.Value)
	case 64:
		return string(r.Value)
	case 2:
		v, err := strconv.Atoi(string(r.Value))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v, err := strconv.ParseUint(string(r.Value), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
