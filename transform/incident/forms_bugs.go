package incident

// What the kernel's own checks say: BUG, WARNING, panic.

// pageOwner are what allocates and frees pages for somebody.
var pageOwner = patterns(`{free,put,get,update,release}_page prep_new_page post_alloc_hook free_unref
	^folio ^_folio ^__folio truncate_inode_pages page_frag_free alloc vmap page_owner`)

var bugForms = table{kind: Bug, locate: inTrace, forms: []form{
	{has: " Bad page", re: rx(`BUG: Bad page (state|cache)`), title: "BUG: Bad page {1} in {F}",
		locate: whoAllocatedPage, innocent: pageOwner},
	{has: " Bad page", re: rx(`BUG: Bad page map`), title: "BUG: Bad page map"},
	{has: "BUG: Bad rss|BUG: non-zero",
		re:    rx(`BUG: (Bad rss-counter state|non-zero nr_p[tm]ds on freeing mm|non-zero pgtables_bytes on freeing mm)`),
		title: "BUG: {1}"},
	{has: "BUG: Dentry", re: rx(`BUG: Dentry .* still in use \(-?\d+\) \[(\w+) of`),
		title: "BUG: Dentry still in use in {1}"},
	{kind: Oops, has: "k guard page was hit", re: rx(`BUG: .*stack guard page was hit`),
		title: "BUG: stack guard page was hit in {F}", locate: belowDispatcher},
	{has: "el BUG at ", re: rx(`[kK]ernel BUG at mm/usercopy`), title: "BUG: bad usercopy in {F}",
		innocent: patterns(`usercopy __check`)},
	{has: "el BUG at ", re: rx(`[kK]ernel BUG at lib/list_debug`), title: "BUG: corrupted list in {F}"},
	{has: "el BUG at ", re: rx(`[kK]ernel BUG at `), title: "kernel BUG in {F}", locate: atRegisters,
		innocent: patterns(`^skb_`), traced: true},
	{has: "verwritten|ct already free|r corrupt|n corrupt|s remaining |d Freelist",
		re:    rx(`BUG [\w.-]+ \((?:Not tainted|Tainted:[^)]*)\): ([A-Z][A-Za-z _]*?)(?: in \S+)?(?: on \w+\(\))?$`),
		title: "BUG: {1}"}, // of SLUB
}}

// holdsObject are what tracks, allocates and copies an object for who leaks it.
var holdsObject = patterns(`kmemleak mmap kmem slab alloc create_object idr_get list_lru_init asprintf pcpu_create
	strdup strndup memdup`)

var leakForms = table{kind: Leak, forms: []form{
	{has: "BUG: memory leak", re: rx(`BUG: memory leak`), title: "memory leak in {F}", locate: whoAllocated,
		innocent: holdsObject},
	{has: "d object 0x", re: rx(`^(?:kmemleak: )? *unreferenced object 0x`), title: "memory leak in {F}",
		locate: whoAllocated, innocent: holdsObject},
	{has: "y leaks", re: rx(`kmemleak: \d+ new suspected memory leaks`), title: "memory leak"},
}}

