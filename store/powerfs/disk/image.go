package disk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Load puts a folder's content on the disk, synced. It is called before Mount.
func (d *Disk) Load(from string) error {
	return d.loadFolder(d.root, from)
}

func (d *Disk) loadFolder(f *folder, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		o, err := d.loadObject(filepath.Join(from, e.Name()), e)
		if err != nil {
			return err
		}
		f.live[e.Name()], f.durable[e.Name()] = o, o
	}
	return nil
}

func (d *Disk) loadObject(path string, e os.DirEntry) (object, error) {
	switch {
	case e.IsDir():
		f := newFolder()
		return f, d.loadFolder(f, path)
	case e.Type().IsRegular():
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := newFile()
		f.live, f.durable, f.shortest = b, slices.Clone(b), int64(len(b))
		d.used += int64(len(b))
		return f, nil
	default:
		return nil, fmt.Errorf("%s is neither a file nor a folder", path)
	}
}

// Write puts the durable state into an ordinary folder.
func (d *Disk) Write(to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.root.write(to)
}

func (f *folder) write(to string) error {
	for _, name := range sortedNames(f.durable) {
		path := filepath.Join(to, name)
		switch o := f.durable[name].(type) {
		case *folder:
			if err := os.Mkdir(path, 0o700); err != nil {
				return err
			}
			if err := o.write(path); err != nil {
				return err
			}
		case *file:
			if err := os.WriteFile(path, o.durable, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedNames(names map[string]object) []string { return slices.Sorted(maps.Keys(names)) }
