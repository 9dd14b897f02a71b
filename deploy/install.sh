#!/usr/bin/env bash
# From an empty Debian or Ubuntu server to Le Mécano behind TLS. Run it again for a newer version or another setting:
# what is there already stays as it is. See --help and docs/install.md.
set -euo pipefail
umask 077

usage() {
  cat <<'TEXT'
Usage: sudo deploy/install.sh --domain NAME --email ADDRESS [options]

  --domain NAME      the name that visitors will use; its DNS must lead here
  --email ADDRESS    where the certificate authority may write to
  --with WHAT        systemd (hardened unit, the default) or pm2
  --proxy WHAT       nginx (with certbot, the default) or caddy
  --key-file FILE    a file that holds the Gemini key and nothing else; without one: demonstration mode
  --cert FILE --cert-key FILE    a certificate of your own instead of Let's Encrypt's
  --no-firewall      leave ufw alone
  --dry-run          say what would be done, and do nothing
  --help             this text

Code goes to /opt/le-mecano, settings, key and persona to /etc/le-mecano, conversations and books to /var/lib/le-mecano.
TEXT
}

say() { printf '%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}
wrong() { die "$1; see --help" 64; }

# --- What is wanted -------------------------------------------------------------------------------------------------
domain='' email='' manager=systemd proxy=nginx key_file='' cert='' cert_key='' firewall=yes dry=no
while [[ $# -gt 0 ]]; do
  case $1 in
    --domain | --email | --with | --proxy | --key-file | --cert | --cert-key)
      [[ $# -ge 2 && -n $2 && $2 != --* ]] || wrong "$1 needs a value" ;;&
    --domain) domain=$2 && shift ;;
    --email) email=$2 && shift ;;
    --with) manager=$2 && shift ;;
    --proxy) proxy=$2 && shift ;;
    --key-file) key_file=$2 && shift ;;
    --cert) cert=$2 && shift ;;
    --cert-key) cert_key=$2 && shift ;;
    --no-firewall) firewall=no ;;
    --dry-run) dry=yes ;;
    --help | -h) usage && exit 0 ;;
    *) wrong "unknown option $1" ;;
  esac
  shift
done
[[ $manager =~ ^(systemd|pm2)$ ]] || wrong "--with is systemd or pm2"
[[ $proxy =~ ^(nginx|caddy)$ ]] || wrong "--proxy is nginx or caddy"
[[ $domain =~ ^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$ ]] || wrong "--domain needs a name such as chat.example.com"
[[ -n $cert && -n $cert_key || -z $cert$cert_key ]] || wrong "--cert and --cert-key go together"
[[ -n $cert || $email =~ ^[^[:space:]@]+@[^[:space:]@]+$ ]] || wrong "--email needs an address"
for file in "$key_file" "$cert" "$cert_key"; do
  [[ -z $file || -r $file ]] || die "$file can't be read"
done

# --- Where ----------------------------------------------------------------------------------------------------------
# As with make: everything is written below DESTDIR, for packagers and tests.
dest=${DESTDIR:-}
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
user=le-mecano
app=$dest/opt/le-mecano etc=$dest/etc/le-mecano home=$dest/var/lib/le-mecano
changes=0 restart=no

# --- How things are done, and how they are only said in a dry run -----------------------------------------------------
# shellcheck source=deploy/install-tools.sh
source "$source_dir/deploy/install-tools.sh"

# --- The machine ----------------------------------------------------------------------------------------------------
check_machine() {
  grep -qsE '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release || die "this is neither Debian nor Ubuntu: follow docs/install.md by hand"
  [[ $dry == yes || $EUID -eq 0 ]] || die "needs root: sudo $0 …"
  [[ -f $source_dir/package-lock.json && -d $source_dir/server ]] || die "$source_dir holds no checkout of Le Mécano"
  local other=caddy
  [[ $proxy == nginx ]] || other=nginx
  ! systemctl is-active --quiet "$other" 2>/dev/null ||
    die "$other runs here and has the ports: systemctl disable --now $other first, or choose --proxy $other"
}

