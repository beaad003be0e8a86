package synthetic

import (
	"embed"
	"strings"
	"sync"
)

// messageFiles are templates of what kernels say, one a line; expand fills in the
// braces. early-ARCH comes first, while the clock still stands at zero; common are
// the subsystems that every kernel starts, in order; late ends the kernel's own
// part of the boot; driver is what drivers say in no fixed order, of which a real
// log has hundreds. The last words of a kernel are oops-ARCH and bug-ARCH (BUG():
// the same first line everywhere, then how the processor traps); they keep the
// phrases that people search for.
//
//go:embed messages
var messageFiles embed.FS

var messageLists = sync.OnceValue(func() map[string][]string {
	lists := map[string][]string{}
	files, err := messageFiles.ReadDir("messages")
	if err != nil {
		panic(err) // they are in the binary
	}
	for _, f := range files {
		text, err := messageFiles.ReadFile("messages/" + f.Name())
		if err != nil {
			panic(err)
		}
		lists[strings.TrimSuffix(f.Name(), ".txt")] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	return lists
})

// messages are the templates of one file, named without its ending.
func messages(name string) []string { return messageLists()[name] }
