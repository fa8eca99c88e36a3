package bmc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"rackpost/collectors/sim/bmc"
)

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bmc.New("poweredge-r740", bmc.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is what an answer costs the simulator, without TLS.
func BenchmarkGet(b *testing.B) {
	d, err := bmc.New("poweredge-r740", bmc.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := d.Handler()
	for name, path := range map[string]string{"heartbeat": systemDoc, "volumes": storageBase + "/Volumes?$expand=*($levels=1)", "log": lclog} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			q := httptest.NewRequest("GET", path, nil)
			q.SetBasicAuth(bmc.DefaultUser, bmc.DefaultPassword)
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, q); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
