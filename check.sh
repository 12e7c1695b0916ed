#!/usr/bin/env bash
# Everything that must hold before a change lands.
#
#   ./check.sh              all steps
#   ./check.sh fmt wall     only these
#   ./check.sh --list       the steps and what they prove
#
# Needs cargo, rustfmt and clippy. What this machine lacks is said in a line `skipped: …` and is no failure here
# (in CI it is one: .ci/run). Texts and data beside the clone are found in ../shared, MAIL46_RFC and MAIL46_DATA.
set -uo pipefail

STEPS="fmt clippy test docs features wall examples citations house"
about() {
  case $1 in
    fmt)       echo "every file as rustfmt writes it: the workspace, fuzz, bench" ;;
    clippy)    echo "no warning in any target with all features: the workspace, fuzz, bench" ;;
    test)      echo "unit, integration and doc tests of the workspace" ;;
    docs)      echo "the documentation builds, no warning, no dead link" ;;
    features)  echo "each library crate with no feature and with each one alone, no warning" ;;
    wall)      echo "sockets, tokio, TLS, clock and files only in net.rs, listen.rs, dns.rs; no unsafe" ;;
    examples)  echo "each example prints its --help; demo runs to its end" ;;
    citations) echo "each section of an RFC cited in a source exists in that RFC" ;;
    house)     echo "file lengths, no machine's paths, no unfinished work; the READMEs name what is there" ;;
  esac
}

# ---- the steps ------------------------------------------------------------------------------------------------

step_fmt() {
  cargo fmt --version >/dev/null 2>&1 || { skip "no rustfmt (rustup component add rustfmt)"; return 0; }
  run cargo fmt --all --check
  beside run cargo fmt --all --check
}

step_clippy() {
  cargo clippy --version >/dev/null 2>&1 || { skip "no clippy (rustup component add clippy)"; return 0; }
  run cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
  beside lint_beside
}
lint_beside() { # libFuzzer, and peers in C that bench may measure, want a C++ compiler
  local compiler=${CXX:-c++}
  if [ -f "$2" ] && command -v "${compiler%% *}" >/dev/null; then run cargo clippy --all-targets "$1" "$2" -- -D warnings
  else skip "$2: no C++ compiler"; fi
}

step_test() {
  # In CI the output of passed tests is shown too, so that a test that skipped itself is seen.
  run cargo test --workspace --all-features --locked ${CI:+-- --show-output}
}

step_docs() {
  RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --all-features --no-deps --locked --keep-going
}

step_features() {
  local crate feature
  while read -r crate features; do
    run cargo clippy -q --locked -p "$crate" --lib --no-default-features -- -D warnings
    run cargo clippy -q --locked -p "$crate" --all-targets --no-default-features -- -D warnings # its tests build without sockets too
    for feature in $features; do
      run cargo clippy -q --locked -p "$crate" --lib --no-default-features --features "$feature" -- -D warnings
    done
  done < <(libraries)
}

step_wall() {
  local crate folder found file siblings
  # Without features a crate is its pure core: bytes in, events out.
  while read -r crate _; do
    found=$(cargo tree --locked -p "$crate" --no-default-features -e normal --prefix none) || bad=1
    found=$(grep -E '^(tokio|tokio-[a-z]+|mio|rustls|rustls-[a-z]+|socket2|hickory-[a-z]+) ' <<<"$found" | sort -u)
    [ -z "$found" ] || complain "$crate without features depends on:" "$found"
  done < <(libraries)

  # Which of ours a crate may use, with all features; the examples join the rest.
  while read -r crate _; do
    case $crate in
      mail46-smtp | mail46-pop3 | mail46-imap-core) siblings='wire|sasl' ;;
      mail46-resolve) siblings='wire' ;;
      *) siblings='-' ;;
    esac
    found=$(cargo tree --locked -p "$crate" --all-features -e normal --prefix none) || bad=1
    found=$(grep -oE '^mail46-[a-z0-9-]+' <<<"$found" | grep -vxE "$crate|mail46-($siblings)" | sort -u)
    [ -z "$found" ] || complain "$crate may not know:" "$found"
  done < <(libraries)

  # The same by words: of each core file the code before its tests, without comments.
  for folder in $(library_folders); do
    while read -r file; do
      found=$(core_of "$file" | grep -nE \
        '\b(tokio(_[a-z]+)?|rustls|socket2|mio|hickory[a-z_]*)::|\b(Tcp|Udp|Unix)(Stream|Listener|Socket|Datagram)\b|ToSocketAddrs|\b(Instant|SystemTime)::now\b|\bstd::(fs|env|process|thread)\b|\bthread_rng\b|\bgetrandom\b|\bOsRng\b|\brand::rng\b')
      [ -z "$found" ] || complain "$file is behind the wall (only net.rs, listen.rs, dns.rs and folders net/ may):" "$found"
    done < <(sources "$folder/src" | grep -vE '/(net|listen|dns)(\.rs$|/)|/tests?(\.rs$|/)')
  done

  for folder in $(members); do
    grep -A1 '^\[lints\]' "$folder/Cargo.toml" | grep -q '^workspace = true' ||
      complain "$folder/Cargo.toml: wants [lints] workspace = true (it forbids unsafe code)"
    while read -r file; do
      found=$(sed 's://.*$::' "$file" | grep -nE '\bunsafe\b *(\{|fn|impl|trait|extern)')
      [ -z "$found" ] || complain "$file: unsafe" "$found"
    done < <(sources "$folder")
  done
}

