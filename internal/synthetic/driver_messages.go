package synthetic

// driverMessages are what drivers say in no fixed order. A real log has
// hundreds of them.
var driverMessages = []string{
	"{dev}: supply {reg} not found, using dummy regulator", "{dev}: registered as rtc{n}", "{dev}: setting system clock to UTC", "{dev}: probe deferred, waiting for supplier {dev2}",
	"{dev}: DMA mask not set", "{dev}: {n} channels, {nnn} descriptors, firmware {n}.{nn}", "{dev}: irq {nn}, mapped at 0x{x8}, clock {nnn} MHz", "{dev}: IRQ index {n} not found",
	"{dev}: failed to get clock 'bus', trying the parent one", "{dev}: GPIO lookup for consumer reset", "{dev}: using DT '/soc/{class}@{x8}' for 'reset' GPIO lookup",
	"{dev}: Linked as a sync supplier to {dev2}", "{dev}: EHCI Host Controller", "{dev}: new USB bus registered, assigned bus number {n}", "{dev}: xHCI Host Controller",
	"{dev}: hcc params 0x{x8} hci version 0x110 quirks 0x00000000{x8}", "{dev}: Versatile PB I2C adapter", "{dev}: allocated dynamic minor number {nn}",
	"{bus}: Fixed dependency cycle(s) with /soc/{class}@{x8}/ports/port@{n}/endpoint", "{bus}: BAR {n} [mem 0x{x8}-0x{x8} 64bit pref]: assigned",
	"{bus}: [{x4}:{x4}] type 00 class 0x{x6} conventional PCI endpoint", "{bus}: PME# supported from D0 D3hot D3cold", "{bus}: enabling device (0000 -> 0002)", "{bus}: can't derive routing for PCI INT A",
	"{reg}: {nnnn} mV", "{reg}: Bringing {nnn}0000uV into {nnnn}000-{nnnn}000uV", "{reg}: supplied by {reg2}", "{reg}: disabling", "{reg}: ramp_delay not set", "{reg}: no parameters, enabled",
	"mmc{n}: SDHCI controller on {dev} [{dev}] using ADMA 64-bit", "mmc{n}: new HS200 MMC card at address 0001", "mmc{n}: new high speed SDHC card at address {x4}", "mmcblk{n}: mmc{n}:0001 {x6} {nn}.{n} GiB",
	" mmcblk{n}: p1 p2 p3 p4", "mmcblk{n}boot0: mmc{n}:0001 {x6} 4.00 MiB", "mmc{n}: Unknown voltage range, trying {nnnn} mV", "mmc{n}: tuning execution failed: -5, retrying",
	"usb {n}-{n}: new high-speed USB device number {n} using {class}", "usb {n}-{n}: New USB device found, idVendor={x4}, idProduct={x4}, bcdDevice= {n}.{nn}", "usb {n}-{n}: New USB device strings: Mfr=1, Product=2, SerialNumber={n}",
	"usb {n}-{n}: Product: USB 2.0 Hub", "hub {n}-0:1.0: USB hub found", "hub {n}-0:1.0: {n} ports detected", "usbcore: registered new interface driver {drv}", "{eth}: Link is Up - 1Gbps/Full - flow control rx/tx",
	"{dev} {eth}: PHY [{drv}-0:{nn}] driver [Generic PHY] (irq=POLL)", "{dev} {eth}: configuring for phy/rgmii-id link mode", "{dev} {eth}: registered, MAC {mac}, irq {nn}", "{drv}: {n} queues, interrupt coalescing {nn} us",
	"{drv}: module verification skipped: no signature", "{drv} driver version {n}.{n}.{n}", "i2c_dev: adapter [{dev}] registered as minor {n}", "{i2c}: chip found, silicon revision 0x{x2}", "{i2c}: Failed to read ID register: -6",
	"{i2c}: registered {reg} as input", "spi-nor spi{n}.0: {drv} ({nnnn} Kbytes)", "{n} fixed-partitions partitions found on MTD device spi{n}.0", "Creating {n} MTD partitions on \"spi{n}.0\":",
	"0x{x12}-0x{x12} : \"{drv}-env\"", "input: {drv} as /devices/platform/{dev}/input/input{n}", "input: gpio-keys as /devices/platform/gpio-keys/input/input{n}", "{dev}: Failed to create device link (0x180) with {dev2}",
	"cpufreq: cpufreq_online: CPU{n}: Running at unlisted initial frequency: {n5}00 KHz, changing to: {n5}00 KHz", "cpu cpu{n}: EM: created perf domain", "cpu cpu{n}: OPP table can't be empty", "energy_model: Created perf domain for {n} CPUs",
	"[drm] Initialized {drv} {n}.{n}.0 for {dev} on minor {n}", "{dev}: [drm:{drv}_bind] bound {dev2} (ops {fn})", "[drm] Cannot find any crtc or sizes", "{dev}: [drm] fb0: {drv}drmfb frame buffer device",
	"{dev}: gpu hardware revision 0x{x4} major 0x0 minor 0x{n}", "{dev}: features: 00000000,{x8}, issues: 00000000,{x8}", "thermal thermal_zone{n}: failed to register hwmon device, trip {nn}", "watchdog{n}: {dev} with timeout {nn} s (nowayout=0)",
	"{dev}: loading firmware {drv}/{drv}-{n}.{n}.bin", "{dev}: Direct firmware load for {drv}/{drv}-{n}.bin failed with error -2", "{dev}: Falling back to sysfs fallback for: {drv}.bin", "{drv}: unknown parameter 'debug{n}' ignored",
	"debugfs: Directory '{dev}' with parent 'regmap' already present!", "platform {dev}: deferred probe pending: {drv}: waiting for supplier", "pinctrl-single {dev}: {nnn} pins, size {nnn}", "gpio gpiochip{n}: registered GPIOs {nnn} to {nnn} on {dev}",
	"gpio-{nnn} (reset): hogged as output/high", "{dev}: ttyS{n} at MMIO 0x{x8} (irq = {nn}, base_baud = {n5}00) is a 16550A", "serial serial{n}: tty port ttyS{n} registered", "random: crng init done", "ata{n}: SATA link down (SStatus 0 SControl 300)",
	"ata{n}: SATA max UDMA/133 abar m{nnnn}@0x{x8} port 0x{x8} irq {nn} lpm-pol 0", "nvme nvme{n}: {n}/0/0 default/read/poll queues", "sd {n}:0:0:0: [sda] {n5}000 512-byte logical blocks: ({nn}.{n} GB/{nn}.{n} GiB)", "sd {n}:0:0:0: [sda] Write Protect is off",
	"EXT4-fs (mmcblk{n}p{n}): mounted filesystem {x8}-{x4}-{x4}-{x4}-{x12} ro with ordered data mode. Quota mode: none.", "{dev}: no of_node; not parsing pinctrl DT", "{dev}: {fn}: {x8} {x8} {x8} {x8}", "{dev}: {fn} took {nnn} usecs, returned 0",
	"initcall {fn}+0x0/0x{x2} returned 0 after {nnn} usecs", "probe of {dev} returned 0 after {nnn} usecs", "calling  {fn}+0x0/0x{x2} @ 1", "device class '{drv}': registering", "bus: 'platform': add driver {drv}", "soc {dev}: {drv}: {n} power domains, {nn} resets",
	"{drv}: [{x8}-{x8}] {x8} {x8} {x8} {x8} {x8} {x8}", "asoc-simple-card sound: {drv} <-> {dev} mapping ok", "{dev}: ASoC: no DMI vendor name!", "remoteproc remoteproc{n}: {drv} is available", "mdio_bus {dev}: MDIO device at address {n} is missing.",
}

