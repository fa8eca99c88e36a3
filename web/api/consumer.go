package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"rackpost/wholefile"
)

// Scope is what a consumer may ask for.
type Scope string

// The scopes.
const (
	ScopeRead    Scope = "read"    // what is known now, and what was read
	ScopeChanges Scope = "changes" // every record, and the state to begin from
	ScopeMetrics Scope = "metrics" // the newest readings
	ScopeAck     Scope = "ack"     // to tell how far it has come
)

// Scopes returns all scopes.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeChanges, ScopeMetrics, ScopeAck} }

// Consumer is somebody who pulls.
type Consumer struct {
	Name     string    `json:"name"`
	Scopes   []Scope   `json:"scopes"`
	Created  time.Time `json:"created"`
	Seen     time.Time `json:"seen,omitzero"`      // when it last asked for anything
	Position Position  `json:"position,omitempty"` // that it acknowledged last
	Acked    time.Time `json:"acked,omitzero"`     // when
}

// Grant is who a consumer is and what it may ask for, without what it did: what boxes that share their consumers agree on.
type Grant struct {
	Name    string    `json:"name"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Hash    string    `json:"token_sha256"`
}

// Check says what is wrong with a grant that somebody else made. A scope that a later version knows is none of it: it is kept, and gives nothing here.
func (g Grant) Check() error {
	if raw, err := hex.DecodeString(g.Hash); err != nil || len(raw) != sha256.Size {
		return fmt.Errorf("%w: %q has no hash of a token", ErrConsumer, g.Name)
	}
	return checkKept(g.Name, g.Scopes)
}

// Sharing is how boxes that share their consumers agree on them.
type Sharing interface {
	// Change has what fn makes of all grants agreed on, and the Consumers take it. The error is fn's, or ErrNotNow.
	Change(ctx context.Context, why string, fn func([]Grant) ([]Grant, error)) error
	// Elsewhere returns the consumers as the others know them, as far as they answer at once.
	Elsewhere(ctx context.Context) []Consumer
}

// Consumers are those who may pull, in a file that has their tokens as hashes. Of a box that shares them the file is a copy, with which it goes on
// when nobody is there to agree.
type Consumers struct {
	file    string
	now     func() time.Time
	sharing Sharing // nil: nobody shares them

	mu    sync.Mutex
	all   []keptConsumer // in order of name
	whom  string         // who shares those that are shared
	gone  []string       // hashes of tokens that were removed here alone, the last MaxConsumers: those who share the others may have agreed on them meanwhile
	dirty bool           // what is in the file is not what is here
}

// keptConsumer is a consumer as the file has it. A token has 256 random bits: one round of SHA-256 is enough for it.
type keptConsumer struct {
	Consumer
	Hash   string `json:"token_sha256"`
	Shared bool   `json:"shared,omitempty"` // agreed on with the boxes that share it
}

func (k keptConsumer) grant() Grant { return Grant{k.Name, k.Scopes, k.Created, k.Hash} }

// consumerFile is what the file holds.
type consumerFile struct {
	Consumers []keptConsumer `json:"consumers"`
	Whom      string         `json:"shared_with,omitempty"`
	Gone      []string       `json:"removed_sha256,omitempty"`
}

// The errors of consumers.
var (
	ErrNameTaken       = errors.New("a consumer of that name is there already")
	ErrUnknownConsumer = errors.New("unknown consumer")
	ErrConsumer        = errors.New("that is no consumer")
	ErrNotNow          = errors.New("nothing can be agreed on now") // the text around it says why, and what to do
)

const (
	// MaxConsumers is how many there may be.
	MaxConsumers = 256
	maxFile      = 4 << 20 // bytes; a position has up to 4 KB
	tokenPrefix  = "rackpost-"
	// saveEvery is how often what consumers did is written down. A crash forgets that much of it; it informs, and nothing stands on it.
	saveEvery = 10 * time.Second
)

// OpenConsumers reads the file, which need not be there yet.
func OpenConsumers(file string, now func() time.Time) (*Consumers, error) {
	c := &Consumers{file: file, now: now}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the consumers: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("read the consumers: %s has %d bytes, the limit is %d", file, info.Size(), maxFile)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the consumers: %w", err)
	}
	var f consumerFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("read the consumers: %s: %w; move the file away and add the consumers again", file, err)
	}
	c.whom, c.gone = f.Whom, f.Gone[max(0, len(f.Gone)-MaxConsumers):]
	for _, x := range f.Consumers {
		if err := checkKept(x.Name, x.Scopes); err != nil {
			return nil, fmt.Errorf("read the consumers: %s: %w", file, err)
		}
		if i, known := c.find(x.Name); !known {
			c.all = slices.Insert(c.all, i, x)
		}
	}
	return c, nil
}

// Run writes down what consumers did until ctx ends, and a last time then. What cannot be written, as on a full disk, is tried again: nobody
// who pulls is refused for that.
func (c *Consumers) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		c.mu.Lock()
		err := error(nil)
		if c.dirty {
			err = c.save()
		}
		c.mu.Unlock()
		if ctx.Err() != nil {
			return err
		}
	}
}

// Share has changes agreed on with others from now on, who have a name: what is known to be agreed on with the same ones is theirs after a
// restart too. Nil, who are nobody, ends that, and all that are here stay.
func (c *Consumers) Share(with Sharing, whom string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sharing = with
	if c.whom == whom {
		return
	}
	c.whom, c.gone, c.dirty = whom, nil, true
	for i := range c.all {
		c.all[i].Shared = false
	}
}

// Add makes a consumer and returns its token, which is kept nowhere. A box that shares nothing with another that has the consumer is given the same
// token; where it is empty one is made.
func (c *Consumers) Add(ctx context.Context, name string, scopes []Scope, token string) (string, error) {
	if err := checkConsumer(name, scopes); err != nil {
		return "", err
	}
	if token == "" {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	}
	if len(token) != len(tokenPrefix)+43 || !strings.HasPrefix(token, tokenPrefix) {
		return "", fmt.Errorf("%w: a token begins with %s and has 43 characters behind it; only one that was made by rackpost is taken", ErrConsumer, tokenPrefix)
	}
	fresh := Grant{name, scopes, c.now().UTC(), hashOf(token)}
	c.Forget([]string{fresh.Hash}) // it is wanted again
	return token, c.change(ctx, "consumer "+name+" is added", func(all []Grant) ([]Grant, error) { return added(all, fresh) })
}

func added(all []Grant, fresh Grant) ([]Grant, error) {
	for _, g := range all {
		switch {
		case g.Name == fresh.Name:
			return nil, fmt.Errorf("%w: %q; remove that one, or give another name", ErrNameTaken, g.Name)
		case g.Hash == fresh.Hash: // removing one would leave it good
			return nil, fmt.Errorf("%w: the token is that of %q; leave it out, and one is made", ErrConsumer, g.Name)
		}
	}
	if len(all) >= MaxConsumers {
		return nil, fmt.Errorf("%w: there are %d already; remove one", ErrConsumer, MaxConsumers)
	}
	return append(all, fresh), nil
}

// Remove takes a consumer's right away, at once.
func (c *Consumers) Remove(ctx context.Context, name string) error {
	if c.drop(name) {
		return c.saved()
	}
	return c.change(ctx, "consumer "+name+" is removed", func(all []Grant) ([]Grant, error) {
		i := slices.IndexFunc(all, func(g Grant) bool { return g.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q", ErrUnknownConsumer, name)
		}
		return slices.Delete(all, i, i+1), nil
	})
}

// drop removes a consumer of this box that is not agreed on yet with those who share the others.
func (c *Consumers) drop(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, known := c.find(name)
	if !known || c.sharing == nil || c.all[i].Shared {
		return false
	}
	c.gone = append(c.gone, c.all[i].Hash)
	c.gone = c.gone[max(0, len(c.gone)-MaxConsumers):]
	c.all, c.dirty = slices.Delete(c.all, i, i+1), true
	return true
}

// Gone are the hashes of tokens that were removed here before they were known to be agreed on. Take leaves them out until they are forgotten, which is
// when those who share the consumers have agreed that they are removed.
func (c *Consumers) Gone() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.gone)
}

// Forget ends what Gone tells of these.
func (c *Consumers) Forget(hashes []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.gone)
	c.gone = slices.DeleteFunc(c.gone, func(hash string) bool { return slices.Contains(hashes, hash) })
	c.dirty = c.dirty || len(c.gone) < before
}

func (c *Consumers) saved() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.save()
}

// change changes the grants, with whoever shares them.
func (c *Consumers) change(ctx context.Context, why string, fn func([]Grant) ([]Grant, error)) error {
	c.mu.Lock()
	sharing := c.sharing
	c.mu.Unlock()
	if sharing != nil {
		return sharing.Change(ctx, why, fn)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := fn(c.grants(func(keptConsumer) bool { return true }))
	if err != nil {
		return err
	}
	return c.put(now, nil)
}

// Take takes what those who share the consumers agreed on: who is not among them any more, or is Gone, is refused from now on. A consumer of this box alone stays, where
// its name is taken under another, which renamed tells by the old ones.
func (c *Consumers) Take(agreed []Grant) (renamed map[string]string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	agreed = slices.DeleteFunc(slices.Clone(agreed), func(g Grant) bool { return slices.Contains(c.gone, g.Hash) })
	next := slices.Clone(agreed)
	for _, x := range c.all {
		if x.Shared || slices.ContainsFunc(next, func(g Grant) bool { return g.Hash == x.Hash }) {
			continue
		}
		own := x.grant()
		own.Name = FreeName(next, own.Name)
		if own.Name != x.Name {
			if renamed == nil {
				renamed = map[string]string{}
			}
			renamed[x.Name] = own.Name
		}
		next = append(next, own)
	}
	return renamed, c.put(next, func(hash string) bool {
		return slices.ContainsFunc(agreed, func(g Grant) bool { return g.Hash == hash })
	})
}

// FreeName returns a name that none of all has: name, if it can be.
func FreeName(all []Grant, name string) string {
	free := name
	for n := 2; slices.ContainsFunc(all, func(g Grant) bool { return g.Name == free }); n++ {
		free = fmt.Sprintf("%.58s-%d", name, n)
	}
	return free
}

// Newest is List with what the consumers did last anywhere.
func (c *Consumers) Newest(ctx context.Context) []Consumer {
	c.mu.Lock()
	sharing := c.sharing
	c.mu.Unlock()
	out := c.List()
	if sharing == nil || len(out) == 0 {
		return out
	}
	for _, x := range sharing.Elsewhere(ctx) {
		i := slices.IndexFunc(out, func(y Consumer) bool { return y.Name == x.Name })
		if i < 0 {
			continue
		}
		if x.Seen.After(out[i].Seen) {
			out[i].Seen = x.Seen
		}
		if x.Acked.After(out[i].Acked) {
			out[i].Position, out[i].Acked = x.Position, x.Acked
		}
	}
	return out
}

// Grants are all that are here.
func (c *Consumers) Grants() []Grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grants(func(keptConsumer) bool { return true })
}

// Unshared are those of this box alone.
func (c *Consumers) Unshared() []Grant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grants(func(x keptConsumer) bool { return !x.Shared })
}

// grants are those that which names. The caller holds mu.
func (c *Consumers) grants(which func(keptConsumer) bool) (out []Grant) {
	for _, x := range c.all {
		if which(x) {
			out = append(out, x.grant())
		}
	}
	return out
}

// put makes these all the consumers there are, each with what it did, and writes the file where that changes anything. shared says by its hash which is agreed on
// with others; nil: none. The caller holds mu.
func (c *Consumers) put(grants []Grant, shared func(hash string) bool) error {
	before := c.all
	var all []keptConsumer
	for _, g := range grants {
		x := keptConsumer{Consumer: Consumer{Name: g.Name, Scopes: g.Scopes, Created: g.Created}, Hash: g.Hash}
		if i := slices.IndexFunc(before, func(k keptConsumer) bool { return k.Hash == g.Hash }); i >= 0 {
			x.Seen, x.Position, x.Acked = before[i].Seen, before[i].Position, before[i].Acked
		}
		x.Shared = shared != nil && shared(g.Hash)
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b keptConsumer) int { return strings.Compare(a.Name, b.Name) })
	if reflect.DeepEqual(all, before) {
		return nil
	}
	c.all, c.dirty = all, true
	err := c.save()
	if err != nil && shared == nil { // what is agreed on holds, also where it cannot be written
		c.all = before
	}
	return err
}

// List returns all consumers in order of name, with the scopes that are known here.
func (c *Consumers) List() []Consumer {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Consumer, len(c.all))
	for i, x := range c.all {
		out[i] = x.Consumer
		out[i].Scopes = slices.DeleteFunc(append([]Scope{}, x.Scopes...), func(s Scope) bool { return !slices.Contains(Scopes(), s) })
	}
	return out
}

// of returns whose token this is, and notes that it asked.
func (c *Consumers) of(token string) (Consumer, bool) {
	hash := hashOf(token)
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(x keptConsumer) bool { return x.Hash == hash }) // of hashes, whose comparing tells nothing of a token
	if i < 0 {
		return Consumer{}, false
	}
	c.all[i].Seen, c.dirty = c.now().UTC(), true
	return c.all[i].Consumer, true
}

// acknowledge notes how far a consumer has come.
func (c *Consumers) acknowledge(name string, p Position) (Consumer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, known := c.find(name)
	if !known {
		return Consumer{}, fmt.Errorf("%w: %q", ErrUnknownConsumer, name)
	}
	c.all[i].Position, c.all[i].Acked, c.dirty = p, c.now().UTC(), true
	return c.all[i].Consumer, nil
}

var (
	consumerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	laterScope   = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,31}$`)
)

