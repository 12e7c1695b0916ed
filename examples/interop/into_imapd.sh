# into_imapd.sh - curl, Python's imaplib, mbsync, fetchmail, getmail6, neomutt, s-nail and offlineimap against our IMAP server: in the
# clear, by STARTTLS and inside TLS from the first octet on, where the client can. Each finds the mails that imap.py put there, with
# bodies that hold `{5}`, `* 1 EXISTS` and `a1 OK` lines, empty ones and 8-bit ones.

into_imapd() {
  local family how
  start_imapd clear || { fail imapd-clear-starts "no port"; return; }
  start_imapd secure --auth-only-in-tls --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --tls-port 127.0.0.1:0 '[::1]:0' ||
    { fail imapd-starts "no port"; return; }
  mkdir -p "$T/imap"
  printf '#!/bin/sh\nprintf %%s '"'%s'"'\n' "$PASS" >"$T/imap/password"
  chmod 755 "$T/imap" "$T/imap/password"
  for family in $FAMILIES; do
    echo "$(address "$family") mail.interop.test" >"$T/imap/hosts-$family"
    for how in clear starttls tls; do
      check "imaplib-imapd-$how-$family" imap "$family" $how all
      check "imaplib-imapd-fill-$how-$family" imap "$family" $how fill 10
      check "curl-imapd-$how-$family" imap_curl "$family" $how
      check "mbsync-imapd-$how-$family" imap_mbsync "$family" $how
      check "fetchmail-imapd-$how-$family" imap_fetchmail "$family" $how
      [ $how = starttls ] || check "getmail6-imapd-$how-$family" imap_getmail "$family" $how
      check "s-nail-imapd-$how-$family" imap_snail "$family" $how
      check "neomutt-imapd-$how-$family" imap_neomutt "$family" $how
      check "offlineimap-imapd-$how-$family" imap_offlineimap "$family" $how
    done
    # Where TLS is to be had, nothing is taken in the clear (RFC 8314 s 3.1): 67 is a login that was denied.
    status "curl-imapd-in-clear-$family" 67 -- curl -sS --max-time 20 --url "imap://$(bracketed "$family"):$(imap_port starttls "$family")/" --user "alice:$PASS"
  done
}

# start_imapd NAME OPTIONS…: on both families; sets imap_NAME_4, imap_NAME_6, and imap_NAME_tls_4 and _6 with --tls-port.
start_imapd() {
  local name=$1 family listening all=2
  shift
  case " $* " in *" --tls-port "*) all=4 ;; esac
  background "imapd-$name" "$BIN/imapd" --listen 127.0.0.1:0 '[::1]:0' --user "alice:$PASS" --messages 0 "$@"
  until_true 10 imapd_listens "$name" $all || { cat "$T/log/imapd-$name.err"; return 1; }
  for family in $FAMILIES; do
    listening=$(sed -n "s/^listening $(address $family | sed 's/^::1$/\\[::1\\]/'):\([0-9]*\)\$/\1/p" "$T/log/imapd-$name.out")
    declare -g "imap_${name}_$family=$(head -n 1 <<<"$listening")" "imap_${name}_tls_$family=$(tail -n 1 <<<"$listening")"
  done
}

imapd_listens() { [ "$(grep -c '^listening ' "$T/log/imapd-$1.out")" = "$2" ]; }

# imap_port clear|starttls|tls FAMILY
imap_port() {
  local name
  case $1 in clear) name=imap_clear_$2 ;; starttls) name=imap_secure_$2 ;; tls) name=imap_secure_tls_$2 ;; esac
  echo "${!name}"
}

# imap FAMILY HOW WHAT…
imap() {
  local family=$1 how=$2
  shift 2
  "$PYTHON" "$ROOM/imap.py" "$(address "$family")" "$(imap_port "$how" "$family")" "$how" "$T/ca/ca.pem" alice "$PASS" "$@"
}

# imap_home: an empty folder for a client's own.
imap_home() { rm -rf "$T/imap/home" && mkdir -p "$T/imap/home/got/cur" "$T/imap/home/got/new" "$T/imap/home/got/tmp"; }

imap_as_mail() {
  chown -R mail:mail "$T/imap/home"
  timeout 60 setpriv --reuid=mail --regid=mail --clear-groups env HOME="$T/imap/home" "$@"
}

