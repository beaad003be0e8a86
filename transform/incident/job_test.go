package incident

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJobError(t *testing.T) {
	for _, c := range []struct{ errorType, message, title string }{
		{"", "anything", ""},
		{"Canceled", "The job was canceled", ""},
		{"Infrastructure", "", "Infrastructure error: no message"},
		{"Infrastructure", "bootloader-commands timed out after 42.5 seconds",
			"Infrastructure error: bootloader-commands timed out"},
		{"Test", "1.2.3 lava-test-retry timed out after 1 second\nmore", "Test error: lava-test-retry timed out"},
		{"Infrastructure", "Unable to power-off: 'pdu --user admin --pass hunter2 off 3' failed",
			"Infrastructure error: Unable to power-off"},
		{"Infrastructure", "Connection to 192.0.2.17:2023 closed", "Infrastructure error: Connection to IP closed"},
		{"Infrastructure", "Unable to fetch https://u:hunter2@host/x?token=hunter2",
			"Infrastructure error: Unable to fetch"},
		{"Bug", "'commands'", "Bug error: 'commands'"},
		{"Job", "matched a bootloader error message: 'TIMEOUT' (3)",
			"Job error: matched a bootloader error message: 'TIMEOUT'"},
		{"Configuration", "no file /etc/lava-server/x.yaml for device 12",
			"Configuration error: no file PATH for device NUM"},
		{"Job", "[    3.000001] Kernel panic - not syncing: No working init found.\n[    3.000002] CPU: 0",
			"kernel panic: No working init found."},
		{"Job", "Kernel panic - not syncing: Fatal exception", "kernel panic: Fatal exception"},
	} {
		in, ok := JobError(c.errorType, c.message)
		if ok != (c.title != "") || in.Title != c.title {
			t.Errorf("%s: %q: %q, want %q", c.errorType, c.message, in.Title, c.title)
		}
	}
}

// Whatever LAVA says, what it says of passwords is not kept.
func TestJobErrorKeepsNoSecrets(t *testing.T) {
	for _, message := range []string{
		"Unable to reboot: 'ipmitool -U admin -P hunter2 power reset' failed",
		"Unable to run pre-power: curl -u a:hunter2 http://pdu/1",
		"hard_reset failed: 'snmpset -c hunter2 pdu 1' returned 1",
		`command "sshpass -p hunter2 ssh root@x" exited with 5`,
		"Invalid job data: [\"Resource unavailable at 'https://s3/x?sig=hunter2': 403\"]",
		"Invalid job data: {'url': 'ftp://hunter2@x'}",
		"could not download https://lab:hunter2@files/Image: 404",
		"mount: wrong password: hunter2",
		"login with password=hunter2 failed",
		"git clone failed for root:hunter2@10.0.0.1",
		"Command '['curl', '-k', 'x', 'hunter2']' returned non-zero exit status 7",
		"command failed: hunter2",
	} {
		in, ok := JobError("Infrastructure", message)
		if !ok || strings.Contains(in.Title+in.Message, "hunter2") {
			t.Errorf("%q: %q, %q", message, in.Title, in.Message)
		}
	}
}

func TestJobErrorsOfOthers(t *testing.T) {
	root := os.Getenv("KCING_SHARED")
	if root == "" {
		root = "../../../shared"
	}
	raw, err := os.ReadFile(filepath.Join(root, "data", "incidents", "jobs.ndjson"))
	if err != nil {
		t.Skip("no job errors beside the repository")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n") {
		var c struct {
			Type    string `json:"error_type"`
			Message string `json:"error_msg"`
			Title   string `json:"title"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if in, _ := JobError(c.Type, c.Message); in.Title != c.Title {
			t.Errorf("%s: %q: %q, want %q", c.Type, c.Message, in.Title, c.Title)
		}
	}
}
