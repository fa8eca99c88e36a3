package bmc

import (
	"fmt"
	"time"
)

// dell adds all resources of an iDRAC but its sessions and logs.
func (m *model) dellTree(t tree, s *state) {
	t[root] = m.dellRoot
	t.collection(root+"/Systems", "ComputerSystem", "Collection of Computer Systems", []string{systemPath})
	t[systemPath] = m.dellSystem
	chassis := []string{chassisPath}
	for _, e := range s.enclosures {
		chassis = append(chassis, root+"/Chassis/"+e.id)
	}
	t.collection(root+"/Chassis", "Chassis", "Collection of Chassis", chassis)
	t[chassisPath] = m.dellChassis
	t.collection(root+"/Managers", "Manager", "BMC", []string{managerPath})
	t[managerPath] = m.dellManager
	m.dellCompute(t, s)
	m.dellEnvironment(t, s)
	m.dellStorage(t, s)
	m.dellNetwork(t, s)
	m.dellFirmware(t, s)
	m.dellJobs(t, s)
	m.dellLogs(t)
	m.dellServices(t)
}

func (m *model) dellRoot(now *moment) object {
	o := object{
		"Product": "Integrated Dell Remote Access Controller", "Vendor": "Dell", "RedfishVersion": m.redfish, "Description": "Root Service",
		"Systems": link(root + "/Systems"), "Chassis": link(root + "/Chassis"), "Managers": link(root + "/Managers"),
		"SessionService": link(root + "/SessionService"), "UpdateService": link(root + "/UpdateService"), "Tasks": link(root + "/TaskService"),
		"Links": object{"Sessions": link(m.sessions)},
		"Oem": object{"Dell": object{
			"@odata.type": "#DellServiceRoot.v1_0_0.DellServiceRoot", "IsBranded": 0, "ManagerMACAddress": now.mac(0), "ServiceTag": now.tag(),
		}},
		"ProtocolFeaturesSupported": object{
			"ExpandQuery": object{"ExpandAll": true, "Levels": true, "Links": true, "MaxLevels": 1, "NoLinks": true},
			"FilterQuery": true, "OnlyMemberQuery": m.dell > 8, "SelectQuery": true,
		},
	}
	if m.dell > 8 {
		o["JobService"] = link(root + "/JobService")
	} else {
		delete(o, "Vendor")
	}
	return resource(root, "ServiceRoot.v1_10_0.ServiceRoot", "RootService", "Root Service", o)
}

// rollups are the states of a server's sorts of parts.
func rollups(now *moment) (all, storage, power, fans, temperature string) {
	s := now.s
	storage, power, fans, temperature = healthOK, healthOK, healthOK, healthOK
	for i := range s.controllers {
		storage = worst(storage, s.health(&s.controllers[i], now.at))
	}
	for _, p := range s.supplies {
		if p.out {
			power = healthCritical
		}
	}
	for _, f := range s.fans {
		if f.failed {
			fans = healthCritical
		}
	}
	if s.hot >= inletCritical {
		temperature = healthCritical
	} else if s.hot >= inletWarning {
		temperature = healthWarning
	}
	return worst(storage, power, fans, temperature), storage, power, fans, temperature
}

