package parts

import (
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Processors tells CPUs as cpu/<id>, GPUs as gpu/<id> and other accelerators as accelerator/<id>. One that
// is gone is missed.
func Processors(section string, m redfish.Members[redfish.Processor]) Found {
	return Members(m, func(path string, x redfish.Processor) (Part, bool) {
		id := idOf(path, x.Resource)
		p := made(section, processorPrefix(x.ProcessorType, id), id, x.Status)
		p.Expected = true
		p.State = p.State.With(raid.KeyState, kebab(x.Status.State))
		p.attr(raid.KeyModel, x.Model, raid.KeyManufacturer, x.Manufacturer, raid.KeySerial, x.SerialNumber, raid.KeyPartNumber, x.PartNumber)
		p.count("cores", x.TotalCores)
		p.count("cores_enabled", x.TotalEnabledCores)
		p.count("threads", x.TotalThreads)
		p.number("max_speed_mhz", x.MaxSpeedMHz, 1)
		p.number("speed_mhz", x.OperatingSpeedMHz, 1)
		return p, !absent(x.Status)
	})
}

// processorPrefix is the sort of a processor. Where the type is not told the id does: some services leave it out.
func processorPrefix(kind, id string) string {
	id = strings.ToLower(id)
	if !isName(kind) {
		kind = ""
	}
	switch {
	case kind == "CPU" || kind == "Core" || kind == "Thread":
		return "cpu/"
	case kind == "GPU":
		return "gpu/"
	case kind != "":
		return "accelerator/"
	case strings.Contains(id, "gpu"), strings.Contains(id, "video"):
		return "gpu/"
	}
	return "cpu/"
}

// idOf is the id of a member of a collection.
func idOf(path string, r redfish.Resource) string {
	for _, id := range []string{Last(path), Last(r.Path), r.ID} {
		if id != "" {
			return id
		}
	}
	return ""
}

// Memory tells DIMMs as dimm/<id>. An empty slot is no part; one that is gone is missed.
func Memory(section string, m redfish.Members[redfish.Memory], n Names) Found {
	return Members(m, func(path string, x redfish.Memory) (Part, bool) {
		id := idOf(path, x.Resource)
		if n.Memory != nil {
			id = n.Memory(id, x)
		}
		p := made(section, "dimm/", id, x.Status)
		p.Expected = true
		p.attr(raid.KeyName, x.DeviceLocator, "type", strings.ToLower(x.MemoryDeviceType), raid.KeyManufacturer, x.Manufacturer, raid.KeySerial, x.SerialNumber, raid.KeyPartNumber, x.PartNumber)
		p.number("speed_mhz", x.OperatingSpeedMhz, 1)
		p.count("ranks", x.RankCount)
		mib := x.CapacityMiB
		if mib != nil && *mib > 0 && *mib < 1<<40 {
			p.Attrs = p.Attrs.With(raid.KeySizeBytes, strconv.FormatInt(*mib<<20, 10))
		}
		empty := mib != nil && *mib == 0 && p.Health < hw.Warning
		return p, !absent(x.Status) && !empty
	})
}
