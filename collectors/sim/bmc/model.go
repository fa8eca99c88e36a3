package bmc

import "fmt"

// model is a sort of server that the simulator makes up, or what is known of a recorded one.
type model struct {
	name, short, kind string
	server            string // the product's name
	generation        string
	dell              int // generation of the iDRAC, 8 to 10; 0 is another maker's
	firmware, redfish string
	bios              string
	sessions          string // path of the session collection
	registry          string // prefix of message ids
	expandAll         bool   // $expand=* is served, not $expand=. alone
	noExpand          bool
	page              int // entries of a log in one answer
	parts             func() hardware
	build             func(*model, tree, *state)
}

const (
	root        = "/redfish/v1"
	systemPath  = root + "/Systems/System.Embedded.1"
	chassisPath = root + "/Chassis/System.Embedded.1"
	managerPath = root + "/Managers/iDRAC.Embedded.1"
	sessionPath = root + "/SessionService/Sessions"
)

// models are all there are.
var models = []model{
	{
		name: "poweredge-r740", short: "r740", kind: "dell-idrac", server: "PowerEdge R740", generation: "14G Monolithic", dell: 9,
		firmware: "7.00.00.172", redfish: "1.17.0", bios: "2.21.2", sessions: sessionPath, registry: "IDRAC.2.8", expandAll: true, page: 50,
		parts: r740, build: (*model).dellTree,
	},
	{
		name: "poweredge-r750", short: "r750", kind: "dell-idrac", server: "PowerEdge R750", generation: "15G Monolithic", dell: 9,
		firmware: "7.10.30.00", redfish: "1.18.0", bios: "1.14.1", sessions: sessionPath, registry: "IDRAC.2.9", expandAll: true, page: 50,
		parts: r750, build: (*model).dellTree,
	},
	{
		name: "poweredge-r770", short: "r770", kind: "dell-idrac", server: "PowerEdge R770", generation: "17G Monolithic", dell: 10,
		firmware: "1.30.10.50", redfish: "1.20.1", bios: "1.3.2", sessions: sessionPath, registry: "IDRAC.2.10", expandAll: true, page: 50,
		parts: r770, build: (*model).dell10Tree,
	},
	{
		name: "poweredge-r630", short: "r630", kind: "dell-idrac", server: "PowerEdge R630", generation: "13G Monolithic", dell: 8,
		firmware: "2.83.83.83", redfish: "1.4.0", bios: "2.19.0", sessions: root + "/Sessions", registry: "IDRAC.1.6", expandAll: true, page: 50,
		parts: r630, build: (*model).dellTree,
	},
	{
		name: "proliant-dl380", short: "dl380", kind: "redfish", server: "ProLiant DL380 Gen10", generation: "Gen10",
		firmware: "iLO 5 v2.72", redfish: "1.6.0", bios: "U30 v2.76 (02/09/2023)", sessions: sessionPath, registry: "iLO.2.15", page: 50,
		parts: dl380, build: (*model).hpeTree,
	},
}

const (
	gigabyte = 1_000_000_000
	internal = "Enclosure.Internal.0-1"
	battery  = "Ready"
)

func bays(n int) []fan {
	var f []fan
	for i := 1; i <= n; i++ {
		f = append(f, fan{name: fmt.Sprintf("System Board Fan%d", i)})
	}
	return f
}

// sataSSD and nearline are drives of our making behind a RAID controller.
func sataSSD(controller string, bay int) drive {
	return drive{
		id: fmt.Sprintf("Disk.Bay.%d:%s:%s", bay, internal, controller), controller: controller, enclosure: internal + ":" + controller,
		label: fmt.Sprintf("Bay %d", bay), bay: bay, bytes: 480 * gigabyte, media: "SSD", protocol: "SATA", maker: "SIMULATED", model: "SIM-SSD-480G",
		revision: "SA01", blockBytes: 512, life: 97, spare: "None",
	}
}

func nearline(controller string, bay int) drive {
	d := sataSSD(controller, bay)
	d.bytes, d.media, d.protocol, d.model, d.revision, d.rpm, d.life = 4000*gigabyte, "HDD", "SAS", "SIM-NL-4T", "NS07", 7200, -1
	return d
}

