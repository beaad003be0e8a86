package intake

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLab is longer than any lab's name by far: KernelCI's longest has 22 letters.
const maxLab = 128

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// queryLab finds lab_name in a query: the first one, percent-decoded. It goes
// through the pairs by itself because url.ParseQuery drops a pair that it cannot
// decode, and with it the lab's name.
func queryLab(query string) (lab string, refusal *Refusal) {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if k, err := url.QueryUnescape(key); err != nil || k != "lab_name" {
			continue
		}
		lab, err := url.QueryUnescape(value)
		if err != nil {
			return "", &Refusal{Status: http.StatusBadRequest, Type: "bad_lab_name",
				Reason: "lab_name in the query is not percent-encoded well: write a % as %25"}
		}
		if reason := LabFault(lab); reason != "" {
			return "", &Refusal{
				Status: http.StatusUnprocessableEntity, Type: "bad_lab_name", Reason: "lab_name in the query " + reason,
			}
		}
		return lab, nil
	}
	return "", nil
}

// LabFault says why a text cannot be a lab's name; empty: it can. Labs choose their
// names freely; only mistakes, and what a dashboard would not show, are
// refused.
func LabFault(lab string) string {
	switch {
	case strings.TrimSpace(lab) == "":
		return "is empty: name the lab or leave lab_name out"
	case len(lab) > maxLab:
		return fmt.Sprintf("has %d bytes, %d are allowed", len(lab), maxLab)
	case !utf8.ValidString(lab):
		return "is not UTF-8"
	case strings.ContainsFunc(lab, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "holds characters that cannot be seen"
	case strings.TrimSpace(lab) != lab:
		return "begins or ends with a space"
	}
	return ""
}

// nodeID takes a Maestro node's id, a MongoDB ObjectId of 24 hex digits, from a
// path. Anything else that is short and harmless is taken too, as ids of another
// make are for the server that knows the nodes to judge.
func nodeID(id string) (string, *Refusal) {
	if id == "" || len(id) > 64 || strings.TrimLeft(id, alphanumeric+"-_") != "" {
		return "", &Refusal{
			Status: http.StatusBadRequest, Type: "bad_node_id",
			Reason: "the path has no node id: post to /node/{node_id}, 24 hex digits",
		}
	}
	return id, nil
}

// clip cuts a text from outside to at most n bytes of UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Post is one record as it was posted.
type Post struct {
	Kind string // of package kinds

	// Payload is the body, decompressed; nobody else refers to it. For
	// Config.Refused it may be only the beginning, see Size.
	Payload []byte
	// Size is the length of the whole body in bytes; of a body that was not
	// read to its end what the header said, or -1.
	Size int64

	// Lab is lab_name of the query and wins over the body's. Empty when there is
	// none; then the body's counts, and without that TokenLab. Accept may set it
	// to the lab it found, for the log and the metrics.
	Lab string
	// TokenLab is the lab of the token that came with the post: "" without
	// tokens and for tokens of [AnyLab]. It agrees with Lab; whether it agrees
	// with the lab of the body is for Accept to see, with CheckLab.
	TokenLab string
	// NodeID is the Maestro node of /node/{node_id}, otherwise empty.
	NodeID string
	// Key may be set by Accept: the record's key, for the log.
	Key string

	RequestID string
	Remote    string    // the sender's IP address, that of the proxy behind one
	Received  time.Time // when the request's header had come in
}

// CheckLab returns a *Refusal when the post's token is another lab's than lab,
// the one that the record names. No lab agrees with every token.
func (p *Post) CheckLab(lab string) error {
	if p.TokenLab == "" || lab == "" || p.TokenLab == lab {
		return nil
	}
	return otherLab(lab)
}
