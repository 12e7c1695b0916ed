# from_imap.sh - fetch-imap, idle and imap-sync against Dovecot: by STARTTLS and inside TLS from the first octet on, compressed too; what
# changes on either side reaches the other, whatever is killed in between. The mailbox is erin's.

from_imap() {
  local family how
  start_imap || { fail imap-dovecot "does not start: $(cat "$T/log/imap.err" "$T/log/imap.log")"; return; }
  for family in $FAMILIES; do
    for how in starttls tls; do
      check "imap-fetch-$how-$family" imap_fetches "$family" $how
      check "imap-fetch-compressed-$how-$family" imap_fetches "$family" $how --compress
    done
    check "imap-refused-$family" imap_refused "$family"
    check "imap-idle-$family" imap_idles "$family"
    check "imap-sync-$family" imap_syncs "$family"
    check "imap-sync-killed-$family" imap_sync_killed "$family"
  done
  doveadm -c "$T/imap/dovecot.conf" stop 2>/dev/null
}

start_imap() {
  mkdir -p "$T/imap/run" "$T/imap/state" "$T/imap/erin"
  echo "erin:{PLAIN}$PASS:$(id -u mail):$(id -g mail)::$T/imap/erin" >"$T/imap/users"
  echo "$PASS" >"$T/imap/password.txt"
  chown -R mail:mail "$T/imap/erin"
  chmod 644 "$T/imap/users"
  cat >"$T/imap/dovecot.conf" <<D
base_dir = $T/imap/run
state_dir = $T/imap/state
log_path = $T/log/imap.log
listen = 127.0.0.1, ::1
protocols = imap
mail_location = maildir:%h
first_valid_uid = 1
first_valid_gid = 1
mail_uid = mail
mail_gid = mail
ssl = yes
ssl_cert = <$T/ca/server.pem
ssl_key = <$T/ca/server.key
auth_mechanisms = plain scram-sha-256
mail_plugins = zlib
protocol imap {
  mail_plugins = zlib imap_zlib
}
passdb {
  driver = passwd-file
  args = $T/imap/users
}
userdb {
  driver = passwd-file
  args = $T/imap/users
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
D
  dovecot -c "$T/imap/dovecot.conf" 2>"$T/log/imap.err" && until_true 10 connects ::1 "$imaps" && until_true 10 connects 127.0.0.1 "$imap"
}

# imap_program PROGRAM FAMILY starttls|tls ARGUMENTS…
imap_program() {
  local program=$1 family=$2 url
  case $3 in
    starttls) url="imap://erin@$(bracketed "$family"):$imap" ;;
    tls) url="imaps://erin@$(bracketed "$family"):$imaps" ;;
  esac
  shift 3
  timeout 60 "$BIN/$program" "$url" --password-file "$T/imap/password.txt" --ca "$T/ca/ca.pem" "$@"
}

imap_doveadm() { doveadm -c "$T/imap/dovecot.conf" "$1" -u erin "${@:2}"; }

imap_flags_add() { doveadm -c "$T/imap/dovecot.conf" flags add -u erin "$@"; }

# Mails with lines that look like the protocol, short and long.
imap_fill() {
  local number
  imap_doveadm expunge mailbox INBOX all 2>/dev/null
  for number in 1 2 3 4 5 6; do
    { printf 'Subject: there %s\r\n\r\n* 1 EXISTS\r\nA5 OK no {5}\r\n' "$number"; head -c $((number * 40000)) /dev/zero | tr '\0' x | fold -w 70 | sed 's/$/\r/'; printf '\r\n'; } |
      imap_doveadm save
  done
}

# The subjects on either side, sorted.
imap_there() { imap_doveadm fetch hdr.subject mailbox INBOX all | sed -n 's/^hdr.subject: //p' | sort; }
imap_here() { find "$1/cur" "$1/new" -type f -exec sh -c 'for file; do sed -n "s/^Subject: //p" "$file" | head -1; done' sh {} + | tr -d '\r' | sort; }

# Dovecot keeps line ends as LF.
imap_sums() { find "$1/cur" "$1/new" -type f -exec sh -c 'for file; do tr -d "\r" <"$file" | sha256sum; done' sh {} + | sort; }

imap_fetches() {
  local got=$T/imap/got
  rm -rf "$got"
  imap_fill
  imap_program fetch-imap "$@" --maildir "$got" 2>/dev/null || return 1
  imap_sums "$got" >"$T/imap/here"
  imap_sums "$T/imap/erin" >"$T/imap/there"
  cmp "$T/imap/here" "$T/imap/there" || return 1
  [ "$(imap_program fetch-imap "$@" --search 'SUBJECT "there 3"' --fetch '(UID ENVELOPE)' 2>/dev/null | grep -c 'there 3')" = 1 ]
}

