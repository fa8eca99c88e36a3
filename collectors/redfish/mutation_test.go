package redfish_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rackpost/collectors/redfish"
)

// TestNoMutationLosesADrive: whatever happens to an expanded answer, before or after it was believed, all drives are read.
func TestNoMutationLosesADrive(t *testing.T) {
	t.Parallel()
	good := storageDoc(links(4, driveDoc), 4)
	b := newBMC(t, withDrives(4, good))
	rapid.Check(t, func(r *rapid.T) {
		c, err := redfish.New(config(b))
		if err != nil {
			r.Fatal(err)
		}
		defer c.Close(t.Context())
		if rapid.Bool().Draw(r, "believed before") {
			readAll(t, r, c)
		}
		from := rapid.IntRange(0, len(good)-1).Draw(r, "from")
		to := min(len(good), from+rapid.IntRange(1, 250).Draw(r, "cut"))
		in := rapid.SampledFrom([]string{"", "null", "1", `"x"`, "{}", "[]", ",", "}", `"Drives":[],`}).Draw(r, "put in")
		b.mu.Lock()
		b.docs[storage+expand] = good[:from] + in + good[to:]
		b.mu.Unlock()
		readAll(t, r, c)
		readAll(t, r, c)
		b.mu.Lock()
		b.docs[storage+expand] = good
		b.mu.Unlock()
	})
}

func readAll(t *testing.T, r *rapid.T, c *redfish.Client) {
	m, err := redfish.ReadLinked[redfish.Drive](t.Context(), c, storage, "Drives", 100)
	if err != nil || !m.Complete {
		r.Fatalf("complete %v, failed %v, %v", m.Complete, m.Failed, err)
	}
	var got []string
	for _, d := range m.Items {
		got = append(got, d.Path)
	}
	slices.Sort(got)
	if want := []string{drivePath(0), drivePath(1), drivePath(2), drivePath(3)}; !slices.Equal(got, want) {
		r.Fatalf("drives %v", got)
	}
}
