package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

type object = map[string]any

// schemas makes JSON schemas of models.
type schemas struct {
	t        *testing.T
	comments map[string]string // Type, or Type.Field
	all      object
	types    map[string]reflect.Type
}

func newSchemas(t *testing.T) *schemas {
	s := &schemas{t: t, comments: map[string]string{}, all: object{}, types: map[string]reflect.Type{}}
	for _, folder := range []string{".", "..", "../../hw"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				s.read(folder, f)
			}
		}
	}
	return s
}

// read takes the comments of the types of a file.
func (s *schemas) read(folder, file string) {
	s.t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		s.t.Fatal(err)
	}
	pkg := parsed.Name.Name + "."
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				doc := t.Doc
				if doc == nil {
					doc = g.Doc
				}
				s.comments[pkg+t.Name.Name] = sentence(doc)
				if x, ok := t.Type.(*ast.StructType); ok {
					for _, f := range x.Fields.List {
						for _, n := range f.Names {
							s.comments[pkg+t.Name.Name+"."+n.Name] = sentence(f.Comment)
						}
					}
				}
			}
		}
	}
}

func sentence(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}

// of returns the schema of a type, a reference where it is a struct.
func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[hw.Health]():
		return object{"type": "string", "enum": []string{"unknown", "ok", "warning", "critical"}}
	case reflect.TypeFor[hw.Attrs]():
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	case reflect.TypeFor[web.Number]():
		return object{"type": "number", "description": "of a counter a whole number up to 2^64-1"}
	case reflect.TypeFor[api.Scope]():
		return object{"type": "string", "enum": api.Scopes()}
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "contentEncoding": "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		x := object{"type": "object"}
		if t.Elem().Kind() != reflect.Interface {
			x["additionalProperties"] = s.of(t.Elem())
		}
		return x
	case reflect.Struct:
		return s.structure(t)
	}
	s.t.Fatalf("no schema for %s", t)
	return nil
}

// structure adds the schema of a struct and returns a reference to it.
func (s *schemas) structure(t reflect.Type) object {
	name := t.Name()
	if known := s.types[name]; known != nil && known != t {
		name = strings.ToUpper(filepath.Base(t.PkgPath())) + name
	}
	ref := object{"$ref": "#/components/schemas/" + name}
	if s.types[name] != nil {
		return ref
	}
	s.types[name] = t
	properties, required := object{}, []string{}
	s.fields(t, properties, &required)
	x := object{"type": "object", "properties": properties}
	if doc := s.comments[filepath.Base(t.PkgPath())+"."+t.Name()]; doc != "" {
		x["description"] = doc
	}
	if len(required) > 0 {
		x["required"] = required
	}
	s.all[name] = x
	return ref
}

func (s *schemas) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			s.fields(f.Type, properties, required)
			continue
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		x := s.of(f.Type)
		if f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
			x = nullable(x)
		}
		if doc := s.comments[filepath.Base(t.PkgPath())+"."+t.Name()+"."+f.Name]; doc != "" {
			if x["$ref"] != nil {
				x = object{"allOf": []any{x}}
			}
			x["description"] = doc
		}
		properties[name] = x
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}

func nullable(x object) object {
	if word, ok := x["type"].(string); ok {
		x["type"] = []string{word, "null"}
		return x
	}
	return object{"anyOf": []any{x, object{"type": "null"}}}
}
