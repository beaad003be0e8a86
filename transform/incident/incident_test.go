package incident

import (
	"fmt"
	"strings"
	"testing"
)

// stamped puts a time before each line, as the kernel does; caller is what
// CONFIG_PRINTK_CALLER adds.
func stamped(caller string, lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "[   42.%06d]", i)
		if caller != "" {
			fmt.Fprintf(&b, "[%5s]", caller)
		}
		b.WriteString(" " + l + "\n")
	}
	return b.String()
}

func TestTitles(t *testing.T) {
	for name, c := range map[string]struct {
		log   []string
		title string
		kind  Kind
	}{
		"x86 page fault": {[]string{
			"BUG: unable to handle page fault for address: ffffc90000a1d000",
			"#PF: supervisor write access in kernel mode", "Oops: 0002 [#1] PREEMPT SMP PTI",
			"CPU: 2 PID: 311 Comm: fio Not tainted 6.6.1 #1", "RIP: 0010:memcpy_orig+0x1e/0x140", "Call Trace:",
			" <TASK>", " ? __die+0x20/0x70",
			" widget_fill_ring+0x44/0x90 [widget]", " widget_open+0x12/0x50 [widget]", " </TASK>",
		}, "BUG: unable to handle kernel paging request in widget_fill_ring", Oops},
		"second die of MIPS": {[]string{
			"Reserved instruction in kernel code[#2]:", "CPU: 1 PID: 77 Comm: kettle Tainted: G      D",
			"epc   : 80401234 widget_fill_ring+0x44/0x90", "Call Trace:", "[<80401234>] widget_fill_ring+0x44/0x90",
		}, "Reserved instruction in kernel code in widget_fill_ring", Oops},
		"MIPS coprocessor": {[]string{
			"do_cpu invoked from kernel context![#1]:", "CPU: 1 PID: 77 Comm: kettle",
			"epc   : 80401234 widget_fill_ring+0x44/0x90", "Call Trace:", "[<80401234>] widget_fill_ring+0x44/0x90",
		}, "do_cpu invoked from kernel context in widget_fill_ring", Oops},
		"file with signs": {[]string{
			"WARNING: CPU: 0 PID: 1 at /build/teapot/6.1.7+gitAUTOINC+4f26~rc1-r0/git/a/b@2.c:1 widget_open+0x1/0x2",
			"---[ end trace 0 ]---",
		}, "WARNING in widget_open", Warning},
		"file with signs, new order": {[]string{
			"WARNING: ../linux-6.1~rc1+x=y,z/a/b.c:1 at widget_open+0x1/0x2, CPU#0: kettle/1", "---[ end trace 0 ]---",
		}, "WARNING in widget_open", Warning},
		"function of a word in a daemon's name": {[]string{
			"BUG: KASAN: slab-use-after-free in extract_hostname+0x1/0x2", "Read of size 8 at addr ffff888 by task a/1",
			"Call Trace:", " extract_hostname+0x1/0x2",
		}, "KASAN: slab-use-after-free Read in extract_hostname", KASAN},
		"x86 of old": {[]string{
			"BUG: unable to handle kernel NULL pointer dereference at 0000000000000018",
			"IP: [<ffffffffa0012345>] widget_poll+0x25/0x60 [widget]",
			"PGD 0", "Oops: 0000 [#1] SMP", "Call Trace:", " <IRQ>  [<ffffffff81001234>] net_rx_action+0x12/0x200",
		}, "BUG: unable to handle kernel NULL pointer dereference in widget_poll", Oops},
		"jump to nowhere": {[]string{
			"BUG: kernel NULL pointer dereference, address: 0000000000000000",
			"#PF: supervisor instruction fetch in kernel mode", "Oops: 0010 [#1] SMP",
			"RIP: 0010:0x0", "Code: Unable to access opcode bytes at 0xffffffffffffffd6.", "Call Trace:",
			" widget_call_op+0x10/0x20",
		}, "BUG: unable to handle kernel NULL pointer dereference in widget_call_op", Oops},
		"arm64": {[]string{
			"Unable to handle kernel NULL pointer dereference at virtual address 0000000000000040", "Mem abort info:",
			"  ESR = 0x0000000096000004",
			"Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP", "pstate: 60000005 (nZCv daif -PAN -UAO)",
			"pc : gadget_probe+0x34/0x180 [gadget]",
			"lr : gadget_probe+0x28/0x180 [gadget]", "Call trace:", " gadget_probe+0x34/0x180 [gadget] (P)",
			" platform_probe+0x68/0xc8",
		}, "BUG: unable to handle kernel NULL pointer dereference in gadget_probe", Oops},
		"arm64 external abort": {[]string{
			"Internal error: synchronous external abort: 0000000096000210 [#1] PREEMPT SMP", "pc : readl+0x4/0x10",
			"lr : gadget_irq+0x10/0x20", "Call trace:",
			" readl+0x4/0x10", " gadget_irq+0x24/0x80",
		}, "Internal error in gadget_irq", Oops},
		"arm": {[]string{
			"8<--- cut here ---", "Unable to handle kernel paging request at virtual address fffffff4 when read",
			"[fffffff4] *pgd=2fffd861",
			"Internal error: Oops: 37 [#1] SMP ARM", "PC is at ledblink_work+0x1c/0x94",
			"LR is at process_one_work+0x1a0/0x430",
			" ledblink_work from process_one_work+0x1a0/0x430", " process_one_work from worker_thread+0x50/0x5a0",
		}, "BUG: unable to handle kernel paging request in ledblink_work", Oops},
		"arm of old, a warning": {[]string{
			"WARNING: at drivers/foo/ledblink.c:88",
			"[<c0014e64>] (unwind_backtrace+0x0/0x138) from [<c0027460>] (warn_slowpath_common+0x4c/0x64)",
			"[<c0027460>] (warn_slowpath_common+0x4c/0x64) from [<c0027494>] (warn_slowpath_null+0x1c/0x24)",
			"[<c0027494>] (warn_slowpath_null+0x1c/0x24) from [<c02a1f10>] (ledblink_set+0x30/0x60)",
		}, "WARNING in ledblink_set", Warning},
		"arm, an abort of the bus": {[]string{
			"Unhandled fault: external abort on non-linefetch (0x1008) at 0xf0a00000", "pgd = (ptrval)",
			"Internal error: : 1008 [#1] SMP ARM",
			"PC is at ledblink_readreg+0x14/0x20", "LR is at ledblink_set+0x30/0x60",
		}, "Unhandled fault in ledblink_readreg", Oops},
		"riscv": {[]string{
			"Unable to handle kernel paging request at virtual address ff60000001234568", "Oops [#1]",
			"CPU: 1 PID: 1 Comm: swapper/0 Not tainted 6.5.0 #1",
			"epc : beagle_dma_start+0x1a/0x9c", " ra : beagle_dma_start+0x10/0x9c",
			"[<ffffffff8055aa00>] beagle_dma_start+0x1a/0x9c",
		}, "BUG: unable to handle kernel paging request in beagle_dma_start", Oops},
		"riscv BUG()": {[]string{"Kernel BUG [#1]", "Modules linked in:", "epc : beagle_dma_stop+0x1a/0x9c",
			" ra : beagle_exit+0x10/0x9c"},
			"kernel BUG in beagle_dma_stop", Oops},
		"mips": {[]string{
			"CPU 0 Unable to handle kernel paging request at virtual address 00000000, epc == 80512340, ra == 80512330",
			"Oops[#1]:",
			"epc   : 80512340 router_led_init+0x40/0x90", "ra    : 80512330 router_led_init+0x30/0x90", "Call Trace:",
			"[<80512340>] router_led_init+0x40/0x90",
		}, "BUG: unable to handle kernel paging request in router_led_init", Oops},
		"mips BUG()": {[]string{"Kernel bug detected[#1]:", "epc   : 80512340 router_led_exit+0x40/0x90", "Call Trace:",
			"[<80512340>] router_led_exit+0x40/0x90"},
			"kernel BUG in router_led_exit", Oops},
		"powerpc": {[]string{
			"BUG: Kernel NULL pointer dereference on read at 0x00000010",
			"Faulting instruction address: 0xc0000000008a1234", "Oops: Kernel access of bad area, sig: 11 [#1]",
			"NIP:  c0000000008a1234 LR: c0000000008a1200 CTR: 0000000000000000",
			"NIP [c0000000008a1234] vpower_read+0x24/0xa0", "LR [c0000000008a1200] vpower_show+0x10/0x30",
			"Call Trace:", "[c000000003a0f9c0] [c000000003a0fa00] 0xc000000003a0fa00 (unreliable)",
			"[c000000003a0fa30] [c0000000008a1200] vpower_show+0x10/0x30",
		}, "BUG: unable to handle kernel NULL pointer dereference in vpower_read", Oops},
		"s390": {[]string{
			"Unable to handle kernel pointer dereference in virtual kernel address space",
			"Failing address: 0000000000000000 TEID: 0000000000000483",
			"Oops: 0004 ilc:3 [#1] SMP", "Krnl PSW : 0704e00180000000 000003ff80012345 (channel_poke+0x5/0x40 " +
				"[channel])", "Call Trace:",
			" [<000003ff80012345>] channel_poke+0x5/0x40 [channel]",
			"([<000003ff80012300>] channel_open+0x10/0x40 [channel])",
		}, "BUG: unable to handle kernel pointer dereference in channel_poke", Oops},
		"general protection fault": {[]string{
			"Oops: general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1] SMP " +
				"KASAN NOPTI",
			"KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]",
			"RIP: 0010:teapot_brew+0x55/0x300", "Call Trace:", " teapot_ioctl+0x10/0x20",
		}, "general protection fault in teapot_brew", Oops},
		"KASAN": {[]string{
			"==================================================================",
			"BUG: KASAN: slab-use-after-free in __list_del_entry_valid+0x3a/0x90",
			"Write of size 8 at addr ffff888012345678 by task kworker/1:2/77", "Call Trace:",
			" dump_stack_lvl+0x60/0x80", " print_report+0xc0/0x600",
			" kasan_report+0xaa/0xe0", " __list_del_entry_valid+0x3a/0x90", " teapot_forget+0x33/0x70",
			"Allocated by task 12:", " kmalloc_trace+0x10/0x20", " teapot_new+0x3/0x20",
		}, "KASAN: slab-use-after-free Write in teapot_forget", KASAN},
		"KFENCE": {[]string{"BUG: KFENCE: out-of-bounds read in teapot_pour+0x20/0x40",
			"Out-of-bounds read at 0x00000000b35aa7f1 (1B left of kfence-#12):", " teapot_pour+0x20/0x40"},
			"KFENCE: out-of-bounds read in teapot_pour", KFENCE},
		"KMSAN": {[]string{"BUG: KMSAN: uninit-value in crc32_body lib/crc32.c:112 [inline]",
			" crc32_body lib/crc32.c:112 [inline]", " crc32_le_generic+0x10/0x20", " teapot_sum+0x4/0x10"},
			"KMSAN: uninit-value in teapot_sum", KMSAN},
		"KCSAN": {[]string{"BUG: KCSAN: data-race in teapot_fill+0x10/0x20 / teapot_pour+0x30/0x40"},
			"KCSAN: data-race in teapot_fill / teapot_pour", KCSAN},
		"UBSAN": {[]string{"UBSAN: array-index-out-of-bounds in drivers/tea/pot.c:57:13",
			"index 7 is out of range for type 'u8 [4]'", "Call trace:", " dump_stack_lvl+0x60/0x80",
			" __ubsan_handle_out_of_bounds+0x80/0xb0", " teapot_cup+0x10/0x20"},
			"UBSAN: array-index-out-of-bounds in teapot_cup", UBSAN},
		"WARNING": {[]string{"------------[ cut here ]------------",
			"WARNING: CPU: 3 PID: 99 at drivers/tea/pot.c:99 teapot_close+0x9/0x20 [teapot]",
			"Modules linked in: teapot",
			"pc : teapot_close+0x9/0x20 [teapot]", "lr : teapot_close+0x9/0x20 [teapot]", "Call trace:",
			" teapot_close+0x9/0x20 [teapot]", "---[ end trace 0000000000000000 ]---"},
			"WARNING in teapot_close", Warning},
		"WARNING of late": {[]string{"WARNING: drivers/tea/pot.c:99 at teapot_close+0x9/0x20, CPU#1: kettle/9",
			"RIP: 0010:teapot_close+0x9/0x20", "Call Trace:", " teapot_exit+0x1/0x2"},
			"WARNING in teapot_close", Warning},
		"WARNING without files": {[]string{"WARNING: CPU: 3 PID: 99 at teapot_close+0x9/0x20 [teapot]",
			"pc : teapot_close+0x9/0x20 [teapot]"}, "WARNING in teapot_close", Warning},
		"refcount": {[]string{"refcount_t: underflow; use-after-free.",
			"WARNING: CPU: 0 PID: 5 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110",
			"RIP: 0010:refcount_warn_saturate+0xba/0x110", "Call Trace:", " <TASK>", " teapot_put+0x40/0x50"},
			"WARNING: refcount bug in teapot_put", Refcount},
		"BUG()": {[]string{"------------[ cut here ]------------", "kernel BUG at drivers/tea/pot.c:12!",
			"invalid opcode: 0000 [#1] SMP", "RIP: 0010:teapot_break+0x1/0x10", "Call Trace:",
			" teapot_drop+0x1/0x2"}, "kernel BUG in teapot_break", Bug},
		"list": {[]string{"list_del corruption. prev->next should be ffff, but was 0",
			"kernel BUG at lib/list_debug.c:59!", "RIP: 0010:__list_del_entry_valid+0x8/0x90", "Call Trace:",
			" teapot_unlink+0x1/0x2"}, "BUG: corrupted list in teapot_unlink", Bug},
		"deadlock": {[]string{"======================================================",
			"WARNING: possible circular locking dependency detected", "6.6.0 #1 Not tainted",
			"kettle/9 is trying to acquire lock:", "ffff888001 (&pot->lock){+.+.}-{3:3}, at: teapot_fill+0x20/0x40", "",
			"but task is already holding lock:",
			"ffff888002 (&cup->lock){+.+.}-{3:3}, at: teapot_cup+0x20/0x40"}, "possible deadlock in teapot_fill",
			Lockdep},
		"atomic": {[]string{"BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580",
			"in_atomic(): 1, irqs_disabled(): 1, non_block: 0, pid: 1, name: swapper/0",
			"Call trace:", " dump_backtrace+0x98/0xf0", " dump_stack+0x18/0x24", " __might_resched+0x100/0x170",
			" __might_sleep+0x48/0x80", " mutex_lock+0x24/0x60", " teapot_irq+0x10/0x20"},
			"BUG: sleeping function called from invalid context in teapot_irq", Atomic},
		"preemptible": {[]string{"BUG: using smp_processor_id() in preemptible [00000000] code: kettle/12",
			"caller is debug_smp_processor_id+0x10/0x20", "Call Trace:", " dump_stack_lvl+0x60/0x80",
			" check_preemption_disabled+0xd0/0xe0", " teapot_stat+0x10/0x20"},
			"BUG: using smp_processor_id() in preemptible code in teapot_stat", Lockdep},
		"hung task": {[]string{"INFO: task kettle:77 blocked for more than 122 seconds.", "      Not tainted 6.6.0 #1",
			"task:kettle state:D stack:0 pid:77", "Call trace:", " __switch_to+0xe0/0x120",
			" __schedule+0x2d0/0x900", " schedule+0x5c/0xc0", " schedule_preempt_disabled+0x10/0x20",
			" __mutex_lock.constprop.0+0x300/0x700", " teapot_reserve+0x10/0x20"},
			"INFO: task hung in teapot_reserve", Hang},
		"soft lockup": {[]string{"watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [kettle:77]",
			"RIP: 0010:teapot_poll_bit+0x12/0x20", "Call Trace:", " teapot_boil+0x10/0x20",
			" teapot_ioctl+0x10/0x20", " __x64_sys_ioctl+0x90/0xd0", " do_syscall_64+0x60/0x90"},
			"BUG: soft lockup in teapot_ioctl", Hang},
		"stall": {[]string{"rcu: INFO: rcu_preempt self-detected stall on CPU",
			"rcu: \t0-....: (5249 ticks this GP) idle=e6c4/1/0x4000000000000002", "Call trace:",
			" el1h_64_irq_handler+0x18/0x24",
			" el1h_64_irq+0x68/0x6c", " teapot_poll_bit+0x12/0x20", " teapot_work+0x10/0x20",
			" process_one_work+0x1f0/0x3f0"}, "INFO: rcu detected stall in teapot_work", Hang},
		"leak": {[]string{"BUG: memory leak", "unreferenced object 0xffff888012340000 (size 64):",
			"  comm \"kettle\", pid 77, jiffies 4294900000", "  backtrace (crc 1234abcd):",
			"    __kmalloc_cache_noprof+0x10/0x20", "    teapot_new+0x10/0x20"}, "memory leak in teapot_new", Leak},
		"leak, its messages with a prefix": {[]string{"kmemleak: unreferenced object 0xffff888012340000 (size 64):",
			"kmemleak:   backtrace (crc 1):",
			"kmemleak:     __kmalloc_cache_noprof+0x10/0x20", "kmemleak:     teapot_new+0x10/0x20"},
			"memory leak in teapot_new", Leak},
		"SLUB": {[]string{"BUG kmalloc-64 (Tainted: G    B   W         ): Right Redzone overwritten"}, "BUG: Right Redzone overwritten", Bug},
		"SLUB, a cache that goes": {[]string{"BUG teapots (Not tainted): Objects remaining in teapots on " +
			"__kmem_cache_shutdown()"}, "BUG: Objects remaining", Bug},
		"page state": {[]string{"BUG: Bad page state in process kettle  pfn:12345",
			"page last allocated via order 0, migratetype Movable, gfp_mask 0x1, pid 1",
			" post_alloc_hook+0x10/0x20", " prep_new_page+0x10/0x20", " get_page_from_freelist+0x10/0x20",
			" __alloc_pages+0x10/0x20", " teapot_fill+0x10/0x20",
			"page last free pid 1"}, "BUG: Bad page state in teapot_fill", Bug},
		"KASAN, decoded": {[]string{"BUG: KASAN: slab-use-after-free in teapot_lid include/linux/teapot.h:12 [inline]",
			"BUG: KASAN: slab-use-after-free in teapot_open+0x3f/0x1c0 drivers/teapot.c:12",
			"Read of size 4 at addr ffff888029c46010 by task kettle/77"},
			"KASAN: slab-use-after-free Read in teapot_open", KASAN},
		"no root": {[]string{`Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(179,2)`},
			"kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)", Panic},
		"init": {[]string{"Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b"},
			"kernel panic: Attempted to kill init!", Panic},
		"SError": {[]string{"Kernel panic - not syncing: Asynchronous SError Interrupt"},
			"kernel panic: Asynchronous SError Interrupt", Panic},
		"stack": {[]string{"Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: " +
			"teapot_copy+0x40/0x40"}, "kernel panic: stack is corrupted in teapot_copy", Panic},
		"OOM": {[]string{"Out of memory: Killed process 77 (kettle) total-vm:1kB"}, "Out of memory: Killed process",
			OOM},
		"C++": {[]string{"WARNING: CPU: 0 PID: 1 at x/y.cc:1 _ZN3tea4pourEi+0x1/0x2",
			"RIP: 0010:_ZN3tea4pourEi+0x1/0x2"}, "WARNING in tea::pour", Warning},
		"hard lockup": {[]string{"watchdog: CPU 4 self-detected hard LOCKUP @ teapot_spin+0x10/0x20",
			"NIP [c000000000a01234] teapot_spin+0x10/0x20", "Call Trace:",
			"[c000000003a0fa30] [c000000000a01200] teapot_drain+0x10/0x30",
			"[c000000003a0fa60] [c00000000000c000] system_call_exception+0x10/0x30"},
			"BUG: hard lockup in teapot_drain", Hang},
	} {
		for _, caller := range []string{"", "T77", "C1"} {
			got := incidentsOf(stamped(caller, c.log...))
			if len(got) != 1 || got[0].Title != c.title || got[0].Kind != c.kind {
				t.Errorf("%s (caller %q): %+v, want %s: %q", name, caller, got, c.kind, c.title)
			}
		}
	}
}

