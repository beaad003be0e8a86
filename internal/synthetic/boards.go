package synthetic

// bootMethod is how LAVA brings a kernel onto a board.
type bootMethod string

const (
	methodUboot bootMethod = "u-boot"
	methodGrub  bootMethod = "grub"
	methodQemu  bootMethod = "qemu"
)

// board is a device type as a lab offers it.
type board struct {
	name, arch, mach, defconfig string
	method                      bootMethod
	dtb, model, cpu, console    string
	cores                       int
	bootCenti                   int // usual time to login, hundredths of a second
	driftPermille               int // growth of the boot time over the window
}

// Names with commas and colons are real: they come from device types with a
// variant behind them.
var boards = []board{
	{"bcm2711-rpi-4-b", "arm64", "broadcom", "defconfig", methodUboot, "broadcom/bcm2711-rpi-4-b.dtb",
		"Raspberry Pi 4 Model B Rev 1.4", "0x410fd083", "ttyS1,115200", 4, 1840, 800},
	{"meson-g12b-a311d-khadas-vim3", "arm64", "amlogic", "defconfig", methodUboot,
		"amlogic/meson-g12b-a311d-khadas-vim3.dtb", "Khadas VIM3", "0x410fd034", "ttyAML0,115200", 6, 2210, 20},
	{"meson-sm1-khadas-vim3l", "arm64", "amlogic", "defconfig", methodUboot, "amlogic/meson-sm1-khadas-vim3l.dtb",
		"Khadas VIM3L", "0x411fd050", "ttyAML0,115200", 4, 2350, -10},
	{"rk3399-rock-pi-4b", "arm64", "rockchip", "defconfig", methodUboot, "rockchip/rk3399-rock-pi-4b.dtb",
		"Radxa ROCK Pi 4B", "0x410fd034", "ttyS2,1500000", 6, 1975, 0},
	{"imx8mp-evk", "arm64", "freescale", "defconfig", methodUboot, "freescale/imx8mp-evk.dtb",
		"NXP i.MX8MPlus EVK board", "0x410fd034", "ttymxc1,115200", 4, 2675, -220},
	{"sun50i-a64-pine64-plus", "arm64", "allwinner", "defconfig", methodUboot, "allwinner/sun50i-a64-pine64-plus.dtb",
		"Pine64+", "0x410fd034", "ttyS0,115200", 4, 3120, 60},
	{"mt8183-kukui-jacuzzi-juniper-sku16", "arm64", "mediatek", "defconfig", methodUboot,
		"mediatek/mt8183-kukui-jacuzzi-juniper-sku16.dtb", "Google juniper sku16 board", "0x410fd034", "ttyS0,115200",
		8, 1690, 0},
	{"rk3399-rock-pi-4b_rootfs:nfs", "arm64", "rockchip", "defconfig", methodUboot, "rockchip/rk3399-rock-pi-4b.dtb",
		"Radxa ROCK Pi 4B", "0x410fd034", "ttyS2,1500000", 6, 4480, 15},
	{"qemu_arm64-virt-gicv3", "arm64", "qemu", "defconfig", methodQemu, "", "linux,dummy-virt", "0x410fd034",
		"ttyAMA0,115200", 2, 610, 0},
	{"beaglebone-black", "arm", "omap2", "multi_v7_defconfig", methodUboot, "ti/omap/am335x-boneblack.dtb",
		"TI AM335x BeagleBone Black", "[413fc082]", "ttyS0,115200", 1, 3890, 30},
	{"odroid-xu3", "arm", "exynos", "multi_v7_defconfig", methodUboot, "samsung/exynos5422-odroidxu3.dtb",
		"Hardkernel Odroid XU3", "[410fc073]", "ttySAC2,115200", 8, 2740, 0},
	{"stm32mp157c-dk2", "arm", "stm32", "multi_v7_defconfig", methodUboot, "st/stm32mp157c-dk2.dtb",
		"STMicroelectronics STM32MP157C-DK2 Discovery Board", "[410fc075]", "ttySTM0,115200", 2, 3355, -15},
	{"imx6q-sabrelite", "arm", "imx", "multi_v7_defconfig", methodUboot, "nxp/imx/imx6q-sabrelite.dtb",
		"Freescale i.MX6 Quad SABRE Lite Board", "[412fc09a]", "ttymxc1,115200", 4, 2980, 0},
	{"dm365evm,legacy", "arm", "davinci", "davinci_all_defconfig", methodUboot, "", "DaVinci DM365 EVM", "[41069265]",
		"ttyS0,115200", 1, 4210, 0},
	{"qemu_arm-virt-gicv3", "arm", "qemu", "multi_v7_defconfig", methodQemu, "", "linux,dummy-virt", "[412fc0f1]",
		"ttyAMA0,115200", 2, 745, 0},
	{"minnowboard-turbot-E3826", "x86_64", "x86", "x86_64_defconfig", methodGrub, "",
		"ADI Minnowboard Turbot/MinnowBoard Turbot", "Intel(R) Atom(TM) CPU E3826 @ 1.46GHz", "ttyS0,115200n8", 2, 2535,
		45},
	{"hp-x360-14a-cb0001xx-zork", "x86_64", "x86", "x86_64_defconfig", methodGrub, "", "HP Dirinboz/Dirinboz",
		"AMD Athlon Silver 3050C with Radeon Graphics", "ttyS0,115200n8", 2, 1480, 0},
	{"dell-latitude-5400-8665U-sarien", "x86_64", "x86", "x86_64_defconfig", methodGrub, "", "Dell Inc. Sarien/Sarien",
		"Intel(R) Core(TM) i7-8665U CPU @ 1.90GHz", "ttyS0,115200n8", 8, 1295, 0},
	{"qemu_x86_64", "x86_64", "qemu", "x86_64_defconfig", methodQemu, "", "QEMU Standard PC (i440FX + PIIX, 1996)",
		"QEMU Virtual CPU version 2.5+", "ttyS0,115200", 2, 570, 0},
	{"hifive-unleashed-a00", "riscv", "sifive", "defconfig", methodUboot, "sifive/hifive-unleashed-a00.dtb",
		"SiFive HiFive Unleashed A00", "rv64imafdc", "ttySIF0,115200", 4, 3660, 25},
	{"jh7110-starfive-visionfive-2-v1.3b", "riscv", "starfive", "defconfig", methodUboot,
		"starfive/jh7110-starfive-visionfive-2-v1.3b.dtb", "StarFive VisionFive 2 v1.3B", "rv64imafdc_zba_zbb",
		"ttyS0,115200", 4, 2890, 0},
	{"qemu_riscv64", "riscv", "qemu", "defconfig", methodQemu, "", "riscv-virtio,qemu", "rv64imafdch", "ttyS0,115200",
		2, 830, 0},
	{"qemu_mips-malta", "mips", "qemu", "malta_defconfig", methodQemu, "", "mti,malta", "MIPS 24Kc", "ttyS0,38400n8r",
		1, 1265, 0},
}

