#!/bin/sh
# Starts the parts of Airflow (3 or 2.11) on this machine, and ends all of them with Ctrl-C, TERM, or
# when one of them ends. `airflow standalone` would do, too, but on Airflow 3 it insists on a
# manager of users that keeps passwords in plain text.
#
# Needs `airflow` on PATH, and what docs/how-to/airflow.md exports. Each part logs to
# $AIRFLOW_HOME/logs/<part>.log.
set -eu

version=$(airflow version 2>/dev/null | tail -n 1)
case $version in
    2.*) parts='webserver scheduler triggerer' ;;
    *) parts='api-server scheduler dag-processor triggerer' ;;
esac
logs=${AIRFLOW_HOME:?is not set: see docs/how-to/airflow.md}/logs
mkdir -p "$logs"

pids=
stop() {
    trap - INT TERM EXIT
    # shellcheck disable=SC2086 # the numbers are meant to be split
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for part in $parts; do
    airflow "$part" >>"$logs/$part.log" 2>&1 &
    pids="$pids $!"
done
echo "Airflow $version runs ($parts); logs are in $logs"
while :; do
    for pid in $pids; do
        kill -0 "$pid" 2>/dev/null || {
            echo "error: a part of Airflow has ended: see the end of the files in $logs" >&2
            exit 1
        }
    done
    sleep 2
done
