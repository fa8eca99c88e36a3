package trust

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"rackpost/replicate/keys"
	"rackpost/replicate/mode"
)

// Config is what a Keeper is made of.
type Config struct {
	Folder  Folder
	Now     func() time.Time // nil: time.Now
	Trusted func() bool      // whether Now is right; dates count only while it is
	Life    time.Duration    // of the certificates it makes; 0: a year
	Logger  *slog.Logger
}

// Keeper holds this member's certificate and keys, and checks those of the others. Its methods may
// be called at once.
type Keeper struct {
	cfg Config

	vouched vouched
	refused atomic.Int64 // when a refusal was last told, Unix ns

	joining sync.Mutex // one joins at a time, so that each sees those before

	mu    sync.Mutex // of who changes state and the folder
	stale bool       // the folder's list of members: the disk did not take the last one
	left  bool       // this machine is in no pair any more
	state atomic.Pointer[state]
}

// state is replaced as a whole, so that every handshake sees one.
type state struct {
	held
	shown *tls.Certificate // the leaf, and the CA for who joins
}

// New opens the folder of a member; ErrNoPair when there is none. What a crash left half written is
// put right or refused in words. A box whose certificate is due renews it first.
func New(cfg Config) (*Keeper, error) {
	if cfg.Trusted == nil || cfg.Logger == nil {
		return nil, errors.New("trust: Config needs Trusted and Logger")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Life = cmp.Or(cfg.Life, nodeLife)
	h, err := cfg.Folder.load()
	if err != nil {
		return nil, err
	}
	k := &Keeper{cfg: cfg}
	k.show(*h)
	if h.ca.key != nil && k.clock().due(*h) {
		if err := k.renewSelf(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *Keeper) show(h held) {
	k.state.Store(&state{held: h, shown: &tls.Certificate{
		Certificate: [][]byte{h.leaf.Raw, h.ca.cert.Raw}, PrivateKey: h.key, Leaf: h.leaf,
	}})
}

func (k *Keeper) clock() clock {
	return clock{keys.Clock{Now: k.cfg.Now(), Trusted: k.cfg.Trusted()}, k.cfg.Life}
}

// Identity returns who this member is and the members it knows.
func (k *Keeper) Identity() Identity {
	id := k.state.Load().Identity
	id.Members = slices.Clone(id.Members)
	return id
}

// SetMembers tells who is agreed to be a member. The list is kept for the time before the next one
// is known, after a start or when what was agreed on is lost. Connections of who is no longer in it
// are the caller's to close: Check says which.
func (k *Keeper) SetMembers(list []Member) error {
	if len(list) == 0 {
		return errors.New("a pair without members: what is agreed on is not known yet")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	list = slices.Clone(list)
	sortMembers(list)
	h := k.state.Load().held
	if k.left || reflect.DeepEqual(h.Members, list) && !k.stale {
		return nil
	}
	for _, m := range list {
		if err := m.Check(); err != nil {
			return fmt.Errorf("member %s of the pair: %w", m.Node, err)
		}
		if m.Node == h.Self.Node {
			h.Self = m
		}
	}
	h.Members = list
	k.show(h) // who was removed is refused even when the disk does not take the list
	err := k.cfg.Folder.saveIdentity(h.Identity)
	if k.stale = err != nil; k.stale {
		return fmt.Errorf("keep the list of members: %w", err)
	}
	return nil
}

// Leave makes this machine a member of no pair, as Folder.Leave does; nothing that comes later makes it one again: it hears from the
// others for as long as it runs.
func (k *Keeper) Leave() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = true
	return k.cfg.Folder.Leave()
}

// Status is what a person should know of this member's certificates.
type Status struct {
	Renewed time.Time `json:"renewed"` // when this member's certificate was made, a day earlier at most
	Expires time.Time `json:"expires"`
	Due     bool      `json:"due"` // it renews it at the next occasion
	CA      time.Time `json:"ca_expires"`
}

// Status returns the dates of this member's certificates.
func (k *Keeper) Status() Status {
	s := k.state.Load()
	return Status{Renewed: s.leaf.NotBefore, Expires: s.leaf.NotAfter, Due: k.clock().due(s.held), CA: s.ca.cert.NotAfter}
}

// Founder is the first box of a pair.
type Founder struct {
	Name      string
	Site      string            // the site's id
	Addresses map[string]string // path -> host:port
	Origin    string            // of its journal
	Now       time.Time
	Trusted   bool // whether Now is right
}

// Found makes a pair with one box, this one, and writes it to the folder. It is refused in the
// folder of a member.
func Found(f Folder, by Founder) (Identity, error) {
	if err := f.free(); err != nil {
		return Identity{}, err
	}
	at := clock{keys.Clock{Now: by.Now, Trusted: by.Trusted}, nodeLife}
	cluster := mode.NewNodeID()
	ca, err := newAuthority(cluster, at)
	if err != nil {
		return Identity{}, err
	}
	h, err := newHeld(mode.Box)
	if err != nil {
		return Identity{}, err
	}
	h.ca = *ca
	h.Cluster, h.Site, h.CA = cluster, by.Site, keys.FingerprintOf(ca.cert)
	h.Self.Name, h.Self.Addresses, h.Self.Origin = by.Name, by.Addresses, by.Origin
	if err := h.Self.Check(); err != nil {
		return Identity{}, err
	}
	if h.Site == "" || !idWord.MatchString(h.Site) {
		return Identity{}, fmt.Errorf("site: %.80q is no id of a site", h.Site)
	}
	h.Members = []Member{h.Self}
	if h.leaf, err = ca.issue(h.Peer(), public(h.key), at); err != nil {
		return Identity{}, err
	}
	return h.Identity, f.save(h)
}

// newHeld makes the keys of a member to be.
func newHeld(role mode.Role) (*held, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	h := &held{key: key, Identity: Identity{Format: identityNow, Self: Member{Node: NodeOf(public), Role: role}}}
	if role != mode.Box {
		return h, nil
	}
	if h.seal, err = age.GenerateX25519Identity(); err != nil {
		return nil, fmt.Errorf("make a sealing key: %w", err)
	}
	h.Self.Recipient = h.seal.Recipient().String()
	return h, nil
}

// free says whether nobody is a member by this folder.
func (f Folder) free() error {
	id, err := f.Identity()
	switch {
	case errors.Is(err, ErrNoPair):
		return nil
	case err != nil:
		return err
	}
	return refuse(Elsewhere, "this machine is %s of pair %s already: leave that pair first (\"rackpost pair leave\")", id.Self.Name, id.Cluster)
}
