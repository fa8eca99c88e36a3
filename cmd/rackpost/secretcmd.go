package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

func secretCommand() command {
	return command{
		name: "secret",
		args: "set NAME | list | remove NAME",
		does: "the secrets that a pair keeps for its site.yaml: {secret: NAME}",
		help: `  set NAME      read the secret from standard input, one line, and keep it sealed for both boxes
  list          the names, who set them when, and whether the newest site.yaml asks for them; never the secrets
  remove NAME   forget one that the newest site.yaml does not ask for

  -json         print one JSON object; with list
  -socket PATH  of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

rackpost secret set core-community < community. A secret that site.yaml asks for is used anew at once. The
witness gets none. A box in no pair keeps its secrets in files, the environment or credentials of systemd.`,
		run: runSecret,
	}
}

// keptSecret is an item of GET /api/v1/secrets.
type keptSecret struct {
	Name string    `json:"name"`
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
	Used bool      `json:"used"`              // the newest site.yaml asks for it
	Lost string    `json:"problem,omitempty"` // why this box cannot open it
}

type keptSecrets struct {
	Secrets []keptSecret `json:"secrets"`
}

// secretOrder is the body of POST /api/v1/secrets/NAME.
type secretOrder struct {
	Value  string `json:"value"`
	Remove bool   `json:"remove,omitempty"`
}

const secretsPath = "/secrets"

func runSecret(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("secret", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	c := newClient(*socket)
	switch {
	case len(rest) == 1 && rest[0] == "list":
		return listSecrets(ctx, c, t.out, *asJSON)
	case *asJSON:
		return usagef("-json goes with list")
	case len(rest) != 2 || rest[0] != "set" && rest[0] != "remove":
		return usagef("say set NAME, remove NAME or list")
	case !idPattern.MatchString(rest[1]):
		return usagef("%q is no name of a secret; write small letters, digits, dots, hyphens and underscores, at most 64, such as core-community", shorten(rest[1]))
	case rest[0] == "remove":
		if err := c.post(ctx, secretsPath+"/"+rest[1], secretOrder{Remove: true}, &struct{}{}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "%s is forgotten\n", rest[1])
		return err
	}
	value, err := readSecret(t)
	if err != nil {
		return err
	}
	if err := c.post(ctx, secretsPath+"/"+rest[1], secretOrder{Value: value}, &struct{}{}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is kept; in site.yaml it is {secret: %s}\n", rest[1], rest[1])
	return err
}

func listSecrets(ctx context.Context, c *client, w io.Writer, asJSON bool) error {
	var list keptSecrets
	if err := c.get(ctx, secretsPath, nil, &list); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, list)
	}
	if len(list.Secrets) == 0 {
		_, err := fmt.Fprintln(w, "none; rackpost secret set NAME < FILE keeps one")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "NAME\tSET\tBY\tSITE.YAML\n")
	for _, s := range list.Secrets {
		used := "does not ask for it"
		if s.Used {
			used = "asks for it"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s%s\n", s.Name, s.At.Local().Format(time.DateTime), plain(s.Who), used, within("; ", plain(s.Lost)))
	}
	return tw.Flush()
}

// readSecret reads one line. A terminal does not show what is typed.
func readSecret(t terminal) (string, error) {
	if f, ok := t.in.(*os.File); ok {
		if restore, err := hideTyping(int(f.Fd())); err == nil {
			defer restore()
			fmt.Fprint(t.err, "secret: ")
			defer fmt.Fprintln(t.err)
		}
	}
	in := bufio.NewReader(io.LimitReader(t.in, maxSecret+2))
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	s := strings.TrimRight(line, "\r\n")
	switch {
	case s == "":
		return "", usagef("standard input is empty; write rackpost secret set NAME < FILE")
	case len(s) > maxSecret:
		return "", usagef("the secret has more than %d bytes; it is one line", maxSecret)
	case in.Buffered() > 0:
		return "", usagef("standard input has more than one line; a secret is one line")
	case strings.ContainsRune(s, 0):
		return "", usagef("the secret has a zero byte")
	}
	return s, nil
}

// hideTyping switches the echo of a terminal off until restore is called.
func hideTyping(fd int) (restore func(), err error) {
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	silent := *was
	silent.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &silent); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, was) }, nil
}
