package control_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"rackpost/replicate/control"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func encode(t *testing.T, c control.Command) []byte {
	t.Helper()
	b, err := control.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPutThenConflict(t *testing.T) {
	t.Parallel()
	m := control.New()
	put := &control.Put{Name: control.Site, Content: []byte("one"), Who: "anna", Why: "rack 4", At: start}
	if err := m.Apply(3, encode(t, put)); err != nil {
		t.Fatal(err)
	}
	put = &control.Put{Name: control.Site, Content: []byte("two"), Who: "bob", At: start.Add(time.Hour)}
	var conflict *control.ConflictError
	if err := m.Apply(4, encode(t, put)); !errors.As(err, &conflict) || conflict.Current.Who != "anna" || conflict.Current.Version != 1 {
		t.Errorf("a second first version: %v", err)
	}
	var b bytes.Buffer
	if err := m.Snapshot(&b); err != nil {
		t.Fatal(err)
	}
	again := control.New()
	if err := again.Restore(&b); err != nil || again.State().Sum() != m.State().Sum() {
		t.Errorf("restored to another state: %v", err)
	}
}
