package synthetic

import (
	"fmt"
	"time"
)

// jobLog writes the log of a LAVA job: one YAML list item a line, made by
// libyaml with double quotes and flow style, so that most lines are JSON.
type jobLog struct {
	buf   []byte
	lines int
	now   int64 // microseconds since 1970
	rand  *random
}

func (l *jobLog) wait(micros int64)    { l.now += micros }
func (l *jobLog) waitUntil(time int64) { l.now = max(l.now, time) }

func (l *jobLog) open(level string) {
	// What is logged in one breath is some hundred microseconds apart.
	l.now += int64(l.rand.between(90, 420))
	if l.now%second == 0 {
		l.now++ // str(datetime) would have no fraction then
	}
	if l.lines > 0 {
		l.buf = append(l.buf, '\n')
	}
	l.lines++
	l.buf = append(l.buf, `- {"dt": "`...)
	l.buf = time.UnixMicro(l.now).UTC().AppendFormat(l.buf, "2006-01-02T15:04:05.000000")
	l.buf = append(l.buf, `", "lvl": "`...)
	l.buf = append(l.buf, level...)
	l.buf = append(l.buf, `", "msg": `...)
}

func (l *jobLog) say(level, message string) {
	l.structure(level, message)
}

func (l *jobLog) info(format string, args ...any)   { l.say("info", fmt.Sprintf(format, args...)) }
func (l *jobLog) debug(format string, args ...any)  { l.say("debug", fmt.Sprintf(format, args...)) }
func (l *jobLog) target(format string, args ...any) { l.say("target", fmt.Sprintf(format, args...)) }
func (l *jobLog) input(message string)              { l.say("input", message+"\n") }

// feedback is output of another connection than the one being watched.
func (l *jobLog) feedback(message string) {
	l.open("feedback")
	l.buf = appendLogged(l.buf, message)
	l.buf = append(l.buf, `, "ns": "common"}`...)
}

// structure logs a message that may be a text, a list or a mapping.
func (l *jobLog) structure(level string, message any) {
	l.open(level)
	l.buf = append(appendLogged(l.buf, message), '}')
}
