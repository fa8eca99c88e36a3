package redfish

import "time"

// Link names another resource.
type Link struct {
	Path string `json:"@odata.id"`
}

// Resource is what all resources have. Id is unique within its collection only.
type Resource struct {
	Path        string `json:"@odata.id"`
	Type        string `json:"@odata.type"`
	ETag        Loose  `json:"@odata.etag"`
	ID          string `json:"Id"`
	Name        string
	Description string
	Status      Status
	Oem         Raw // of the vendor; a collector of its kind decodes it
}

// Status is what a service says of a part. Empty means it says nothing: neither well nor ill.
type Status struct {
	State        string // Enabled, Disabled, Absent, StandbyOffline, ...
	Health       string // OK, Warning, Critical
	HealthRollup string // the worst of the part and what belongs to it
}

// Time reads a date of Redfish, such as 2024-08-08T18:47:42-05:00. Zero and impossible dates are none.
func Time(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil && t.Year() > 1970
}

// Location is where a part sits, as printed on the metal where the service knows it.
type Location struct {
	PartLocation struct {
		ServiceLabel         string
		LocationType         string
		LocationOrdinalValue *int64
	}
	Info       string
	InfoFormat string
}

// ServiceRoot is /redfish/v1: what the service is and where its parts are.
type ServiceRoot struct {
	Resource
	RedfishVersion string
	UUID           string
	Vendor         string
	Product        string
	Systems        Link
	Chassis        Link
	Managers       Link
	UpdateService  Link
	SessionService Link
	JobService     Link
	Tasks          Link
	Registries     Link
	Links          struct {
		Sessions Link
	}
	ProtocolFeaturesSupported struct {
		ExpandQuery ExpandQuery
	}
}

// ExpandQuery is what a service says of $expand. What it does is another matter: see ReadLinked.
type ExpandQuery struct {
	ExpandAll, Levels, Links, NoLinks *bool
	MaxLevels                         *int64
}

// SessionService says how long an unused session lives.
type SessionService struct {
	Resource
	SessionTimeout *int64 // seconds
	ServiceEnabled *bool
	Sessions       Link
}

// Session is a login somebody has open.
type Session struct {
	Resource
	UserName              string
	ClientOriginIPAddress string
	CreatedTime           string
	SessionType           string // Redfish, WebUI, KVMIP, ...
}

// SoftwareInventory is a piece of firmware or software, installed or available.
type SoftwareInventory struct {
	Resource
	Version      string
	SoftwareID   Loose `json:"SoftwareId"`
	Updateable   *bool
	ReleaseDate  string
	Manufacturer string
	RelatedItem  []Link
}

// LogService is a log and where its entries are.
type LogService struct {
	Resource
	DateTime           string
	MaxNumberOfRecords *int64
	OverWritePolicy    string
	LogEntryType       string
	ServiceEnabled     *bool
	Entries            Link
}

// LogPage is one page of a log's entries. Next is the path of the page after it; a log is never read to its end.
type LogPage struct {
	Entries []LogEntry `json:"Members"`
	Count   *int64     `json:"Members@odata.count"`
	Next    string     `json:"Members@odata.nextLink"`
}

// LogEntry is one line of a log.
type LogEntry struct {
	Resource
	Created     string
	EntryType   string
	EntryCode   string
	Severity    string // OK, Warning, Critical
	SensorType  string
	Message     string
	MessageID   string `json:"MessageId"`
	MessageArgs []string
	Resolved    *bool
	Links       struct {
		OriginOfCondition Link
	}
}

// Job is a job or a task: they differ in the names of their states only.
type Job struct {
	Resource
	JobState        string
	JobStatus       string
	TaskState       string
	TaskStatus      string
	PercentComplete *float64
	StartTime       string
	EndTime         string
	Messages        []struct {
		Message   string
		MessageID string `json:"MessageId"`
	}
}
