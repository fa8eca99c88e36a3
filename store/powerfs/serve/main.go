// Command serve is the process behind a powerfs mount: serve MOUNTPOINT [CONTENT]. It obeys requests on its standard input
// and unmounts when that ends, so it never outlives the test that started it.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"

	"rackpost/store/powerfs/disk"
)

// request and answer are those of package powerfs.
type request struct {
	Op     string
	Number uint64
	Torn   bool
	Folder string
}

type answer struct {
	Number int
	Error  string
}

func main() {
	d := disk.New()
	unmount, err := mount(d, os.Args[1:])
	answers := json.NewEncoder(os.Stdout)
	if err := reply(answers, 0, err); err != nil || unmount == nil {
		os.Exit(1)
	}
	requests := json.NewDecoder(os.Stdin)
	for {
		var r request
		if requests.Decode(&r) != nil {
			break
		}
		number, err := obey(d, r)
		if reply(answers, number, err) != nil {
			break
		}
	}
	if err := unmount(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func mount(d *disk.Disk, args []string) (unmount func() error, err error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fmt.Errorf("usage: serve MOUNTPOINT [CONTENT]")
	}
	if len(args) == 2 {
		if err := d.Load(args[1]); err != nil {
			return nil, fmt.Errorf("load %s: %w", args[1], err)
		}
	}
	return d.Mount(args[0])
}

func reply(answers *json.Encoder, number int, err error) error {
	a := answer{Number: number}
	if err != nil {
		a.Error = err.Error()
	}
	return answers.Encode(a)
}

func obey(d *disk.Disk, r request) (number int, err error) {
	switch r.Op {
	case "cut":
		var toss *rand.Rand
		if r.Torn {
			toss = rand.New(rand.NewPCG(r.Number, 0))
		}
		d.CutPower(toss)
		return 0, d.Write(r.Folder)
	case "capacity":
		d.SetCapacity(int64(r.Number))
	case "fault":
		d.SetFault(syscall.Errno(r.Number))
	case "syncs":
		return d.Syncs(), nil
	default:
		return 0, fmt.Errorf("unknown request %q", r.Op)
	}
	return 0, nil
}
