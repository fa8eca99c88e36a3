package bmc

import "fmt"

const (
	hpeSystem  = root + "/Systems/1"
	hpeChassis = root + "/Chassis/1"
	hpeManager = root + "/Managers/1"
)

// hpeTree adds the resources of a server with iLO 5: standard Redfish, and nothing of Dell's.
func (m *model) hpeTree(t tree, s *state) {
	t[root] = m.hpeRoot
	t.collection(root+"/Systems", "ComputerSystem", "Computer Systems", []string{hpeSystem})
	t.collection(root+"/Chassis", "Chassis", "Computer System Chassis", []string{hpeChassis})
	t.collection(root+"/Managers", "Manager", "Managers", []string{hpeManager})
	t[hpeSystem], t[hpeChassis], t[hpeManager] = m.hpeSystemDocument, m.hpeChassisDocument, m.hpeManagerDocument
	t[hpeChassis+"/Thermal"], t[hpeChassis+"/Power"] = hpeThermal, hpePower
	service := root + "/SessionService"
	t[service] = func(*moment) object {
		return resource(service, "SessionService.v1_0_0.SessionService", "SessionService", "Session Service", object{"ServiceEnabled": true, "SessionTimeout": 30, "Sessions": link(m.sessions)})
	}
	hpeCompute(t, s)
	hpeStorage(t, s)
	hpeNetwork(t, s)
	inventory := root + "/UpdateService/FirmwareInventory"
	t[root+"/UpdateService"] = func(*moment) object {
		return resource(root+"/UpdateService", "UpdateService.v1_2_1.UpdateService", "UpdateService", "Update Service", object{"ServiceEnabled": true, "FirmwareInventory": link(inventory)})
	}
	var all []string
	for i, f := range []struct{ name, version string }{{"iLO 5", "2.72"}, {"System ROM", m.bios}, {s.controllers[0].model, s.controllers[0].firmware}} {
		path := fmt.Sprintf("%s/%d", inventory, i+1)
		all = append(all, path)
		t[path] = func(*moment) object {
			return resource(path, "SoftwareInventory.v1_0_0.SoftwareInventory", fmt.Sprint(i+1), f.name, object{"Version": f.version, "Status": object{"Health": "OK", "State": "Enabled"}})
		}
	}
	t.collection(inventory, "SoftwareInventory", "Firmware Inventory Collection", all)
	lc, sel := m.logPaths()
	t.collection(hpeSystem+"/LogServices", "LogService", "Log Service Collection", []string{hpeSystem + "/LogServices/IML", hpeSystem + "/LogServices/Event"})
	for id, entries := range map[string]string{"IML": sel, "Event": lc} {
		path := hpeSystem + "/LogServices/" + id
		t[path] = func(*moment) object {
			return resource(path, "LogService.v1_0_0.LogService", id, id+" Log", object{"Entries": link(entries), "OverWritePolicy": "WrapsWhenFull"})
		}
	}
}

func (m *model) hpeRoot(now *moment) object {
	return resource(root, "ServiceRoot.v1_5_1.ServiceRoot", "RootService", "HPE RESTful Root Service", object{
		"Product": m.server, "Vendor": "HPE", "RedfishVersion": m.redfish, "UUID": now.uuid(), "Systems": link(root + "/Systems"), "Chassis": link(root + "/Chassis"),
		"Managers": link(root + "/Managers"), "SessionService": link(root + "/SessionService"), "UpdateService": link(root + "/UpdateService"),
		"Links": object{"Sessions": link(m.sessions)},
		"Oem":   object{"Hpe": object{"Manager": []any{object{"ManagerType": "iLO 5", "ManagerFirmwareVersion": "2.72"}}}},
		"ProtocolFeaturesSupported": object{
			"ExpandQuery": object{"ExpandAll": false, "Levels": true, "Links": false, "MaxLevels": 1, "NoLinks": true}, "FilterQuery": true, "OnlyMemberQuery": true, "SelectQuery": false,
		},
	})
}

