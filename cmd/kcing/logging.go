package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// logger opens the log that the flags ask for. On a terminal it speaks to the
// person there. close is never nil.
func (a *app) logger(s *settings) (log *slog.Logger, closeLog func(), err error) {
	if s.logFile != "" || s.logFormat == "json" || !a.stderr.isTerminal() {
		return a.serviceLogger(s)
	}
	o := &personLog{out: a.stderr, width: func() int { return widthOf(a.stderr.out) }, counts: new(personCounts)}
	if s.debug {
		o.level = slog.LevelDebug
	}
	a.endWarnings = o.close
	return slog.New(o), o.close, nil
}

// withLog runs fn with the log that the flags ask for.
func (a *app) withLog(s *settings, fn func(*slog.Logger) error) error {
	log, closeLog, err := a.logger(s)
	if err != nil {
		return err
	}
	defer closeLog()
	return fn(log)
}

// logsEach tells whether the log wants each line: it is a file or for programs,
// or counts what is alike.
func (a *app) logsEach(s *settings) bool {
	return s.logFile != "" || s.logFormat == "json" || a.stderr.isTerminal()
}

// serviceLogger is the log of a process that runs for long, and whatever no
// person reads as it is written.
func (a *app) serviceLogger(s *settings) (log *slog.Logger, closeLog func(), err error) {
	var w io.Writer = a.stderr
	closeLog = func() {}
	if s.logFile != "" {
		f, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // logs hold no secrets
		if err != nil {
			return nil, closeLog, fmt.Errorf("--log-file: %w", err)
		}
		w, closeLog = f, func() { _ = f.Close() }
	}
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if s.debug {
		o.Level = slog.LevelDebug
	}
	if s.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o)), closeLog, nil
	}
	if s.logFile == "" && a.stderr.isTerminal() { // the time is on the user's own clock
		o.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
			if len(groups) == 0 && attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		}
	}
	return slog.New(slog.NewTextHandler(w, o)), closeLog, nil
}
