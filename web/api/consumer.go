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
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
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

// Consumers are those who may pull, in a file that has their tokens as hashes.
type Consumers struct {
	file string
	now  func() time.Time

	mu    sync.Mutex
	all   []keptConsumer // in order of name
	dirty bool           // what they did is not written down yet
}

// keptConsumer is a consumer as the file has it. A token has 256 random bits: one round of SHA-256 is enough for it.
type keptConsumer struct {
	Consumer
	Hash string `json:"token_sha256"`
}

// consumerFile is what the file holds.
type consumerFile struct {
	Consumers []keptConsumer `json:"consumers"`
}

// The errors of consumers.
var (
	ErrNameTaken       = errors.New("a consumer of that name is there already")
	ErrUnknownConsumer = errors.New("unknown consumer")
	ErrConsumer        = errors.New("that is no consumer")
)

const (
	maxConsumers = 256
	maxFile      = 1 << 20 // bytes
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
	for _, x := range f.Consumers {
		if err := checkConsumer(x.Name, x.Scopes); err != nil {
			return nil, fmt.Errorf("read the consumers: %s: %w", file, err)
		}
		c.put(x)
	}
	return c, nil
}

// Run writes down what consumers did until ctx ends, and a last time then.
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
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// Add makes a consumer and returns its token, which is kept nowhere. The other box of a pair is given the same token; where it is
// empty one is made.
func (c *Consumers) Add(name string, scopes []Scope, token string) (string, error) {
	if err := checkConsumer(name, scopes); err != nil {
		return "", err
	}
	if token == "" {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	}
	if len(token) != len(tokenPrefix)+43 || !strings.HasPrefix(token, tokenPrefix) {
		return "", fmt.Errorf("%w: a token begins with %s and has 43 characters behind it; only one that was made here or on the other box is taken", ErrConsumer, tokenPrefix)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.find(name); known {
		return "", fmt.Errorf("%w: %q; remove that one, or give another name", ErrNameTaken, name)
	}
	if len(c.all) >= maxConsumers {
		return "", fmt.Errorf("%w: there are %d already; remove one", ErrConsumer, maxConsumers)
	}
	hash := hashOf(token)
	if i := slices.IndexFunc(c.all, func(x keptConsumer) bool { return x.Hash == hash }); i >= 0 {
		return "", fmt.Errorf("%w: the token is that of %q; leave it out, and one is made", ErrConsumer, c.all[i].Name) // removing one would leave it good
	}
	before := slices.Clone(c.all)
	c.put(keptConsumer{Consumer{Name: name, Scopes: scopes, Created: c.now().UTC()}, hash})
	if err := c.save(); err != nil {
		c.all = before
		return "", err
	}
	return token, nil
}

// Remove takes a consumer's right away, at once.
func (c *Consumers) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, known := c.find(name)
	if !known {
		return fmt.Errorf("%w: %q", ErrUnknownConsumer, name)
	}
	before := slices.Clone(c.all)
	c.all = slices.Delete(c.all, i, i+1)
	if err := c.save(); err != nil {
		c.all = before
		return err
	}
	return nil
}

// List returns all consumers in order of name.
func (c *Consumers) List() []Consumer {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Consumer, len(c.all))
	for i, x := range c.all {
		out[i] = x.Consumer
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

var consumerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkConsumer(name string, scopes []Scope) error {
	if !consumerName.MatchString(name) {
		return fmt.Errorf("%w: its name %q is not made of at most 64 letters, digits, dots, hyphens and underscores", ErrConsumer, name)
	}
	if len(scopes) == 0 {
		return fmt.Errorf("%w: it has no scope; give it some of %v", ErrConsumer, Scopes())
	}
	for i, s := range scopes {
		if !slices.Contains(Scopes(), s) || slices.Contains(scopes[:i], s) {
			return fmt.Errorf("%w: scope %q is unknown or there twice; the scopes are %v", ErrConsumer, s, Scopes())
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

func (c *Consumers) put(x keptConsumer) {
	if i, known := c.find(x.Name); !known {
		c.all = slices.Insert(c.all, i, x)
	}
}

// save writes the file anew: it is the old one or the new one, whatever happens. The caller holds mu.
func (c *Consumers) save() (err error) {
	b, err := json.MarshalIndent(consumerFile{c.all}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the consumers: %w", err)
	}
	fresh := c.file + ".new"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the consumers: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(fresh, c.file)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(c.file))
	}
	if err != nil {
		return fmt.Errorf("write the consumers: %w", err)
	}
	c.dirty = false
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
