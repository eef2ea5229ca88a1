#!/bin/sh
# Installs the Debian packages that some tests need, when that is possible without a question.
#
# It never fails: a test whose package is missing skips, and says so at the end of the run.
set -u

is_missing() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" != installed ]
}

missing=
if command -v dpkg-query >/dev/null 2>&1; then
    # chromium: the page in tests/browser; fonts-noto-cjk: Chinese text in pictures;
    # espeak-ng: the voice of the sample lecture; postgresql, rabbitmq-server, prometheus,
    # prometheus-alertmanager: started by the tests
    # that need them, on ports and with folders of their own; so is openssh-server, for the deployment.
    # caddy, shellcheck: what deploy/ is checked by.
    for package in chromium fonts-noto-cjk espeak-ng postgresql rabbitmq-server rsyslog \
        rsyslog-elasticsearch caddy shellcheck openssh-server prometheus prometheus-alertmanager; do
        is_missing "$package" && missing="$missing $package"
    done
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Some tests will be skipped; to run them too: sudo apt install$missing"
    exit 0
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
clean_up() {
    rm -f "$log"
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap clean_up EXIT
# What Debian installs it also starts; no test wants that, and nobody asked for a server.
if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null; then
    made_policy=yes
    $as_root chmod 755 "$policy"
fi
echo "installing$missing for the tests …"
export DEBIAN_FRONTEND=noninteractive
install() {
    # shellcheck disable=SC2086 # the names are meant to be split
    $as_root apt-get install --yes --quiet --no-install-recommends $missing </dev/null >"$log" 2>&1
}
# The list of packages may be old or absent: refresh it only when it does not do.
install || { $as_root apt-get update --quiet </dev/null >"$log" 2>&1 && install; } || {
    tail -n 3 "$log"
    echo "They could not be installed; the tests that need them will be skipped."
}
exit 0
