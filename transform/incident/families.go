package incident

import "sync"

// innocent are the functions that never name a bug: they report, check, lock,
// copy, count or allocate for somebody else, who is below them in the trace.
var innocent = sync.OnceValue(func() nameSet { return patterns(families[:]...) })

// families are the innocent functions by what they do, as patterns.
var families = [...]string{
	// Print a report and walk the stack for it.
	`panic printk assertfail ^_dev_{info,notice,warn,err,crit,alert,emerg}
	 ^dev_{info,notice,warn,err,crit,alert,emerg}$ ^dump_stack ^dump_backtrace ^show_{stack,regs,trace} ^unwind_
	 ^walk_stack ^arch_stack_walk ^stack_trace_ ^save_stack ^print_{report,address_desc,usage_bug,hex_dump,tainted}
	 print_unlock ^hex_dump_to ^warn_ ^__warn ^get_taint$ ^spin_dump$ ^spin_bug$`,

	// The way from a trap of the processor to the report of it.
	`^report_bug ^fixup_bug ^handle_bug ^__report_bug invalid_op ^do_trap ^do_error _trap$ ^brk_handler ^bug_handler
	 ^call_break_hook ^do_debug_exception program_check_ ^__do_pgm_check do_kernel_fault do_translation_fault
	 ^do_bad_area ^do_mem_abort ^do_sea$ ^do_DataAbort ^do_PrefetchAbort ^do_undef ^el1_abort ^el1_undef ^el1_brk64
	 ^el1_dbg ^el1h_64_sync ^bad_page_fault ^no_context$ ^do_{bp,ri,tr}$ ^rust_helper_BUG$ rust_begin_unwind`,

	// KASAN, KMSAN, KCSAN, UBSAN, fortified strings: calls that the compiler puts in.
	`kasan hwasan kmsan kcsan_ __{asan,msan,tsan,hwasan,ubsan,sanitizer} ^ubsan_ ^check_memory_region
	 read_word_at_a_time {read,write}_once_ ^instrument_ ^fortify_ ^__fortify_`,

	// Other checks, and tracing.
	`might_{sleep,fault,resched} check_object heap_object ^debug_object ^__debug_object ^{timer,work}_is_static_object
	 ^should_fail perf_trace indirect_thunk seqprop_assert ^__phys_addr`,

	// Lockdep and the tracing of interrupts' state.
	`lockdep lock_{acquire,release,class} mark_lock held_lock trace_hardirq trace_softirq`,

	// Locks of every sort.
	`{spin,read,write}_{,try,un}lock raw_spin_rq ^{,__,rt_}mutex_ ^ww_mutex_ ^__ww_mutex_ ^rwsem_ ^percpu_{down,up}_
	 down_{read,write} up_{read,write} ^{,__}{down,up}$ ^down_{trylock,interruptible,killable,timeout} ^osq_
	 ^owner_on_cpu$ bh_{en,dis}able ^{un,}lock_page$ ^native_queued_ ^__pv_queued_`,

	// Waiting for somebody, and waking him up.
	`wait_for_completion wait_for_common ^complete$ ^finish_wait$ ^__wake_up`,

	// Timers and work: adding, cancelling, flushing.
	`del_timer ^timer_delete ^__timer_delete ^mod_timer ^__mod_timer ^lock_timer_base$ ^insert_work$ ^__queue_work
	 ^queue_work queue_delayed_work flush_work {drain,destroy}_workqueue cancel_work_ ^try_to_grab_pending$
	 ^kthread_stop ^sk_stop_timer_sync$`,

	// Counting: atomics, bits, references.
	`atomic{,64}_{dec,inc,read,set,add,sub,or,xor,and,fetch,xchg,cmpxchg,try} {set,clear,change,test}_bit ^refcount_
	 ^__refcount_ ^kref_ ref_tracker ^drop_nlink$`,

	// Lists, trees, tables.
	`list_{add,del,replace,move,splice} ^rb_ ^__rb_ ^klist_ ^xas_{start,load,find} ^rhashtable_lookup ^ida_free$`,

	// Memory and strings.
	`mem{cpy,cmp,set,chr,move,dup} str{,n}cmp str{,l,n,s}cpy str{,n}len str{,n}str str{,r,n}chr str{,n}dup string$
	 pointer$ string_nocheck$ ^number$ ^format_decode {v,s}{n,cn}printf ^sprintf$ asprintf va_format ^add_uevent_var$
	 ^crc{8,16,32,64,_}`,

	// Copies between the kernel and its users.
	`{get,put}_user copy_{,page_,folio_}{to,from}_{user,iter} ^copyin$ ^copyout$ extract_{user,iter}_to_sg`,

	// Allocators.
	`k{m,z,c}alloc v{m,z}alloc {z,v}alloc kcalloc ^krealloc ^k{,v}free$ ^vfree$ ^kzfree$ ^free_percpu$ kmem_cache
	 slab_ ^allocate_slab alloc_{page,frozen_pages} kfree_skb ^__kmalloc`,

	// Page cache, inodes, dentries: last references are dropped here, not lost.
	`folio_{alloc,unlock} {filemap_alloc,filemap_get}_folio read_cache_page do_read_cache_folio pagecache_get_page
	 grab_cache_page ^find_or_create_page ^find_lock_entries ^truncate_inode_pages_range ^mark_buffer_dirty$
	 ^i{put,put_final,hold}$ ^{,fast_}dput$ ^cleanup_srcu_struct`,

	// The driver core, which calls what drivers registered.
	`^kobject_ device_{add,del,unregister,destroy,release} ^device_{remove_file,for_each_child} sysfs_remove
	 ^put_device$ ^get_device_parent$ ^devres_release_all$ unregister_client ^i2c_del_adapter$ ^hwrng_unregister$
	 ^tty_unregister_device ^unregister_netdev ^rollback_registered`,

	// The USB core.
	`^usb_{kill_,submit_urb,hcd_submit_urb,control_msg} ^dummy_urb_enqueue`,

	// Access to registers of devices.
	`{read,write}{b,w,l,q}$ ^logic_{in,out}`,
}

