# from_fetch.sh - fetch-pop3 from Dovecot: in the clear, by STLS and inside TLS from the first octet on; what it leaves on the server and
# what not, interrupted at any moment, on a terminal, and how it ends when something is wrong. The maildrop is dave's.

EIGHT="1 2 3 4 5 6 7 8"

from_fetch() {
  local family how
  pop3_prepare
  printf '%s\n' "$PASS" >"$T/pop3/password.txt"
  for family in $FAMILIES; do
    for how in clear stls tls; do
      check "fetch-dovecot-leave-$how-$family" fetch_leaves "$family" $how
      check "fetch-dovecot-delete-$how-$family" fetch_deletes "$family" $how
    done
    check "fetch-dovecot-keep-days-$family" fetch_keeps_days "$family"
    check "fetch-dovecot-refused-in-clear-$family" fetch_not_in_clear "$family"
    check "fetch-dovecot-killed-leave-$family" fetch_killed "$family" KILL
    check "fetch-dovecot-killed-delete-$family" fetch_killed "$family" KILL --delete
    check "fetch-dovecot-interrupted-$family" fetch_killed "$family" INT --delete
    check "fetch-dovecot-two-at-once-$family" fetch_two_at_once "$family"
    check "fetch-dovecot-terminal-$family" fetch_on_terminal "$family"
    fetch_statuses "$family"
    fetch_full_disk "$family"
    fetch_huge "$family"
  done
}

# fetch FAMILY clear|stls|tls OPTIONS…: dave's mail into $GOT.
fetch() {
  local family=$1 how=$2
  shift 2
  case " $* " in *" --password-file "*) ;; *) set -- --password-file "$T/pop3/password.txt" "$@" ;; esac
  case " $* " in *" --maildir "*) ;; *) set -- --maildir "$GOT" "$@" ;; esac
  case " $* " in *" --ca "*) ;; *) set -- --ca "$T/ca/ca.pem" "$@" ;; esac
  [ "$how" = clear ] && set -- --without-tls "$@"
  timeout 60 "$BIN/fetch-pop3" "$(fetch_url "$family" "$how")" "$@"
}

# fetch_url FAMILY HOW [PORT]
fetch_url() {
  case $2 in
    clear) echo "pop3://dave@$(bracketed "$1"):${3:-$pop3clear}" ;;
    stls) echo "pop3://dave@$(bracketed "$1"):${3:-$pop3}" ;;
    tls) echo "pop3s://dave@$(bracketed "$1"):${3:-$pop3s}" ;;
  esac
}

# Nothing is fetched yet, and all eight are at the server.
fetch_afresh() {
  rm -rf "$GOT"
  pop3 fill "$T/pop3/mails" "$T/mail/dave"
}

# fetched_and_left [NUMBERS]: each is fetched once, octet for octet, and these are at the server.
# shellcheck disable=SC2086
fetched_and_left() { pop3 got "$T/pop3/mails" "$GOT" as $EIGHT && pop3 left "$T/pop3/mails" "$T/mail/dave" ${1:-}; }

fetch_leaves() {
  fetch_afresh
  # Twice: what is left is not fetched again.
  fetch "$@" && fetch "$@" && fetched_and_left "$EIGHT"
}

fetch_deletes() {
  fetch_afresh
  fetch "$@" --delete && fetched_and_left && fetch "$@" --delete && fetched_and_left
}

fetch_keeps_days() {
  local state
  fetch_afresh
  fetch "$1" stls --keep-days 2 && fetched_and_left "$EIGHT" || return 1
  # Three of them were fetched three days ago, as far as the state goes, and five yesterday.
  state=$(echo "$GOT"/.fetch-pop3.*[0-9a-f])
  awk '{ print $1, $2 - (NR <= 3 ? 3 : 1) * 86400 }' "$state" >"$state.aged" && mv "$state.aged" "$state"
  fetch "$1" stls --keep-days 2 && [ "$(find "$T/mail/dave/cur" "$T/mail/dave/new" -type f | wc -l)" = 5 ] || return 1
  # Who asks for it has the others deleted too, though nothing is new.
  fetch "$1" stls --delete && fetched_and_left
}

# Where a server has no TLS, and where its certificate is a stranger's, nothing is said of the password.
fetch_not_in_clear() {
  fetch_afresh
  allow 69 timeout 20 "$BIN/fetch-pop3" "$(fetch_url "$1" clear)" --password-file "$T/pop3/password.txt" --maildir "$GOT" || return 1
  allow 69 fetch "$1" stls --ca "$T/ca/stranger.pem" && allow 69 fetch "$1" tls --ca "$T/ca/stranger.pem" || return 1
  pop3 got "$T/pop3/mails" "$GOT" as
}

