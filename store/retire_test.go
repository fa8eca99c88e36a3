package store_test

import (
	"errors"
	"testing"
	"time"

	"rackpost/store"
)

// TestRetire: a box dies after its peer heard of more than it has; the peer waits for the rest until a
// person says that the disk is lost. What turns up of it is taken all the same.
func TestRetire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 9)
	a, b, c := w.join(nil), w.join(nil), w.join(nil)
	for range 10 {
		a.plain("sw-1")
		w.pass(time.Minute)
	}
	batches := a.lacking(b, 100)
	b.merge(batches[0])
	b.merge(batches[len(batches)-1]) // it has heard of those between
	if b.Awaited(testSite).Count() == 0 {
		t.Fatal("nothing is awaited")
	}
	if err := b.Retire(t.Context(), a.Origin(), true, "who swapped the disk", "it clicked"); err != nil {
		t.Fatal(err)
	}
	if v := b.Awaited(testSite); len(v) > 0 {
		t.Errorf("awaits %v of a lost disk", v)
	}
	if r := b.Retired(); len(r) != 1 || r[0].Origin != a.Origin() || r[0].Who != "who swapped the disk" || r[0].Detail != "it clicked" {
		t.Errorf("retired: %+v", r)
	}
	c.merge(batches[:4]...) // what a third held of it
	w.settle([2]*member{b, c})
	if v := c.Awaited(testSite); len(v) > 0 || len(c.Retired()) != 1 {
		t.Errorf("the third awaits %v, retired %+v", v, c.Retired())
	}
	b.reopen()
	w.settle([2]*member{a, b}, [2]*member{b, c}) // the disk returns
	b.complete()
	if err := b.Retire(t.Context(), a.Origin(), false, "who swapped the disk", "it was the cable"); err != nil {
		t.Fatal(err)
	}
	if r := b.Retired(); len(r) != 0 {
		t.Errorf("retired: %+v", r)
	}
	if err := b.Retire(t.Context(), b.Origin(), true, "", ""); !errors.Is(err, store.ErrOwnOrigin) {
		t.Errorf("its own journal: %v", err)
	}
}
