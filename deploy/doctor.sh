#!/usr/bin/env bash
# Looks a running installation over, from outside and from inside, and says what to do about each finding.
# The exit code is the number of findings, 60 at most; 64: wrong flags.
# shellcheck disable=SC2317 # most functions are called by `check`
set -uo pipefail
umask 077

usage() {
  cat <<'TEXT'
Usage: sudo deploy/doctor.sh [--url https://chat.example.com] [options]    (or: sudo npm run doctor -- …)

  --url URL       where visitors connect; without it: the address in .env, and nothing is said about TLS and proxy
  --dir DIR       the installation (this script's own)
  --cacert FILE   trust this certificate too (one of your own)
  --key-file FILE where the key is, when neither .env nor /etc/le-mecano/gemini-api-key has it
  --log FILE      a log to search beside PM2's and the journal's; may be repeated
  --help          this text
TEXT
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${here%/deploy}
url='' cacert='' key_file='' logs=() findings=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --url | --dir | --cacert | --key-file | --log)
      if [[ $# -lt 2 ]]; then echo "$1 needs a value; see --help" >&2 && exit 64; fi ;;&
    --url) url=${2%/} && shift ;;
    --dir) dir=$2 && shift ;;
    --cacert) cacert=$2 && shift ;;
    --key-file) key_file=$2 && shift ;;
    --log) logs+=("$2") && shift ;;
    *) echo "unknown option $1; see --help" >&2 && exit 64 ;;
  esac
  shift
done
cd "$dir" || exit 64
for tool in curl openssl node; do
  if ! command -v "$tool" >/dev/null; then echo "$tool is needed: apt-get install $tool" >&2 && exit 64; fi
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ok() { printf 'ok    %s\n' "$1"; }
skip() { printf 'skip  %s\n' "$1"; }
# bad WHAT REMEDY
bad() {
  findings=$((findings + 1))
  printf 'BAD   %s\n      -> %s\n' "$1" "$2"
}
# check WHAT REMEDY command…: one line, by how the command ends.
check() {
  local what=$1 remedy=$2
  shift 2
  if "$@"; then ok "$what"; else bad "$what" "$remedy"; fi
}
has() { command -v "$1" >/dev/null; }
# The last value of a setting in .env, without quotes.
setting() {
  sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*//p" .env 2>/dev/null |
    tail -n 1 | sed -E "s/[[:space:]]+#.*$//; s/^(['\"])(.*)\1[[:space:]]*$/\2/; s/[[:space:]]+$//"
}

socket_path=$(setting SOCKET_PATH)
host=$(setting HOST) port=$(setting PORT)
inside=(curl -sS --max-time 8)
[[ -z $socket_path ]] || inside+=(--unix-socket "$socket_path")
inside_url=http://${host:-127.0.0.1}:${port:-8080}
outside=(curl -sS --max-time 8)
[[ -z $cacert ]] || outside+=(--cacert "$cacert")
if [[ -z $url ]]; then
  url=$inside_url
  outside=("${inside[@]}")
  proxied=no
else
  proxied=yes
