package synthetic

import "strings"

func minutes(n int64) value { return object(member("minutes", number(n))) }

// imageURL is the directory of the build's artifacts, with a final slash.
func (j *job) imageURL() string { return storage + j.build.path() + "/" }

func (j *job) rootfsURL(file string) string {
	return storage + "images/rootfs/debian/bookworm-" + j.plan.family + "/20250620.0/" + j.build.arch.debArch + "/" +
		file
}

func (j *job) overNFS() bool { return strings.HasSuffix(j.site.board.name, ":nfs") }

// artifact is a file that the job downloads.
type artifact struct {
	label, url string
	size       int // bytes
}

func (j *job) artifacts() []artifact {
	all := []artifact{
		{"kernel", j.imageURL() + j.build.arch.image, j.build.sizes[0] * 3 / 4},
		{"ramdisk", j.rootfsURL("rootfs.cpio.gz"), 4_700_000 + 1000*trait(j.seed, j.plan.family+j.build.target.arch)},
	}
	if j.site.board.dtb != "" {
		all = append(all, artifact{"dtb", j.imageURL() + "dtbs/" + j.site.board.dtb, 21_000 +
			37*trait(j.seed, j.site.board.dtb)})
	}
	all = append(all, artifact{"modules", j.imageURL() + "modules.tar.xz", j.build.sizes[0] * 2})
	if j.overNFS() {
		all = append(all, artifact{"nfsrootfs", j.rootfsURL("full.rootfs.tar.xz"), 76_000_000})
	}
	return all
}

// definition is the job as KernelCI submitted it: what LAVA sends back as YAML.
func (j *job) definition() value {
	fields := []field{
		member("actions", j.definitionActions()),
		textMember("device_type", j.deviceType()), textMember("job_name", j.name()),
		member("metadata", j.definitionMetadata()),
		member("notify", object(
			member("callback", object(
				textMember("content-type", "json"), textMember("dataset", "all"), textMember("method", "POST"),
				textMember("token", "kernel-ci-callback"),
				textMember("url", "https://api.kernelci.example/callback/lava/test?lab_name="+j.site.lab.name+
					"&status={STATUS}&status_string={STATUS_STRING}"))),
			member("criteria", object(textMember("status", "finished"))))),
		textMember("priority", "medium"),
		member("timeouts", object(
			member("action", minutes(10)),
			member("actions", object(member("power-off", object(member("seconds", number(30)))))),
			member("job", minutes(30)))),
		textMember("visibility", "public"),
	}
	if j.site.board.method == methodQemu {
		fields = append(fields, member("context", object(textMember("arch", j.build.arch.machine),
			textMember("cpu", "max"), textMember("guestfs_interface", "virtio"),
			textMember("machine", "virt,gic-version=3"))))
	}
	return object(fields...)
}

// deviceType is LAVA's name, which lacks what KernelCI adds to tell variants.
func (j *job) deviceType() string {
	if j.site.board.method == methodQemu {
		return "qemu"
	}
	name, _, _ := strings.Cut(j.site.board.name, "_rootfs:")
	return name
}

func (j *job) definitionActions() value {
	actions := []value{object(member("deploy", j.definitionDeploy())), object(member("boot", j.definitionBoot()))}
	for _, s := range j.plan.suites {
		actions = append(actions, object(member("test", s.definition())))
	}
	return list(actions...)
}

func (j *job) definitionDeploy() value {
	files := make([]field, 0, 8)
	for _, a := range j.artifacts() {
		file := []field{textMember("url", a.url)}
		switch {
		case a.label == "kernel" && j.site.board.method == methodUboot:
			file = append(file, textMember("type", strings.ToLower(j.build.arch.image)))
		case a.label == "kernel" && j.site.board.method == methodQemu:
			file = append(file, textMember("image_arg",
				`-kernel {kernel} -append "console=`+j.site.board.console+` root=/dev/ram0 debug verbose console_msg_format=syslog"`))
		case a.label == "modules" || a.label == "nfsrootfs":
			file = append(file, textMember("compression", "xz"))
		case a.label == "ramdisk":
			file = append(file, textMember("compression", "gz"))
		}
		files = append(files, member(a.label, object(file...)))
	}
	common := []field{textMember("os", "oe"), member("timeout", minutes(10))}
	if j.site.board.method == methodQemu {
		return object(append(common, textMember("to", "tmpfs"), member("images", object(files...)))...)
	}
	return object(append(append(common, textMember("to", "tftp")), files...)...)
}

