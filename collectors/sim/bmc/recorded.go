package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of a recorded tree. The greatest known has 2,728 files and, with its schemas, 40 MB.
const (
	maxDocuments = 20_000
	maxTree      = 256 << 20
)

// recording is a recorded tree: documents as bytes by their paths.
type recording struct {
	raw  map[string][]byte
	fold map[string]string // paths in small letters to paths: some makers do not tell them apart
	log  string            // path of the entries of the greatest log, or ""
}

// readTree reads the *.json below folder/redfish. X/index.json and X.json are the resource X.
func readTree(folder string) (*recording, error) {
	rec := &recording{raw: map[string][]byte{}, fold: map[string]string{}}
	total := 0
	err := filepath.WalkDir(filepath.Join(folder, "redfish"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		rel, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if total += len(body); total > maxTree || len(rec.raw) >= maxDocuments {
			return fmt.Errorf("more than %d documents or %d bytes: serve a part of it", maxDocuments, maxTree)
		}
		path := "/" + strings.TrimSuffix(strings.TrimSuffix(filepath.ToSlash(rel), ".json"), "/index")
		if _, twice := rec.raw[path]; !twice || strings.HasSuffix(name, "index.json") {
			rec.raw[path], rec.fold[strings.ToLower(path)] = body, path
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read tree %s: it has no folder redfish: name the folder that holds redfish/v1", folder)
	case err != nil:
		return nil, fmt.Errorf("read tree %s: %w", folder, err)
	case len(rec.raw) == 0:
		return nil, fmt.Errorf("read tree %s: no *.json below redfish: name the folder that holds redfish/v1", folder)
	}
	rec.findLog()
	return rec, rec.addRoot()
}

// findLog chooses the log that a flood fills.
func (r *recording) findLog() {
	var all []string
	for path := range r.raw {
		if strings.HasSuffix(path, "/Entries") && strings.Contains(path, "/LogServices/") {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	for _, path := range all {
		if r.log == "" || strings.Contains(path, "/Lclog/") {
			r.log = path
		}
	}
}

// addRoot makes the service root of a fragment that has none, of the collections below it.
func (r *recording) addRoot() error {
	if _, ok := r.raw[root]; ok {
		return nil
	}
	o := object{"Links": object{"Sessions": link(sessionPath)}, "RedfishVersion": "1.6.0"}
	for path := range r.raw {
		rest, ok := strings.CutPrefix(path, root+"/")
		if name, _, _ := strings.Cut(rest, "/"); ok && name != "" {
			o[name] = link(root + "/" + name)
		}
	}
	body, err := json.Marshal(resource(root, "ServiceRoot.v1_6_0.ServiceRoot", "RootService", "Root Service", o))
	if err != nil {
		return fmt.Errorf("make a service root: %w", err)
	}
	r.raw[root], r.fold[strings.ToLower(root)] = body, root
	return nil
}

// model is what the tree's root tells of the device.
func (r *recording) model() *model {
	m := &model{name: "recording", short: "recording", sessions: sessionPath, registry: "Base.1.12", page: 50, expandAll: true}
	var doc struct {
		Vendor, Product string
		Links           struct {
			Sessions struct {
				ID string `json:"@odata.id"`
			}
		}
		ProtocolFeaturesSupported *struct {
			ExpandQuery struct{ ExpandAll, NoLinks bool }
		}
	}
	if json.Unmarshal(r.raw[root], &doc) != nil {
		return m
	}
	if id := strings.TrimSuffix(doc.Links.Sessions.ID, "/"); strings.HasPrefix(id, root+"/") {
		m.sessions = id
	}
	if f := doc.ProtocolFeaturesSupported; f != nil {
		m.expandAll, m.noExpand = f.ExpandQuery.ExpandAll, !f.ExpandQuery.ExpandAll && !f.ExpandQuery.NoLinks
	}
	if strings.HasPrefix(doc.Product, "Integrated Dell") {
		m.registry = "IDRAC.2.7"
	}
	return m
}

func (r *recording) find(path string) (string, bool) {
	if _, ok := r.raw[path]; ok {
		return path, true
	}
	real, ok := r.fold[strings.ToLower(strings.TrimSuffix(path, "/"))]
	return real, ok
}

// document parses the document of a path.
func (r *recording) document(path string) (object, bool) {
	real, ok := r.find(path)
	if !ok {
		return nil, false
	}
	var o object
	if json.Unmarshal(r.raw[real], &o) != nil || o == nil {
		return nil, false
	}
	return o, true
}

// literal returns the bytes of a page that was recorded with its query, and of a document that is no JSON object.
func (r *recording) literal(path, query string) ([]byte, bool) {
	if query != "" {
		if body, ok := r.raw[path+"?"+query]; ok {
			return body, true
		}
	}
	real, ok := r.find(path)
	if !ok {
		return nil, false
	}
	var o object
	if json.Unmarshal(r.raw[real], &o) == nil && o != nil {
		return nil, false
	}
	return r.raw[real], true
}

// Paths returns the resources of the device, sorted: of a model those there are now, of a recorded tree all.
func (b *BMC) Paths() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for path := range b.tree {
		all = append(all, path)
	}
	if b.recorded != nil {
		for path := range b.recorded.raw {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}

// Documents returns all documents of a model as they are now, by their paths; logs and sessions are none of them.
func (b *BMC) Documents() map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]any{}
	for path := range b.tree {
		all[path], _ = b.document(path)
	}
	return all
}
