package incident

import (
	"strings"
	"sync"
)

// canceled is the error type of a job that a person stopped: nothing failed.
const canceled = "Canceled"

// JobError is the incident of a job that LAVA gave up, from its error_type and
// error_msg; false when it makes none. A kernel's message in it, which LAVA puts
// there when it has met a panic, gets the kernel's title.
func JobError(errorType, message string) (Incident, bool) {
	errorType = strings.TrimSpace(errorType)
	if errorType == "" || errorType == canceled {
		return Incident{}, false
	}
	if in, ok := kernelError(message); ok {
		return in, true
	}
	first, _, _ := strings.Cut(strings.TrimSpace(clip(message)), "\n")
	said := replaceAll(strings.TrimSpace(first), jobSecrets())
	text := printable(replaceAll(said, jobDifferences()))
	if text == "" {
		text = "no message"
	}
	title := shortened(printable(errorType)+" error: "+text, maxTitle)
	return Incident{
		Title: title, Kind: Job, Message: cutRunes(said, maxMessage),
		Signature: signature(Job, title, nil), Count: 1,
	}, true
}

// kernelError finds a kernel's header in a job's error message.
func kernelError(message string) (Incident, bool) {
	var r Reader
	for line := range strings.SplitSeq(message, "\n") {
		messages := appendMessages(nil, line)
		for i := range messages {
			m := &messages[i]
			if !m.stamped() {
				m.stamp, m.line = "0", "] "+m.line // LAVA may have cut it off
			}
			r.message(0, m)
		}
	}
	for _, in := range r.Incidents() {
		return in, true
	}
	return Incident{}, false
}

// jobSecrets take away what is nobody's business: the commands of power switches
// and the URLs of downloads, which hold passwords and tokens.
var jobSecrets = sync.OnceValue(func() []replacement {
	return rules(
		"://", `\b[a-z][a-z0-9+.-]*://[^\s'"<>]+`, "URL",
		// What could not be done; with what command, or from where, comes behind.
		"unable to", `^(Unable to (?:reboot|power[-_]o(?:n|ff)|run pre-[a-z]+|pull|inspect|open|fetch[a-z ]*|`+
			`flash[a-z ]*|download|locate mount point))\b.*`, "$1",
		"unavailable|fail|command|downloading|no space",
		`^(Resource unavailable|command failed|Fail \w+ on cmd|Command|[\w-]+ failed for|Downloading|`+
			`No space in image after applying overlay)\b.*`, "$1",
		"invalid job data", `^Invalid job data: .*?(Resource unavailable|Cannot download a directory|`+
			`not supported by this device|job timed out|Non existing architecture).*`, "Invalid job data: $1",
		"invalid job data", `^(Invalid job data): ?[\[{'"].*`, "$1",
		// A command in quotes, which has options.
		" -", `'[^']* --?[A-Za-z][^']*'`, "'COMMAND'",
		" -", `"[^"]* --?[A-Za-z][^"]*"`, `"COMMAND"`,
		"pass|secret|token|psk|api", `(?i)\b((?:pass(?:word|wd|phrase)?|secret|token|psk|api[-_]?key)\b['"]?(?: is)?)`+
			`(?:\s*[:=]\s*|\s+)\S+`, "$1",
		"@", `[^\s'"@/:]+:[^\s'"@/]+@`, "",
	)
})

// jobDifferences make the messages of two jobs equal that failed alike.
var jobDifferences = sync.OnceValue(func() []replacement {
	return rules(
		" timed out after ", `^(?:\d+(?:\.\d+)+ )?([\w-]+(?:: job)?) timed out after \d+(?:\.\d+)? seconds?.*`,
		"$1 timed out",
		" after ", ` after \d+(?:\.\d+)? seconds?\b`, "",
		"[errno ", `^\[Errno -?\d+\] ([^:]*).*`, "$1",
		"/", `(^|[^\w.])/[\w./+-]{3,}`, "${1}PATH",
		".", `\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`, "IP",
		"(", ` \(\d+\)$`, "",
		anyDigit+"|a|b|c|d|e|f", `\b(?:0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,})\b`, "ID",
		anyDigit, `(\W)\d+(?:\.\d+)*\b`, "${1}NUM",
	)
})
