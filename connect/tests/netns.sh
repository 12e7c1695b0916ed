#!/bin/bash
# Time to connected over a network of namespaces, beside curl and aiohappyeyeballs in the same run.
#
#   client ── middle ── server      black holes, RST, ICMP, slow and lossy ways are made in the middle
#
# Usage: netns.sh [RUNS]   as root, with iproute2, nftables and python3; EYEBALLS is the example's binary if set.
# Each row is the median of RUNS (3) in milliseconds, and the family. It fails if ours is beyond its target three series
# in a row, as a neighbour on the machine may take the processor away for one; the tries are printed.
set -u
cd "$(dirname "$0")/../.." || exit 1
RUNS=${1:-3}
skip() { echo "skipped: $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "not root"
for tool in ip nft python3; do command -v $tool >/dev/null || skip "no $tool"; done
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
EYEBALLS=${EYEBALLS:-}
if [ -z "$EYEBALLS" ]; then
  cargo build -q --release -p mail46-examples --example eyeballs || exit 1
  EYEBALLS=$(cargo metadata --format-version 1 --no-deps |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/examples/eyeballs
fi
CURL=$(command -v curl || true)
python3 -c 'import aiohappyeyeballs' 2>/dev/null && AIO=yes || AIO=

N=m46-$$ C=m46-$$-c M=m46-$$-m S=m46-$$-s W=$(mktemp -d)
PIDS=()
clean() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null; done
  for ns in $C $M $S; do ip netns del $ns 2>/dev/null; done
  rm -rf "$W" "/etc/netns/$C"; rmdir /etc/netns 2>/dev/null
}
trap clean EXIT
trap 'exit 1' HUP INT TERM
ip netns add $C || skip "no network namespaces"
ip netns add $M; ip netns add $S
for ns in $C $M $S; do
  ip netns exec $ns sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_ratelimit=0
  ip -n $ns link set lo up
done
link() { # NS1 DEV1 NS2 DEV2
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  ip -n "$1" link set "$2" up; ip -n "$3" link set "$4" up
}
link $C c0 $M m0; link $M m1 $S s0
ip -n $C addr add 2001:db8::2/64 dev c0; ip -n $M addr add 2001:db8::1/64 dev m0
ip -n $C addr add 192.0.2.2/25 dev c0; ip -n $M addr add 192.0.2.1/25 dev m0
ip -n $M addr add 2001:db8:1::1/64 dev m1; ip -n $S addr add 2001:db8:1::2/64 dev s0
ip -n $M addr add 192.0.2.129/25 dev m1; ip -n $S addr add 192.0.2.130/25 dev s0
ip -n $C -6 route add 2001:db8::/44 via 2001:db8::1     # and no other: 2001:db8:dead::1 has no route
ip -n $C route add 192.0.2.128/25 via 192.0.2.1; ip -n $C route add 198.51.100.0/24 via 192.0.2.1
ip -n $S -6 route add 2001:db8::/44 via 2001:db8:1::1; ip -n $S route add 192.0.2.0/25 via 192.0.2.129
# The server's other addresses: behind the slow way, and where the first SYN is lost.
for ip in 2001:db8:2::100 2001:db8:3::300 2001:db8:f::1; do ip -n $S addr add $ip/128 dev lo; done
ip -n $M -6 route add 2001:db8:f::/48 via 2001:db8:1::2
# What is wrong in the middle.
ip -n $M -6 route add blackhole 2001:db8:b::/48; ip -n $M route add blackhole 198.51.100.1
ip -n $M -6 route add 2001:db8:c::/48 via 2001:db8:1::2
ip -n $M route add 198.51.100.2 via 192.0.2.130
# RFC 6724 s 6, rule 3: a way that is taken from a deprecated address.
ip -n $C addr add 2001:db8::99/128 dev c0 preferred_lft 0
ip -n $C -6 route add 2001:db8:2:99::/64 via 2001:db8::1 src 2001:db8::99
ip netns exec $M nft -f - <<'NFT' || skip "nftables do not work here"
table inet wrong {
  set seen { type ipv6_addr . inet_service; flags dynamic; timeout 10s; }
  chain forward {
    type filter hook forward priority 0;
    ip6 daddr 2001:db8:c::/48 meta l4proto tcp reject with tcp reset
    # Behind the slow way: an ICMP that comes while connect() still holds its socket is not heeded.
    iifname slow0 ip6 daddr 2001:db8:d::/48 reject with icmpv6 type addr-unreachable
    iifname slow0 ip6 daddr 2001:db8:e::/48 reject with icmpv6 type admin-prohibited
    ip daddr 198.51.100.2 meta l4proto tcp reject with tcp reset
    ip6 daddr 2001:db8:f::1 tcp flags & (syn | ack) == syn ip6 saddr . tcp sport != @seen \
      add @seen { ip6 saddr . tcp sport } drop
  }
}
NFT
# A slow way without netem: what is routed into the device comes out of it later, and goes on by another table.
cat > "$W/slow.py" <<'PY'
import fcntl, heapq, os, select, struct, sys, time
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"slow0", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
os.system("ip link set slow0 up; ip -6 route add 2001:db8:2::/47 dev slow0;"
          "ip -6 route add 2001:db8:d::/48 dev slow0; ip -6 route add 2001:db8:e::/48 dev slow0;"
          "ip -6 route add default via 2001:db8:1::2 table 100; ip -6 rule add iif slow0 lookup 100")
print("ready", flush=True)
queue, count = [], 0
while True:
    wait = max(0, queue[0][0] - time.monotonic()) if queue else None
    if select.select([tun], [], [], wait)[0]:
        packet = os.read(tun, 65536)
        if packet[0] >> 4 == 6:
            delay = {2: 0.1, 3: 0.3}.get(packet[29], 0.001)
            count += 1
            heapq.heappush(queue, (time.monotonic() + delay, count, packet))
    while queue and queue[0][0] <= time.monotonic():
        os.write(tun, heapq.heappop(queue)[2])
PY
# 25 greets, 26 greets over IPv4 alone and is silent over IPv6; and a name server whose names say what it does.
cat > "$W/server.py" <<'PY'
import asyncio, socket, struct
async def greet(reader, writer):
    writer.write(b"220 mail.test ESMTP\r\n"); await reader.read(); writer.close()
async def mute(reader, writer):
    await reader.read(); writer.close()
class Dns(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at+1:at+1+data[at]].decode().lower()); at += 1 + data[at]
        kind = struct.unpack("!H", data[at+1:at+3])[0]
        delay = {"late40": 0.04, "late400": 0.4, "never": None}.get(labels[0], 0) if kind == 28 else 0
        ip = {1: socket.inet_pton(socket.AF_INET, "192.0.2.130"), 28: socket.inet_pton(socket.AF_INET6, "2001:db8:1::2")}.get(kind)
        answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(ip)) + ip if ip else b""
        reply = data[:2] + b"\x85\x80\0\x01" + struct.pack("!HHH", 1 if ip else 0, 0, 0) + data[12:at+5] + answer
        if delay is not None: asyncio.get_running_loop().call_later(delay, self.transport.sendto, reply, peer)
