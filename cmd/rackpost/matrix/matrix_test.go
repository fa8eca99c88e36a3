package matrix_test

import "testing"

// TestMatrix is docs/failures.md: a row a subtest, under its number there.
func TestMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("minutes of real processes; the simulator of replicate/clustertest is the short test")
	}
	from := makeTemplates(t)
	for _, row := range []struct {
		name     string
		template string
		run      func(*pair)
	}{
		{"02-follower-killed", from.bare, followerKilled},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.run(newPair(t, row.template))
		})
	}
}
