#!/bin/sh
# Installs s3rver, an S3 server for tests that refuses unknown keys, into build/s3rver, as the
# committed package-lock says. No script of any package is run. Never fails: what needs it skips.
set -u
cd "$(dirname "$0")/.." || exit 0
from=tests/s3rver
to=build/s3rver
command -v npm >/dev/null 2>&1 || {
    echo "no npm: the tests against s3rver will be skipped (apt install npm)"
    exit 0
}
cmp -s "$from/package-lock.json" "$to/installed-lock.json" && exit 0
mkdir -p "$to" || exit 0
cp "$from/package.json" "$from/package-lock.json" "$to/" || exit 0
echo "installing s3rver for the tests …"
if (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$to/npm.log" 2>&1
then
    cp "$to/package-lock.json" "$to/installed-lock.json"
else
    tail -n 3 "$to/npm.log"
    echo "s3rver could not be installed; the tests that need it will be skipped."
fi
exit 0
