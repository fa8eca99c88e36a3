package idrac

import "strings"

// redfishRow is what Redfish tells of a part, and where.
type redfishRow struct {
	use      mibUse
	as       string
	property string // of the resource; D: below Oem.Dell
	note     string
	rare     bool // no model and no recorded tree tells it
}

// redfishTable is a sort of parts that Redfish tells.
type redfishTable struct {
	section   string
	component string
	prefix    string // of the path, or the path
	resource  string
	expected  bool
	rows      []redfishRow
}

// health, word, attribute and sensor are rows of their uses.
func health(property, note string) redfishRow {
	return redfishRow{use: mibHealth, property: property, note: note}
}

// words are rows of states: "key property" or "key property; note". A leading ~ says that no model tells it.
func words(use mibUse, list ...string) []redfishRow {
	var rows []redfishRow
	for _, l := range list {
		l, rare := strings.CutPrefix(l, "~")
		head, note, _ := strings.Cut(l, "; ")
		as, property, _ := strings.Cut(head, " ")
		rows = append(rows, redfishRow{use: use, as: as, property: property, note: note, rare: rare})
	}
	return rows
}

func rows(lists ...any) []redfishRow {
	var all []redfishRow
	for _, l := range lists {
		switch l := l.(type) {
		case redfishRow:
			all = append(all, l)
		case []redfishRow:
			all = append(all, l...)
		}
	}
	return all
}

func states(list ...string) []redfishRow     { return words(mibState, list...) }
func attributes(list ...string) []redfishRow { return words(mibAttribute, list...) }
func sensors(list ...string) []redfishRow    { return words(mibSensor, list...) }

