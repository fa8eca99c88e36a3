package collectortest

import (
	"context"
	"errors"
	"slices"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// readsNothing wants a visit under a fault to end in a VisitError with one of the reasons,
// by the collector's own timeout, not the visit's.
func (b *bench) readsNothing(fault Fault, control func(), usual ...hw.Reason) *collectors.VisitError {
	b.Helper()
	b.need(control != nil, string(fault)+" control")
	control()
	reasons := usual
	if expected := b.suite.Expect[fault]; len(expected) > 0 {
		reasons = expected
	}
	_, err := b.collect(context.Background(), b.sections())
	var v *collectors.VisitError
	switch {
	case err == nil:
		b.Fatal("the visit returned no error")
	case !errors.As(err, &v):
		b.Fatalf("the error is no VisitError: %v", err)
	case !slices.Contains(reasons, v.Reason):
		b.Errorf("the reason is %q, want one of %q: %v", v.Reason, reasons, err)
	}
	return v
}

func badLogin(b *bench) {
	v := b.readsNothing(BadLogin, b.device.BadLogin, hw.AuthFailed, hw.UnknownUser, hw.WrongAuthKey, hw.WrongPrivKey)
	if v != nil && v.Hint == "" {
		b.Error("the error does not say what to check")
	}
}

// stalled makes the device not answer while the collector would wait for a minute.
func (b *bench) stalled() {
	b.Helper()
	b.need(b.device.Silence != nil || b.device.Slow != nil, "Silence or Slow")
	b.device.Target.Timeout = time.Minute
	if b.device.Silence != nil {
		b.device.Silence()
	} else {
		b.device.Slow(time.Minute)
	}
}

func cancelledBefore(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.collect(ctx, b.sections()); err == nil {
		b.Error("a visit whose context had ended returned no error")
	} else if collectors.ReasonOf(err) != hw.Cancelled {
		b.Errorf("the reason is %q, want %q: %v", collectors.ReasonOf(err), hw.Cancelled, err)
	}
	b.baseline()
}

func cancelledDuring(b *bench) {
	b.stalled()
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
	b.interrupted(ctx, hw.Cancelled)
}

func outOfTime(b *bench) {
	b.stalled()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	b.interrupted(ctx, hw.OutOfTime, hw.NoAnswer)
}

// interrupted wants a visit of a stalled device to end with ctx, and the next one to be good.
func (b *bench) interrupted(ctx context.Context, reasons ...hw.Reason) {
	b.Helper()
	_, err := b.collect(ctx, b.sections())
	if err == nil {
		b.Error("a visit that read nothing returned no error")
	} else if reason := collectors.ReasonOf(err); !slices.Contains(reasons, reason) {
		b.Errorf("the reason is %q, want one of %q: %v", reason, reasons, err)
	}
	if b.device.Heal != nil {
		b.device.Heal()
		b.baseline()
	}
}

// half: what was cut off is named, and nobody takes it for gone.
func half(b *bench) {
	b.need(b.device.Half != nil, "Half")
	whole := b.baseline()
	b.device.Half()
	r, err := b.collect(context.Background(), b.sections())
	if err != nil {
		return
	}
	if complete(r) {
		b.Errorf("half an answer is called complete: %v", r.Read)
	}
	b.nothingInvented(whole, r)
}

// nothingInvented wants r to hold only parts and samples of whole, and a complete section to
// hold them all.
func (b *bench) nothingInvented(whole, r hw.Report) {
	b.Helper()
	for _, s := range r.Read {
		want, got := parts(whole, s.Section), parts(r, s.Section)
		if added := without(got, want); len(added) > 0 {
			b.Errorf("section %s: invented %s", s.Section, difference(want, got))
		}
		if s.Extent == hw.Complete && !slices.Equal(want, got) {
			b.Errorf("section %s is called complete: %s", s.Section, difference(want, got))
		}
	}
	if added := without(order(r), order(whole)); len(added) > 0 {
		b.Errorf("invented: %s", difference(order(whole), order(r)))
	}
}

func huge(b *bench) {
	b.need(b.device.Huge != nil, "Huge")
	b.device.Huge()
	r, err := b.collect(context.Background(), b.sections())
	if r.Requests > b.suite.MaxRequests {
		b.Errorf("%d requests, at most %d", r.Requests, b.suite.MaxRequests)
	}
	if err != nil {
		return
	}
	if complete(r) {
		b.Error("an answer without end is called complete")
	}
	if !slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.Reason == hw.TooMuch }) {
		b.Errorf("no gap says %q: %v", hw.TooMuch, r.Gaps[:min(len(r.Gaps), 5)])
	}
}

// garbage: what comes is an error or a valid report that does not claim to be whole.
func garbage(b *bench) {
	b.need(b.device.Garbage != nil, "Garbage")
	b.baseline()
	for range 3 {
		b.device.Garbage()
		r, err := b.collect(context.Background(), b.sections())
		if err == nil && complete(r) {
			b.Error("garbage is called complete")
		}
	}
}

// worksAgain: no fault is for ever, and what comes back is what was there.
func worksAgain(b *bench) {
	d := b.device
	b.need(d.Heal != nil, "Heal")
	want := order(b.baseline())
	for _, fault := range []struct {
		name    string
		control func()
	}{
		{"silence", d.Silence}, {"refusal", d.Refuse}, {"a bad login", d.BadLogin},
		{"half an answer", d.Half}, {"a huge answer", d.Huge}, {"garbage", d.Garbage},
	} {
		if fault.control == nil {
			continue
		}
		fault.control()
		b.attempt()
		d.Heal()
		r, err := b.visitHealthy()
		switch got := order(r); {
		case err != nil:
			b.Errorf("after %s: %v", fault.name, err)
		case !complete(r):
			b.Errorf("after %s: read %v, gaps %v", fault.name, r.Read, r.Gaps)
		case !slices.Equal(want, got):
			b.Errorf("after %s: %s", fault.name, difference(want, got))
		}
	}
}
