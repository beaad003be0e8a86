package synthetic

import "strings"

// describeStyle is how the revisions of a branch are named.
type describeStyle uint8

const (
	describeAhead   describeStyle = iota // v6.17-rc3-57-g0123456789ab
	describeDate                         // next-20250704
	describeRelease                      // v6.12.41
)

// branch is one line of development that is built in turn with the others.
type branch struct {
	tree, name, url string
	style           describeStyle
	tag             string // last tag, without the patch number for releases
	patch           int    // patch number of the first release
}

const (
	gitKernelOrg = "https://git.kernel.org/pub/scm/linux/kernel/git/"
	gitAndroid   = "https://android.googlesource.com/kernel/common"
)

// branches in the order they are built. mainline comes twice a round. next is
// third so that its revisions fall on different days in a three-day window.
var branches = []branch{
	{"mainline", "master", gitKernelOrg + "torvalds/linux.git", describeAhead, "v6.17-rc3", 0},
	{"stable-rc", "linux-6.12.y", gitKernelOrg + "stable/linux-stable-rc.git", describeAhead, "v6.12.41", 0},
	{"next", "master", gitKernelOrg + "next/linux-next.git", describeDate, "v6.17-rc3", 0},
	{"stable", "linux-6.12.y", gitKernelOrg + "stable/linux.git", describeRelease, "v6.12", 40},
	{"android", "android16-6.12", gitAndroid, describeAhead, "v6.12.30", 0},
	{"mainline", "master", gitKernelOrg + "torvalds/linux.git", describeAhead, "v6.17-rc3", 0},
	{"stable-rc", "linux-6.6.y", gitKernelOrg + "stable/linux-stable-rc.git", describeAhead, "v6.6.102", 0},
	{"stable", "linux-6.6.y", gitKernelOrg + "stable/linux.git", describeRelease, "v6.6", 101},
	{"stable-rc", "linux-5.15.y", gitKernelOrg + "stable/linux-stable-rc.git", describeAhead, "v5.15.189", 0},
	{"android", "android-mainline", gitAndroid, describeAhead, "v6.17-rc3", 0},
}

// target is one kernel configuration that every revision is built for.
type target struct {
	arch, defconfig, extras, compiler string
}

func (t target) defconfigFull() string {
	if t.extras == "" {
		return t.defconfig
	}
	return t.defconfig + "+" + t.extras
}

// mainTargets is how many of targets head the list: those which boards boot
// first and which never fail by chance, so that every revision has runs.
const mainTargets = 4

var targets = []target{
	{"arm64", "defconfig", "", "gcc-12"},
	{"arm", "multi_v7_defconfig", "", "gcc-12"},
	{"x86_64", "x86_64_defconfig", "", "gcc-12"},
	{"riscv", "defconfig", "", "gcc-12"},
	{"arm", "multi_v7_defconfig", "", "clang-17"},
	{"arm64", "defconfig", "", "clang-17"},
	{"mips", "malta_defconfig", "", "gcc-12"},
	{"arm", "davinci_all_defconfig", "", "gcc-12"},
	{"arm64", "defconfig", "CONFIG_ARM64_64K_PAGES=y", "gcc-12"},
	{"x86_64", "x86_64_defconfig", "", "clang-17"},
	{"x86_64", "x86_64_defconfig", "CONFIG_KASAN=y", "gcc-12"},
	{"arm", "multi_v7_defconfig", "CONFIG_THUMB2_KERNEL=y", "gcc-12"},
	{"arm64", "defconfig", "kselftest", "gcc-12"},
	{"riscv", "rv32_defconfig", "", "gcc-12"},
	{"arm", "imx_v6_v7_defconfig", "", "gcc-12"},
	{"x86_64", "allmodconfig", "", "clang-17"},
}

// architecture holds what builds and logs of one arch have in common.
type architecture struct {
	name, prefix, image, endian string
	machine                     string // uname -m
	debArch                     string // of the root file systems
	textOffset                  string
	vmlinuxText                 int // bytes, roughly
}

var architectures = []architecture{
	{"arm", "arm-linux-gnueabihf-", "zImage", "little", "armv7l", "armhf", "0x00208000", 12_400_000},
	{"arm64", "aarch64-linux-gnu-", "Image", "little", "aarch64", "arm64", "0x00000000", 19_300_000},
	{"x86_64", "x86_64-linux-gnu-", "bzImage", "little", "x86_64", "amd64", "0x01000000", 17_800_000},
	{"riscv", "riscv64-linux-gnu-", "Image", "little", "riscv64", "riscv64", "0x00200000", 11_900_000},
	{"mips", "mips-linux-gnu-", "vmlinux.gz", "big", "mips", "mips", "0x00100000", 8_700_000},
}

func architectureOf(name string) *architecture {
	for i := range architectures {
		if architectures[i].name == name {
			return &architectures[i]
		}
	}
	return &architectures[0]
}

func (t target) compilerName() string    { return strings.Split(t.compiler, "-")[0] }
func (t target) compilerVersion() string { return strings.Split(t.compiler, "-")[1] }

func (t target) isClang() bool { return t.compiler == "clang-17" }

func (t target) compilerFull() string {
	if t.isClang() {
		return "Debian clang version 17.0.6 (++20231208085846+6009708b4367-1~exp1)"
	}
	return architectureOf(t.arch).prefix + "gcc (Debian 12.2.0-14) 12.2.0"
}

// storage is where artifacts would be. The domain is reserved (RFC 2606).
const storage = "http://storage.kernelci.example/"
