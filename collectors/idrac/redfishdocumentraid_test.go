package idrac

// raidDocument are the parts of RAID that Redfish tells, in the words of hw/raid.
func raidDocument() []redfishTable {
	return []redfishTable{
		{section: sectionRAID, component: "controller/<FQDD>", prefix: "controller/", resource: "Storage/<FQDD>, its Controllers or StorageControllers[]", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("Status.Health", ""),
			states("rollup Status.HealthRollup, D DellController.RollupStatus", "patrol_read_now D PatrolReadState", "preserved_cache; no where there is no cache", "battery D DellControllerBattery; present, or none where none is told"),
			attributes("name Description, Name", "model Model, Name", "manufacturer Manufacturer", "~serial SerialNumber", "~part_number PartNumber", "firmware FirmwareVersion", "~driver D DriverVersion", "slot D PCISlot, Location",
				"cache_bytes CacheSummary, D CacheSizeInMB", "mode D CurrentControllerMode, ControllerMode", "patrol_read D PatrolReadMode", "learn_mode D BatteryLearnMode", "consistency D CheckConsistencyMode", "copyback D CopybackMode",
				"~sas_address D SASAddress", "hot_spares; unsupported on a BOSS", "encryption_mode D EncryptionMode", "patrol_unconfigured D PatrolReadUnconfiguredAreaMode; on, off",
				"persistent_hot_spare D PersistentHotspareMode; on, off", "auto_import_foreign D EnhancedAutoImportForeignConfigurationMode; on, off", "rebuild_rate_percent D RebuildRatePercent",
				"~reconstruct_rate_percent D ReconstructRatePercent", "~consistency_rate_percent D CheckConsistencyRatePercent", "~initialise_rate_percent D BackgroundInitializationRatePercent", "~patrol_read_rate_percent D PatrolReadRatePercent"))},
		{section: sectionRAID, component: "battery/<FQDD>", prefix: "battery/", resource: "Storage/<FQDD> D DellControllerBattery", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("PrimaryStatus", ""), states("state RAIDState"), attributes("~name Name", "controller; of the storage"))},
		{section: sectionRAID, component: "enclosure/<FQDD>", prefix: "enclosure/", resource: "Chassis linked from Storage", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("Status.Health", ""), states("rollup Status.HealthRollup", "state Status"),
			attributes("name Name", "model Model", "~manufacturer Manufacturer", "~serial SerialNumber", "~part_number PartNumber", "firmware D Version", "slots D SlotCount", "controller; of the storage"))},
		{section: sectionRAID, component: "drive/<FQDD>", prefix: "drive/", resource: "Storage/<FQDD> Drives[]", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id"}, health("Status.Health", ""),
			states("rollup Status.HealthRollup", "state D RaidStatus, DriveState, else Status", "failure_predicted FailurePredicted, D PredictiveFailureState", "operation Operations[], D OperationName", "power D PowerStatus",
				"write_cache WriteCacheEnabled", "media_errors; made of the counts: none, some, rising", "wear; made of life_left_percent"),
			sensors("operation_percent Operations[].PercentageComplete, D OperationPercentCompletePercent", "life_left_percent PredictedMediaLifeLeftPercent", "spare_left_percent D DellPCIeSSD.AvailableSparePercent",
				"reallocated_sectors_total D ReallocatedBlockCount", "uncorrectable_errors_total D UncorrectableErrorCount", "uncorrectable_sectors_total D UncorrectableLBACount", "media_errors_total D MediaDataIntegrityErrorsCount",
				"program_failures_total D ProgramFailCount", "erase_failures_total D EraseFailCount", "command_timeouts_total D CommandTimeoutCount", "unsafe_shutdowns_total D UnsafeShutdownsCount",
				"pending_sectors_count D CurrentPendingSectorCount", "powered_hours D PowerOnHours", "temperature_celsius D DriveTemperatureCelsius, CompositeTemperatureKelvin",
				"critical_warnings_count D CriticalWarningsCount", "read_error_rate D ReadErrorRate; as the drive counts it", "crc_errors_percent D CRCErrorCountPercent"),
			attributes("name Name", "model Model", "manufacturer Manufacturer", "serial SerialNumber", "part_number PartNumber", "firmware Revision", "size_bytes CapacityBytes", "media MediaType", "bus Protocol", "bay PhysicalLocation, D Slot",
				"enclosure; the id without the drive", "controller; of the storage", "volumes Links.Volumes", "spare HotspareType", "~spare_for Volume Links.DedicatedSpareDrives", "security EncryptionStatus", "rpm RotationSpeedRPM",
				"certified D Certified", "form_factor D DriveFormFactor", "~disk_cache_policy D NonRAIDDiskCachePolicy", "~sas_address D SASAddress"))},
		{section: sectionRAID, component: "volume/<FQDD>", prefix: "volume/", resource: "Storage/<FQDD>/Volumes", expected: true, rows: rows(
			redfishRow{use: mibName, property: "Id", note: "a RawDevice is a drive, no volume"}, health("Status.Health", ""),
			states("rollup Status.HealthRollup", "state D RaidStatus, else Status", "write_policy_now WriteCachePolicy", "read_policy_now ReadCachePolicy", "write_cache WriteCacheState", "redundancy_left D RemainingRedundancy",
				"operation Operations[], D OperationName", "pending D ObjectStatus"),
			sensors("operation_percent Operations[].PercentageComplete, D OperationPercentComplete"),
			attributes("name DisplayName, Name", "level RAIDType, else VolumeType", "write_policy D WriteCachePolicy", "read_policy D ReadCachePolicy", "disk_cache_policy D DiskCachePolicy", "size_bytes CapacityBytes",
				"stripe_bytes StripSizeBytes, D StripeSize", "span_depth D SpanDepth", "span_length D SpanLength", "drives Links.Drives", "security Encrypted", "media D MediaType", "bus D BusProtocol", "controller; of the storage"))},
	}
}
