package incident

// Locks held wrongly, and tasks that do not go on.

// lockHolder is added to what does not name a locking bug: sockets' locks.
var lockHolder = patterns(`lock_sock release_sock`)

var lockForms = []form{
	{kind: Lockdep, has: "BUG: spinlock|BUG: rwlock",
		re: rx(`BUG: (spinlock|rwlock) (lockup suspected|already unlocked|(?:cpu )?recursion|bad magic|wrong owner|` +
			`wrong CPU|trylock failure on UP)`),
		title: "BUG: {1} {2} in {F}", locate: inTrace, innocent: patterns(`spin_ _lock _unlock`), traced: true},
	{kind: Atomic, has: "g while atomic", re: rx(`BUG: scheduling while atomic`),
		title: "BUG: scheduling while atomic in {F}", locate: inTrace, innocent: patterns(`schedule`), traced: true},
	{kind: Atomic, has: "BUG: sleeping", re: rx(`BUG: sleeping function called from invalid context`),
		title: "BUG: sleeping function called from invalid context in {F}", locate: inTrace, traced: true},
	{kind: Lockdep, has: "BUG: using ", re: rx(`BUG: using ([a-z_]+)\(\) in preemptible`),
		title: "BUG: using {1}() in preemptible code in {F}", locate: inTrace,
		innocent: patterns(`preempt debug_ processor_id this_cpu`), traced: true},
	{kind: Lockdep, has: "eld when returning", re: rx(`(WARNING|INFO|BUG): lock held when returning to user space`),
		title: "{1}: lock held when returning to user space in {F}", locate: atLock},
	{kind: Lockdep, has: "still has locks", re: rx(`(WARNING|INFO|BUG): .*still has locks held`),
		title: "{1}: still has locks held in {F}", locate: atLock},
	{kind: Lockdep, has: "ck balance", re: rx(`(WARNING|INFO|BUG): bad unlock balance detected`),
		title: "{1}: bad unlock balance in {F}", locate: atRelease},
	{kind: Lockdep, has: "held lock freed", re: rx(`(WARNING|INFO|BUG): held lock freed`),
		title: "{1}: held lock freed in {F}", locate: atLock},
	{kind: Lockdep, has: "BUG: Invalid wait", re: rx(`BUG: Invalid wait context`),
		title: "WARNING: locking bug in {F}", locate: inTrace, innocent: lockHolder, traced: true},
	{kind: Lockdep, has: "e circular locking", re: rx(`(?:WARNING|INFO|BUG): possible circular locking dependency`),
		title: "possible deadlock in {F}", locate: atLockOrBelowWork,
		innocent: patterns(`process_one_work {flush,drain,destroy}_workqueue`)},
	{kind: Lockdep, has: "cursive locking", re: rx(`(?:WARNING|INFO|BUG): possible recursive locking`),
		title: "possible deadlock in {F}", locate: atLock},
	{kind: Lockdep, has: "ck inversion", re: rx(`(?:WARNING|INFO|BUG): possible irq lock inversion`),
		title: "possible deadlock in {F}", locate: atLock},
	{kind: Lockdep, has: "-unsafe lock order", re: rx(`(?:WARNING|INFO|BUG): .*-safe -> .*-unsafe lock order detected`),
		title: "possible deadlock in {F}", locate: whereUnsafe},
	{kind: Lockdep, has: "inconsistent lock", re: rx(`(?:WARNING|INFO|BUG): inconsistent lock state`),
		title: "inconsistent lock state in {F}", locate: inTrace, traced: true},
	{kind: Lockdep, has: "uspicious RCU", re: rx(`(WARNING|INFO|BUG): suspicious RCU usage`),
		title: "{1}: suspicious RCU usage in {F}", locate: inTrace, innocent: patterns(`rcu kmem slab`), traced: true},
	{kind: Lockdep, has: "ck was not", re: rx(`WARNING: Nested lock was not taken`),
		title: "WARNING: nested lock was not taken in {F}", locate: inTrace, traced: true},
	{kind: Lockdep, has: "non-static key", re: rx(`INFO: trying to register non-static key`),
		title: "INFO: trying to register non-static key in {F}", locate: inTrace, innocent: patterns(`stack lock IRQ`),
		traced: true},
}

var hangForms = []form{
	{kind: Hang, has: "BUG: soft lockup", re: rx(`BUG: soft lockup`), title: "BUG: soft lockup in {F}",
		locate: belowDispatcher},
	{kind: Hang, has: "rd LOCKUP",
		re:    rx(`(?:[Ww]atchdog detected|(?:CPU ?\d+|self-) ?detected) hard LOCKUP|watchdog: CPU \d+ Hard LOCKUP`),
		title: "BUG: hard lockup in {F}", locate: belowDispatcher},
	{kind: Hang, has: "BUG: workqueue", re: rx(`BUG: workqueue lockup`), title: "BUG: workqueue lockup"},
	{kind: Hang, has: "O: rcu_", re: rx(`INFO: rcu_\w+ (?:self-)?detect(?:ed|s) (?:expedited )?stall`),
		title: "INFO: rcu detected stall in {F}", locate: belowInterrupt,
		innocent: patterns(`apic_timer_interrupt rcu`)},
	{kind: Hang, has: "or more than", re: rx(`INFO: task .{0,100}? blocked (?:in I/O wait )?for more than \d+ sec`),
		title: "INFO: task hung in {F}", locate: whoWaits},
	{kind: Hang, has: "or more than",
		re:    rx(`:\d+ blocked (?:in I/O wait )?for more than \d+ sec`), // the task's name breaks the line
		title: "INFO: task hung in {F}", locate: whoWaits, byKernel: true},
	{kind: Hang, has: "or more than", re: rx(`INFO: task .{0,100}? can't die for more than`),
		title: "INFO: task can't die in {F}", locate: inTrace, innocent: patterns(`schedule`), traced: true},
	{kind: Hang, has: "BUG: workqueue", re: rx(`BUG: workqueue (leaked [a-zA-Z, ]*[a-zA-Z])`),
		title: "BUG: workqueue {1} in {F}", locate: lastFunction},
	{kind: Hang, has: "er_netdevice", re: rx(`unregister_netdevice: waiting for .* to become free`),
		title: "unregister_netdevice: waiting for DEV to become free"},
}
