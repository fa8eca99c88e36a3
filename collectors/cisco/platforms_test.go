package cisco

import "testing"

func TestPlatformLimit(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		model string
		parts []string
		want  uint64
	}{
		{"ASA5525", nil, 500_000}, {"ASA 5525-X", nil, 500_000}, {"asa5506-x", nil, 50_000}, {"ASA5506W", nil, 50_000}, {"FPR-2110", nil, 1_000_000}, {"FPR-1010E", nil, 100_000}, {"FPR-3130", nil, 6_000_000},
		{"ASA5505", nil, 25_000}, {"ASA5580-20", nil, 2_000_000}, {"ASA5580-40", nil, 4_000_000}, {"ASA5580", nil, 0},
		{"ASAv5", nil, 50_000}, {"ASAv50", nil, 2_000_000}, {"ASAv", nil, 0}, {"FPR-41100", nil, 0}, {"WS-C3750", nil, 0}, {"", nil, 0},
		{"ASA5585-SSP-10", nil, 1_000_000}, {"ASA5585", []string{"ASA5585-SSP-60", "ASA5585-SSP-IPS60"}, 10_000_000},
		{"ASA5585", []string{"ASA5585-SSP-60", "ASA5585-SSP-10"}, 0}, {"ASA5585", nil, 0},
	} {
		if got := platformLimit(x.model, func() []string { return x.parts }); got != x.want {
			t.Errorf("%s with %q: %d, want %d", x.model, x.parts, got, x.want)
		}
	}
}

func TestParseResource(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		index       string
		class, name string
		ok          bool
	}{
		{"2.97.98.3", "ab", "concurrentConns", true}, {"0.8", "", "natTranslations", true}, {"1.97.99", "a", "99", true},
		{"2.97.3", "", "", false}, {"2.97.256.3", "", "", false}, {"", "", "", false}, {"65.3", "", "", false}, {"1.97.0", "", "", false}, {"1.97", "", "", false},
		{"-1.3", "", "", false}, {"1.97.99999999999", "", "", false}, {"2.10.97.18", "a", "sshSessions", true},
	} {
		r, ok := parseResource(x.index)
		if ok != x.ok || ok && (r.class != x.class || r.name != x.name) {
			t.Errorf("%s: %+v %v", x.index, r, ok)
		}
	}
}
