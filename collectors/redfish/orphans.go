package redfish

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	maxOthers = 3               // sessions of other boxes that stay remembered: a pair has two, one may have been replaced
	maxSweep  = 16              // sessions looked at; an iDRAC holds 8
	young     = 2 * time.Minute // a session younger than this, by the device's clock, may be that of a process beside us
)

// remembered returns the session that this box opened last, empty if there is none, and what is remembered of other boxes.
func (c *Client) remembered() (own string, others []string) {
	text, _ := c.pins.Recall(SessionPin)
	for _, entry := range strings.Fields(text) {
		box, path := "", entry
		if i := strings.Index(entry, "=/"); i > 0 && entry[0] != '/' {
			box, path = entry[:i], entry[i+1:]
		}
		switch {
		case box == c.box:
			own = path
		case len(others) < maxOthers:
			others = append(others, entry)
		}
	}
	return own, others
}

// remember keeps path as the session of this box, none if it is empty, before those of the others.
func (c *Client) remember(path string) error {
	_, entries := c.remembered()
	if path != "" && c.box != "" {
		path = c.box + "=" + path
	}
	if path != "" {
		entries = append([]string{path}, entries...)
	}
	return c.pins.Learn(SessionPin, strings.Join(entries, " "))
}

// sweep ends the sessions an earlier run of this box left open. left is the one that was remembered, empty if none was.
// What it cannot find out or end it leaves: the session times out by itself.
func (c *Client) sweep(ctx context.Context, root *ServiceRoot, left string) error {
	path := root.Links.Sessions.Path
	if !localPath(path) {
		return nil
	}
	a, err := c.inSession(ctx, http.MethodGet, path)
	if err != nil {
		return fatal(err)
	}
	var list page
	if _, err := a.Doc.decode(&list); err != nil || len(list.Members) < 2 {
		return nil
	}
	var found []Session
	for _, m := range list.Members[:min(len(list.Members), maxSweep)] {
		id := identity(m)
		if !localPath(id) {
			continue
		}
		a, err := c.inSession(ctx, http.MethodGet, id)
		if err != nil && Over(err) {
			return err
		}
		var s Session
		if _, bad := a.Doc.decode(&s); err == nil && bad == nil {
			s.Path = id
			found = append(found, s)
		}
	}
	for _, id := range c.orphans(found, left) {
		_, err := c.inSession(ctx, http.MethodDelete, id)
		switch {
		case err == nil:
			c.log.Info("ended a session an earlier run left open", "session", id)
		case Over(err):
			return err
		default:
			c.log.Warn("a session an earlier run left open cannot be ended", "session", id, "error", err)
		}
	}
	return nil
}

func fatal(err error) error {
	if Over(err) {
		return err
	}
	return nil
}

// orphans returns the paths of the sessions that are ours and nobody's any more. Our user's name is not enough: a person may use it.
// The remembered one must also come from our address where the device tells it; any other must, must be a Redfish session, and older
// than a process that has just started beside us. In a pair there is no other: behind one address the living session of the other
// box looks the same, and what we would end it would open again, a login each time.
func (c *Client) orphans(found []Session, left string) []string {
	local, _ := c.wire.seen()
	var born time.Time
	for _, s := range found {
		if samePath(s.Path, c.session.path) {
			born, _ = time.Parse(time.RFC3339, s.CreatedTime)
		}
	}
	var ids []string
	for _, s := range found {
		if s.UserName != c.user || samePath(s.Path, c.session.path) {
			continue
		}
		addr, err := netip.ParseAddr(strings.TrimSpace(s.ClientOriginIPAddress))
		from := err == nil && addr.Unmap() == local
		remembered := left != "" && samePath(s.Path, left) && (from || s.ClientOriginIPAddress == "")
		created, err := time.Parse(time.RFC3339, s.CreatedTime)
		isYoung := err == nil && !born.IsZero() && born.Sub(created) < young
		if remembered || !c.leave && from && s.SessionType == "Redfish" && !isYoung {
			ids = append(ids, s.Path)
		}
	}
	return ids
}
