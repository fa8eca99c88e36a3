package api_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// validator checks values against the schemas of an OpenAPI document: as much of JSON Schema as the document uses, and that nothing
// is told that it does not name.
type validator struct {
	t     *testing.T
	doc   object
	where string
}

// answer checks the answer 200 of an operation.
func (v validator) answer(op object, media string, body []byte) {
	v.t.Helper()
	content := op["responses"].(object)["200"].(object)["content"].(object)
	form, ok := content[media].(object)
	if !ok {
		v.t.Errorf("%s: answered with %s, which is not documented", v.where, media)
		return
	}
	if items, ok := form["x-itemSchema"].(object); ok {
		lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
		for _, l := range lines {
			v.raw(items, l)
		}
		v.raw(object{"$ref": "#/components/schemas/Trailer"}, lines[len(lines)-1])
		return
	}
	if schema := form["schema"].(object); schema["type"] != "string" {
		v.raw(schema, body)
	}
}

func (v validator) raw(schema object, b []byte) {
	v.t.Helper()
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		v.t.Errorf("%s: %v: %.200s", v.where, err, b)
		return
	}
	if why := v.check(schema, x, "$"); why != "" {
		v.t.Errorf("%s: %s in %.400s", v.where, why, b)
	}
}

// check returns what is wrong with x, empty if nothing is.
func (v validator) check(schema object, x any, at string) string {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		named, ok := v.doc["components"].(object)["schemas"].(object)[name].(object)
		if !ok {
			return "there is no schema " + ref
		}
		return v.check(named, x, at)
	}
	for _, s := range list(schema["allOf"]) {
		if why := v.check(s.(object), x, at); why != "" {
			return why
		}
	}
	if any := list(schema["anyOf"]); any != nil {
		whys := []string{}
		for _, s := range any {
			why := v.check(s.(object), x, at)
			if why == "" {
				return ""
			}
			whys = append(whys, why)
		}
		return at + " fits none: " + strings.Join(whys, "; ")
	}
	if why := checkType(schema, x, at); why != "" {
		return why
	}
	if words := list(schema["enum"]); words != nil && !slices.Contains(words, x) {
		return at + " is none of its words"
	}
	switch x := x.(type) {
	case string:
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, x); err != nil {
				return at + " is no time"
			}
		}
	case []any:
		for _, e := range x {
			if why := v.check(schema["items"].(object), e, at+"[]"); why != "" {
				return why
			}
		}
	case object:
		return v.checkObject(schema, x, at)
	}
	return ""
}

func (v validator) checkObject(schema, x object, at string) string {
	properties, _ := schema["properties"].(object)
	rest, named := schema["additionalProperties"].(object)
	for _, name := range list(schema["required"]) {
		if _, ok := x[name.(string)]; !ok {
			return at + "." + name.(string) + " is missing"
		}
	}
	for name, value := range x {
		p, ok := properties[name].(object)
		switch {
		case !ok && named:
			p = rest
		case !ok && properties == nil: // anything
			continue
		case !ok:
			return at + "." + name + " is not documented"
		}
		if why := v.check(p, value, at+"."+name); why != "" {
			return why
		}
	}
	return ""
}

func checkType(schema object, x any, at string) string {
	types := list(schema["type"])
	if word, ok := schema["type"].(string); ok {
		types = []any{word}
	}
	if types == nil {
		return ""
	}
	is := ""
	switch x := x.(type) {
	case nil:
		is = "null"
	case bool:
		is = "boolean"
	case string:
		is = "string"
	case float64:
		if is = "number"; x == float64(int64(x)) && slices.Contains(types, any("integer")) {
			is = "integer"
		}
		if least, ok := schema["minimum"].(float64); ok && x < least {
			return at + " is too small"
		}
	case []any:
		is = "array"
	case object:
		is = "object"
	}
	if !slices.Contains(types, any(is)) {
		return at + " is " + is
	}
	return ""
}

func list(x any) []any {
	l, _ := x.([]any)
	return l
}

// TestValidator: what does not fit is found.
func TestValidator(t *testing.T) {
	t.Parallel()
	doc := object{"components": object{"schemas": object{"A": object{"type": "object", "required": []any{"n"}, "properties": object{
		"n": object{"type": "integer", "minimum": 0.0}, "at": object{"type": "string", "format": "date-time"}, "w": object{"type": "string", "enum": []any{"a"}},
		"l": object{"type": "array", "items": object{"type": "boolean"}}, "f": object{"type": []any{"number", "null"}}}}}}}
	v := validator{t: t, doc: doc}
	for text, fits := range map[string]bool{
		`{"n":1,"at":"2026-11-21T10:00:00Z","w":"a","l":[true],"f":null}`: true,
		`{"n":1.5}`: false, `{"n":-1}`: false, `{}`: false, `{"n":1,"at":"x"}`: false, `{"n":1,"w":"b"}`: false, `{"n":1,"l":[1]}`: false, `{"n":1,"f":"x"}`: false, `{"n":1,"x":1}`: false, `[]`: false, `null`: false,
	} {
		var x any
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		if why := v.check(object{"$ref": "#/components/schemas/A"}, x, "$"); (why == "") != fits {
			t.Errorf("%s: %q", text, why)
		}
	}
}
