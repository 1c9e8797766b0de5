#!/bin/sh
# Make a virtual environment with pip in it: make_venv.sh PYTHON FOLDER
# Python on Debian and Ubuntu has no ensurepip, but python3 and make must be enough. So there the
# interpreter's pip, or the distribution's, installs pip into the environment.
set -eu
python=$1
folder=$2

rm -rf "$folder"
"$python" -m venv "$folder" >/dev/null 2>&1 && exit 0

rm -rf "$folder"
if "$python" -m venv --without-pip "$folder" 2>/dev/null; then
    "$python" -m pip --python "$folder/bin/python" install --quiet pip 2>/dev/null && exit 0
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    (cd "$fetched" && apt-get download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .) \
        >/dev/null 2>&1 &&
        "$folder/bin/python" "$(ls "$fetched"/usr/share/python-wheels/pip-*.whl)/pip" \
            install --quiet pip 2>/dev/null && exit 0
fi

rm -rf "$folder"
echo "This Python cannot make a virtual environment. Install its venv module, on Debian or" >&2
echo "Ubuntu with: sudo apt install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2
exit 1
