package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// leastMemory is the least limit that is set: below it collecting garbage would be all the work.
const leastMemory = 128 << 20

// limitMemory makes the program return memory before the kernel slows or ends it for having too much, unless the
// environment says what to do.
func limitMemory(logger *slog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, of := memoryLimit(os.DirFS("/")); limit > 0 {
		debug.SetMemoryLimit(limit)
		logger.Debug("memory is to stay below a limit", "bytes", limit, "three_quarters_of", of)
	}
}

// memoryLimit returns three quarters of the memory that this program may have: a quarter is SQLite's and the kernel's for its
// files. What it may have is the least that the control groups it is in allow, or else what the machine has. 0: not known.
func memoryLimit(root fs.FS) (limit int64, of string) {
	limit, of = groupMemory(root)
	if limit == 0 {
		limit, of = machineMemory(root), "the machine"
	}
	if limit = limit / 4 * 3; limit < leastMemory {
		return 0, ""
	}
	return limit, of
}

// groupMemory returns the least limit of the control groups (version 2) that this process is in.
func groupMemory(root fs.FS) (least int64, of string) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, ""
	}
	for line := range strings.Lines(string(groups)) {
		own, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for group := path.Clean("/" + own); ; group = path.Dir(group) {
			for _, name := range []string{"memory.high", "memory.max"} {
				file := path.Join("sys/fs/cgroup", group, name)
				b, err := fs.ReadFile(root, file)
				if err != nil {
					continue
				}
				n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
				if err == nil && n > 0 && (least == 0 || n < least) { // "max" is no number, and no limit
					least, of = n, "/"+file
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return least, of
}

// machineMemory returns how much the machine has; 0: not known.
func machineMemory(root fs.FS) int64 {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "MemTotal:")
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	kb, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || kb < 0 || kb > 1<<40 {
		return 0
	}
	return kb << 10
}
