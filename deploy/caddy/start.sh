#!/bin/sh
# Starts Caddy with the ways to the consoles, or without them while there is no password for them.
# Caddy wants the password hashed; it is hashed here, so that .env holds it as people type it.
set -eu
export CONSOLES=closed
if [ -n "${CONSOLE_PASSWORD:-}" ]; then
    CONSOLE_PASSWORD_HASH=$(printf '%s\n' "$CONSOLE_PASSWORD" | caddy hash-password)
    export CONSOLE_PASSWORD_HASH CONSOLES=open
fi
unset CONSOLE_PASSWORD
exec caddy run --config /etc/caddy/Caddyfile --adapter caddyfile
