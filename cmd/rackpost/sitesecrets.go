package main

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"rackpost/collectors/all"
)

// sealing is what makes a site.yaml of one machine that of a pair: every secret it names by file,
// environment or credential has a name in the pair.
type sealing struct {
	file    string
	data    []byte
	env     secretSource
	secrets map[string]string // what is to be kept, by name
	byWhere map[string]string // the name of a file, variable or credential
}

// secretPlace is where a site.yaml names a secret: credentials.switches.community, whose value is
// one key and one word.
type secretPlace struct {
	owner, role string // switches, community
	key, value  place  // of the key file, env or credential, and of the word after it
	sort, where string // file, community.txt
}

// sealSecrets returns a site.yaml in which every secret of this machine is {secret: NAME}, written at the
// place where it was named, all else byte for byte as it was, and the secrets by name. It
// fails, with each place, where a secret cannot be read.
func sealSecrets(file string, data []byte, env secretSource) ([]byte, map[string]string, error) {
	before, _, err := parseSite(file, data, all.Kinds(), env)
	if err != nil {
		return nil, nil, err
	}
	s := &sealing{file: file, data: data, env: env, secrets: map[string]string{}, byWhere: map[string]string{}}
	places, err := findSecrets(file, data)
	if err != nil {
		return nil, nil, err
	}
	lines := strings.SplitAfter(string(data), "\n")
	for _, p := range slices.Backward(places) { // so that the columns of the others on a line hold
		if p.sort == "secret" {
			continue
		}
		name, err := s.keep(p)
		if err != nil {
			return nil, nil, err
		}
		if err := replaceSecret(lines, p, name); err != nil {
			return nil, nil, err
		}
	}
	after := []byte(strings.Join(lines, ""))
	env.sealed, env.shared = s.open, true
	got, _, err := parseSite(file, after, all.Kinds(), env)
	if err == nil {
		err = sameSite(before, got)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("write the secrets of %s as {secret: NAME}: %w", file, err)
	}
	return after, s.secrets, nil
}

// open is where the names come from while the new file is checked.
func (s *sealing) open(name string) (string, error) {
	if v, ok := s.secrets[name]; ok {
		return v, nil
	}
	return s.env.sealed(name) // of which parseSite made sure
}

// keep gives the secret at p a name.
func (s *sealing) keep(p secretPlace) (string, error) {
	c := &checker{env: s.env, dir: filepath.Dir(s.file)}
	raw := rawSecret{At: p.key}
	word := text{s: p.where, at: p.value}
	switch p.sort {
	case "file":
		raw.File = word
	case "env":
		raw.Env = word
	default:
		raw.Credential = word
	}
	value := c.secret(raw)
	if err := c.problems.err(); err != nil {
		return "", err
	}
	where := p.sort + " " + p.where
	if name, known := s.byWhere[where]; known {
		return name, nil
	}
	name := s.name(p)
	s.byWhere[where], s.secrets[name] = name, value
	return name, nil
}

// name makes a name of the credential's own, else of whose secret it is.
func (s *sealing) name(p secretPlace) string {
	base := idOf(p.owner + "-" + p.role)
	if p.sort == "credential" && idPattern.MatchString(p.where) {
		base = p.where
	}
	name := base
	for n := 2; s.secrets[name] != "" || name == credentialSecret; n++ {
		name = fmt.Sprintf("%.58s-%d", base, n)
	}
	return name
}

// findSecrets returns where the file names secrets, in its order.
func findSecrets(file string, data []byte) ([]secretPlace, error) {
	d := &decoder{file: file}
	body := d.parse(data)
	if body == nil {
		return nil, d.problems.err()
	}
	var found []secretPlace
	for _, credentials := range entries(body) {
		if keyText(credentials) != "credentials" {
			continue
		}
		for _, owner := range entries(credentials.Value) {
			for _, e := range entries(owner.Value) {
				found = append(found, d.secretsIn(keyText(owner), e)...)
			}
		}
	}
	slices.SortFunc(found, func(a, b secretPlace) int {
		return cmp.Or(cmp.Compare(a.key.line, b.key.line), cmp.Compare(a.key.column, b.key.column))
	})
	return found, nil
}

