package api_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rackpost/web/api"
)

// TestGuide runs the examples of docs/api.md with curl: each answer has every field that is shown there, of the same sort.
func TestGuide(t *testing.T) {
	t.Parallel()
	tool(t, "curl")
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	w, a, consumers := whole(t)
	w.tells = true
	w.visit(siteA, "sw", now, nil, cpu(7.25))
	token, err := consumers.Add(t.Context(), "cmdb", api.Scopes(), "")
	if err != nil {
		t.Fatal(err)
	}
	box := httptest.NewServer(a.Remote())
	defer box.Close()
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	people := &httptest.Server{Listener: ln, Config: &http.Server{Handler: a.People()}}
	people.Start()
	defer people.Close()
	examples := regexp.MustCompile("(?s)```sh\n(.*?)\n```\n```(json|text)\n(.*?)\n```").FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "```sh"); n < 8 || len(examples) != n {
		t.Fatalf("%d of %d examples have an answer beside them", len(examples), n)
	}
	for _, x := range examples {
		run := exec.CommandContext(t.Context(), "sh", "-c", x[1])
		run.Env = append(os.Environ(), "BOX="+box.URL, "TOKEN="+token, "SOCKET="+socket, "no_proxy=*")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", x[1], err, out)
			continue
		}
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		shown := strings.Split(x[3], "\n")
		for _, line := range shown {
			if x[2] == "text" {
				if name, _, _ := strings.Cut(line, " "); !strings.Contains(string(out), name+" ") {
					t.Errorf("%s\nno %s in\n%s", x[1], name, out)
				}
				continue
			}
			if why := notShown(t, line, got); why != "" {
				t.Errorf("%s\nanswers\n%s\nwhere the guide has\n%s\n%s", x[1], out, line, why)
			}
		}
	}
}

// TestGuideAsksForWhatThereIs: an address with parameters that a guide names anywhere in its text is one that is answered.
func TestGuideAsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	_, a, _ := whole(t)
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("%d guides: %v", len(guides), err)
	}
	seen := 0
	for _, file := range guides {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range regexp.MustCompile("`(?:GET )?((?:/api/v1/|/metrics)[^` ]*[?][^` ]*)`").FindAllStringSubmatch(string(text), -1) {
			seen++
			if r := get(t, a.Local(), x[1]); r.Code == http.StatusBadRequest {
				t.Errorf("%s names %s, and the answer is %s", filepath.Base(file), x[1], r.Body)
			}
		}
	}
	if seen == 0 {
		t.Error("no guide names an address with parameters: nothing was looked at")
	}
}

// notShown says why no line that was got is like the one that is shown.
func notShown(t *testing.T, shown string, got []string) (why string) {
	t.Helper()
	var want any
	if err := json.Unmarshal([]byte(shown), &want); err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	for _, line := range got {
		var x any
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			return err.Error()
		}
		if why = unlike(want, x, "$"); why == "" {
			return ""
		}
	}
	return why
}

// unlike says where got lacks what want has.
func unlike(want, got any, at string) string {
	if reflect.TypeOf(want) != reflect.TypeOf(got) {
		return at + " is of another sort"
	}
	switch want := want.(type) {
	case object:
		for name, v := range want {
			x, ok := got.(object)[name]
			if !ok {
				return at + "." + name + " is missing"
			}
			if why := unlike(v, x, at+"."+name); why != "" {
				return why
			}
		}
	case []any:
		if len(want) > 0 && len(got.([]any)) == 0 {
			return at + " is empty"
		}
		if len(want) > 0 {
			return unlike(want[0], got.([]any)[0], at+"[0]")
		}
	}
	return ""
}
