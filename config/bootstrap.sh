#!/bin/sh
# Makes a fresh Debian 12 ready and starts the kiosk; what is ready already is left alone.
#
#   sh config/bootstrap.sh demo [ARGUMENT...]   the full-screen app with simulated devices (arguments of `kiosk demo`)
#   sh config/bootstrap.sh test [ARGUMENT...]   the test suite (arguments of pytest)
#
# Run as root or as a user with sudo. Leaves .venv/bin/kiosk and .venv/bin/hw.
set -eu

usage() {
    sed -n '2,7s/^#$//; 2,7s/^# //p' "$0" >&2
    exit 64
}

[ $# -ge 1 ] || usage
goal=$1
shift

# pyscard comes as source only: the compiler, swig and the headers build it. The fonts draw what is printed, the
# dictionaries (skkdic, of names skkdic-extra) propose how a name is written.
packages='python3-venv python3-dev gcc libc6-dev swig libpcsclite-dev fonts-morisawa-bizud-gothic fonts-ipaexfont-gothic'
packages="$packages skkdic skkdic-extra"
case $goal in
    demo) ;;
    # What the tests hold the product against: a card service with a virtual reader, card tools, OpenSSL, libxmlsec, a terminal
    # and its font, the checker of units, a database server, the recorder of system calls, a synthesiser of speech, and
    # the variants of ideographs.
    test)
        packages="$packages pcscd vsmartcard-vpcd opensc yubico-piv-tool openssl xmlsec1 softhsm2 tmux systemd postgresql strace"
        packages="$packages fonts-dejavu-core fonts-wqy-microhei open-jtalk open-jtalk-mecab-naist-jdic unicode-data"
        ;;
    *) usage ;;
esac

cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$1" >&2; }

# stage WHAT ADVICE: names what comes next, and what to do should it fail.
stage() {
    doing=$1 advice=$2
    say "$doing"
}

explain() {
    status=$?
    [ $status -eq 0 ] || [ -z "${doing-}" ] || say "failed ($status): $doing. $advice"
}
trap explain EXIT

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >/dev/null
}

pip_install() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input -q install "$@" >&2
}

install_missing_packages() {
    # shellcheck disable=SC2086  # a list of words
    installed=$(dpkg-query -W -f '${db:Status-Status}:${Package} ' $packages 2>/dev/null) || true
    missing=
    for package in $packages; do
        case " $installed" in
            *" installed:$package "*) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0

    stage "installing system packages:$missing" "Check the network and that you are root or may use sudo, then start again."
    apt_get update
    # shellcheck disable=SC2086  # a list of words
    apt_get install -y --no-install-recommends $missing
    doing=
}

# The first Python that can make environments, as "PATH MAJOR.MINOR".
find_python() {
    for candidate in /usr/bin/python3 python3; do
        "$candidate" -c '
import ensurepip, sys, venv
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable, "%d.%d" % sys.version_info[:2])' 2>/dev/null && return 0
    done
    say 'no Python 3.11 or newer with venv; Debian 12 has it: apt-get install python3-venv'
    return 1
}

# Names everything that the environment was built from; another value means another environment.
environment_stamp() {
    { pwd -P; echo "$python"; cat config/requirements.lock pyproject.toml; } | sha256sum
}

environment_is_ready() {
    [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$(environment_stamp)" ]
}

# The stamp is written last: an environment that was interrupted half-way has none and is built anew.
build_environment() {
    stage 'making the Python environment .venv' 'Check that this folder is yours to write and the disk is not full.'
    "${python% *}" -m venv --clear .venv

    stage 'installing locked Python packages (a minute or two)' 'Check the network, then start again.'
    # setuptools first: what has to be built is built with the locked one, so that nothing unlocked is ever fetched.
    awk '/^setuptools==/ { found = 1 } found { print } found && !/\\$/ { exit }' \
        config/requirements.lock >.venv/setuptools.lock
    pip_install --require-hashes -r .venv/setuptools.lock
    pip_install --require-hashes --no-build-isolation -r config/requirements.lock

    stage 'installing kiosk and hw' 'Look at the message above; pyproject.toml may be damaged.'
    # compat: a plain path, no import hook that every start would pay for.
    pip_install --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
    .venv/bin/python -m compileall -q kiosk hw >&2

    environment_stamp >.venv/stamp.new
    mv .venv/stamp.new .venv/stamp
}

compile_translations() {
    for source in kiosk/locale/*/LC_MESSAGES/kiosk.po; do
        [ -e "$source" ] || continue
        [ -z "$(find "${source%.po}.mo" -newer "$source" 2>/dev/null)" ] || continue
        stage "compiling $source" 'Look at the message above; the file may be damaged.'
        .venv/bin/pybabel -q compile -i "$source" -o "${source%.po}.mo.new" >&2
        mv "${source%.po}.mo.new" "${source%.po}.mo"
    done
}

install_missing_packages
python=$(find_python)
environment_is_ready || build_environment
compile_translations
doing=

case $goal in
    demo)
        exec .venv/bin/kiosk demo "$@"
        ;;
    test)
        # The suite starts the programs some hundred times; each would compile what was changed since.
        .venv/bin/python -m compileall -q -j 0 kiosk hw tests
        .venv/bin/ruff check .
        .venv/bin/ruff format --check .
        # Each worker goes through neighbours, so that what a file sets up is set up once. One more than the two cores that a
        # machine has at least, since many tests wait for devices.
        exec .venv/bin/pytest -n 3 --dist worksteal -q -m 'not fresh and not thorough' "$@"
        ;;
esac