var (
	driverNames   = []string{"dwmac", "rtl8153", "smsc95xx", "vc4", "panfrost", "lima", "hantro", "meson-drm", "ath10k_pci", "brcmfmac", "tps6598x", "axp20x", "cros-ec", "sun8i-ce", "omap-rng", "w25q128", "cdns-dsi", "stm32-adc", "xhci_hcd", "r8169"}
	deviceClasses = []string{"mmc", "usb", "ethernet", "i2c", "spi", "gpio", "serial", "pwm", "watchdog", "hdmi", "dma-controller", "pcie", "thermal-sensor", "rng", "gpu", "video-codec", "mailbox", "crypto"}
	regulators    = []string{"vcc_3v3", "vdd_cpu", "VDDIO_AO1V8", "vcc5v0_sys", "DCDC1", "LDO7", "vdd-gpu", "AVDD18_AUDIO", "vqmmc", "EMMC_3V3", "buck2", "vdd_arm", "USB_PWR", "vref"}
	sourceFiles   = []string{"drivers/base/dd.c", "drivers/clk/clk.c", "drivers/mmc/core/core.c", "drivers/gpu/drm/drm_drv.c", "fs/buffer.c", "net/core/dev.c"}
	functions     = []string{"dwc3_probe", "regulator_init_complete", "pm_genpd_sync_poweroff", "mmc_rescan", "phy_attach_direct", "component_bind_all", "clk_disable_unused", "of_platform_populate", "uart_add_one_port", "drm_dev_register", "snd_soc_bind_card"}
)
