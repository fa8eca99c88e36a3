package remotewrite_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/exp/api/remote"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"

	"rackpost/replicate/remotewrite"
)

// officialStore counts what the official handler hands on.
type officialStore struct{ samples atomic.Int64 }

func (s *officialStore) Store(r *http.Request, kind remote.WriteMessageType) (*remote.WriteResponse, error) {
	answer := remote.NewWriteResponse()
	if kind != remote.WriteV2MessageType {
		return answer, fmt.Errorf("it is %s", kind)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return answer, err
	}
	var m writev2.Request
	if err := m.UnmarshalVT(b); err != nil {
		return answer, err
	}
	for _, x := range m.Timeseries {
		answer.Samples += len(x.Samples)
	}
	s.samples.Add(int64(answer.Samples))
	return answer, nil
}

// TestOfficial: the official handler of 2.0 takes what is sent, and its answer is believed; where it takes 1.0 alone, 1.0 it is.
func TestOfficial(t *testing.T) {
	t.Parallel()
	for _, takes := range []remote.WriteMessageType{remote.WriteV2MessageType, remote.WriteV1MessageType} {
		w := newWorld(t)
		w.fill(10, 30)
		s := &officialStore{}
		server := httptest.NewServer(remote.NewWriteHandler(s, remote.MessageTypes{takes}))
		defer server.Close()
		c := w.config(&receiver{Server: server})
		c.Protocol = remotewrite.V2
		x := w.run(c)
		if takes == remote.WriteV1MessageType {
			await(t, "it falls back", func() bool { return x.Status().Protocol == remotewrite.V1 })
			x.stop()
			continue
		}
		await(t, "all is there", func() bool { return x.Status().Samples == 600 })
		x.stop()
		if got := x.Status(); s.samples.Load() != 600 || got.Protocol != remotewrite.V2 || got.Lost() > 0 {
			t.Errorf("%d came, %+v", s.samples.Load(), got)
		}
	}
}
