package main

import (
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const machine = "MemTotal:        8000000 kB\nMemFree:          100000 kB\n"
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		root fstest.MapFS
		want int64
		of   string
	}{
		"nothing is known": {fstest.MapFS{}, 0, ""},
		"no limit":         {fstest.MapFS{"proc/meminfo": file(machine), "proc/self/cgroup": file("0::/\n")}, 6_144_000_000, "the machine"},
		"of the service": {fstest.MapFS{"proc/meminfo": file(machine), "proc/self/cgroup": file("0::/system.slice/hq.service\n"),
			"sys/fs/cgroup/system.slice/hq.service/memory.high": file("2147483648\n"),
			"sys/fs/cgroup/system.slice/hq.service/memory.max":  file("3221225472\n"),
			"sys/fs/cgroup/system.slice/memory.max":             file("max\n")}, 1_610_612_736, "/sys/fs/cgroup/system.slice/hq.service/memory.high"},
		"of the slice above": {fstest.MapFS{"proc/meminfo": file(machine), "proc/self/cgroup": file("12:memory:/x\n0::/a.slice/b.service\n"),
			"sys/fs/cgroup/a.slice/memory.max":           file("1073741824\n"),
			"sys/fs/cgroup/a.slice/b.service/memory.max": file("max\n")}, 805_306_368, "/sys/fs/cgroup/a.slice/memory.max"},
		"of the container": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, 402_653_184, "/sys/fs/cgroup/memory.max"},
		"too little":       {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("65536\n")}, 0, ""},
		"nonsense":         {fstest.MapFS{"proc/meminfo": file("MemTotal: -5 kB"), "proc/self/cgroup": file("0::/../..\n")}, 0, ""},
	} {
		if got, of := memoryLimit(c.root); got != c.want || of != c.of {
			t.Errorf("%s: %d of %q, want %d of %q", name, got, of, c.want, c.of)
		}
	}
}
