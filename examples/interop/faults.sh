# faults.sh - exit statuses of our client, and what our server owes its clients when things end badly.

faults() {
  local family
  for family in $FAMILIES; do
    exit_statuses "$family"
    cut_connections "$family"
    interrupted "$family"
    full_disk "$family"
    huge "$family"
  done
}

exit_statuses() {
  local to=(bob@interop.test "$T/mails/small") trusted=(--ca "$T/ca/ca.pem")
  status "exit-ok-$1" 0 -- send_to "$1" "$smtp" "${to[@]}" --tls none
  printf 'Subject: x\r\n\r\nbare\rreturn\r\n' >"$T/bare-cr"
  status "exit-bare-cr-$1" 65 -- send_to "$1" "$smtp" bob@interop.test "$T/bare-cr" --tls none
  status "exit-no-input-$1" 66 -- send_to "$1" "$smtp" bob@interop.test "$T/no-such-file" --tls none
  status "exit-no-user-$1" 67 -- send_to "$1" "$smtp" nobody@interop.test "$T/mails/small" --tls none
  status "exit-refused-$1" 69 75 -- send_to "$1" "$refused" "${to[@]}" --tls none
  status "exit-denied-$1" 77 -- send_to "$1" "$submission" "${to[@]}" --tls required "${trusted[@]}" --auth alice:wrong
  status "exit-no-relay-$1" 67 69 77 -- send_to "$1" "$submission" bob@elsewhere.test "$T/mails/small" --tls required "${trusted[@]}"
  status "exit-usage-$1" 64 -- "$BIN/send" --no-such-flag
  status "exit-unread-$1" 0 -- unread "$1"
  start_unread_sink "$1"
  status "sink-unread-$1" 0 -- send_to "$1" "$unread_port" "${to[@]}" --tls none
  stop "$LAST"
  status "exit-bad-address-$1" 64 65 -- send_to "$1" "$smtp" 'bob@@interop.test' "$T/mails/small" --tls none
  # A secret never leaves in the clear, whatever the server offers.
  status "exit-auth-in-clear-$1" 69 75 76 77 -- send_to "$1" "$smtp" "${to[@]}" --tls none --auth "alice:$PASS"
  # Postfix takes 20 MB.
  cat "$T/mails/large" "$T/mails/large" "$T/mails/large" >"$T/too-large"
  status "exit-too-large-$1" 65 69 -- send_to "$1" "$smtp" bob@interop.test "$T/too-large" --tls none
  # A name that RFC 2606 s 2 keeps from existing; a machine without DNS cannot tell.
  status "exit-no-host-$1" 68 75 -- "$BIN/send" --from alice@interop.test --to bob@interop.test --via no-such-host.invalid:25 --tls none "$T/mails/small"
}

# Whoever stops reading what a program prints does not stop the mail.
unread() {
  send_to "$1" "$smtp" bob@interop.test "$T/mails/small" --tls none -v 2>&1 | head -n 1 >/dev/null
  return "${PIPESTATUS[0]}"
}

# A sink whose stdout nobody reads behind its first line; sets $LAST and $unread_port.
start_unread_sink() {
  background "unread-$1" bash -c 'exec "$0" "$@" > >(head -n 1)' "$BIN/sink" --listen "$(bracketed "$1"):0"
  until_true 10 grep -q '^listening ' "$T/log/unread-$1.out"
  unread_port=$(sed -n 's/^listening .*:\([0-9]*\)$/\1/p' "$T/log/unread-$1.out")
}

# The connection ends at a known octet of the client's: in EHLO, in the envelope, in the mail, and in place of the last reply.
cut_connections() {
  local at
  for at in 3 60 5000 5000000; do
    background "cutter-$at-$1" "$PYTHON" "$ROOM/mail.py" cutter "$(address "$1")" "$smtp" $at
    until_true 10 test -s "$T/log/cutter-$at-$1.out"
    status "exit-cut-at-$at-$1" 75 76 -- send_to "$1" "$(cat "$T/log/cutter-$at-$1.out")" bob@interop.test "$T/mails/large" --tls none
    stop "$LAST"
  done
}

