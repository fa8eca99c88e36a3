package wire

import (
	"compress/flate"
	"io"

	"rackpost/replicate/mode"
)

// packed makes what Raft says smaller on the way to and from a witness, which may be at the end of
// a thin line: each message names its fields, and all are alike. Between boxes the memory it takes
// would buy nothing.
type packed struct {
	in  io.Reader
	out *flate.Writer
}

// pack returns how both ends of the connection speak, by what they told each other.
func pack(c *Conn) (io.ReadWriter, error) {
	if c.told.Role != mode.Witness && c.Peer.Role != mode.Witness {
		return c.Conn, nil
	}
	out, err := flate.NewWriter(c.Conn, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	return &packed{flate.NewReader(c.Conn), out}, nil
}

// Read implements io.Reader.
func (p *packed) Read(b []byte) (int, error) { return p.in.Read(b) }

// Write implements io.Writer: all of b is on its way when it returns.
func (p *packed) Write(b []byte) (int, error) {
	n, err := p.out.Write(b)
	if err != nil {
		return n, err
	}
	return n, p.out.Flush()
}
