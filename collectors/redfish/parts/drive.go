package parts

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// Drive returns a drive.
func (s *Store) Drive(d redfish.Drive) Part {
	s.tie()
	t := s.ties[s.Name(d.Path)]
	p := Part{Component: s.component(raid.DrivePath, s.Name(d.Path), d.Resource)}
	media := medium(d)
	p.State = p.State.With(raid.KeyState, s.driveState(d, t)).With(raid.KeyPredicted, yesNo(d.FailurePredicted)).With(raid.KeyWriteCache, onOff(d.WriteCacheEnabled))
	p.Attrs = p.Attrs.With(raid.KeyModel, text(d.Model)).With(raid.KeyManufacturer, text(d.Manufacturer)).With(raid.KeySerial, text(d.SerialNumber)).
		With(raid.KeyPartNumber, text(d.PartNumber)).With(raid.KeyFirmware, text(string(d.Revision))).With(raid.KeySizeBytes, size(d.CapacityBytes)).
		With(raid.KeyMedia, media).With(raid.KeyBus, bus(d.Protocol)).With(raid.KeyBay, bay(d)).
		With(raid.KeyVolumes, raid.List(t.member...)).With(raid.KeySpare, spare(d.HotspareType, t)).With(raid.KeySpareFor, raid.List(t.spare...)).
		With(raid.KeySecurity, security(d))
	if rpm := d.RotationSpeedRPM; rpm != nil && *rpm > 0 && *rpm < 1e6 {
		p.Attrs = p.Attrs.With(raid.KeyRPM, strconv.FormatFloat(*rpm, 'f', 0, 64))
	}
	if left := d.PredictedMediaLifeLeftPercent; left != nil && media != raid.MediaHDD {
		p.Life(*left)
	}
	p.Operation(d.Operations)
	return p
}

// Life adds what is left of the rated writes, in percent. A number that is none adds nothing.
func (p *Part) Life(left float64) {
	word := raid.WearOf(left)
	if word == "" {
		return
	}
	p.State = p.State.With(raid.KeyWear, word)
	p.Samples = append(p.Samples, Gauge(p.Path, SensorLifeLeftPercent, &left, ""))
}

// driveState is the state of a drive of which only the status is told. One that works and is no member is given
// through where the controller makes no sets.
func (s *Store) driveState(d redfish.Drive, t ties) string {
	state := statusState(d.Status)
	switch {
	case state != raid.StateOnline || len(t.member) > 0 || !t.told && d.Status.State != "StandbySpare":
		return state
	case s.Storage.Volumes.Path == "":
		return raid.StateNonRAID
	}
	return raid.StateReady
}

func medium(d redfish.Drive) string {
	switch d.MediaType {
	case "HDD", "SMR":
		return raid.MediaHDD
	case "SSD":
		return raid.MediaSSD
	}
	return ""
}

func bus(protocol string) string {
	switch protocol {
	case "SAS":
		return raid.BusSAS
	case "SATA":
		return raid.BusSATA
	case "NVMe", "PCIe":
		return raid.BusNVMe
	}
	return ""
}

func spare(word string, t ties) string {
	switch word {
	case "Global":
		return raid.SpareGlobal
	case "Dedicated":
		return raid.SpareDedicated
	case "Chassis":
		return raid.SpareChassis
	}
	if len(t.spare) > 0 {
		return raid.SpareDedicated
	}
	if word == "None" {
		return raid.SpareNone
	}
	return ""
}

func security(d redfish.Drive) string {
	switch d.EncryptionStatus {
	case "Unencrypted", "Unecrypted":
		return raid.SecurityNone
	case "Unlocked":
		return raid.SecurityUnlocked
	case "Locked":
		return raid.SecurityLocked
	case "Foreign":
		return raid.SecurityForeign
	}
	if d.EncryptionStatus == "" && d.EncryptionAbility == "None" {
		return raid.SecurityNone
	}
	return ""
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return raid.Yes
	}
	return raid.No
}

func onOff(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return raid.CacheOn
	}
	return raid.CacheOff
}

// boxes is how services write the place of a drive in several cages: port, box and bay.
var boxes = regexp.MustCompile(`(?:Port[= ]([0-9]{1,3}[IE]?):?)? ?Box[= ]([0-9]{1,3}):? ?Bay[= ]([0-9]{1,3})`)

// maxBay bounds the label of a bay.
const maxBay = 64

// bay is where a drive sits, as printed on the metal: 3, or port, box and bay as 1I:3:1.
func bay(d redfish.Drive) string {
	for _, l := range append([]redfish.Location{d.PhysicalLocation}, d.Location...) {
		label := text(l.PartLocation.ServiceLabel)
		if label == "" {
			label = text(l.Info)
		}
		if m := boxes.FindStringSubmatch(label); m != nil {
			return strings.Join(slices.DeleteFunc(m[1:], func(s string) bool { return s == "" }), ":")
		}
		if n := l.PartLocation.LocationOrdinalValue; n != nil && *n >= 0 && *n < 1e5 {
			return strconv.FormatInt(*n, 10)
		}
		if label != "" && len(label) <= maxBay {
			return label
		}
	}
	return ""
}