# SIGINT and SIGTERM in the middle of a mail: the server says 421 or closes, ends well and soon, and nothing half is left.
interrupted() {
  local signal sink left
  for signal in INT TERM; do
    start_sink "int$signal$1" --quiet || { fail "sink-$signal-$1" "no port"; continue; }
    sink=$LAST
    check "sink-$signal-half-$1" "$PYTHON" "$ROOM/mail.py" half "$(address "$1")" "$(sink_port "int$signal$1" "$1")" "$sink" $signal
    until_true 10 gone "$sink"
    wait "$sink"
    status "sink-$signal-ends-$1" 0 -- test $? = 0
    left=$(find "$T/dump/int$signal$1" -type f -size +0 | wc -l)
    status "sink-$signal-nothing-half-$1" 0 -- test "$left" = 0
  done
}

# A disk that is full is a reason to try later: 4xx, nothing half, and the next mail that fits is taken.
full_disk() {
  local sink
  mkdir -p "$T/full"
  mount -t tmpfs -o size=1m mail46 "$T/full" || { fail "sink-full-$1" "cannot mount a small tmpfs"; return; }
  mkdir -p "$T/dump"
  rm -rf "$T/dump/full$1" && ln -s "$T/full" "$T/dump/full$1"
  if start_sink "full$1" --quiet; then
    sink=$LAST
    status "sink-full-is-temporary-$1" 75 -- send_to "$1" "$(sink_port "full$1" "$1")" bob@interop.test "$T/mails/large" --tls none
    status "sink-full-nothing-half-$1" 0 -- test "$(find "$T/full" -type f -size +0 | wc -l)" = 0
    "$PYTHON" "$ROOM/mail.py" stamp "$T/mails/small" "$T/stamped" >"$T/token"
    status "sink-full-then-small-$1" 0 -- send_to "$1" "$(sink_port "full$1" "$1")" bob@interop.test "$T/stamped" --tls none
    check "sink-full-then-small-arrived-$1" arrived "full$1" "$(cat "$T/token")" "$T/stamped"
    # Not one block left: not even a small one fits.
    dd if=/dev/zero of="$T/full/ballast" bs=4k 2>/dev/null
    status "sink-full-wholly-$1" 75 -- send_to "$1" "$(sink_port "full$1" "$1")" bob@interop.test "$T/stamped" --tls none
    stop "$sink"
  else
    fail "sink-full-starts-$1" "no port"
  fi
  rm "$T/dump/full$1"
  umount "$T/full"
}

# 100 MB in the clear and inside TLS: arrives, and neither side holds it in memory.
huge() {
  local sink token
  start_sink "huge$1" --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --max-size 0 --quiet || { fail "sink-huge-starts-$1" "no port"; return; }
  sink=$LAST
  token=$("$PYTHON" "$ROOM/mail.py" stamp "$T/mails/small" "$T/huge")
  for _ in 1 2 3 4 5 6 7 8 9 10; do tail -c +600 "$T/mails/large"; done >>"$T/huge"
  check "send-sink-huge-$1" peak_under 65536 send_to "$1" "$(sink_port "huge$1" "$1")" bob@interop.test "$T/huge" --tls none
  check "send-sink-huge-arrived-$1" arrived "huge$1" "$token" "$T/huge"
  rm -rf "$T/dump/huge$1"/*
  check "send-sink-huge-tls-$1" send_to "$1" "$(sink_port "huge$1" "$1")" bob@interop.test "$T/huge" --tls required --ca "$T/ca/ca.pem"
  check "send-sink-huge-tls-arrived-$1" arrived "huge$1" "$token" "$T/huge"
  check "sink-huge-memory-$1" test "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$sink/status")" -lt 65536
  stop "$sink"
  rm -rf "$T/huge" "$T/dump/huge$1"
}

# peak_under KB send_to …: it succeeds, and its process and children never held more memory than that.
peak_under() {
  local limit=$1 family=$3 port=$4 recipient=$5 file=$6
  shift 6
  "$PYTHON" "$ROOM/mail.py" peak "$limit" "$BIN/send" --from alice@interop.test --to "$recipient" --via "$(bracketed "$family"):$port" "$@" "$file"
}
