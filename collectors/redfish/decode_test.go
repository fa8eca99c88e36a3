package redfish_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/redfish"
)

type part struct {
	redfish.Resource
	Text  string
	Slot  redfish.Loose
	Float *float64
	Int   *int64
	Bool  *bool
	Link  redfish.Link
	Links []redfish.Link
	Words []string
	Acts  map[string]redfish.Action
	Inner struct{ A, B *int64 }
}

func ptr[T any](v T) *T { return &v }

// TestDecode: each property is read as well as it can be, said to be odd or not, and never costs the one beside it.
func TestDecode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		doc  string
		want part
		odd  string
	}{
		"as it should be":    {`"Text":"a","Float":1.5,"Int":3,"Bool":true,"Words":["x"]`, part{Text: "a", Float: ptr(1.5), Int: ptr[int64](3), Bool: ptr(true), Words: []string{"x"}}, ""},
		"null":               {`"Text":null,"Slot":null,"Float":null,"Int":null,"Bool":null,"Link":null,"Links":null,"Words":null,"Acts":null,"Inner":null,"Oem":null,"Status":null`, part{}, ""},
		"numeric etag":       {`"@odata.etag":1234`, part{Resource: redfish.Resource{ETag: "1234"}}, ""},
		"slot, number":       {`"Slot":7`, part{Slot: "7"}, ""},
		"slot, text":         {`"Slot":"7-1"`, part{Slot: "7-1"}, ""},
		"text, number":       {`"Text":2`, part{Text: "2"}, "Text: not in quotes"},
		"text, object":       {`"Text":{"a":["}"]}`, part{}, "Text: not a text"},
		"escapes":            {`"Text":"a\"\\\u00e9\n"`, part{Text: "a\"\\é\n"}, ""},
		"no UTF-8":           {"\"Text\":\"a\xff\"", part{Text: "a\uFFFD"}, ""},
		"float, text":        {`"Float":" 750 "`, part{Float: ptr(750.0)}, "Float: a float64 in another form"},
		"float, with unit":   {`"Float":"750 W"`, part{}, "Float: not a float64"},
		"float, empty":       {`"Float":"","Int":""`, part{}, ""},
		"float, NaN":         {`"Float":"NaN"`, part{}, "Float: not a float64"},
		"float, too large":   {`"Float":1e999`, part{}, "Float: not a float64"},
		"int, 1.9e12":        {`"Int":1.9e12`, part{Int: ptr[int64](1_900_000_000_000)}, ""},
		"int, 15.0":          {`"Int":15.0`, part{Int: ptr[int64](15)}, ""},
		"int, fraction":      {`"Int":15.75`, part{}, "Int: not a int64"},
		"int, too large":     {`"Int":1e30`, part{}, "Int: not a int64"},
		"int, list":          {`"Int":[1,"]"]`, part{}, "Int: not a int64"},
		"struct, list":       {`"Inner":[{"A":1,"B":[]}],"Text":"a"`, part{Inner: struct{ A, B *int64 }{A: ptr[int64](1)}, Text: "a"}, "Inner: a list with an object in the place of the object; Inner.B: not a int64"},
		"struct, two":        {`"Inner":[{"A":1},{"A":2}],"Text":"a"`, part{Text: "a"}, "Inner: not an object"},
		"struct, empty list": {`"Inner":[],"Text":"a"`, part{Text: "a"}, "Inner: not an object"},
		"link, URL":          {`"Link":{"@odata.id":"https://[fd00::1]:8443/redfish/v1/a"},"Links":["HTTP://b/redfish/v1/c"]`, part{Link: redfish.Link{Path: "/redfish/v1/a"}, Links: []redfish.Link{{Path: "/redfish/v1/c"}}}, "Links[0]: a text where a link was expected"},
		"link, no path":      {`"Link":{"@odata.id":"https://b"}`, part{Link: redfish.Link{Path: "https://b"}}, ""},
		"bool, text":         {`"Bool":"True"`, part{Bool: ptr(true)}, "Bool: a bool in another form"},
		"bool, number":       {`"Bool":0`, part{Bool: ptr(false)}, "Bool: a bool in another form"},
		"bool, word":         {`"Bool":"perhaps"`, part{}, "Bool: not a bool"},
		"link":               {`"Link":{"x":1,"@odata.id":"/a"}`, part{Link: redfish.Link{Path: "/a"}}, ""},
		"link, text":         {`"Link":"/a"`, part{Link: redfish.Link{Path: "/a"}}, "Link: a text where a link was expected"},
		"link, number":       {`"Link":5`, part{}, "Link: not an object"},
		"list of one":        {`"Links":{"@odata.id":"/a"}`, part{Links: []redfish.Link{{Path: "/a"}}}, "Links: not a list"},
		"list, odd members":  {`"Links":[null,5,{"@odata.id":"/a"},[]]`, part{Links: []redfish.Link{{Path: "/a"}}}, "Links[1]: not an object; Links[3]: not an object"},
		"list, empty":        {`"Links":[ ],"Words":[]`, part{Links: []redfish.Link{}, Words: []string{}}, ""},
		"actions":            {`"Acts":{"#X.Reset":{"target":"/a"},"Oem":{}}`, part{Acts: map[string]redfish.Action{"#X.Reset": {Target: "/a"}, "Oem": {}}}, ""},
		"inner":              {`"Inner":{"A":1,"B":"x"}`, part{Inner: struct{ A, B *int64 }{A: ptr[int64](1)}}, "Inner.B: not a int64"},
		"twice":              {`"Text":"a","Text":"b"`, part{Text: "a"}, "Text: given twice: the first counts"},
		"case counts":        {`"text":"a","TEXT":"b"`, part{}, ""},
		"Oem is kept":        {`"Oem":{"Dell": {"X":1}}`, part{Resource: redfish.Resource{Oem: redfish.Raw(`{"Dell": {"X":1}}`)}}, ""},
		"status is a number": {`"Status":5`, part{}, "Status: not an object"},
		"health is a number": {`"Status":{"Health":1,"State":"Enabled"}`, part{Resource: redfish.Resource{Status: redfish.Status{State: "Enabled", Health: "1"}}}, "Status.Health: not in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Name = "after"
			var got part
			odd, err := redfish.Decode([]byte(" {"+tc.doc+` , "Unknown":[{"a":"\\"},[]], "Name" : "after" } `), &got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			words := make([]string, len(odd))
			for i, o := range odd {
				words[i] = o.String()
			}
			if got := strings.Join(words, "; "); got != tc.odd {
				t.Errorf("odd is %q, want %q", got, tc.odd)
			}
		})
	}
}

