package enroll

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Reason is why somebody was refused: the same word for ever.
type Reason string

// The reasons.
const (
	Malformed     Reason = "malformed"      // what was sent or shown is not what a site sends or shows
	NoCertificate Reason = "no_certificate" // none was shown
	Foreign       Reason = "foreign"        // not from the CA of this headquarters
	Expired       Reason = "expired"        // certificate, token
	NotYetValid   Reason = "not_yet_valid"  // a certificate, by a clock that is trusted
	NotEnrolled   Reason = "not_enrolled"   // a certificate of a site that is not registered, or joined anew with another key
	Revoked       Reason = "revoked"        // the site may not send any more
	NoSuchToken   Reason = "no_such_token"  // unknown, or its secret is wrong
	UsedToken     Reason = "used_token"     // somebody else joined with it
	OtherSite     Reason = "other_site"     // the token is for a site of another name
	Taken         Reason = "taken"          // the name or the id is another site's
	ClockOff      Reason = "clock_off"      // a clock that is trusted is too far from that of headquarters
	Unavailable   Reason = "unavailable"    // nothing wrong with it: ask again later
	TooMany       Reason = "too_many"       // nothing wrong with it: ask again when Retry-After says
)

// Refusal is why a site was refused, and what to do. It carries no secret.
type Refusal struct {
	Reason Reason
	What   string        // lower case, no full stop
	Advice string        // what to do, empty where there is nothing to do
	After  time.Duration // ask again after it; 0: not said
}

// Error returns what is wrong and what to do.
func (r *Refusal) Error() string {
	if r.Advice == "" {
		return r.What
	}
	return r.What + ": " + r.Advice
}

func refuse(reason Reason, advice, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, What: fmt.Sprintf(format, args...), Advice: advice}
}

// problem is a refusal in the body of an answer.
type problem struct {
	Reason Reason `json:"reason,omitempty"`
	Error  string `json:"error"`
	Advice string `json:"advice,omitempty"`
}

// maxProblem bounds the body of a refusal.
const maxProblem = 4 << 10

// maxAfter bounds what a Retry-After may say: who says more is asked after it all the same.
const maxAfter = time.Hour

// Status is the status code that says the reason.
func (r Reason) Status() int {
	switch r {
	case Malformed:
		return http.StatusBadRequest
	case NoCertificate, NoSuchToken:
		return http.StatusUnauthorized
	case Taken, OtherSite, ClockOff:
		return http.StatusConflict
	case TooMany:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusForbidden
}

// Refuse answers a request with the reason why it is refused. An error that is no Refusal stays in the
// log of who calls: the answer says that headquarters cannot do it now.
func Refuse(w http.ResponseWriter, err error) {
	r := (*Refusal)(nil)
	if !errors.As(err, &r) {
		r = &Refusal{Reason: Unavailable, What: "headquarters cannot do that now", Advice: "see its log", After: 10 * time.Second}
	}
	if r.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.After+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Reason.Status())
	_ = json.NewEncoder(w).Encode(problem{Reason: r.Reason, Error: r.What, Advice: r.Advice}) // who asked is gone
}

// Refused reads the answer that refuses a request, whoever gave it: its body need not be one of ours.
func Refused(resp *http.Response, now time.Time) *Refusal {
	r := &Refusal{Reason: reasonOf(resp.StatusCode), After: retryAfter(resp.Header.Get("Retry-After"), now)}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // what came of it is enough
	var p problem
	if json.Unmarshal(b, &p) == nil && p.Error != "" {
		r.What, r.Advice = plain(p.Error, 300), plain(p.Advice, 300)
		if p.Reason != "" {
			r.Reason = Reason(plain(string(p.Reason), 40))
		}
		return r
	}
	r.What = fmt.Sprintf("it answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode == http.StatusNotFound {
		r.Advice = "is this the address of headquarters?"
	}
	return r
}

func reasonOf(status int) Reason {
	switch {
	case status == http.StatusTooManyRequests:
		return TooMany
	case status >= http.StatusInternalServerError:
		return Unavailable
	}
	return Malformed
}

// retryAfter reads seconds or a date. A date is taken by the clock of who reads it, as far as that can be.
func retryAfter(s string, now time.Time) time.Duration {
	if s == "" {
		return 0
	}
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(at.Sub(now), 0), maxAfter)
	}
	return 0
}

// plain leaves out what a terminal would obey, what turns round what stands beside it, and what is too long.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
	if words := []rune(s); len(words) > most {
		return string(words[:most])
	}
	return s
}
