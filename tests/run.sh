#!/usr/bin/env bash
# Runs the whole suite in parallel processes, then the checks that need to have seen all of it.
set -euo pipefail
cd "$(dirname "$0")/.."
processes="${1:-2}"
bin=.venv/bin
seen=$(mktemp -d)
trap 'rm -rf "$seen"' EXIT
export HAVERSACK_RAISED_KINDS="$seen"
"$bin/python" -m pytest tests -n "$processes" --dist loadfile "${@:2}"
"$bin/python" tests/tidy/every_error_is_raised.py "$seen"
