#!/bin/sh
# Write the lock files: lock.sh UV
# What a lock file has already stays as it is, where requirements/*.in allow that.
set -eu
uv=$1

lock() {
    echo "$2"
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --custom-compile-command "make lock" --output-file "$2" $3 "requirements/$1.in"
}

# The largest first: all that are installed together then have the same versions.
lock bench requirements/bench.txt ""
for name in dev local media kernels deploy fuzz; do
    lock $name requirements/$name.txt "--constraint requirements/bench.txt"
done
# Chalice looks for its own at the top.
lock deployed requirements.txt "--constraint requirements/bench.txt"
for name in runtime audit peers; do
    lock $name requirements/$name.txt ""
done
