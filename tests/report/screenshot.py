#!/usr/bin/env python3
"""Makes docs/images/report.png: the page of a made-up shop, as the README shows it."""

import io
import pathlib
import tempfile

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
        with opened(browser, page) as watched:
            scroll_through(watched.page)
            # Down to the end of the first row of cards.
            card = watched.page.locator(".card").first.bounding_box()
            clip = {"x": 0, "y": 0, "width": 1280, "height": card["y"] + card["height"] + 16}
            taken = watched.page.screenshot(full_page=True, clip=clip)
        browser.close()
    image = Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    image.save(OUTPUT, optimize=True)
    size = OUTPUT.stat().st_size
    assert size < MOST, f"{size} bytes"
    print(f"{OUTPUT}: {size:,} bytes")


if __name__ == "__main__":
    main()
