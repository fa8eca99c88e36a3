package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackpost/web"
	"rackpost/web/api"
)

// TestMisspelt: what is nowhere known is named with what was most likely meant; what is known and has no readings in the time asked
// for is an empty answer.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bare = true
	p := rack()
	p.points = nil
	w.places[siteA], w.places[siteB] = p, &place{}
	for _, x := range []struct {
		path, query string
		code        int
		says        []string
	}{
		{"query", "device=sw&component=cpu/1&sensor=busy_1m_percent", 200, nil},
		{"query", "device=sw&component=cpu/1&sensor=former_celsius", 200, nil},
		{"query", "device=sw&component=cpu/1&sensor=busy_1m_percnt", 404, []string{`no sensor \"busy_1m_percnt\"`, `component \"cpu/1\" of \"sw\"`, `did you mean \"busy_1m_percent\"?`}},
		{"query", "device=sw&component=cpu/l&sensor=busy_1m_percent", 404, []string{`component \"cpu/l\" of \"sw\"`, `did you mean \"cpu/1\"?`}},
		{"query", "device=sv&component=cpu/1&sensor=busy_1m_percent", 404, []string{`did you mean \"sw\"?`}},
		{"aggregate", "sensor=busy_1m_percent", 200, nil},
		{"aggregate", "sensor=busy_*&component=c*/1", 200, nil},
		{"aggregate", "sensor=former_celsius&device=sw", 200, nil},
		{"aggregate", "sensor=bussy_1m_percent", 404, []string{`did you mean \"busy_1m_percent\"?`}},
		{"aggregate", "sensor=busy_1m_percent&component=cpu/1x&device=sw", 404, []string{`did you mean \"cpu/1\"?`}},
		{"aggregate", "sensor=busy_1m_percent&device=sv", 404, []string{`did you mean \"sw\"?`}},
		{"latest", "sensor=busy_*", 200, nil},
		{"latest", "sensor=bussy_1m_percent", 404, []string{`did you mean \"busy_1m_percent\"?`}},
		{"latest", "device=sv", 404, []string{`did you mean \"sw\"?`}},
		{"latest", "after=sw", 400, []string{"after"}},
	} {
		r := get(t, w.box(), "/api/v1/"+x.path+"?"+x.query)
		if r.Code != x.code {
			t.Errorf("%s?%s: %d %s, want %d", x.path, x.query, r.Code, r.Body, x.code)
		}
		for _, says := range x.says {
			if !strings.Contains(r.Body.String(), says) {
				t.Errorf("%s?%s: %s, want %s", x.path, x.query, r.Body, says)
			}
		}
	}
	if r := get(t, w.box(), "/api/v1/aggregate?sensor=anything&site=OSL-1"); r.Code != 200 {
		t.Errorf("of a site of which nothing is known: %d %s", r.Code, r.Body)
	}
}

// TestAllSites: headquarters gives the facts and the last readings of all sites in bounded answers, each with its site.
func TestAllSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA], w.places[siteB] = rack(), rack()
	h := w.headquarters()
	var facts web.Facts
	r := get(t, h, "/api/v1/facts?limit=3")
	if err := json.Unmarshal(r.Body.Bytes(), &facts); err != nil || r.Code != 200 {
		t.Fatalf("%d %s: %v", r.Code, r.Body, err)
	}
	sites := map[string]int{}
	for i, f := range facts.Facts {
		sites[f.Site]++
		if i > 0 && f.At.Before(facts.Facts[i-1].At) {
			t.Errorf("not in order of time: %+v", facts.Facts)
		}
	}
	if len(facts.Facts) != 3 || !facts.Truncated || sites[siteA.String()] == 0 || sites[siteB.String()] == 0 || facts.Site != "" {
		t.Errorf("the newest three of four: %s", r.Body)
	}
	if r := get(t, h, "/api/v1/facts?device=sw"); r.Code != 400 {
		t.Errorf("facts of a device of some site: %d %s", r.Code, r.Body)
	}
	for limit, answers := range map[int]int{1: 4, 2: 2, 3: 2, 100: 1} {
		var got []string
		next, n := "", 0
		for more := true; more; n++ {
			r := get(t, h, fmt.Sprintf("/api/v1/latest?limit=%d&after=%s", limit, url.QueryEscape(next)))
			var list api.LatestList
			if err := json.Unmarshal(r.Body.Bytes(), &list); err != nil || r.Code != 200 {
				t.Fatalf("%d %s: %v", r.Code, r.Body, err)
			}
			for _, d := range list.Devices {
				got = append(got, d.Site+"/"+string(d.Device))
			}
			next, more = list.Next, list.More
		}
		want := []string{siteA.String() + "/srv-1", siteA.String() + "/sw", siteB.String() + "/srv-1", siteB.String() + "/sw"}
		if strings.Join(got, " ") != strings.Join(want, " ") || n != answers || next != "" {
			t.Errorf("%d at a time: %v in %d answers, want %v in %d; next %q", limit, got, n, want, answers, next)
		}
	}
	r = get(t, h, "/api/v1/latest?site=OSL-1&device=sw")
	if got := strings.Count(r.Body.String(), `"device":`); r.Code != 200 || got != 1 {
		t.Errorf("of one device: %d %s", r.Code, r.Body)
	}
}

// TestLike: a star stands for any run of characters.
func TestLike(t *testing.T) {
	t.Parallel()
	for x, want := range map[[2]string]bool{
		{"", "x"}: true, {"*", ""}: true, {"a", "a"}: true, {"a", "ab"}: false, {"a*", "ab"}: true, {"*b", "ab"}: true, {"a*a", "a"}: false, {"a*a", "aa"}: true,
		{"p*/1/*", "port/Gi1/0/1"}: false, {"port/*/0/*", "port/Gi1/0/1"}: true, {"*a*b*", "ba"}: false, {"*ab*ab", "abab"}: true, {"*ab*ab", "ab"}: false,
	} {
		if got := api.Like(x[0], x[1]); got != want {
			t.Errorf("%q like %q: %t", x[1], x[0], got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,2}`), 1, 4).Draw(t, "parts")
		runs := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,2}`), len(parts), len(parts)).Draw(t, "runs")
		name := parts[0]
		for i, part := range parts[1:] {
			name += runs[i] + part
		}
		if pattern := strings.Join(parts, "*"); !api.Like(pattern, name) {
			t.Fatalf("%q is not like %q", name, pattern)
		}
	})
}
