package transform

// Detect says what a payload is by its fields alone. It returns a
// [*RefusedError] when the payload is not a JSON object or could be anything.
func Detect(payload []byte) (Kind, error) {
	var r Record
	if err := r.Parse(payload, Options{}); err != nil {
		if r.Kind != "" {
			return r.Kind, nil // known for what it is, and refused for another reason
		}
		return "", err
	}
	return r.Kind, nil
}

// detect goes by the fields that only one kind has. A callback is asked for
// first: it is the only one with a job definition or a log; then boots, which
// carry build facts too.
func (r *Record) detect() (Kind, error) {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := r.values[n]; ok {
				return true
			}
		}
		return false
	}
	switch {
	case has("definition") && has("results", "log", "actual_device_id", "status_string"),
		has("actual_device_id") && has("results", "log", "submitter_username"),
		has("results") && has("log"):
		return KindLAVA, nil
	case has("boot_result", "boot_time", "boot_warnings", "boot_retries", "boot_log"), has("board") && has("lab_name"):
		return KindBoot, nil
	case has("build_result", "build_time", "build_log", "build_platform", "build_environment", "kernel_image", "defconfig", "defconfig_full"),
		has("revision") && has("build", "environment", "kernel"):
		return KindBuild, nil
	case has("board", "lab_name"):
		return KindBoot, nil
	}
	return "", refuse("unknown_kind", "", "cannot tell whether this is a build, a boot or a LAVA callback: say --kind build, boot or lava")
}
