package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"rackpost/collectors/all"
	"rackpost/hw/journal"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/store"
	"rackpost/wholefile"
)

// maxSiteBytes is the longest site.yaml that a pair keeps.
const maxSiteBytes = 480 << 10

// pairHost is a machine that is a member of a pair, or may become one. The process on it has one; so has a command
// beside no process.
type pairHost struct {
	box       boxConfig
	role      mode.Role
	file      string // box.yaml or witness.yaml
	env       secretSource
	cuts      pairCuts
	again     restart    // takes up what changed on the disk; its functions are nil where no process runs
	pairing   *pairing   // nil: it is in none, or no process runs
	appliance *appliance // nil: a witness, or one that waits, or no process runs
	logger    *slog.Logger
}

// errPairRefused says that a machine cannot do that; its text tells why and what to do.
var errPairRefused = errors.New("refused")

func pairRefused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errPairRefused}, args...)...)
}

func (h *pairHost) stopping() func() bool { return h.again.stopping }

// answerTime is how long an answer over the socket may take before the process closes it.
const answerTime = 300 * time.Millisecond

// takeUp has the process take up what changed on the disk, when the answer is out. It reports whether there is one.
func (h *pairHost) takeUp() bool {
	if h.again.ask != nil {
		time.AfterFunc(answerTime, h.again.ask)
	}
	return h.again.ask != nil
}

// noPair is what a machine says that is in none.
const noPair = "this machine is in no pair"

// inPair returns the running pairing, or why there is none.
func (h *pairHost) inPair() (*pairing, error) {
	if h.pairing == nil {
		return nil, pairRefused(noPair + "; rackpost pair init begins one, rackpost pair join TOKEN ADDRESS joins one")
	}
	return h.pairing, nil
}

// founded is what came of init.
type founded struct {
	Cluster string   `json:"cluster"`
	Name    string   `json:"name"`
	Secrets []string `json:"secrets"` // their names
	Running bool     `json:"running"` // a process goes on as the box of a pair
}

// init makes a pair with this box as the only one.
func (h *pairHost) init(ctx context.Context, who string) (founded, error) {
	id, err := pairFolderOf(h.box).Identity()
	switch {
	case err == nil:
		return founded{}, pairRefused("%s is in a pair already; rackpost pair token lets another machine in, rackpost pair leave ends it", id.Self.Name)
	case !errors.Is(err, trust.ErrNoPair):
		return founded{}, err
	case h.role != mode.Box:
		return founded{}, pairRefused("a witness joins a pair; rackpost pair init is for the first box")
	case h.box.pair.at.line == 0:
		return founded{}, pairRefused("%s does not say where the other box finds this one; write pair: into it, with listen: and the address of each path to the other box", h.file)
	case h.box.site == "":
		return founded{}, pairRefused("%s names no site.yaml that the pair would begin with; write site: site.yaml, or join the pair of another box", h.file)
	}
	data, err := readConfigFile(h.box.site, h.box.siteAt)
	if err != nil {
		return founded{}, err
	}
	text, secrets, err := sealSecrets(h.box.site, data, h.env)
	if err != nil {
		return founded{}, err
	}
	if len(text) > maxSiteBytes {
		return founded{}, pairRefused("%s has %d bytes; a pair keeps at most %d", h.box.site, len(text), maxSiteBytes)
	}
	site, _, err := parseSite(h.box.site, data, all.Kinds(), h.env)
	if err != nil {
		return founded{}, err
	}
	origin, err := h.origin(ctx, site.id)
	if err != nil {
		return founded{}, err
	}
	f, err := h.found(who, site.id, origin, text, secrets)
	if err == nil {
		f.Running = h.takeUp()
	}
	return f, err
}

