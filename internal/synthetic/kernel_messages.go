package synthetic

// Message templates of a booting kernel. Braces are filled in by expand.

// earlyMessages come first, while the clock still stands at zero.
var earlyMessages = map[string][]string{
	"arm": {
		"Booting Linux on physical CPU 0x0", "{version}", "CPU: ARMv7 Processor {cpu} revision {n} (ARMv7), cr=10c5387d",
		"CPU: div instructions available: patching division code", "CPU: PIPT / VIPT nonaliasing data cache, VIPT aliasing instruction cache",
		"OF: fdt: Machine model: {model}", "Memory policy: Data cache writealloc", "cma: Reserved 64 MiB at 0x{x4}0000 on node -1",
		"Zone ranges:", "  Normal   [mem 0x0000000080000000-0x00000000{x4}ffff]", "  HighMem  empty", "Early memory node ranges",
		"percpu: Embedded {nn} pages/cpu s{n5} r8192 d{n5} u{n5}", "{cmdline}",
		"Dentry cache hash table entries: 131072 (order: 7, 524288 bytes, linear)", "Built 1 zonelists, mobility grouping on.  Total pages: {n5}0",
		"SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs={cores}, Nodes=1", "NR_IRQS: 16, nr_irqs: 16, preallocated irqs: 16",
		"L2C-310 enabling early BRESP for Cortex-A9", "L2C-310: CACHE_ID 0x{x8}, AUX_CTRL 0x{x8}", "Switching to timer-based delay loop, resolution {nn}ns",
		"sched_clock: 32 bits at {nn}MHz, resolution {nn}ns, wraps every {n5}{n5}ns", "CPU: Testing write buffer coherency: ok",
		"Setting up static identity map for 0x80100000 - 0x80100078", "SMP: Total of {cores} processors activated ({nnn}.{nn} BogoMIPS).",
		"CPU: All CPU(s) started in SVC mode.", "VFP support v0.3: implementor 41 architecture 3 part 30 variant 9 rev {n}",
	},
	"arm64": {
		"Booting Linux on physical CPU 0x0000000000 [{cpu}]", "{version}", "KASLR enabled", "Machine model: {model}", "efi: UEFI not found.",
		"OF: reserved mem: initialized node linux,cma, compatible id shared-dma-pool", "NUMA: No NUMA configuration found",
		"NUMA: NODE_DATA [mem 0x{x8}c0-0x{x8}ff]", "Zone ranges:", "  DMA      [mem 0x0000000000000000-0x000000003fffffff]",
		"  DMA32    [mem 0x0000000040000000-0x00000000{x4}ffff]", "  Normal   empty", "Movable zone start for each node", "Early memory node ranges",
		"  node   0: [mem 0x0000000000000000-0x0000000{x7}ff]", "psci: probing for conduit method from DT.", "psci: PSCIv1.{n} detected in firmware.",
		"psci: Using standard PSCI v0.2 function IDs", "psci: SMC Calling Convention v1.{n}", "percpu: Embedded {nn} pages/cpu s{n5} r8192 d{n5} u{n5}",
		"Detected VIPT I-cache on CPU0", "CPU features: detected: GIC system register CPU interface", "CPU features: detected: Spectre-v{n}",
		"CPU features: kernel page table isolation forced ON by KASLR", "alternatives: applying boot alternatives", "{cmdline}",
		"Dentry cache hash table entries: 524288 (order: 10, 4194304 bytes, linear)", "mem auto-init: stack:off, heap alloc:off, heap free:off",
		"software IO TLB: mapped [mem 0x00000000{x4}0000-0x00000000{x4}ffff] (64MB)", "GICv3: {nnn} SPIs implemented", "GICv3: CPU0: found redistributor {n} region 0:0x00000000{x8}",
		"arch_timer: cp15 timer(s) running at 24.00MHz (phys).", "clocksource: arch_sys_counter: mask: 0xffffffffffffff max_cycles: 0x{x10}, max_idle_ns: 44079520{n5} ns",
		"Console: colour dummy device 80x25", "CPU1: Booted secondary processor 0x0000000001 [{cpu}]", "smp: Brought up 1 node, {cores} CPUs",
		"SMP: Total of {cores} processors activated.", "CPU: All CPU(s) started at EL2",
	},
	"x86_64": {
		"{version}", "{cmdline}", "BIOS-provided physical RAM map:", "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
		"BIOS-e820: [mem 0x0000000000100000-0x00000000{x4}ffff] usable", "BIOS-e820: [mem 0x00000000{x4}0000-0x00000000{x4}ffff] reserved",
		"NX (Execute Disable) protection: active", "SMBIOS 3.{n} present.", "DMI: {model}, BIOS {n}.{nn} 04/01/2023", "tsc: Detected {nnnn}.{nnn} MHz processor",
		"last_pfn = 0x{x5} max_arch_pfn = 0x400000000", "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT", "ACPI: Early table checksum verification disabled",
		"ACPI: RSDP 0x00000000000F{x4} 000024 (v02 COREv4)", "ACPI: XSDT 0x00000000{x8} 00006C (v01 COREv4 COREBOOT 00000000 CORE {x8})",
		"ACPI: PM-Timer IO Port: 0x{nnn}", "ACPI: LAPIC_NMI (acpi_id[0xff] high edge lint[0x1])", "IOAPIC[0]: apic_id 2, version 32, address 0xfec00000, GSI 0-23",
		"smpboot: Allowing {cores} CPUs, 0 hotplug CPUs", "setup_percpu: NR_CPUS:64 nr_cpumask_bits:{cores} nr_cpu_ids:{cores} nr_node_ids:1",
		"Memory: {n5}00K/{n5}00K available (20480K kernel code, 2842K rwdata, 6932K rodata)", "rcu: Hierarchical RCU implementation.",
		"Spectre V2 : Mitigation: Retpolines", "RETBleed: Mitigation: untrained return thunk", "x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'",
		"APIC: Switch to symmetric I/O mode setup", "Calibrating delay loop (skipped), value calculated using timer frequency.. {nnnn}.{nn} BogoMIPS (lpj={n5}00)",
		"smpboot: CPU0: {cpu} (family: 0x{x2}, model: 0x{x2}, stepping: 0x{n})", "smp: Brought up 1 node, {cores} CPUs",
	},
	"riscv": {
		"{version}", "Machine model: {model}", "SBI specification v1.0 detected", "SBI implementation ID=0x1 Version=0x{n}0002", "SBI TIME extension detected",
		"SBI IPI extension detected", "SBI RFENCE extension detected", "earlycon: sbi0 at I/O port 0x0 (options '')", "efi: UEFI not found.",
		"Zone ranges:", "  DMA32    [mem 0x0000000080200000-0x00000000ffffffff]", "SBI HSM extension detected", "riscv: base ISA extensions acdfim",
		"riscv: ELF capabilities acdfim", "percpu: Embedded {nn} pages/cpu s{n5} r8192 d{n5} u{n5}", "{cmdline}", "Built 1 zonelists, mobility grouping on.  Total pages: {n5}0",
		"riscv-intc: 64 local interrupts mapped", "plic: interrupt-controller@c000000: mapped {nn} interrupts with {n} handlers for {n} contexts.",
		"clocksource: riscv_clocksource: mask: 0xffffffffffffffff max_cycles: 0x{x10}, max_idle_ns: 44079521{n5} ns", "smp: Brought up 1 node, {cores} CPUs",
	},
	"mips": {
		"{version}", "MIPS: machine is {model}", "printk: legacy bootconsole [early0] enabled", "CPU0 revision is: 000193{x2} ({cpu})", "FPU revision is: 00739300",
		"Initrd not found or empty - disabling initrd", "Primary instruction cache 2kB, VIPT, 2-way, linesize 16 bytes.", "Primary data cache 2kB, 2-way, VIPT, no aliases, linesize 16 bytes",
		"Zone ranges:", "  DMA      [mem 0x0000000000000000-0x0000000000ffffff]", "  Normal   [mem 0x0000000001000000-0x000000000fffffff]", "{cmdline}",
		"Writing ErrCtl register=00000000", "Readback ErrCtl register=00000000", "CPU frequency {nnn}.{nn} MHz", "Calibrating delay loop... {nnnn}.{nn} BogoMIPS (lpj={n5}00)",
	},
}

