# What doctor.sh checks from inside: settings, key, books. Sourced, with its variables and functions.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317 # doctor.sh sets them; most functions are called by `check`

check_settings() {
  echo "From inside: $dir"
  if [[ ! -e .env ]]; then
    skip ".env: there is none; settings come from the environment"
  else
    check ".env is its owner's alone" "chmod 600 $(realpath .env)" is "$(stat -Lc %a .env)" 600
  fi
  if [[ $proxied == yes ]]; then
    check "the proxy is trusted" "TRUSTED_PROXIES=loopback in .env: without it all visitors share the proxy's limits" \
      test -n "$(setting TRUSTED_PROXIES)"
  fi
  check "not everybody is trusted" "TRUSTED_PROXIES may name your proxies only: anybody could claim any address" not_all_trusted
  if [[ -z $socket_path ]]; then
    check "only the proxy reaches the server itself" "HOST=127.0.0.1 in .env, or a firewall in front of port ${port:-8080}" \
      loopback "${host:-127.0.0.1}"
  fi
}
not_all_trusted() { [[ ! $(setting TRUSTED_PROXIES) =~ (^|[,[:space:]])[0-9a-fA-F.:]+/[0-7]([,[:space:]]|$) ]]; }
loopback() { [[ $1 =~ ^(127\.|localhost$|::1$) ]]; }

# The key into a file of ours, so that it stands in no command line.
find_key() {
  local named
  named=$(setting GEMINI_API_KEY_FILE)
  setting GEMINI_API_KEY | tr -d '\n' >"$tmp/key"
  local file
  for file in "$key_file" "$named" /etc/le-mecano/gemini-api-key; do
    [[ -s $tmp/key || -z $file || ! -r $file ]] || tr -d '[:space:]' <"$file" >"$tmp/key"
  done
  if [[ -n $named && -e $named ]]; then
    check "the key's file is its owner's alone" "chmod 600 $named" owner_only "$named"
  fi
  [[ -s $tmp/key ]]
}
owner_only() { [[ $(stat -Lc %a "$1") =~ ^[0-7]00$ ]]; }

check_key() {
  if ! find_key; then
    skip "where the key could leak: none was found, so this is the demonstration or needs --key-file"
    return
  fi
  local rotate="make a new key at https://aistudio.google.com/apikey, revoke this one, then"
  local asset
  while read -r asset; do "${outside[@]}" --compressed "$url/${asset#/}" >>"$tmp/assets" 2>/dev/null; done < <(
    grep -oE '(src|href)="/[^"/]+' "$tmp/page" | cut -d '"' -f 2
    echo /embed.js
  )
  hidden "pages and scripts" "$rotate take it out of persona/ and client/ and build again" "$tmp/page" "$tmp/assets" "$tmp/headers"
  hidden "WebSocket frames" "$rotate tell us: this must not be possible" "$tmp/frames"
  hidden "persona and built files" "$rotate take it out of there" -r dist "$(persona_dir)"
  local pm2_home=${PM2_HOME:-}
  [[ -n $pm2_home || ! -d /var/lib/le-mecano/.pm2 ]] || pm2_home=/var/lib/le-mecano/.pm2
  [[ -n $pm2_home ]] || pm2_home=$HOME/.pm2
  if [[ -d $pm2_home ]]; then
    hidden "PM2's dump and logs" "$rotate unset GEMINI_API_KEY; pm2 delete le-mecano; pm2 start ecosystem.config.js; pm2 save" \
      -r --include='dump.pm2*' --include='*.log' "$pm2_home"
    # Only a PM2 that runs is asked: the question would start one.
    if has pm2 && kill -0 "$(cat "$pm2_home/pm2.pid" 2>/dev/null)" 2>/dev/null; then
      PM2_HOME=$pm2_home pm2 jlist >"$tmp/jlist" 2>/dev/null
      hidden "pm2 jlist" "$rotate unset GEMINI_API_KEY; pm2 delete le-mecano; pm2 start ecosystem.config.js; pm2 save" "$tmp/jlist"
    fi
  fi
  if has journalctl; then
    journalctl -u le-mecano --no-pager >"$tmp/journal" 2>/dev/null
    hidden "the journal" "$rotate journalctl --rotate && journalctl --vacuum-time=1s" "$tmp/journal"
  fi
  [[ ${#logs[@]} -eq 0 ]] || hidden "${logs[*]}" "$rotate delete these logs" "${logs[@]}"
}
persona_dir() { realpath "$(setting PERSONA_DIR | grep . || echo persona)" 2>/dev/null || echo /dev/null; }
# hidden WHERE REMEDY grep's arguments…
hidden() {
  local where=$1 remedy=$2
  shift 2
  check "the key is not in $where" "$remedy" absent "$@"
}
absent() { ! grep -qsF -f "$tmp/key" "$@"; }

check_books() {
  as_owner node dist/server/budget.js --json >"$tmp/budget" 2>"$tmp/budget.err"
  check "the books can be read (npm run budget)" "$(head -n 1 "$tmp/budget.err" | grep . || echo 'npm run build')" test -s "$tmp/budget"
  local store path
  store=$(setting STORE_URL)
  store=${store:-sqlite:data/le-mecano.db}
  case $store in
    memory:) [[ ! -s $tmp/key ]] || bad "the store" "memory: forgets what was spent: STORE_URL=sqlite:/var/lib/le-mecano/le-mecano.db" ;;
    sqlite:*)
      path=${store#sqlite:}
      path=${path#//}
      if [[ ! -e $path ]]; then
        bad "the store $path is there" "start the server once; is STORE_URL the one that it reads?"
        return
      fi
      check "the store is its owner's alone" "chmod 600 $path*" is "$(stat -c %a "$path")" 600
      check "the store is on a disk that lasts" "it is on $(filesystem "$path"): put STORE_URL on a local disk" lasting "$path"
      check "the disk has room" "less than 200 MB are free: without room no question is admitted" roomy "$path"
      ;;
    rediss://* | redis://* | redis+sentinel://*) ok "the store is Redis: its append-only file and eviction are checked by the server at each start" ;;
  esac
}
# Root would leave files behind that the server can't write; and this shell's environment would go over .env.
as_owner() {
  local owner
  local clean=(env -i "PATH=$PATH" "HOME=$HOME")
  owner=$(stat -Lc %U .env 2>/dev/null)
  if [[ $EUID -eq 0 && -n $owner && $owner != root ]]; then runuser -u "$owner" -- "${clean[@]}" "$@"; else "${clean[@]}" "$@"; fi
}
filesystem() { stat -f -c %T "$1"; }
lasting() { [[ ! $(filesystem "$1") =~ ^(tmpfs|ramfs|nfs.*|smb.*|cifs|fuseblk)$ ]]; }
roomy() { (($(df --output=avail -k "$1" | tail -n 1) > 200000)); }