// found writes the pair's folder under another name and then renames it: after a crash there is a whole pair, or none.
func (h *pairHost) found(who string, site, origin journal.ID, text []byte, secrets map[string]string) (founded, error) {
	dir := string(pairFolderOf(h.box))
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return founded{}, err
	}
	now := time.Now()
	id, err := trust.Found(trust.Folder(fresh), trust.Founder{Name: h.box.name, Site: site.String(), Addresses: addressesOf(h.box.pair.advertise),
		Origin: origin.String(), Now: now, Trusted: clockTrusted()})
	if err != nil {
		return founded{}, err
	}
	f := founding{Who: who, At: now, Site: text, Secrets: map[string]trust.Sealed{}}
	for name, value := range secrets {
		if f.Secrets[name], err = trust.Seal(name, []byte(value), trust.Recipients(id.Members)); err != nil {
			return founded{}, err
		}
	}
	if err := f.bringCredential(h.box, id.Members); err != nil {
		return founded{}, err
	}
	if err := f.save(fresh); err != nil {
		return founded{}, err
	}
	if err := setAside(dir); err != nil {
		return founded{}, err
	}
	if err := h.giveTo(fresh); err != nil {
		return founded{}, err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return founded{}, err
	}
	return founded{Cluster: id.Cluster.String(), Name: id.Self.Name, Secrets: sortedKeys(secrets)}, wholefile.SyncFolder(h.box.data)
}

// keptFolders is how many folders of earlier pairs are kept.
const keptFolders = 3

// setAside keeps what is left of an earlier pair out of the way, and removes the oldest beyond keptFolders: its conflicts may still
// be wanted.
func setAside(dir string) error {
	err := os.Rename(dir, fmt.Sprintf("%s.left-%s", dir, time.Now().UTC().Format("20060102-150405.000000")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old, err := filepath.Glob(dir + ".left-*")
	if err != nil {
		return err
	}
	slices.Sort(old)
	for _, name := range old[:max(0, len(old)-keptFolders)] {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("remove what is left of an old pair: %w", err)
		}
	}
	return nil
}

// putAway sets aside what a pair that this machine left had agreed on. Where keys are left nobody left: a file may be missing.
func (h *pairHost) putAway() {
	folder := pairFolderOf(h.box)
	if exists(filepath.Join(string(folder), "node.key")) {
		return
	}
	if err := setAsideUnlessJoining(folder); err != nil {
		h.logger.Warn("what is left of the pair is not put away", "err", err)
	}
}

// origin is that of this box's journal, which is begun if there is none yet.
func (h *pairHost) origin(ctx context.Context, site journal.ID) (journal.ID, error) {
	if h.appliance != nil {
		return h.appliance.store.Origin(), nil
	}
	s, err := store.Open(ctx, store.Options{Dir: h.box.data, Site: site, Budget: h.box.budget, Ballast: -1, Logger: h.logger})
	if err != nil {
		return journal.ID{}, err
	}
	if err := s.Close(); err != nil {
		return journal.ID{}, err
	}
	return s.Origin(), h.giveTo(h.box.data)
}

// giveTo makes the owner of the data folder the owner of what root wrote there: the service runs as that user.
func (h *pairHost) giveTo(dir string) error {
	info, err := os.Stat(h.box.data)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	if !ok || own.Uid == 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(own.Uid), int(own.Gid))
	})
}

// invited is a token for one machine.
type invited struct {
	Token     string    `json:"token"`
	Role      string    `json:"role"`
	Expires   time.Time `json:"expires"`
	Addresses []string  `json:"addresses"` // of the box that made it
}

func (h *pairHost) token(ctx context.Context, role mode.Role, who string) (invited, error) {
	p, err := h.inPair()
	if err != nil {
		return invited{}, err
	}
	if h.role != mode.Box {
		return invited{}, pairRefused("a witness lets nobody in; ask at a box")
	}
	t, grant, err := p.invite(ctx, role, who)
	if err != nil {
		return invited{}, err
	}
	out := invited{Token: t.Text(), Role: role.String(), Expires: grant.Expires}
	for _, a := range h.box.pair.advertise {
		out.Addresses = append(out.Addresses, a.String())
	}
	return out, nil
}

// awaitFounded returns when what a pair begins with is agreed on.
func (h *pairHost) awaitFounded(ctx context.Context) error {
	p, err := h.inPair()
	if err != nil {
		return err
	}
	for {
		changed := p.agreed.Watch()
		if _, ok := p.agreed.State().Document(control.Site); ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
