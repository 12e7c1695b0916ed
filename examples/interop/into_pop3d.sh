# into_pop3d.sh - curl, mpop, fetchmail, getmail6, s-nail, neomutt and Python's poplib read and delete mail from our server: in the
# clear, by STLS and inside TLS from the first octet on, where the client can. The maildrop has eight mails; a client fetches seven or
# all of them and deletes seven, and the one of 300 kB stays.

SEVEN="1 2 3 4 5 6 7"

into_pop3d() {
  local family
  pop3_prepare
  # No STLS is offered where passwords are taken in the clear, and none are taken where it is offered: what a client fetched tells how.
  start_pop3d clear --auth-without-tls || { fail pop3d-clear-starts "no port"; return; }
  start_pop3d secure --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --tls-port 127.0.0.1:0 '[::1]:0' || { fail pop3d-starts "no port"; return; }
  for family in $FAMILIES; do
    # s-nail takes no address literals, and fetchmail none in certificates.
    echo "$(address "$family") mail.interop.test" >"$T/pop3/hosts-$family"
    pop3_poplib "$family"
    pop3_curl "$family"
    pop3_mpop "$family"
    pop3_fetchmail "$family"
    pop3_getmail "$family"
    pop3_snail "$family"
    pop3_neomutt "$family"
  done
}

pop3() { "$PYTHON" "$ROOM/pop3.py" "$@"; }

# The originals are in $T/pop3/mails; what clients fetch goes to $GOT.
pop3_prepare() {
  mkdir -p "$T/pop3/drops/alice"
  [ -d "$T/pop3/mails" ] || pop3 make "$T/mails" "$T/pop3/mails"
  GOT=$T/pop3/got
  printf '#!/bin/sh\nprintf %%s '"'%s'"'\n' "$PASS" >"$T/pop3/password"
  chmod 755 "$T/pop3/password"
}

# start_pop3d NAME OPTIONS…: on both families; sets $LAST, port_NAME_4, port_NAME_6, and port_NAME_tls_4 and _6 with --tls-port.
start_pop3d() {
  local name=$1 family listening all=2
  shift
  case " $* " in *" --tls-port "*) all=4 ;; esac
  background "pop3d-$name" "$BIN/pop3d" --listen 127.0.0.1:0 '[::1]:0' --user "alice:$PASS" --maildir "$T/pop3/drops" "$@"
  until_true 10 pop3d_listens "$name" $all || { cat "$T/log/pop3d-$name.err"; return 1; }
  for family in $FAMILIES; do
    listening=$(sed -n "s/^listening $(address $family | sed 's/^::1$/\\[::1\\]/'):\([0-9]*\)\$/\1/p" "$T/log/pop3d-$name.out")
    declare -g "port_${name}_$family=$(head -n 1 <<<"$listening")" "port_${name}_tls_$family=$(tail -n 1 <<<"$listening")"
  done
}

pop3d_listens() { [ "$(grep -c '^listening ' "$T/log/pop3d-$1.out")" = "$2" ]; }

# pop3_port clear|stls|tls FAMILY
pop3_port() {
  local name
  case $1 in clear) name=port_clear_$2 ;; stls) name=port_secure_$2 ;; tls) name=port_secure_tls_$2 ;; esac
  echo "${!name}"
}

# empties HOW COMMAND…: of a full maildrop the command fetches all but the largest and deletes what it fetched. HOW they look is for
# pop3.py to know.
empties() { empties_of "$SEVEN" "$@"; }

# empties_of NUMBERS HOW COMMAND…: the same, for clients that fetch other ones.
empties_of() {
  local fetched=$1 how=$2
  shift 2
  rm -rf "$GOT" && mkdir -p "$GOT/cur" "$GOT/new" "$GOT/tmp"
  pop3 fill "$T/pop3/mails" "$T/pop3/drops/alice" || return 1
  "$@" || { echo "exit status $?"; return 1; }
  # shellcheck disable=SC2086
  pop3 got "$T/pop3/mails" "$GOT" "$how" $fetched && pop3 left "$T/pop3/mails" "$T/pop3/drops/alice" 8
}

# as_mail COMMAND…: not as root, whom some mail readers refuse. What they write is theirs.
as_mail() {
  chown -R mail:mail "$GOT" "$T/pop3/home"
  timeout 30 setpriv --reuid=mail --regid=mail --clear-groups env HOME="$T/pop3/home" "$@"
}

# with_hosts FAMILY COMMAND…: for this command alone mail.interop.test is our address of the family.
with_hosts() {
  local hosts=$T/pop3/hosts-$1
  shift
  unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$hosts" "$@"
}


# --- Python ---------------------------------------------------------------------------------------------------------------------

pop3_poplib() {
  local how
  for how in clear apop stls tls; do
    check "poplib-pop3d-$how-$1" empties_of "$SEVEN 8" as poplib_gets "$1" $how
  done
  # A session that ends without QUIT removes nothing (RFC 1939 s 6).
  check "poplib-pop3d-no-quit-$1" poplib_breaks_off "$1"
}

