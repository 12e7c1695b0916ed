# from_send.sh - our client into Postfix (virtual mailboxes with LF line ends) and into Dovecot's LMTP.

from_send() {
  local family
  for family in $FAMILIES; do
    kinds_to_postfix "$family"
    tls_to_postfix "$family"
    auth_to_postfix "$family"
    recipients_to_postfix "$family"
    lmtp_to_dovecot "$family"
  done
}

# send_to FAMILY PORT RECIPIENT FILE OPTIONS…
send_to() {
  local family=$1 port=$2 recipient=$3 file=$4
  shift 4
  timeout 60 "$BIN/send" --from alice@interop.test --to "$recipient" --via "$(bracketed "$family"):$port" "$@" "$file"
}

# delivers KIND USER COMMAND…: stamps a mail of the kind into $T/stamped, runs the command, looks for it in the user's mailbox.
delivers() {
  local kind=$1 user=$2 token
  shift 2
  token=$("$PYTHON" "$ROOM/mail.py" stamp "$T/mails/$kind" "$T/stamped")
  "$@" && "$PYTHON" "$ROOM/mail.py" arrived-lf "$T/mail/$user" "$token" "$T/stamped"
}

kinds_to_postfix() {
  local kind
  for kind in small empty-body dots blank-lines eight-bit long-lines white-space large; do
    check "send-postfix-$kind-$1" delivers $kind bob send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls none
  done
  check "send-postfix-smtputf8-$1" delivers small bob send_to "$1" "$smtp" jiří@interop.test "$T/stamped" --tls none
  check "send-postfix-stdin-$1" delivers small bob from_stdin "$1"
}

from_stdin() {
  "$BIN/send" --from '' --to bob@interop.test --via "$(bracketed "$1"):$smtp" --tls none <"$T/stamped"
}

tls_to_postfix() {
  local trusted=(--ca "$T/ca/ca.pem") stranger=(--ca "$T/ca/stranger.pem")
  check "send-postfix-starttls-$1" delivers eight-bit bob send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls required "${trusted[@]}"
  check "send-postfix-starttls-large-$1" delivers large bob send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls required "${trusted[@]}"
  # RFC 7435 s 3: opportunistic security does not fail for want of a known authority, unless one was named.
  check "send-postfix-opportunistic-$1" delivers small bob send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls opportunistic
  check "send-postfix-opportunistic-ca-$1" delivers small bob send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls opportunistic "${trusted[@]}"
  status "send-postfix-stranger-$1" 69 75 76 77 -- send_to "$1" "$smtp" bob@interop.test "$T/mails/small" --tls required "${stranger[@]}"
  status "send-postfix-stranger-smtps-$1" 69 75 76 77 -- send_to "$1" "$smtps" bob@interop.test "$T/mails/small" --tls implicit "${stranger[@]}"
}

auth_to_postfix() {
  local mechanism trusted=(--ca "$T/ca/ca.pem")
  for mechanism in PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256; do
    check "send-submission-$mechanism-$1" delivers small bob send_to "$1" "$submission" bob@interop.test "$T/stamped" --tls required \
      "${trusted[@]}" --auth "alice:$PASS:$mechanism"
  done
  check "send-submission-chooses-$1" delivers small bob send_to "$1" "$submission" bob@interop.test "$T/stamped" --tls required "${trusted[@]}" --auth "alice:$PASS"
  check "send-smtps-$1" delivers small bob send_to "$1" "$smtps" bob@interop.test "$T/stamped" --tls implicit "${trusted[@]}" --auth "alice:$PASS"
  check "send-masks-secrets-$1" masks_secrets "$1"
}

# The dialogue that -v prints shows that AUTH was used, and no form of the password.
masks_secrets() {
  local said form
  said=$(send_to "$1" "$submission" bob@interop.test "$T/mails/small" -v --tls required --ca "$T/ca/ca.pem" --auth "alice:$PASS:PLAIN" 2>&1) || return 1
  grep -q 'AUTH PLAIN' <<<"$said" || { echo "no AUTH in the dialogue"; return 1; }
  for form in "$PASS" "$(printf '\0alice\0%s' "$PASS" | base64)" "$(printf '%s' "$PASS" | base64)"; do
    if grep -qF -e "$form" <<<"$said"; then echo "the dialogue shows the password"; return 1; fi
  done
}

# Two mailboxes in one transaction, and one reply a recipient where one of them does not exist.
recipients_to_postfix() {
  check "send-postfix-two-recipients-$1" delivers small carol send_to "$1" "$smtp" bob@interop.test "$T/stamped" --tls none --to carol@interop.test
  status "send-postfix-one-unknown-$1" 67 -- send_to "$1" "$smtp" nobody@interop.test "$T/stamped" --tls none --to carol@interop.test
  check "send-postfix-one-unknown-arrived-$1" delivers small carol allow 67 send_to "$1" "$smtp" nobody@interop.test "$T/stamped" --tls none --to carol@interop.test
}

# allow STATUS COMMAND…: succeeds if the command ends with that status.
allow() {
  local wanted=$1
  shift
  "$@"
  [ $? = "$wanted" ]
}

lmtp_to_dovecot() {
  local kind
  for kind in small dots eight-bit large; do
    check "send-lmtp-$kind-$1" delivers $kind alice send_to "$1" "$lmtp" alice@interop.test "$T/stamped" --lmtp --tls none
  done
  check "send-lmtp-starttls-$1" delivers small alice send_to "$1" "$lmtp" alice@interop.test "$T/stamped" --lmtp --tls required --ca "$T/ca/ca.pem"
  check "send-lmtp-three-$1" delivers small carol send_to "$1" "$lmtp" alice@interop.test "$T/stamped" --lmtp --tls none --to bob@interop.test --to carol@interop.test
  # RFC 2033 s 4.2: a refused recipient has its reply at RCPT, the others theirs behind the dot.
  check "send-lmtp-one-unknown-$1" delivers small carol allow 67 send_to "$1" "$lmtp" nobody@interop.test "$T/stamped" --lmtp --tls none --to carol@interop.test
  check "send-lmtp-replies-$1" replies_of_each "$1"
}

replies_of_each() {
  local said user
  said=$(send_to "$1" "$lmtp" alice@interop.test "$T/mails/small" --lmtp --tls none --to bob@interop.test --to carol@interop.test 2>&1) || { echo "$said"; return 1; }
  for user in alice bob carol; do
    grep -q "$user@interop.test" <<<"$said" || { echo "no outcome for $user"; return 1; }
  done
}
