#!/bin/sh
# Deploys video-rag on this machine, by hand or from CI over SSH (docs/how-to/docker.md).
#
#   ./deploy.sh up          get the images, copy the ledger, bring its form up to date, start, wait until
#                           all is healthy; when it does not get there, what ran before runs again
#   ./deploy.sh build       build our image anew
#   ./deploy.sh status      what runs, and how it is
#   ./deploy.sh logs [SERVICE…]
#   ./deploy.sh run CMD…    a command in the running app: ./deploy.sh run video-rag list
#   ./deploy.sh rollback    what ran before the last `up` (the ledger stays as it is)
#   ./deploy.sh down        end all of it; the library stays in its volumes
#
# Settings come from .env beside it; the environment wins over it (VIDEO_RAG_IMAGE=… ./deploy.sh up).
# What runs is kept in .running, what ran before it in .before, both with their .env: mode 700.
set -eu
umask 077
cd "$(dirname "$0")"
WAIT_SECONDS=${WAIT_SECONDS:-240}
OURS='video-processor worker clock'

say() { printf '%s\n' "$*" >&2; }

refuse() {
    printf 'error: %s\nhint:  %s\n' "$1" "$2" >&2
    exit 1
}

# Variables of DIR/.env, as compose reads them, without overwriting what the environment has.
load() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in [A-Z]*=*) ;; *) continue ;; esac
        name=${line%%=*}
        given=${line#*=}
        case $given in
            \'*\') given=${given#\'} given=${given%\'} ;;
            \"*\") given=${given#\"} given=${given%\"} ;;
        esac
        eval "is_set=\${$name+yes}"
        [ -n "$is_set" ] || export "$name=$given"
    done <"$1/.env"
}

if docker compose version >/dev/null 2>&1; then COMPOSE='docker compose'; else COMPOSE=docker-compose; fi

# compose_in DIR ARGUMENT…: with the files and settings of that folder, whatever it is.
compose_in() (
    cd "$1"
    shift
    load .
    $COMPOSE "$@"
)

compose() { compose_in . "$@"; }

container_of() { compose ps -q "$1" 2>/dev/null | head -n 1; }

check_machine() {
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || refuse "Docker does not answer" \
        "start it (systemctl start docker, or Docker Desktop), or set DOCKER_HOST"
    $COMPOSE version >/dev/null 2>&1 || refuse "Docker has no Compose" "install docker-compose-plugin"
    [ -s .env ] || refuse "there are no settings in $PWD/.env" "cp .env.example .env"
    (load . && sh ./check.sh) || exit 1
}

# --- the image -----------------------------------------------------------------------------

build() (
    load .
    target=$(printf '%s' "$VIDEO_RAG_IMAGE" | sed 's/.*[:-]//')
    case $target in slim | cpu | gpu) ;; *) target=cpu ;; esac
    revision=$(git rev-parse HEAD 2>/dev/null || true)
    say "building $VIDEO_RAG_IMAGE (target $target) …"
    DOCKER_BUILDKIT=1 docker build -f Dockerfile --target "$target" -t "$VIDEO_RAG_IMAGE" \
        --build-arg PYTHON_IMAGE="$PYTHON_IMAGE" --build-arg PYPI_MIRROR="${PYPI_MIRROR:-}" \
        --build-arg APT_MIRROR="${APT_MIRROR:-}" --build-arg REVISION="$revision" .. >build.log 2>&1 || {
        tail -n 15 build.log >&2
        refuse "the image could not be built" "see $PWD/build.log; without a way to PyPI or the registry set the mirrors in .env"
    }
)

