package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"rackpost/hw"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/style.css
var styleSheet []byte

// How often a browser asks for a page again, without any script. A device's page is read for
// longer, and what was unfolded in it is folded by every turn.
const (
	refreshSeconds       = 10
	deviceRefreshSeconds = 300
)

// shown are so many alerts of a device on the first page, the gravest, and as much of what was not
// read; its own page has all.
const shown = 5

// pages are the templates in one language.
type pages struct {
	home, device *template.Template
	stylePath    string // holds a hash of the style sheet: a new version is a new name
}

// view is what a template sees.
type view struct {
	Status  Status
	Devices []Device
	Device  Device
	Groups  []group // of the device's components
	Raid    Raid    // of the device
	Style   string
	Refresh int
	Message string

	NoReadings bool // they could not be had
}

func newPages(t texts, now func() time.Time) pages {
	hash := sha256.Sum256(styleSheet)
	funcs := template.FuncMap{
		"t":        func(key string) string { return t.of("", key) },
		"word":     t.of,
		"age":      func(d Device) string { return ageText(d, t) },
		"ago":      func(at time.Time) string { return Ago(now().Sub(at)) },
		"clock":    func(at time.Time) string { return at.Format("2006-01-02 15:04:05 -07:00") },
		"bytes":    Bytes,
		"shown":    func() int { return shown },
		"value":    inWords,
		"told":     told,
		"faults":   Told,
		"raidpath": IsRaidPart,
		"doing":    func(p RaidPart) string { return p.Doing(now()) },
		"ageof": func(seconds *float64) string {
			if seconds == nil {
				return t.of("", "never")
			}
			return Ago(time.Duration(*seconds * float64(time.Second)))
		},
		"day": func(at time.Time) string { return at.Local().Format("2006-01-02 15:04 -07:00") },
	}
	parse := func(name string) *template.Template {
		return template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/frame.html", "templates/"+name))
	}
	return pages{parse("home.html"), parse("device.html"), "/static/style." + hex.EncodeToString(hash[:6]) + ".css"}
}

func (h *handler) home(w http.ResponseWriter, r *http.Request) {
	v := h.view()
	var err, err2 error
	v.Status, err = h.Source.Status(r.Context())
	v.Devices, err2 = h.Source.Devices(r.Context())
	h.render(w, h.page.home, v, errors.Join(err, err2))
}

func (h *handler) view() view {
	return view{Style: h.page.stylePath, Refresh: refreshSeconds}
}

// render writes a page whole or not at all.
func (h *handler) render(w http.ResponseWriter, t *template.Template, v view, err error) {
	code := http.StatusOK
	switch {
	case errors.Is(err, ErrUnknownDevice):
		code, v.Message = http.StatusNotFound, english["not-found"]
	case err != nil:
		h.Logger.Error("make a page", "error", err)
		code, v.Message = http.StatusInternalServerError, english["failed"]
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "frame", v); err != nil {
		h.Logger.Error("make a page", "error", err)
		http.Error(w, english["failed"], http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}

func (h *handler) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(styleSheet)
}

// told are the parameters of an alert for people: not the section, and not again what names it.
func told(a Alert) hw.Attrs {
	var p hw.Attrs
	for _, x := range a.Params {
		if x.Key != "section" && x.Value != a.Name {
			p = append(p, x)
		}
	}
	return p
}

func ageText(d Device, t texts) string {
	if d.Age == nil {
		return t.of("", "never")
	}
	return Ago(time.Duration(*d.Age * float64(time.Second)))
}

// Ago writes a length of time in its two greatest units: 4 s, 3 min, 2 h 5 min, 4 d.
func Ago(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours())/24)
}

// Bytes writes a number of bytes with three digits at most.
func Bytes(n int64) string {
	f := float64(n)
	for _, u := range []string{"B", "kB", "MB", "GB"} {
		if f < 999.5 {
			if u == "B" || f >= 99.95 {
				return fmt.Sprintf("%.0f %s", f, u)
			}
			return fmt.Sprintf("%.1f %s", f, u)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.1f TB", f)
}
