package synthetic

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// build is one kernel built from one revision. Callbacks take their facts from
// it, so that dashboards join them.
type build struct {
	*random
	rev              *revision
	target           target
	arch             *architecture
	oid              string
	at               int64 // microseconds since 1970; when it was finished
	pass             bool
	errors, warnings int
	seconds          int // build time, hundredths
	shape            int // which of the historical forms of build.json
	sizes            [4]int
}

// build makes the n-th build of a revision; seq counts over all revisions.
func (s *schedule) build(rev *revision, seq, n int) *build {
	r := newRandom(s.Seed, streamBuild, seq)
	b := &build{random: r, rev: rev, target: targets[n%len(targets)]}
	b.arch = architectureOf(b.target.arch)
	b.at = rev.at + int64(n)*4*minute + int64(r.between(240, 900))*second + int64(r.below(1_000_000))
	b.oid = objectID(b.at, r, seq)
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
	b.sizes = [4]int{grown + r.below(4000), grown/4 + r.below(900), grown/2 + r.below(900), grown*19 + r.below(90_000)}
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
func objectID(at int64, r *random, seq int) string {
	return fmt.Sprintf("%08x%s%06x", at/second, r.hex(10), seq&0xffffff)
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
	v := b.flat()
	if b.shape == 2 {
		v = b.nested()
	}
	return Record{Name: "build_" + b.oid + ".json", Kind: "build", Payload: appendJSON(make([]byte, 0, 2560), v)}
}

func oidMember(oid string) field { return member("_id", object(textMember("$oid", oid))) }

// createdOn writes the time in one of the forms that occur.
func createdOn(at int64, form int) field {
	switch form {
	case 0:
		return textMember("created_on", time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05Z"))
	case 1:
		return textMember("created_on", pythonTime(at))
	}
	return member("created_on", object(member("$date", number(at/1000))))
}

// flat is the form of the legacy build.json and of the first bmeta.json, which
// differ in the name of the verbose describe.
func (b *build) flat() value {
	describeName, version := "git_describe_v", "1.0"
	if b.shape == 1 {
		describeName, version = "git_describe_verbose", "1.1"
	}
	full := b.target.defconfigFull()
	image, modules := text(b.arch.image), text("modules.tar.xz")
	fragments := null
	if b.target.extras != "" {
		fragments = text("frag-" + strings.ReplaceAll(b.target.extras, "=", "-") + ".config")
	}
	var sizes []field
	for i, name := range []string{"vmlinux_text_size", "vmlinux_data_size", "vmlinux_bss_size", "vmlinux_file_size"} {
		size := null
		if b.pass {
			size = number(int64(b.sizes[i]))
		}
		sizes = append(sizes, member(name, size))
	}
	if !b.pass {
		image, modules = null, null
	}
	fields := []field{
		oidMember(b.oid), createdOn(b.at, b.below(3)), textMember("version", version),
		textMember("job", b.rev.branch.tree), textMember("kernel", b.rev.describe),
		textMember("git_branch", b.rev.branchName), textMember("git_commit", b.rev.commit),
		textMember("git_describe", b.rev.describe), textMember(describeName, b.rev.describeVerbose),
		textMember("git_url", b.rev.branch.url), textMember("arch", b.target.arch),
		textMember("defconfig", b.target.defconfig), textMember("defconfig_full", full),
		textMember("build_environment", b.target.compiler), textMember("build_result", passOrFail(b.pass)),
		member("build_time", literal(hundredths(b.seconds))), member("build_threads", number(int64(4+4*b.below(4)))),
		member("errors", number(int64(b.errors))), member("warnings", number(int64(b.warnings))),
		textMember("build_log", "build.log"), member("build_platform", b.platform()),
		textMember("compiler", strings.SplitN(b.target.compiler, "-", 2)[0]),
		textMember("compiler_version", b.target.compilerVersion()),
		textMember("compiler_version_full", b.target.compilerFull()),
		textMember("cross_compile", b.arch.prefix), textMember("file_server_resource", b.path()),
		textMember("file_server_url", storage), textMember("kernel_config", "kernel.config"),
		member("kconfig_fragments", fragments), member("kernel_image", image), member("modules", modules),
		member("modules_dir", null), textMember("dtb_dir", "dtbs"), textMember("system_map", "System.map"),
		textMember("text_offset", b.arch.textOffset),
	}
	return object(append(fields, sizes...)...)
}

func (b *build) platform() value {
	return texts("Linux", "build-"+b.hex(8), "6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)",
		"x86_64", "")
}

// nested is the form of the last bmeta.json.
func (b *build) nested() value {
	extras := list()
	if b.target.extras != "" {
		extras = texts(b.target.extras)
	}
	kernel := []field{
		textMember("defconfig", b.target.defconfig), textMember("defconfig_full", b.target.defconfigFull()),
		textMember("defconfig_expanded", b.target.defconfigFull()), member("defconfig_extras", extras),
		member("fragments", list()), textMember("publish_path", b.path()), textMember("system_map", "System.map"),
	}
	if b.pass {
		kernel = append(kernel, textMember("image", b.arch.image), textMember("text_offset", b.arch.textOffset),
			member("vmlinux_text_size", number(int64(b.sizes[0]))),
			member("vmlinux_data_size", number(int64(b.sizes[1]))),
			member("vmlinux_bss_size", number(int64(b.sizes[2]))),
			member("vmlinux_file_size", number(int64(b.sizes[3]))))
	}
	environment := object(
		textMember("arch", b.target.arch), textMember("compiler", strings.SplitN(b.target.compiler, "-", 2)[0]),
		textMember("compiler_version", b.target.compilerVersion()),
		textMember("compiler_version_full", b.target.compilerFull()),
		textMember("cross_compile", b.arch.prefix), textMember("cross_compile_compat", ""),
		member("make_opts", object(textMember("KBUILD_BUILD_USER", "KernelCI"))), textMember("name", b.target.compiler),
		member("platform", object(member("uname", b.platform()))), member("use_ccache", boolean(b.chance(500))))
	revision := object(
		textMember("tree", b.rev.branch.tree), textMember("url", b.rev.branch.url),
		textMember("branch", b.rev.branchName),
		textMember("commit", b.rev.commit), textMember("describe", b.rev.describe),
		textMember("describe_verbose", b.rev.describeVerbose))
	// Python prints durations with whatever digits the float has.
	duration := strconv.Itoa(b.seconds/100) + "." + fmt.Sprintf("%02d%07d", b.seconds%100, b.between(1, 9_999_999))
	return object(
		oidMember(b.oid), createdOn(b.at, b.below(3)),
		member("build", object(member("duration", literal(duration)), textMember("status", passOrFail(b.pass)),
			member("errors", number(int64(b.errors))), member("warnings", number(int64(b.warnings))))),
		member("environment", environment), member("kernel", object(kernel...)), member("revision", revision))
}
