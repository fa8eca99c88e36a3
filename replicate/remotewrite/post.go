package remotewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/klauspost/compress/snappy"
)

const headerWritten = "X-Prometheus-Remote-Write-Samples-Written"

// answer is what came of one try.
type answer struct {
	code    int // 0: no answer
	err     error
	written int // by the header of 2.0; -1: it says nothing
	after   time.Duration
	text    string // the first line of the body
	why     Reason // what all of the body says of it
	page    bool   // it is a page for people
	renewed bool   // it was of an access that is another one now
}

// verdict is what an answer means for what was sent.
type verdict int

const (
	accepted verdict = iota
	refused          // these samples, for ever
	tooLarge         // in less at once
	busy             // wait as it says, however long
	tooMuch          // it was busy again and again: in less at once
	failing          // try again
	away             // no answer: try again soon
	wrong            // not the samples: the address, the login
	unproven         // of 2.0: it may have stored nothing
	barred           // refused, as an empty request is: perhaps not the samples
)

// poster makes requests. It is used by one lane.
type poster struct {
	s      *Sender
	body   []byte
	packed []byte
}

// post sends a part once. The empty part asks only how the receiver is.
func (p *poster) post(ctx context.Context, protocol Protocol, x part) answer {
	a := p.try(ctx, protocol, x)
	var err error
	if a.renewed, err = p.s.renew(a); err == nil {
		return a
	}
	if a.err != nil {
		a.err = fmt.Errorf("%w, %w", a.err, err)
	} else {
		a.text += ", " + err.Error()
	}
	return a
}

func (p *poster) try(ctx context.Context, protocol Protocol, x part) answer {
	p.body = p.body[:0]
	if protocol == V2 {
		p.body = x.appendV2(p.body)
	} else {
		p.body = x.appendV1(p.body)
	}
	if n := snappy.MaxEncodedLen(len(p.body)); cap(p.packed) < n {
		p.packed = make([]byte, n)
	}
	packed := snappy.Encode(p.packed[:cap(p.packed)], p.body)
	// What is under way when the lane ends gets a moment: what the receiver took is then known.
	ctx, cancel := p.s.graceful(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.s.cfg.URL, bytes.NewReader(packed))
	if err != nil {
		return answer{err: err, written: -1}
	}
	door := p.s.entry()
	p.s.headers(r.Header, protocol)
	door.enter(r)
	before := p.s.cfg.Now()
	resp, err := door.client.Do(r)
	if err != nil {
		var told *url.Error
		if errors.As(err, &told) { // without the address: it may hold a token
			err = told.Err
		}
		if plain := p.s.cfg.Plain; plain != nil {
			err = plain(err)
		}
		return answer{err: err, written: -1}
	}
	defer resp.Body.Close()
	p.s.heard(resp.Header.Get("Date"), before)
	p.s.note(func(s *Status) { s.Requests++; s.Bytes += uint64(len(packed)) })
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // without it the code tells enough
	a := answer{code: resp.StatusCode, written: writtenOf(resp.Header), after: retryAfter(resp.Header.Get("Retry-After"), p.s.cfg.Now())}
	a.why, a.text = reasonOf(string(text)), firstLine(door.hide(text))
	a.page = strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	if x.samples() == 0 && a.code/100 == 2 && !a.page {
		p.s.tookNothing()
	}
	return a
}

// graceful returns a context of a request: it ends a moment after ctx does.
func (s *Sender) graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.pace.timeout)
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(s.cfg.pace.grace, cancel)
		context.AfterFunc(inner, func() { timer.Stop() })
	})
	return inner, func() { stop(); cancel() }
}

func (s *Sender) headers(h http.Header, protocol Protocol) {
	for k, v := range s.cfg.Headers {
		h.Set(k, v)
	}
	h.Set("User-Agent", "rackpost")
	h.Set("Content-Encoding", "snappy")
	h.Set("Content-Type", "application/x-protobuf")
	h.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	if protocol == V2 {
		h.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")
		h.Set("X-Prometheus-Remote-Write-Version", "2.0.0")
	}
}

