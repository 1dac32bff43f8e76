#!/usr/bin/env python3
"""Makes docs/images/report.png: the page of a made-up shop, as the README shows it."""

import io
import tempfile
import pathlib

from PIL import Image
from playwright.sync_api import sync_playwright

import shop
from browser import opened, scroll_through

OUTPUT = shop.ROOT / "docs/images/report.png"
MOST = 300_000


def main():
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        folder = pathlib.Path(folder)
        sales = shop.generate(folder / "shop.csv", 270_000, 7_700)
        _, page = shop.two_moments(folder, sales, "2025-09-30")
        browser = playwright.chromium.launch(executable_path=shop.chromium(), args=["--no-sandbox"])
        with opened(browser, page, height=1560) as watched:
            scroll_through(watched.page)
            taken = watched.page.screenshot()
        browser.close()
    image = Image.open(io.BytesIO(taken)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    image.save(OUTPUT, optimize=True)
    size = OUTPUT.stat().st_size
    assert size < MOST, f"{size} bytes"
    print(f"{OUTPUT}: {size:,} bytes")


if __name__ == "__main__":
    main()
