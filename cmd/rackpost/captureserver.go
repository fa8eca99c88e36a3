package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"rackpost/collectors"
	"rackpost/collectors/capture"
	"rackpost/collectors/redfish"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// captureServer records a server over Redfish and, where there are credentials for that, over SNMP beside.
func captureServer(ctx context.Context, t terminal, f *captureFlags, kind collectors.Kind, target collectors.Target, opt capture.Options, folder *capture.Folder) error {
	if err := mayLogin(ctx, target); err != nil {
		return err
	}
	client, err := redfish.New(redfish.Config{
		Address: target.Device.Address, User: target.Credentials.User, Password: target.Credentials.Password,
		LegacyTLS: target.LegacyTLS, LeaveSessions: true, Pins: target.Memory, Timeout: target.Timeout, Rate: target.Rate, Logger: target.Logger,
	})
	if err != nil {
		return err
	}
	var session capture.Session
	if target.Credentials.SNMP() && speaksSNMP(kind) {
		agent := target
		if agent.Device.Address, err = agentOf(target); err != nil {
			return err
		}
		s, err := snmp.New(agent, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		session = s
	}
	so := capture.ServerOptions{
		Tree: capture.TreeOptions{Time: opt.Time, Pause: opt.Pause, Resources: f.resources}, SNMP: opt, Key: opt.Key, Secrets: opt.Secrets,
	}
	var result *capture.ServerResult
	err = telling(t, "%d resources, %d of at least %d, now %s\n", func(tell func(capture.Progress)) (err error) {
		so.Tree.Progress = tell
		result, err = capture.RecordServer(ctx, client, session, so)
		return err
	})
	noteLogin(ctx, target, err)
	// The session is ended though Ctrl-C ended the reading.
	ctx = context.WithoutCancel(ctx)
	closeErr := client.Close(ctx)
	if err != nil {
		return fmt.Errorf("%s: nothing was read: %s: %w", target.Device.Address, collectors.ReasonOf(err), errors.Join(err, closeErr))
	}
	if closeErr != nil {
		fmt.Fprintf(t.err, "note: the session stays open on the device until it times out: %s\n", plain(closeErr.Error()))
	}
	about := capture.About{Version: versionText(), Kind: kind.Name, All: f.all, Keyed: f.keyFile != ""}
	unread, err := writeServer(ctx, folder, kind, result, about)
	if err != nil {
		return err
	}
	if unread != nil {
		fmt.Fprintf(t.err, "note: rackpost cannot read the replay as %s: %s\n", kind.Name, plain(unread.Error()))
	}
	return serverTold(t, result, f.dir)
}

// serverTold prints what was captured, and returns why it is not whole.
func serverTold(t terminal, r *capture.ServerResult, dir string) error {
	objects := ""
	if r.SNMP != nil {
		objects = fmt.Sprintf(" and %d objects of SNMP", len(r.SNMP.Recording.Rows()))
	}
	fmt.Fprintf(t.out, "%s: %d resources%s; look through it before you send it to anybody\n", dir, len(r.Tree.Documents), objects)
	switch {
	case r.Tree.Stopped != "":
		return fmt.Errorf("not all was read: %s; %s holds what was", r.Tree.Stopped, dir)
	case r.SNMPError != nil:
		return fmt.Errorf("nothing was read over SNMP: %s: %w; %s holds what Redfish told", collectors.ReasonOf(r.SNMPError), r.SNMPError, dir)
	case r.SNMP != nil && !r.SNMP.Whole():
		return incomplete(r.SNMP, dir)
	case !r.Tree.Whole():
		return fmt.Errorf("not all was read: %s/NOTES.txt names what could not be", dir)
	}
	return nil
}

// agentOf returns where the SNMP agent beside Redfish is.
func agentOf(t collectors.Target) (string, error) {
	if t.SNMP != "" {
		return t.SNMP, nil
	}
	host, _, err := splitAddress(t.Device.Address)
	return joinAddress(host, ""), err
}

// writeServer writes the files of a capture and puts them in their place. Unread is why rackpost itself can read
// nothing of it, or nil.
func writeServer(ctx context.Context, folder *capture.Folder, kind collectors.Kind, r *capture.ServerResult, about capture.About) (unread, err error) {
	if err := r.Tree.WriteTo(folder); err != nil {
		return nil, err
	}
	if r.SNMP != nil {
		if err := folder.Add("device.snmprec", r.SNMP.WriteRecording); err != nil {
			return nil, err
		}
	}
	var recording *sim.Recording
	if r.SNMP != nil {
		recording = r.SNMP.Recording
	}
	probed, unread, err := replayServer(ctx, kind, folder.Path(), recording)
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
		{"probe.json", func(w io.Writer) error { return printJSON(w, probed) }},
		{"NOTES.txt", func(w io.Writer) error { return r.WriteNotes(w, about) }},
	} {
		if err := folder.Add(file.name, file.write); err != nil {
			return nil, err
		}
	}
	return unread, folder.Commit()
}

// replayRate is fast: it is ourselves.
const replayRate = 1e6

// replayServer serves a recorded tree on loopback, with the SNMP agent beside if there is one, and visits it once.
func replayServer(ctx context.Context, kind collectors.Kind, dir string, beside *sim.Recording) (result probeResult, unread, err error) {
	b, err := bmc.NewRecorded(dir, bmc.Options{})
	if err != nil {
		return result, nil, err
	}
	served, err := bmc.Listen("127.0.0.1:0", b)
	if err != nil {
		return result, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	user, password := b.Account()
	target := collectors.Target{
		Device:      hw.Device{ID: "replay", Kind: kind.Name, Address: served.Addr().String()},
		Credentials: collectors.Credentials{User: user, Password: password}, Rate: replayRate, Once: true,
		Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	}
	running := []func(context.Context) error{served.Run}
	if beside != nil {
		agent, err := sim.Listen("127.0.0.1:0", sim.NewRecorded(beside), sim.AgentOptions{})
		if err != nil {
			return result, nil, errors.Join(err, served.Close())
		}
		target.SNMP, target.Credentials.Community = agent.Addr().String(), "public"
		running = append(running, agent.Run)
	}
	done := make(chan error, len(running))
	for _, run := range running {
		go func() { done <- run(ctx) }()
	}
	report, visitErr, err := visitOnce(ctx, kind, target)
	cancel()
	for range running {
		err = errors.Join(err, <-done)
	}
	if err != nil {
		return result, nil, err
	}
	return probeResultOf(target.Device, report, visitErr), visitErr, nil
}