// What other programs, firmware and a user's own faults say is none of the kernel's.
func TestNoIncident(t *testing.T) {
	for _, line := range []string{
		"Kernel command line: panic=10 oops=panic 'BUG: x'",
		"traps: kettle[77] general protection fault ip:7f00 sp:7ffd error:0 in libc.so[7f00+1000]",
		"[    3.000000] systemd[1]: Kernel panic - not syncing: is what a unit prints", "WARNING: BL31: no console",
		"INFO: task list printed",
		"kern  :alert : BUG: kernel NULL pointer dereference, address: 0",
		"kern  :alert : [    3.000000] BUG: kernel NULL pointer dereference, address: 0",
		"[    3.000000] tea: WARNING: kettle is cold", "# BUG: known", "BUG: text without a stamp",
		"[    3.000000] ---[ end Kernel panic - not syncing: x ]---",
		"[    3.000000] Unhandled fault: alignment exception (0x011) at 0x00508ae4\n[    3.000001] CPU: 0 PID: 77 " +
			"Comm: kettle\n[    3.000002] PC is at 0x508ae4",
		"[    3.000000] Alignment trap: kettle (77) PC=0xb6f0 Instr=0xe5",
		"echo 'x' > /proc/sys; Kernel panic - not syncing: in a script",
		"<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=kernel-BUG RESULT=pass>",
		"Out of memory: Killed process 7 in a test's own words",
		"Internal error: couldn't find dir_info for 77.", "[    3.000000] mmc0: Internal error: -110",
		"invalid opcode: 12", "PASS: divide error: caught", "general protection fault, whatever: it is caught",
	} {
		if got := incidentsOf(line); len(got) != 0 {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

const oops = "BUG: kernel NULL pointer dereference, address: 0000000000000008"

func TestDocument(t *testing.T) {
	log := "U-Boot\n" + stamped("", oops, "Oops: 0000 [#1] SMP", "RIP: 0010:teapot_brew+0x1/0x2", "Call Trace:",
		" ? kettle+0x1/0x2",
		" teapot_brew+0x1/0x2 [teapot]", " lkdtm_do_action+0x10/0x20", "RIP: 0033:0x7f0012345678",
		"---[ end trace 0 ]---",
		"Kernel panic - not syncing: Fatal exception")
	got := incidentsOf(log)
	if len(got) != 1 {
		t.Fatalf("%d incidents: %+v", len(got), got)
	}
	in := got[0]
	if in.Line != 2 || in.Message != oops || in.Function != "teapot_brew" || in.Count != 1 || !in.Fatal ||
		!in.Provoked ||
		in.Trace != "teapot_brew+0x1/0x2 [teapot]\nlkdtm_do_action+0x10/0x20" || len(in.Signature) != 16 {
		t.Errorf("%+v", in)
	}
}

// A report counts once, however often it is printed; another one of the same title counts.
func TestCounts(t *testing.T) {
	warning := []string{"WARNING: CPU: 0 PID: 1 at a/b.c:1 teapot_brew+0x1/0x2", "RIP: 0010:teapot_brew+0x1/0x2",
		"---[ end trace 0 ]---"}
	once := stamped("", warning...)
	again := strings.ReplaceAll(once, "[   42.", "[   43.")
	for _, c := range []struct {
		log   string
		count int
	}{{once, 1}, {once + again, 2}, {once + "# dmesg\n" + once, 1},
		{once + "Nov 27 12:00:00 board kernel: " + once, 1}} {
		got := incidentsOf(c.log)
		if len(got) != 1 || got[0].Count != c.count {
			t.Errorf("%+v, want one counted %d times", got, c.count)
		}
	}
}

// The kernel prints seconds with as many digits as they have.
func TestLongUptime(t *testing.T) {
	for _, seconds := range []string{"[99999.", "[1050000.", "[1234567890."} {
		got := incidentsOf(strings.ReplaceAll(stamped("", oops, "Oops: 0000 [#1] SMP"), "[   42.", seconds))
		if len(got) != 1 {
			t.Errorf("%s: %+v", seconds, got)
		}
	}
}

func TestConsole(t *testing.T) {
	report := []string{oops, "Oops: 0000 [#1] SMP", "RIP: 0010:teapot_brew+0x1/0x2", "Call Trace:",
		" teapot_brew+0x1/0x2", " teapot_ioctl+0x1/0x2"}
	want := "BUG: unable to handle kernel NULL pointer dereference in teapot_brew"
	plain := stamped("", report...)
	for name, log := range map[string]string{
		"level":          "<1>" + strings.ReplaceAll(plain, "\n[", "\n<4>["),
		"no stamps":      strings.Join(report, "\n"),
		"after a prompt": "board login: " + plain,
		"two in a line":  strings.ReplaceAll(plain, "\n", ""),
		"CR, NUL, colour": strings.ReplaceAll(strings.ReplaceAll(plain, "\n", "\x00\r\n"), "[   42",
			"\x1b[1;31m[   42"),
		"other threads": stamped("T1", oops) + stamped("T2", "usb 1-1: new device", "RIP: 0010:kettle_boil+0x1/0x2",
			"Call Trace:", " kettle_boil+0x1/0x2") +
			stamped("T1", report[1:]...),
		"header again": stamped("", oops) + "** replaying previous printk message **\n" + plain,
	} {
		got := incidentsOf(log)
		if len(got) != 1 || got[0].Title != want || got[0].Count != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A wrong function is worse than none.
func TestTraceThatCannotBeTrusted(t *testing.T) {
	for name, log := range map[string]string{
		"cut off":      stamped("", oops),
		"header alone": stamped("", "usb 1-1: hello", oops, "Oops: 0000 [#1]"),
		"dropped": stamped("", oops) + "** 12 printk messages dropped **\n" +
			stamped("", "RIP: 0010:kettle_boil+0x1/0x2", "Call Trace:", " kettle_boil+0x1/0x2"),
		"two processors": stamped("", oops, "BUG: KASAN: use-after-free in kettle_boil+0x1/0x2",
			"RIP: 0010:teapot_brew+0x1/0x2", "Call Trace:", " kettle_boil+0x1/0x2"),
	} {
		got := incidentsOf(log)
		if len(got) == 0 || got[0].Title != "BUG: unable to handle kernel NULL pointer dereference" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The panic that a report led to is no incident of its own; another panic is.
func TestFolding(t *testing.T) {
	warning := []string{"WARNING: CPU: 0 PID: 1 at a/b.c:1 teapot_brew+0x1/0x2", "RIP: 0010:teapot_brew+0x1/0x2"}
	for _, c := range []struct {
		panic  string
		titles int
	}{
		{"Kernel panic - not syncing: kernel: panic_on_warn set ...", 1},
		{"Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b", 1},
		{"Kernel panic - not syncing: Attempted to kill the idle task!", 1},
		{"Kernel panic - not syncing: kernel: system warned too often (kernel.warn_limit is 1)", 1},
		{"Kernel panic - not syncing: Machine halted.", 1},
		{"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", 2},
	} {
		got := incidentsOf(stamped("", append(warning, c.panic)...))
		if len(got) != c.titles || got[0].Fatal != (c.titles == 1) {
			t.Errorf("%q: %+v", c.panic, got)
		}
	}
	// The panic is of the thread that says so, whoever has reported in between.
	got := incidentsOf(stamped("T7", oops, "Oops: 0000 [#1] SMP", "RIP: 0010:teapot_brew+0x1/0x2",
		"---[ end trace 0 ]---") + stamped("C1", warning...) + stamped("T7", "Kernel panic - not syncing: Fatal exception"))
	if len(got) != 2 || !got[0].Fatal || got[1].Fatal {
		t.Errorf("another thread in between: %+v", got)
	}
	if got := incidentsOf(stamped("", "Kernel panic - not syncing: Fatal exception in interrupt")); len(got) != 1 ||
		!got[0].Fatal {
		t.Errorf("alone: %+v", got)
	}
}