async def main():
    for family, any_ip in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        await asyncio.start_server(greet, any_ip, 25, family=family)
        await asyncio.start_server(greet if family == socket.AF_INET else mute, any_ip, 26, family=family)
    await asyncio.get_running_loop().create_datagram_endpoint(Dns, local_addr=("192.0.2.130", 53))
    print("ready", flush=True); await asyncio.Event().wait()
asyncio.run(main())
PY
cat > "$W/aio.py" <<'PY'
import asyncio, ipaddress, socket, sys, time
from aiohappyeyeballs import start_connection
async def main(ips):
    infos = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 25, 0, 0) if ":" in ip else (ip, 25)) for ip in ips]
    start = time.monotonic()
    try:
        sock = await asyncio.wait_for(start_connection(infos, happy_eyeballs_delay=0.25, interleave=1), 5)
        who = "6" if sock.family == socket.AF_INET6 else "4"
    except Exception: who = "-"
    print(f"{(time.monotonic() - start) * 1e3:.1f} {who}")
asyncio.run(main(sys.argv[1].split(",")))
PY
ready() { for _ in $(seq 100); do grep -q ready "$1" 2>/dev/null && return; sleep 0.05; done; skip "$2"; }
ip netns exec $M python3 "$W/slow.py" > "$W/slow.log" 2>&1 & PIDS+=($!)
ip netns exec $S python3 "$W/server.py" > "$W/server.log" 2>&1 & PIDS+=($!)
ready "$W/slow.log" "no slow way: $(cat "$W/slow.log")"; ready "$W/server.log" "no server: $(cat "$W/server.log")"
mkdir -p "/etc/netns/$C" && echo "nameserver 192.0.2.130" > "/etc/netns/$C/resolv.conf"