func TestDecodeBounds(t *testing.T) {
	t.Parallel()
	var p part
	odd, err := redfish.Decode([]byte(`{"Words":[`+strings.Repeat(`"a",`, 20_000)+`"a"],"Name":"after"}`), &p)
	if err != nil || len(p.Words) != 10_000 || p.Name != "after" || len(odd) != 1 {
		t.Errorf("%d words, %q, odd %v, %v", len(p.Words), p.Name, odd, err)
	}
	if odd, err := redfish.Decode([]byte(`{"Links":[`+strings.Repeat(`1,`, 20_000)+`1]}`), &p); err != nil || len(odd) != 40 || len(p.Links) != 0 {
		t.Errorf("%d odd, %d links, %v", len(odd), len(p.Links), err)
	}
	small := `{"Links":[` + strings.Repeat(`{"@odata.id":1},`, 50) + `7]}` // what is small does not hide that a member is lost
	if odd, err := redfish.Decode([]byte(small), &p); err != nil || len(odd) != 21 || odd[20].Property != "Links[50]" {
		t.Errorf("%v, %v", odd, err)
	}
	for _, doc := range []string{"", " ", "null", "5", `"a"`, "[]", "{", "}", `{"a"}`, `{"a":1,}`, `{} {}`, `{}x`, "<a/>", `{"Name":"` + "\x01" + `"}`} {
		if _, err := redfish.Decode([]byte(doc), &p); err == nil {
			t.Errorf("%q is taken", doc)
		}
	}
	for _, v := range []any{nil, p, new(int), (*part)(nil)} {
		if _, err := redfish.Decode([]byte("{}"), v); err == nil {
			t.Errorf("a %T is taken", v)
		}
	}
}

