package idrac_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

// anew builds a document in another form: change is asked for every object in it, the innermost first.
func anew(x any, change func(object)) any {
	switch x := x.(type) {
	case []any:
		for i := range x {
			x[i] = anew(x[i], change)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			x[k] = anew(x[k], change)
		}
		change(x)
	}
	return x
}

// relinked writes every link in another way.
func relinked(as func(string) string) func(object) {
	return func(o object) {
		for k, v := range o {
			if at, ok := v.(string); ok && (k == "@odata.id" || strings.HasSuffix(k, "@odata.nextLink")) {
				o[k] = as(at)
			}
		}
	}
}

// paged gives the members of every collection and the drives of every controller two at a time.
func paged(docs map[string]any) {
	for _, at := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[at].(object)
		for _, property := range []string{"Members", "Drives"} {
			all, _ := doc[property].([]any)
			page := doc
			for from, n := 2, 1; from < len(all); from, n = from+2, n+1 {
				next := at + "/page" + strings.Repeat("s", n)
				page[property], page[property+"@odata.nextLink"] = all[from-2:from], next
				page = object{"@odata.id": at, "@odata.type": doc["@odata.type"], "Id": doc["Id"], property: all[from:], property + "@odata.count": len(all)}
				docs[next] = page
			}
		}
	}
}

// inDocument moves the drives of every controller into its document, where links with fragments name them.
func inDocument(docs map[string]any) {
	for at, doc := range docs {
		drives, ok := doc.(object)["Drives"].([]any)
		if !ok || !strings.HasPrefix(at, madeStorage+"/") {
			continue
		}
		inner := object{}
		for _, d := range drives {
			from := d.(object)["@odata.id"].(string)
			id := from[strings.LastIndexByte(from, '/')+1:]
			inner[id] = docs[from]
			d.(object)["@odata.id"] = at + "#/DriveParts/" + id
		}
		doc.(object)["DriveParts"] = inner
	}
}

// each makes the change to every object of every document.
func each(change func(object)) func(map[string]any) {
	return func(docs map[string]any) {
		for _, doc := range docs {
			anew(doc, change)
		}
	}
}

// slashInLists puts a slash at the end of links beside those of collections only.
func slashInLists(o object) {
	slash := relinked(func(s string) string { return s + "/" })
	for k, v := range o {
		if list, ok := v.([]any); ok && k != "Members" {
			for _, x := range list {
				if l, ok := x.(object); ok && len(l) == 1 {
					slash(l)
				}
			}
		}
	}
}

// asNumbers writes etags and slots as numbers.
func asNumbers(o object) {
	if _, ok := o["@odata.id"]; ok {
		o["@odata.etag"] = 17
	}
	if s, ok := o["PCISlot"].(string); ok && isDecimal(s) {
		o["PCISlot"] = float64(s[0] - '0')
	}
}

// inQuotes writes numbers as texts.
func inQuotes(o object) {
	for k, v := range o {
		if _, ok := v.(float64); ok && k != "@odata.etag" {
			o[k] = jsonText(v)
		}
	}
}

// unlisted writes the only element in the place of a list.
func unlisted(o object) {
	for k, v := range o {
		if list, ok := v.([]any); ok && len(list) == 1 && k != "Members" && k != "Drives" {
			o[k] = list[0]
		}
	}
}

// listed writes lists of one in the place of what Dell adds.
func listed(o object) {
	for k, v := range o {
		if inner, ok := v.(object); ok && (k == "Dell" || k == "Oem" || strings.HasPrefix(k, "Dell")) {
			o[k] = []any{inner}
		}
	}
}

func forms() map[string]func(map[string]any) {
	return map[string]func(map[string]any){
		"whole URLs":                   each(relinked(func(s string) string { return "https://idrac-made.example:8443" + s })),
		"slash at the end":             each(relinked(func(s string) string { return s + "/" })),
		"slash in lists":               each(slashInLists),
		"escaped":                      each(relinked(func(s string) string { return strings.ReplaceAll(s, ":", "%3A") })),
		"paged":                        paged,
		"fragments":                    inDocument,
		"numbers in quotes":            each(inQuotes),
		"etags and slots as numbers":   each(asNumbers),
		"one instead of a list of one": each(unlisted),
		"a list of one instead of one": each(listed),
		"another version": each(func(o object) {
			if s, ok := o["@odata.type"].(string); ok {
				o["@odata.type"] = strings.Replace(s, ".v1_", ".v9_", 1)
			}
		}),
		"DellDrive": each(func(o object) {
			if d, ok := o["DellPhysicalDisk"]; ok {
				o["DellDrive"] = d
				delete(o, "DellPhysicalDisk")
			}
		}),
	}
}

// What a server tells does not depend on how it writes its links, its numbers and its lists.
func TestSameServerInOtherForms(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630"} {
		faults := []string{"drive-predicted 3", "rebuild 5"}
		if model == "poweredge-r750" {
			faults = []string{"drive-failed 1"}
		}
		want, whole := readForm(t, modelTree(t, model, faults...))
		if whole != hw.Complete {
			t.Fatal(want)
		}
		for name, change := range forms() {
			t.Run(model+"/"+name, func(t *testing.T) {
				t.Parallel()
				docs := modelTree(t, model, faults...)
				change(docs)
				got, whole := readForm(t, docs)
				if d := cmp.Diff(want, got); d != "" || whole != hw.Complete {
					t.Errorf("%v: %s", whole, d)
				}
			})
		}
	}
}

func isDecimal(s string) bool { return len(s) == 1 && s[0] >= '0' && s[0] <= '9' }

// jsonText is a number as a service writes it in quotes.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// readForm reads section raid and returns every word of it.
func readForm(t *testing.T, docs map[string]any) (words []string, whole hw.Extent) {
	t.Helper()
	l := newRAIDLab()
	l.serve(t, &tree{docs: docs}, "")
	l.visit(t)
	l.visit(t)
	r := l.visit(t)
	for _, c := range r.Components {
		if c.Section != "raid" {
			continue
		}
		words = append(words, c.Path+" health "+c.Health.String())
		for _, a := range append(slices.Clone(c.State), c.Attrs...) {
			words = append(words, c.Path+" "+a.Key+" "+a.Value)
		}
	}
	words = append(words, said(r, true)...)
	slices.Sort(words)
	return words, raidExtent(r)
}