ours() { # words of eyeballs -> "ms family"
  ip netns exec $C "$EYEBALLS" --json --deadline 5 "$@" | python3 -c '
import json, sys
told = json.load(sys.stdin)
print("%.1f %s" % (told.get("ms", max([a["ended"] or 0 for a in told["attempts"]] or [0])), told.get("family", "-")))'
}
curls() { # ADDR,… or a name -> "ms family"
  local resolve=() name=mail.test
  case $1 in *.test) name=$1;; *) resolve=(--resolve "mail.test:25:$(sed -E 's/([^,]*:[^,]*)/[\1]/g' <<<"$1")");; esac
  ip netns exec $C curl -s -m 2 -o /dev/null "${resolve[@]}" -w '%{time_connect} %{time_total} %{remote_ip}' \
    "telnet://$name:25" </dev/null | python3 -c '
import sys
connect, total, *ip = sys.stdin.read().split()
who = "-" if float(connect) == 0 else "6" if ":" in ip[0] else "4"
print("%.1f %s" % (float(connect if who != "-" else total) * 1e3, who))'
}
aios() { ip netns exec $C python3 "$W/aio.py" "$1"; }
median() { # COMMAND… -> the median run
  local i; for i in $(seq "$RUNS"); do "$@"; done | sort -n | sed -n "$(((RUNS + 1) / 2))p"
}
within() { # "MS FAMILY" FAMILY FROM TO
  python3 -c 'import sys; ms, who = sys.argv[1].split(); sys.exit(not (who == sys.argv[2] and float(sys.argv[3]) <= float(ms) <= float(sys.argv[4])))' "$@"
}
FAILED=0
row() { # TITLE FAMILY FROM-MS TO-MS ADDR,…|NAME [words of eyeballs]
  local title=$1 family=$2 from=$3 to=$4 to_whom=$5; shift 5
  local words=(--addresses "$to_whom" "$@" mail.test 25) curl="-" aio="-" got
  case $to_whom in *.test) words=(--resolver 192.0.2.130:53 "$@" "$to_whom" 25);; esac
  [ "${1:-}" = --greeting ] && words=(--addresses "$to_whom" --greeting mail.test 26)
  got=$(median ours "${words[@]}")
  if [ "${1:-}" != --greeting ]; then
    [ -n "$CURL" ] && curl=$(median curls "$to_whom")
    case $to_whom in *.test) ;; *) [ -n "$AIO" ] && aio=$(median aios "$to_whom");; esac
  fi
  local verdict=ok try=1
  until within "$got" "$family" "$from" "$to"; do
    [ $try = 3 ] && { verdict=FAIL; FAILED=1; break; }
    try=$((try + 1)) verdict="ok at try $try"
    got=$(median ours "${words[@]}")
  done
  printf '%-44s %10s %10s %10s   %s..%s %s  %s\n' "$title" "$got" "$curl" "$aio" "$from" "$to" "$family" "$verdict"
}
printf '%-44s %10s %10s %10s   %s\n' "milliseconds and family, median of $RUNS" ours curl aiohappy target
OK6=2001:db8:1::2 OK4=192.0.2.130
row "both fine" 6 0 5 $OK6,$OK4
row "IPv6 RST" 4 0 5 2001:db8:c::1,$OK4
row "IPv6 ICMP unreachable, 1 ms away" 4 1 6 2001:db8:d::1,$OK4
row "IPv6 ICMP prohibited, 1 ms away" 4 1 6 2001:db8:e::1,$OK4
row "IPv6 no route" 4 0 5 2001:db8:dead::1,$OK4
row "IPv6 slow, 100 ms" 6 100 110 2001:db8:2::100,$OK4
row "IPv6 slow, 300 ms" 4 250 265 2001:db8:3::300,$OK4
row "IPv6 first SYN lost" 4 250 265 2001:db8:f::1,$OK4
row "IPv6 black hole" 4 250 265 2001:db8:b::1,$OK4
row "two IPv6 black holes" 4 250 265 2001:db8:b::1,2001:db8:b::2,$OK4
row "IPv6 black hole, IPv4 RST, IPv4 fine" 4 250 265 2001:db8:b::1,198.51.100.2,$OK4
row "IPv4 black hole" 6 0 5 198.51.100.1,$OK6
row "both RST: time to the error" - 0 10 2001:db8:c::1,198.51.100.2
row "IPv6 accepts and is mute, IPv4 greets" 4 250 270 $OK6,$OK4 --greeting
row "IPv6 from a deprecated address" 4 0 5 2001:db8:2:99::1,$OK4
row "AAAA and A at once" 6 0 15 now.test
row "AAAA 40 ms late" 6 40 60 late40.test
row "AAAA 400 ms late" 4 50 65 late400.test
row "AAAA never" 4 50 65 never.test
exit $FAILED