fi
authority=${url#*://}

status() { "${outside[@]}" -o /dev/null -w '%{http_code}' --path-as-is "$@" 2>/dev/null; }
is() { [[ $1 == "$2" ]]; }

# --- From outside ---------------------------------------------------------------------------------------------------
check_reached() {
  echo "From outside: $url"
  touch "$tmp/headers" "$tmp/page" "$tmp/assets" "$tmp/frames"
  "${outside[@]}" -D "$tmp/headers" -o "$tmp/page" "$url/" 2>"$tmp/said"
  if [[ -s $tmp/headers ]]; then return; fi
  bad "nothing answers: $(head -n 1 "$tmp/said")" "systemctl status le-mecano, or pm2 ls; then proxy, DNS and firewall"
  false
}

check_pages() {
  check "the page is there" "the server doesn't run behind the proxy: systemctl status le-mecano, or pm2 ls" \
    is "$(status "$url/")" 200
  check "/readyz says ready" "the store can't be written or the server is draining: look at the log for store_trouble" \
    is "$(status "$url/readyz")" 200
  local path
  for path in /.env /../.env /%2e%2e/.env /data/le-mecano.db /package.json /.git/config; do
    check "$path is not served" "something in front serves files: let the proxy pass everything on and have no root of its own" \
      not_served "$path"
  done
  # On the server's own port we are no strangers.
  [[ $proxied == no ]] || check "/metrics is not for strangers" "the proxy must set X-Forwarded-For: whoever comes without it counts as this machine" \
    closed "$(status "$url/metrics")"
}
not_served() { [[ $(status "$url$1") =~ ^(400|403|404)$ ]]; }
closed() { [[ $1 =~ ^(401|403|404)$ ]]; }

check_headers() {
  local remedy="the proxy drops or replaces it: pass the server's headers on as in deploy/nginx.conf"
  header "content-security-policy" "default-src 'none'.*require-trusted-types-for 'script'" "$remedy"
  header "x-content-type-options" nosniff "$remedy"
  header "referrer-policy" no-referrer "$remedy"
  header "cross-origin-opener-policy" same-origin "$remedy"
  check "each of them is sent once" "the proxy adds its own: two policies are both obeyed; remove the proxy's" sent_once
  check "no header tells a version" "server_tokens off; in nginx, or header -Server in Caddy" untold
}
header() { check "header $1" "$3" grep -qiE "^$1: .*$2" "$tmp/headers"; }
sent_once() {
  [[ -z $(grep -iE '^(content-security-policy|x-content-type-options|referrer-policy|cross-origin-[a-z]+-policy):' \
    "$tmp/headers" | cut -d : -f 1 | tr '[:upper:]' '[:lower:]' | sort | uniq -d) ]]
}
untold() { ! grep -qiE '^(server: .*/[0-9]|x-powered-by:)' "$tmp/headers"; }

check_tls() {
  if [[ $url != https://* ]]; then
    if [[ $proxied == yes && ! $authority =~ ^(localhost|127\.|\[::1\]) ]]; then
      bad "TLS" "visitors' questions cross the network in clear: put nginx or Caddy in front, see docs/install.md"
    else
      skip "TLS: $url is not https"
    fi
    return
  fi
  header strict-transport-security 'max-age=[0-9]{7,}' "add_header Strict-Transport-Security \"max-age=31536000\" always;"
  check "nothing older than TLS 1.2" "ssl_protocols TLSv1.2 TLSv1.3;" old_tls_refused
  local name=${authority%%/*} address
  [[ $name =~ :[0-9]+$ ]] || name+=:443
  # The address that curl came to, so that both saw the same server.
  address=$("${outside[@]}" -o /dev/null -w '%{remote_ip}' "$url/" 2>/dev/null)
  [[ $address != *:* ]] || address="[$address]"
  echo | openssl s_client -connect "$address:${name##*:}" -servername "${name%:*}" 2>/dev/null >"$tmp/chain"
  check "the certificate is good for 14 days or more" \
    "certbot renew --dry-run, or journalctl -u caddy, tells why it isn't renewed" \
    good_for_a_fortnight
}
good_for_a_fortnight() { openssl x509 -noout -checkend $((14 * 86400)) -in "$tmp/chain" >"$tmp/said" 2>&1; }
# Exit code 35: the handshake was refused.
old_tls_refused() {
  "${outside[@]}" -o /dev/null --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 "$url/" 2>/dev/null
  [[ $? -eq 35 ]]
}

# upgrade NAME HEADER…: the status of one handshake, into a file; the socket is dropped after a second.
upgrade() {
  local name=$1
  shift
  "${outside[@]}" --http1.1 --max-time 1 -o /dev/null -w '%{http_code}' "$@" -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$url/ws" >"$tmp/upgrade.$name" 2>/dev/null
}

check_sockets() {
  local ws=${url/#http/ws}/ws
  [[ -z $socket_path || $proxied == yes ]] || ws=ws+unix://$socket_path:/ws
  check "a WebSocket opens and is answered" "the proxy must pass Upgrade and Connection on with HTTP/1.1: compare with deploy/nginx.conf" \
    frames "$ws"
  upgrade foreign -H 'Origin: https://stranger.example'
  check "a foreign page is refused" "ALLOWED_ORIGINS names it, or the proxy rewrites Host: proxy_set_header Host \$http_host;" \
    is "$(<"$tmp/upgrade.foreign")" 403
}
frames() { NODE_EXTRA_CA_CERTS=$cacert node deploy/probe.mjs "$1" >"$tmp/frames" 2>"$tmp/probe"; }

# More sockets at once than one address may have, each claiming another: some must be refused.
check_spoofing() {
  local most i
  most=$(setting MAX_CONNECTIONS_PER_IP)
  most=$((${most:-10} + 4))
  if ((most > 64)); then
    skip "claimed addresses: MAX_CONNECTIONS_PER_IP is too high to be tried politely"
    return
  fi
  for ((i = 1; i <= most; i++)); do
    upgrade "$i" -H "X-Forwarded-For: 203.0.113.$i" -H "X-Real-IP: 203.0.113.$i" -H "Forwarded: for=203.0.113.$i" &
  done
  wait
  if [[ $proxied == no && -n $(setting TRUSTED_PROXIES) ]]; then
    skip "claimed addresses: seen from here, this script is the trusted proxy; use --url"
  else
    check "a claimed address is not believed" "the proxy must overwrite it: proxy_set_header X-Forwarded-For \$remote_addr;" \
      grep -qx 429 "$tmp"/upgrade.*
  fi
}

# --- From inside ----------------------------------------------------------------------------------------------------
# shellcheck source=deploy/doctor-inside.sh
source "$here/doctor-inside.sh"

check_machine() {
  local clock='timedatectl set-ntp true: the days of the budget follow this clock'
  if has timedatectl && timedatectl show -p NTPSynchronized --value >"$tmp/ntp" 2>/dev/null; then
    check "the clock is kept right" "$clock" is "$(<"$tmp/ntp")" yes
  else
    skip "the clock: no timedatectl here to ask"
  fi
  check "Node.js is new enough" "20.19 or newer: https://nodejs.org" new_node
}
new_node() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; }

if check_reached; then
  check_pages
  check_headers
  check_tls
  check_sockets
  check_spoofing
fi
check_settings
check_key
check_books
check_machine
echo
case $findings in
  0) echo "All is well." ;;
  1) echo "1 finding." ;;
  *) echo "$findings findings." ;;
esac
exit $((findings > 60 ? 60 : findings))
