package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestUnifiedDiff(t *testing.T) {
	t.Parallel()
	a := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n"
	b := "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n14\n15\n"
	want := `--- version 1
+++ version 2
@@ -2,7 +2,7 @@
 2
 3
 4
-5
+five
 6
 7
 8
@@ -10,5 +10,5 @@
 10
 11
 12
-13
 14
+15
`
	if diff := cmp.Diff(want, unifiedDiff("version 1", "version 2", a, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := unifiedDiff("a", "b", "", "x\n"); got != "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestDiffIsWhole: what is common and removed is a, what is common and added is b, and the hunks tell the
// lines as they are counted.
func TestDiffIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "\n"}), 0, 40)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		var wasA, wasB []string
		for _, l := range diffLines(a, b) {
			if l.a != len(wasA) || l.b != len(wasB) {
				t.Fatalf("%+v stands after %d and %d lines", l, len(wasA), len(wasB))
			}
			if l.sort != '+' {
				wasA = append(wasA, l.text)
			}
			if l.sort != '-' {
				wasB = append(wasB, l.text)
			}
		}
		if strings.Join(wasA, "") != strings.Join(a, "") || strings.Join(wasB, "") != strings.Join(b, "") {
			t.Errorf("a %q became %q, b %q became %q", a, wasA, b, wasB)
		}
		got := unifiedDiff("a", "b", strings.Join(a, ""), strings.Join(b, ""))
		changed := strings.Count(got, "\n-") + strings.Count(got, "\n+")
		want := 0
		for _, l := range diffLines(a, b) {
			if l.sort != ' ' {
				want++
			}
		}
		if got != "" && changed != want+1 { // the line +++ counts too
			t.Errorf("%d lines changed, told are %d:\n%s", want, changed-1, got)
		}
	})
}
