import os
import pathlib

import pytest
from playwright.sync_api import sync_playwright

import shop

pytest.register_assert_rewrite("browser")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        # root has no sandbox; the only pages are our own
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shop.chromium(), args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots():
    """Where screenshots are left to be looked at."""
    folder = pathlib.Path(os.environ.get("INSIDERS_SHOTS", shop.ROOT / "target/report-shots"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"\nscreenshots: {folder}")
    return folder


@pytest.fixture(scope="session")
def sales(tmp_path_factory):
    return shop.generate(tmp_path_factory.mktemp("sales") / "shop.csv", 270_000, 7_700)


@pytest.fixture(scope="session")
def small(tmp_path_factory, sales):
    """About as many customers as the UCI set has, with a run before."""
    manifest, page = shop.two_moments(tmp_path_factory.mktemp("small"), sales, "2025-09-30")
    assert 5_000 < manifest["customers"] < 6_500
    return page


@pytest.fixture(scope="session")
def full(tmp_path_factory, small):
    """A page that has everything that a page can have."""
    return shop.with_value(small, tmp_path_factory.mktemp("full") / "report.html")


@pytest.fixture(scope="session")
def large(tmp_path_factory, sales):
    """More customers than a page shows, placed by models of the small shop."""
    folder = tmp_path_factory.mktemp("large")
    shop.run(sales, folder / "data")
    many = shop.generate(folder / "many.csv", 3_200_000, 350_000, seed=5, dirty=0.0005)
    manifest, page = shop.run(many, folder / "data")
    assert manifest["customers"] > 100_000
    return page


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A segment and an upload that are named to run a script."""
    folder = tmp_path_factory.mktemp("hostile")
    upload = shop.generate(folder / shop.HOSTILE_FILE, 20_000, 600)
    data = folder / "data"
    shop.run(upload, data)
    shop.insiders("models", "rename", "0", shop.HOSTILE, "--dir", data)
    return shop.run(upload, data)[1]


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    if not shop.REAL.exists():
        reason = f"SKIPPED: {shop.REAL} is not here, so the page of the real data is not looked at"
        print(f"\n{reason}")
        pytest.skip(reason)
    return shop.two_moments(tmp_path_factory.mktemp("real"), shop.REAL, "2011-10-31")[1]
