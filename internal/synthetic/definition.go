package synthetic

import (
	_ "embed"
	"strings"
	"text/template"
)

// imageURL is the directory of the build's artifacts, with a final slash.
func (j *job) imageURL() string { return storage + j.build.path() + "/" }

func (j *job) rootfsURL(file string) string {
	return storage + "images/rootfs/debian/bookworm-" + j.plan.family + "/20250620.0/" + j.build.arch.debArch + "/" +
		file
}

func (j *job) overNFS() bool { return strings.HasSuffix(j.site.board.name, ":nfs") }

// artifact is a file that the job downloads.
type artifact struct {
	Label, URL string
	Size       int    // bytes
	Option     string // what the definition says of it besides
}

func (j *job) artifacts() []artifact {
	b, image := j.site.board, j.build.arch.image
	kernel, size := "", j.build.textSize
	switch b.method {
	case methodUboot:
		kernel = "type: " + strings.ToLower(image)
	case methodQemu:
		kernel = `image_arg: '-kernel {kernel} -append "console=` + b.console +
			` root=/dev/ram0 debug verbose console_msg_format=syslog"'`
	}
	all := []artifact{
		{"kernel", j.imageURL() + image, size * 3 / 4, kernel},
		{"ramdisk", j.rootfsURL("rootfs.cpio.gz"),
			4_700_000 + 1000*trait(j.seed, j.plan.family+j.build.target.arch), "compression: gz"},
	}
	if b.dtb != "" {
		all = append(all, artifact{"dtb", j.imageURL() + "dtbs/" + b.dtb, 21_000 + 37*trait(j.seed, b.dtb), ""})
	}
	all = append(all, artifact{"modules", j.imageURL() + "modules.tar.xz", size * 2, "compression: xz"})
	if j.overNFS() {
		all = append(all, artifact{"nfsrootfs", j.rootfsURL("full.rootfs.tar.xz"), 76_000_000, "compression: xz"})
	}
	return all
}

//go:embed definition.yaml
var definitionText string

var definitionTemplate = template.Must(template.New("definition.yaml").Parse(definitionText))

// definition is the job as KernelCI submitted it: what LAVA sends back as YAML.
func (j *job) definition() string {
	var metadata stored
	metadata.flow(j.definitionMetadata(), 2)
	var s strings.Builder
	err := definitionTemplate.Execute(&s, object{
		"artifacts": j.artifacts(), "suites": j.plan.suites, "metadata": string(metadata.buf),
		"job": j.name(), "lab": j.site.lab.name, "deviceType": j.deviceType(), "machine": j.build.arch.machine,
		"method": j.site.board.method, "qemu": j.site.board.method == methodQemu, "nfs": j.overNFS(),
	})
	if err != nil {
		panic(err) // the template and what it is given are both ours
	}
	return s.String()
}

// deviceType is LAVA's name, which lacks what KernelCI adds to tell variants.
func (j *job) deviceType() string {
	if j.site.board.method == methodQemu {
		return "qemu"
	}
	name, _, _ := strings.Cut(j.site.board.name, "_rootfs:")
	return name
}

// definitionMetadata holds the kernel facts under the legacy dotted names.
// What does not apply is the string None.
func (j *job) definitionMetadata() object {
	t, b := j.build.target, j.site.board
	dtb, dtbURL, nfs := "None", "None", "None"
	if b.dtb != "" {
		dtb, dtbURL = "dtbs/"+b.dtb, j.imageURL()+"dtbs/"+b.dtb
	}
	if j.overNFS() {
		nfs = j.rootfsURL("full.rootfs.tar.xz")
	}
	return object{
		"device.type":              b.name,
		"git.branch":               j.rev.branchName,
		"git.commit":               j.rev.commit,
		"git.describe":             j.rev.describe,
		"git.url":                  j.rev.branch.url,
		"image.url":                j.imageURL(),
		"job.arch":                 t.arch,
		"job.build_environment":    t.compiler,
		"job.dtb_url":              dtbURL,
		"job.file_server_resource": j.build.path(),
		"job.initrd_url":           j.rootfsURL("rootfs.cpio.gz"),
		"job.kernel_image":         j.build.arch.image,
		"job.kernel_url":           j.imageURL() + j.build.arch.image,
		"job.modules_url":          j.imageURL() + "modules.tar.xz",
		"job.name":                 j.name(),
		"job.nfsrootfs_url":        nfs,
		"kernel.defconfig":         t.defconfigFull(),
		"kernel.defconfig_full":    t.defconfigFull(),
		"kernel.endian":            j.build.arch.endian,
		"kernel.tree":              j.rev.branch.tree,
		"kernel.version":           j.rev.describe,
		"platform.dtb":             dtb,
		"platform.dtb_short":       j.dtbShort("None"),
		"platform.fastboot":        false,
		"platform.mach":            b.mach,
		"platform.name":            b.name,
		"test.plan":                j.plan.family,
		"test.plan_variant":        j.plan.name,
	}
}
