#!/usr/bin/env bash
# Installs what building and testing need: Debian packages and the Python environment .venv. Does nothing, quickly, when
# all is there. Uses sudo only when something is missing and this is not root.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  # build
  build-essential cmake ninja-build ccache pkg-config binutils
  libboost1.81-dev libssl-dev libsimdjson-dev libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev libutf8proc-dev
  libonig-dev libsqlite3-dev libpq-dev libhnswlib-dev libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  # test
  libgtest-dev libgmock-dev libsimde-dev clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 universal-ctags
  chromium chromium-driver shellcheck neovim valgrind
  # both
  ca-certificates curl python3 python3-venv python3-pip
)

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]; }
has_candidate() { apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [^(]'; }

if ! command -v apt-get > /dev/null; then
  echo "install_deps: this is not Debian; install the counterparts of: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done

if ((${#missing[@]} > 0)); then
  as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null; then
      echo "install_deps: as root, run: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  for package in "${missing[@]}"; do
    # A fresh image has no package lists at all.
    has_candidate "$package" || { "${apt[@]}" update; break; }
  done
  # Lists that have grown old name files that are gone: fetch new ones and try once more.
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" > /dev/null || {
    "${apt[@]}" update
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" > /dev/null
  }
fi

# promtool, which checks the example rules. Unpacked and not installed: its package would start a server.
if [[ ! -x .venv/tools/usr/bin/promtool ]]; then
  echo "Unpacking promtool into .venv/tools"
  unpacked=$(mktemp -d)
  if (cd "$unpacked" && apt-get -qq download prometheus > /dev/null 2>&1) && mkdir -p .venv/tools &&
    dpkg -x "$unpacked"/prometheus_*.deb "$unpacked/all"; then
    install -D "$unpacked/all/usr/bin/promtool" .venv/tools/usr/bin/promtool
  else
    echo "install_deps: no promtool; its tests are skipped" >&2
  fi
  rm -r "$unpacked"
fi

# Debian's own interpreter, whatever else stands in PATH: the environment must not vanish with it.
requirements=tools/requirements-test.txt
more_requirements=tools/requirements-without-dependencies.txt
stamp=.venv/requirements.installed
if [[ ! -x .venv/bin/python ]] || ! cat "$requirements" "$more_requirements" | cmp -s - "$stamp"; then
  echo "Making the Python environment .venv from $requirements"
  [[ -x .venv/bin/python ]] || /usr/bin/python3 -m venv .venv
  pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
  "${pip[@]}" --requirement "$requirements"
  "${pip[@]}" --no-deps --requirement "$more_requirements"
  cat "$requirements" "$more_requirements" > "$stamp"
fi
