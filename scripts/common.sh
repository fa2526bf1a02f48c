# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by demo, test and .ci/run: the top of the repository, compiler, number of jobs.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

say() { printf '\n==> %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command and shows it first, quoted as it could be typed.
run() {
  printf '+'; printf ' %q' "$@"; printf '\n'
  "$@"
}

# GCC 12 is what every change is tried with. CMake reads CXX when a build folder is first configured.
pick_compiler() {
  if [ -z "${CXX:-}" ]; then
    CXX=g++
    if command -v g++-12 >/dev/null; then CXX=g++-12; fi
  fi
  export CXX
  command -v "$CXX" >/dev/null || die "compiler '$CXX' not found"
  local major
  major=$("$CXX" -dumpversion | cut -d. -f1)
  if "$CXX" --version | grep -qi clang; then
    [ "$major" -ge 14 ] || die "$CXX is clang $major, clang 14 or newer is wanted"
  else
    [ "$major" -ge 12 ] || die "$CXX is GCC $major, GCC 12 or newer is wanted (package g++-12)"
  fi
}

check_cmake() {
  command -v cmake >/dev/null || die "cmake not found"
  local version
  version=$(cmake --version | awk 'NR == 1 { print $3 }')
  [ "$(printf '%s\n' 3.24 "$version" | sort -V | head -n 1)" = 3.24 ] ||
    die "cmake is $version, 3.24 or newer is wanted"
}

# As many compilers as there are CPUs, but no more than one per GiB of free memory.
num_jobs() {
  local cpus memory
  cpus=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cpus < memory ? cpus : memory))
}
