package cisco

import "strings"

const (
	ciscoSensor = ciscoMgmt + "91.1.1.1.1."
	ciscoLimit  = ciscoMgmt + "91.1.2.1.1."
)

// transceiverGroups returns the tables of the transceivers, and of the sensors of a chassis
// that stand in the same tables.
func transceiverGroups() []*group {
	return []*group{&opticGroup, &opticIETFGroup, &opticLimitGroup, &entityAliasGroup, &chassisSensorGroup, &chassisLimitGroup}
}

const (
	opticSensors = "temperature_celsius, supply_volts, bias_amperes, tx_power_dbm, rx_power_dbm"
	opticNote    = "value * 10^scale / 10^precision. Told by its name and type, which must agree. " +
		"What a transceiver says whose supply is 0 V is no reading; a power in watts is shown in dBm"
	pulledNote = "a transceiver that is pulled is gone, which is a change and no fault: the link of its port tells. " +
		"Lanes from the second on are transceiver/<ifName>/lane-<n>"
)

// sensorStatusWords are those of both sensor tables.
var sensorStatusWords = []string{"", "ok", "unavailable", "nonoperational"}

// limitAttributes names the attributes of all thresholds.
func limitAttributes() string {
	var names []string
	for _, k := range opticKinds {
		names = append(names, k.limits[:]...)
	}
	return strings.Join(names, ", ")
}

// The objects of both sensor tables have the places of entitySensorGroup's.
var opticGroup = group{
	section: sectionTransceivers, component: "transceiver/<ifName>", mib: "CISCO-ENTITY-SENSOR-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "entSensorType", oid: ciscoSensor + "1", max: 64, note: pulledNote},
		{name: "entSensorScale", oid: ciscoSensor + "2", max: 17},
		{name: "entSensorPrecision", oid: ciscoSensor + "3", note: "-8 to 9"},
		{name: "entSensorValue", oid: ciscoSensor + "4", use: sensor, as: opticSensors, note: opticNote},
		{name: "entSensorStatus", oid: ciscoSensor + "5", words: sensorStatusWords, note: "unavailable is no reading"},
	},
	also: []object{
		{use: attribute, as: "serial, model, descr, name, hardware", note: "of the transceiver, as the inventory has them"},
		{use: state, as: "alarm", note: "the readings that are beyond a threshold, and which: rx_power_dbm low major"},
	},
}

var opticIETFGroup = group{
	section: sectionTransceivers, component: "transceiver/<ifName>", mib: "ENTITY-SENSOR-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "entPhySensorType", oid: entSensor + "1", max: 64, note: "read where CISCO-ENTITY-SENSOR-MIB has no rows"},
		{name: "entPhySensorScale", oid: entSensor + "2", max: 17},
		{name: "entPhySensorPrecision", oid: entSensor + "3", note: "-8 to 9"},
		{name: "entPhySensorValue", oid: entSensor + "4", use: sensor, as: opticSensors, note: opticNote},
		{name: "entPhySensorOperStatus", oid: entSensor + "5", words: sensorStatusWords, note: "unavailable is no reading"},
	},
}

// The places of the objects of the threshold tables.
const (
	limitSeverity = iota
	limitRelation
	limitValue
)

var opticLimitGroup = group{
	section: sectionTransceivers, component: "transceiver/<ifName>", mib: "CISCO-ENTITY-SENSOR-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "entSensorThresholdSeverity", oid: ciscoLimit + "2", max: 30, note: "10 minor, 20 major; others are not judged by"},
		{name: "entSensorThresholdRelation", oid: ciscoLimit + "3", max: 6},
		{
			name: "entSensorThresholdValue", oid: ciscoLimit + "4", use: attribute, as: limitAttributes(),
			note: "in the unit of its sensor. Beyond major is critical, beyond minor a warning, named in the state alarm. " +
				"A low one that is not below the high one of its severity is void, and so is a major one that is passed before the minor one. " +
				"Low light, bias and sent power are judged only while the port has link. Read hourly, so without hysteresis",
		},
	},
}

var entityAliasGroup = group{
	section: sectionTransceivers, component: "transceiver/<ifName>", mib: "ENTITY-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "entAliasMappingIdentifier", oid: mib2 + "47.1.3.2.1.2", note: "the port of a transceiver, read where no name tells it"},
	},
}

var chassisSensorGroup = group{
	section: sectionEnvironment, component: "temperature/<entPhysicalIndex>", mib: "CISCO-ENTITY-SENSOR-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "entSensorType", oid: ciscoSensor + "1", max: 64, note: "temperatures of the chassis, where CISCO-ENVMON-MIB has none"},
		{name: "entSensorScale", oid: ciscoSensor + "2", max: 17},
		{name: "entSensorPrecision", oid: ciscoSensor + "3", note: "-8 to 9"},
		{name: "entSensorValue", oid: ciscoSensor + "4", use: sensor, as: "temperature_celsius", note: "value * 10^scale / 10^precision"},
		{name: "entSensorStatus", oid: ciscoSensor + "5", use: state, as: "state", words: sensorStatusWords},
	},
	also: []object{{use: state, as: "alarm", note: "the threshold it is beyond: temperature_celsius high major; until it is 2 degrees below it again"}},
}

var chassisLimitGroup = group{
	section: sectionEnvironment, component: "temperature/<entPhysicalIndex>", mib: "CISCO-ENTITY-SENSOR-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "entSensorThresholdSeverity", oid: ciscoLimit + "2", max: 30, note: "10 minor, 20 major; read once an inventory"},
		{name: "entSensorThresholdRelation", oid: ciscoLimit + "3", max: 6},
		{
			name: "entSensorThresholdValue", oid: ciscoLimit + "4", use: attribute, as: "threshold_celsius",
			note: "the high major one. The low minor one of a chassis is where a warning ends, not where one begins: it is not judged by",
		},
	},
}
