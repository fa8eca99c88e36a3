package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/capture"
	"rackpost/collectors/capture/scrub"
	"rackpost/collectors/sim"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const (
	maxKey         = 4096 // bytes of a key file
	captureTimes   = 24 * time.Hour
	progressPeriod = 2 * time.Second
	maxPause       = time.Minute
	replayTimeout  = 500 * time.Millisecond // it is ourselves; the contexts of VLANs get no answer
)

func captureCommand() command {
	return command{
		name: "capture",
		args: "[-all] [-key-file F] [-pause D] [-max-time D] [-user U -password-file F] [-community C | -community-file F | -v3-user U ...] KIND ADDRESS DIR",
		does: "record a device for a bug report, with all that identifies its owner replaced",
		help: `KIND is one of ` + strings.Join(kindNames(), ", ") + `. ADDRESS is host, host:port or [v6]:port; without a port it is 161
of SNMP, and 443 where -user is given: of Redfish.
DIR is made; it must not exist, or be empty. It then holds device.snmprec, of a server the folder redfish, both if both
are read, which rackpost sim -recording replays, probe.json, which is what rackpost reads from that replay, and
NOTES.txt, which says what was read, what was not and why, and what was replaced: addresses, serial numbers, names and
free text. Look through it before you send it to anybody.

  -all                read every group a Cisco device may have, not only the tables rackpost knows
  -key-file F         make the pseudonyms from this file of at least 16 bytes; captures with one key have the
                      same pseudonyms. Else a key is made and forgotten. Never send it along
  -pause D            wait between two subtrees, or two requests over Redfish
  -max-rows N         over SNMP, ` + fmt.Sprint(capture.DefaultRows) + ` if not given
  -max-resources N    over Redfish, ` + fmt.Sprint(capture.DefaultResources) + ` if not given; two are asked a second
  -max-time D         ` + shortDuration(capture.DefaultTime) + ` if not given
  -timeout D          for one request, such as 2s
  -snmp ADDRESS       of the SNMP agent of a server, read beside Redfish; its address if there are credentials for SNMP
  -legacy-tls         allow TLS 1.0 and the ciphers of old iDRAC 7 and 8
` + credentialHelp() + `

Never read, whatever is asked for: the tables of processes, flash files, ARP, MAC addresses, routes,
connections, and what holds communities and users; over Redfish users, sessions, certificates, keys, settings and
licences. Ctrl-C ends the reading; what was read is kept and
marked incomplete.

Exit code 0: all was read; 1: it was not, DIR holds what was, if anything; 2: wrong usage.`,
		run: runCapture,
	}
}

// captureFlags are the flags of capture.
type captureFlags struct {
	probeFlags
	all            bool
	keyFile        string
	pause, maxTime string
	rows           int
	resources      int    // of Redfish
	dir            string // as it was given
}

func (f *captureFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("capture", flag.ContinueOnError)
	f.register(fs)
	fs.StringVar(&f.timeout, "timeout", "", "")
	fs.BoolVar(&f.all, "all", false, "")
	fs.StringVar(&f.keyFile, "key-file", "", "")
	fs.StringVar(&f.pause, "pause", "", "")
	fs.IntVar(&f.rows, "max-rows", capture.DefaultRows, "")
	fs.IntVar(&f.resources, "max-resources", capture.DefaultResources, "")
	fs.StringVar(&f.agent, "snmp", "", "")
	fs.BoolVar(&f.legacy, "legacy-tls", false, "")
	fs.StringVar(&f.maxTime, "max-time", "", "")
	return fs
}

