package enroll

import (
	"errors"
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// The most that a register holds.
const (
	mostSites  = 16384
	mostTokens = 4096
)

// keepUsed is for how long a token that was used or has expired is remembered, to be named as that.
const keepUsed = 30 * 24 * time.Hour

// register is what a headquarters keeps of its sites: registerFile.
type register struct {
	Format int         `json:"format"`
	CA     Fingerprint `json:"ca_sha256"`
	Sites  []entry     `json:"sites"`
	Tokens []grant     `json:"tokens"`
}

// entry is a site that joined.
type entry struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Key     Fingerprint `json:"key_sha256"` // of its key, which it keeps when it renews
	Serial  string      `json:"serial"`     // of its last certificate
	Joined  time.Time   `json:"joined"`
	Renewed time.Time   `json:"renewed,omitzero"`
	Expires time.Time   `json:"expires"`
	Revoked time.Time   `json:"revoked,omitzero"`
	Why     string      `json:"why_revoked,omitempty"`
}

// grant is what is kept of a token. Nobody can join with it.
type grant struct {
	Hash    Fingerprint `json:"sha256"`
	Site    string      `json:"site"` // its name
	Again   bool        `json:"again,omitempty"`
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"`
	UsedBy  Fingerprint `json:"used_by,omitzero"` // the key of who joined with it
	Void    bool        `json:"void,omitempty"`   // a later token for the same site replaced it
}

func (e entry) check() (journal.ID, error) {
	id, err := journal.ParseID(e.ID)
	if err != nil {
		return id, err
	}
	if e.Key == (Fingerprint{}) {
		return id, errors.New("it has no key")
	}
	if e.Name == "" { // what is more was said when it was given, by what was right then
		return id, errors.New("it has no name")
	}
	return id, nil
}

// Site is a site that joined.
type Site struct {
	ID      journal.ID
	Name    string
	Serial  string    // of its last certificate, hexadecimal
	Joined  time.Time // the last time
	Renewed time.Time // its certificate; zero: not yet
	Expires time.Time // its certificate
	Revoked time.Time // zero: it may send
	Why     string    // it was revoked
}

// Invitation is a token that was made. It holds no secret.
type Invitation struct {
	ID      string
	Site    string // the name
	Again   bool
	Made    time.Time
	Expires time.Time
	Used    bool
}

func (e entry) site() Site {
	id, _ := journal.ParseID(e.ID) // checked when it came in
	return Site{ID: id, Name: e.Name, Serial: e.Serial, Joined: e.Joined, Renewed: e.Renewed, Expires: e.Expires, Revoked: e.Revoked, Why: e.Why}
}

// without returns the register without a site.
func (r register) without(name string) register {
	kept := make([]entry, 0, len(r.Sites))
	for _, e := range r.Sites {
		if e.Name != name {
			kept = append(kept, e)
		}
	}
	r.Sites = kept
	return r
}

// with returns the register with a site, in the place of what it was.
func (r register) with(e entry) register {
	kept := make([]entry, 0, len(r.Sites)+1)
	for _, had := range r.Sites {
		if had.ID != e.ID {
			kept = append(kept, had)
		}
	}
	r.Sites = append(kept, e)
	return r
}

// swept returns the register without the tokens that are no longer worth a word.
func (r register) swept(now time.Time) register {
	kept := make([]grant, 0, len(r.Tokens)+1)
	for _, g := range r.Tokens {
		if now.Sub(g.Expires) < keepUsed {
			kept = append(kept, g)
		}
	}
	if n := len(kept) - mostTokens + 1; n > 0 {
		kept = kept[n:]
	}
	r.Tokens = kept
	return r
}

// named finds a site by its name.
func (r register) named(name string) (entry, bool) {
	for _, e := range r.Sites {
		if e.Name == name {
			return e, true
		}
	}
	return entry{}, false
}

// mayInvite says what keeps a token for a site of this name from being made.
func (r register) mayInvite(name string, again bool) error {
	have, taken := r.named(name)
	if !taken {
		if err := CheckName(name); err != nil {
			return err
		}
	}
	switch {
	case taken && !again:
		return refuse(Taken, fmt.Sprintf("if that site is to join anew, \"rackpost hq enroll %s -again\": its certificate is void from then on; another site needs another name", hw.ShellWord(name)),
			"site %q joined on %s", name, have.Joined.Format(time.DateOnly))
	case !taken && again:
		return refuse(NotEnrolled, "leave -again away", "no site %q joined yet", name)
	case !taken && len(r.Sites) >= mostSites:
		return refuse(TooMany, "forget those that are gone (\"rackpost hq forget SITE\")", "headquarters has %d sites, the most it takes", mostSites)
	}
	return nil
}
