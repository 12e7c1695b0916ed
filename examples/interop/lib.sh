# lib.sh - what every chapter of the suite uses: results, the temporary folder, waiting, starting and stopping, the test authority.
# Sourced by run.sh and load.sh; $ROOM is this folder, $T the temporary one, $BIN holds our programs.

export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:$PATH
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE MAILRC
PYTHON=/usr/bin/python3
FAMILIES="4 6"
PASSED=0 FAILED=0 STARTED=()

# --- results ----------------------------------------------------------------------------------------------------------------

ok() { PASSED=$((PASSED + 1)); echo "ok $1"; }
fail() { FAILED=$((FAILED + 1)); echo "FAIL $1 $2"; }

# check NAME COMMAND…: ok if the command succeeds; else FAIL with the last line it said.
check() {
  local name=$1 why
  shift
  if why=$("$@" 2>&1); then ok "$name"; else fail "$name" "$(printf '%s' "$why" | tail -n 1)"; fi
}

# status NAME WANTED… -- COMMAND…: ok if the command ends with one of the exit statuses.
status() {
  local name=$1 wanted=() got why
  shift
  while [ "$1" != -- ]; do wanted+=("$1"); shift; done
  shift
  why=$("$@" 2>&1)
  got=$?
  case " ${wanted[*]} " in
    *" $got "*) ok "$name" ;;
    *) fail "$name" "exit $got, not ${wanted[*]}: $(printf '%s' "$why" | tail -n 1)" ;;
  esac
}

# The suite cannot run here. On a CI machine that is a failure: a suite that never runs proves nothing.
skip() {
  echo "skipped: $1"
  [ "${CI:-}" = true ] && exit 1
  exit 0
}

# --- addresses --------------------------------------------------------------------------------------------------------------

address() { case $1 in 4) echo 127.0.0.1 ;; 6) echo ::1 ;; esac; }
bracketed() { case $1 in 4) echo 127.0.0.1 ;; 6) echo '[::1]' ;; esac; }

# Free ports, one for each name given: they are held together while they are chosen, so no two are the same, and free on both families.
ports() {
  "$PYTHON" - "$@" <<'P'
import socket, sys
held = []
for name in sys.argv[1:]:
    while True:
        six = socket.socket(socket.AF_INET6); six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1); six.bind(("::1", 0))
        port = six.getsockname()[1]
        four = socket.socket()
        try: four.bind(("127.0.0.1", port))
        except OSError: continue
        held += [six, four]
        print(f"{name}={port}")
        break
P
}

# --- waiting ----------------------------------------------------------------------------------------------------------------

# until_true SECONDS COMMAND…
until_true() {
  local tries=$(($1 * 20))
  shift
  while [ $tries -gt 0 ]; do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
    tries=$((tries - 1))
  done
  return 1
}

connects() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# --- processes: only what we started, by its number --------------------------------------------------------------------------

# background NAME COMMAND…: runs it with its output in $T/log/NAME.out and .err, and sets $LAST to its process.
background() {
  local name=$1
  shift
  "$@" >"$T/log/$name.out" 2>"$T/log/$name.err" &
  LAST=$!
  STARTED+=("$LAST")
}

# stop PROCESS [SIGNAL]: and waits for its end, ten seconds at most; its exit status.
stop() {
  kill -"${2:-TERM}" "$1" 2>/dev/null
  until_true 10 gone "$1" || kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

gone() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# --- our programs: built if BIN does not say where they are -------------------------------------------------------------------

build_programs() {
  local name wanted=()
  [ -n "${BIN:-}" ] && return 0
  for name in "$@"; do wanted+=(--example "$name"); done
  (cd "$ROOM/../.." && cargo build --quiet --release --locked -p mail46-examples "${wanted[@]}" </dev/null) || return 1
  BIN=$(cd "$ROOM/../.." && cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/examples
}

# --- our sink ---------------------------------------------------------------------------------------------------------------

# start_sink NAME OPTIONS…: on both families; sets $LAST, and port_NAME_4, port_NAME_6 from what it prints; its mail is in $T/dump/NAME.
# With --tls-listen among the options port_NAME_tls_4 and _6 too, which it prints behind the others.
start_sink() {
  local name=$1 family listening all=2
  shift
  case " $* " in *" --tls-listen "*) all=4 ;; esac
  mkdir -p "$T/dump/$name"
  background "sink-$name" "$BIN/sink" --listen 127.0.0.1:0 --listen '[::1]:0' --dump "$T/dump/$name" "$@"
  until_true 10 sink_listens "$name" $all || { cat "$T/log/sink-$name.err"; echo "sink $name does not listen"; return 1; }
  for family in $FAMILIES; do
    listening=$(sed -n "s/^listening $(address $family | sed 's/^::1$/\\[::1\\]/'):\([0-9]*\)\$/\1/p" "$T/log/sink-$name.out")
    declare -g "port_${name}_$family=$(head -n 1 <<<"$listening")" "port_${name}_tls_$family=$(tail -n 1 <<<"$listening")"
  done
}

# sink_listens NAME ADDRESSES
sink_listens() { [ "$(grep -c '^listening ' "$T/log/sink-$1.out")" = "$2" ]; }

sink_port() { local name="port_$1_$2"; echo "${!name}"; }

# arrived NAME TOKEN ORIGINAL: within ten seconds sink NAME has exactly one mail with the token, and it ends with the original's octets.
arrived() { "$PYTHON" "$ROOM/mail.py" arrived "$T/dump/$1" "$2" "$3"; }

# --- the test authority -----------------------------------------------------------------------------------------------------

make_authority() {
  mkdir -p "$T/ca"
  (
    cd "$T/ca" || exit 1
    key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null || openssl ecparam -genkey -name prime256v1 -noout -out "$1"; }
    key ca.key
    openssl req -x509 -new -key ca.key -days 30 -subj "/CN=mail46 interop authority" -out ca.pem \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
    key raw.key
    openssl pkcs8 -topk8 -nocrypt -in raw.key -out server.key
    openssl req -new -key server.key -subj "/CN=mail.interop.test" -out server.csr
    printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=serverAuth \
      subjectAltName=DNS:mail.interop.test,DNS:localhost,IP:127.0.0.1,IP:::1 >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.pem
    # Another authority, that nobody trusts.
    key stranger.key
    openssl req -x509 -new -key stranger.key -days 30 -subj "/CN=a stranger" -out stranger.pem
    chmod 644 ./*.pem ./*.key
  ) >"$T/log/ca.log" 2>&1 && [ -s "$T/ca/server.pem" ]
}
