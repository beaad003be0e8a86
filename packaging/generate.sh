#!/bin/bash
# generate.sh DIR: writes kcing's manual page, completions and changelog into DIR, for packages and archives.
set -euo pipefail
dir=$1
mkdir -p "$dir"
GOOS='' GOARCH='' CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(git describe --tags --always --dirty)" \
	-o "$dir/kcing" ./cmd/kcing
"$dir/kcing" manual >"$dir/kcing.1"
for shell in bash fish; do "$dir/kcing" completion "$shell" >"$dir/kcing.$shell"; done
"$dir/kcing" completion zsh >"$dir/_kcing"
gzip -9 --no-name --stdout "$dir/kcing.1" >"$dir/kcing.1.gz"
gzip -9 --no-name --stdout CHANGELOG.md >"$dir/CHANGELOG.md.gz"