# A stranger's certificate, and a wrong password.
imap_refused() {
  echo wrong >"$T/imap/wrong.txt"
  allow 69 imap_program fetch-imap "$1" tls --ca "$T/ca/stranger.pem" 2>/dev/null
  timeout 60 "$BIN/fetch-imap" "imaps://erin@$(bracketed "$1"):$imaps" --password-file "$T/imap/wrong.txt" --ca "$T/ca/ca.pem" 2>/dev/null
  [ $? = 77 ]
}

# What changes is told, and told on when the session is killed.
imap_idles() {
  local said=$T/imap/idle.out process
  imap_fill
  imap_program idle "$1" tls --changes 2 >"$said" 2>&1 &
  process=$!
  until_true 10 grep -q '6 messages' "$said" || return 1
  sleep 1
  printf 'Subject: new\r\n\r\nhi\r\n' | imap_doveadm save
  until_true 10 grep -q '1 new: 7 messages' "$said" || { cat "$said"; return 1; }
  doveadm -c "$T/imap/dovecot.conf" kick erin >/dev/null
  until_true 20 grep -q 'INBOX: 7 messages' "$said" || { cat "$said"; return 1; }
  sleep 1
  imap_flags_add '\Flagged' mailbox INBOX all
  wait $process || { cat "$said"; return 1; }
  grep -q 'flags are now' "$said"
}

imap_syncs() {
  local here=$T/imap/sync-$1 file
  rm -rf "$here"
  imap_fill
  imap_program imap-sync "$1" starttls "$here" >/dev/null || return 1
  # One is read and one removed here, one is new; one is removed and one answered there.
  file=$(grep -l 'Subject: there 1' "$here"/cur/*) && mv "$file" "${file}S"
  rm "$(grep -l 'Subject: there 2' "$here"/cur/*)"
  printf 'Subject: here\n\nhello\n' >"$here/new/1.here"
  imap_doveadm expunge mailbox INBOX HEADER SUBJECT 'there 3'
  imap_flags_add '\Answered' mailbox INBOX HEADER SUBJECT 'there 4'
  imap_program imap-sync "$1" tls "$here" >/dev/null || return 1
  [ "$(imap_here "$here")" = "$(printf '%s\n' here 'there 1' 'there 4' 'there 5' 'there 6')" ] || { imap_here "$here"; return 1; }
  [ "$(imap_here "$here")" = "$(imap_there)" ] || { imap_there; return 1; }
  imap_doveadm fetch flags mailbox INBOX HEADER SUBJECT 'there 1' | grep -q Seen || return 1
  grep -l 'Subject: there 4' "$here"/cur/*:2,*R* >/dev/null || return 1
  imap_program imap-sync "$1" tls "$here" | grep -q '0 fetched, 0 sent, 0 removed, 0 flags changed'
}

# Killed a little later each time, until it ends by itself: nothing is lost and nothing is there twice.
imap_sync_killed() {
  local here=$T/imap/killed-$1 number tries=0 process status=1
  rm -rf "$here"
  mkdir -p "$here/cur" "$here/new" "$here/tmp"
  imap_fill
  for number in 1 2 3 4 5 6; do
    { printf 'Subject: here %s\n\n' "$number"; head -c $((number * 40000)) /dev/zero | tr '\0' y | fold -w 70; echo; } >"$here/new/$number.here"
  done
  while [ $status != 0 ] && [ $tries -lt 60 ]; do
    tries=$((tries + 1))
    "$BIN/imap-sync" "imaps://erin@$(bracketed "$1"):$imaps" "$here" --password-file "$T/imap/password.txt" --ca "$T/ca/ca.pem" >/dev/null 2>&1 &
    process=$!
    sleep "$(awk "BEGIN { print 0.01 + $tries * 0.01 }")"
    kill -KILL $process 2>/dev/null
    wait $process 2>/dev/null
    status=$?
  done
  [ $status = 0 ] && [ $tries -gt 2 ] || { echo "status $status after $tries runs"; return 1; }
  [ "$(imap_there | uniq | wc -l)" = 12 ] && [ "$(imap_there)" = "$(imap_here "$here")" ] || { imap_there; echo; imap_here "$here"; return 1; }
}
