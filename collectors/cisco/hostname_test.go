package cisco

import "testing"

func TestHostName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"core": "core", "core.example.net": "core", "core.example.net(SIM0001)": "core", "core(SIM0001)": "core",
		"192.0.2.7": "192.0.2.7", "2001:db8::7": "2001:db8::7", "AP0253.ff00.0102": "AP0253.ff00.0102",
		"0253.ff00.0102": "0253.ff00.0102", "SEP025300010005": "SEP025300010005", ".local": ".local", "(x)": "(x)", "": "",
	} {
		if got := hostName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
