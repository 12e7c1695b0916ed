# routes.sh - where mail goes, by the clock: routes, whole resolutions, the cost over raw hickory-resolver.

# Each line of bench gate is a case.
routes() {
  local line said="$T/log/routes.out" status figures=0
  command -v cargo >/dev/null || { echo "skipped: no cargo for the rates of routes"; return; }
  (cd "$ROOM/../.." && cargo run --quiet --release --manifest-path bench/Cargo.toml -- gate </dev/null) >"$said" 2>&1
  status=$?
  cat "$said"
  while IFS= read -r line; do
    case $line in
      "ok "*) figures=$((figures + 1)); ok "routes-${line#ok }" ;;
      "FAIL "*) figures=$((figures + 1)); fail routes "${line#FAIL }" ;;
    esac
  done < <(grep -E '^(ok|FAIL) ' "$said")
  [ $figures -ge 7 ] || fail routes "$figures figures, exit status $status"
}