func set(controller string, n int, level string, bytes int64, drives ...int) volume {
	return volume{
		id: fmt.Sprintf("Disk.Virtual.%d:%s", n, controller), controller: controller, name: fmt.Sprintf("VD%d", n), level: level, bytes: bytes,
		drives: drives, read: "AdaptiveReadAhead", write: "WriteBack", disk: "Disabled", took: map[int]int{},
	}
}

// raidParts are a mirror of two SSD, RAID 10 of four HDD and a global spare.
func raidParts(fqdd string) (drives []drive, volumes []volume) {
	for bay := range 7 {
		if bay < 2 {
			drives = append(drives, sataSSD(fqdd, bay))
		} else {
			drives = append(drives, nearline(fqdd, bay))
		}
	}
	drives[6].spare = "Global"
	return drives, []volume{
		set(fqdd, 0, "RAID1", 480*gigabyte, 0, 1),
		set(fqdd, 1, "RAID10", 8000*gigabyte, 2, 3, 4, 5),
	}
}

func r740() hardware {
	const fqdd = "RAID.Integrated.1-1"
	h := hardware{
		controllers: []controller{
			{fqdd: fqdd, label: "Integrated RAID Controller 1", model: "PERC H740P Mini", firmware: "51.16.0-5150", sort: perc, cacheMiB: 8192, battery: battery},
			{fqdd: "AHCI.Embedded.1-1", label: "Embedded AHCI 1", model: "C620 Series Chipset Family SSATA Controller [AHCI mode]", sort: chipset},
		},
		enclosures: []enclosure{{id: internal + ":" + fqdd, name: "BP14G+ 0:1", firmware: "4.35", slots: 8}},
		fans:       bays(6), supplies: []supply{{watts: 750}, {watts: 750}}, dimms: 12, memory: 32, sockets: 2,
		processor: "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", cores: 20, watts: 260,
		adapters: []adapter{{fqdd: "NIC.Integrated.1", maker: "Broadcom Inc. and subsidiaries", model: "BRCM 4P 10G/1G rNDC", firmware: "22.41.20", ports: []bool{true, true, false, false}, mbits: 10_000}},
	}
	h.drives, h.volumes = raidParts(fqdd)
	return h
}

// r770 has the sets of an R740 behind a controller whose volumes are numbered downwards.
func r770() hardware {
	const fqdd = "RAID.SL.3-1"
	h := hardware{
		controllers: []controller{
			{fqdd: fqdd, label: "RAID Controller in SL 3", model: "PERC H965i Front", firmware: "8.11.2.0.18-26", sort: perc, cacheMiB: 8192, battery: battery, slot: 3},
		},
		enclosures: []enclosure{{id: internal + ":" + fqdd, name: "BP17G+ 0:1", firmware: "1.12", slots: 16}},
		fans:       bays(6), supplies: []supply{{watts: 1500}, {watts: 1500}}, dimms: 16, memory: 64, sockets: 2,
		processor: "Intel(R) Xeon(R) 6730P", cores: 32, watts: 420,
		adapters: []adapter{{fqdd: "NIC.Slot.38", maker: "Broadcom Inc. and subsidiaries", model: "BRCM 4P 25G SFP OCP", firmware: "23.31.0", ports: []bool{true, true, false, false}, mbits: 25_000}},
	}
	h.drives, h.volumes = raidParts(fqdd)
	for i := range h.volumes {
		h.volumes[i].id = fmt.Sprintf("Disk.Virtual.%d:%s", 239-i, fqdd)
	}
	return h
}

