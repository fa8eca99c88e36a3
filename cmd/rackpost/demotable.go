package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"rackpost/replicate/mode"
	"rackpost/web"
)

// memberLook is what a member of the demo tells at one moment.
type memberLook struct {
	*labMember
	pid     int
	pair    web.Pair
	status  web.Status
	devices []web.Device
	err     error // why it tells nothing
}

// look asks every member at once.
func (l *demoLab) look(ctx context.Context) []memberLook {
	out := make([]memberLook, len(l.members))
	var tasks sync.WaitGroup
	for i, m := range l.members {
		tasks.Go(func() { out[i] = m.look(ctx) })
	}
	tasks.Wait()
	return out
}

func (m *labMember) look(ctx context.Context) memberLook {
	v := memberLook{labMember: m, pid: m.pid()}
	if v.pid == 0 {
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, redraw)
	defer cancel()
	if v.err = m.client.get(ctx, pairPath, nil, &v.pair); v.err != nil || m.role == mode.Witness {
		return v
	}
	if v.err = m.client.get(ctx, "/status", nil, &v.status); v.err == nil {
		var answer statusResult
		v.err = m.client.get(ctx, "/devices", nil, &answer)
		v.devices = answer.Devices
	}
	return v
}

// paint writes the table: the members, and the devices as the box knows them that knows the newest.
func (l *demoLab) paint(ctx context.Context, w io.Writer) error {
	looks := l.look(ctx)
	fmt.Fprintf(w, "\n%s\n", time.Now().Format(time.TimeOnly))
	if err := printLooks(w, looks); err != nil {
		return err
	}
	l.paintHQ(ctx, w)
	best := freshest(looks)
	if best == nil {
		_, err := fmt.Fprintln(w, "\nno box answers")
		return err
	}
	fmt.Fprintf(w, "\ndevices, as %s knows them:\n", best.name)
	return printDevices(w, best.devices, false)
}

// freshest is the box whose oldest knowledge of a device is the youngest.
func freshest(looks []memberLook) *memberLook {
	var best *memberLook
	least := 0.0
	for i := range looks {
		x := &looks[i]
		if len(x.devices) == 0 {
			continue
		}
		oldest := 0.0
		for _, d := range x.devices {
			if d.Age == nil {
				oldest = time.Hour.Seconds()
			} else {
				oldest = max(oldest, *d.Age)
			}
		}
		if best == nil || oldest < least {
			best, least = x, oldest
		}
	}
	return best
}

func printLooks(w io.Writer, looks []memberLook) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "MEMBER\tPID\tMODE\tJOURNAL\tOLDEST DATA\tMAY\n")
	for _, x := range looks {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", x.name, x.process(), x.standing(), x.journal(), x.oldest(), x.may())
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, x := range looks {
		for _, a := range x.pair.Alarms {
			fmt.Fprintf(w, "  %s: %s\n", x.name, plain(a.Text))
		}
	}
	return nil
}

func (x *memberLook) process() string {
	if x.pid == 0 {
		return "-"
	}
	return fmt.Sprint(x.pid)
}

func (x *memberLook) standing() string {
	switch {
	case x.pid == 0:
		left := time.Until(time.Unix(0, x.again.Load())).Round(time.Second)
		return fmt.Sprintf("dead; started again in %s", shortDuration(max(left, 0)))
	case x.err != nil:
		return "starting"
	case x.pair.Authority:
		return x.pair.Self.Mode + " (leads)"
	}
	return x.pair.Self.Mode
}

func (x *memberLook) may() string {
	switch {
	case x.pid == 0 || x.err != nil:
		return "-"
	case x.role == mode.Witness:
		return "vote"
	case len(x.pair.Powers) == 0:
		return "nothing"
	}
	return strings.Join(x.pair.Powers, " ")
}

// journal tells how far the journal is behind the other box's.
func (x *memberLook) journal() string {
	if x.role == mode.Witness || x.pid == 0 || x.err != nil {
		return "-"
	}
	i := slices.IndexFunc(x.pair.Members, func(m web.PairMember) bool { return m.Role == mode.Box.String() })
	if i < 0 || x.pair.Members[i].Journal == nil {
		return x.size() + ", alone"
	}
	switch j := x.pair.Members[i].Journal; {
	case !j.Connected:
		return x.size() + ", not exchanged"
	case j.Lacks.Batches == 0 || j.CaughtUp:
		return x.size() + ", has all"
	default:
		return x.size() + ", " + behindWords(j.Lacks) + " behind"
	}
}

func (x *memberLook) size() string { return web.Bytes(x.status.Journal.Bytes) }

func (x *memberLook) oldest() string {
	if len(x.devices) == 0 {
		return "-"
	}
	return strings.TrimPrefix(oldest(x.devices), "oldest data ")
}
