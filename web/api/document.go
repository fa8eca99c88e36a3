package api

import (
	_ "embed"
	"net/http"
)

// openapi describes every route. It is made of the table of routes and of the models with their comments: go test ./web/api -run
// TestDocument -update writes it.
//
//go:embed openapi.json
var openapi []byte

func (c *call) document() error {
	c.w.Header().Set("Content-Type", asJSON)
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(openapi) // the client may be gone
	return nil
}
