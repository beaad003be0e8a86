package transform

import (
	"fmt"
	"strings"
	"testing"
)

// A lab's error message is in documents, without the password of its power
// switch, however LAVA wrote the results down.
func TestErrorMessageHasNoPassword(t *testing.T) {
	const message = `error_msg: 'curl http://root:s3cr@et@pdu/off?port=1 failed', error_type: Infrastructure`
	for _, results := range []string{
		`- {id: 1, name: job, result: fail, metadata: {` + message + `}}\n`,
		`- name: job\n  metadata:\n    ` + strings.ReplaceAll(message, ", ", `\n    `) + `\n  result: fail\n`,
	} {
		_, d, err := made(callbackJSON("results", `{"lava":"`+results+`"}`), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(sources(t, d))
		if strings.Contains(got, "et@pdu") || strings.Count(got, "curl http://REDACTED@pdu/off?port=1 failed") < 2 {
			t.Errorf("%s\nbecame %s", results, got)
		}
	}
}