func (m *model) hpeSystemDocument(now *moment) object {
	all, _, _, _, _ := rollups(now)
	led := "Off"
	if now.s.led {
		led = "Lit"
	}
	return resource(hpeSystem, "ComputerSystem.v1_13_0.ComputerSystem", "1", "Computer System", object{
		"Manufacturer": "HPE", "Model": m.server, "SerialNumber": now.serial("SYS", 0), "SKU": "SIM-867959-B21", "UUID": now.uuid(), "HostName": now.name, "BiosVersion": m.bios,
		"PowerState": "On", "SystemType": "Physical", "IndicatorLED": led, "Status": status(all),
		"MemorySummary":    object{"TotalSystemMemoryGiB": now.s.dimms * now.s.memory, "Status": object{"HealthRollup": "OK"}},
		"ProcessorSummary": object{"Count": now.s.sockets, "Model": now.s.processor, "Status": object{"HealthRollup": "OK"}},
		"Processors":       link(hpeSystem + "/Processors"), "Memory": link(hpeSystem + "/Memory"), "Storage": link(hpeSystem + "/Storage"), "LogServices": link(hpeSystem + "/LogServices"),
		"Links": object{"Chassis": links([]string{hpeChassis}), "ManagedBy": links([]string{hpeManager})},
	})
}

func (m *model) hpeChassisDocument(now *moment) object {
	all, _, _, _, _ := rollups(now)
	return resource(hpeChassis, "Chassis.v1_10_2.Chassis", "1", "Computer System Chassis", object{
		"Manufacturer": "HPE", "Model": m.server, "SerialNumber": now.serial("SYS", 0), "ChassisType": "RackMount", "PowerState": "On", "IndicatorLED": "Off", "Status": object{"Health": all, "State": "Starting"},
		"Thermal": link(hpeChassis + "/Thermal"), "Power": link(hpeChassis + "/Power"), "NetworkAdapters": link(hpeChassis + "/NetworkAdapters"),
		"Links": object{"ComputerSystems": links([]string{hpeSystem}), "ManagedBy": links([]string{hpeManager})},
	})
}

func (m *model) hpeManagerDocument(now *moment) object {
	return resource(hpeManager, "Manager.v1_5_1.Manager", "1", "Manager", object{
		"ManagerType": "BMC", "Model": "iLO 5", "FirmwareVersion": m.firmware, "DateTime": now.at.UTC().Format("2006-01-02T15:04:05Z"), "Status": object{"Health": "OK", "State": "Enabled"},
		"Links": object{"ManagerForServers": links([]string{hpeSystem}), "ManagerForChassis": links([]string{hpeChassis})},
	})
}

// hpeThermal tells fans in percent.
func hpeThermal(now *moment) object {
	var fans, temps []any
	for i := range now.s.fans {
		v, health := now.s.fans[i].rpm(now, i)
		fans = append(fans, object{
			"@odata.id": fmt.Sprintf("%s/Thermal#Fans/%d", hpeChassis, i), "MemberId": fmt.Sprint(i), "Name": fmt.Sprintf("Fan %d", i+1), "Reading": int(v / 180), "ReadingUnits": "Percent",
			"Status": object{"Health": health, "State": "Enabled"},
		})
	}
	for i, s := range temperatures(now.s) {
		v, health := s.celsius(now)
		temps = append(temps, object{
			"@odata.id": fmt.Sprintf("%s/Thermal#Temperatures/%d", hpeChassis, i), "MemberId": fmt.Sprint(i), "Name": fmt.Sprintf("%02d-%s", s.number, s.name), "SensorNumber": s.number,
			"PhysicalContext": s.context, "ReadingCelsius": v, "UpperThresholdCritical": s.highest, "UpperThresholdFatal": nil, "Status": object{"Health": health, "State": "Enabled"},
		})
	}
	temps = append(temps, object{"@odata.id": fmt.Sprintf("%s/Thermal#Temperatures/%d", hpeChassis, len(temps)), "MemberId": fmt.Sprint(len(temps)), "Name": "40-PCI 4", "ReadingCelsius": 0, "Status": object{"State": "Absent"}})
	return resource(hpeChassis+"/Thermal", "Thermal.v1_7_1.Thermal", "Thermal", "Thermal", object{"Fans": fans, "Temperatures": temps})
}

