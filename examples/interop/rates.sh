# rates.sh - Postfix's smtp-source into our sink beside its own smtp-sink, interleaved in one run. Quote the ratios: times of a busy
# machine differ twofold from run to run, the ratio of neighbours much less.

rates() {
  local family row
  rates_start || { fail rates-start "no sink"; return; }
  rates_heading
  for family in $FAMILIES; do
    #    octets count sessions keep
    for row in "4096 3000 10 new" "4096 6000 10 kept" "4096 6000 200 kept" "1048576 60 10 kept"; do
      # shellcheck disable=SC2086
      rates_row "$family" 3 $row
      status "rate-$family-${row// /-}" 0 -- awk "BEGIN { exit !($RATIO >= 0.8) }"
    done
  done
}

# Our sink and smtp-sink, the same on both families.
rates_start() {
  local family as=()
  mkdir -p "$T/log"
  background sink-rates "$BIN/sink" --listen 127.0.0.1:0 --listen '[::1]:0' --max-size 0 --quiet
  until_true 10 sink_listens rates 2 || return 1
  for family in $FAMILIES; do
    declare -g "port_rates_$family=$(sed -n "s/^listening .*$(address "$family").*:\([0-9]*\)\$/\1/p" "$T/log/sink-rates.out")"
  done
  eval "$(ports peer)"
  # It refuses to run as root.
  [ "$(id -u)" = 0 ] && as=(-u postfix)
  background smtp-sink-4 smtp-sink ${as[@]+"${as[@]}"} -4 "inet:127.0.0.1:$peer" 1024
  background smtp-sink-6 smtp-sink ${as[@]+"${as[@]}"} -6 "inet:[::1]:$peer" 1024
  until_true 10 connects 127.0.0.1 "$peer" && until_true 10 connects ::1 "$peer"
}

rates_heading() {
  echo "| family | octets | sessions | connections | ours, mails/s | smtp-sink, mails/s | ratio |"
  echo "|---|---|---|---|---|---|---|"
}

# rates_row FAMILY RUNS OCTETS COUNT SESSIONS new|kept: a line of the table; sets RATIO, the median of the runs' ratios.
rates_row() {
  local family=$1 runs=$2 octets=$3 count=$4 sessions=$5 keep=$6 run ours theirs all=""
  for run in $(seq "$runs"); do
    ours=$(rates_time "$family" "$(sink_port rates "$family")" "$octets" "$count" "$sessions" "$keep") || { RATIO=0; return; }
    theirs=$(rates_time "$family" "$peer" "$octets" "$count" "$sessions" "$keep") || { RATIO=0; return; }
    all+="$ours $theirs"$'\n'
  done
  RATIO=$(awk 'NF { print $2 / $1 }' <<<"$all" | rates_median)
  ours=$(awk -v n="$count" 'NF { print n / $1 }' <<<"$all" | rates_median)
  theirs=$(awk -v n="$count" 'NF { print n / $2 }' <<<"$all" | rates_median)
  printf '| IPv%s | %s | %s | %s | %.0f | %.0f | %.2f |\n' "$family" "$octets" "$sessions" "$keep" "$ours" "$theirs" "$RATIO"
}

rates_median() { sort -g | awk '{ line[NR] = $1 } END { print (line[int((NR + 1) / 2)] + line[int((NR + 2) / 2)]) / 2 }'; }

# Seconds that smtp-source needs.
rates_time() {
  local began ended kept=()
  [ "$6" = kept ] && kept=(-d)
  began=$(date +%s%N)
  timeout 120 smtp-source "-$1" ${kept[@]+"${kept[@]}"} -s "$5" -m "$4" -l "$3" -f alice@interop.test -t bob@interop.test "inet:$(bracketed "$1"):$2" \
    >"$T/log/smtp-source.log" 2>&1 || return 1
  ended=$(date +%s%N)
  awk "BEGIN { print ($ended - $began) / 1e9 }"
}
