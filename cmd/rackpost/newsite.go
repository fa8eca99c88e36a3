package main

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
)

// newSite is a site.yaml without devices, with the credentials of the flags.
func newSite(f *discoverFlags) ([]byte, error) {
	if _, err := f.credentials(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(f.site))
	if err != nil {
		return nil, err
	}
	secret := func(path string) string {
		if full, err := filepath.Abs(path); err == nil {
			path = full
		}
		if inside, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(inside) {
			path = inside
		}
		return "{file: " + yamlText(path) + "}"
	}
	var b strings.Builder
	id := make([]byte, 16)
	rand.Read(id) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	fmt.Fprintf(&b, "# After a change: rackpost check %s\n\nsite:\n  id: %x-%x-%x-%x-%x\n  name: %s\n\n", printable(filepath.Base(f.site)), id[:4], id[4:6], id[6:8], id[8:10], id[10:], yamlText(printable(f.create)))
	fmt.Fprintf(&b, "# Secrets are never written here, only where they are kept.\ncredentials:\n  %s:\n", f.login())
	if f.user != "" {
		fmt.Fprintf(&b, "    user: %s\n    password: %s\n", yamlText(f.user), secret(f.passwordFile))
	}
	switch {
	case f.communityFile != "":
		fmt.Fprintf(&b, "    community: %s\n", secret(f.communityFile))
	case f.v3.User != "":
		if f.user == "" {
			fmt.Fprintf(&b, "    user: %s\n", yamlText(f.v3.User))
		}
		if f.authFile != "" {
			fmt.Fprintf(&b, "    auth: {protocol: %s, key: %s}\n", yamlText(f.v3.AuthProtocol), secret(f.authFile))
		}
		if f.privFile != "" {
			fmt.Fprintf(&b, "    priv: {protocol: %s, key: %s}\n", yamlText(f.v3.PrivProtocol), secret(f.privFile))
		}
		if f.v3.Context != "" {
			fmt.Fprintf(&b, "    context: %s\n", yamlText(f.v3.Context))
		}
	}
	b.WriteString("\ndevices: []\n")
	return []byte(b.String()), nil
}
