package journal

import "rackpost/hw"

// AppendLogLine writes a line of a device's log as a record.
func AppendLogLine(body []byte, device hw.DeviceID, l hw.LogLine) []byte {
	p := appendBytesField(nil, 1, device)
	p = appendBytesField(p, 2, l.Unit)
	p = appendBytesField(p, 3, l.Log)
	p = appendBytesField(p, 4, l.Entry)
	p = appendTime(p, 5, l.At)
	p = appendBytesField(p, 6, l.Level)
	p = appendBytesField(p, 7, l.Code)
	return appendRecord(body, TypeLogLine, appendBytesField(p, 8, l.Text))
}

// ParseLogLine reads the payload of a log line.
func ParseLogLine(payload []byte) (device hw.DeviceID, l hw.LogLine, err error) {
	texts := map[int]*string{2: &l.Unit, 3: &l.Log, 4: &l.Entry, 6: &l.Level, 7: &l.Code, 8: &l.Text}
	err = fields(payload, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			device = hw.DeviceID(f.bytes)
		case f.is(5, wireInt):
			l.At = f.time()
		case f.wire == wireBytes && texts[f.number] != nil:
			*texts[f.number] = string(f.bytes)
		}
		return nil
	})
	return device, l, err
}

// AppendLogCursor writes how far a log was read as a record.
func AppendLogCursor(body []byte, device hw.DeviceID, c hw.LogCursor) []byte {
	p := appendBytesField(nil, 1, device)
	p = appendBytesField(p, 2, c.Log)
	return appendRecord(body, TypeLogCursor, appendBytesField(p, 3, c.Cursor))
}

// ParseLogCursor reads the payload of a log cursor.
func ParseLogCursor(payload []byte) (device hw.DeviceID, c hw.LogCursor, err error) {
	err = fields(payload, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			device = hw.DeviceID(f.bytes)
		case f.is(2, wireBytes):
			c.Log = string(f.bytes)
		case f.is(3, wireBytes):
			c.Cursor = string(f.bytes)
		}
		return nil
	})
	return device, c, err
}