// secretsIn returns the secrets under one key of credentials: password and community, and the key of
// auth and priv.
func (d *decoder) secretsIn(owner string, e *ast.MappingValueNode) []secretPlace {
	role := keyText(e)
	switch role {
	case "password", "community":
		return d.secretAt(owner, role, e.Value)
	case "auth", "priv":
		for _, k := range entries(e.Value) {
			if keyText(k) == "key" {
				return d.secretAt(owner, role, k.Value)
			}
		}
	}
	return nil
}

func (d *decoder) secretAt(owner, role string, n ast.Node) []secretPlace {
	var found []secretPlace
	for _, e := range entries(n) {
		value, scalar := e.Value.(ast.ScalarNode)
		if !scalar {
			continue
		}
		where := value.GetToken().Value
		switch x := e.Value.(type) {
		case *ast.StringNode:
			where = x.Value
		case *ast.LiteralNode:
			where = strings.TrimRight(x.Value.Value, "\n")
		}
		found = append(found, secretPlace{owner: owner, role: role, sort: keyText(e), where: where,
			key: d.placeOf(e.Key.GetToken(), place{d.file, 1, 1}), value: d.placeOf(value.GetToken(), place{d.file, 1, 1})})
	}
	return found
}

// entries are the keys and values of a mapping; of anything else there are none.
func entries(n ast.Node) []*ast.MappingValueNode {
	switch x := n.(type) {
	case *ast.MappingNode:
		return x.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{x}
	}
	return nil
}

func keyText(e *ast.MappingValueNode) string { return e.Key.GetToken().Value }

// replaceSecret writes secret: name where p stands in lines.
func replaceSecret(lines []string, p secretPlace, name string) error {
	wrong := problem{p.key, "this cannot be rewritten as {secret: " + name + "}; write key and value on one line: " + p.sort + ": " + p.where}
	if p.key.line > len(lines) || p.value.line != p.key.line {
		return wrong
	}
	line := []rune(lines[p.key.line-1]) // columns count characters
	from, at := p.key.column-1, p.value.column-1
	if from > len(line) || at > len(line) || at < from {
		return wrong
	}
	length := scalarLength(string(line[at:]), p.where)
	if length == 0 || !strings.HasPrefix(strings.Trim(string(line[from:at]), `"'`), p.sort) {
		return wrong
	}
	lines[p.key.line-1] = string(line[:from]) + "secret: " + name + string(line[at+length:])
	return nil
}

// scalarLength returns how many characters the scalar takes that begins rest and reads value; 0 if it is
// not seen.
func scalarLength(rest, value string) int {
	if rest == "" {
		return 0
	}
	quote := rest[0]
	if quote != '"' && quote != '\'' {
		if strings.HasPrefix(rest, value) {
			return len([]rune(value))
		}
		return 0
	}
	runes := []rune(rest)
	for i := 1; i < len(runes); i++ {
		switch {
		case quote == '"' && runes[i] == '\\':
			i++
		case runes[i] != rune(quote):
		case quote == '\'' && i+1 < len(runes) && runes[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// sameSite says what of a site is not as it was.
func sameSite(before, after siteConfig) error {
	if err := sameDevices(before, after, nil); err != nil {
		return err
	}
	for i, d := range after.devices {
		if b := before.devices[i]; !reflect.DeepEqual(b.Target, d.Target) {
			return fmt.Errorf("the credentials of %s would be others", d.Target.Device.ID)
		}
	}
	if !reflect.DeepEqual(before.logins, after.logins) || !slices.Equal(before.customers, after.customers) || !slices.Equal(before.racks, after.racks) {
		return fmt.Errorf("the credentials would be others")
	}
	return nil
}

// secretNames are the names of secrets that a site.yaml asks the pair for, sorted, each once.
func secretNames(file string, data []byte) []string {
	places, err := findSecrets(file, data)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for _, p := range places {
		if p.sort == "secret" {
			names[p.where] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