poplib_gets() {
  # shellcheck disable=SC2086
  "$PYTHON" "$ROOM/pop3.py" poplib "$(address "$1")" "$(pop3_port "${2/apop/clear}" "$1")" "$2" "$T/ca/ca.pem" alice "$PASS" "$GOT" $SEVEN
}

poplib_breaks_off() {
  pop3 fill "$T/pop3/mails" "$T/pop3/drops/alice"
  "$PYTHON" -c 'import poplib, sys
client = poplib.POP3(sys.argv[1], int(sys.argv[2]), timeout=20)
client.user("alice"); client.pass_(sys.argv[3]); client.dele(1); client.close()' "$(address "$1")" "$(pop3_port clear "$1")" "$PASS" || return 1
  # shellcheck disable=SC2086
  pop3 left "$T/pop3/mails" "$T/pop3/drops/alice" $SEVEN 8
}

# --- curl: one command a run ----------------------------------------------------------------------------------------------------

pop3_curl() {
  local how mechanism
  for how in clear stls tls; do
    check "curl-pop3d-$how-$1" empties as curl_gets "$1" $how
  done
  for mechanism in PLAIN LOGIN CRAM-MD5; do
    check "curl-pop3d-$mechanism-$1" curl_lists "$1" stls --login-options "AUTH=$mechanism"
    # curl: 67 is a login that was denied.
    status "curl-pop3d-$mechanism-wrong-$1" 67 -- curl_pop3 "$1" stls "" --login-options "AUTH=$mechanism" --user alice:wrong
  done
  check "curl-pop3d-+APOP-$1" curl_lists "$1" clear --login-options "AUTH=+APOP"
  # Where TLS is to be had, nothing is taken in the clear (RFC 8314 s 3.1).
  status "curl-pop3d-in-clear-$1" 67 -- curl -sS --max-time 20 --url "pop3://$(bracketed "$1"):$(pop3_port stls "$1")/" --user "alice:$PASS" --login-options AUTH=PLAIN
}

# curl_pop3 FAMILY HOW PATH OPTIONS…
curl_pop3() {
  local family=$1 how=$2 path=$3 url
  shift 3
  url="$(bracketed "$family"):$(pop3_port "$how" "$family")/$path"
  case $how in
    clear) set -- --url "pop3://$url" "$@" ;;
    stls) set -- --url "pop3://$url" --ssl-reqd --cacert "$T/ca/ca.pem" "$@" ;;
    tls) set -- --url "pop3s://$url" --cacert "$T/ca/ca.pem" "$@" ;;
  esac
  curl -sS --max-time 20 --user "alice:$PASS" "$@"
}

curl_gets() {
  local number
  for number in $SEVEN; do curl_pop3 "$1" "$2" "$number" --output "$GOT/new/$number" || return 1; done
  # Backwards, since each run is a session and numbers begin anew in it.
  for number in 7 6 5 4 3 2 1; do curl_pop3 "$1" "$2" "$number" --head --request DELE || return 1; done
}

curl_lists() {
  local family=$1 how=$2
  shift 2
  [ "$(curl_pop3 "$family" "$how" "" "$@" | wc -l)" = "$(ls "$T"/pop3/drops/alice/new "$T"/pop3/drops/alice/cur | grep -c '^[0-9]')" ]
}


# --- mpop: all mechanisms; what is too large for it stays -------------------------------------------------------------------------

pop3_mpop() {
  local how mechanism
  for how in clear stls tls; do
    check "mpop-pop3d-$how-$1" empties lf mpop_gets "$1" $how --auth=user
  done
  for mechanism in plain login cram-md5 scram-sha-1 scram-sha-256; do
    check "mpop-pop3d-$mechanism-$1" mpop_gets "$1" stls --auth=$mechanism --status-only
  done
  check "mpop-pop3d-apop-$1" mpop_gets "$1" clear --auth=apop --status-only
}

mpop_gets() {
  local family=$1 how=$2
  shift 2
  case $how in
    clear) set -- --tls=off "$@" ;;
    stls) set -- --tls=on --tls-starttls=on --tls-trust-file="$T/ca/ca.pem" "$@" ;;
    tls) set -- --tls=on --tls-starttls=off --tls-trust-file="$T/ca/ca.pem" "$@" ;;
  esac
  mpop --host="$(address "$family")" --port="$(pop3_port "$how" "$family")" --user=alice --passwordeval="$T/pop3/password" --timeout=20 --quiet \
    --received-header=off --keep=off --skipsize=100000 --delivery="maildir,$GOT" --uidls-file="$GOT/.uidls" "$@"
}

# --- fetchmail ------------------------------------------------------------------------------------------------------------------

pop3_fetchmail() {
  local how
  for how in clear stls tls; do
    check "fetchmail-pop3d-$how-$1" empties lf fetchmail_gets "$1" $how
  done
}

