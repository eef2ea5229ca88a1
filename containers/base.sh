#!/bin/sh
# Makes an image like python:…-slim of this machine's Debian and Python, since a registry may be out of
# reach, and imports it as $1. Only this image is told of the authorities that this machine trusts
# beside the usual ones.
set -eu
name=$1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mmdebstrap --quiet --mode=root --variant=minbase \
    --include=ca-certificates,netbase,tzdata,libssl3,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libuuid1,zlib1g,libexpat1 \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$made/root" /etc/apt/sources.list.d/*.sources >/dev/null
prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
to=$made/root/usr/local
mkdir -p "$to/bin" "$to/lib/python$version/site-packages"
cp -a "$prefix"/lib/libpython"$version".so* "$to/lib/" 2>/dev/null || true
tar -C "$prefix/lib" --exclude="python$version/test" --exclude="python$version/site-packages/*" \
    --exclude=__pycache__ --exclude='*.a' -cf - "python$version" | tar -C "$to/lib" -xf -
mkdir -p "$to/lib/python$version/site-packages"
cp -a "$prefix/bin/python$version" "$to/bin/"
ln -sf "python$version" "$to/bin/python3"
ln -sf "python$version" "$to/bin/python"
cp /usr/local/share/ca-certificates/*.crt "$to/share/ca-certificates/" 2>/dev/null || true
chroot "$made/root" update-ca-certificates >/dev/null 2>&1
chroot "$made/root" ldconfig
chroot "$made/root" /usr/local/bin/python3 -m ensurepip >/dev/null 2>&1
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$made/root/etc/pip.conf"
rm -rf "$made"/root/var/lib/apt/lists/* "$made"/root/var/cache/apt/archives/*.deb
tar -C "$made/root" -c . | docker import -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV LANG=C.UTF-8' -c 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' -c 'CMD ["python3"]' - "$name" >/dev/null
