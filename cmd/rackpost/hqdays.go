package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"rackpost/replicate/intake"
	"rackpost/wholefile"
)

// maxDays is the greatest file of what sites brought today that is read, in bytes.
const maxDays = 8 << 20

// days keep what the sites brought today, in a file: a restart lifts no quota.
type days struct{ path string }

var _ intake.Days = days{}

// Load implements intake.Days.
func (f days) Load() (d intake.Day, err error) {
	b, err := readAtMost(f.path, maxDays)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		return intake.Day{}, fmt.Errorf("%s: %w", f.path, err)
	}
	return d, nil
}

// Save implements intake.Days.
func (f days) Save(d intake.Day) error {
	b, err := json.Marshal(d)
	if err == nil {
		err = wholefile.Write(f.path, b, 0o600)
	}
	return err
}
