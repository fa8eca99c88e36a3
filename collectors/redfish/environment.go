package redfish

// Thermal holds fans and temperatures: the older form, all in one resource.
type Thermal struct {
	Resource
	Temperatures []Temperature
	Fans         []ThermalFan
	Redundancy   []Redundancy
	// How many there are, where the service counts them: a member that is null or no object is not in the lists.
	TemperaturesCount *int64 `json:"Temperatures@odata.count"`
	FansCount         *int64 `json:"Fans@odata.count"`
	RedundancyCount   *int64 `json:"Redundancy@odata.count"`
}

// Temperature is one reading and its limits, in degrees Celsius.
type Temperature struct {
	Resource
	MemberID                  string `json:"MemberId"`
	SensorNumber              *int64
	ReadingCelsius            *float64
	LowerThresholdCritical    *float64
	LowerThresholdNonCritical *float64
	UpperThresholdNonCritical *float64
	UpperThresholdCritical    *float64
	UpperThresholdFatal       *float64
	PhysicalContext           string
}

// ThermalFan is a fan of a Thermal.
type ThermalFan struct {
	Resource
	MemberID                  string `json:"MemberId"`
	FanName                   string // deprecated for Name
	Reading                   *float64
	ReadingUnits              string // RPM, Percent
	LowerThresholdCritical    *float64
	LowerThresholdNonCritical *float64
	UpperThresholdNonCritical *float64
	UpperThresholdCritical    *float64
	PhysicalContext           string
	HotPluggable              *bool
}

// Redundancy is a set of parts of which some may fail. RedundancyType and RedundancyGroup are those of the newer form.
type Redundancy struct {
	Resource
	MemberID          string `json:"MemberId"`
	Mode              string
	RedundancyType    string
	MinNumNeeded      *int64
	MaxNumSupported   *int64
	MinNeededInGroup  *int64
	RedundancyEnabled *bool
	RedundancySet     []Link
	RedundancyGroup   []Link
}

// Power holds power supplies, voltages and consumption: the older form, all in one resource.
type Power struct {
	Resource
	PowerControl  []PowerControl
	PowerSupplies []PowerSupply
	Voltages      []Voltage
	Redundancy    []Redundancy
	// As in Thermal.
	PowerControlCount  *int64 `json:"PowerControl@odata.count"`
	PowerSuppliesCount *int64 `json:"PowerSupplies@odata.count"`
	VoltagesCount      *int64 `json:"Voltages@odata.count"`
	RedundancyCount    *int64 `json:"Redundancy@odata.count"`
}

// PowerControl is the consumption of a system or a part, in watts.
type PowerControl struct {
	Resource
	MemberID            string `json:"MemberId"`
	PowerConsumedWatts  *float64
	PowerCapacityWatts  *float64
	PowerAllocatedWatts *float64
	PowerAvailableWatts *float64
	PowerRequestedWatts *float64
	PowerLimit          struct {
		LimitInWatts   *float64
		LimitException string
	}
	PowerMetrics struct {
		IntervalInMin, AverageConsumedWatts, MaxConsumedWatts, MinConsumedWatts *float64
	}
}

// PowerSupply is a power supply: inline in a Power, or a resource of a PowerSubsystem, which leaves the readings to its Metrics.
type PowerSupply struct {
	Resource
	MemberID                string `json:"MemberId"`
	Manufacturer            string
	Model                   string
	SerialNumber            string
	PartNumber              string
	SparePartNumber         string
	FirmwareVersion         string
	PowerSupplyType         string // AC, DC
	LineInputVoltageType    string
	InputNominalVoltageType string
	LineInputVoltage        *float64 // volts
	PowerInputWatts         *float64
	PowerOutputWatts        *float64
	LastPowerOutputWatts    *float64
	PowerCapacityWatts      *float64
	EfficiencyPercent       *float64
	HotPluggable            *bool
	Metrics                 Link
	Location                Location
	Redundancy              []Redundancy
}

// Voltage is one reading and its limits, in volts.
type Voltage struct {
	Resource
	MemberID               string `json:"MemberId"`
	SensorNumber           *int64
	ReadingVolts           *float64
	LowerThresholdCritical *float64
	UpperThresholdCritical *float64
	PhysicalContext        string
}

// ThermalSubsystem is the newer form: its fans and readings are resources of their own.
type ThermalSubsystem struct {
	Resource
	Fans           Link
	ThermalMetrics Link
	FanRedundancy  []Redundancy
}

// Fan is a fan of a ThermalSubsystem.
type Fan struct {
	Resource
	PhysicalContext string
	HotPluggable    *bool
	SpeedPercent    struct {
		Reading  *float64
		SpeedRPM *float64
	}
	Location Location
}

// ThermalMetrics are the temperatures of a ThermalSubsystem.
type ThermalMetrics struct {
	Resource
	TemperatureReadingsCelsius []struct {
		Reading         *float64
		DeviceName      string
		PhysicalContext string
		DataSourceURI   string `json:"DataSourceUri"`
	}
	Count *int64 `json:"TemperatureReadingsCelsius@odata.count"` // how many there are, where the service counts them
}

// PowerSubsystem is the newer form: its power supplies are resources of their own.
type PowerSubsystem struct {
	Resource
	CapacityWatts *float64
	Allocation    struct {
		RequestedWatts, AllocatedWatts *float64
	}
	PowerSupplies         Link
	PowerSupplyRedundancy []Redundancy
}

// PowerSupplyMetrics are the readings of a PowerSupply of a PowerSubsystem.
type PowerSupplyMetrics struct {
	Resource
	InputPowerWatts   SensorReading
	OutputPowerWatts  SensorReading
	InputVoltage      SensorReading
	InputCurrentAmps  SensorReading
	EfficiencyPercent SensorReading
	TemperatureC      SensorReading `json:"TemperatureCelsius"`
}

// SensorReading is a reading copied from a sensor.
type SensorReading struct {
	Reading       *float64
	DataSourceURI string `json:"DataSourceUri"`
}

// Sensor is one sensor of a chassis.
type Sensor struct {
	Resource
	Reading         *float64
	ReadingType     string // Temperature, Power, Voltage, Rotational, ...
	ReadingUnits    string // Cel, W, V, RPM, %, ...
	PhysicalContext string
	Thresholds      struct {
		UpperCritical, UpperCaution, LowerCaution, LowerCritical Threshold
	}
}

// Threshold is a limit of a sensor.
type Threshold struct {
	Reading *float64
}