var warningForms = table{kind: Warning, locate: atWarning, forms: []form{
	{has: "bugobjects.c", re: rx(`WARNING: .*lib/debugobjects\.c`), title: "WARNING: ODEBUG bug in {F}",
		innocent: patterns(`debug_ rcu timer_ work_ percpu_ vunmap vfree __free_ kobject_`)},
	{has: "sercopy.c", re: rx(`WARNING: .*mm/usercopy\.c`), title: "WARNING: bad usercopy in {F}",
		innocent: patterns(`usercopy __check`)},
	{has: "ib/kobject.c", re: rx(`WARNING: .*lib/kobject\.c`), title: "WARNING: kobject bug in {F}",
		innocent: patterns(`kobject_`)},
	{has: "fs/proc/generic.c", re: rx(`WARNING: .*fs/proc/generic\.c`), title: "WARNING: proc registration bug in {F}",
		innocent: patterns(`proc_`)},
	{kind: Refcount, has: "ib/refcount.c", re: rx(`WARNING: .*lib/refcount\.c`), title: "WARNING: refcount bug in {F}",
		innocent: patterns(`refcount kobject_`)},
	{kind: Lockdep, has: "ing/lockdep.c", re: rx(`WARNING: .*kernel/locking/lockdep\.c.*lock_`),
		title: "WARNING: locking bug in {F}", innocent: lockHolder},
	{has: "WARNING: ", re: rx(`WARNING: .*mm/.*\.c.* k?.?malloc`), title: "WARNING: kmalloc bug in {F}",
		innocent: patterns(`kmalloc krealloc slab kmem`)},
	{has: "mm/vmalloc.c", re: rx(`WARNING: .*mm/vmalloc\.c.*__vmalloc_node`),
		title: "WARNING: zero-size vmalloc in {F}"},
	{has: "usb_submit_urb", re: rx(`WARNING: .* usb_submit_urb`), title: "WARNING in {F}/usb_submit_urb",
		innocent: usbURB},
	// Both orders of file and function, and the old one without a function.
	{has: "WARNING: ", re: rx(`WARNING: (?:CPU: \d+ PID: \d+ )?at \S+\.[a-zA-Z]+:\d+(?: (?<f>\w+)[.+])?`),
		title: "WARNING in {F}"},
	{has: "WARNING: ", re: rx(`WARNING: (?:\[.*\] )?\S+\.[a-zA-Z]+:\d+ at (?:0x[0-9a-f]+|(?<f>\w+)[.+])`),
		title: "WARNING in {F}"},
	// Of a kernel built without the names of its files.
	{has: "WARNING: ", re: rx(`WARNING: (?:CPU: \d+ PID: \d+ )?at (?<f>\w+)(?:\.[\w.]+)?\+0x`),
		title: "WARNING in {F}"},
	{has: "WARNING: ", re: rx(`WARNING: kernel stack regs at [0-9a-f]+ in \S* has bad '([^']+)' value`),
		title: "WARNING: kernel stack regs has bad '{1}' value"},
	{has: "WARNING: ", re: rx(`WARNING: kernel stack (?:regs|frame pointer) .*has bad`),
		title: "WARNING: kernel stack regs has bad value"},
}}

var panicForms = table{kind: Panic, forms: []form{
	{has: "ic - not syncing",
		re:    rx(`Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: (?<f>\w+)`),
		title: "kernel panic: stack is corrupted in {F}", locate: namedThere, innocent: patterns(`stack_chk`)},
	{has: "ic - not syncing", re: rx(`Kernel panic - not syncing: corrupted stack end`),
		title: "kernel panic: corrupted stack end in {F}", locate: belowDispatcherOfTrace,
		innocent: patterns(`schedule retint_kernel`)},
	{has: "ic - not syncing", re: rx(`Kernel panic - not syncing: [kK]ernel stack overflow`),
		title: "kernel stack overflow in {F}", locate: belowDispatcherOfTrace, innocent: patterns(`bad_stack`)},
	{has: "ic - not syncing", re: rx(`Kernel panic - not syncing: Attempted to kill init!`),
		title: "kernel panic: Attempted to kill init!"},
	{has: "ic - not syncing",
		re: rx(`Kernel panic - not syncing: (Fatal exception|.*panic_on_warn set|hung_task: blocked tasks|` +
			`Couldn't open N_TTY ldisc)`),
		title: "kernel panic: {1}"},
	{has: "ic - not syncing", re: rx(`Kernel panic - not syncing: (.*)`), title: "kernel panic: {1}"},
}}

const (
	kernelPanic = "Kernel panic - not syncing"
	rustPanic   = "rust_kernel: panicked"
)

var otherForms = table{locate: inTrace, forms: []form{
	{kind: Bug, has: " Close: file count", re: rx(`VFS: Close: file count is 0`),
		title: "VFS: Close: file count is zero (use-after-free)"},
	{kind: Bug, has: " Busy inodes", re: rx(`VFS: Busy inodes after unmount`),
		title: "VFS: Busy inodes after unmount (use-after-free)"},
	{kind: OOM, has: "y: Kill|ry (oom_kill",
		re:    rx(`Out of memory(?: \(oom_kill_allocating_task\))?: Kill(?:ed)? process`),
		title: "Out of memory: Killed process", byKernel: true},
	{kind: Panic, has: rustPanic, re: rx(`rust_kernel: panicked`), title: "{next} in {F}"},
	{kind: Bug, has: "] BUG: |[ BUG: ", re: rx(`^ *(?:\[ )?BUG: ([A-Za-z].*?)(?: \])?$`), title: "BUG: {1}",
		byKernel: true},
}}
