#!/bin/sh
# Installs video-rag with all its extras and the tools of its developers into .venv, as uv.lock says.
#
# Does nothing when .venv already fits uv.lock and pyproject.toml, so it may be called at any time
# and without a network. Takes uv from PATH, or gets its own into .boot. PYTHON=/path chooses the
# interpreter.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.setup-done
wanted=$(cat pyproject.toml uv.lock scripts/setup.sh | cksum)

is_done() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null
}

say() { printf '%s\n' "$*" >&2; }

# What an interpreter must have: the version, a venv module that works (Debian ships it apart), and
# an SQLite with full-text search.
fits='
import sys
if sys.version_info < (3, 11):
    sys.exit("is Python %d.%d; 3.11 or later is needed" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)")
try:
    import sqlite3
    sqlite3.connect(":memory:").execute("create virtual table t using fts5(x)")
except (ImportError, sqlite3.Error):
    sys.exit("has no SQLite with FTS5")
'

find_python() {
    reasons=
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 \
        /usr/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3}; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        if reason=$("$path" -c "$fits" 2>&1); then
            printf '%s\n' "$path"
            return
        fi
        reasons="$reasons  $path $(printf '%s' "$reason" | tail -n 1)
"
    done
    say "No Python that fits was found${PYTHON:+ at PYTHON=$PYTHON}."
    [ -z "$reasons" ] || printf '%s' "$reasons" >&2
    say "Install Python 3.11 or later (on Debian 12: apt install python3 python3-venv)" \
        "or name one: make setup PYTHON=/path/to/python3"
    return 1
}

uv_is_new_enough() {
    version=$("$1" --version 2>/dev/null) || return 1
    version=${version#uv }
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    [ "$major" -gt 0 ] 2>/dev/null || [ "$minor" -ge 9 ] 2>/dev/null
}

find_uv() {
    for candidate in uv .boot/bin/uv; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        if uv_is_new_enough "$path"; then
            printf '%s\n' "$path"
            return
        fi
    done
    say "getting uv into .boot …"
    rm -rf .boot
    "$python" -m venv .boot
    .boot/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
    printf '%s\n' .boot/bin/uv
}

# Inexact: plug-ins that a person installed into .venv stay.
sync() {
    "$uv" sync --quiet --locked --inexact --all-extras --python "$interpreter" "$@"
}

is_done && exit 0

# A virtual environment that is active and settings of uv for other projects are not meant here.
unset VIRTUAL_ENV UV_PROJECT UV_NO_DEV UV_NO_EDITABLE
export UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never

python=$(find_python)
uv=$(find_uv)
# Keep the interpreter of an environment that works: another one would make uv build it anew.
interpreter=$python
.venv/bin/python -c "$fits" 2>/dev/null && [ -z "${PYTHON:-}" ] && interpreter=.venv/bin/python
say "installing video-rag into .venv (the first time 1.3 GB on disk) …"
if ! sync; then
    say "trying again with what is on this machine already …"
    sync --offline || {
        say "uv could not install everything; it says why above. The first installation needs a way" \
            "to the Python package index."
        exit 1
    }
fi
printf '%s\n' "$wanted" >"$stamp"
