package all_test

import (
	"testing"

	"rackpost/collectors/all"
)

func TestKindsAreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range all.Kinds() {
		if k.Name == "" || k.New == nil || len(k.Sections) == 0 || seen[k.Name] {
			t.Errorf("kind %q: incomplete, or twice", k.Name)
		}
		seen[k.Name] = true
	}
	if len(seen) == 0 {
		t.Error("no kinds")
	}
}
