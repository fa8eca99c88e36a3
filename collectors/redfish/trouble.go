package redfish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// Error is what went wrong with one request. Every error of this package about a request is a *collectors.VisitError that holds one.
type Error struct {
	Method, Path string
	Status       int       // HTTP's; 0 when there was no answer
	Messages     []Message // what the service said, at most 16
	Err          error     // the cause, where the service said nothing

	device bool // it concerns the device, not this resource only
	asked  bool // the service named the time in Retry-After
	again  bool // the device is busy: it may be the whole of it
	sent   bool // there was a connection to send it on
	reused bool // one that had carried requests before: it may have been dead already
	silent bool // no answer within the request's time
	odata  bool // the answer had the header that every Redfish service sends
}

// Error says what was being done and what the service said, or why it could not be read.
func (e *Error) Error() string {
	said := ""
	switch {
	case len(e.Messages) > 0:
		said = e.Messages[0].String()
	case e.Err != nil:
		said = e.Err.Error()
	default:
		said = strings.ToLower(http.StatusText(e.Status))
	}
	if e.Status != 0 {
		said = strconv.Itoa(e.Status) + ": " + said
	}
	return e.Method + " " + e.Path + ": " + said
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// says reports whether one of the messages has this identifier, whatever its registry and version.
func (e *Error) says(ids ...string) bool {
	for _, m := range e.Messages {
		last := m.ID[strings.LastIndexByte(m.ID, '.')+1:]
		for _, id := range ids {
			if strings.EqualFold(last, id) {
				return true
			}
		}
	}
	return false
}

// Over reports whether err concerns the whole device, so that asking it for something else in this visit is of no use.
func Over(err error) bool {
	var e *Error
	return err != nil && (!errors.As(err, &e) || e.device)
}

func visitError(e *Error, r hw.Reason, hint string, after time.Duration) error {
	return &collectors.VisitError{Reason: r, Hint: hint, Err: e, RetryAfter: after}
}

// maxRetryAfter is the longest time a device is left alone because it asked for it.
const maxRetryAfter = time.Hour

// condition is what a service says of itself in a message: how long to leave it alone, and what to do.
type condition struct {
	ids    []string
	reason hw.Reason
	after  time.Duration
	hint   string
	device bool
}

// conditions are looked for in this order. Dell's identifiers are those of its message registry, the others those of DMTF's Base.
func conditions() []condition {
	return []condition{
		{[]string{"RAC0218", "SessionLimitExceeded", "CreateLimitReachedForResource"}, hw.NotReady, 5 * time.Minute,
			"its session table is full: close sessions on the device, or wait until they time out", true},
		{[]string{"SWC0700"}, hw.NotReady, time.Minute, "the iDRAC is starting; it is ready some minutes after a reset", true},
		{[]string{"SYS518", "ServiceTemporarilyUnavailable", "ServiceShuttingDown", "ServiceInUnknownState"}, hw.NotReady, 30 * time.Second,
			"the device has no data at the moment, as after a start, a reset or an update of its firmware", false},
		{[]string{"PasswordChangeRequired"}, hw.AccessDenied, 0, "the password of this account must be changed on the device first", true},
		{[]string{"SYS446"}, hw.DeviceError, 0, "an internal error of the iDRAC; where it stays, restart the iDRAC (racadm racreset)", false},
	}
}

// refusal returns the error for an answer that is not the resource.
func refusal(e *Error, header http.Header, now time.Time) error {
	after, asked := retryAfter(header, now)
	e.asked = asked
	for _, c := range conditions() {
		if e.says(c.ids...) {
			e.device = e.device || c.device
			e.again = c.reason == hw.NotReady
			if !asked {
				after = c.after
			}
			return visitError(e, c.reason, c.hint, after)
		}
	}
	switch s := e.Status; {
	case s == http.StatusUnauthorized:
		return visitError(e, hw.AccessDenied, "the session is good, and yet this was refused", 0)
	case s == http.StatusForbidden:
		return visitError(e, hw.AccessDenied, "the account may not read or do this: give it the privilege, or check the licence of the device", 0)
	case s == http.StatusNotFound, s == http.StatusGone, s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		return visitError(e, hw.NotSupported, "", 0)
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		e.again = true
		return visitError(e, hw.NotReady, "the device is busy", max(after, 30*time.Second))
	}
	return visitError(e, hw.DeviceError, "", after)
}

// lockWords are how services say that it is not the password. One that drops the connection instead is known by barred.
var lockWords = regexp.MustCompile(`(?i)\block(ed)? ?-?out\b|\bis (temporarily )?(locked|blocked)\b|\bip (address )?(is |has been )?blocked\b|\btoo many (failed |unsuccessful |invalid )?(login|log-?on|attempts)`)

// lockedOut reports whether a refused login says that this address or account is barred for a while.
func (e *Error) lockedOut() bool {
	if e.says("AccountLocked", "IPAddressBlocked", "LoginAttemptsExceeded") {
		return true
	}
	for _, m := range e.Messages {
		if lockWords.MatchString(m.Text) {
			return true
		}
	}
	return false
}

// retryAfter reads the header of that name, in either of its forms.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if s, err := strconv.ParseInt(v, 10, 64); err == nil {
		return time.Duration(min(max(s, 0), int64(maxRetryAfter/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

// nothingInCommon is what crypto/tls says, in texts only, when it or the device refuses what the other offers.
var nothingInCommon = regexp.MustCompile(`tls: (handshake failure|protocol version not supported|insufficient security level|server selected unsupported protocol version|no supported versions)`)

// failure returns the error for a request without an answer. ctx is the caller's, barred says that logins failed not long ago.
func failure(ctx context.Context, e *Error, barred bool) error {
	err := e.Err
	e.device = true
	var cert *CertificateError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return visitError(e, hw.Cancelled, "", 0)
	case ctx.Err() != nil:
		return visitError(e, hw.OutOfTime, "", 0)
	case errors.As(err, &cert):
		return visitError(e, hw.CertChanged, "if the certificate was replaced on purpose, `rackpost trust DEVICE` accepts the new one", 0)
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return visitError(e, hw.Garbage, "it answers without TLS: give the port of HTTPS", 0)
	case errors.As(err, &record):
		return visitError(e, hw.Garbage, "it does not speak TLS at this port: give the port of HTTPS", 0)
	case nothingInCommon.MatchString(err.Error()):
		return visitError(e, hw.Garbage, "no TLS version or cipher in common: an old BMC may need `legacy_tls: true`", 0)
	}
	hint := ""
	if barred {
		hint = "it refused logins not long ago and may have barred this box's address for some minutes"
	}
	return unanswered(e, err, hint)
}

func unanswered(e *Error, err error, hint string) error {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return visitError(e, hw.Refused, hint, 0)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return visitError(e, hw.Unreachable, hint, 0)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Err = fmt.Errorf("no answer in time: %w", err)
		e.device, e.silent = !e.sent, e.sent
	}
	return visitError(e, hw.NoAnswer, hint, 0)
}
