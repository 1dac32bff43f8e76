"""A page in Chromium, watched: what it says on the console, and what it asks of any network."""

import contextlib
import dataclasses

DRAWN = "document.documentElement.dataset.drawn"


@dataclasses.dataclass
class Watched:
    page: object
    problems: list
    requests: list
    blocked: list

    def clean(self):
        assert self.problems == []
        assert self.requests == []


@contextlib.contextmanager
def opened(browser, path, width=1280, height=900, scheme="light", scale=1, touch=False):
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        device_scale_factor=scale,
        has_touch=touch,
        is_mobile=touch,
    )
    page = context.new_page()
    watched = Watched(page, [], [], [])
    url = path.resolve().as_uri()
    # what the tests themselves are told for looking at the map's pixels
    ours = "willReadFrequently"
    page.on("console", lambda said: ours in said.text or watched.problems.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    page.on("request", lambda asked: asked.url == url or watched.requests.append(asked.url))
    page.on("requestfailed", lambda asked: watched.blocked.append((asked.url, asked.failure)))
    page.goto(url)
    page.wait_for_function(DRAWN)
    try:
        yield watched
    finally:
        context.close()


def scroll_through(page):
    """Past every chart, so that all are drawn."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 500):
        page.evaluate("top => scrollTo({ top, behavior: 'instant' })", top)
        page.wait_for_timeout(50)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.wait_for_timeout(200)


def pixels(page, variable):
    """Where the map has the plain colour of a segment: [x, y] on the screen."""
    return page.evaluate(
        """variable => {
          const hex = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
          const wanted = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
          const found = [];
          const canvas = document.querySelector('.plot canvas');
          const box = canvas.getBoundingClientRect();
          const { width, height } = canvas;
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] > 150 && wanted.every((v, c) => Math.abs(v - data[i + c]) < 6)) {
              const at = i / 4;
              found.push([box.left + (at % width) * box.width / width,
                          box.top + Math.floor(at / width) * box.height / height]);
            }
          }
          return found;
        }""",
        variable,
    )


def swipe(page, x, y, dy):
    """A finger that moves up by `dy`."""
    session = page.context.new_cdp_session(page)
    touch = lambda kind, *at: session.send(
        "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]}
    )
    touch("touchStart", (x, y))
    for step in range(1, 21):
        touch("touchMove", (x, y - dy * step / 20))
        page.wait_for_timeout(16)
    touch("touchEnd")
    page.wait_for_timeout(300)
