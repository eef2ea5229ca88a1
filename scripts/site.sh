#!/bin/sh
# Builds the documentation into build/site, or the folder given; a warning, such as a link that leads
# nowhere, fails it.
set -eu
cd "$(dirname "$0")/.."
to=${1:-build/site}
rm -rf "$to"
NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet --site-dir "$to"
echo "$to/index.html"
