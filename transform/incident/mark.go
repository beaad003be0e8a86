package incident

// Marks are phrases by which a line says what it is to the report around it.
const (
	markLoss      = iota // the console dropped messages, whosever they were
	markReplay           // it prints a message once more from its beginning
	markAllCPUs          // other processors are asked for their stacks
	markForeign          // another message that has a stack trace
	markInjected         // fault injection has a trace of its own
	markEnd              // of a report
	markMain             // the report's own trace comes next
	markTrace            // another one does
	markBacktrace        // lockdep or kmemleak announce one
	markLocal            // KMSAN names a variable
	markProvoked         // a test made the kernel crash
)

// marks finds the marks of a line.
var marks = newWindowTable(markPhrases[:], marksFactor)

var markPhrases = [...]string{
	markLoss:    "printk messages dropped",
	markReplay:  "replaying previous printk",
	markAllCPUs: "Sending NMI from",
	markForeign: "FAULT_INJECTION: forcing|vmalloc: allocation failure|page allocation failure|" +
		"FAULT_FLAG_ALLOW_RETRY missing",
	markInjected:  "should_fail",
	markEnd:       "---[ end ",
	markMain:      "Call Trace|Call trace|Backtrace:",
	markTrace:     "Uninit was stored|Uninit was created|badaddr: ",
	markBacktrace: "backtrace",
	markLocal:     "Local variable ",
	markProvoked:  " lkdtm_|:lkdtm_|[lkdtm]|kunit_try_run_case|sysrq_handle_crash",
}

const marksFactor = 0x9E3779B1