// redfishTables are what Redfish tells, in the order of the sections.
func redfishTables() []redfishTable {
	return append([]redfishTable{
		{section: sectionHeartbeat, component: "system", prefix: "system", resource: "Systems/System.Embedded.1", rows: rows(
			health("Status.HealthRollup, Health", "the worse of both; null, empty and other words are unknown, of every part"),
			states("power PowerState; on, off, powering-on, powering-off, paused", "locator LocationIndicatorActive, else IndicatorLED Blinking; on, off",
				"storage D DellSystem.StorageRollupStatus; ok, warning, critical", "power_supplies D DellSystem.PSRollupStatus", "voltages D DellSystem.VoltRollupStatus", "currents D DellSystem.CurrentRollupStatus",
				"fans D DellSystem.FanRollupStatus", "temperatures D DellSystem.TempRollupStatus", "memory D DellSystem.SysMemPrimaryStatus, else MemorySummary.Status", "intrusion D DellSystem.IntrusionRollupStatus",
				"processors D DellSystem.CPURollupStatus, else ProcessorSummary.Status", "batteries D DellSystem.BatteryRollupStatus", "sel D DellSystem.SELRollupStatus", "licensing D DellSystem.LicensingRollupStatus",
				"~sd_cards D DellSystem.SDCardRollupStatus", "~internal_sd D DellSystem.IDSDMRollupStatus"),
			sensors("uptime_seconds LastResetTime; by the iDRAC's clock; none while the server is off"),
			attributes("service_tag SKU, else D DellSystem.ChassisServiceTag", "model Model", "express_service_code D DellSystem.ExpressServiceCode; else made of the service tag"))},
		{section: sectionEnvironment, component: "psu/redundancy", prefix: "psu/redundancy", resource: "Power Redundancy[], PowerSubsystem PowerSupplyRedundancy[]", rows: redundancyRows()},
		{section: sectionEnvironment, component: "psu/<FQDD>", prefix: "psu/", resource: "Power PowerSupplies[], PowerSubsystem/PowerSupplies", expected: true, rows: rows(
			redfishRow{use: mibName, property: "MemberId, D DellPowerSupply.Id, Name", note: "PS1 Status is PSU.Slot.1; an empty bay (State Absent) is no part"},
			health("Status.Health", ""),
			states("state D DellPowerSupplyView.DetailedState, else Status.State; the faults in it, else present"),
			sensors("input_volts LineInputVoltage, Metrics InputVoltage", "output_watts PowerOutputWatts, Metrics OutputPowerWatts", "input_watts PowerInputWatts, Metrics InputPowerWatts; left out where it is the rating: iDRAC9 before 4.0",
				"efficiency_percent EfficiencyPercent; a fraction in older firmware", "input_amperes Metrics InputCurrentAmps", "~temperature_celsius Metrics TemperatureCelsius"),
			attributes("type PowerSupplyType", "rated_watts PowerCapacityWatts", "rated_input_watts D DellPowerSupplyView.Range1MaxInputPowerWatts", "input LineInputVoltageType, InputNominalVoltageType", "name Name",
				"model Model", "manufacturer Manufacturer", "serial SerialNumber", "part_number PartNumber", "firmware FirmwareVersion"))},
		{section: sectionEnvironment, component: "voltage/<name>", prefix: "voltage/", resource: "Power Voltages[], Sensors of ReadingType Voltage", rows: rows(
			redfishRow{use: mibName, property: "Name", note: "without blanks"}, health("Status.Health", ""),
			sensors("voltage_volts ReadingVolts; not of a probe that is good or bad"),
			attributes("~upper_critical_volts UpperThresholdCritical", "~lower_critical_volts LowerThresholdCritical"))},
		{section: sectionEnvironment, component: "current/<name>", prefix: "current/", resource: "Sensors of ReadingType Current, where there is no Power", rows: rows(
			redfishRow{use: mibName, property: "Name", note: "without blanks"}, health("Status.Health", ""), sensors("current_amperes Reading"))},
		{section: sectionEnvironment, component: "power/system", prefix: "power/", resource: "Power PowerControl[]; Sensors/SystemBoardPwrConsumption where there is no Power", rows: rows(
			health("Status.Health", ""),
			sensors("consumed_watts PowerConsumedWatts", "average_watts PowerMetrics.AverageConsumedWatts", "min_watts PowerMetrics.MinConsumedWatts", "max_watts PowerMetrics.MaxConsumedWatts; of the last interval_minutes"),
			attributes("name Name", "capacity_watts PowerCapacityWatts", "interval_minutes PowerMetrics.IntervalInMin", "power_cap_watts PowerLimit.LimitInWatts; told of a cap that is off too", "power_cap D DellSystem.PowerCapEnabledState; on, off"))},
		{section: sectionEnvironment, component: "fan/redundancy", prefix: "fan/redundancy", resource: "Thermal Redundancy[], ThermalSubsystem FanRedundancy[]", rows: redundancyRows()},
		{section: sectionEnvironment, component: "fan/<FQDD>", prefix: "fan/", resource: "Thermal Fans[], ThermalSubsystem/Fans", expected: true, rows: rows(
			redfishRow{use: mibName, property: "MemberId, Name", note: "System Board Fan1A is Fan.Embedded.1A"}, health("Status.Health", ""),
			sensors("speed_rpm Reading, SpeedPercent.SpeedRPM", "~speed_percent Reading in Percent, SpeedPercent.Reading"),
			attributes("name Name", "lower_warning_rpm LowerThresholdNonCritical", "lower_critical_rpm LowerThresholdCritical", "~upper_warning_rpm UpperThresholdNonCritical", "~upper_critical_rpm UpperThresholdCritical"))},
		{section: sectionEnvironment, component: "temperature/<name>", prefix: "temperature/", resource: "Thermal Temperatures[], Sensors of ReadingType Temperature, ThermalSubsystem/ThermalMetrics", rows: rows(
			redfishRow{use: mibName, property: "Name, of ThermalMetrics the sensor's id", note: "without blanks"}, health("Status.Health", "ThermalMetrics has none: the roll-up tells"),
			sensors("temperature_celsius ReadingCelsius"),
			attributes("upper_critical_celsius UpperThresholdCritical", "upper_warning_celsius UpperThresholdNonCritical", "lower_warning_celsius LowerThresholdNonCritical", "lower_critical_celsius LowerThresholdCritical", "~upper_fatal_celsius UpperThresholdFatal"))},
		{section: sectionEnvironment, component: "intrusion/1", prefix: "intrusion/", resource: "Chassis/System.Embedded.1", rows: rows(
			health("PhysicalSecurity.IntrusionSensor, D DellSystem.IntrusionRollupStatus", "critical when it is not closed; the chassis is read only where the roll-up is not OK"),
			states("state PhysicalSecurity.IntrusionSensor; closed, open, tampered"))},
		{section: sectionEnvironment, component: "air/system", prefix: "air/", resource: "Systems/System.Embedded.1", rows: rows(
			sensors("~airflow_cfm D DellSystem.EstimatedSystemAirflowCFM; cubic feet a minute; 255 is none", "~exhaust_celsius D DellSystem.EstimatedExhaustTemperatureCelsius; 255 is none"))},
		{section: sectionJobs, component: "job/<id>", prefix: "job/", resource: "Managers/iDRAC.Embedded.1/Oem/Dell/Jobs, JobService/Jobs", rows: rows(
			health("JobState", "warning where it failed"), states("state JobState", "message Message", "message_id MessageId"), sensors("complete_percent PercentComplete; while it runs"),
			attributes("name Name", "type JobType", "started ActualRunningStartTime, StartTime", "ended ActualRunningStopTime, CompletionTime, EndTime"))},
	}, append(inventoryTables(), raidDocument()...)...)
}

func redundancyRows() []redfishRow {
	return rows(health("Status.Health", ""), states("redundancy Status, RedundancyEnabled; full where it is OK, not-redundant where it is disabled"),
		attributes("name Name", "needed MinNumNeeded, MinNeededInGroup; not where it is 0", "mode Mode, RedundancyType"))
}

