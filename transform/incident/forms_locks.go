package incident

// Locks held wrongly, and tasks that do not go on.

// lockHolder is added to what does not name a locking bug: sockets' locks.
var lockHolder = patterns(`lock_sock release_sock`)

var lockForms = table{kind: Lockdep, locate: inTrace, forms: []form{
	{has: "BUG: spinlock|BUG: rwlock",
		re: rx(`BUG: (spinlock|rwlock) (lockup suspected|already unlocked|(?:cpu )?recursion|bad magic|wrong owner|` +
			`wrong CPU|trylock failure on UP)`),
		title: "BUG: {1} {2} in {F}", innocent: patterns(`spin_ _lock _unlock`)},
	{kind: Atomic, has: "g while atomic", re: rx(`BUG: scheduling while atomic`),
		title: "BUG: scheduling while atomic in {F}", innocent: patterns(`schedule`)},
	{kind: Atomic, has: "BUG: sleeping", re: rx(`BUG: sleeping function called from invalid context`),
		title: "BUG: sleeping function called from invalid context in {F}"},
	{has: "BUG: using ", re: rx(`BUG: using ([a-z_]+)\(\) in preemptible`),
		title:    "BUG: using {1}() in preemptible code in {F}",
		innocent: patterns(`preempt debug_ processor_id this_cpu`)},
	{has: "eld when returning", re: rx(`(WARNING|INFO|BUG): lock held when returning to user space`),
		title: "{1}: lock held when returning to user space in {F}", locate: atLock},
	{has: "still has locks", re: rx(`(WARNING|INFO|BUG): .*still has locks held`),
		title: "{1}: still has locks held in {F}", locate: atLock},
	{has: "ck balance", re: rx(`(WARNING|INFO|BUG): bad unlock balance detected`),
		title: "{1}: bad unlock balance in {F}", locate: atRelease},
	{has: "held lock freed", re: rx(`(WARNING|INFO|BUG): held lock freed`), title: "{1}: held lock freed in {F}",
		locate: atLock},
	{has: "BUG: Invalid wait", re: rx(`BUG: Invalid wait context`), title: "WARNING: locking bug in {F}",
		innocent: lockHolder},
	{has: "e circular locking", re: rx(`(?:WARNING|INFO|BUG): possible circular locking dependency`),
		title: "possible deadlock in {F}", locate: atLockOrBelowWork,
		innocent: patterns(`process_one_work {flush,drain,destroy}_workqueue`)},
	{has: "cursive locking", re: rx(`(?:WARNING|INFO|BUG): possible recursive locking`),
		title: "possible deadlock in {F}", locate: atLock},
	{has: "ck inversion", re: rx(`(?:WARNING|INFO|BUG): possible irq lock inversion`),
		title: "possible deadlock in {F}", locate: atLock},
	{has: "-unsafe lock order", re: rx(`(?:WARNING|INFO|BUG): .*-safe -> .*-unsafe lock order detected`),
		title: "possible deadlock in {F}", locate: whereUnsafe},
	{has: "inconsistent lock", re: rx(`(?:WARNING|INFO|BUG): inconsistent lock state`),
		title: "inconsistent lock state in {F}"},
	{has: "uspicious RCU", re: rx(`(WARNING|INFO|BUG): suspicious RCU usage`),
		title: "{1}: suspicious RCU usage in {F}", innocent: patterns(`rcu kmem slab`)},
	{has: "ck was not", re: rx(`WARNING: Nested lock was not taken`),
		title: "WARNING: nested lock was not taken in {F}"},
	{has: "non-static key", re: rx(`INFO: trying to register non-static key`),
		title: "INFO: trying to register non-static key in {F}", innocent: patterns(`stack lock IRQ`)},
}}

var hangForms = table{kind: Hang, locate: inTrace, forms: []form{
	{has: "BUG: soft lockup", re: rx(`BUG: soft lockup`), title: "BUG: soft lockup in {F}", locate: belowDispatcher},
	{has: "rd LOCKUP",
		re:    rx(`(?:[Ww]atchdog detected|(?:CPU ?\d+|self-) ?detected) hard LOCKUP|watchdog: CPU \d+ Hard LOCKUP`),
		title: "BUG: hard lockup in {F}", locate: belowDispatcher},
	{has: "BUG: workqueue", re: rx(`BUG: workqueue lockup`), title: "BUG: workqueue lockup"},
	{has: "O: rcu_", re: rx(`INFO: rcu_\w+ (?:self-)?detect(?:ed|s) (?:expedited )?stall`),
		title: "INFO: rcu detected stall in {F}", locate: belowInterrupt,
		innocent: patterns(`apic_timer_interrupt rcu`)},
	{has: "or more than", re: rx(`INFO: task .{0,100}? blocked (?:in I/O wait )?for more than \d+ sec`),
		title: "INFO: task hung in {F}", locate: whoWaits},
	// The same where the task's name breaks the line.
	{has: "or more than", re: rx(`:\d+ blocked (?:in I/O wait )?for more than \d+ sec`),
		title: "INFO: task hung in {F}", locate: whoWaits, byKernel: true},
	{has: "or more than", re: rx(`INFO: task .{0,100}? can't die for more than`), title: "INFO: task can't die in {F}",
		innocent: patterns(`schedule`)},
	{has: "BUG: workqueue", re: rx(`BUG: workqueue (leaked [a-zA-Z, ]*[a-zA-Z])`), title: "BUG: workqueue {1} in {F}",
		locate: lastFunction},
	{has: "er_netdevice", re: rx(`unregister_netdevice: waiting for .* to become free`),
		title: "unregister_netdevice: waiting for DEV to become free"},
}}
