#!/bin/sh
# Packs the function into a folder and function.zip: sh deploy/function/pack.sh [FOLDER] [PYTHON]
# Run it in the project's folder, with uv (https://docs.astral.sh/uv) on the path or in UV.
set -eu
here=$(dirname "$0")
folder=${1:-build/function}
python=${2:-3.12}
project=$(cd "$here/../.." && pwd)
rm -rf "$folder" "$folder.zip"
sed "s#^video-rag\[\(.*\)\]#video-rag[\1] @ file://$project#" "$here/requirements.txt" |
  ${UV:-uv} pip install --quiet --target "$folder" --python-version "$python" \
    --python-platform x86_64-manylinux_2_28 --only-binary :all: --no-binary video-rag -r -
# Of video and sound nothing is decoded here; clouds count the bytes.
rm -rf "$folder"/av "$folder"/av.libs "$folder"/bin
find "$folder" -name __pycache__ -prune -exec rm -rf {} +
cp "$here"/*.py "$folder"
(cd "$folder" && python3 -m zipfile -c "../$(basename "$folder").zip" ./*)
echo "$folder.zip: $(du -sm "$folder.zip" | cut -f1) MB, $(du -sm "$folder" | cut -f1) MB unpacked"