new_enough() { [[ $(printf '%s\n' 20.19.0 "$1" | sort -V | head -n 1) == 20.19.0 ]]; }
node_version() { node --version 2>/dev/null | tr -d v; }

install_node() {
  step "Node.js 20.19 or newer"
  local version offered
  version=$(node_version || true)
  if [[ -z $version ]]; then
    again apt-get update -q >/dev/null
    offered=$(apt-cache policy nodejs | awk '$1 == "Candidate:" { print $2 }' | sed 's/^[0-9]*://')
    if new_enough "${offered:-0}"; then
      packages nodejs npm
      [[ $dry == no ]] || return 0
      version=$(node_version)
    else
      version=${offered:-none}
    fi
  fi
  new_enough "$version" || die "Node.js here is $version. Debian 13 and Ubuntu 26.04 bring a newer one; elsewhere add
NodeSource's packages (https://github.com/nodesource/distributions, version 22 or newer), then run this again"
  command -v npm >/dev/null || packages npm
}

install_user() {
  step "A system user, $user"
  id "$user" >/dev/null 2>&1 ||
    run useradd --system --user-group --home-dir /var/lib/le-mecano --no-create-home --shell /usr/sbin/nologin "$user"
  folder "$home" 0700 "$user:$user"
  folder "$etc" 0750 "root:$user"
}

# --- The program ----------------------------------------------------------------------------------------------------
sources() {
  tar -C "$source_dir" -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rwX,go=rX \
    --exclude=./.git --exclude=./node_modules --exclude=./dist --exclude=./data --exclude=./.env --exclude=./coverage --exclude=./.release .
}

install_app() {
  step "The program in $app"
  local release
  release=$(sources | sha256sum | cut -d ' ' -f 1)
  if [[ -f $app/.release && $(<"$app/.release") == "$release" ]]; then return 0; fi
  restart=yes
  # Built beside the running one, and swapped when whole; the last one stays as .old.
  [[ $dry == yes ]] || { rm -rf "$app.new" && install -d -m 0755 "$app.new"; }
  run unpack "$app.new"
  run npm --prefix "$app.new" ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
  run npm --prefix "$app.new" run build --silent
  run swap "$release"
}
unpack() { sources | tar -x -C "$1" --no-same-owner -p; }
swap() {
  ln -sfn /etc/le-mecano/env "$app.new/.env"
  printf '%s\n' "$1" >"$app.new/.release"
  chown -R root:root "$app.new"
  chmod -R u=rwX,go=rX "$app.new"
  rm -rf "$app.old"
  [[ ! -d $app ]] || mv "$app" "$app.old"
  mv "$app.new" "$app"
}

install_settings() {
  step "Settings, key and persona in $etc"
  [[ -d $etc/persona ]] || run cp -r "$source_dir/persona" "$etc/persona"
  [[ $dry == yes ]] || { chown -R "root:$user" "$etc/persona" && chmod -R u=rwX,g=rX,o= "$etc/persona"; }
  local settings=$source_dir/.env.example key_mode=0600 key_owner=root:root
  [[ ! -f $etc/env ]] || settings=$etc/env
  # Under systemd the key is root's and handed over as a credential; PM2 can only be given a file.
  [[ $manager == systemd ]] || { key_mode=0400 && key_owner=$user:$user; }
  put "$etc/env" 0600 "$user:$user" < <(with_settings "$settings")
  [[ $written == no ]] || restart=yes
  if [[ -n $key_file ]]; then
    put "$etc/gemini-api-key" "$key_mode" "$key_owner" <"$key_file"
    [[ $written == no ]] || restart=yes
  elif [[ -f $etc/gemini-api-key ]]; then
    own "$key_mode" "$key_owner" "$etc/gemini-api-key"
  fi
}
has_key() { [[ -n $key_file || -f $etc/gemini-api-key ]]; }
# What a fresh file gets; in one that is there already, only what has no value yet.
with_settings() {
  local key_setting=''
  if [[ $manager == pm2 ]] && has_key; then key_setting=/etc/le-mecano/gemini-api-key; fi
  sed -e 's|^TRUSTED_PROXIES=$|TRUSTED_PROXIES=loopback|' \
    -e 's|^PERSONA_DIR=persona$|PERSONA_DIR=/etc/le-mecano/persona|' \
    -e 's|^STORE_URL=sqlite:data/le-mecano.db$|STORE_URL=sqlite:/var/lib/le-mecano/le-mecano.db|' \
    -e "s|^GEMINI_API_KEY_FILE=\(/etc/le-mecano/gemini-api-key\)\{0,1\}\$|GEMINI_API_KEY_FILE=$key_setting|" "$1"
}

