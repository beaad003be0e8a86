package intake

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
