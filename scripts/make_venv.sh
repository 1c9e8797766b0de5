#!/bin/sh
# Make a virtual environment with pip in it: make_venv.sh PYTHON FOLDER
# Debian and Ubuntu ship Python without ensurepip, so there are other ways to try.
set -eu
python=$1
folder=$2

rm -rf "$folder"
if "$python" -m venv "$folder" >/dev/null 2>&1; then
    exit 0
fi
rm -rf "$folder"
if "$python" -m virtualenv --quiet "$folder" >/dev/null 2>&1; then
    exit 0
fi
if command -v uv >/dev/null 2>&1 && uv venv --quiet --seed --python "$python" "$folder"; then
    exit 0
fi
# The interpreter's own pip can put a pip into an environment that was made without one.
if "$python" -m venv --without-pip "$folder" 2>/dev/null &&
    "$python" -m pip --python "$folder/bin/python" install --quiet pip 2>/dev/null; then
    exit 0
fi
# Debian and Ubuntu keep that pip in a package, which anyone may fetch and unpack.
rm -rf "$folder"
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT
if (cd "$fetched" && apt-get download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .) \
    >/dev/null 2>&1 &&
    "$python" -m venv --without-pip "$folder" 2>/dev/null &&
    "$folder/bin/python" "$(ls "$fetched"/usr/share/python-wheels/pip-*.whl)/pip" \
        install --quiet pip 2>/dev/null; then
    exit 0
fi
rm -rf "$folder"
echo "This Python can make no virtual environment. Install its venv module, on Debian or" >&2
echo "Ubuntu with: sudo apt install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2
exit 1
