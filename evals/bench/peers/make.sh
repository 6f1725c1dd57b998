#!/bin/sh
# One virtual environment for each peer, pinned by NAME.txt, in a cache folder outside the repository: make.sh [NAME ...]
# torch is pinned to the release whose wheel is a CPU build where this was tried; an open range takes several GB of CUDA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${BACKBOT_PEERS:-$HOME/.cache/backbot-peers}
[ $# -gt 0 ] || set -- langchain llamaindex haystack txtai
for name in "$@"; do
    made=$cache/$name
    if cmp -s "$here/$name.txt" "$made/made-from.txt"; then
        echo "$name: there already"
        continue
    fi
    rm -rf "$made"
    "${PYTHON:-python3}" -m venv "$made"
    "$made/bin/pip" install --quiet --quiet --requirement "$here/$name.txt" || { echo "$name: cannot be installed" >&2; continue; }
    "$made/bin/pip" freeze > "$made/freeze.txt"
    # Written last: an environment that was cut short is made again.
    cp "$here/$name.txt" "$made/made-from.txt"
    echo "$name: made"
done
