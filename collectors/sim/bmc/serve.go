package bmc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serve answers one request.
func (b *BMC) serve(w http.ResponseWriter, q *http.Request) {
	b.arrive(class(q.URL.Path))
	leave := sync.OnceFunc(b.leave)
	defer leave()
	if b.cut() {
		w.Header().Set("Content-Length", "4096")
		_, _ = w.Write([]byte(`{"@odata.id":"` + root)) // the connection ends here
		panic(http.ErrAbortHandler)
	}
	if err := b.wait(q.Context(), q.URL.Path); err != nil {
		b.abandoned()
		panic(http.ErrAbortHandler)
	}
	r, t := b.answer(q)
	b.send(w, q, r, t, leave)
}

// cut says whether the controller restarts with this request, or is down.
func (b *BMC) cut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opt.Clock()
	r := &b.state.reset
	if r.armed {
		if r.requests--; r.requests <= 0 {
			r.armed, r.at = false, now
			b.access.sessions = nil
			b.state.lc.add(now, healthOK, "RAC0182", "System", "The iDRAC firmware was rebooted with the following reason: user initiated.")
			b.closeAll()
			return true
		}
	}
	return r.phase(now) == resetDown
}

var errGone = errors.New("no answer")

// wait holds an answer back as faults slow and silent say.
func (b *BMC) wait(ctx context.Context, path string) error {
	b.mu.Lock()
	delay, part, silent, changed := b.state.talk.delay, b.state.talk.slowPart, b.state.talk.silent, b.changed
	b.mu.Unlock()
	if silent {
		select {
		case <-ctx.Done():
		case <-changed:
		}
		return errGone
	}
	if delay <= 0 || !strings.Contains(path, part) {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
		return errGone
	}
	return nil
}

const page = "<!DOCTYPE html><html><head><title>Login</title></head><body><form action=\"/login.html\"><input name=\"user\"></form></body></html>"

// answer decides what a request gets, and how it is told.
func (b *BMC) answer(q *http.Request) (*reply, talk) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opt.Clock()
	t := b.state.talk
	if t.garbage > 0 {
		b.state.talk.garbage++
	}
	switch {
	case t.html:
		return &reply{code: http.StatusOK, raw: []byte(page), header: http.Header{"Content-Type": {"text/html"}}}, t
	case t.plain:
		return &reply{code: http.StatusMovedPermanently, raw: []byte{}, header: http.Header{"Location": {"https://" + q.Host + q.URL.RequestURI()}}}, t
	case t.notReady:
		return b.notReady(), t
	case t.busy:
		b.counters.Refused++
		return b.busy(strconv.Itoa(int(t.retry / time.Second))), t
	}
	if r := b.admit(q, now); r != nil {
		if r.code == http.StatusServiceUnavailable {
			b.counters.Refused++
		}
		return r, t
	}
	if r := b.sessionRequest(q, now); r != nil {
		if r.code == http.StatusServiceUnavailable {
			b.counters.Refused++
		}
		return r, t
	}
	switch {
	case t.failPart != "" && strings.Contains(q.URL.Path+"/", t.failPart+"/"):
		return b.refusal(http.StatusInternalServerError, "SYS446", "An internal error occurred.", "Retry the operation."), t
	case strings.TrimSuffix(q.URL.Path, "/") == "/redfish" && read(q):
		return &reply{code: http.StatusOK, doc: object{"v1": root + "/"}}, t
	case read(q):
		return b.get(q), t
	}
	return b.change(q, now), t
}

