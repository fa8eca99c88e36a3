package redfish

import "net/http"

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
