package hw

// Locate is the act of making a part blink so that a person finds it.
const Locate = "locate"

// Action is something a device is to do.
type Action struct {
	Name      string // Locate
	Component string // path of the part, "drive/...", or ChassisPath
	On        bool
}

// ChassisPath is the component of an Action that concerns the whole server.
const ChassisPath = "system"
