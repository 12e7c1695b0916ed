#!/bin/bash
# run.sh [CHAPTER…] - our programs against real peers, and real peers against ours: Debian's Postfix, Dovecot, swaks, curl, msmtp, mpop,
# fetchmail, getmail6, s-nail, neomutt and Python, private instances on 127.0.0.1 and ::1, everything in a temporary folder. As root, for
# Debian's packages and Postfix.
#
#   chapters   from_send  our client into their servers
#              into_sink  their clients into our server
#              into_pop3d their clients read and delete mail from our POP3 server
#              into_imapd their clients read, write and keep in step mail on our IMAP server
#              from_fetch our POP3 client from their server, interrupted too, and its exit statuses
#              from_imap  our IMAP programs and their server: fetched, watched, kept the same both ways, killed in between
#              faults     exit statuses, lost connections, full disks
#              rates      smtp-source into sink beside smtp-sink, in short
#              pop3_rates sessions and large messages of pop3d beside Dovecot's POP3
#              lab        time to connected over a network of namespaces (connect/tests/netns.sh)
#              routes     rates of MX selection and whole resolutions (bench gate)
#   BIN=DIR    where the built programs are (default: builds them)
#   KEEP=yes   leaves the temporary folder
#
# Prints `ok NAME` or `FAIL NAME why` for each case, then `N passed, N failed`; exit 1 if one failed.
set -u
ROOM=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
. "$ROOM/lib.sh"
. "$ROOM/servers.sh"
CHAPTERS="from_send into_sink into_pop3d into_imapd from_fetch from_imap faults rates pop3_rates lab routes"
for chapter in $CHAPTERS; do . "$ROOM/$chapter.sh"; done

[ "$(id -u)" = 0 ] || skip "needs root"
T=$(mktemp -d) || exit 1
chmod 755 "$T"
mkdir -p "$T/log" "$T/mail" "$T/dump"

finish() {
  local process
  stop_postfix
  stop_dovecot
  for process in ${STARTED[@]+"${STARTED[@]}"}; do stop "$process"; done
  for process in "$T/full" "$T/pop3/full"; do mountpoint -q "$process" 2>/dev/null && umount "$process"; done
  if [ "${KEEP:-}" = yes ]; then echo "kept $T"; else rm -rf "$T"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

install_packages
build_programs sink send pop3d fetch-pop3 imapd fetch-imap idle imap-sync eyeballs || exit 1
make_authority || { cat "$T/log/ca.log"; exit 1; }
"$PYTHON" "$ROOM/mail.py" make "$T/mails"
eval "$(ports smtp submission smtps lmtp pop3 pop3s pop3clear imap imaps refused)"
start_dovecot || { cat "$T/log/dovecot.err" "$T/log/dovecot.log"; echo "dovecot does not start"; exit 1; }
start_postfix || { cat "$T/log/postfix.out" "$T/log/postfix.log"; echo "postfix does not start"; exit 1; }

for chapter in ${*:-$CHAPTERS}; do "$chapter"; done
echo "$PASSED passed, $FAILED failed"
[ $FAILED = 0 ]
