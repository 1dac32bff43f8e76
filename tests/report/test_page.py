"""The page as people have it: in a browser, on a phone, on paper, by keyboard, read aloud."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

import shop
from browser import opened, pixels, scroll_through, swipe


def document(page):
    return page.evaluate("JSON.parse(document.getElementById('data').textContent)")


def drawn_after(page):
    return page.evaluate("performance.getEntriesByName('scatter-drawn')[0].startTime")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_nothing(browser, full, scheme, width):
    with opened(browser, full, width=width, scheme=scheme) as watched:
        scroll_through(watched.page)
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        results = Axe().run(watched.page).response
        print(f"\naxe {results['testEngine']['version']}, {scheme}, {width} px: "
              f"{len(results['violations'])} violations, {len(results['passes'])} rules passed")
        assert [(v["id"], v["nodes"][0]["html"]) for v in results["violations"]] == []
        assert len(results["passes"]) > 20
        watched.clean()


def test_the_script_of_a_name_is_text(browser, hostile):
    with opened(browser, hostile) as watched:
        scroll_through(watched.page)
        page = watched.page
        assert page.evaluate("typeof pwned") == "undefined"
        assert page.locator("img").count() == 0
        assert page.locator(".card h3").first.inner_text().endswith(shop.HOSTILE)
        assert shop.HOSTILE_FILE in page.locator(".hero .when").inner_text()
        watched.clean()


def test_the_policy_stops_what_gets_in_all_the_same(browser, hostile):
    with opened(browser, hostile) as watched:
        watched.page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'pwned = 1';
              document.body.append(script);
              document.body.insertAdjacentHTML('beforeend', '<img src="https://example.org/x.png" onerror="pwned=2">');
            }"""
        )
        watched.page.wait_for_timeout(300)
        assert watched.page.evaluate("typeof pwned") == "undefined"
        assert watched.blocked == [("https://example.org/x.png", "csp")]
        assert sum("Content Security Policy" in said for said in watched.problems) >= 2


def test_no_customer_is_named(small):
    text = small.read_text()
    assert "customer_id" not in json.dumps(list(json.loads(text.split('id="data">')[1].split("</script>")[0])["points"]))
    rows = (small.parent / "quarantine.parquet").exists()
    assert rows and "guest-" not in text


def test_one_segment_alone(browser, small):
    with opened(browser, small) as watched:
        page = watched.page
        others = len(pixels(page, "--c1"))
        assert others > 50
        button = page.locator(".legend li button").first
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        page.wait_for_timeout(200)
        assert len(pixels(page, "--c1")) == 0
        assert len(pixels(page, "--c0")) > 20
        first = document(page)["segments"][0]
        select = page.locator("#of-segment")
        assert select.input_value() == "0"
        label = page.locator(".chart .draw").first.get_attribute("aria-label")
        assert f"for {first['customers']:,} customers" in label
        page.get_by_role("button", name="Show all").click()
        page.wait_for_timeout(200)
        assert len(pixels(page, "--c1")) == others
        assert button.get_attribute("aria-pressed") == "false"
        watched.clean()