func (m *model) dellSystem(now *moment) object {
	s := now.s
	all, storage, power, fans, temperature := rollups(now)
	o := object{
		"Manufacturer": "Dell Inc.", "Model": m.server, "SKU": now.tag(), "SerialNumber": now.serial("SYS", 0), "PartNumber": "0SIM01A00",
		"UUID": now.uuid(), "HostName": now.name, "BiosVersion": m.bios, "PowerState": "On", "SystemType": "Physical", "AssetTag": "",
		"Status": status(all), "IndicatorLED": "Lit", "Description": "A simulated server",
		"MemorySummary":    object{"MemoryMirroring": "System", "Status": status(healthOK), "TotalSystemMemoryGiB": s.dimms * s.memory},
		"ProcessorSummary": object{"Count": s.sockets, "CoreCount": s.sockets * s.cores, "LogicalProcessorCount": 2 * s.sockets * s.cores, "Model": s.processor, "Status": status(healthOK)},
		"Processors":       link(systemPath + "/Processors"), "Memory": link(systemPath + "/Memory"), "Storage": link(systemPath + "/Storage"),
		"NetworkInterfaces": link(systemPath + "/NetworkInterfaces"),
		"Links":             object{"Chassis": links([]string{chassisPath}), "ManagedBy": links([]string{managerPath})},
		"Actions":           object{"#ComputerSystem.Reset": object{"target": systemPath + "/Actions/ComputerSystem.Reset"}},
	}
	if s.led {
		o["IndicatorLED"] = "Blinking"
	}
	if m.dell < 9 {
		o["SKU"], o["SerialNumber"] = now.tag(), now.serial("SYS", 0)
		return resource(systemPath, "ComputerSystem.v1_5_0.ComputerSystem", "System.Embedded.1", "System", o)
	}
	o["LocationIndicatorActive"] = s.led
	o["Oem"] = object{"Dell": object{"@odata.type": "#DellOem.v1_3_0.DellOemResources", "DellSystem": object{
		"@odata.id": systemPath + "/Oem/Dell/DellSystem/System.Embedded.1", "@odata.type": "#DellSystem.v1_3_0.DellSystem", "Id": "System.Embedded.1", "Name": "DellSystem",
		"ChassisServiceTag": now.tag(), "NodeID": now.tag(), "ExpressServiceCode": now.express(), "SystemGeneration": m.generation, "ChassisSystemHeightUnit": 2,
		"BatteryRollupStatus": "OK", "CPURollupStatus": "OK", "CurrentRollupStatus": "OK", "FanRollupStatus": rollup(fans), "IntrusionRollupStatus": "OK",
		"LicensingRollupStatus": "OK", "PSRollupStatus": rollup(power), "SELRollupStatus": "OK", "StorageRollupStatus": rollup(storage), "TempRollupStatus": rollup(temperature),
		"TempStatisticsRollupStatus": "OK", "VoltRollupStatus": "OK", "SysMemPrimaryStatus": "OK", "SDCardRollupStatus": nil, "IDSDMRollupStatus": nil,
		"EstimatedExhaustTemperatureCelsius": 255, "EstimatedSystemAirflowCFM": 255, "MaxCPUSockets": 2, "MaxDIMMSlots": 24, "PopulatedDIMMSlots": s.dimms,
		"LastSystemInventoryTime": stamp(now.at.Add(-now.up)), "LastUpdateTime": stamp(now.at.Add(-now.up)),
	}}}
	o["Links"].(object)["Oem"] = object{"Dell": object{"DellRaidService": link(systemPath + "/Oem/Dell/DellRaidService")}}
	return resource(systemPath, "ComputerSystem.v1_16_0.ComputerSystem", "System.Embedded.1", "System", o)
}

// rollup is Dell's word for a health.
func rollup(health string) string {
	return map[string]string{healthOK: "OK", healthWarning: "Degraded", healthCritical: "Error"}[health]
}

func (m *model) dellChassis(now *moment) object {
	all, _, _, _, _ := rollups(now)
	o := object{
		"Manufacturer": "Dell Inc.", "Model": m.server, "SKU": now.tag(), "SerialNumber": now.serial("SYS", 0), "PartNumber": "0SIM01A00",
		"ChassisType": "RackMount", "PowerState": "On", "Status": status(all), "IndicatorLED": "Lit", "AssetTag": nil,
		"Thermal": link(chassisPath + "/Thermal"), "Power": link(chassisPath + "/Power"),
		"Location": object{"Info": ";;;;1", "InfoFormat": "DataCenter;RoomName;Aisle;RackName;RackSlot"},
		"Links":    object{"ComputerSystems": links([]string{systemPath}), "ManagedBy": links([]string{managerPath})},
	}
	if m.dell > 8 {
		o["NetworkAdapters"] = link(chassisPath + "/NetworkAdapters")
		o["ThermalSubsystem"], o["PowerSubsystem"] = link(thermalSubsystem), link(powerSubsystem)
	}
	if now.s.led {
		o["IndicatorLED"] = "Blinking"
	}
	return resource(chassisPath, "Chassis.v1_16_0.Chassis", "System.Embedded.1", "Computer System Chassis", o)
}

func (m *model) dellManager(now *moment) object {
	o := object{
		"ManagerType": "BMC", "Model": m.generation, "FirmwareVersion": m.firmware, "UUID": now.uuid(), "PowerState": "On", "Description": "BMC",
		"DateTime": stamp(now.at), "DateTimeLocalOffset": "+00:00", "Status": object{"Health": "OK", "State": "Enabled"},
		"LogServices":     link(managerPath + "/LogServices"),
		"NetworkProtocol": link(managerPath + "/NetworkProtocol"),
		"Links":           object{"ManagerForServers": links([]string{systemPath}), "ManagerForChassis": links([]string{chassisPath})},
	}
	if m.dell > 8 {
		o["Links"].(object)["Oem"] = object{"Dell": object{
			"Jobs": link(managerPath + "/Oem/Dell/Jobs"), "DellAttributes": links([]string{managerPath + "/Oem/Dell/DellAttributes/System.Embedded.1"}),
		}}
	}
	return resource(managerPath, "Manager.v1_12_0.Manager", "iDRAC.Embedded.1", "Manager", o)
}

