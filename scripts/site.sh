#!/bin/sh
# Builds the documentation into build/site; a warning, such as a link that leads nowhere, fails it.
set -eu
cd "$(dirname "$0")/.."
rm -rf build/site
NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
echo "build/site/index.html"
