package synthetic

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// build is one kernel built from one revision. Callbacks take their facts from
// it, so that dashboards join them.
type build struct {
	rand             *random
	rev              *revision
	target           target
	arch             *architecture
	oid              string
	at               int64 // microseconds since 1970; when it was finished
	pass             bool
	errors, warnings int
	seconds          int // build time, hundredths
	shape            int // which of the historical forms of build.json

	textSize, dataSize, bssSize, fileSize int // of vmlinux
}

// build makes the n-th build of a revision; seq counts over all revisions.
func (s *schedule) build(rev *revision, seq, n int) *build {
	r := newRandom(s.Seed, streamBuild, seq)
	b := &build{rand: r, rev: rev, target: targets[n%len(targets)]}
	b.arch = architectureOf(b.target.arch)
	b.at = rev.at + int64(n)*4*minute + int64(r.between(240, 900))*second + int64(r.below(1_000_000))
	b.oid = s.objectID(b.at, r, seq)
	b.pass = !buildFails(b, n)
	b.warnings = r.below(6)
	if b.target.isClang() {
		b.warnings += r.between(2, 17)
	}
	if !b.pass {
		b.errors = r.between(1, 4)
	}
	b.seconds = buildSeconds(b) * 100
	b.seconds += b.seconds / 1000 * r.between(-80, 80)
	b.shape = r.below(3)
	// The image grows a little over the window, more on next.
	grown := b.arch.vmlinuxText + b.arch.vmlinuxText/1000*rev.age/100
	if rev.branch.tree == "next" {
		grown += grown / 40
	}
	b.textSize, b.dataSize = grown+r.below(4000), grown/4+r.below(900)
	b.bssSize, b.fileSize = grown/2+r.below(900), grown*19+r.below(90_000)
	return b
}

func buildSeconds(b *build) int {
	seconds := 290
	switch {
	case b.target.defconfig == "allmodconfig":
		seconds = 2300
	case b.target.arch == "mips" || b.target.defconfig == "davinci_all_defconfig":
		seconds = 95
	case b.target.extras == "CONFIG_KASAN=y":
		seconds = 520
	}
	if !b.pass {
		seconds = seconds * 2 / 5
	}
	return seconds
}

// objectID is a MongoDB ObjectId: seconds, then what makes it unique.
func (s *schedule) objectID(at int64, r *random, seq int) string {
	return fmt.Sprintf("%08x%010x%06x", at/second, splitmix(s.set^r.source.Uint64())>>24, seq&0xffffff)
}

// path is where the artifacts are: the file_server_resource.
func (b *build) path() string {
	return strings.Join([]string{b.rev.branch.tree, b.rev.branchName, b.rev.describe,
		b.target.arch, b.target.defconfigFull(), b.target.compiler}, "/")
}

func passOrFail(pass bool) string {
	if pass {
		return "PASS"
	}
	return "FAIL"
}

func (b *build) record() Record {
	o := b.flat()
	if b.shape == 2 {
		o = b.nested()
	}
	return Record{Name: "build_" + b.oid + ".json", Kind: "build", Payload: jsonText(o)}
}

// createdOn writes the time in one of the forms that occur.
func createdOn(at int64, form int) any {
	switch form {
	case 0:
		return time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05Z")
	case 1:
		return pythonTime(at)
	}
	return object{"$date": at / 1000}
}

// flat is the form of the legacy build.json and of the first bmeta.json, which
// differ in the name of the verbose describe.
func (b *build) flat() object {
	describeName, version := "git_describe_v", "1.0"
	if b.shape == 1 {
		describeName, version = "git_describe_verbose", "1.1"
	}
	o := object{
		"_id": object{"$oid": b.oid}, "created_on": createdOn(b.at, b.rand.below(3)), "version": version,
		"job": b.rev.branch.tree, "kernel": b.rev.describe, "git_branch": b.rev.branchName,
		"git_commit": b.rev.commit, "git_describe": b.rev.describe, describeName: b.rev.describeVerbose,
		"git_url": b.rev.branch.url, "arch": b.target.arch, "defconfig": b.target.defconfig,
		"defconfig_full": b.target.defconfigFull(), "build_environment": b.target.compiler,
		"build_result": passOrFail(b.pass), "build_time": json.Number(hundredths(b.seconds)),
		"build_threads": 4 + 4*b.rand.below(4), "errors": b.errors, "warnings": b.warnings,
		"build_log": "build.log", "build_platform": b.platform(), "compiler": b.target.compilerName(),
		"compiler_version": b.target.compilerVersion(), "compiler_version_full": b.target.compilerFull(),
		"cross_compile": b.arch.prefix, "file_server_resource": b.path(), "file_server_url": storage,
		"kernel_config": "kernel.config", "kconfig_fragments": nil, "kernel_image": nil, "modules": nil,
		"modules_dir": nil, "dtb_dir": "dtbs", "system_map": "System.map", "text_offset": b.arch.textOffset,
	}
	if b.target.extras != "" {
		o["kconfig_fragments"] = "frag-" + strings.ReplaceAll(b.target.extras, "=", "-") + ".config"
	}
	for name := range b.sizes() {
		o[name] = nil
	}
	if b.pass {
		o["kernel_image"], o["modules"] = b.arch.image, "modules.tar.xz"
		maps.Copy(o, b.sizes())
	}
	return o
}

func (b *build) sizes() object {
	return object{"vmlinux_text_size": b.textSize, "vmlinux_data_size": b.dataSize,
		"vmlinux_bss_size": b.bssSize, "vmlinux_file_size": b.fileSize}
}

func (b *build) platform() []string {
	return []string{"Linux", "build-" + b.rand.hex(8), "6.1.0-37-amd64",
		"#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", "x86_64", ""}
}

// nested is the form of the last bmeta.json.
func (b *build) nested() object {
	extras := []string{}
	if b.target.extras != "" {
		extras = append(extras, b.target.extras)
	}
	full := b.target.defconfigFull()
	kernel := object{"defconfig": b.target.defconfig, "defconfig_full": full, "defconfig_expanded": full,
		"defconfig_extras": extras, "fragments": []string{}, "publish_path": b.path(), "system_map": "System.map"}
	if b.pass {
		kernel["image"], kernel["text_offset"] = b.arch.image, b.arch.textOffset
		maps.Copy(kernel, b.sizes())
	}
	return object{
		"_id": object{"$oid": b.oid},
		"environment": object{"arch": b.target.arch, "compiler": b.target.compilerName(),
			"compiler_version": b.target.compilerVersion(), "compiler_version_full": b.target.compilerFull(),
			"cross_compile": b.arch.prefix, "cross_compile_compat": "",
			"make_opts": object{"KBUILD_BUILD_USER": "KernelCI"}, "name": b.target.compiler,
			"platform": object{"uname": b.platform()}, "use_ccache": b.rand.chance(500)},
		// Python prints durations with whatever digits the float has.
		"build": object{
			"duration": json.Number(hundredths(b.seconds) + fmt.Sprintf("%07d", b.rand.between(1, 9_999_999))),
			"status":   passOrFail(b.pass), "errors": b.errors, "warnings": b.warnings},
		"created_on": createdOn(b.at, b.rand.below(3)),
		"kernel":     kernel,
		"revision": object{"tree": b.rev.branch.tree, "url": b.rev.branch.url, "branch": b.rev.branchName,
			"commit": b.rev.commit, "describe": b.rev.describe, "describe_verbose": b.rev.describeVerbose},
	}
}