// maxScopes bounds those of a consumer that a later version made.
const maxScopes = 32

// checkConsumer says what is wrong with a consumer that is made here.
func checkConsumer(name string, scopes []Scope) error {
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return fmt.Errorf("%w: scope %q is unknown; the scopes are %v", ErrConsumer, s, Scopes())
		}
	}
	return checkKept(name, scopes)
}

// checkKept says what is wrong with a consumer that another version may have made, which may know more scopes.
func checkKept(name string, scopes []Scope) error {
	if !consumerName.MatchString(name) {
		return fmt.Errorf("%w: its name %q is not made of at most 64 letters, digits, dots, hyphens and underscores", ErrConsumer, name)
	}
	if len(scopes) == 0 {
		return fmt.Errorf("%w: it has no scope; give it some of %v", ErrConsumer, Scopes())
	}
	for i, s := range scopes {
		if i >= maxScopes || !laterScope.MatchString(string(s)) || slices.Contains(scopes[:i], s) {
			return fmt.Errorf("%w: scope %q is none, or there twice; the scopes are %v", ErrConsumer, s, Scopes())
		}
	}
	return nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// find returns where a consumer stands, or would. The caller holds mu.
func (c *Consumers) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c.all, name, func(x keptConsumer, n string) int { return strings.Compare(x.Name, n) })
}

// save writes the file anew: it is the old one or the new one, whatever happens. The caller holds mu.
func (c *Consumers) save() (err error) {
	b, err := json.MarshalIndent(consumerFile{c.all, c.whom, c.gone}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the consumers: %w", err)
	}
	if err := wholefile.Write(c.file, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keep the consumers: %w", err)
	}
	c.dirty = false
	return nil
}