imap_with_hosts() {
  local hosts=$T/imap/hosts-$1
  shift
  unshare --mount sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$hosts" "$@"
}

# Each mail by its UID, and one that is uploaded.
imap_curl() {
  local url scheme=imap trust=()
  case $2 in starttls) trust=(--ssl-reqd --cacert "$T/ca/ca.pem") ;; tls) scheme=imaps trust=(--cacert "$T/ca/ca.pem") ;; esac
  url="$scheme://$(bracketed "$1"):$(imap_port "$2" "$1")/INBOX"
  imap_home
  local number
  for number in $(imap "$1" "$2" uids); do
    curl -sS --max-time 20 --user "alice:$PASS" "${trust[@]}" --url "$url;UID=$number" --output "$T/imap/home/got/new/$number" || return 1
  done
  imap "$1" "$2" same "$T/imap/home/got" || return 1
  printf 'Subject: by curl\r\n\r\n{5}\r\n* 1 EXISTS\r\n' >"$T/imap/home/up"
  curl -sS --max-time 20 --user "alice:$PASS" "${trust[@]}" --url "$url" --upload-file "$T/imap/home/up" || return 1
  [ "$(curl -sS --max-time 20 --user "alice:$PASS" "${trust[@]}" --url "$url" --request 'SEARCH SUBJECT "by curl"' | tr -d '\r' | wc -w)" = 3 ] || { echo "the upload is not found"; return 1; }
  imap "$1" "$2" remove "by curl"
}

# Two hundred mails go up from one folder and come down into another; what changes here changes there.
imap_mbsync() {
  local tls="SSLType None
AuthMechs LOGIN"
  case $2 in starttls) tls="SSLType STARTTLS" ;; tls) tls="SSLType IMAPS" ;; esac
  [ "$2" = clear ] || tls="$tls
SystemCertificates no
CertificateFile $T/ca/ca.pem"
  imap_home
  imap "$1" "$2" maildir "$T/imap/home/one" 200
  mkdir -p "$T/imap/home/two"
  cat >"$T/imap/home/mbsyncrc" <<R
IMAPAccount imapd
Host mail.interop.test
Port $(imap_port "$2" "$1")
User alice
PassCmd $T/imap/password
$tls

IMAPStore far
Account imapd

MaildirStore one
Path $T/imap/home/
Inbox $T/imap/home/one

MaildirStore two
Path $T/imap/home/
Inbox $T/imap/home/two

Channel one
Far :far:Sync
Near :one:
Create Both
Expunge Both
SyncState *

Channel two
Far :far:Sync
Near :two:
Create Both
Expunge Both
SyncState *
R
  imap_sync "$1" one && imap_sync "$1" two && imap "$1" "$2" alike "$T/imap/home/one" "$T/imap/home/two" 200 || return 1
  # One is seen here, one removed there.
  imap "$1" "$2" change "$T/imap/home/one" && imap_sync "$1" one && imap_sync "$1" two && imap_sync "$1" one || return 1
  imap "$1" "$2" alike "$T/imap/home/one" "$T/imap/home/two" 199 && imap "$1" "$2" delete Sync
}

imap_sync() { imap_with_hosts "$1" timeout 60 mbsync -q -c "$T/imap/home/mbsyncrc" "$2"; }

imap_fetchmail() {
  local tls trust="sslcertck sslcommonname mail.interop.test sslcertfile $T/ca/ca.pem"
  case $2 in clear) tls="sslproto ''" ;; starttls) tls="sslproto TLS1.2+ $trust" ;; tls) tls="ssl $trust" ;; esac
  imap_home
  printf '#!/bin/sh\nexec cat >"$(mktemp %s/new/XXXXXXXX)"\n' "$T/imap/home/got" >"$T/imap/home/deliver"
  chmod 755 "$T/imap/home/deliver"
  cat >"$T/imap/home/fetchmailrc" <<R
set no bouncemail
poll imapd via "$(address "$1")" service $(imap_port "$2" "$1") proto imap no dns timeout 20
  user alice there with password '$PASS' keep fetchall no rewrite mda $T/imap/home/deliver $tls
R
  chmod 600 "$T/imap/home/fetchmailrc"
  imap_as_mail env FETCHMAILHOME="$T/imap/home" fetchmail -f "$T/imap/home/fetchmailrc" --nosyslog --silent || return 1
  imap "$1" "$2" found "$T/imap/home/got"
}

