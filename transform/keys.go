package transform

import "strings"

// keyByte holds the bytes that stand for themselves in build_key, boot_key and
// test_key: those that need no escaping in a Kibana URL's rison and KQL.
var keyByte = byteSet("._+:/@=,|-")

// buildParts is what makes a build: the first six parts of each link key, and one
// more where there are patches on top of the commit. get gives a field's text, ""
// where there is none.
func buildParts(get func(string) string) []string {
	parts := []string{
		get("job"), get("git_branch"), get("git_describe"), get("defconfig_full"), get("arch"),
		get("build_environment"),
	}
	if patches := get(patchset); patches != "" {
		parts = append(parts, patches)
	}
	return parts
}

// buildKey and bootKey are what the dashboards link by: one build, one boot of
// it on one board.
func buildKey(get func(string) string) string {
	if !buildKnown(get) {
		return ""
	}
	return linkKey(buildParts(get)...)
}

func bootKey(get func(string) string) string {
	if !buildKnown(get) {
		return ""
	}
	return linkKey(append(buildParts(get), get("lab_name"), get("board"))...)
}

// buildKnown reports whether anything says which kernel it is. Without that there
// are no keys: they would link everything that is not known.
func buildKnown(get func(string) string) bool {
	for _, name := range [...]string{"job", "git_branch", "git_commit", "git_describe", "kernel"} {
		if v := get(name); v != "" && v != pythonNone {
			return true
		}
	}
	return false
}

// pythonNone is what stands in definitions and callbacks for a value that a
// program in Python did not have.
const pythonNone = "None"

// unquotable characters end or escape a text in quotes, in KQL or in rison.
const unquotable = "'\"!\\"

// testPath is a test's name across jobs, boards and kernels: its suite, its set
// and its own name, those that are there. KernelCI makes nodes with the same path
// of them. The suite is without LAVA's number, which is its place in the job.
// Links have it in quotes, so what would end or escape those is a "_".
func testPath(parts ...string) string {
	path := ""
	for _, p := range parts {
		switch {
		case p == "":
		case path == "":
			path = p
		default:
			path += "/" + p
		}
	}
	if strings.ContainsAny(path, unquotable) {
		path = strings.Map(func(c rune) rune {
			if strings.ContainsRune(unquotable, c) {
				return '_'
			}
			return c
		}, path)
	}
	return path
}

func linkKey(parts ...string) string { return string(appendKey(make([]byte, 0, 256), parts...)) }

// appendKey joins parts by "|" into a key that survives being put into a link,
// and needs no escaping in JSON.
func appendKey(dst []byte, parts ...string) []byte {
	for i, p := range parts {
		if i > 0 {
			dst = append(dst, '|')
		}
		for _, c := range p {
			if c < 0x80 && keyByte[byte(c)] {
				dst = append(dst, byte(c))
			} else {
				dst = append(dst, '_')
			}
		}
	}
	return dst
}

// patchset is the field of patches under test, on top of the commit.
const patchset = "patchset"
