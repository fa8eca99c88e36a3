package cisco

func (c *collector) readFlash(v *visit) {}

func flashGroups() []*group { return nil }
