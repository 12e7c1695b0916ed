# pop3_rates.sh - our pop3d beside Dovecot's POP3 over the same Maildirs, driven by the same client (bench/src/bin/pop3-load.rs) in turn.
# Quote the ratios. Dovecot runs with its log-in processes kept (service_count = 0) and forks no process for each session, writes no
# flags, and looks plain passwords up in a passwd-file; both take USER and PASS in the clear.

pop3_rates() {
  local family row ratio
  pop3_rates_start || { fail pop3-rates-start "a server does not start"; return; }
  echo "| family | what | Dovecot | pop3d | ratio |"
  echo "|---|---|---|---|---|"
  for family in $FAMILIES; do
    pop3_rates_row "$family" "RETR of 10 MB, stored with LF, MB/s" retr 9 big "$PASS"
    pop3_rates_row "$family" "RETR of 10 MB, stored with CRLF, MB/s" retr 9 bigcrlf "$PASS"
    pop3_rates_row "$family" "sessions/s, 10 clients" sessions 5 1000 10 "$PASS"
    pop3_rates_row "$family" "sessions/s, 1 client" sessions 5 200 1 "$PASS"
  done
}

# pop3_rates_row FAMILY TITLE ARGUMENTS…: a row of the table; fails below Dovecot's rate. One client alone measures how soon a process
# wakes, on which the machine has more say than the server: that row has no bound.
pop3_rates_row() {
  local family=$1 title=$2 at name said
  shift 2
  at=$(bracketed "$family")
  name=port_rated_$family
  said=$("$LOAD" "$@" "dovecot=$at:$pop3_rated" "pop3d=$at:${!name}" 2>"$T/log/pop3-load.err") ||
    { fail "pop3-rate-$family-$1-$3" "$(tail -n 1 "$T/log/pop3-load.err")"; return; }
  awk -v family="$family" -v title="$title" '{ rate[$1] = $2; ratio = $3 }
    END { printf "| IPv%s | %s | %s | %s | %s |\n", family, title, rate["dovecot"], rate["pop3d"], ratio }' <<<"$said"
  [ "$1 $4" = "sessions 1" ] && return
  status "pop3-rate-$family-$1-$3" 0 -- awk '$1 == "pop3d" { exit !($3 >= 1) }' <<<"$said"
}

pop3_rates_start() {
  local user users=() drops=$T/pop3-rates/drops
  LOAD=${LOAD:-}
  if [ -z "$LOAD" ]; then
    (cd "$ROOM/../.." && cargo build --quiet --release --locked --manifest-path bench/Cargo.toml --bin pop3-load </dev/null) || return 1
    LOAD=$(cd "$ROOM/../.." && cargo metadata --format-version 1 --no-deps --locked --manifest-path bench/Cargo.toml |
      sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/pop3-load
  fi
  "$PYTHON" - "$drops" <<'P'
import os, sys
line = "A line of prose as mail has them, some seventy octets long with its end.\n"
dots = ".and one with a dot in front\n"
def drop(user, mails):
    for folder in "cur", "new", "tmp":
        os.makedirs(f"{sys.argv[1]}/{user}/{folder}", exist_ok=True)
    for index, text in enumerate(mails):
        with open(f"{sys.argv[1]}/{user}/cur/{1700000000 + index}.M{index}P1.rates:2,S", "w", newline="") as file:
            file.write(text)
def mail(octets):
    text = "From: a@interop.test\nTo: b@interop.test\nSubject: rates\n\n"
    while len(text) < octets:
        text += line * 99 + dots if octets > 100000 else line
    return text
for user in range(10):
    drop(f"u{user}", [mail(4096)] * 10)
big = mail(10_000_000)
drop("big", [big])
drop("bigcrlf", [big.replace("\n", "\r\n")])
P
  for user in u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 big bigcrlf; do users+=("$user"); done
  chown -R mail:mail "$T/pop3-rates"
  eval "$(ports pop3_rated)"
  pop3_rates_dovecot "${users[@]}" || return 1
  background pop3d-rated "$BIN/pop3d" --listen 127.0.0.1:0 '[::1]:0' --maildir "$drops" --auth-without-tls \
    --user "${users[@]/%/:$PASS}"
  until_true 10 pop3_rates_listens || return 1
  for user in $FAMILIES; do
    declare -g "port_rated_$user=$(sed -n "s/^listening .*$(address "$user").*:\([0-9]*\)\$/\1/p" "$T/log/pop3d-rated.out")"
  done
}

pop3_rates_listens() { [ "$(grep -c '^listening ' "$T/log/pop3d-rated.out")" = 2 ]; }

# An instance of its own, in the foreground.
pop3_rates_dovecot() {
  local dir=$T/pop3-rates/dovecot user
  mkdir -p "$dir/run" "$dir/state"
  for user in "$@"; do echo "$user:{PLAIN}$PASS:$(id -u mail):$(id -g mail)::$T/pop3-rates/drops/$user"; done >"$dir/users"
  chmod 644 "$dir/users"
  cat >"$dir/dovecot.conf" <<D
base_dir = $dir/run
state_dir = $dir/state
log_path = $T/log/dovecot-rates.log
listen = 127.0.0.1, ::1
protocols = pop3
mail_location = maildir:%h
first_valid_uid = 1
first_valid_gid = 1
mail_uid = mail
mail_gid = mail
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
pop3_no_flag_updates = yes
mail_max_userip_connections = 0
login_log_format_elements =
passdb {
  driver = passwd-file
  args = scheme=PLAIN $dir/users
}
userdb {
  driver = passwd-file
  args = $dir/users
}
service pop3-login {
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {
    port = $pop3_rated
  }
  inet_listener pop3s {
    port = 0
  }
}
service pop3 {
  service_count = 0
  process_min_avail = 2
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
D
  background dovecot-rates dovecot -F -c "$dir/dovecot.conf"
  until_true 10 connects ::1 "$pop3_rated" && connects 127.0.0.1 "$pop3_rated"
}