func hpePower(now *moment) object {
	var supplies []any
	for i := range now.s.supplies {
		p := &now.s.supplies[i]
		health, volts, state := healthOK, 230, "Enabled"
		if p.out {
			health, volts, state = healthCritical, 0, "UnavailableOffline"
		}
		supplies = append(supplies, object{
			"@odata.id": fmt.Sprintf("%s/Power#PowerSupplies/%d", hpeChassis, i), "MemberId": fmt.Sprint(i), "Name": "HpeServerPowerSupply", "Model": "SIM-865408-B21", "FirmwareVersion": "1.00",
			"SerialNumber": now.serial("PSU", i+1), "LastPowerOutputWatts": int(input(now, i)), "LineInputVoltage": volts, "PowerCapacityWatts": p.watts, "PowerSupplyType": "AC",
			"Oem": object{"Hpe": object{"BayNumber": i + 1, "HotplugCapable": true}}, "Status": object{"Health": health, "State": state},
		})
	}
	watts := int(consumed(now))
	return resource(hpeChassis+"/Power", "Power.v1_3_0.Power", "Power", "PowerMetrics", object{
		"PowerSupplies": supplies,
		"PowerControl": []any{object{
			"@odata.id": hpeChassis + "/Power#PowerControl/0", "MemberId": "0", "PowerConsumedWatts": watts, "PowerCapacityWatts": now.s.supplies[0].watts,
			"PowerMetrics": object{"AverageConsumedWatts": int(now.s.watts), "IntervalInMin": 20, "MaxConsumedWatts": watts + 20, "MinConsumedWatts": watts - 20},
		}},
	})
}

func hpeCompute(t tree, s *state) {
	var sockets, dimms []string
	for i := 1; i <= s.sockets; i++ {
		path := fmt.Sprintf("%s/Processors/%d", hpeSystem, i)
		sockets = append(sockets, path)
		t[path] = func(now *moment) object {
			return resource(path, "Processor.v1_0_0.Processor", fmt.Sprint(i), "Processors", object{
				"Manufacturer": "Intel(R) Corporation", "Model": now.s.processor, "Socket": fmt.Sprintf("Proc %d", i), "TotalCores": now.s.cores, "TotalThreads": 2 * now.s.cores,
				"ProcessorType": "CPU", "Status": object{"Health": "OK", "State": "Enabled"},
			})
		}
	}
	for i := 1; i <= s.dimms; i++ {
		id := fmt.Sprintf("proc%ddimm%d", 1+i%2, (i+1)/2)
		path := hpeSystem + "/Memory/" + id
		dimms = append(dimms, path)
		t[path] = func(now *moment) object {
			return resource(path, "Memory.v1_7_1.Memory", id, id, object{
				"CapacityMiB": now.s.memory * 1024, "DeviceLocator": fmt.Sprintf("PROC %d DIMM %d", 1+i%2, (i+1)/2), "OperatingSpeedMhz": 2933, "PartNumber": "SIM-DDR4-32G",
				"SerialNumber": now.serial("DIM", i), "Status": object{"Health": "OK", "State": "Enabled"},
			})
		}
	}
	t.collection(hpeSystem+"/Processors", "Processor", "Processors Collection", sockets)
	t.collection(hpeSystem+"/Memory", "Memory", "Memory DIMM Collection", dimms)
}