func r750() hardware {
	const fqdd = "AHCI.SL.13-1"
	h := hardware{
		controllers: []controller{
			{fqdd: fqdd, label: "AHCI controller in SL 13", model: "BOSS-S2", firmware: "2.5.13.4008", sort: boss, slot: 13},
			{fqdd: "CPU.1", label: "CPU.1", model: "PCIe SSD Backplane", sort: direct},
			{fqdd: "AHCI.Embedded.1-1", label: "Embedded AHCI 1", model: "C620 Series Chipset Family SSATA Controller [AHCI mode]", sort: chipset},
		},
		enclosures: []enclosure{{id: internal, name: "PCIe SSD Backplane 1", firmware: "3.72", slots: 8}},
		fans:       bays(6), supplies: []supply{{watts: 1400}, {watts: 1400}}, dimms: 16, memory: 32, sockets: 2,
		processor: "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", cores: 32, watts: 380,
		adapters: []adapter{
			{fqdd: "NIC.Embedded.1", maker: "Broadcom Inc. and subsidiaries", model: "BRCM 2P 1G BASE-T", firmware: "22.31.6", ports: []bool{true, false}, mbits: 1000},
			{fqdd: "NIC.Integrated.1", maker: "Intel Corporation", model: "E810-XXV OCP", firmware: "22.5.7", ports: []bool{true, true}, mbits: 25_000},
		},
	}
	for i := range 2 {
		d := sataSSD(fqdd, 100+i)
		d.id, d.enclosure, d.label, d.model, d.revision = fmt.Sprintf("Disk.Direct.%d-%d:%s", i, i, fqdd), "", fmt.Sprintf("SSD %d", i), "SIM-M2-480G", "DM01"
		h.drives = append(h.drives, d)
	}
	v := set(fqdd, 0, "RAID1", 480*gigabyte, 0, 1)
	v.read, v.write, v.disk = "NoReadAhead", "WriteThrough", "Default"
	h.volumes = []volume{v}
	for bay := range 4 {
		h.drives = append(h.drives, drive{
			id: fmt.Sprintf("Disk.Bay.%d:%s", bay, internal), controller: "CPU.1", enclosure: internal, label: fmt.Sprintf("Slot %d", bay), bay: bay,
			bytes: 3840 * gigabyte, media: "SSD", protocol: "PCIe", maker: "SIMULATED", model: "SIM-NVME-3.84T", revision: "2.1.0", life: 99, spare: "None",
		})
		h.volumes = append(h.volumes, volume{
			id: fmt.Sprintf("Disk.Bay.%d:%s", bay, internal), controller: "CPU.1", name: fmt.Sprintf("PCIe SSD in Slot %d", bay), bytes: 3840 * gigabyte,
			drives: []int{len(h.drives) - 1}, took: map[int]int{},
		})
	}
	return h
}

func r630() hardware {
	h := r740()
	h.controllers = h.controllers[:1]
	h.controllers[0].model, h.controllers[0].firmware, h.controllers[0].cacheMiB = "PERC H730P Mini", "25.5.9.0001", 2048
	h.enclosures[0].name, h.enclosures[0].firmware = "BP13G+EXP 0:1", "3.35"
	h.dimms, h.processor, h.cores = 8, "Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz", 12
	h.adapters = []adapter{{fqdd: "NIC.Integrated.1", maker: "Intel Corporation", model: "X520/I350", firmware: "20.5.13", ports: []bool{true, false}, mbits: 10_000}}
	return h
}

func dl380() hardware {
	const fqdd = "DE00A000"
	h := r740()
	h.controllers = []controller{{fqdd: fqdd, label: "HPE Smart Array P408i-a SR Gen10", model: "HPE Smart Array P408i-a SR Gen10", firmware: "5.00", sort: smart, cacheMiB: 2048}}
	h.enclosures, h.drives, h.volumes = nil, nil, nil
	for i := range 4 {
		d := nearline(fqdd, i+1)
		d.id, d.enclosure, d.label = fmt.Sprint(i), "", fmt.Sprintf("Port=1I:Box=1:Bay=%d", i+1)
		h.drives = append(h.drives, d)
	}
	h.volumes = []volume{set(fqdd, 1, "RAID10", 8000*gigabyte, 0, 1, 2, 3)}
	h.volumes[0].id = "1"
	h.adapters = []adapter{{fqdd: "DE07A000", maker: "HPE", model: "HPE Ethernet 10Gb 2-port 562FLR-SFP+ Adpt", firmware: "10.57.3", ports: []bool{true, true}, mbits: 10_000}}
	return h
}
