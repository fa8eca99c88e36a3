package sim

// Answer gives what an agent of d answers to packet, or nil, without a socket.
func Answer(d *Device, packet []byte, maxSize int) []byte {
	q, ok := parseRequest(packet)
	if !ok {
		return nil
	}
	var reply []byte
	a := answerer{max: maxSize}
	d.arrive()
	_ = d.respond(&a, &q, func(b []byte) error { reply = b; return nil })
	return reply
}

// Objects is how many objects d has.
func Objects(d *Device) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.view.entries)
}

// SharesView says whether two devices have one view in memory.
func SharesView(a, b *Device) bool { return a.view == b.view }
