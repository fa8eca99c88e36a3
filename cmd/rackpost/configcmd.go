package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"text/tabwriter"
	"time"
)

func configCommand() command {
	return command{
		name: "config",
		args: "show [N|FILE] | apply FILE | history | diff [A] [B] | rollback N",
		does: "the configuration of a pair: what the boxes agree on as the site, version by version",
		help: `  show [N|FILE]  print the newest site.yaml, or version N; its first line tells which it is. Or the site.yaml of a conflict report that
                 pair status names; that has no such line
  apply FILE     make the file the newest version, if it is right and nobody changed the configuration meanwhile
  history        who changed what, when and why
  diff [A] [B]   what changed from version A to B, each a number or a file; without B to the newest, without both what the newest changed
  rollback N     make the text of version N the newest version

  -why TEXT      the reason, for the history; with apply and rollback
  -base N        with apply: the version that FILE began with, or newest to let nothing stand in its way; FILE's first line says it if it
                 was made by show
  -json          print one JSON object; with show, apply, history and rollback
  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

rackpost config show > site.yaml; edit it; rackpost config apply -why "a new switch" site.yaml. Both boxes take a version over within
seconds. A box in no pair has its site.yaml as a file, and no versions; rackpost pair init begins them, for one box too.`,
		run: runConfig,
	}
}

// siteVersion is one version of the site: GET /api/v1/config/versions/N, and without the text an item of
// GET /api/v1/config.
type siteVersion struct {
	Version uint64    `json:"version"`
	Who     string    `json:"who"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"`
	Bytes   int       `json:"bytes"`
	Text    string    `json:"text,omitempty"`
}

// siteHistory is GET /api/v1/config: the versions that are kept, the newest first.
type siteHistory struct {
	Versions []siteVersion `json:"versions"`
	Running  uint64        `json:"running"`           // that this box works with
	Refused  string        `json:"refused,omitempty"` // why it is not the newest
}

// siteOrder is the body of POST /api/v1/config.
type siteOrder struct {
	Base uint64 `json:"base"` // the version it replaces
	File string `json:"file"` // its name, for the places of errors
	Text string `json:"text"`
	Why  string `json:"why"`
}

// siteTaken is the answer.
type siteTaken struct {
	Version  uint64   `json:"version"` // 0: it was not taken
	Devices  int      `json:"devices"`
	Notes    []string `json:"notes"`
	Problems []string `json:"problems,omitempty"` // why it was not
}

const configPath = "/config"

// configFlags are the flags and arguments of config.
type configFlags struct {
	why, base, socket string
	json              bool
	verb              string
	args              []string
	t                 terminal
	client            *client
}

func runConfig(ctx context.Context, t terminal, args []string) error {
	f := configFlags{t: t}
	fs := flag.NewFlagSet("config", flag.ContinueOnError)
	fs.StringVar(&f.why, "why", "", "")
	fs.StringVar(&f.base, "base", "", "")
	fs.StringVar(&f.socket, "socket", "", "")
	fs.BoolVar(&f.json, "json", false, "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("say what: show, apply, history, diff or rollback")
	}
	f.verb, f.args, f.client = rest[0], rest[1:], newClient(f.socket)
	do, least, most := f.show, 0, 1
	switch f.verb {
	case "show":
	case "apply":
		do, least = f.apply, 1
	case "history":
		do, most = f.history, 0
	case "diff":
		do, most = f.diff, 2
	case "rollback":
		do, least = f.rollback, 1
	default:
		return usagef("%q is none of show, apply, history, diff and rollback", shorten(f.verb))
	}
	switch changes := f.verb == "apply" || f.verb == "rollback"; {
	case len(f.args) < least || len(f.args) > most:
		return usagef("config %s takes %s", f.verb, map[string]string{"show": "a version, a conflict report, or nothing", "apply": "one file", "history": "no arguments", "diff": "two versions or files at most", "rollback": "one version"}[f.verb])
	case f.why != "" && !changes:
		return usagef("-why goes with apply and rollback")
	case f.base != "" && f.verb != "apply":
		return usagef("-base goes with apply")
	case f.json && f.verb == "diff":
		return usagef("diff prints no JSON; history and show do")
	}
	return do(ctx)
}

// siteMark is the first line of what show prints: by it apply knows what a file began with.
var siteMark = regexp.MustCompile(`^# rackpost config: version ([0-9]{1,18}) of [^\n]*\n`)

func markSite(v siteVersion) string {
	return fmt.Sprintf("# rackpost config: version %d of %s\n", v.Version, v.At.UTC().Format(time.RFC3339))
}

// unmarkSite returns the version that a text began with, 0 if it does not say, and the text without that line.
func unmarkSite(text []byte) (uint64, []byte) {
	m := siteMark.FindSubmatch(text)
	if m == nil {
		return 0, text
	}
	n, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return 0, text
	}
	return n, text[len(m[0]):]
}

func (f *configFlags) version(ctx context.Context, word string) (siteVersion, error) {
	var v siteVersion
	if !isVersion(word) {
		return v, usagef("%q is no version; rackpost config history lists them", shorten(word))
	}
	return v, f.client.get(ctx, configPath+"/versions/"+word, nil, &v)
}

func isVersion(word string) bool {
	_, err := strconv.ParseUint(word, 10, 64)
	return err == nil || word == "newest"
}

