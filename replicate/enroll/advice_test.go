package enroll_test

import (
	"errors"
	"strings"
	"testing"

	"rackpost/replicate/enroll"
)

// TestAdviceIsACommand: the name of a site stands in a command that is advised as a shell takes it.
func TestAdviceIsACommand(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const name, word = "Zürich ★ 1", "'Zürich ★ 1'"
	o.join(t, name, newSite())
	advised := func(err error, command string) {
		t.Helper()
		var r *enroll.Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Advice, `"`+command+`"`) {
			t.Errorf("%v advises %+v, want %s", err, r, command)
		}
	}
	_, _, err := o.Invite(name, false)
	advised(err, "rackpost hq enroll "+word+" -again")
	_, err = enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, name, true), Site: newSite(), Name: name, Trusted: true})
	advised(err, "rackpost hq forget "+word)
}