install_systemd() {
  step "systemd unit le-mecano.service"
  [[ ! -f $dest/etc/systemd/system/pm2-$user.service ]] || run systemctl disable --now "pm2-$user"
  local unit=$source_dir/deploy/le-mecano.service without='^$' node
  node=$(command -v node || say /usr/bin/node)
  has_key || without='^(LoadCredential|Environment=GEMINI_API_KEY_FILE)='
  put "$dest/etc/systemd/system/le-mecano.service" 0644 root:root \
    < <(sed -E -e "/$without/d" -e "s|^ExecStart=/usr/bin/node|ExecStart=$node|" "$unit")
  if [[ $written == yes ]]; then
    restart=yes
    run systemctl daemon-reload
  fi
  systemctl is-enabled --quiet le-mecano 2>/dev/null || run systemctl enable le-mecano
  if [[ $restart == yes ]] || ! systemctl is-active --quiet le-mecano; then run systemctl restart le-mecano; fi
}

install_pm2() {
  step "PM2"
  packages logrotate
  if [[ -f $dest/etc/systemd/system/le-mecano.service ]]; then
    run systemctl disable --now le-mecano
    run rm "$dest/etc/systemd/system/le-mecano.service"
  fi
  command -v pm2 >/dev/null || run install_globally pm2@7
  put "$dest/etc/logrotate.d/le-mecano" 0644 root:root <"$source_dir/deploy/logrotate.conf"
  # dump.pm2 and the logs are the user's alone, also when PM2 is started at boot.
  put "$dest/etc/systemd/system/pm2-$user.service.d/umask.conf" 0644 root:root <<<$'[Service]\nUMask=0077'
  [[ -f $dest/etc/systemd/system/pm2-$user.service ]] ||
    run pm2 startup systemd -u "$user" --hp /var/lib/le-mecano
  if [[ $restart == yes || ! -f $home/.pm2/dump.pm2 ]]; then
    run as_user pm2 startOrReload ecosystem.config.js
    run as_user pm2 save
  fi
}

# --- The way in -----------------------------------------------------------------------------------------------------
tls_files() {
  if [[ -n $cert ]]; then
    say "$(realpath "$cert") $(realpath "$cert_key")"
  else
    say "/etc/letsencrypt/live/$domain/fullchain.pem /etc/letsencrypt/live/$domain/privkey.pem"
  fi
}

# Where .env says that the server listens.
port() { sed -n 's/^PORT=\([0-9][0-9]*\)$/\1/p' "$etc/env" 2>/dev/null | grep . || say 8080; }

nginx_conf() {
  local chain private
  read -r chain private < <(tls_files)
  sed -e "s|/etc/letsencrypt/live/chat.example.com/fullchain.pem|$chain|" \
    -e "s|/etc/letsencrypt/live/chat.example.com/privkey.pem|$private|" \
    -e "s|chat\.example\.com|$domain|g" -e "s|127\.0\.0\.1:8080|127.0.0.1:$(port)|" "$source_dir/deploy/nginx.conf"
}
put_nginx() {
  put "$dest/etc/nginx/conf.d/le-mecano.conf" 0644 root:root
  [[ $written == yes ]] || return 0
  run nginx -t -q
  run systemctl reload-or-restart nginx
}