// dispatchers call code of others: system calls, files, sockets, threads,
// interrupts. A processor that loops is caught anywhere in its loop, so the
// function that the first dispatcher called names the stall.
var dispatchers = sync.OnceValue(func() nameSet {
	return patterns(
		// System calls.
		`do_{,fast_}syscall_ do_int80_ el0_svc invoke_syscall ret_fast_syscall sysenter_ tracesys ^system_call
		 ^syscall_exit ^handle_syscall ^do_syscall$ ^do_trap_ecall ^__do_fast_syscall ^x64_sys_call ^ia32_sys_call
		 ^__do_syscall ^system_call_exception`,
		// Those that say little: who is behind the file or the socket?
		`vfs_{,iter_}{read,write} new_sync_{read,write} do_iter_ call_{read,write}_iter
		 {vfs,ksys,compat,compat_sys,blkdev,blkdev_driver}_ioctl ^{ioctl,connect,socketpair,listen,accept,setsockopt}
		 ^sys_{ioctl,connect,socketpair} do_dentry_open vfs_open __fput ^call_mmap mmap_region do_mmap __do_fault
		 ^page_fault ^do_page_fault ^{,compat_,__}sock_{sendmsg,recvmsg,release,mmap,do_ioctl,ioctl}
		 ^____sys_{send,recv}msg$ sock_common_setsockopt kernel_{setsockopt,listen,accept} sk_common_release`,
		// The network's receivers.
		`^rtnetlink_rcv_msg ^nfnetlink_rcv_msg ^netlink_dump netif_receive_skb`,
		// Threads.
		`process_one_work ^kthread$ smpboot_thread_fn run_ksoftirqd ret_from_fork start_secondary cpu_startup_entry`,
		// Interrupts, and what runs after them.
		`do_softirq ^handle_softirqs tasklet_{,hi_}action call_timer_fn run_timers run_timer_softirq hrtimer_run
		 smp_call_function task_work_run exit_to_usermode`)
})

// waits are how a task waits; who made it wait names a hung task.
var waits = sync.OnceValue(func() nameSet {
	return patterns(`sched _lock _slowlock down rwsem completion kthread wait synchronize context_switch __switch_to
	 cancel_delayed_work rcu_barrier ^io_schedule`)
})
