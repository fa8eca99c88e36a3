package parts

import (
	"cmp"
	"strconv"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// Volume returns a RAID set; false for a disk given through.
func (s *Store) Volume(v redfish.Volume) (Part, bool) {
	s.tie()
	if !s.sets[s.Name(v.Path)] {
		return Part{}, false
	}
	p := Part{Component: s.component(raid.VolumePath, s.Name(v.Path), v.Resource)}
	p.State = p.State.With(raid.KeyState, statusState(v.Status)).
		With(raid.KeyWritePolicyNow, writePolicy(v.WriteCachePolicy)).With(raid.KeyReadPolicyNow, readPolicy(v.ReadCachePolicy)).
		With(raid.KeyWriteCache, writeCache(v.WriteCacheState))
	p.Attrs = p.Attrs.With(raid.KeyName, cmp.Or(text(v.DisplayName), text(v.Name))).With(raid.KeyLevel, level(v)).
		With(raid.KeySizeBytes, size(v.CapacityBytes)).With(raid.KeyStripeBytes, size(v.StripSizeBytes)).
		With(raid.KeyDrives, count(v.Links)).With(raid.KeySecurity, encrypted(v.Encrypted))
	p.Operation(v.Operations)
	return p, true
}

func level(v redfish.Volume) string {
	switch v.RAIDType {
	case "RAID0":
		return raid.Level0
	case "RAID1", "RAID1Triple":
		return raid.Level1
	case "RAID1E":
		return raid.Level1E
	case "RAID10", "RAID10Triple", "RAID10E":
		return raid.Level10
	case "RAID01":
		return raid.Level01
	case "RAID3", "RAID4", "RAID5":
		return raid.Level5
	case "RAID6", "RAID6TP":
		return raid.Level6
	case "RAID50":
		return raid.Level50
	case "RAID60":
		return raid.Level60
	case "None":
		return raid.LevelNone
	}
	switch v.VolumeType {
	case "NonRedundant":
		return raid.Level0
	case "Mirrored":
		return raid.Level1
	case "SpannedMirrors":
		return raid.Level10
	case "StripedWithParity":
		return raid.Level5Or6
	case "SpannedStripesWithParity":
		return raid.Level50Or60
	}
	return ""
}

func writePolicy(word string) string {
	switch word {
	case "WriteThrough":
		return raid.WriteThrough
	case "ProtectedWriteBack":
		return raid.WriteBack
	case "UnprotectedWriteBack":
		return raid.WriteBackForced
	case "Off":
		return raid.WriteOff
	}
	return ""
}

func readPolicy(word string) string {
	switch word {
	case "Off":
		return raid.ReadNone
	case "ReadAhead":
		return raid.ReadAhead
	case "AdaptiveReadAhead":
		return raid.ReadAdaptive
	}
	return ""
}

func writeCache(word string) string {
	switch word {
	case "Protected":
		return raid.CacheProtected
	case "Unprotected":
		return raid.CacheUnprotected
	case "Degraded":
		return raid.CacheDegraded
	}
	return ""
}

// size is a number of bytes; 0 is none.
func size(bytes *int64) string {
	if bytes == nil || *bytes <= 0 {
		return ""
	}
	return strconv.FormatInt(*bytes, 10)
}

// maxDrives is more than a set can have.
const maxDrives = 1 << 12

// count is of how many drives a volume is made, as far as it tells.
func count(l redfish.VolumeLinks) string {
	n := int64(len(l.Drives))
	if l.DriveCount != nil {
		n = max(n, *l.DriveCount)
	}
	if n <= 0 || n > maxDrives {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func encrypted(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return raid.SecurityUnlocked
	}
	return raid.SecurityNone
}
