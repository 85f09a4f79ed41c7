#!/bin/sh
# Draws the app's icons as PNG from the SVG files beside them. Needed only when the mark changes; the PNGs are
# committed. Wants chromium.
set -eu
icons=$(cd "$(dirname "$0")/../static/icons" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw SVG SIZE PNG
draw() {
    # The browser's window has a least width: the picture is drawn in a larger one and cut out of it by its size.
    printf '<!doctype html><style>html,body{margin:0;background:transparent}img{display:block;width:%spx;height:%spx}</style><img src="file://%s/%s">' \
        "$2" "$2" "$icons" "$1" >"$work/page.html"
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --default-background-color=00000000 \
        --allow-file-access-from-files --user-data-dir="$work/profile" --force-device-scale-factor=1 \
        --window-size="$2,$2" --screenshot="$icons/$3" "file://$work/page.html" >/dev/null 2>&1
}

draw icon.svg 192 icon-192.png
draw icon.svg 512 icon-512.png
draw maskable.svg 512 maskable-512.png
draw maskable.svg 180 apple-touch-icon.png
draw badge.svg 96 badge-96.png
