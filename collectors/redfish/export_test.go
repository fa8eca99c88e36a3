package redfish

import (
	"net/http"
	"time"
)

// Later sets the client's clock forward.
func (c *Client) Later(d time.Duration) {
	<-c.turn
	defer c.give()
	before := c.now
	c.now = func() time.Time { return before().Add(d) }
}

// Judge judges an answer as a Client does.
func Judge(status int, body []byte, path string) error {
	c := &Client{wire: &wire{host: "bmc"}, now: fixedNow}
	a, _, err := c.judge(&Error{Method: http.MethodGet, Path: path}, &http.Response{StatusCode: status, Header: http.Header{}}, body)
	if err != nil {
		return err
	}
	if _, err := pageOf(a.Doc, "Members"); len(a.Doc) > 0 && err == nil {
		_, err = pageOf(a.Doc, "Drives")
		return err
	}
	return nil
}

// AsSent is a path as it is asked for.
var AsSent = asSent