imap_getmail() {
  local retriever="type = SimpleIMAPRetriever"
  [ "$2" = tls ] && retriever="type = SimpleIMAPSSLRetriever
ca_certs = $T/ca/ca.pem"
  imap_home
  cat >"$T/imap/home/getmailrc" <<R
[retriever]
$retriever
server = $(address "$1")
port = $(imap_port "$2" "$1")
username = alice
password_command = ("$T/imap/password",)
mailboxes = ("INBOX",)
timeout = 20
[destination]
type = Maildir
path = $T/imap/home/got/
[options]
received = false
delivered_to = false
verbose = 0
R
  imap_as_mail getmail --getmaildir="$T/imap/home" --rcfile=getmailrc && imap "$1" "$2" found "$T/imap/home/got"
}

imap_snail() {
  local scheme=imap starttls=noimap-use-starttls
  case $2 in starttls) starttls=imap-use-starttls ;; tls) scheme=imaps ;; esac
  imap_home
  rm -r "$T/imap/home/got"
  printf 'copy * %s/mbox\nquit\n' "$T/imap/home" |
    imap_with_hosts "$1" timeout 30 env HOME="$T/imap/home" s-nail -:/ -# -S v15-compat=yes -S tls-verify=strict -S tls-ca-file="$T/ca/ca.pem" -S tls-ca-no-defaults \
      -S imap-auth=login -S $starttls -f "$scheme://alice:$(percent "$PASS")@mail.interop.test:$(imap_port "$2" "$1")/INBOX" || return 1
  imap "$1" "$2" found "$T/imap/home/mbox"
}

imap_neomutt() {
  local scheme=imap starttls=no
  case $2 in starttls) starttls=yes ;; tls) scheme=imaps ;; esac
  imap_home
  cat >"$T/imap/home/muttrc" <<R
set my_password='$PASS'
set imap_pass=\$my_password imap_authenticators="plain:login" imap_check_subscribed=no
set certificate_file="" ssl_ca_certificates_file=$T/ca/ca.pem ssl_starttls=$starttls ssl_force_tls=$starttls
set folder=$T/imap/home spoolfile=$T/imap/home/got mbox_type=Maildir tmpdir=$T/imap/home message_cachedir="" header_cache=""
set confirmappend=no delete=yes move=no mark_old=no copy=no wait_key=no sleep_time=0
macro index X "<tag-pattern>~A<enter><tag-prefix><copy-message>$T/imap/home/got<enter><quit>"
push X
R
  env HOME="$T/imap/home" "$PYTHON" "$ROOM/pop3.py" terminal "$T/log/neomutt-imapd-$2-$1" 20 neomutt -n -F "$T/imap/home/muttrc" \
    -f "$scheme://alice@$(bracketed "$1"):$(imap_port "$2" "$1")/INBOX"
  imap "$1" "$2" found "$T/imap/home/got"
}

imap_offlineimap() {
  local tls="ssl = no
starttls = no"
  case $2 in starttls) tls="ssl = no
starttls = yes" ;; tls) tls="ssl = yes" ;; esac
  [ "$2" = clear ] || tls="$tls
sslcacertfile = $T/ca/ca.pem"
  imap_home
  cat >"$T/imap/home/offlineimaprc" <<R
[general]
accounts = it
metadata = $T/imap/home/meta
ui = quiet
[Account it]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = $T/imap/home/near
[Repository far]
type = IMAP
remotehost = mail.interop.test
remoteport = $(imap_port "$2" "$1")
remoteuser = alice
remotepass = $PASS
folderfilter = lambda name: name == "INBOX"
$tls
R
  # Its threads read and write one TLS session at once: about one time in forty it waits for ever behind the handshake, when session
  # tickets come in as it writes (its log ends with CAPABILITY written). So it has three tries, but one in the clear.
  local try
  for try in 1 2 3; do
    imap_with_hosts "$1" timeout -k 5 20 env HOME="$T/imap/home" offlineimap -o -c "$T/imap/home/offlineimaprc" && break
    [ "$2" != clear ] && [ $try != 3 ] || return 1
    rm -rf "$T/imap/home/near" "$T/imap/home/meta"
  done
  imap "$1" "$2" found "$T/imap/home/near/INBOX"
}
