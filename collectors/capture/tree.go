package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// The bounds of the capture of a tree.
const (
	DefaultResources = 2000
	MaxResources     = 10_000
	maxTreeBytes     = 64 << 20
	maxFollowed      = 512 // links of one resource
	maxEntries       = 16  // links of a log or a list of jobs
	maxWaits         = 4   // times that the device may ask to be left alone
	maxWait          = 2 * time.Minute
)

// Reader reads resources. *redfish.Client is one.
type Reader interface {
	Get(ctx context.Context, path string, v any) (redfish.Answer, error)
	Counters() redfish.Counters
}

// TreeOptions say how to record a tree.
type TreeOptions struct {
	Resources int           // at most; 0 is DefaultResources
	Time      time.Duration // at most; 0 is DefaultTime
	Pause     time.Duration // between two requests, besides the client's own pace
	Progress  func(Progress)
}

// Tree is what was read of a Redfish service. It is not scrubbed.
type Tree struct {
	Documents []scrub.Document // in the order they were read
	Failed    []Unread         // what could not be read
	Left      int              // resources that were not asked for, when it was stopped
	Skipped   map[string]int   // resources that are never read, by the word in their path
	Stopped   string           // why not all was read; empty if it was
	Requests  int
	Started   time.Time
	Took      time.Duration
}

// Unread is a resource that could not be read.
type Unread struct {
	Path   string
	Reason hw.Reason
}

// Whole reports whether every resource was read that the device gives: one that it links to and does not have, or answers with
// an error of its own, is as incomplete to everybody.
func (t *Tree) Whole() bool {
	return t.Stopped == "" && !slices.ContainsFunc(t.Failed, func(u Unread) bool {
		return u.Reason != hw.NotSupported && u.Reason != hw.AccessDenied && u.Reason != hw.DeviceError
	})
}

// ReadTree reads the resources of a Redfish service that are linked from its root, one request at a time. When ctx ends or a
// bound is reached it returns what was read until then. An error means that nothing was.
func ReadTree(ctx context.Context, r Reader, opt TreeOptions) (*Tree, error) {
	if opt.Resources <= 0 {
		opt.Resources = DefaultResources
	}
	if opt.Time <= 0 {
		opt.Time = DefaultTime
	}
	c := crawl{reader: r, opt: opt, seen: map[string]bool{}, maybe: map[string]bool{}, tree: Tree{Started: time.Now(), Skipped: map[string]int{}}}
	before := r.Counters().Requests
	err := c.run(ctx)
	c.tree.Took, c.tree.Requests = time.Since(c.tree.Started), r.Counters().Requests-before
	if err != nil {
		return nil, err
	}
	return &c.tree, nil
}

// crawl is the reading of one tree.
type crawl struct {
	reader Reader
	opt    TreeOptions
	queues [3][]string // what is still to be read, by how much it matters
	seen   map[string]bool
	maybe  map[string]bool // paths that no link leads to
	bytes  int
	waits  int
	tree   Tree
}

const rootPath = "/redfish/v1"

func (c *crawl) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, c.opt.Time)
	defer cancel()
	c.push(rootPath)
	for {
		path, ok := c.next()
		if !ok {
			return nil
		}
		if c.tree.Stopped = c.why(ctx, limited); c.tree.Stopped != "" {
			c.tree.Left = 1 + c.waiting()
			return nil
		}
		c.tell(path)
		err := c.read(limited, path)
		if err != nil && len(c.tree.Documents) == 0 {
			return err
		}
		if err != nil && redfish.Over(err) {
			if c.tree.Stopped = c.why(ctx, limited); c.tree.Stopped == "" {
				c.tree.Stopped = fmt.Sprintf("the device no longer answered (%s)", collectors.ReasonOf(err))
			}
			c.tree.Left = c.waiting()
			return nil
		}
		pause(limited, c.opt.Pause)
	}
}

func (c *crawl) why(ctx, limited context.Context) string {
	switch {
	case ctx.Err() != nil:
		return "it was interrupted"
	case limited.Err() != nil:
		return fmt.Sprintf("the time limit of %v was reached", c.opt.Time)
	case len(c.tree.Documents) >= c.opt.Resources:
		return fmt.Sprintf("the limit of %d resources was reached", c.opt.Resources)
	case c.bytes >= maxTreeBytes:
		return fmt.Sprintf("the limit of %d bytes was reached", maxTreeBytes)
	}
	return ""
}

