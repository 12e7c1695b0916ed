# into_sink.sh - Postfix, swaks, curl, msmtp and Python's smtplib into our server.

TOKEN=mF_9.B5f-4.1JqM~+/=

into_sink() {
  local family
  start_sink open --tls-listen 127.0.0.1:0 --tls-listen '[::1]:0' --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --auth "alice:$PASS" --quiet || { fail sink-starts "no port"; return; }
  # A token is made of other characters than a password (RFC 6750 s 2.1).
  start_sink token --tls-cert "$T/ca/server.pem" --tls-key "$T/ca/server.key" --auth "alice:$TOKEN" --quiet || { fail sink-token-starts "no port"; return; }
  start_sink lmtp --lmtp --quiet || { fail sink-lmtp-starts "no port"; return; }
  for family in $FAMILIES; do
    route "sink$family.test" "smtp:[$(address "$family")]:$(sink_port open "$family")" encrypt
    route "lmtp$family.test" "lmtp:inet:[$(address "$family")]:$(sink_port lmtp "$family")"
  done
  reload_postfix
  for family in $FAMILIES; do
    from_postfix "$family"
    from_swaks "$family"
    from_curl "$family"
    from_msmtp "$family"
    from_python "$family"
    refusals "$family"
  done
}

# reaches SINK KIND COMMAND…: stamps a mail of the kind into $T/stamped, runs the command, looks for it in the sink's dump.
reaches() {
  local sink=$1 kind=$2 token
  shift 2
  token=$("$PYTHON" "$ROOM/mail.py" stamp "$T/mails/$kind" "$T/stamped")
  "$@" && arrived "$sink" "$token" "$T/stamped"
}

inject() { "$PYTHON" "$ROOM/mail.py" inject "$(address "$1")" "$smtp" alice@interop.test "$2" "$T/stamped"; }

from_postfix() {
  local kind
  for kind in small empty-body dots blank-lines eight-bit white-space large; do
    check "postfix-sink-starttls-$kind-$1" reaches open $kind inject "$1" "dave@sink$1.test"
  done
  check "postfix-sink-smtputf8-$1" reaches open eight-bit inject "$1" "jiří@sink$1.test"
  check "postfix-sink-used-tls-$1" grep -q "TLS connection established to $(address "$1" | sed 's/::1/\\[*::1\\]*/')" "$T/log/postfix.log"
  for kind in small dots eight-bit large; do
    check "postfix-sink-lmtp-$kind-$1" reaches lmtp $kind inject "$1" "dave@lmtp$1.test"
  done
}

# swaks ends what it is given with a CRLF of its own.
swaks_to() {
  local family=$1
  shift
  head -c -2 "$T/stamped" >"$T/stamped.swaks"
  timeout 30 swaks "-$family" --server "$(address "$family")" --port "$(sink_port open "$family")" --helo client.interop.test \
    --from alice@interop.test --to dave@sink.test --data "@$T/stamped.swaks" --suppress-data "$@"
}

from_swaks() {
  local mechanism tls=(--tls --tls-verify --tls-ca-path "$T/ca/ca.pem")
  check "swaks-sink-$1" reaches open small swaks_to "$1"
  check "swaks-sink-pipeline-$1" reaches open small swaks_to "$1" --pipeline
  check "swaks-sink-starttls-$1" reaches open eight-bit swaks_to "$1" "${tls[@]}"
  check "swaks-sink-smtps-$1" reaches open small swaks_to "$1" --port "$(sink_port open_tls "$1")" --tls-on-connect --tls-verify --tls-ca-path "$T/ca/ca.pem"
  for mechanism in PLAIN LOGIN CRAM-MD5; do
    check "swaks-sink-$mechanism-$1" reaches open small swaks_to "$1" "${tls[@]}" --auth $mechanism --auth-user alice --auth-password "$PASS"
    # swaks: 28 is an AUTH that failed.
    status "swaks-sink-$mechanism-wrong-$1" 28 -- swaks_to "$1" "${tls[@]}" --auth $mechanism --auth-user alice --auth-password wrong
  done
  # RFC 4954 s 4: no AUTH where TLS is missing. swaks: 28 when it is not offered.
  status "swaks-sink-no-auth-in-clear-$1" 28 -- swaks_to "$1" --auth PLAIN --auth-user alice --auth-password "$PASS"
}

# curl_to SINK FAMILY OPTIONS…
curl_to() {
  local sink=$1 family=$2
  shift 2
  curl -sS --max-time 30 "-$family" --url "smtp://$(bracketed "$family"):$(sink_port "$sink" "$family")/client.interop.test" \
    --mail-from alice@interop.test --mail-rcpt dave@sink.test --mail-rcpt erin@sink.test --upload-file "$T/stamped" "$@"
}

curl_smtps() {
  curl -sS --max-time 30 --url "smtps://$(bracketed "$1"):$(sink_port open_tls "$1")/client.interop.test" --cacert "$T/ca/ca.pem" \
    --mail-from alice@interop.test --mail-rcpt dave@sink.test --upload-file "$T/stamped" --user "alice:$PASS"
}

