package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// newLogger writes to w as text or JSON; auto is the journal of systemd where standard
// error leads there, else text.
func newLogger(box boxConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: box.logLevel}
	switch box.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options))
	case "auto":
		if ours, err := journal.StderrIsJournalStream(); err == nil && ours && journal.Enabled() {
			return slog.New(journalHandler{level: box.logLevel, fallback: slog.NewTextHandler(w, options)})
		}
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// journalHandler writes records to the journal of systemd: the message with its attributes
// for people, and each attribute as a field, so that journalctl DEVICE=core-switch finds
// every line of a device.
type journalHandler struct {
	level    slog.Level
	fields   []slog.Attr // with the names of their groups
	group    string      // "" or "name_"
	fallback slog.Handler
}

func (h journalHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.fields = h.flatten(h.fields[:len(h.fields):len(h.fields)], h.group, attrs)
	return h
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.group += name + "_"
	}
	return h
}

func (h journalHandler) flatten(to []slog.Attr, group string, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		v := a.Value.Resolve()
		if v.Kind() == slog.KindGroup {
			inner := group
			if a.Key != "" {
				inner += a.Key + "_"
			}
			to = h.flatten(to, inner, v.Group())
		} else if a.Key != "" {
			to = append(to, slog.Attr{Key: group + a.Key, Value: v})
		}
	}
	return to
}

// Handle implements slog.Handler. What the journal does not take goes to standard error.
func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	message, vars := h.entry(r)
	if err := journal.Send(message, priority(r.Level), vars); err != nil {
		return h.fallback.Handle(ctx, r)
	}
	return nil
}

// entry returns the message and the fields of a record.
func (h journalHandler) entry(r slog.Record) (string, map[string]string) {
	attrs := h.fields[:len(h.fields):len(h.fields)]
	r.Attrs(func(a slog.Attr) bool {
		attrs = h.flatten(attrs, h.group, []slog.Attr{a})
		return true
	})
	var message strings.Builder
	message.WriteString(r.Message)
	vars := map[string]string{"SYSLOG_IDENTIFIER": "rackpost"}
	for _, a := range attrs {
		text := a.Value.String()
		fmt.Fprintf(&message, " %s=%s", a.Key, quoted(text))
		if name := fieldName(a.Key); name != "" {
			vars[name] = text
		}
	}
	return message.String(), vars
}

func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n\"=") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// fieldName makes a field name of the journal: capitals, digits and underscores, no digit or
// underscore first, at most 64. Fields that the journal gives a meaning are left alone.
func fieldName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
	name = strings.TrimLeft(name, "_0123456789")
	switch name {
	case "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER":
		return "RACKPOST_" + name
	}
	return name[:min(len(name), 64)]
}

func priority(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