func (j *job) definitionBoot() value {
	common := []field{member("prompts", texts("/ #", "root@kernelci:")), member("timeout", minutes(5))}
	switch j.site.board.method {
	case methodQemu:
		return object(append(common, textMember("method", "qemu"), textMember("media", "tmpfs"))...)
	case methodGrub:
		return object(append(common, textMember("method", "grub"), textMember("commands", "ramdisk"))...)
	}
	commands := "ramdisk"
	if j.overNFS() {
		commands = "nfs"
	}
	return object(append(common, textMember("method", "u-boot"), textMember("commands", commands))...)
}

func (s *suiteSpec) definition() value {
	if s.interactive {
		return object(member("interactive", list(object(textMember("name", s.name), member("prompts", texts("/ #"))))),
			member("timeout", minutes(1)))
	}
	return object(member("definitions", list(object(
		textMember("from", "inline"), textMember("name", s.name), textMember("path", "inline/"+s.name+".yaml"),
		member("repository", object(
			member("metadata", object(
				textMember("description", s.name+" test plan"), member("environment", texts("lava-test-shell")),
				textMember("format", "Lava-Test Test Definition 1.0"), textMember("name", s.name),
				member("os", texts("debian")), member("scope", texts("functional")))),
			member("run", object(member("steps", texts("export PATH=/opt/kernelci:$PATH",
				"KERNELCI_LAVA=y /bin/sh /opt/kernelci/"+s.name+".sh"))))))))),
		member("timeout", minutes(10)))
}

// definitionMetadata holds the kernel facts under the legacy dotted names.
// What does not apply is the string None.
func (j *job) definitionMetadata() value {
	t, b := j.build.target, j.site.board
	dtb, dtbURL, nfs := "None", "None", "None"
	if b.dtb != "" {
		dtb, dtbURL = "dtbs/"+b.dtb, j.imageURL()+"dtbs/"+b.dtb
	}
	if j.overNFS() {
		nfs = j.rootfsURL("full.rootfs.tar.xz")
	}
	return object(
		textMember("device.type", b.name), textMember("git.branch", j.rev.branchName),
		textMember("git.commit", j.rev.commit),
		textMember("git.describe", j.rev.describe), textMember("git.url", j.rev.branch.url),
		textMember("image.url", j.imageURL()),
		textMember("job.arch", t.arch), textMember("job.build_environment", t.compiler),
		textMember("job.dtb_url", dtbURL),
		textMember("job.file_server_resource", j.build.path()),
		textMember("job.initrd_url", j.rootfsURL("rootfs.cpio.gz")),
		textMember("job.kernel_image", j.build.arch.image), textMember("job.kernel_url",
			j.imageURL()+j.build.arch.image),
		textMember("job.modules_url", j.imageURL()+"modules.tar.xz"), textMember("job.name", j.name()),
		textMember("job.nfsrootfs_url", nfs), textMember("kernel.defconfig", t.defconfigFull()),
		textMember("kernel.defconfig_full", t.defconfigFull()), textMember("kernel.endian", j.build.arch.endian),
		textMember("kernel.tree", j.rev.branch.tree), textMember("kernel.version", j.rev.describe),
		textMember("platform.dtb", dtb), textMember("platform.dtb_short", j.dtbShort("None")),
		member("platform.fastboot", boolean(false)),
		textMember("platform.mach", b.mach), textMember("platform.name", b.name),
		textMember("test.plan", j.plan.family),
		textMember("test.plan_variant", j.plan.name))
}