func (c *crawl) tell(next string) {
	if c.opt.Progress != nil {
		n := len(c.tree.Documents)
		c.opt.Progress(Progress{Rows: n, Done: n, Total: n + 1 + c.waiting(), Next: next})
	}
}

func (c *crawl) waiting() int { return len(c.queues[0]) + len(c.queues[1]) + len(c.queues[2]) }

// push takes a path that is not known yet. Some services do not tell capitals from small letters.
func (c *crawl) push(path string) {
	if i := strings.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	path = strings.TrimRight(path, "/")
	key := strings.ToLower(path)
	if c.seen[key] || !recordable(path) || len(c.seen) > 4*MaxResources {
		return
	}
	c.seen[key] = true
	if word := neverRead(path); word != "" {
		c.tree.Skipped[word]++
		return
	}
	c.queues[rank(path)] = append(c.queues[rank(path)], path)
}

func (c *crawl) next() (string, bool) {
	for i := range c.queues {
		if q := c.queues[i]; len(q) > 0 {
			c.queues[i] = q[1:]
			return q[0], true
		}
	}
	return "", false
}

// read reads one resource, and takes over what it links to.
func (c *crawl) read(ctx context.Context, path string) error {
	a, err := c.reader.Get(ctx, path, nil)
	for err != nil && redfish.Over(err) && c.waits < maxWaits {
		var v *collectors.VisitError
		if !errors.As(err, &v) || v.Reason != hw.NotReady || v.RetryAfter > maxWait {
			break
		}
		c.waits++
		pause(ctx, max(v.RetryAfter, time.Second))
		a, err = c.reader.Get(ctx, path, nil)
	}
	if reason := collectors.ReasonOf(err); err != nil && reason == hw.NotSupported && c.maybe[path] {
		return nil
	} else if err != nil {
		c.tree.Failed = append(c.tree.Failed, Unread{path, reason})
		return err
	}
	if len(a.Doc) == 0 || !json.Valid(a.Doc) {
		c.tree.Failed = append(c.tree.Failed, Unread{path, hw.Garbage})
		return nil
	}
	c.bytes += len(a.Doc)
	c.tree.Documents = append(c.tree.Documents, scrub.Document{Path: path, Body: bytes.Clone(a.Doc)})
	for _, link := range linksOf(a.Doc, limitOf(path, a.Doc)) {
		c.push(link)
	}
	for _, path := range besides(path) {
		c.maybe[path] = true
		c.push(path)
	}
	return nil
}

// limitOf is how many links of a resource are followed: of a log and of jobs, few.
func limitOf(path string, doc []byte) int {
	if bytes.Contains(doc, []byte("#LogEntryCollection.")) && bytes.Contains(doc, []byte(`"EntryType"`)) {
		return 0 // its entries stand in it
	}
	if part := lastPart(path); part == "entries" || part == "jobs" || part == "tasks" || bytes.Contains(doc, []byte("#LogEntryCollection.")) {
		return maxEntries
	}
	return maxFollowed
}

// linksOf returns the links of a document in their order. The next page of a log is none of them.
func linksOf(doc []byte, limit int) (links []string) {
	d := json.NewDecoder(bytes.NewReader(doc))
	property, isKey := "", false
	var open []byte
	for len(links) < limit {
		t, err := d.Token()
		if err != nil {
			return links
		}
		inObject := len(open) > 0 && open[len(open)-1] == '{'
		switch v := t.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				open = append(open, byte(v))
			} else {
				open = open[:len(open)-1]
			}
			isKey = len(open) > 0 && open[len(open)-1] == '{'
			continue
		case string:
			if inObject && isKey {
				property, isKey = v, false
				continue
			}
			if property == "@odata.id" || property == "Members@odata.nextLink" && limit == maxFollowed {
				links = append(links, v)
			}
		}
		isKey = inObject
	}
	return links
}

func lastPart(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
}
