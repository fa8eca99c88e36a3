package hw_test

import (
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"rackpost/hw"
)

// TestShellWord: whatever a site is called, a shell reads it as one word.
func TestShellWord(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"FRA-3": "FRA-3", "Zürich": "Zürich", "Zürich ★ 1": "'Zürich ★ 1'", "O'Hare": `'O'\''Hare'`, "": "''", "$(reboot)": "'$(reboot)'", "a;b": "'a;b'", "~": "'~'",
	} {
		if got := hw.ShellWord(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ -~äß★\n]{1,20}`).Draw(t, "name")
		out, err := exec.Command(sh, "-c", "printf %s "+hw.ShellWord(name)).Output()
		if err != nil || string(out) != name {
			t.Fatalf("%q is read as %q: %v", name, out, err)
		}
	})
}