func boardNamed(name string) *board {
	for i := range boards {
		if boards[i].name == name {
			return &boards[i]
		}
	}
	return &boards[0]
}

func (b *board) boots(t target) bool { return b.arch == t.arch && b.defconfig == t.defconfig }

// lab runs LAVA jobs. The fields are the ways in which real labs' callbacks
// differ: age of LAVA, and whether the legacy backend stored the callback.
type lab struct {
	name, host, lavaVersion string
	backendStored           bool // version and boot_log_html added, state and health dropped
	modernBody              bool // submitter_email, health_check (LAVA ≥ 2024.10)
	loginCases              []string
	boards                  []string
}

var labs = []lab{
	{"lab-alder", "alder", "2025.04", false, true, []string{"login-action", "auto-login-action"},
		[]string{"bcm2711-rpi-4-b", "meson-g12b-a311d-khadas-vim3", "odroid-xu3", "minnowboard-turbot-E3826",
			"qemu_arm64-virt-gicv3", "hifive-unleashed-a00"}},
	{"lab-birch", "birch", "2023.05", true, false, []string{"login-action", "auto-login-action"},
		[]string{"meson-g12b-a311d-khadas-vim3", "meson-sm1-khadas-vim3l", "beaglebone-black", "imx8mp-evk",
			"qemu_x86_64"}},
	{"lab-cedar", "cedar", "2024.06", false, false, []string{"login-action"},
		[]string{"mt8183-kukui-jacuzzi-juniper-sku16", "hp-x360-14a-cb0001xx-zork", "dell-latitude-5400-8665U-sarien",
			"rk3399-rock-pi-4b", "rk3399-rock-pi-4b_rootfs:nfs"}},
	{"lab-juniper", "juniper", "2022.11", true, false, []string{"login-action", "auto-login-action"},
		[]string{"imx6q-sabrelite", "stm32mp157c-dk2", "bcm2711-rpi-4-b", "jh7110-starfive-visionfive-2-v1.3b",
			"qemu_riscv64"}},
	{"lab-maple", "maple", "2020.08", true, false, []string{"auto-login-action"},
		[]string{"dm365evm,legacy", "sun50i-a64-pine64-plus", "beaglebone-black", "qemu_arm-virt-gicv3",
			"qemu_mips-malta"}},
}

// site is one board in one lab.
type site struct {
	lab   *lab
	index int // of the lab
	board *board
}

// sites lists every board of every lab, in order.
var sites = func() []site {
	var all []site
	for i := range labs {
		for _, name := range labs[i].boards {
			all = append(all, site{&labs[i], i, boardNamed(name)})
		}
	}
	return all
}()

// bootSite is a board of a lab without LAVA, which reports boots only.
type bootSite struct{ lab, board string }

var bootSites = []bootSite{
	{"lab-hazel", "dm365evm,legacy"},
	{"lab-hazel", "beaglebone-black"},
	{"lab-hazel", "odroid-xu3"},
	{"lab-sorrel", "rk3399-rock-pi-4b_rootfs:nfs"},
	{"lab-sorrel", "bcm2711-rpi-4-b"},
	{"lab-sorrel", "hifive-unleashed-a00"},
	{"lab-sorrel", "minnowboard-turbot-E3826"},
}