func (f *configFlags) show(ctx context.Context) error {
	which := cmp.Or(append(f.args, "newest")[0], "newest")
	reported := filepath.Ext(which) == ".json"
	var v siteVersion
	var err error
	if reported {
		v, err = siteOfConflict(which)
	} else {
		v, err = f.version(ctx, which)
	}
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, v)
	}
	text := v.Text
	if !reported { // whose versions count elsewhere: apply must not take it for one that counts here
		text = markSite(v) + text
	}
	_, err = io.WriteString(f.t.out, text)
	return err
}

func (f *configFlags) history(ctx context.Context) error {
	var h siteHistory
	if err := f.client.get(ctx, configPath, nil, &h); err != nil {
		return err
	}
	if f.json {
		return printJSON(f.t.out, h)
	}
	tw := tabwriter.NewWriter(f.t.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "VERSION\tTIME\tWHO\tBYTES\tWHY\n")
	for _, v := range h.Versions {
		mark := ""
		if v.Version == h.Running {
			mark = " *"
		}
		fmt.Fprintf(tw, "%d%s\t%s\t%s\t%d\t%s\n", v.Version, mark, v.At.Local().Format(time.DateTime), plain(v.Who), v.Bytes, plain(v.Why))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(f.t.out, "* this box works with it")
	if h.Refused != "" {
		fmt.Fprintln(f.t.out, plainLines(h.Refused))
	}
	return nil
}

// apply makes a file the newest version, and writes into it which one that is, if it said before which it
// began with.
func (f *configFlags) apply(ctx context.Context) error {
	file := siteFile{path: f.args[0]}
	whole, err := file.read()
	if err != nil {
		return toldPlaces(f.t, err)
	}
	base, text := unmarkSite(whole)
	marked := base > 0
	switch {
	case f.base == "newest":
		v, err := f.version(ctx, "newest")
		if err != nil {
			return err
		}
		base = v.Version
	case f.base != "":
		if base, err = strconv.ParseUint(f.base, 10, 64); err != nil || base == 0 {
			return usagef("-base: %q is no version; write a number of rackpost config history, or newest", shorten(f.base))
		}
	case !marked:
		v, err := f.version(ctx, "newest")
		if err != nil {
			return err
		}
		return fmt.Errorf("%s does not say which version it began with; rackpost config diff %d %s shows what it would change, and rackpost config apply -base %d %s does it", file.path, v.Version, file.path, v.Version, file.path)
	}
	var came siteTaken
	if err := f.client.post(ctx, configPath, siteOrder{base, file.path, string(text), f.why}, &came); err != nil {
		return err
	}
	if marked && came.Version > 0 {
		v, err := f.version(ctx, strconv.FormatUint(came.Version, 10))
		if err == nil {
			err = file.write(whole, append([]byte(markSite(v)), text...))
		}
		if err != nil {
			came.Notes = append(came.Notes, fmt.Sprintf("%s still says that it began with version %d: %v", file.path, base, err))
		}
	}
	return f.taken(came)
}

func (f *configFlags) taken(came siteTaken) error {
	if f.json {
		if err := printJSON(f.t.out, came); err != nil || came.Version > 0 {
			return err
		}
		return errSilent
	}
	for _, n := range came.Notes {
		fmt.Fprintf(f.t.err, "%s (a note)\n", plainLines(n))
	}
	for _, p := range came.Problems {
		fmt.Fprintln(f.t.err, plainLines(p))
	}
	if came.Version == 0 {
		return errSilent
	}
	_, err := fmt.Fprintf(f.t.out, "version %d: %s\n", came.Version, deviceCount(came.Devices))
	return err
}

func (f *configFlags) rollback(ctx context.Context) error {
	now, err := f.version(ctx, "newest")
	if err != nil {
		return err
	}
	then, err := f.version(ctx, f.args[0])
	if err != nil {
		return err
	}
	var came siteTaken
	why := cmp.Or(f.why, fmt.Sprintf("back to version %d", then.Version))
	if err := f.client.post(ctx, configPath, siteOrder{now.Version, fmt.Sprintf("version %d", then.Version), then.Text, why}, &came); err != nil {
		return err
	}
	return f.taken(came)
}

func (f *configFlags) diff(ctx context.Context) error {
	sides := f.args
	switch len(sides) {
	case 0:
		v, err := f.version(ctx, "newest")
		if err != nil {
			return err
		}
		if v.Version == 1 {
			_, err = fmt.Fprintln(f.t.out, "there is one version")
			return err
		}
		sides = []string{strconv.FormatUint(v.Version-1, 10), "newest"}
	case 1:
		sides = append(sides, "newest")
		if !isVersion(f.args[0]) {
			sides = []string{"newest", f.args[0]} // what applying it would change
		}
	}
	nameA, a, err := f.side(ctx, sides[0])
	if err != nil {
		return err
	}
	nameB, b, err := f.side(ctx, sides[1])
	if err != nil {
		return err
	}
	text := unifiedDiff(nameA, nameB, a, b)
	if text == "" {
		text = fmt.Sprintf("%s and %s are the same\n", nameA, nameB)
	}
	_, err = io.WriteString(f.t.out, text)
	return err
}

// side is one side of a comparison: a version, or else a file.
func (f *configFlags) side(ctx context.Context, word string) (name, text string, err error) {
	if isVersion(word) {
		v, err := f.version(ctx, word)
		return fmt.Sprintf("version %d  %s  %s", v.Version, v.At.UTC().Format(time.RFC3339), plain(v.Who)), v.Text, err
	}
	data, err := readAtMost(word, maxConfigBytes)
	if errors.Is(err, os.ErrNotExist) {
		return "", "", usagef("%q is neither a version nor a file", shorten(word))
	}
	_, data = unmarkSite(data)
	return word, string(bytes.ToValidUTF8(data, []byte("?"))), err
}