func hpeStorage(t tree, s *state) {
	c := &s.controllers[0]
	path := hpeSystem + "/Storage/" + c.fqdd
	t.collection(hpeSystem+"/Storage", "Storage", "Collection of Storage", []string{path})
	drives, volumes := s.of(c.fqdd)
	var disks, sets []string
	for _, d := range drives {
		if d.pulled {
			continue
		}
		p := path + "/Drives/" + d.id
		disks = append(disks, p)
		t[p] = func(now *moment) object {
			led := "Off"
			if d.led {
				led = "Lit"
			}
			return resource(p, "Drive.v1_7_0.Drive", d.id, "Secondary Storage Device", object{
				"Model": d.model, "SerialNumber": now.driveSerial(d), "Revision": d.revision, "MediaType": d.media, "Protocol": d.protocol, "CapacityBytes": d.bytes, "RotationSpeedRPM": d.rpm,
				"FailurePredicted": d.predicted, "IndicatorLED": led, "Location": []any{object{"Info": d.label, "InfoFormat": "Port:Box:Bay"}},
				"PhysicalLocation": object{"PartLocation": object{"LocationType": "Bay", "LocationOrdinalValue": d.bay, "ServiceLabel": d.label}}, "Status": object{"Health": d.health(), "State": "Enabled"},
			})
		}
	}
	for _, v := range volumes {
		p := path + "/Volumes/" + v.id
		sets = append(sets, p)
		t[p] = func(now *moment) object {
			operations := []any{}
			if d := now.s.rebuilding(v, now.at); d != nil {
				operations = append(operations, object{"OperationName": "Rebuilding", "PercentageComplete": d.rebuild.percent(now.at)})
			}
			return resource(p, "Volume.v1_6_1.Volume", v.id, v.name, object{
				"RAIDType": v.level, "CapacityBytes": v.bytes, "ReadCachePolicy": "ReadAhead", "WriteCachePolicy": standard[v.write], "Operations": operations,
				"Status": object{"Health": volumeHealth(now.s.condition(v, now.at)), "State": "Enabled"}, "Links": object{"Drives": links(disks)},
			})
		}
	}
	t.collection(path+"/Volumes", "Volume", "Volumes Collection", sets)
	t.collection(path+"/Controllers", "StorageController", "Storage Controllers", []string{path + "/Controllers/0"})
	t[path+"/Controllers/0"] = func(now *moment) object {
		return resource(path+"/Controllers/0", "StorageController.v1_0_0.StorageController", "0", c.model, object{
			"Model": c.model, "Manufacturer": "HPE", "FirmwareVersion": c.firmware, "SerialNumber": now.serial("CTL", 1), "Status": object{"Health": now.s.health(c, now.at), "State": "Enabled"},
		})
	}
	t[path] = func(now *moment) object {
		return resource(path, "Storage.v1_12_0.Storage", c.fqdd, c.model, object{
			"Drives": links(disks), "Drives@odata.count": len(disks), "Volumes": link(path + "/Volumes"), "Controllers": link(path + "/Controllers"),
			"Status": object{"Health": now.s.health(c, now.at), "HealthRollup": now.s.health(c, now.at), "State": "Enabled"}, "Links": object{"Enclosures": links([]string{hpeChassis})},
		})
	}
}

func hpeNetwork(t tree, s *state) {
	base := hpeChassis + "/NetworkAdapters"
	var all []string
	for i := range s.adapters {
		a := &s.adapters[i]
		path := base + "/" + a.fqdd
		all = append(all, path)
		var ports []string
		for n := range a.ports {
			p := fmt.Sprintf("%s/NetworkPorts/%d", path, n)
			ports = append(ports, p)
			t[p] = func(now *moment) object {
				return resource(p, "NetworkPort.v1_0_0.NetworkPort", fmt.Sprint(n), "Network Port", object{
					"LinkStatus": map[bool]string{true: "Up", false: "Down"}[a.ports[n]], "CurrentLinkSpeedMbps": a.mbits, "AssociatedNetworkAddresses": []any{now.mac(n + 1)}, "PhysicalPortNumber": fmt.Sprint(n + 1),
					"Status": object{"Health": "OK"},
				})
			}
		}
		t.collection(path+"/NetworkPorts", "NetworkPort", "Network Ports", ports)
		t[path] = func(now *moment) object {
			return resource(path, "NetworkAdapter.v1_5_0.NetworkAdapter", a.fqdd, a.model, object{
				"Manufacturer": a.maker, "Model": a.model, "SerialNumber": now.serial("NIC", i+1), "NetworkPorts": link(path + "/NetworkPorts"), "Status": object{"Health": "OK", "State": "Enabled"},
				"Controllers": []any{object{"FirmwarePackageVersion": a.firmware}},
			})
		}
	}
	t.collection(base, "NetworkAdapter", "Network Adapters", all)
}