// dellServices adds the small resources that others link to.
func (m *model) dellServices(t tree) {
	service := root + "/SessionService"
	t[service] = func(*moment) object {
		return resource(service, "SessionService.v1_1_8.SessionService", "SessionService", "Session Service",
			object{"ServiceEnabled": true, "SessionTimeout": int(sessionLife / time.Second), "Sessions": link(m.sessions)})
	}
	protocol := managerPath + "/NetworkProtocol"
	t[protocol] = func(now *moment) object {
		return resource(protocol, "ManagerNetworkProtocol.v1_8_0.ManagerNetworkProtocol", "NetworkProtocol", "Manager Network Protocol", object{
			"HostName": now.name, "HTTPS": object{"Port": 443, "ProtocolEnabled": true}, "SNMP": object{"Port": 161, "ProtocolEnabled": true},
		})
	}
	tasks := root + "/TaskService"
	t[tasks] = func(*moment) object {
		return resource(tasks, "TaskService.v1_1_6.TaskService", "TaskService", "Task Service", object{"ServiceEnabled": true, "Tasks": link(tasks + "/Tasks")})
	}
	t.collection(tasks+"/Tasks", "Task", "Collection of Tasks", nil)
	t.collection(systemPath+"/NetworkInterfaces", "NetworkInterface", "Collection Of Network Interface", nil)
	if m.dell < 9 {
		return
	}
	attributes := managerPath + "/Oem/Dell/DellAttributes/System.Embedded.1"
	t[attributes] = func(now *moment) object {
		mode := "Disabled"
		if now.s.lockdown {
			mode = "Enabled"
		}
		return resource(attributes, "DellAttributes.v1_0_0.DellAttributes", "System.Embedded.1", "OEMAttributeRegistry",
			object{"Attributes": object{"Lockdown.1.SystemLockdown": mode, "ServerOS.1.HostName": now.name}})
	}
	raid := systemPath + "/Oem/Dell/DellRaidService"
	t[raid] = func(*moment) object {
		actions := object{}
		for _, a := range []string{"BlinkTarget", "UnBlinkTarget"} {
			actions["#DellRaidService."+a] = object{"target": raid + "/Actions/DellRaidService." + a}
		}
		return resource(raid, "DellRaidService.v1_5_1.DellRaidService", "DellRaidService", "DellRaidService", object{"Actions": actions})
	}
}

// dellCompute adds processors and memory.
func (m *model) dellCompute(t tree, s *state) {
	var sockets, dimms []string
	for i := 1; i <= s.sockets; i++ {
		id := fmt.Sprintf("CPU.Socket.%d", i)
		path := systemPath + "/Processors/" + id
		sockets = append(sockets, path)
		t[path] = func(now *moment) object {
			return resource(path, "Processor.v1_12_0.Processor", id, fmt.Sprintf("CPU %d", i), object{
				"Manufacturer": "Intel", "Model": now.s.processor, "ProcessorType": "CPU", "Socket": id, "TotalCores": now.s.cores, "TotalThreads": 2 * now.s.cores,
				"MaxSpeedMHz": 4000, "OperatingSpeedMHz": 2100, "Status": object{"Health": "OK", "State": "Enabled"},
			})
		}
	}
	for i := range s.dimms {
		label := fmt.Sprintf("%c%d", 'A'+i%2, i/2+1)
		id := "DIMM.Socket." + label
		path := systemPath + "/Memory/" + id
		dimms = append(dimms, path)
		t[path] = func(now *moment) object {
			return resource(path, "Memory.v1_12_0.Memory", id, "DIMM "+label, object{
				"CapacityMiB": now.s.memory * 1024, "DeviceLocator": "DIMM " + label, "ErrorCorrection": "MultiBitECC", "Manufacturer": "SIMULATED",
				"MemoryDeviceType": "DDR4", "OperatingSpeedMhz": 2933, "PartNumber": "SIM-DDR4-32G", "SerialNumber": now.serial("DIM", i), "RankCount": 2,
				"Status": object{"Health": "OK", "State": "Enabled"},
			})
		}
	}
	t.collection(systemPath+"/Processors", "Processor", "ProcessorsCollection", sockets)
	t.collection(systemPath+"/Memory", "Memory", "Memory Devices Collection", dimms)
}