# fetch_killed FAMILY SIGNAL OPTIONS…: through a slow line, and killed a little later each time, until it ends by itself.
fetch_killed() {
  local family=$1 signal=$2 killed=0 tries=0 process line status
  shift 2
  fetch_afresh
  start_line "$family" 600000
  line=$LAST
  while [ $tries -lt 40 ]; do
    tries=$((tries + 1))
    "$BIN/fetch-pop3" "$(fetch_url "$family" stls "$line_port")" --password-file "$T/pop3/password.txt" \
      --ca "$T/ca/ca.pem" --maildir "$GOT" "$@" >"$T/log/killed.out" 2>"$T/log/killed.err" &
    process=$!
    sleep "$(awk "BEGIN { print 0.03 + $tries * 0.06 }")"
    kill -$signal $process 2>/dev/null
    wait $process
    status=$?
    [ $status = 0 ] && break
    killed=$((killed + 1))
    # EX_TEMPFAIL for Ctrl-C: there is more to be fetched, and nothing is wrong.
    [ $signal = INT ] && [ $status != 75 ] && { echo "exit status $status: $(cat "$T/log/killed.err")"; return 1; }
  done
  stop $line
  [ $status = 0 ] || { echo "exit status $status after $tries runs: $(cat "$T/log/killed.err")"; return 1; }
  [ $killed -ge 3 ] || { echo "only $killed times killed"; return 1; }
  case " $* " in *" --delete "*) fetched_and_left ;; *) fetched_and_left "$EIGHT" ;; esac
}

# start_line FAMILY OCTETS: a slow line to Dovecot; sets $LAST and $line_port.
start_line() {
  rm -f "$T/log/line.out"
  background line "$PYTHON" "$ROOM/pop3.py" slow "$(address "$1")" "$pop3" "$2"
  until_true 10 test -s "$T/log/line.out"
  line_port=$(cat "$T/log/line.out")
}

# The second one goes away, and the first one is not disturbed.
fetch_two_at_once() {
  local line first second
  fetch_afresh
  start_line "$1" 300000
  line=$LAST
  fetch_through() { timeout 30 "$BIN/fetch-pop3" "$(fetch_url "$1" stls "$line_port")" --password-file "$T/pop3/password.txt" --ca "$T/ca/ca.pem" --maildir "$GOT"; }
  fetch_through "$1" &
  first=$!
  until_true 10 test -d "$GOT/tmp"
  sleep 0.3
  fetch_through "$1"
  second=$?
  wait $first || return 1
  stop $line
  [ $second = 75 ] || { echo "the second ends with $second"; return 1; }
  fetched_and_left "$EIGHT"
}

# A bar, that ends full, on a terminal alone.
fetch_on_terminal() {
  local said
  fetch_afresh
  pop3 terminal "$T/log/terminal-$1" 20 "$BIN/fetch-pop3" "$(fetch_url "$1" stls)" --password-file "$T/pop3/password.txt" --ca "$T/ca/ca.pem" --maildir "$GOT" || return 1
  said=$(tr '\r' '\n' <"$T/log/terminal-$1")
  grep -qE '\[ {20}\] 0/8 messages, 0 KiB$' <<<"$said" || { echo "no empty bar: $said"; return 1; }
  grep -qE '\[#{20}\] 8/8 messages, 3[0-9]{2} KiB$' <<<"$said" || { echo "no full bar: $said"; return 1; }
  grep -q ': 8 fetched, 0 deleted, 8 left$' <<<"$said" || { echo "no result: $said"; return 1; }
  fetched_and_left "$EIGHT" || return 1
  fetch_afresh
  said=$(fetch "$1" stls 2>&1) || return 1
  ! grep -q '#' <<<"$said"
}

