#!/bin/sh
# Write the lock files: lock.sh UV
# Versions that a lock file already has are kept if the groups of pyproject.toml allow them.
set -eu
uv=$1

lock() {
    group=$1 file=$2
    shift 2
    echo "$file"
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --custom-compile-command "make lock" --output-file "$file" "$@" --group "$group"
}

# The largest group is first, so that groups which are installed together get the same versions.
lock bench requirements/bench.txt
for group in datasets dev desk local archive media kernels deploy mutants fuzz; do
    lock $group requirements/$group.txt --constraint requirements/bench.txt
done
# The function already has numpy and cffi from requirements.txt, and needs no microphone.
lock speech requirements/speech.txt --constraint requirements/bench.txt --no-emit-package numpy \
    --no-emit-package cffi --no-emit-package pycparser --no-emit-package sounddevice
# Chalice reads requirements.txt in the project's root.
lock deployed requirements.txt --constraint requirements/bench.txt
for group in runtime audit peers; do
    lock $group requirements/$group.txt
done