fetch() (
    load .
    case $VIDEO_RAG_IMAGE in
        */*)
            say "pulling $VIDEO_RAG_IMAGE …"
            docker pull -q "$VIDEO_RAG_IMAGE" >/dev/null 2>pull.log && return
            docker image inspect "$VIDEO_RAG_IMAGE" >/dev/null 2>&1 || refuse \
                "$VIDEO_RAG_IMAGE cannot be pulled: $(tail -n 1 pull.log)" \
                "look at the name in VIDEO_RAG_IMAGE, docker login, and the way to the registry"
            say "the registry does not answer; the $VIDEO_RAG_IMAGE that is here is used" ;;
        *) docker image inspect "$VIDEO_RAG_IMAGE" >/dev/null 2>&1 || build ;;
    esac
)

# --- the ledger ----------------------------------------------------------------------------

COPY='
import os, pathlib, sqlite3, sys
home = pathlib.Path("/app/data"); folder = home / "backups"
if (home / "library.db").exists():
    folder.mkdir(mode=0o700, exist_ok=True)
    to = folder / f"ledger-{sys.argv[1]}.db"
    with sqlite3.connect(f"file:{home}/library.db?mode=ro", uri=True) as here, sqlite3.connect(to) as there:
        here.backup(there)
    assert there.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the copy is damaged"
    there.close(); os.chmod(to, 0o600); print(to)
    for old in sorted(folder.glob("ledger-*.db"))[:-5]: old.unlink()
'

# Copies the ledger while all runs; prints where to, nothing when there is none yet.
backup() {
    stamp=$(date -u +%Y%m%dT%H%M%SZ)
    if [ -n "$(container_of postgres)" ]; then
        mkdir -p backups
        compose exec -T postgres pg_dump -U video-rag -Fc video-rag >"backups/ledger-$stamp.dump" && echo "backups/ledger-$stamp.dump"
    else
        compose exec -T video-processor python -c "$COPY" "$stamp"
    fi
}

# put_back DIR COPY: an SQLite ledger as it was copied, with the app ended.
put_back() {
    case $2 in
        /app/data/*) compose_in "$1" run --rm -T --no-deps --entrypoint sh setup -c \
            "cd /app/data && rm -f library.db-wal library.db-shm && cp '$2' library.db" ;;
        *) say "put back the ledger by hand: docs/how-to/docker.md (from $2)" ;;
    esac
}

# --- start and wait ------------------------------------------------------------------------

# What one container is: ok, wait, or a reason why it is bad.
look() {
    docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.RestartCount}} {{index .Config.Labels "com.docker.compose.service"}}' "$1" |
        {
            read -r state health code restarts service
            case $state-$health-$code in
                running-healthy-* | running-none-*)
                    if [ "$restarts" -lt 3 ]; then echo ok; else echo "$service starts again and again"; fi ;;
                running-starting-* | created-*) echo wait ;;
                exited-*-0)
                    case $service in setup | check | logs-setup) echo ok ;; *) echo "$service has ended" ;; esac ;;
                restarting-*)
                    if [ "$restarts" -lt 3 ]; then echo wait; else echo "$service starts again and again"; fi ;;
                *) echo "$service is $state, $health, with exit code $code" ;;
            esac
        }
}

# Waits until every container of DIR is well; says what is not and fails when one is not.
ready() {
    left=$WAIT_SECONDS
    calm=0
    while [ "$left" -gt 0 ]; do
        verdicts=$(for one in $(compose_in "$1" ps -a -q); do look "$one"; done)
        bad=$(printf '%s\n' "$verdicts" | grep -v -e '^ok$' -e '^wait$' | head -n 1)
        [ -z "$bad" ] || { say "error: $bad"; return 1; }
        # one that ends at once is well for a moment
        if printf '%s\n' "$verdicts" | grep -q '^wait$'; then calm=0; else calm=$((calm + 1)); fi
        [ "$calm" -lt 3 ] || return 0
        sleep 1
        left=$((left - 1))
    done
    say "error: not healthy after $WAIT_SECONDS seconds"
    return 1
}

start() {
    compose_in "$1" up -d --remove-orphans >"$1/up.log" 2>&1 && return
    if grep -q -i -e 'port is already allocated' -e 'address already in use' "$1/up.log"; then
        say "error: a port is in use: $(grep -i -e 'already allocated' -e 'already in use' "$1/up.log" | tail -n 1)"
        say "hint:  choose others in .env: HTTP_PORT, HTTPS_PORT (and PUBLIC_URL)"
    elif grep -q -i 'no space left' "$1/up.log"; then
        say "error: the disk is full"
        say "hint:  docker system df; docker image prune"
    elif grep -q -i 'overlaps' "$1/up.log"; then
        say "error: another network has these addresses"
        say "hint:  choose others in .env: FRONT_SUBNET, FRONT_RANGE, CADDY_ADDRESS"
    else
        tail -n 5 "$1/up.log" >&2
    fi
    return 1
}

# Keeps what is in this folder as what runs: only small files, and no other copy.
keep() {
    rm -rf "$1.new"
    mkdir "$1.new"
    for file in .env ./*; do
        case $file in ./*.log | ./backups | ./README.md) ;; *) cp -a "$file" "$1.new/" ;; esac
    done
    rm -rf "$1"
    mv "$1.new" "$1"
}

# back DIR: start what that folder keeps, with the image of before.
back() {
    if ! [ -d "$1" ] || ! docker image inspect video-rag:before >/dev/null 2>&1; then
        say "nothing ran before: the containers are left as they are. See ./deploy.sh logs"
        return 1
    fi
    say "going back to what ran before …"
    VIDEO_RAG_IMAGE=video-rag:before
    export VIDEO_RAG_IMAGE
    # shellcheck disable=SC2086 # names
    compose stop -t 20 $OURS >/dev/null 2>&1 || true
    if ! { start "$1" && ready "$1"; }; then
        # it may refuse a ledger that the newer version brought forward
        [ -n "${copy:-}" ] || return 1
        # shellcheck disable=SC2086
        compose_in "$1" stop -t 20 $OURS >/dev/null 2>&1 || true
        { put_back "$1" "$copy" && start "$1" && ready "$1"; } || return 1
        say "the ledger is that of before, from $copy"
    fi
    say "what ran before runs again, from $PWD/$1 and the image video-rag:before"
}

show_logs() {
    say "--- last lines of the logs"
    # shellcheck disable=SC2086
    compose logs --tail 8 setup $OURS caddy 2>/dev/null | tail -n 30 >&2 || true
}

up() {
    check_machine
    fetch
    running=$(container_of video-processor)
    copy=
    if [ -n "$running" ]; then
        docker tag "$(docker inspect --format '{{.Image}}' "$running")" video-rag:before
        [ -d .running ] || keep .running
        if [ "$(docker inspect --format '{{.State.Running}}' "$running")" = true ]; then
            copy=$(backup) || refuse "the ledger could not be copied, so nothing was changed" "see ./deploy.sh logs, and the room on the disk"
            [ -z "$copy" ] || say "the ledger was copied to $copy"
        fi
        # shellcheck disable=SC2086
        compose stop -t 30 $OURS >/dev/null 2>&1 || true
    fi
    say "starting …"
    if start . && ready .; then
        if [ -n "$running" ]; then rm -rf .before && mv .running .before; fi
        keep .running
        address=$(load . && printf '%s' "$PUBLIC_URL")
        say "ready: $address"
        [ -n "$running" ] || say "make a key for yourself: ./deploy.sh run video-rag keys add NAME --role admin"
        return
    fi
    show_logs
    [ -n "$running" ] || docker image rm video-rag:before >/dev/null 2>&1 || true
    back .running || true
    exit 1
}

case ${1:-} in
    up) up ;;
    build) check_machine && build ;;
    status) compose ps ;;
    logs) shift && compose logs --tail 200 "$@" ;;
    run) shift && compose exec -T video-processor "$@" ;;
    rollback) copy= && back .before && rm -rf .running && mv .before .running ;;
    down) compose down ;;
    *) sed -n '2,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0" ;;
esac
