package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/uplink"
	"rackpost/web"
)

// demoHQ is where headquarters listens in the demo's network.
const demoHQ = 251

// heldNews is what headquarters tells of the demo's site.
type heldNews struct {
	Batches uint64 `json:"batches"`
	Sum     string `json:"sum"`
}

// buildHQ writes the files of headquarters.
func (l *demoLab) buildHQ() error {
	m := &labMember{lab: l, name: "hq", paths: []netip.AddrPort{l.address(demoHQ)}}
	m.data, m.socket = filepath.Join(l.data, m.name), filepath.Join(l.scratch, "hq.sock")
	for _, dir := range []string{m.folder(), m.data} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	m.client = newClient(m.socket)
	m.client.http.Timeout = statusTimeout
	m.config = filepath.Join(m.folder(), "hq.yaml")
	l.hq = m
	return os.WriteFile(m.config, fmt.Appendf(nil, "name: hq\ndata: %q\nsocket: %q\nlisten: %s\nurls: [%q]\nbudget: 1GB\nlog: {format: text}\n",
		m.data, m.socket, m.paths[0], "https://"+m.paths[0].String()), 0o600)
}

// joinHQ has the pair send to headquarters, with what rackpost hq enroll and uplink join do.
func (l *demoLab) joinHQ(ctx context.Context, tell func(string, ...any)) error {
	if err := l.hq.start(); err != nil {
		return err
	}
	var inv siteInvited
	if err := l.retry(ctx, func() error { return l.hq.post(ctx, hqPath+"/enroll", hqOrder{Site: "demo"}, &inv) }); err != nil {
		return fmt.Errorf("rackpost hq enroll: %w", err)
	}
	var done uplinkJoined
	if err := l.retry(ctx, func() error {
		return l.members[0].post(ctx, uplinkPath+"/join", uplinkOrder{URLs: inv.URLs, Token: inv.Token, Name: inv.Site}, &done)
	}); err != nil {
		return fmt.Errorf("rackpost uplink join: %w", err)
	}
	tell("rackpost uplink join: the pair sends to %s", done.URL)
	return nil
}

// toHQ is how a member calls headquarters: from its address on the LAN, over a line that may be cut.
func (c *cables) toHQ(config string) uplinkDial {
	return func(ctx context.Context, _ uplink.Way, _ uplink.Links, address string) (net.Conn, error) {
		box, err := loadBox(config)
		if err != nil {
			return nil, err
		}
		return c.dial(ctx, "", box.pair.listen[0].Addr().String(), address)
	}
}

// heldPulse is how often headquarters looks what it holds.
const heldPulse = 50 * time.Millisecond

// runsHQ tells the demo what headquarters holds of its site, each time that changed.
func (m *demoMember) runsHQ(ctx context.Context, h *headquarters) {
	site, err := journal.ParseID(labSite)
	if err != nil {
		return
	}
	go func() { // to the end of the process
		var last heldNews
		for ctx.Err() == nil {
			changed := h.store.WatchOf(site)
			v := h.store.HaveOf(site)
			sum := sha256.Sum256(v.Marshal())
			if now := (heldNews{v.Count(), hex.EncodeToString(sum[:])}); now != last {
				m.tell(memberNews{Held: &now})
				last = now
			}
			select {
			case <-ctx.Done():
			case <-changed:
			}
			pause(ctx, heldPulse)
		}
	}()
}

// paintHQ writes how the site is at headquarters.
func (l *demoLab) paintHQ(ctx context.Context, w io.Writer) {
	if l.hq == nil {
		return
	}
	pid := "-"
	if n := l.hq.pid(); n != 0 {
		pid = fmt.Sprint(n)
	}
	ctx, cancel := context.WithTimeout(ctx, redraw)
	defer cancel()
	var v hqView
	if err := l.hq.client.get(ctx, hqPath, nil, &v); err != nil || len(v.Sites) == 0 {
		how := "starting"
		if pid == "-" {
			how = "dead; it is started again"
		}
		fmt.Fprintf(w, "\nheadquarters (%s): %s\n", pid, how)
		return
	}
	s := v.Sites[0]
	fmt.Fprintf(w, "\nheadquarters (%s): %s of the site, heard %s, live lag %s, behind %s\n", pid, web.Bytes(s.Bytes), heardText(s), lagText(s), behindText(s, v.Time))
}
