package transform

// keyByte holds the bytes that stand for themselves in build_key, boot_key and
// test_key: those that need no escaping in a Kibana URL's rison and KQL.
var keyByte = byteSet("._+:/@=,|-")

// buildParts is what makes a build: the first six parts of each link key. get
// gives a field's text, "" where there is none.
func buildParts(get func(string) string) []string {
	return []string{get("job"), get("git_branch"), get("git_describe"), get("defconfig_full"), get("arch"), get("build_environment")}
}

// buildKey and bootKey are what the dashboards link by: one build, one boot of
// it on one board.
func buildKey(get func(string) string) string { return linkKey(buildParts(get)...) }

func bootKey(get func(string) string) string {
	return linkKey(append(buildParts(get), get("lab_name"), get("board"))...)
}

// linkKey is a key of these parts, but empty when all of them are: such a key
// would link everything.
func linkKey(parts ...string) string {
	for _, p := range parts {
		if p != "" {
			return string(appendKey(make([]byte, 0, 256), parts...))
		}
	}
	return ""
}

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
