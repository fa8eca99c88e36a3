package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxExposure is the most that systemd-analyze may find, in tenths. What is left is the network and the unix socket.
const maxExposure = "20"

// newKeys are keys of the unit that Debian 12's systemd does not know and only warns about.
var newKeys = regexp.MustCompile(`Unknown key.* 'Restart(Steps|MaxDelaySec)' in section \[Service\], ignoring`)

// units are those of a box, of a witness and of headquarters.
var units = []string{"rackpost.service", "rackpost-witness.service", "rackpost-hq.service"}

func TestUnitIsValid(t *testing.T) {
	t.Parallel()
	analyze := requireTool(t, "systemd-analyze")
	for _, name := range units {
		// The program is not installed here, so another stands in its place.
		unit := strings.Replace(readFile(t, name), "ExecStart=/usr/bin/rackpost ", "ExecStart="+analyze+" ", 1)
		path := filepath.Join(t.TempDir(), name)
		writeFile(t, path, unit)
		out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze verify: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, name) && !newKeys.MatchString(line) {
				t.Errorf("systemd-analyze verify: %s", line)
			}
		}
	}
}

func TestUnitIsConfined(t *testing.T) {
	t.Parallel()
	analyze := requireTool(t, "systemd-analyze")
	for _, name := range units {
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold="+maxExposure, name).CombinedOutput()
		if err != nil {
			t.Errorf("more exposed than %s tenths: %v\n%s", maxExposure, err, out)
		}
		if !strings.Contains(string(out), "Overall exposure level for "+name) {
			t.Errorf("systemd-analyze security gave no verdict:\n%s", out)
		}
		unit := readFile(t, name)
		if strings.Contains(unit, "User=root") || !strings.Contains(unit, "\nUser=rackpost\n") {
			t.Errorf("%s must run as the user rackpost", name)
		}
	}
}

// requireTool returns the path of a program, or skips the test where it is missing and cannot be installed.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("RACKPOST_REQUIRE_TOOLS") != "":
		t.Fatalf("%s is missing; make test should have installed it", name)
	default:
		t.Skipf("%s is missing", name)
	}
	return ""
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
