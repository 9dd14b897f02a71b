# How install.sh does things: nothing changes the machine but through these. Sourced, with its variables.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # install.sh sets and reads them

step() { say "== $*"; }
# Always a change: only called where something is missing.
run() {
  changes=$((changes + 1))
  say "   $*"
  [[ $dry == yes ]] || "$@"
}
# Changes nothing that lasts.
again() { [[ $dry == yes ]] || "$@"; }
# put FILE MODE OWNER <text: writes the file unless it says that already, and tells in $written.
put() {
  local file=$1 mode=$2 owner=$3 text
  text=$(cat && printf x)
  text=${text%x}
  written=no
  if [[ -f $file && $(cat "$file" && printf x) == "${text}x" ]]; then
    own "$mode" "$owner" "$file"
    return 0
  fi
  written=yes
  changes=$((changes + 1))
  say "   write $file ($mode, $owner)"
  [[ $dry == no ]] || return 0
  [[ -d $(dirname "$file") ]] || install -d -m 0755 "$(dirname "$file")"
  printf '%s' "$text" >"$file.new"
  chmod "$mode" "$file.new"
  chown "$owner" "$file.new"
  mv "$file.new" "$file"
}
# folder DIR MODE OWNER
folder() {
  [[ -d $1 ]] || run install -d -m "$2" "$1"
  own "$2" "$3" "$1"
}
own() {
  [[ $dry == no ]] || return 0
  chmod "$1" "$3"
  chown "$2" "$3"
}
packages() {
  local missing=() name
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  run env DEBIAN_FRONTEND=noninteractive apt-get update -q
  run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}
as_user() {
  # Not this shell's environment: PM2 would write it down.
  runuser -u "$user" -- env -i -C "$app" PATH="$PATH" HOME="$home" PM2_HOME="$home/.pm2" "$@"
}

# Everybody's to read and run, whatever our umask.
install_globally() (
  umask 022
  npm install --global --no-audit --no-fund --loglevel=error "$1"
)