// commonMessages are the subsystems every kernel starts, in order.
var commonMessages = []string{
	"pid_max: default: 32768 minimum: 301", "LSM: initializing lsm=capability,integrity", "Mount-cache hash table entries: 4096 (order: 3, 32768 bytes, linear)",
	"rcu: Hierarchical SRCU implementation.", "devtmpfs: initialized", "clocksource: jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: 7645041785100000 ns",
	"futex hash table entries: {nnnn} (order: 4, 65536 bytes, linear)", "pinctrl core: initialized pinctrl subsystem", "NET: Registered PF_NETLINK/PF_ROUTE protocol family",
	"DMA: preallocated 256 KiB GFP_KERNEL pool for atomic allocations", "audit: initializing netlink subsys (disabled)", "thermal_sys: Registered thermal governor 'step_wise'",
	"cpuidle: using governor menu", "hw-breakpoint: found {n} breakpoint and {n} watchpoint registers.", "HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages",
	"iommu: Default domain type: Translated", "SCSI subsystem initialized", "usbcore: registered new interface driver usbfs", "usbcore: registered new interface driver hub",
	"usbcore: registered new device driver usb", "pps_core: LinuxPPS API ver. 1 registered", "PTP clock support registered", "EDAC MC: Ver: 3.0.0", "FPGA manager framework",
	"Advanced Linux Sound Architecture Driver Initialized.", "vgaarb: loaded", "clocksource: Switched to clocksource {clocksource}", "VFS: Disk quotas dquot_6.6.0",
	"NET: Registered PF_INET protocol family", "IP idents hash table entries: 65536 (order: 7, 524288 bytes, linear)", "tcp_listen_portaddr_hash hash table entries: 2048 (order: 3, 32768 bytes, linear)",
	"TCP established hash table entries: 32768 (order: 6, 262144 bytes, linear)", "TCP: Hash tables configured (established 32768 bind 32768)", "UDP hash table entries: 2048 (order: 4, 65536 bytes, linear)",
	"NET: Registered PF_UNIX/PF_LOCAL protocol family", "RPC: Registered named UNIX socket transport module.", "RPC: Registered tcp transport module.", "PCI: CLS 0 bytes, default 64",
	"Unpacking initramfs...", "Initialise system trusted keyrings", "workingset: timestamp_bits=42 max_order=19 bucket_order=0", "fuse: init (API version 7.44)",
	"NFS: Registering the id_resolver key type", "9p: Installing v9fs 9p2000 file system support", "Key type asymmetric registered", "Block layer SCSI generic (bsg) driver version 0.4 loaded (major 245)",
	"io scheduler mq-deadline registered", "io scheduler kyber registered", "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled", "{console} at MMIO 0x{x8} (irq = {nn}, base_baud = {n5}00) is a 16550A",
	"printk: legacy console [{console}] enabled", "brd: module loaded", "loop: module loaded",
}

// lateMessages end the kernel's own part of the boot.
var lateMessages = []string{
	"NET: Registered PF_INET6 protocol family", "Segment Routing with IPv6", "NET: Registered PF_PACKET protocol family", "Key type dns_resolver registered",
	"registered taskstats version 1", "Loading compiled-in X.509 certificates", "clk: Disabling unused clocks", "PM: genpd: Disabling unused power domains",
	"ALSA device list:", "  No soundcards found.", "Waiting for root device", "Freeing initrd memory: {nnnn}K", "Freeing unused kernel memory: {nnnn}K", "Run /init as init process",
}
