package bmc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rackpost/collectors/sim/bmc"
)

// FuzzRequest: whatever is asked, the answer is a document or an error of Redfish.
func FuzzRequest(f *testing.F) {
	for _, s := range [][4]string{
		{"GET", systemDoc, "$expand=*($levels=1)", ""}, {"GET", lclog, "$skip=50&$top=3&$filter=Severity eq 'OK'", ""}, {"PATCH", systemDoc, "", `{"IndicatorLED":"Off"}`},
		{"PATCH", mirror + "/Settings", "", `{"WriteCachePolicy":"WriteThrough","Oem":{"Dell":{"DellVolume":{"DiskCachePolicy":"Default"}}}}`}, {"POST", sessions, "", `{"UserName":"root"}`},
		{"POST", blinkTarget, "", `{"TargetFQDD":"x"}`}, {"DELETE", sessions + "/301", "", ""}, {"GET", "/redfish/v1/Systems", "only&$select=Name", ""}, {"HEAD", storageBase, "$expand=.", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		b, err := bmc.New("poweredge-r740", bmc.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q, err := http.NewRequest(method, "http://bmc/", strings.NewReader(body))
		if err != nil {
			t.Skip("not a method")
		}
		q.URL = &url.URL{Scheme: "http", Host: "bmc", Path: path, RawQuery: query}
		q.RemoteAddr = "192.0.2.1:1000"
		q.SetBasicAuth(bmc.DefaultUser, bmc.DefaultPassword)
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, q)
		if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s?%s: %d %q", method, path, query, w.Code, w.Body)
		}
		if c := b.Counters(); c.InFlight != 0 || c.Total != 1 {
			t.Errorf("counters %+v", c)
		}
	})
}
