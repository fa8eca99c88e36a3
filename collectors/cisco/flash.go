package cisco

import (
	"strings"

	"rackpost/hw"
)

const (
	flashDevice    = ciscoMgmt + "10.1.1.2.1."
	flashPartition = ciscoMgmt + "10.1.1.4.1.1."
)

func flashGroups() []*group { return []*group{&flashGroup, &flashDeviceGroup} }

// The places of the objects of flashGroup.
const (
	flashName = iota
	flashSize
	flashFree
)

var flashGroup = group{
	section: sectionFlash, component: "flash/<ciscoFlashPartitionName>", mib: "CISCO-FLASH-MIB", kinds: catalystOnly,
	objects: []object{
		{
			name: "ciscoFlashPartitionName", oid: flashPartition + "10", use: attribute, as: "name",
			note: "where empty or not unique, with the device's name; then the index of the row is added. The list of files is never read",
		},
		flashBytes("ciscoFlashPartitionSizeExtended", "13", "size_bytes", "ciscoFlashPartitionSize", "4"),
		flashBytes("ciscoFlashPartitionFreeSpaceExtended", "14", "free_bytes", "ciscoFlashPartitionFreeSpace", "5"),
	},
}

var flashDeviceGroup = group{
	section: sectionFlash, component: "flash/<ciscoFlashPartitionName>", mib: "CISCO-FLASH-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "ciscoFlashDeviceName", oid: flashDevice + "7", note: "only where the names of partitions are not unique"},
	},
}

func flashBytes(name, column, as, narrow, narrowColumn string) object {
	return object{
		name: name, oid: flashPartition + column, use: sensor, as: as,
		other: &object{
			name: narrow, oid: flashPartition + narrowColumn, use: sensor, as: as, max: max32, latch: true,
			note: "32 bits, only where the device has no 64-bit column; at its top it is no value",
		},
	}
}

// readFlash reads the partitions of the flash file systems.
func (c *collector) readFlash(v *visit) {
	g, ok := c.read(v, &flashGroup)
	if !ok {
		return
	}
	var rows []int
	var names []string
	for _, row := range g.rows() {
		name, reason := g.text(row, flashName)
		if g.amiss(flashName, reason) || strings.Count(g.index[row], ".") != 1 {
			v.limit(sectionFlash, hw.Partial)
			continue
		}
		rows, names = append(rows, row), append(names, name)
	}
	labels := append([]string(nil), names...)
	if !c.nameFlash(v, g, rows, names) {
		return
	}
	for i, row := range rows {
		p := hw.Component{Path: "flash/" + names[i], Section: sectionFlash, Attrs: hw.Attrs{}.With("name", labels[i])}
		if flashSamples(v, g, row, p.Path) {
			p.Health = hw.OK
		}
		v.component(p)
	}
}

// nameFlash makes the names of partitions unique. It is false if what would name them was
// not read whole.
func (c *collector) nameFlash(v *visit, g *grid, rows []int, names []string) bool {
	var devices *grid
	if twins(names) || hasEmpty(names) {
		var ok bool
		if devices, ok = c.read(v, &flashDeviceGroup); !ok || !devices.wholeAll() {
			v.limit(sectionFlash, hw.Partial)
			return false
		}
	}
	labels := append([]string(nil), names...)
	distinguish(names, func(i int) []string {
		index := g.index[rows[i]]
		device, _, _ := strings.Cut(index, ".")
		of := ""
		if row, ok := devices.at[device]; ok {
			of, _ = devices.text(row, 0)
		}
		return []string{strings.Trim(pathName(of)+"/"+pathName(labels[i]), "/"), "#" + index}
	})
	return true
}

func hasEmpty(names []string) bool {
	for _, n := range names {
		if pathName(n) == "" {
			return true
		}
	}
	return false
}

// flashSamples adds the sizes of a partition and reports whether one is known. More free
// than there is cannot be: then neither is believed.
func flashSamples(v *visit, g *grid, row int, path string) bool {
	size, noSize := g.number(row, flashSize)
	free, noFree := g.number(row, flashFree)
	if noSize == "" && noFree == "" && free > size {
		noSize, noFree = hw.Inconsistent, hw.Inconsistent
	}
	v.gauge(path, flashGroup.objects[flashSize].as, float64(size), noSize)
	v.gauge(path, flashGroup.objects[flashFree].as, float64(free), noFree)
	return noSize == "" || noFree == ""
}
