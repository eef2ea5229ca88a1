#!/bin/sh
# Installs what `make docker-test` needs on Debian: Docker's engine, Compose, and what makes a base
# image without a registry. Needs root. Starts nothing: the test starts an engine of its own.
set -eu
missing=
for package in docker.io docker-compose mmdebstrap iptables; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "error: not root, so nothing can be installed" >&2; echo "hint:  sudo apt install$missing" >&2; exit 1; }
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the names are meant to be split
install() { apt-get install --yes --quiet --no-install-recommends $missing </dev/null; }
echo "installing$missing …"
install >/dev/null 2>&1 || { apt-get update --quiet >/dev/null && install >/dev/null; }
