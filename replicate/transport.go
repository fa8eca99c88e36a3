package replicate

import (
	"io"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// NetworkTransport makes transports that carry Raft over the connections of a layer, each of a new one. The layer checks who is
// at the other end and tells what goes wrong better than Raft does; its address is the node's UUID.
func NetworkTransport(layer func() raft.StreamLayer, timers mode.Timers) func() (raft.Transport, error) {
	return func() (raft.Transport, error) {
		return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: layer(), MaxPool: 2, Timeout: timers.RPC,
			Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		}), nil
	}
}
