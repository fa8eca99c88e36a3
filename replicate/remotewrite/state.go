package remotewrite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// place in the journal of one lane: all batches up to After are done, and of those up to Until the visits of the devices in Marks up to
// their times.
type standing struct {
	After Position
	Until Position
	Marks map[deviceKey]int64
}

// state is what outlives the process.
type state struct {
	begun        bool
	live, behind standing
	done         journal.Vector // of what is behind the place of either lane
	waiting      journal.Vector // batches of islands that both lanes have passed
	refused      []Refused
	took         bool  // the receiver has taken a sample: before, it is not known what it takes
	passedMS     int64 // wall clock of the newest batch that the lane behind has passed: what is lost is later; 0: not known
}

type stateFile struct {
	Version  int          `json:"version"`
	Live     standingFile `json:"live"`
	Behind   standingFile `json:"behind"`
	Done     []byte       `json:"done"`
	Waiting  []byte       `json:"waiting,omitempty"`
	Refused  []Refused    `json:"refused,omitempty"`
	Took     bool         `json:"took,omitempty"`
	PassedMS int64        `json:"passed_ms,omitempty"`
}

type standingFile struct {
	After Position         `json:"after"`
	Until Position         `json:"until,omitempty"`
	Marks map[string]int64 `json:"marks,omitempty"`
}

// maxState bounds the file.
const maxState = 64 << 20

// loadState reads the file. One that is damaged is set aside: what is in the journal is then written again, which receivers tell by its
// time; the error says so.
func loadState(path string) (*state, error) {
	empty := &state{done: journal.Vector{}}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err == nil && info.Size() > maxState {
		err = fmt.Errorf("it has %d bytes", info.Size())
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the positions of remote write: %w", err)
	}
	st, err := parseState(b)
	if err != nil {
		aside := path + ".damaged"
		if moved := os.Rename(path, aside); moved != nil {
			return nil, fmt.Errorf("the positions of remote write are damaged: %w; remove %s: what is in the journal is written again", errors.Join(err, moved), path)
		}
		return empty, fmt.Errorf("the positions of remote write were damaged and are now %s: what is in the journal is written again: %w", aside, err)
	}
	return st, nil
}

func parseState(b []byte) (*state, error) {
	var f stateFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("version %d", f.Version)
	}
	done, err := journal.UnmarshalVector(f.Done)
	if err != nil {
		return nil, err
	}
	st := &state{begun: true, done: done, refused: f.Refused, took: f.Took, passedMS: f.PassedMS}
	if len(f.Waiting) > 0 {
		if st.waiting, err = journal.UnmarshalVector(f.Waiting); err != nil {
			return nil, err
		}
	}
	if st.live, err = f.Live.standing(); err != nil {
		return nil, err
	}
	st.behind, err = f.Behind.standing()
	return st, err
}

func (f standingFile) standing() (standing, error) {
	out := standing{After: f.After, Until: f.Until, Marks: map[deviceKey]int64{}}
	for k, at := range f.Marks {
		site, device, ok := strings.Cut(k, "/")
		id, err := journal.ParseID(site)
		if !ok || err != nil {
			return out, fmt.Errorf("device %q", k)
		}
		out.Marks[deviceKey{id, hw.DeviceID(device)}] = at
	}
	return out, nil
}

func (p standing) file() standingFile {
	f := standingFile{After: p.After, Until: p.Until}
	if p.Until != "" {
		f.Marks = make(map[string]int64, len(p.Marks))
		for k, at := range p.Marks {
			f.Marks[k.site.String()+"/"+string(k.device)] = at
		}
	}
	return f
}

func (st *state) bytes() ([]byte, error) {
	f := stateFile{Version: 1, Live: st.live.file(), Behind: st.behind.file(), Done: st.done.Marshal(), Refused: st.refused, Took: st.took, PassedMS: st.passedMS}
	if len(st.waiting) > 0 {
		f.Waiting = st.waiting.Marshal()
	}
	return json.Marshal(f)
}
