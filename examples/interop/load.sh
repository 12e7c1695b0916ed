#!/bin/bash
# load.sh [RUNS] - the longer measurement for bench/README.md: smtp-source into our sink beside smtp-sink, RUNS interleaved runs a row
# (default 7), both families. On a machine that does nothing else.
#   BIN=DIR    where the built sink is (default: builds it)
set -u
ROOM=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
. "$ROOM/lib.sh"
. "$ROOM/rates.sh"
command -v smtp-source >/dev/null || { echo "needs smtp-source and smtp-sink: Debian's postfix"; exit 1; }
T=$(mktemp -d) || exit 1
finish() {
  local process
  for process in ${STARTED[@]+"${STARTED[@]}"}; do stop "$process"; done
  rm -rf "$T"
}
trap finish EXIT
trap 'exit 130' INT TERM
build_programs sink || exit 1
rates_start || { echo "no sink"; exit 1; }
rates_heading
for family in $FAMILIES; do
  for row in "4096 5000 10 new" "4096 5000 200 new" "4096 20000 10 kept" "4096 20000 200 kept" \
    "1048576 200 10 new" "1048576 200 200 new" "1048576 400 10 kept" "1048576 400 200 kept"; do
    # shellcheck disable=SC2086
    rates_row "$family" "${1:-7}" $row
  done
done
