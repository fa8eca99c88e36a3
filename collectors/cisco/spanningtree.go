package cisco

func (c *collector) readSpanningTree(v *visit) {}

func spanningTreeGroups() []*group { return nil }
