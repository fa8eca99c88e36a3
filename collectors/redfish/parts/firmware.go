package parts

import (
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// Firmware tells what is installed as firmware/<id>. Dell lists an item up to four times, as
// Installed-159-1.8.2__BIOS.Setup.1-1, Current-..., Previous-... and Available-...: the first is told, by what it is
// installed on; the second where there is no first; the others are not installed.
func Firmware(section string, m redfish.Members[redfish.SoftwareInventory]) Found {
	installed := map[string]bool{}
	for _, item := range m.Items {
		if state, target := inventoryID(idOf(item.Path, item.Value.Resource)); state == "Installed" {
			installed[target] = true
		}
	}
	return Members(m, func(path string, x redfish.SoftwareInventory) (Part, bool) {
		state, id := inventoryID(idOf(path, x.Resource))
		p := made(section, "firmware/", id, x.Status)
		p.attr(raid.KeyName, x.Name, "version", x.Version, raid.KeyManufacturer, x.Manufacturer, "component_id", string(x.SoftwareID))
		if t, ok := redfish.Time(x.ReleaseDate); ok {
			p.Attrs = p.Attrs.With("released", t.Format("2006-01-02"))
		}
		if x.Updateable != nil {
			p.Attrs = p.Attrs.With("updateable", map[bool]string{true: raid.Yes, false: raid.No}[*x.Updateable])
		}
		there := state == "" || state == "Installed" || state == "Current" && !installed[id]
		return p, there && !absent(x.Status)
	})
}

// inventoryID takes an id of Dell's apart; of others the state is empty.
func inventoryID(id string) (state, target string) {
	head, target, ok := strings.Cut(id, "__")
	state, _, dash := strings.Cut(head, "-")
	switch state {
	case "Installed", "Current", "Previous", "Available":
		if ok && dash && target != "" {
			return state, target
		}
	}
	return "", id
}