install_nginx() {
  step "nginx with TLS for $domain"
  packages nginx
  folder "$dest/var/www/le-mecano" 0755 root:root
  if [[ -z $cert && ! -d $dest/etc/letsencrypt/live/$domain ]]; then
    packages certbot
    # Port 80 alone, to show that the name is ours.
    put_nginx < <(nginx_conf | sed '/^# --- What follows needs the certificate/,$d')
    run certbot certonly --webroot -w /var/www/le-mecano -d "$domain" -m "$email" --agree-tos -n \
      --deploy-hook 'systemctl reload nginx'
  fi
  put_nginx < <(nginx_conf)
}

install_caddy() {
  step "Caddy with TLS for $domain"
  packages caddy
  local new=no
  if [[ -n $cert ]]; then
    # Copies, because Caddy runs as a user of its own, who may read no key of root's.
    put "$dest$caddy_cert" 0644 root:root <"$cert"
    new=$written
    put "$dest$caddy_key" 0640 root:caddy <"$cert_key"
    [[ $written == no ]] || new=yes
  fi
  put "$dest/etc/caddy/Caddyfile" 0644 root:root < <(caddy_conf)
  if [[ $written == yes || $new == yes ]]; then
    run caddy validate --adapter caddyfile --config "$dest/etc/caddy/Caddyfile"
    run systemctl reload-or-restart caddy
  fi
}
caddy_cert=/etc/caddy/le-mecano.crt caddy_key=/etc/caddy/le-mecano.key
caddy_conf() {
  local tls=''
  [[ -z $email ]] || tls=$'\ttls '"$email"
  [[ -z $cert ]] || tls=$'\ttls '"$caddy_cert $caddy_key"
  sed -e "s|chat\.example\.com|$domain|g" -e "s|127\.0\.0\.1:8080|127.0.0.1:$(port)|" "$source_dir/deploy/Caddyfile" |
    awk -v name="$domain" -v tls="$tls" '{ print } $0 == name " {" { print tls }'
}

# --- The rest of the house --------------------------------------------------------------------------------------------
install_firewall() {
  [[ $firewall == yes ]] || return 0
  step "Firewall: SSH, 80 and 443"
  packages ufw
  local port status
  status=$(ufw status 2>/dev/null || true)
  # The port that this very session came in by too: nobody is to be locked out.
  for port in $(ssh_ports) 80 443; do
    grep -qE "^$port/tcp +ALLOW" <<<"$status" || run ufw allow "$port/tcp"
  done
  grep -q '^Status: active' <<<"$status" || run ufw --force enable
}
ssh_ports() {
  { (sshd -T 2>/dev/null || say port 22) | awk '$1 == "port" { print $2 }' && say "${SSH_CONNECTION:-}" | awk '{ print $4 }'; } |
    grep -E '^[0-9]+$' | sort -un
}

install_upgrades() {
  step "Security updates by themselves, a clock that is right, and what doctor.sh needs"
  packages unattended-upgrades curl openssl
  put "$dest/etc/apt/apt.conf.d/20auto-upgrades" 0644 root:root \
    <<<$'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";'
  # A small image may have nobody who could be asked to keep the clock.
  keeps_clock CanNTP || packages systemd-timesyncd
  keeps_clock NTP || run timedatectl set-ntp true ||
    say "   no time service could be turned on: the budget's days follow this machine's clock"
}
keeps_clock() { [[ $(timedatectl show -p "$1" --value 2>/dev/null) == yes ]]; }

check_machine
[[ $dry == no ]] || say "Dry run: nothing is changed."
install_node
install_user
install_app
install_settings
"install_$manager"
"install_$proxy"
install_firewall
install_upgrades
say
if [[ $dry == yes ]]; then say "$changes changes would be made."; else say "$changes changes made."; fi
say "Next: sudo $app/deploy/doctor.sh --url https://$domain"
