package bmc

import (
	"net/http"
	"strings"
)

// reply is an answer: a document, or bytes that are none.
type reply struct {
	code   int
	doc    object
	raw    []byte
	header http.Header
}

// refusal is an error as an iDRAC writes it; code is a message id without the registry's name. Others have ids of their own.
func (b *BMC) refusal(status int, code, message, resolution string) *reply {
	return &reply{code: status, doc: failure(b.messageID(code), message, resolution)}
}

func (b *BMC) messageID(code string) string {
	if strings.HasPrefix(b.model.registry, "IDRAC") {
		return b.model.registry + "." + code
	}
	switch code {
	case "RAC0212":
		return "iLO.2.15.LoginAttemptDelayed"
	case "SYS402":
		return "iLO.2.15.UnauthorizedLoginAttempt"
	}
	id := map[string]string{
		"RAC0218": "SessionLimitExceeded", "SYS403": "ResourceMissingAtURI", "SYS405": "ActionNotSupported", "SYS406": "MalformedJSON", "SYS410": "PropertyNotWritable",
		"SYS426": "QueryNotSupported", "SYS427": "PreconditionFailed", "SYS446": "InternalError", "SYS518": "ServiceTemporarilyUnavailable", "SWC0700": "ServiceTemporarilyUnavailable",
	}[code]
	if id == "" {
		id = "GeneralError"
	}
	return "Base.1.12." + id
}

// failure is the error object of Redfish.
func failure(id, message, resolution string) object {
	return object{"error": object{
		"code": "Base.1.12.GeneralError", "message": "A general error has occurred. See ExtendedInfo for more information",
		"@Message.ExtendedInfo": []any{object{
			"Message": message, "MessageId": id, "MessageArgs": []any{}, "MessageArgs@odata.count": 0, "RelatedProperties": []any{}, "RelatedProperties@odata.count": 0,
			"Resolution": resolution, "Severity": "Warning",
		}},
	}}
}

func (b *BMC) missing(path string) *reply {
	return b.refusal(http.StatusNotFound, "SYS403", "Unable to complete the operation because the resource "+path+" entered in not found.", "Enter the correct resource and retry the operation.")
}

func (b *BMC) notAllowed(method string) *reply {
	return b.refusal(http.StatusMethodNotAllowed, "SYS405", "Unable to complete the operation because the method "+method+" is not allowed on the resource.", "Use a method that the resource allows.")
}

func (b *BMC) malformed() *reply {
	return b.refusal(http.StatusBadRequest, "SYS406", "Unable to complete the operation because the JSON data format entered is invalid.", "Enter a valid JSON and retry the operation.")
}

func (b *BMC) notReady() *reply {
	return b.refusal(http.StatusBadRequest, "SWC0700", "iDRAC is not ready. The configuration values cannot be accessed.", "Please retry after a few minutes.")
}

// busy is the answer of a controller whose data are not there yet.
func (b *BMC) busy(seconds string) *reply {
	r := b.refusal(http.StatusServiceUnavailable, "SYS518", "Unable to complete the operation because the data sources are unavailable.", "Wait for some time and retry the operation.")
	r.header = http.Header{"Retry-After": {seconds}}
	return r
}

// success is the answer to a change that is done.
func (b *BMC) success() *reply {
	return &reply{code: http.StatusOK, doc: object{"@Message.ExtendedInfo": []any{object{
		"Message": "The request completed successfully.", "MessageId": "Base.1.12.Success", "MessageArgs": []any{}, "Resolution": "None", "Severity": "OK",
	}}}}
}
