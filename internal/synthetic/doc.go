// Package synthetic makes realistic KernelCI records offline: builds, boots and
// LAVA callbacks whose facts join, whose logs read like a job, and whose
// failures tell stories a dashboard should show (see stories.go).
//
// It is not a model of the kernel's quality, and no lab of that name exists:
// labs and servers are invented so that a made-up failure blames nobody.
//
// Caveat: the bytes are part of the contract. The same Options give the same
// bytes on every machine, which is why everything here is integer arithmetic
// (floats may be fused into other results on some processors) and no map is
// iterated but by its sorted names. A test holds a digest; change it knowingly.
//
// The YAML follows what LAVA and PyYAML write, since kcing's readers are fast for
// that form: block style lists of strings for results, flow maps wrapped after 80
// columns, and log lines that look like JSON but are YAML (about 1 % only YAML).
package synthetic