step_examples() {
  local name said seen=0
  run cargo build -q -p mail46-examples --examples --all-features --locked
  [ "$bad" = 0 ] || return 1
  for name in $(targets example); do
    seen=1
    said=$(within 20 "$CARGO_TARGET_DIR/debug/examples/$name" --help 2>&1 </dev/null) ||
      complain "cargo run --example $name -- --help: exit status not 0" "$said"
    [ -n "$said" ] || complain "cargo run --example $name -- --help: says nothing"
  done
  [ $seen = 1 ] || skip "no examples yet"
  for name in $(targets example | grep -x demo); do run within 300 cargo run -q -p mail46-examples --example demo --locked </dev/null; done
}

step_citations() {
  local texts=${MAIL46_RFC:-../shared/rfc}
  [ -d "$texts" ] || { skip "no RFC texts in $texts (MAIL46_RFC)"; return 0; }
  local number section text places missing="" checked=0
  while read -r number section; do
    text=$(compgen -G "$texts/rfc$number.txt" || compgen -G "$texts/rfc$number.*.txt") # rfc9525.auth48.txt
    if [ -z "$text" ]; then
      [[ " $missing " == *" $number "* ]] || missing+=" $number"
      continue
    fi
    checked=$((checked + 1))
    [ "$section" = - ] && continue
    # A heading, or its line in the table of contents: `4.5.2.  Transparency`, `4.2 LMTP`, `Appendix A.`
    grep -qE "^ *(Appendix +|APPENDIX +|Section +)?${section//./\\.}[.:]?( |\$|-)" $text && continue
    places=$(sources . | xargs grep -nE "RFC ?$number s ${section//./\\.}([^0-9.]|\.?\$|\.[^0-9])" | cut -c1-110 | head -3)
    complain "RFC $number has no section $section:" "$places"
  done < <(sources . | xargs cat | grep -oE 'RFC [0-9]{3,5}( s [0-9A-Z]+(\.[0-9]+)*)?' | awk '{ print $2, $4 == "" ? "-" : $4 }' | sort -u)
  echo "$checked citations found in the texts${missing:+; no text here of RFC$missing}"
}

step_house() {
  local found file
  found=$(sources . | xargs wc -l | awk '$2 != "total" && $1 > 900 { print "  " $2 ": " $1 " lines" }')
  [ -z "$found" ] || complain "over 900 lines (the second chapter wants its own file):" "$found"
  found=$(sources . | grep -E '/(utils?|helpers?|misc|common)\.rs$')
  [ -z "$found" ] || complain "a file is named for its chapter:" "$found"
  # Patterns are written so that they do not find themselves.
  found=$(texts | xargs grep -nE '/wor[k]/|/roo[t]/|/tmp/[t]-|index\.crate[s]\.io|static\.crate[s]\.io|pypi\.or[g]|registry\.npmj[s]|deb\.debia[n]\.org' | cut -c1-140)
  [ -z "$found" ] || complain "a path of one machine, or the host of a registry:" "$found"
  found=$(texts | xargs grep -nE '\b(TOD[O]|FIXM[E]|XX[X])\b|\btod[o]!|\bunimplemente[d]!|\bdb[g]!|#\[ignor[e]' | cut -c1-140)
  [ -z "$found" ] || complain "unfinished work:" "$found"
  for found in $(library_folders); do
    [ -f "$found/README.md" ] || complain "$found has no README.md"
    grep -q 'deny(missing_docs)' "$found/src/lib.rs" || complain "$found/src/lib.rs: wants #![deny(missing_docs)]"
  done
  # What the READMEs name is there, and what is there is named.
  for file in $(texts | grep '\.md$'); do
    for found in $(grep -oE '\]\([^):#]+[#)]' "$file" | sed 's/^](//; s/[#)]$//'); do
      [ -e "$(dirname "$file")/$found" ] || complain "$file: no $found"
    done
  done
  found=$(diff <(sed -nE 's/^\| `([a-z0-9-]+)` \|.*/\1/p' README.md | sort) <({ targets example; libraries | sed 's/ .*//'; } | sort) |
    sed -n 's/^</README.md names, not there: /p; s/^>/not in README.md: /p')
  [ -z "$found" ] || complain "the tables of README.md" "$found"
}

