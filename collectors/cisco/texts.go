package cisco

import (
	"strings"
	"sync"
)

// maxTexts bounds how many texts are remembered; beyond it all are forgotten.
const maxTexts = 1 << 14

// texts holds one copy of each text that the devices of a kind have in common: the names of
// ports, mostly. The zero texts is ready. It is safe for concurrent use.
type texts struct {
	mu   sync.Mutex
	seen map[string]string
}

// one returns the copy of s.
func (t *texts) one(s string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x, ok := t.seen[s]; ok {
		return x
	}
	if t.seen == nil || len(t.seen) >= maxTexts {
		t.seen = map[string]string{}
	}
	s = strings.Clone(s) // it may be a part of an answer
	t.seen[s] = s
	return s
}
