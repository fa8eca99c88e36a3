package cisco

func (c *collector) readErrDisabled(v *visit) {}

func errDisableGroups() []*group { return nil }