// options checks the flags that say how to record.
func (f *captureFlags) options(kind collectors.Kind, target collectors.Target) (capture.Options, error) {
	opt := capture.Options{Rows: f.rows}
	if f.rows < 1 || f.rows > capture.MaxRows {
		return opt, usagef("-max-rows: %d is out of bounds; write 1 to %d", f.rows, capture.MaxRows)
	}
	if f.resources < 1 || f.resources > capture.MaxResources {
		return opt, usagef("-max-resources: %d is out of bounds; write 1 to %d", f.resources, capture.MaxResources)
	}
	var err error
	if opt.Pause, err = boundedFlag("-pause", f.pause, maxPause); err != nil {
		return opt, err
	}
	if opt.Time, err = boundedFlag("-max-time", f.maxTime, captureTimes); err != nil {
		return opt, err
	}
	switch {
	case speaksRedfish(kind) && f.all:
		return opt, usagef("-all is for what is read over SNMP; of a %s all is read that may be", kind.Name)
	case target.Credentials.SNMP():
		if opt.Subtrees, err = capture.Plan(kind, f.all); err != nil {
			return opt, err
		}
	}
	if opt.Key, err = captureKey(f.keyFile); err != nil {
		return opt, err
	}
	opt.Secrets = secretsOf(target)
	return opt, nil
}

// boundedFlag reads a duration of at most most; 0 when it was not given.
func boundedFlag(name, s string, most time.Duration) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := parseDuration(s)
	switch {
	case err != nil:
		return 0, usagef("%s: %v", name, err)
	case d <= 0 || d > most:
		return 0, usagef("%s: %s is out of bounds; write up to %s", name, s, shortDuration(most))
	}
	return d, nil
}

// captureKey reads the key file, or makes a key where none is named.
func captureKey(path string) ([]byte, error) {
	if path == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return key, nil
	}
	key, err := readAtMost(path, maxKey)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the key: %w; make one with: head -c 32 /dev/urandom > %s", err, path)
	case err != nil:
		return nil, fmt.Errorf("read the key: %w", err)
	case len(key) < scrub.MinKey || len(key) > maxKey: // it may be another file that is dear to somebody
		return nil, fmt.Errorf("the key %s: want %d to %d bytes; make one in a file of its own: head -c 32 /dev/urandom > FILE", path, scrub.MinKey, maxKey)
	}
	return key, nil
}

// secretsOf are the texts that we know ourselves: a device may repeat them.
func secretsOf(t collectors.Target) []string {
	host, _, err := splitAddress(t.Device.Address)
	if err != nil {
		host = ""
	}
	list := []string{host, t.Credentials.Community}
	if t.Credentials.User != "" {
		list = append(list, t.Credentials.User, t.Credentials.Password)
	}
	if v := t.Credentials.V3; v != nil {
		list = append(list, v.User, v.Context)
	}
	return list
}

func runCapture(ctx context.Context, t terminal, args []string) (err error) {
	var f captureFlags
	rest, err := parseFlags(f.set(), args)
	if err != nil {
		return err
	}
	if len(rest) != 3 || rest[2] == "" {
		return usagef("name a kind, an address and a folder")
	}
	kind, target, err := f.target(rest[:2])
	if err != nil {
		return err
	}
	opt, err := f.options(kind, target)
	if err != nil {
		return err
	}
	folder, err := capture.Prepare(rest[2])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Discard()) }()
	if f.dir = rest[2]; target.Credentials.User != "" {
		return captureServer(ctx, t, &f, kind, target, opt, folder)
	}
	if target.SNMP != "" { // read alone
		target.Device.Address = target.SNMP
	}
	session, err := snmp.New(target, nil)
	if err != nil {
		return err
	}
	result, err := recordWithProgress(ctx, t, session, opt)
	if err = errors.Join(err, session.Close()); err != nil {
		return fmt.Errorf("%s: nothing was read: %s: %w", target.Device.Address, collectors.ReasonOf(err), err)
	}
	about := capture.About{Version: versionText(), Kind: kind.Name, All: f.all, Keyed: f.keyFile != ""}
	// A Ctrl-C that ended the reading does not end the writing.
	unread, err := writeCapture(context.WithoutCancel(ctx), folder, kind, result, about)
	if err != nil {
		return err
	}
	if unread != nil {
		fmt.Fprintf(t.err, "note: rackpost cannot read the replay as %s: %v\n", kind.Name, unread)
	}
	fmt.Fprintf(t.out, "%s: %d objects in %d requests; look through it before you send it to anybody\n", rest[2], len(result.Recording.Rows()), result.Requests)
	return incomplete(result, rest[2])
}