func writtenOf(h http.Header) int {
	n, err := strconv.Atoi(h.Get(headerWritten))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// retryAfter reads seconds or a date; 0 when it says nothing.
func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// firstLine is what a receiver says, for people.
func firstLine(b []byte) string {
	s, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD")), "\n")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxWords {
		s = string(r[:maxWords]) + "..."
	}
	return s
}

// maxWords is how much of what a receiver says is told. Mimir says the code of an error at the end.
const maxWords = 400

// overloaded is what Mimir answers in the place of 429 where it is told to.
const overloaded = 529

// judge says what an answer means.
func (a answer) judge(protocol Protocol) verdict {
	switch {
	case a.code == 0:
		return away
	case a.code/100 == 2 && a.page: // of a portal, or of another program at that address
		return wrong
	case a.code/100 == 2 && protocol == V2 && a.written < 0:
		return unproven
	case a.code/100 == 2:
		return accepted
	case a.code == http.StatusUnsupportedMediaType && protocol == V2:
		return unproven
	case a.code == http.StatusRequestEntityTooLarge:
		return tooLarge
	case a.code == http.StatusTooManyRequests, a.code == overloaded:
		if a.why == burst {
			return tooLarge
		}
		return busy
	case a.code == http.StatusBadRequest, a.code == http.StatusUnprocessableEntity, a.code == http.StatusConflict:
		return refused
	case a.code == http.StatusServiceUnavailable && a.after > 0:
		return busy
	case a.code/100 == 5 && (a.why == TooOld || a.why == OutOfOrder): // Prometheus answers so to what is older than its window
		return refused
	case a.code == http.StatusBadGateway, a.code == http.StatusServiceUnavailable, a.code == http.StatusGatewayTimeout: // a part of it is away
		return busy
	case a.code/100 == 5, a.code == http.StatusRequestTimeout:
		return failing
	}
	return wrong
}

// answers says whether a receiver that was asked how it is is well. One may never take an empty request.
func (a answer) answers() bool {
	return a.code/100 == 2 || a.judge(V1) == refused
}

// burst is what was too much at once, by a limit of samples.
const burst Reason = "burst"

// reason is why a receiver refuses.
func (a answer) reason() Reason {
	if a.why == TooOld || a.why == OutOfOrder {
		return a.why
	}
	return Rejected
}

// reasonOf reads it out of a receiver's words.
func reasonOf(text string) Reason {
	text = strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("too old", "too-old", "out of bounds", "out-of-bounds", "too far in the past"):
		return TooOld
	case has("out of order", "out-of-order", "duplicate sample", "duplicate-timestamp"):
		return OutOfOrder
	case has("burst size"):
		return burst
	}
	return Rejected
}

// words tell people what happened.
func (a answer) words() string {
	if a.err != nil {
		return a.err.Error()
	}
	text := strings.TrimSpace(fmt.Sprintf("the receiver answers %d %s", a.code, http.StatusText(a.code)))
	if a.page {
		text += " with a page for people"
	}
	if a.text != "" {
		text += ": " + a.text
	}
	return text
}

// advice is what to do about an answer that is not about the samples.
func (a answer) advice() string {
	switch {
	case a.code == http.StatusUnauthorized, a.code == http.StatusForbidden:
		return "write the bearer: or user: and password: it wants, and the tenant's header where it has tenants"
	case a.code == http.StatusNotFound, a.code == http.StatusMethodNotAllowed:
		return "write the address of remote write: /api/v1/write of Prometheus (with --web.enable-remote-write-receiver) and VictoriaMetrics, /api/v1/push of Mimir"
	case a.page:
		return "write the address of remote write; what is there now is something else"
	case a.code/100 == 4 && a.code != http.StatusRequestTimeout:
		return "it refuses every request, also an empty one: look into its log, or into that of what stands before it"
	case a.code/100 == 3:
		return "write the address it points to: redirections are not followed"
	}
	return "look into the log of the receiver"
}
