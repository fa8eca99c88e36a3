package capture

import (
	"context"
	"fmt"
	"io"
	"strings"

	"rackpost/collectors/capture/scrub"
)

// ServerOptions say how to record a server.
type ServerOptions struct {
	Tree    TreeOptions
	SNMP    Options  // of the agent beside; only Subtrees, Rows, Time and Pause count
	Key     []byte   // of the pseudonyms
	Secrets []string // texts to replace wherever they occur, such as the user
}

// ServerResult is a server that was read and scrubbed.
type ServerResult struct {
	Tree      *Tree // its documents are scrubbed
	SNMP      *Result
	SNMPError error // why nothing was read over SNMP; nil too where it was not asked
	Counts    scrub.Counts
}

// Whole reports whether all was read that should be.
func (r *ServerResult) Whole() bool {
	return r.Tree.Whole() && r.SNMPError == nil && (r.SNMP == nil || r.SNMP.Whole())
}

// RecordServer reads the tree of a server and, with a session, what its SNMP agent tells beside, one after the other; both have
// the same pseudonyms. When ctx ends or a bound is reached, it returns what was read until then. The error means that
// nothing was read over Redfish.
func RecordServer(ctx context.Context, r Reader, session Session, opt ServerOptions) (*ServerResult, error) {
	scrubber, err := scrub.New(opt.Key, opt.Secrets...)
	if err != nil {
		return nil, err
	}
	result := &ServerResult{}
	if result.Tree, err = ReadTree(ctx, r, opt.Tree); err != nil {
		return nil, err
	}
	var w *walk
	if session != nil {
		opt.SNMP.Progress = opt.Tree.Progress
		w = newWalk(session, opt.SNMP)
		if result.SNMPError = w.run(ctx); result.SNMPError != nil {
			w = nil
		}
	}
	var beside []scrub.Object
	if w != nil {
		beside = w.objects
	}
	if result.Tree.Documents, err = scrubber.Documents(result.Tree.Documents, beside); err != nil {
		return nil, err
	}
	for i := range result.Tree.Failed {
		result.Tree.Failed[i].Path = scrubber.Path(result.Tree.Failed[i].Path)
	}
	if w != nil {
		if result.SNMP, err = w.finish(scrubber); err != nil {
			return nil, err
		}
	}
	result.Counts = scrubber.Counts()
	return result, nil
}

// WriteTo adds the documents to a folder, as a DMTF mock-up has them.
func (t *Tree) WriteTo(f *Folder) error {
	had := map[string]bool{}
	for _, d := range t.Documents {
		name := strings.TrimPrefix(d.Path, "/") + "/index.json"
		if had[name] || !recordable(d.Path) {
			continue
		}
		had[name] = true
		err := f.Add(name, func(w io.Writer) error {
			_, err := w.Write(d.Body)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", d.Path, err)
		}
	}
	return nil
}