// kinds are the resources this package knows, by the first word of their type.
func kinds() map[string]func() any {
	return map[string]func() any{
		"ServiceRoot": func() any { return new(redfish.ServiceRoot) }, "SessionService": func() any { return new(redfish.SessionService) },
		"Session": func() any { return new(redfish.Session) }, "ComputerSystem": func() any { return new(redfish.ComputerSystem) },
		"Manager": func() any { return new(redfish.Manager) }, "Chassis": func() any { return new(redfish.Chassis) },
		"Processor": func() any { return new(redfish.Processor) }, "Memory": func() any { return new(redfish.Memory) },
		"NetworkAdapter": func() any { return new(redfish.NetworkAdapter) }, "Port": func() any { return new(redfish.Port) },
		"NetworkPort": func() any { return new(redfish.Port) }, "EthernetInterface": func() any { return new(redfish.EthernetInterface) },
		"Storage": func() any { return new(redfish.Storage) }, "StorageController": func() any { return new(redfish.StorageController) },
		"Volume": func() any { return new(redfish.Volume) }, "Drive": func() any { return new(redfish.Drive) },
		"Thermal": func() any { return new(redfish.Thermal) }, "ThermalSubsystem": func() any { return new(redfish.ThermalSubsystem) },
		"ThermalMetrics": func() any { return new(redfish.ThermalMetrics) }, "Fan": func() any { return new(redfish.Fan) },
		"Power": func() any { return new(redfish.Power) }, "PowerSubsystem": func() any { return new(redfish.PowerSubsystem) },
		"PowerSupply": func() any { return new(redfish.PowerSupply) }, "PowerSupplyMetrics": func() any { return new(redfish.PowerSupplyMetrics) },
		"Sensor": func() any { return new(redfish.Sensor) }, "SoftwareInventory": func() any { return new(redfish.SoftwareInventory) },
		"LogService": func() any { return new(redfish.LogService) }, "LogEntryCollection": func() any { return new(redfish.LogPage) },
		"LogEntry": func() any { return new(redfish.LogEntry) }, "Job": func() any { return new(redfish.Job) }, "Task": func() any { return new(redfish.Job) },
		"DellJob": func() any { return new(redfish.Job) },
	}
}

// FuzzDecode: nothing panics, and what encoding/json takes is taken and gives the same texts.
func FuzzDecode(f *testing.F) {
	for _, doc := range []string{
		driveDoc(1), storageDoc(link(0), 1), `{"Id":1,"Status":{"Health":null},"Links":[{"@odata.id":"/x"},null,5]}`,
		`{"Temperatures":[{"ReadingCelsius":"20","Status":{"Health":"OK"}}],"Fans":{}}`, `{"Members":[{"Id":"1","MessageArgs":["a"]}]}`, `{"CapacityBytes":1.9e12}`,
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for name, make := range kinds() {
			v := make()
			odd, err := redfish.Decode(doc, v)
			if err != nil {
				continue
			}
			if !json.Valid(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))) || len(odd) > 20 {
				t.Fatalf("%s: %d odd, taken though it is not JSON: %q", name, len(odd), doc)
			}
			finite(t, reflect.ValueOf(v).Elem())
		}
	})
}

// finite fails if a number in v is none.
func finite(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			finite(t, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			finite(t, v.Field(i))
		}
	case reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			t.Fatal(fmt.Sprint(v.Float(), " is no number"))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				finite(t, v.Index(i))
			}
		}
	}
}

// FuzzAnswer: whatever a device answers, a request ends with a document or an error that names the resource.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"Members":[{"@odata.id":"/redfish/v1/Systems/1"}],"Members@odata.nextLink":"/redfish/v1/X?a"}`))
	f.Add(503, []byte(`{"error":{"@Message.ExtendedInfo":[{"MessageId":"IDRAC.2.7.SYS518"}]}}`))
	f.Add(200, []byte(`{"error":{}}{"Members":[]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if err := redfish.Judge(status, body, "/redfish/v1/X"); err != nil && !strings.Contains(err.Error(), "/redfish/v1/X") {
			t.Errorf("%q does not name the resource", err)
		}
	})
}