func inventoryTables() []redfishTable {
	return []redfishTable{
		{section: sectionInventory, component: "system", prefix: "system", resource: "Systems/System.Embedded.1", rows: rows(attributes(
			"name HostName", "express_service_code D DellSystem.ExpressServiceCode", "~asset_tag AssetTag", "node_id D DellSystem.NodeID", "~chassis_service_tag D DellSystem.ChassisServiceTag; where it is another one",
			"model Model", "manufacturer Manufacturer", "serial SerialNumber; of the system board", "part_number PartNumber", "uuid UUID", "bios BiosVersion", "bios_released D DellSystem.BIOSReleaseDate",
			"memory_bytes MemorySummary.TotalSystemMemoryGiB", "processors ProcessorSummary.Count", "dimm_slots D DellSystem.MaxDIMMSlots", "system_generation D DellSystem.SystemGeneration"))},
		{section: sectionInventory, component: "manager", prefix: "manager", resource: "Managers/iDRAC.Embedded.1", rows: rows(
			health("Status.Health", ""), states("~state Status.State; where it is not Enabled"),
			attributes("model Model; 14G is an iDRAC9", "generation Model", "firmware FirmwareVersion", "uuid UUID", "~manufacturer Manufacturer", "~serial SerialNumber"))},
		{section: sectionInventory, component: "cpu/<FQDD>", prefix: "cpu/", resource: "Systems/System.Embedded.1/Processors", expected: true, rows: processorRows()},
		{section: sectionInventory, component: "gpu/<FQDD>", prefix: "gpu/", resource: "Systems/System.Embedded.1/Processors", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id", note: "ProcessorType GPU"}, health("Status.Health", ""), states("state Status.State"),
			attributes("model Model", "manufacturer Manufacturer", "serial SerialNumber", "part_number PartNumber"))},
		{section: sectionInventory, component: "dimm/<FQDD>", prefix: "dimm/", resource: "Systems/System.Embedded.1/Memory", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id, DeviceLocator", note: "DIMMSLOTA1 of an iDRAC8 is DIMM.Socket.A1; an empty slot (State Absent, or no capacity and no fault) is no part"},
			health("Status.Health", ""),
			attributes("type MemoryDeviceType", "size_bytes CapacityMiB", "speed_mhz OperatingSpeedMhz; 0 is not known", "manufacturer Manufacturer", "part_number PartNumber", "serial SerialNumber", "name DeviceLocator", "ranks RankCount"))},
		{section: sectionNetwork, component: "nic/<FQDD>", prefix: "nic/", resource: "Chassis/System.Embedded.1/NetworkAdapters", rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("Status.Health", ""),
			attributes("model Model", "manufacturer Manufacturer", "serial SerialNumber", "part_number PartNumber", "firmware Controllers[].FirmwarePackageVersion"))},
		{section: sectionNetwork, component: "port/<FQDD>", prefix: "port/", resource: "NetworkAdapters/<FQDD>/NetworkPorts or Ports; Systems/System.Embedded.1/EthernetInterfaces where there are no adapters", rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("Status.Health", ""),
			states("link LinkStatus; up, down, starting, training", "~state Status.State; where it is not Enabled"), sensors("speed_mbps CurrentLinkSpeedMbps, CurrentSpeedGbps"),
			attributes("mac AssociatedNetworkAddresses, Ethernet.AssociatedMACAddresses", "nic of the adapter", "number PhysicalPortNumber, PortId", "technology ActiveLinkTechnology, LinkNetworkTechnology"))},
		{section: sectionFirmware, component: "firmware/<FQDD>", prefix: "firmware/", resource: "UpdateService/FirmwareInventory", rows: rows(
			redfishRow{use: mibName, property: "Id", note: "BIOS.Setup.1-1 of Installed-159-1.8.2__BIOS.Setup.1-1; Current- only where there is no Installed-, Previous- and Available- not"},
			health("Status.Health", ""), states("~state Status.State; where it is not Enabled"),
			attributes("version Version", "released ReleaseDate", "name Name", "component_id SoftwareId", "updateable Updateable; yes, no", "~manufacturer Manufacturer"))},
	}
}

func processorRows() []redfishRow {
	return rows(redfishRow{use: mibName, property: "Id", note: "ProcessorType CPU"}, health("Status.Health", ""), states("state Status.State; enabled, disabled, ..."),
		attributes("model Model", "manufacturer Manufacturer", "cores TotalCores", "cores_enabled TotalEnabledCores", "threads TotalThreads", "max_speed_mhz MaxSpeedMHz; 0 is not known", "speed_mhz OperatingSpeedMHz",
			"~serial SerialNumber", "~part_number PartNumber"))
}