@pytest.mark.parametrize("which", ["small", "large"])
def test_a_point_tells_its_figures(browser, which, request):
    with opened(browser, request.getfixturevalue(which), height=1000) as watched:
        page = watched.page
        page.locator(".plot").scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        found = pixels(page, "--c3")
        x, y = found[len(found) // 2]
        page.mouse.move(x, y)
        tip = page.locator("#tip")
        tip.wait_for(state="visible")
        said = tip.inner_text()
        segment = document(page)["segments"][3]
        assert said.startswith(f"{segment['label']} {segment['name']}"), said
        for name in ("Revenue", "Last purchase", "Invoices a day", "Pieces", "Returns"):
            assert name in said
        page.keyboard.press("Escape")
        assert tip.is_hidden()
        watched.clean()


def test_zoom_and_back(browser, small):
    with opened(browser, small) as watched:
        page = watched.page
        before = sorted(pixels(page, "--c5"))
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(200)
        assert sorted(pixels(page, "--c5")) != before
        page.get_by_role("button", name="Show the whole map").click()
        page.wait_for_timeout(200)
        assert sorted(pixels(page, "--c5")) == before
        watched.clean()


def test_by_keyboard_alone(browser, small):
    with opened(browser, small) as watched:
        page = watched.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        reached = {}
        for _ in range(60):
            page.keyboard.press("Tab")
            name = page.evaluate("document.activeElement.textContent.trim().slice(0, 20)")
            reached.setdefault(name, page.evaluate("document.activeElement.tagName"))
            if page.evaluate("document.activeElement.matches('.legend li button')"):
                break
        assert reached.get("Dark") == "BUTTON" and "+" in reached
        page.keyboard.press("Enter")
        assert page.locator(".legend li button").first.get_attribute("aria-pressed") == "true"
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        watched.clean()


def test_dark_by_system_and_by_button(browser, small):
    theme = "document.documentElement.dataset.theme"
    for scheme, other in (("light", "dark"), ("dark", "light")):
        with opened(browser, small, scheme=scheme) as watched:
            page = watched.page
            assert page.evaluate(theme) == scheme
            page.locator("#theme").click()
            assert page.evaluate(theme) == other
            page.wait_for_timeout(200)
            assert len(pixels(page, "--c1")) > 50
            watched.clean()


@pytest.mark.parametrize("width", [320, 375, 768, 1920])
def test_nothing_is_wider_than_the_screen(browser, full, width):
    with opened(browser, full, width=width, height=800) as watched:
        scroll_through(watched.page)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        watched.clean()


def test_a_finger_scrolls_past_the_map_and_taps_a_point(browser, small):
    with opened(browser, small, 375, 812, scale=2, touch=True) as watched:
        page = watched.page
        page.evaluate("document.querySelector('.plot').scrollIntoView({ behavior: 'instant' })")
        page.wait_for_timeout(200)
        found = pixels(page, "--c3")
        page.touchscreen.tap(*found[len(found) // 2])
        page.locator("#tip").wait_for(state="visible")
        box = page.locator(".plot").bounding_box()
        before = page.evaluate("scrollY")
        swipe(page, box["x"] + 150, box["y"] + 350, 200)
        assert page.evaluate("scrollY") - before > 100
        assert page.locator("#tip").is_hidden()
        # Zoomed, the finger moves the map.
        page.evaluate("document.querySelector('.plot').scrollIntoView({ behavior: 'instant' })")
        page.get_by_role("button", name="Zoom in").tap()
        page.wait_for_timeout(200)
        before = page.evaluate("scrollY")
        dots = sorted(pixels(page, "--c5"))
        swipe(page, box["x"] + 150, 300, 100)
        assert page.evaluate("scrollY") == before
        assert sorted(pixels(page, "--c5")) != dots
        watched.clean()


def test_charts_have_words(browser, small):
    with opened(browser, small) as watched:
        scroll_through(watched.page)
        charts = watched.page.evaluate(
            """[...document.querySelectorAll('canvas')].map(canvas => {
              const image = canvas.closest('[role=img]');
              return image ? image.getAttribute('aria-label') : null;
            })"""
        )
        assert len(charts) == 7 and all(label and len(label) > 40 for label in charts), charts


def test_who_moved_adds_up(browser, small):
    with opened(browser, small) as watched:
        flow = document(watched.page)["flow"]
        total = sum(cell["customers"] for cell in flow["cells"])
        assert total == sum(flow[key]["customers"] for key in ("stayed", "moved", "entered", "left"))
        watched.page.locator("#flow summary").click()
        table = watched.page.locator("#flow table")
        cells = table.locator("td").all_inner_texts()
        assert sum(int(cell.replace(",", "")) for cell in cells if cell.strip("·")) == total


def test_rfm_beside_the_segments(browser, full):
    with opened(browser, full) as watched:
        value = document(watched.page)["value"]
        table = watched.page.locator("#rfm table").first
        cells = table.locator("tbody tr").first.locator("td").all_inner_texts()
        assert cells == [f"{n:,}" if n else "·" for n in value["counts"][0]]
        assert table.locator("thead th").all_inner_texts()[1:] == value["groups"]
        watched.clean()


def test_every_segment_has_its_rule(browser, small):
    with opened(browser, small) as watched:
        rules = [segment["rule"]["text"] for segment in document(watched.page)["segments"]]
        shown = watched.page.locator(".card .rule").all_inner_texts()
        assert [text.split("\n")[0] for text in shown] == rules
        watched.clean()


def test_print(browser, small, shots):
    with opened(browser, small, scheme="dark") as watched:
        page = watched.page
        pdf = page.pdf(format="A4", path=shots / "print.pdf", print_background=False)
        assert pdf.startswith(b"%PDF") and len(pdf) > 50_000
        pages = pdf.count(b"/Type /Page\n") or pdf.count(b"/Type /Page ")
        print(f"\nprint: {pages} pages, {len(pdf):,} bytes")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        watched.clean()


@pytest.mark.parametrize("which,most_bytes", [("small", 1_000_000), ("large", 3_000_000)])
def test_size_and_speed(browser, which, most_bytes, request):
    path = request.getfixturevalue(which)
    size = path.stat().st_size
    times = []
    for _ in range(3):
        with opened(browser, path) as watched:
            times.append(drawn_after(watched.page))
            points = document(watched.page)["points"]
            watched.clean()
    with opened(browser, path) as watched:
        frame = panning(watched.page)
    print(f"\n{points['count']:,} of {points['of']:,} customers: {size:,} bytes, interactive after "
          f"{', '.join(f'{t:.0f}' for t in times)} ms, a frame while panning takes {frame:.0f} ms (median)")
    assert size < most_bytes
    assert min(times) < 5_000
    assert frame < 250


def panning(page):
    """Median time of a frame while the zoomed map is dragged."""
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(300)
    box = page.locator(".plot canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(
        """() => {
          window.frames_ = [];
          const step = at => { window.frames_.push(at); requestAnimationFrame(step); };
          requestAnimationFrame(step);
        }"""
    )
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(x + 4 * step, y + step)
    page.mouse.up()
    frames = page.evaluate("window.frames_")
    gaps = sorted(b - a for a, b in zip(frames, frames[1:]))
    return gaps[len(gaps) // 2]


@pytest.mark.parametrize("which", ["small", "large", "real"])
def test_screenshots(browser, which, request, shots):
    path = request.getfixturevalue(which)
    for name, width, height, scheme, scale in (
        ("desktop", 1280, 900, "light", 1),
        ("dark", 1280, 900, "dark", 1),
        ("phone", 375, 812, "light", 2),
    ):
        with opened(browser, path, width, height, scheme, scale) as watched:
            scroll_through(watched.page)
            watched.page.screenshot(path=shots / f"{which}-{name}.png", full_page=True)
            watched.clean()
    print(f"\n{which}: {path.stat().st_size:,} bytes")