# ---- what the steps ask ---------------------------------------------------------------------------------------

# The workspace as cargo sees it, a fact a line: no JSON tool needed.
metadata() {
  grep -oE '\{"name":"[^"]*","version"|"features":\{[^}]*\}|"publish":(null|\[[^]]*\])|"kind":\["[a-z]+"\],"crate_types":\["[a-z]+"\],"name":"[^"]*"|"manifest_path":"[^"]*"' <<<"$METADATA"
}
libraries() { # `mail46-wire net tls`: the crates that are published, with their features
  metadata | awk -F'"' '
    /^\{"name"/       { name = $4; features = "" }
    /^"features"/     { line = $0; gsub(/\[[^]]*\]/, "", line); n = split(line, f, "\""); for (i = 4; i <= n; i += 2) if (f[i] != "default") features = features " " f[i] }
    /^"publish":null/ { print name features }'
}
members() { metadata | sed -n "s:^\"manifest_path\"\:\"$PWD/\(.*\)/Cargo.toml\"\$:\1:p"; }
library_folders() { for folder in $(members); do grep -q '^publish = false' "$folder/Cargo.toml" || echo "$folder"; done; }
targets() { metadata | sed -n "s:^\"kind\"\:\[\"$1\"\],\"crate_types\"\:\[\"bin\"\],\"name\"\:\"\(.*\)\"\$:\1:p" | sort; }

files() { # tracked and new ones, or all but what was built
  if git rev-parse --git-dir >/dev/null 2>&1; then git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done
  else find "$@" -type f -not -path '*/target/*' -not -path '*/.git/*'; fi | sort
}
sources() { files "$1" | grep '\.rs$'; }
texts() { files . | grep -vE '(^|/)(Cargo\.lock|LICENSE-.*)$|\.(png|der|gz)$'; }
core_of() { # the code of a file, line numbers kept: comments out, and the end from `#[cfg(test)] mod …` on
  awk '/^#\[cfg\(test\)\]/ { held = 1; next } held && /^(pub )?mod / { exit } { held = 0; sub(/\/\/.*$/, ""); print }' "$1"
}
beside() { # fuzz and bench are workspaces of their own
  local folder
  for folder in fuzz bench; do if [ -f $folder/Cargo.toml ]; then "$@" --manifest-path $folder/Cargo.toml; fi; done
}

run() { echo "+ $*"; "$@" </dev/null || bad=1; }
within() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }
complain() { bad=1; echo "FAULT $1"; [ -z "${2:-}" ] || sed 's/^/      /' <<<"$2"; }
skip() { echo "skipped: $*"; }

# ---- the run --------------------------------------------------------------------------------------------------

start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$(echo ~)/.cargo}/bin
command -v cargo >/dev/null || { echo "check.sh: no cargo: install Rust first" >&2; exit 1; }
case ${CARGO_TARGET_DIR:=$PWD/target} in /*) ;; *) CARGO_TARGET_DIR=$start/$CARGO_TARGET_DIR ;; esac
export CARGO_TARGET_DIR LC_ALL=C
[ -t 1 ] || export TERM=dumb CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never} CARGO_TERM_PROGRESS_WHEN=${CARGO_TERM_PROGRESS_WHEN:-never}

for step in "$@"; do
  case " $STEPS " in
    *" $step "*) ;;
    *) [ "$step" = --list ] || echo "check.sh: no step \`$step\`" >&2
       for step in $STEPS; do printf '%-10s %s\n' "$step" "$(about "$step")"; done
       [ "$1" = --list ]; exit ;;
  esac
done

# Without this every step that asks for the crates would find none, and be content.
METADATA=$(cargo metadata --no-deps --format-version 1 --locked) && [ -n "$(libraries)" ] ||
  { echo "check.sh: cargo metadata does not say what is in the workspace" >&2; exit 1; }

summary="" failed=""
for step in ${*:-$STEPS}; do
  echo "== $step: $(about "$step")"
  began=$SECONDS
  if (bad=0; "step_$step"; exit "$bad"); then verdict=ok; else verdict=FAILED; failed+=" $step"; fi
  summary+=$(printf '%-10s %4d s  %s' "$step" $((SECONDS - began)) "$verdict")$'\n'
done
printf '== summary\n%s' "$summary"
[ -z "$failed" ] || { echo "failed:$failed. Alone: ./check.sh$failed"; exit 1; }
echo "all well in $SECONDS s"
