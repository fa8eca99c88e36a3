package discovery

import (
	"slices"

	"rackpost/collectors"
	"rackpost/hw"
)

// question is what is asked of a place: which kind asks, with which login.
type question struct{ kind, login int }

// maxRefused is how many logins of an address may fail: an iDRAC bars it at the third within a minute.
const maxRefused = 2

// dialogue is what is still to be asked of one place, and what was learned. Pure.
type dialogue struct {
	questions []question
	once      func(question) bool // silence to it is not asked again
	repeated  bool                // the first question was asked before
	refused   int                 // logins, by a device that locks us out
	protocol  func(question) string
	main      func(kind string) string // the protocol in which devices of a kind are asked
	result    Result
}

// answered takes the outcome of the first question and reports whether another follows.
// Questions are left over only when we were stopped.
func (d *dialogue) answered(a collectors.Answer, login, detail string, reason hw.Reason) (again bool) {
	q := d.questions[0]
	switch reason {
	case "":
		d.repeated = false
		d.learn(q, a, login)
		return len(d.questions) > 0
	case hw.Cancelled, hw.OutOfTime:
		return false
	}
	if d.result.Reason != "" && weight(reason) >= weight(d.result.Reason) {
		d.result = Result{Reason: reason, Login: login, Detail: detail}
	}
	if d.once(q) && Heard(reason) && reason != hw.NotReady {
		d.refused++
	}
	switch {
	case reason == hw.NoAnswer && !d.repeated && !d.once(q):
		d.repeated = true
		return true
	case reason == hw.LockedOut || d.refused >= maxRefused:
		d.drop(q)
	case reason == hw.Refused || reason == hw.Unreachable || reason == hw.NoAnswer && d.once(q): // other credentials change nothing
		d.drop(q)
	default:
		d.questions = d.questions[1:]
	}
	d.repeated = false
	return len(d.questions) > 0
}

// learn takes an answer. What is of no kind in one protocol may be of one in another, and what is known by its agent is asked in
// the protocol of its kind: with the login that was answered first.
func (d *dialogue) learn(q question, a collectors.Answer, login string) {
	was := d.result
	d.drop(q)
	switch {
	case was.Reason != "":
		d.result = Result{Answer: a, Login: login}
	case a.Kind != "" && (was.Answer.Kind == "" || was.Answer.Kind == a.Kind):
		d.result = Result{Answer: a, Login: login}
		if was.Login != login && was.Answer.Kind == a.Kind {
			d.result.Beside = was.Login
		}
	}
	if a.Kind != "" && d.main(a.Kind) == d.protocol(q) {
		d.questions = nil
		return
	}
	slices.SortStableFunc(d.questions, func(x, y question) int {
		switch {
		case x.login == q.login && y.login != q.login:
			return -1
		case y.login == q.login && x.login != q.login:
			return 1
		}
		return 0
	})
}

// drop leaves out all further questions of the protocol of q.
func (d *dialogue) drop(q question) {
	d.questions = slices.DeleteFunc(d.questions, func(other question) bool { return d.protocol(other) == d.protocol(q) })
}

// Heard reports whether a reason means that something speaks the protocol there.
func Heard(r hw.Reason) bool { return weight(r) > weight(hw.Refused) }

// weight orders reasons by how much they tell of what stands there.
func weight(r hw.Reason) int {
	switch r {
	case "", hw.Cancelled:
		return 0
	case hw.NoAnswer:
		return 1
	case hw.Unreachable:
		return 2
	case hw.Refused:
		return 3
	case hw.Garbage:
		return 4
	}
	return 5
}
