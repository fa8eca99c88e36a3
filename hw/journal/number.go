package journal

import (
	"encoding/binary"
	"math"
)

// The scales of a gauge: 0 to 6 decimals, or the bits of the float.
const (
	maxScale    = 6
	scaleRaw    = 7
	maxMantissa = 1 << 53
)

func pow10(scale int) float64 {
	return [...]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}[scale]
}

// AppendGauge writes v: as a decimal when that gives back the same 64 bits, else its bits.
func AppendGauge(b []byte, v float64) []byte {
	want := math.Float64bits(v)
	if math.Abs(v) <= maxMantissa && want != 1<<63 {
		for scale := range maxScale + 1 {
			m := math.Round(v * pow10(scale))
			if math.Abs(m) > maxMantissa {
				break
			}
			if math.Float64bits(m/pow10(scale)) == want {
				return binary.AppendUvarint(b, zigzag(int64(m))<<3|uint64(scale))
			}
		}
	}
	b = binary.AppendUvarint(b, scaleRaw)
	return binary.BigEndian.AppendUint64(b, want)
}

// ReadGauge reads what AppendGauge wrote and returns the rest. It refuses other forms.
func ReadGauge(b []byte) (float64, []byte, error) {
	u, b, err := uvarint(b)
	if err != nil {
		return 0, nil, err
	}
	scale := int(u & 7)
	if scale != scaleRaw {
		m := unzigzag(u >> 3)
		if m > maxMantissa || m < -maxMantissa {
			return 0, nil, corrupt("gauge with mantissa %d", m)
		}
		return float64(m) / pow10(scale), b, nil
	}
	if u != scaleRaw || len(b) < 8 {
		return 0, nil, corrupt("gauge cut short")
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
}

// AppendCounter writes v.
func AppendCounter(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// ReadCounter reads what AppendCounter wrote and returns the rest.
func ReadCounter(b []byte) (uint64, []byte, error) { return uvarint(b) }