from_curl() {
  local mechanism tls=(--ssl-reqd --cacert "$T/ca/ca.pem")
  check "curl-sink-$1" reaches open small curl_to open "$1"
  check "curl-sink-starttls-$1" reaches open eight-bit curl_to open "$1" "${tls[@]}"
  check "curl-sink-dots-$1" reaches open dots curl_to open "$1" "${tls[@]}"
  check "curl-sink-large-$1" reaches open large curl_to open "$1" "${tls[@]}"
  # TLS from the first octet on (RFC 8314 s 3).
  check "curl-sink-smtps-$1" reaches open eight-bit curl_smtps "$1"
  for mechanism in PLAIN LOGIN CRAM-MD5; do
    check "curl-sink-$mechanism-$1" reaches open small curl_to open "$1" "${tls[@]}" --login-options AUTH=$mechanism --user "alice:$PASS"
  done
  for mechanism in XOAUTH2 OAUTHBEARER; do
    check "curl-sink-$mechanism-$1" reaches token small curl_to token "$1" "${tls[@]}" --login-options AUTH=$mechanism --user alice: --oauth2-bearer "$TOKEN"
    # curl: 67 is a login that was denied.
    status "curl-sink-$mechanism-wrong-$1" 67 -- curl_to token "$1" "${tls[@]}" --login-options AUTH=$mechanism --user alice: --oauth2-bearer wrong
  done
  status "curl-sink-wrong-$1" 67 -- curl_to open "$1" "${tls[@]}" --user alice:wrong
}

# msmtp_to SINK FAMILY OPTIONS…
msmtp_to() {
  local sink=$1 family=$2
  shift 2
  msmtp --file=/dev/null --host="$(address "$family")" --port="$(sink_port "$sink" "$family")" --domain=client.interop.test --timeout=20 \
    --from=alice@interop.test "$@" -- dave@sink.test <"$T/stamped.lf"
}

# msmtp_reaches KIND SINK FAMILY OPTIONS…: msmtp reads LF line ends.
msmtp_reaches() {
  local token
  token=$("$PYTHON" "$ROOM/mail.py" stamp "$T/mails/$1" "$T/stamped")
  shift
  tr -d '\r' <"$T/stamped" >"$T/stamped.lf"
  msmtp_to "$@" && arrived "$1" "$token" "$T/stamped"
}

from_msmtp() {
  local mechanism sink tls=(--tls=on --tls-starttls=on --tls-trust-file="$T/ca/ca.pem")
  printf '#!/bin/sh\nprintf %%s '"'%s'"'\n' "$PASS" >"$T/password-open"
  printf '#!/bin/sh\nprintf %%s '"'%s'"'\n' "$TOKEN" >"$T/password-token"
  chmod 700 "$T/password-open" "$T/password-token"
  check "msmtp-sink-starttls-$1" msmtp_reaches dots open "$1" "${tls[@]}"
  for mechanism in plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer; do
    sink=open
    case $mechanism in *oauth*) sink=token ;; esac
    check "msmtp-sink-$mechanism-$1" msmtp_reaches small $sink "$1" "${tls[@]}" --auth=$mechanism --user=alice --passwordeval="$T/password-$sink"
    # EX_NOPERM
    status "msmtp-sink-$mechanism-wrong-$1" 77 -- msmtp_to $sink "$1" "${tls[@]}" --auth=$mechanism --user=alice --passwordeval='echo wrong'
  done
}

python_to() {
  "$PYTHON" "$ROOM/mail.py" smtplib "$(address "$1")" "$(sink_port open "$1")" "$T/ca/ca.pem" alice "$PASS" "$2" alice@interop.test dave@sink.test "$T/stamped"
}

from_python() {
  local mechanism
  for mechanism in none PLAIN LOGIN CRAM-MD5; do
    check "python-sink-$mechanism-$1" reaches open eight-bit python_to "$1" $mechanism
  done
}

# What the server must not take.
refusals() {
  start_sink "small$1" --max-size 10000 --quiet || { fail "sink-small-starts-$1" "no port"; return; }
  "$PYTHON" "$ROOM/mail.py" stamp "$T/mails/large" "$T/stamped" >"$T/token"
  status "curl-sink-too-large-$1" 55 56 8 -- curl -sS --max-time 30 --url "smtp://$(bracketed "$1"):$(sink_port "small$1" "$1")/client" \
    --mail-from alice@interop.test --mail-rcpt dave@sink.test --upload-file "$T/stamped"
  check "sink-too-large-absent-$1" "$PYTHON" "$ROOM/mail.py" absent "$T/dump/small$1" "$(cat "$T/token")"
  check "sink-alive-after-$1" connects "$(address "$1")" "$(sink_port "small$1" "$1")"
  stop "$LAST"
}