# One line that says what to do, and a code of sysexits(3).
fetch_statuses() {
  local said
  fetch_afresh
  # fetch_status NAME CODE WORDS COMMAND…
  fetch_status() {
    local name=$1 code=$2 words=$3
    shift 3
    said=$("$@" 2>&1 >/dev/null)
    set -- $? "$name"
    if [ "$1" = "$code" ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -q "^fetch-pop3: .*$words" <<<"$said"; then ok "$2"; else fail "$2" "exit $1, not $code: $said"; fi
  }
  echo wrong >"$T/pop3/wrong.txt"
  : >"$T/pop3/empty.txt"
  fetch_status "fetch-wrong-password-$1" 77 'check the user and the password' fetch "$1" stls --password-file "$T/pop3/wrong.txt"
  fetch_status "fetch-no-password-$1" 64 'no password: give --password-file' fetch "$1" stls --password-file "$T/pop3/empty.txt"
  fetch_status "fetch-no-password-file-$1" 66 'No such file' fetch "$1" stls --password-file "$T/pop3/nothing.txt"
  fetch_status "fetch-nobody-there-$1" 69 'refused' "$BIN/fetch-pop3" "$(fetch_url "$1" stls "$refused")" --password-file "$T/pop3/password.txt" --maildir "$GOT"
  fetch_status "fetch-no-host-$1" 68 'no-such-host.invalid' "$BIN/fetch-pop3" pop3s://dave@no-such-host.invalid --password-file "$T/pop3/password.txt" --maildir "$GOT"
  fetch_status "fetch-bad-url-$1" 64 'give pop3s://USER@HOST' "$BIN/fetch-pop3" imap://dave@localhost --password-file "$T/pop3/password.txt" --maildir "$GOT"
  fetch_status "fetch-no-tls-there-$1" 69 'without-tls goes on without' "$BIN/fetch-pop3" "$(fetch_url "$1" clear)" --password-file "$T/pop3/password.txt" --maildir "$GOT"
  fetch_status "fetch-unknown-authority-$1" 69 'ca FILE trusts another authority' "$BIN/fetch-pop3" "$(fetch_url "$1" tls)" --password-file "$T/pop3/password.txt" --maildir "$GOT"
  : >"$T/pop3/a-file"
  fetch_status "fetch-maildir-is-a-file-$1" 73 "opening the Maildir $T/pop3/a-file" fetch "$1" stls --maildir "$T/pop3/a-file"
  echo garbage >"$T/pop3/state"
  fetch_status "fetch-bad-state-$1" 73 "$T/pop3/state: line 1" fetch "$1" stls --state "$T/pop3/state"
  rm -rf "$T/pop3/locked" && mkdir -m 755 "$T/pop3/locked"
  fetch_status "fetch-maildir-not-ours-$1" 73 'Permission denied' setpriv --reuid=mail --regid=mail --clear-groups \
    env POP3_PASSWORD=x "$BIN/fetch-pop3" "$(fetch_url "$1" stls)" --maildir "$T/pop3/locked/Maildir"
  status "fetch-usage-$1" 64 -- "$BIN/fetch-pop3" --no-such-flag
  rm -rf "$T"/mail/dave/new/* "$T"/mail/dave/cur/*
  check "fetch-empty-maildrop-$1" fetch "$1" stls --delete
}

# A disk that is full: what fitted is kept, nothing half, and the rest is fetched when there is room.
fetch_full_disk() {
  local kept
  fetch_afresh
  mkdir -p "$T/pop3/full"
  mount -t tmpfs -o size=200k mail46 "$T/pop3/full" || { fail "fetch-full-disk-$1" "cannot mount a small tmpfs"; return; }
  kept=$GOT
  GOT=$T/pop3/full/Maildir
  status "fetch-full-disk-$1" 73 -- fetch "$1" stls --delete
  status "fetch-full-nothing-half-$1" 0 -- test "$(find "$GOT/tmp" -type f | wc -l)" = 0
  # shellcheck disable=SC2086
  check "fetch-full-nothing-deleted-$1" pop3 left "$T/pop3/mails" "$T/mail/dave" $EIGHT
  mount -o remount,size=2m "$T/pop3/full"
  check "fetch-full-then-room-$1" fetch "$1" stls --delete
  check "fetch-full-then-all-$1" fetched_and_left
  umount "$T/pop3/full"
  GOT=$kept
}

# 100 MB from Dovecot, and from our own server inside TLS: neither side holds it in memory.
fetch_huge() {
  local file=$T/pop3/huge drop=$T/pop3/huge-drop password="$T/pop3/password.txt" server
  rm -rf "$GOT" "$T"/mail/dave/new/* "$T"/mail/dave/cur/* "$drop"
  for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$T/mails/large"; done >"$file"
  cp "$file" "$T/mail/dave/new/huge" && chown mail:mail "$T/mail/dave/new/huge"
  check "fetch-huge-$1" "$PYTHON" "$ROOM/mail.py" peak 65536 "$BIN/fetch-pop3" "$(fetch_url "$1" tls)" --password-file "$password" --ca "$T/ca/ca.pem" --maildir "$GOT"
  check "fetch-huge-arrived-$1" cmp "$file" "$GOT"/new/*
  mkdir -p "$drop/dave/cur" "$drop/dave/new" "$drop/dave/tmp"
  mv "$file" "$drop/dave/new/huge"
  background "pop3d-huge-$1" "$BIN/pop3d" --tls-port "$(bracketed "$1"):0" --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --user "dave:$PASS" --maildir "$drop"
  server=$LAST
  until_true 10 pop3d_listens "huge-$1" 1
  check "fetch-huge-pop3d-$1" "$PYTHON" "$ROOM/mail.py" peak 65536 "$BIN/fetch-pop3" "$(fetch_url "$1" tls "$(sed 's/.*://' "$T/log/pop3d-huge-$1.out")")" \
    --password-file "$password" --ca "$T/ca/ca.pem" --maildir "$GOT"
  check "fetch-huge-pop3d-memory-$1" test "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status")" -lt 65536
  stop "$server"
  check "fetch-huge-pop3d-arrived-$1" huge_twice "$drop/dave/new/huge"
  rm -rf "$GOT" "$drop" "$T"/mail/dave/cur/*
}

# Both fetched files are that one: one was there already.
huge_twice() {
  local file
  [ "$(find "$GOT/new" -type f | wc -l)" = 2 ] || return 1
  for file in "$GOT"/new/*; do cmp "$1" "$file" || return 1; done
}
