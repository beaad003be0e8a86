package synthetic

import "fmt"

// bootloader writes what comes before the kernel: LAVA preparing the commands,
// and the loader obeying.
func (j *job) bootloader() {
	l := j.log
	l.wait(int64(j.bootCenti) * 10_000 * 12 / 100)
	if j.site.board.method == methodQemu {
		j.qemu()
		return
	}
	l.debug("[common] connect-device Connecting to device using 'telnet console.%s.example %d'", j.site.lab.host,
		7000+j.rand.below(60))
	l.target("Connected to console.%s.example.", j.site.lab.host)
	l.debug("Calling: 'nice' '/usr/local/bin/pdu' '--host=pdu-%s-%d' '--port=%d' 'reboot'", j.site.lab.host,
		1+j.rand.below(3), 1+j.rand.below(16))
	l.wait(int64(j.rand.between(80, 240)) * 10_000)
	if j.real {
		j.action("2.4.1.1", "pdu-reboot", j.rand.between(8, 60), "pass", object{"status": "success"})
		j.substitutions()
	}
	if j.site.board.method == methodGrub {
		j.grub()
	} else {
		j.uboot()
	}
	l.wait(int64(j.bootCenti) * 10_000 * 14 / 100)
}

func (j *job) qemu() {
	j.start("2.1.1", "execute-qemu", 300)
	j.log.info("Boot command: docker run --rm --interactive --name lava-%d-2.1 --device=/dev/kvm --net=host "+
		"--mount=type=bind,source=%s,destination=%s qemu-system-%s -cpu max -machine virt,gic-version=3 -nographic "+
		"-m 1024 -kernel %s -append \"%s\" -initrd %s -drive format=qcow2,file=%s,media=disk,if=virtio,id=lavatest",
		j.id, j.tmp(), j.tmp(), j.build.arch.machine, j.tmp("deployimages-"+j.scratch, "kernel", j.build.arch.image),
		j.commandLine(),
		j.tmp("deployimages-"+j.scratch, "ramdisk", "rootfs.cpio.gz"),
		j.tmp("apply-overlay-guest-"+j.scratch, "lava-guest.qcow2"))
	j.log.info("started a shell command")
	j.action("2.1.1", "execute-qemu", j.rand.between(1, 9), "pass",
		object{"host_arch": "amd64", "job_arch": j.build.arch.machine})
}

// substitutions are the placeholders of the boot commands.
func (j *job) substitutions() {
	l := j.log
	dir := fmt.Sprintf("%d/tftp-deploy-%s", j.id, j.scratch)
	l.debug("substitutions:")
	for _, pair := range [][2]string{
		{"BOOTX", "boot" + pick(j.rand, []string{"z", "i"}) + " 0x" + j.rand.hex(8) + " 0x" + j.rand.hex(8) + " 0x" +
			j.rand.hex(8)},
		{"DTB", dir + "/dtb/" + j.dtbShort("None")}, {"INITRD", dir + "/ramdisk/ramdisk.cpio.gz.uboot"},
		{"KERNEL", dir + "/kernel/" + j.build.arch.image}, {"KERNEL_ADDR", "0x" + j.rand.hex(8)}, {"LAVA_MAC", "None"},
		{"NFSROOTFS", j.tmp("extract-nfsrootfs-" + j.scratch)}, {"NFS_SERVER_IP", "192.168.10.2"},
		{"RAMDISK_ADDR", "0x" + j.rand.hex(8)},
		{"ROOT", "None"}, {"SERVER_IP", "192.168.10.2"},
	} {
		l.debug("- {%s}: %s", pair[0], pair[1])
	}
	l.info("Parsed boot commands:")
	for _, command := range []string{"setenv autoload no", "setenv initrd_high 0xffffffff",
		"setenv serverip 192.168.10.2", "dhcp",
		"tftp 0x" + j.rand.hex(8) + " " + dir + "/kernel/" + j.build.arch.image, "setenv bootargs '" + j.commandLine() +
			"'"} {
		l.info("- %s", command)
	}
}

func (j *job) grub() {
	l := j.log
	l.target("coreboot-4.22 bootblock starting (log level: 7)...")
	l.target("GRUB loading.")
	l.target("Welcome to GRUB!")
	l.input("insmod efinet")
	l.target("grub> insmod efinet")
	l.input("net_bootp")
	l.target("grub> net_bootp")
	l.target("card0: 192.168.10.%d", 20+j.rand.below(200))
	if j.real {
		for _, command := range []string{"set net_default_server=192.168.10.2",
			"linux (tftp,192.168.10.2)/kernel/bzImage " + j.commandLine(),
			"initrd (tftp,192.168.10.2)/ramdisk.cpio.gz"} {
			l.input(command)
			l.target("grub> %s", command)
		}
	}
	l.input("boot")
	l.target("grub> boot")
}

func (j *job) uboot() {
	l := j.log
	l.target("U-Boot SPL 2024.01 (Jan 08 2024 - 15:37:48 +0000)")
	if j.rand.chance(25) {
		l.target("\x00")
	}
	l.target("U-Boot 2024.01 (Jan 08 2024 - 15:37:48 +0000)")
	l.target("Model: %s", j.site.board.model)
	l.target("DRAM:  %d GiB", 1<<j.rand.below(3))
	if j.real {
		for _, line := range []string{"Core:  204 devices, 29 uclasses, devicetree: separate",
			"MMC:   mmc@fe310000: 2, mmc@fe320000: 1", "Loading Environment from nowhere... OK",
			"In:    serial,usbkbd", "Out:   serial,vidconsole", "Err:   serial,vidconsole",
			"Net:   eth0: ethernet@fe300000"} {
			l.target("%s", line)
		}
	}
	l.target("Hit any key to stop autoboot:  0 ")
	l.input(" ")
	l.target("=> dhcp")
	l.target("DHCP client bound to address 192.168.10.%d (%d ms)", 20+j.rand.below(200), j.rand.between(12, 900))
	if j.real {
		for _, a := range j.artifacts()[:3] {
			l.target("=> tftp 0x%s %d/tftp-deploy-%s/%s", j.rand.hex(8), j.id, j.scratch, a.Label)
			l.target("Using ethernet@fe300000 device")
			l.target("TFTP from server 192.168.10.2; our IP address is 192.168.10.%d", 20+j.rand.below(200))
			for range 1 + a.Size/9_000_000 {
				l.target("\t #################################################################")
			}
			l.target("Bytes transferred = %d (%x hex)", a.Size, a.Size)
		}
	}
	l.target("## Flattened Device Tree blob at %s", j.rand.hex(8))
	l.target("   Loading Ramdisk to %s, end %s ... OK", j.rand.hex(8), j.rand.hex(8))
	l.target("Starting kernel ...")
}
