# servers.sh - private Postfix and Dovecot on loopback, both families, everything below $T. Sourced by run.sh.
# Postfix: $smtp (25), $submission (587, AUTH inside TLS), $smtps (465). Dovecot: $lmtp, $pop3, $pop3s and the SASL of both; another
# one without TLS has $pop3clear. Users alice, bob, carol, dave with $PASS, mail domain interop.test, mailboxes in $T/mail/USER.

PASS='s3cret pass"word'

# The packages a machine needs; services must not start while they are configured.
PACKAGES="postfix swaks libnet-ssleay-perl libio-socket-ssl-perl libauthen-sasl-perl libdigest-hmac-perl libio-socket-inet6-perl
  libsocket6-perl libsasl2-modules curl msmtp dovecot-core dovecot-lmtpd dovecot-pop3d dovecot-imapd openssl ca-certificates python3 procps
  mpop fetchmail getmail6 s-nail neomutt util-linux iproute2 nftables"

missing_packages() {
  local package
  for package in $PACKAGES; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed$' || echo "$package"
  done
}

install_packages() {
  local wanted policy=/usr/sbin/policy-rc.d made=
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || skip "not a Debian machine"
  wanted=$(missing_packages)
  [ -n "$wanted" ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=yes
  fi
  echo 'postfix postfix/main_mailer_type select No configuration
dovecot-core dovecot-core/create-ssl-cert boolean false
msmtp msmtp/apparmor boolean false
mpop mpop/apparmor boolean false' | debconf-set-selections
  {
    apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update &&
      apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install --no-install-recommends $wanted
  } >"$T/log/apt.log" 2>&1
  [ -n "$made" ] && rm -f $policy
  wanted=$(missing_packages)
  [ -z "$wanted" ] || skip "not installed: $(echo $wanted)"
}

start_dovecot() {
  local user
  mkdir -p "$T/dovecot/run" "$T/dovecot/state"
  for user in alice bob carol dave; do
    mkdir -p "$T/mail/$user"
    echo "$user:{PLAIN}$PASS:$(id -u mail):$(id -g mail)::$T/mail/$user"
  done >"$T/dovecot/users"
  chown -R mail:mail "$T/mail"
  chmod 644 "$T/dovecot/users"
  cat >"$T/dovecot/dovecot.conf" <<D
base_dir = $T/dovecot/run
state_dir = $T/dovecot/state
log_path = $T/log/dovecot.log
listen = 127.0.0.1, ::1
protocols = lmtp pop3
mail_location = maildir:%h
first_valid_uid = 1
first_valid_gid = 1
mail_uid = mail
mail_gid = mail
ssl = yes
ssl_cert = <$T/ca/server.pem
ssl_key = <$T/ca/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_username_format = %Ln
default_vsz_limit = 1G
passdb {
  driver = passwd-file
  args = username_format=%Ln $T/dovecot/users
}
userdb {
  driver = passwd-file
  args = username_format=%Ln $T/dovecot/users
}
protocol lmtp {
  postmaster_address = postmaster@interop.test
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1 ::1
    port = $lmtp
  }
}
service pop3-login {
  inet_listener pop3 {
    port = $pop3
  }
  inet_listener pop3s {
    port = $pop3s
  }
}
service auth {
  unix_listener $T/dovecot/auth {
    mode = 0666
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
D
  # STLS is offered or not by a whole Dovecot, whatever the port.
  mkdir -p "$T/dovecot/clear-run" "$T/dovecot/clear-state"
  sed "s:^base_dir = .*:base_dir = $T/dovecot/clear-run:; s:^state_dir = .*:state_dir = $T/dovecot/clear-state:; s:^ssl = .*:ssl = no:
    s:^protocols = .*:protocols = pop3:; s:port = $pop3\$:port = $pop3clear:; s:port = $pop3s\$:port = 0:; s:dovecot/auth {:dovecot/clear-auth {:" \
    "$T/dovecot/dovecot.conf" >"$T/dovecot/clear.conf"
  dovecot -c "$T/dovecot/dovecot.conf" 2>"$T/log/dovecot.err" && dovecot -c "$T/dovecot/clear.conf" 2>>"$T/log/dovecot.err" &&
    until_true 10 connects ::1 "$lmtp" && connects 127.0.0.1 "$lmtp" && until_true 10 connects ::1 "$pop3clear"
}

stop_dovecot() {
  local name
  for name in dovecot:run clear:clear-run; do
    [ -e "$T/dovecot/${name#*:}/master.pid" ] && doveadm -c "$T/dovecot/${name%:*}.conf" stop 2>/dev/null
  done
}

start_postfix() {
  local conf=$T/postfix/conf family at
  mkdir -p "$conf" "$T/postfix/queue" "$T/postfix/data"
  cat >"$conf/main.cf" <<M
compatibility_level = 3.6
queue_directory = $T/postfix/queue
data_directory = $T/postfix/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = $T/log/postfix.log
maillog_file_prefixes = $T/log
myhostname = mail.interop.test
myorigin = interop.test
mydestination =
alias_maps =
local_recipient_maps =
biff = no
inet_protocols = all
inet_interfaces = 127.0.0.1, [::1]
mynetworks = 127.0.0.0/8, [::1]/128
# A reverse look-up of ::1 leaves the machine, and makes it many times slower on IPv6 alone.
smtpd_peername_lookup = no
virtual_mailbox_domains = interop.test
virtual_mailbox_base = $T/mail
virtual_mailbox_maps = inline:{ {alice@interop.test=alice/} {bob@interop.test=bob/} {carol@interop.test=carol/} {jiří@interop.test=bob/} }
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u mail)
virtual_gid_maps = static:$(id -g mail)
virtual_mailbox_limit = 0
message_size_limit = 20971520
mailbox_size_limit = 0
transport_maps = texthash:$conf/transport
smtp_host_lookup = native
smtpd_tls_security_level = may
smtpd_tls_cert_file = $T/ca/server.pem
smtpd_tls_key_file = $T/ca/server.key
smtp_tls_CAfile = $T/ca/ca.pem
smtp_tls_loglevel = 1
smtp_tls_security_level = none
smtp_tls_policy_maps = texthash:$conf/tls
smtpd_sasl_type = dovecot
smtpd_sasl_path = $T/dovecot/auth
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_tls_auth_only = yes
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
bounce_queue_lifetime = 1h
M
  : >"$conf/transport"
  : >"$conf/tls"
  : >"$conf/master.cf"
  for at in 127.0.0.1 '[::1]'; do
    cat >>"$conf/master.cf" <<M
$at:$smtp inet n - n - - smtpd
$at:$submission inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o mynetworks=
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
$at:$smtps inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o mynetworks=
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
M
  done
  cat >>"$conf/master.cf" <<'M'
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
M
  chown root:root "$T/postfix" "$T/postfix/queue"
  chown postfix "$T/postfix/data"
  postfix -c "$conf" start >"$T/log/postfix.out" 2>&1
  until_true 15 connects ::1 "$smtp" && connects 127.0.0.1 "$smtp"
}

stop_postfix() { [ -e "$T/postfix/queue/pid/master.pid" ] && postfix -c "$T/postfix/conf" stop >/dev/null 2>&1; }

# route DOMAIN NEXTHOP [TLS-LEVEL]: Postfix hands mail for the domain to that next hop (smtp:[::1]:2525).
route() {
  local conf=$T/postfix/conf
  echo "$1 $2" >>"$conf/transport"
  [ -n "${3:-}" ] && echo "${2#*:} $3" >>"$conf/tls"
  return 0
}

reload_postfix() { postfix -c "$T/postfix/conf" reload >/dev/null 2>&1; sleep 1; }