fetchmail_gets() {
  local tls trust="sslcertck sslcommonname mail.interop.test sslcertfile $T/ca/ca.pem"
  case $2 in clear) tls="sslproto ''" ;; stls) tls="sslproto TLS1.2+ $trust" ;; tls) tls="ssl $trust" ;; esac
  rm -rf "$T/pop3/home" && mkdir -p "$T/pop3/home"
  printf '#!/bin/sh\nexec cat >"$(mktemp %s/new/XXXXXXXX)"\n' "$GOT" >"$T/pop3/home/deliver"
  chmod 755 "$T/pop3/home/deliver"
  cat >"$T/pop3/home/fetchmailrc" <<R
set no bouncemail
poll pop3d via "$(address "$1")" service $(pop3_port "$2" "$1") proto pop3 uidl no dns timeout 20
  user alice there with password '$PASS' nokeep no rewrite limit 100000 mda $T/pop3/home/deliver $tls
R
  chmod 600 "$T/pop3/home/fetchmailrc"
  as_mail env FETCHMAILHOME="$T/pop3/home" fetchmail -f "$T/pop3/home/fetchmailrc" --nosyslog --silent
}

# --- getmail6: it has no STLS ---------------------------------------------------------------------------------------------------

pop3_getmail() {
  local how
  for how in clear tls; do
    check "getmail6-pop3d-$how-$1" empties lf getmail_gets "$1" $how
  done
}

getmail_gets() {
  local retriever="type = SimplePOP3Retriever"
  [ "$2" = tls ] && retriever="type = SimplePOP3SSLRetriever
ca_certs = $T/ca/ca.pem"
  rm -rf "$T/pop3/home" && mkdir -p "$T/pop3/home"
  cat >"$T/pop3/home/getmailrc" <<R
[retriever]
$retriever
server = $(address "$1")
port = $(pop3_port "$2" "$1")
username = alice
password_command = ("$T/pop3/password",)
timeout = 20
[destination]
type = Maildir
path = $GOT/
[options]
delete = true
received = false
delivered_to = false
max_message_size = 100000
verbose = 0
R
  as_mail getmail --getmaildir="$T/pop3/home" --rcfile=getmailrc
}

# --- s-nail ---------------------------------------------------------------------------------------------------------------------

pop3_snail() {
  local how
  for how in clear stls tls; do
    check "s-nail-pop3d-$how-$1" empties mbox snail_gets "$1" $how
  done
}

snail_gets() {
  local scheme=pop3 stls=nopop3-use-starttls
  case $2 in stls) stls=pop3-use-starttls ;; tls) scheme=pop3s ;; esac
  rmdir "$GOT"/*
  printf 'copy 1-7 %s/mbox\ndelete 1-7\nquit\n' "$GOT" |
    with_hosts "$1" timeout 30 env HOME="$T/pop3" s-nail -:/ -# -S v15-compat=yes -S tls-verify=strict -S tls-ca-file="$T/ca/ca.pem" -S tls-ca-no-defaults \
      -S pop3-auth=plain -S $stls -f "$scheme://alice:$(percent "$PASS")@mail.interop.test:$(pop3_port "$2" "$1")"
}

percent() { "$PYTHON" -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1], safe=""))' "$1"; }

# --- neomutt, on a terminal -----------------------------------------------------------------------------------------------------

pop3_neomutt() {
  local how
  for how in clear stls tls; do
    check "neomutt-pop3d-$how-$1" empties mutt neomutt_gets "$1" $how
  done
}

neomutt_gets() {
  local scheme=pop starttls=no
  case $2 in stls) starttls=yes ;; tls) scheme=pops ;; esac
  rm -rf "$T/pop3/home" && mkdir -p "$T/pop3/home"
  cat >"$T/pop3/home/muttrc" <<R
set my_password='$PASS'
set pop_pass=\$my_password pop_authenticators=user pop_checkinterval=600 pop_delete=yes pop_reconnect=no
set certificate_file="" ssl_ca_certificates_file=$T/ca/ca.pem ssl_starttls=$starttls ssl_force_tls=$starttls
set folder=$T/pop3/home spoolfile=$GOT mbox_type=Maildir tmpdir=$T/pop3/home message_cachedir="" header_cache=""
set confirmappend=no delete=yes move=no mark_old=no copy=no wait_key=no sleep_time=0
macro index X "<tag-pattern>~m 1-7<enter><tag-prefix><copy-message>$GOT<enter><tag-prefix><delete-message><sync-mailbox><quit>"
push X
R
  env HOME="$T/pop3/home" "$PYTHON" "$ROOM/pop3.py" terminal "$T/log/neomutt-$2-$1" 20 neomutt -n -F "$T/pop3/home/muttrc" \
    -f "$scheme://alice@$(bracketed "$1"):$(pop3_port "$2" "$1")/"
}