// incomplete returns why a capture is not whole, or nil.
func incomplete(r *capture.Result, dir string) error {
	switch {
	case r.Whole():
		return nil
	case r.Stopped != "":
		return fmt.Errorf("not all was read: %s; %s holds what was", r.Stopped, dir)
	}
	for _, x := range r.Reads {
		if x.Reason != "" {
			return fmt.Errorf("not all was read: %s ended early (%s); %s/NOTES.txt names all that did", x.OID, x.Reason, dir)
		}
	}
	return nil
}

// recordWithProgress records, and tells how far it is when that takes long.
func recordWithProgress(ctx context.Context, t terminal, session capture.Session, opt capture.Options) (r *capture.Result, err error) {
	err = telling(t, "%d objects, %d of %d subtrees, now %s\n", func(tell func(capture.Progress)) (err error) {
		opt.Progress = tell
		r, err = capture.Record(ctx, session, opt)
		return err
	})
	return r, err
}

// telling runs do, and prints how far it is when that takes long: rows, how many of how many were asked, and what is now.
func telling(t terminal, format string, do func(tell func(capture.Progress)) error) error {
	var latest atomic.Pointer[capture.Progress]
	done, joined := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(joined)
		tick := time.NewTicker(progressPeriod)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if p := latest.Load(); p != nil {
					fmt.Fprintf(t.err, format, p.Rows, p.Done, p.Total, p.Next)
				}
			}
		}
	}()
	err := do(func(p capture.Progress) { latest.Store(&p) })
	close(done)
	<-joined
	return err
}

// writeCapture writes the files of a capture and puts them in their place. Unread is why rackpost
// itself can read nothing of it, or nil.
func writeCapture(ctx context.Context, folder *capture.Folder, kind collectors.Kind, result *capture.Result, about capture.About) (unread, err error) {
	probed, unread, err := replay(ctx, kind, result.Recording)
	if err != nil {
		return nil, fmt.Errorf("replay what was recorded: %w", err)
	}
	about.Replay = fmt.Sprintf("Its replay, read as %s: %d components, %d readings, %d gaps (probe.json).",
		kind.Name, len(probed.Components), len(probed.Samples), len(probed.Gaps))
	if unread != nil {
		about.Replay = fmt.Sprintf("rackpost cannot read its replay as %s: %v", kind.Name, unread)
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"device.snmprec", result.WriteRecording},
		{"probe.json", func(w io.Writer) error { return printJSON(w, probed) }},
		{"NOTES.txt", func(w io.Writer) error { return result.WriteNotes(w, about) }},
	} {
		if err := folder.Add(file.name, file.write); err != nil {
			return nil, err
		}
	}
	return unread, folder.Commit()
}

// replay serves a recording on loopback and visits it once, without the sections that are off.
func replay(ctx context.Context, kind collectors.Kind, rec *sim.Recording) (result probeResult, unread, err error) {
	agent, err := sim.Listen("127.0.0.1:0", sim.NewRecorded(rec), sim.AgentOptions{})
	if err != nil {
		return result, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- agent.Run(ctx) }()
	target := collectors.Target{
		Device:      hw.Device{ID: "replay", Kind: kind.Name, Address: agent.Addr().String()},
		Credentials: collectors.Credentials{Community: "public"},
		Timeout:     replayTimeout,
		Memory:      &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	}
	report, visitErr, err := visitOnce(ctx, kind, target)
	cancel()
	if err = errors.Join(err, <-served); err != nil {
		return result, nil, err
	}
	return probeResultOf(target.Device, report, visitErr), visitErr, nil
}