// send writes a reply, spoilt as the faults say.
func (b *BMC) send(w http.ResponseWriter, q *http.Request, r *reply, t talk, leave func()) {
	body := r.raw
	if r.doc != nil {
		if t.null {
			b.nullHealth(r.doc)
		}
		if t.odd && r.code == http.StatusOK {
			oddTypes(r.doc, q.URL.Path)
		}
		var err error
		if body, err = json.Marshal(r.doc); err != nil {
			body = nil
		}
		w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;charset=utf-8")
	}
	header := w.Header()
	for k, v := range r.header {
		header[k] = v
	}
	header.Set("OData-Version", "4.0")
	header.Set("Cache-Control", "no-cache")
	header.Set("Server", "Apache")
	if r.code == http.StatusOK && r.doc != nil && read(q) {
		tag := etag(body)
		header.Set("ETag", tag)
		if strings.Contains(q.Header.Get("If-None-Match"), tag) {
			b.mu.Lock()
			b.counters.NotModified++
			b.mu.Unlock()
			leave()
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	expandFails := t.expand == expandError && q.URL.Query().Has("$expand")
	if (t.first || expandFails) && r.code == http.StatusOK && r.doc != nil && !open(q.URL.Path) {
		first, _ := json.Marshal(failure(b.messageID("SYS446"), "An internal error occurred.", "Retry the operation."))
		body = append(first, body...)
	}
	if t.garbage > 0 {
		body = spoil(body, t.garbage)
	}
	b.write(w, q, r.code, body, t, leave)
}

// write sends the body, half of it, or one without end. The request is no longer in flight when its last byte can be read.
func (b *BMC) write(w http.ResponseWriter, q *http.Request, code int, body []byte, t talk, leave func()) {
	b.mu.Lock()
	b.counters.Bytes += uint64(len(body))
	b.mu.Unlock()
	if t.huge && code == http.StatusOK && read(q) {
		w.WriteHeader(code)
		endless(w, q, body)
		b.abandoned()
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	if t.half && len(body) > 1 {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	if end := len(body) - 1; end >= 0 {
		if _, err := w.Write(body[:end]); err != nil || q.Context().Err() != nil {
			b.abandoned()
		}
		leave()
		_, _ = w.Write(body[end:])
	}
}

// maxEndless bounds what is called without end.
const maxEndless = 1 << 30

// endless sends a document whose list of members does not stop.
func endless(w http.ResponseWriter, q *http.Request, body []byte) {
	head := append(bytes.TrimSuffix(body, []byte("}")), `,"More":[0`...)
	if _, err := w.Write(head); err != nil {
		return
	}
	block := bytes.Repeat([]byte(",{\"@odata.id\":\"/redfish/v1/Systems\"}"), 1000)
	for sent := 0; sent < maxEndless; sent += len(block) {
		if _, err := w.Write(block); err != nil || q.Context().Err() != nil {
			return
		}
	}
}

// etag is a weak validator of a body.
func etag(body []byte) string {
	h := fnv.New64a()
	_, _ = h.Write(body)
	return fmt.Sprintf(`W/"gen-%d"`, h.Sum64()>>40)
}

// spoil changes some bytes; each n changes others.
func spoil(body []byte, n uint64) []byte {
	out := bytes.Clone(body)
	for i := range min(len(out), 12) {
		v := mix(n<<8 | uint64(i))
		out[v%uint64(len(out))] = byte(v >> 40)
	}
	return out
}

// nullHealth takes away what judges a part: null in one place, nothing in the next.
func (b *BMC) nullHealth(o object) {
	for k, v := range o {
		switch k {
		case "Health", "HealthRollup", "LinkStatus":
			o[k] = any(nil)
			if len(o)%2 == 0 {
				o[k] = ""
			}
			continue
		case "PrimaryStatus", "RollupStatus":
			o[k] = "Unknown"
			continue
		}
		if strings.HasSuffix(k, "RollupStatus") {
			o[k] = nil
			continue
		}
		b.nullAll(v)
	}
}

func (b *BMC) nullAll(v any) {
	switch v := v.(type) {
	case object:
		b.nullHealth(v)
	case []any:
		for i := range v {
			b.nullAll(v[i])
		}
	}
}

// oddTypes writes numbers as text, some text as numbers and the etag as a number, as some firmware does.
func oddTypes(o object, path string) {
	o["@odata.etag"] = len(path) * 7919
	oddValues(o)
}

func oddValues(o object) {
	for k, v := range o {
		switch v := v.(type) {
		case object:
			oddValues(v)
		case []any:
			for i := range v {
				if inner, ok := v[i].(object); ok {
					oddValues(inner)
				}
			}
		case int, int64, float64:
			if !strings.HasPrefix(k, "@") && !strings.HasPrefix(k, "Members") && mix(uint64(len(k))*31+uint64(k[0]))%3 == 0 {
				o[k] = fmt.Sprint(v)
			}
		case string:
			if k == "Revision" || k == "Slot" || k == "PCISlot" || k == "PartNumber" {
				o[k] = len(v)
			}
		}
	}
}

// class sorts a path for the counters.
func class(path string) string {
	path = strings.TrimSuffix(path, "/")
	for _, c := range []struct{ part, class string }{
		{"/Actions/", "action"}, {"/Settings", "settings"}, {"/Session", "session"}, {"/SMARTAttributes", "smart"}, {"DellDriveSMART", "smart"}, {"DellNVMeSMART", "smart"},
		{"/Drives", "drive"}, {"/Volumes", "volume"}, {"/Storage", "storage"}, {"/LogServices", "log"}, {"/Logs/", "log"}, {"/Jobs", "job"}, {"/FirmwareInventory", "firmware"},
		{"/Memory", "memory"}, {"/Processors", "processor"}, {"/NetworkAdapters", "network"}, {"/NetworkInterfaces", "network"}, {"/Thermal", "thermal"}, {"/Power", "power"},
		{"/Chassis", "chassis"}, {"/Systems", "system"}, {"/Managers", "manager"},
	} {
		if strings.Contains(path, c.part) {
			return c.class
		}
	}
	if path == root || path == "/redfish" {
		return "root"
	}
	return "other"
}
