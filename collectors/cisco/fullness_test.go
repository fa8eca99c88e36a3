package cisco

import (
	"testing"

	"rackpost/hw"
)

func TestFullnessHasHysteresis(t *testing.T) {
	t.Parallel()
	c := &collector{}
	for _, x := range []struct {
		used, total uint64
		want        hw.Health
	}{
		{89, 100, hw.OK}, {90, 100, hw.Warning}, {86, 100, hw.Warning}, {85, 100, hw.Warning}, {84, 100, hw.OK}, {89, 100, hw.OK},
		{100, 100, hw.Warning}, {101, 100, hw.Unknown}, {86, 100, hw.OK}, {0, 0, hw.Unknown}, {0, 100, hw.OK},
	} {
		if got := c.fullness("memory/System memory", x.used, x.total); got != x.want {
			t.Errorf("%d of %d is %v, want %v", x.used, x.total, got, x.want)
		}
	}
	if len(c.full) != 0 {
		t.Errorf("%v is still called full", c.full)
	}
}
