package synthetic

// plan is a test plan of KernelCI: what one LAVA job runs after the boot.
type plan struct {
	name, family string
	suites       []suiteSpec
}

// suiteSpec is one test definition. LAVA puts its position in the job before
// the name; results of lava-test-interactive have no such prefix.
type suiteSpec struct {
	Name        string
	Interactive bool
	unit        string // of the measurements; empty: none are made
	cases       []string
}

var dmesgSuite = suiteSpec{Name: "dmesg", unit: "lines", cases: []string{"crit", "alert", "emerg"}}

// baseline boots and looks whether the expected devices are there.
var baseline = plan{"baseline", "baseline", []suiteSpec{dmesgSuite, {Name: "bootrr", cases: []string{
	"all-cpus-are-online", "clk-driver-present", "deferred-probe-empty", "gpio-keys-probed", "i2c0-probed",
	"mmc0-probed", "pinctrl-driver-present", "rtc-probed", "serial0-probed", "thermal-zone0-present",
	"usb-host-probed", "watchdog-probed", "ethernet-probed", "cpufreq-governor-present", "gpu-probed",
}}}}

var furtherPlans = []plan{
	{"ltp-ipc", "ltp", []suiteSpec{{Name: "ltp-ipc", cases: []string{
		"pipeio_1", "pipeio_3", "pipeio_5", "pipeio_8", "sem01", "sem02", "shm_test01", "msgctl01", "msgget02",
		"semctl03", "shmat01", "mq_open01", "mq_notify02", "pipe11",
	}}}},
	{"kselftest-timers", "kselftest", []suiteSpec{dmesgSuite, {Name: "kselftest-timers", cases: []string{
		"posix_timers", flakyTest, "nsleep-lat", "set-timer-lat", "mqueue-lat", "inconsistency-check",
		"raw_skew", "threadtest", "rtcpie", "valid-adjtimex", "change_skew", "leap-a-day",
	}}}},
	{"ltp-timers", "ltp", []suiteSpec{{Name: "timesync-off", cases: []string{"stop-timesyncd", "stop-ntpd"}},
		{Name: "ltp-timers", cases: []string{
			"clock_gettime01", "clock_gettime03", "clock_settime01", "timer_create01", "timer_delete02",
			"timer_settime02",
			"timerfd_create01", "timerfd_gettime01", "nanosleep01", "clock_nanosleep02", "leapsec01", "adjtimex01",
		}}}},
	{"preempt-rt", "rt", []suiteSpec{{Name: "cyclictest", unit: "us", cases: []string{
		"t0-min-latency", "t0-avg-latency", "t0-max-latency", "t1-min-latency", "t1-avg-latency", "t1-max-latency",
	}}, {Name: "rt-migrate-test", cases: []string{"rt-migrate-test"}}}},
	{"kselftest-seccomp", "kselftest", []suiteSpec{{Name: "kselftest-seccomp", cases: []string{
		"seccomp_bpf_global_mode_strict_support", "seccomp_bpf_TRAP_handler", "seccomp_bpf_TRACE_poke_getpid_sidestep",
		"seccomp_bpf_user_notification_basic", "seccomp_bpf_user_notification_addfd",
		"seccomp_bpf_mode_filter_without_nnp",
		"seccomp_benchmark_native", "seccomp_bpf_syscall_restart", "seccomp_bpf_detect_seccomp_filter_flags",
	}}}},
	{"smoke", "smoke", []suiteSpec{{Name: "baseline", Interactive: true, cases: []string{
		"kernel-version-matches", "root-is-writable", "no-oops-in-log", "modules-load", "network-up",
		"reboot-count-is-one",
	}}}},
}

// run is a job to be made: one build on one board with one plan.
type run struct {
	build *build
	site  *site
	plan  *plan
}

// runsOf lists what a revision's builds are used for, the most wanted first:
// every board boots the main build, then runs a further plan with it, then the
// other builds in the same way. It is never empty, as the first build passes.
func runsOf(builds []*build) []run {
	var main, other []run
	for n, b := range builds {
		for i := range sites {
			if !b.pass || !sites[i].board.boots(b.target) {
				continue
			}
			if n < mainTargets || b.target.arch == "mips" || b.target.defconfig == "davinci_all_defconfig" {
				main = append(main, run{b, &sites[i], &baseline})
			} else {
				other = append(other, run{b, &sites[i], &baseline})
			}
		}
	}
	var all []run
	for _, group := range [][]run{main, furtherRuns(main), other, furtherRuns(other)} {
		if len(group) == 0 {
			continue
		}
		// A group that is not used whole begins elsewhere the next time.
		first := builds[0].rev.index * 5 % len(group)
		all = append(append(all, group[first:]...), group[:first]...)
	}
	return all
}

func furtherRuns(runs []run) []run {
	further := make([]run, len(runs))
	for i, r := range runs {
		r.plan = &furtherPlans[(i+r.build.rev.index)%len(furtherPlans)]
		further[i] = r
	}
	return further
}
