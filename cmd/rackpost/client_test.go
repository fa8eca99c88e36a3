package main

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestUsualSocket: on a machine that is headquarters alone the commands of the guides need no socket named.
func TestUsualSocket(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		there []string
		want  string
	}{
		{nil, defaultSocket}, {[]string{defaultSocket}, defaultSocket}, {[]string{defaultHQSocket}, defaultHQSocket}, {[]string{defaultSocket, defaultHQSocket}, defaultSocket},
	} {
		if got := usualSocket(func(path string) bool { return slices.Contains(x.there, path) }); got != x.want {
			t.Errorf("where there is %v %s is asked, want %s", x.there, got, x.want)
		}
	}
	dir := t.TempDir()
	if !isThere(dir) || isThere(filepath.Join(dir, "none")) {
		t.Error("it is not known what is there")
	}
}
