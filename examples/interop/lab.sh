# lab.sh - how `connect` gets there: time to connected over a network of namespaces.

# Each row of connect/tests/netns.sh is a case.
lab() {
  local line said="$T/log/lab.out" rows=0
  [ -x "$BIN/eyeballs" ] || build_programs eyeballs || { fail lab "eyeballs does not build"; return; }
  EYEBALLS=$BIN/eyeballs bash "$ROOM/../../connect/tests/netns.sh" >"$said" 2>&1
  local status=$?
  cat "$said"
  while IFS= read -r line; do
    case $line in
      *"  ok" | *"  ok at try "[0-9]) rows=$((rows + 1)); ok "lab-$(lab_title "$line")" ;;
      *"  FAIL") rows=$((rows + 1)); fail "lab-$(lab_title "$line")" "${line:44}" ;;
    esac
  done <"$said"
  grep -q '^skipped: ' "$said" || [ $rows -ge 19 ] || fail lab "$rows rows, exit status $status"
}

lab_title() { sed 's/ *$//; s/[ ,:]\{1,\}/-/g' <<<"${1:0:44}"; }
