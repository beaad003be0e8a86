// Package elasticsearch holds the Maven project that makes a runnable Elasticsearch from the jars on Maven Central.
// It holds only the sources; internal/estest builds and runs them. They are embedded so that a test binary
// finds them whatever its working directory is.
package elasticsearch

import "embed"

// Sources is the Maven project: pom.xml and src.
//
//go:embed pom.xml src
var Sources embed.FS
