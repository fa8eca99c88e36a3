package api

// Described is a route as the tests see it.
type Described struct {
	Method, Path, Name, Does, Scope, Form string
	People                                bool
	Params                                []DescribedParam
	Body, Answer                          any
	Lines                                 []any
}

// DescribedParam is a parameter as the tests see it.
type DescribedParam struct {
	Name, Does, Usual, Example, Type, Format string
	Words                                    []string
	Least, Most                              int
	Needed, InPath                           bool
}

// Describe returns the table of routes.
func (a *API) Describe() []Described {
	var out []Described
	for _, r := range a.routes() {
		if r.missing {
			continue
		}
		d := Described{Method: r.method, Path: r.path, Name: r.name, Does: r.does, Scope: string(r.scope), Form: r.form, People: r.people, Body: r.body, Answer: r.answer}
		if l, ok := r.answer.(lines); ok {
			d.Answer, d.Lines = nil, l
		}
		for _, p := range r.params {
			x := DescribedParam{Name: p.name, Does: p.does, Usual: p.usual, Example: p.example, Words: p.words, Least: p.least, Most: p.most, Needed: p.needed, InPath: p.inPath, Type: "string"}
			switch p.kind {
			case whole:
				x.Type = "integer"
			case words:
				x.Type = "array"
			case moment:
				x.Format = "date-time"
			case duration:
				x.Format = "duration, such as 90s, 30m, 1h, 7d"
			}
			d.Params = append(d.Params, x)
		}
		out = append(out, d)
	}
	return out
}

// ReadDuration is readDuration for its fuzzing.
var ReadDuration = readDuration

// MaxPlain is how much of lines an answer has.
const MaxPlain = maxPlain
