# SPDX-License-Identifier: MIT OR Apache-2.0
"""Traces for the page, and a real browser to look at it.

The browser is Chromium without a window, driven through a pipe by its own protocol, so no
driver, no port and no further package is needed. Where there is none the tests are skipped.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from swaptrio.sched import Ending, Kind, Schedule, Verdict, Waiting
from swaptrio.trace import Change, Event, Header, Report, Trace, TracedTask, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The browser, by the names that distributions give it, or as the environment says.
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)

#: Gives the browser the two ends of pipes as descriptors 3 and 4, where it wants them.
LAUNCH: Final = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""

#: What keyboards send for keys that make no character.
CODES: Final = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "PageUp": 33,
    "PageDown": 34,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}

#: Seconds that the browser gets for anything.
PATIENCE: Final = 60.0

MISSING: Final = "NO BROWSER, so the page is NOT TESTED in one: apt-get install chromium"


@attrs.define(eq=False)
class Browser:
    """A running browser: `call` sends one command, `next_event` gives what it tells unasked."""

    process: subprocess.Popen[bytes]
    writer: int
    reader: int
    events: deque[dict[str, Any]] = attrs.Factory(deque)
    _number: int = 0
    _rest: bytes = b""

    @classmethod
    def start(cls, folder: Path) -> Browser:
        """Start it, with *folder* for all that it keeps."""
        to_read, writer = os.pipe()
        reader, to_write = os.pipe()
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, str(to_read), str(to_write)),
                *(CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"),
            ],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        return cls(process, writer, reader)

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The result of a command."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def stop(self) -> None:
        """Ask it to go, and wait until it has gone."""
        try:
            self.call("Browser.close")
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.writer)
            os.close(self.reader)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.reader], [], [], PATIENCE)
            assert ready, f"the browser has said nothing for {PATIENCE:.0f} s"
            chunk = os.read(self.reader, 1 << 20)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@attrs.define(eq=False)
class Tab:
    """One page in the browser. Whatever it complains of is in `complaints`."""

    browser: Browser
    session: str
    folder: Path

    @classmethod
    def open(cls, browser: Browser, folder: Path) -> Tab:
        """A tab of its own, 1200 by 800."""
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        tab = cls(browser, attached["sessionId"], folder)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.resize(1200, 800)
        return tab

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command to this tab."""
        return self.browser.call(method, self.session, **params)

    def show(self, page: bytes) -> float:
        """Open *page* from a file; how many milliseconds passed until it could be used."""
        path = self.folder / "page.html"
        path.write_bytes(page)
        self.browser.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.wait("document.documentElement?.dataset.ready")
        return float(self.js("document.documentElement.dataset.ready"))

    def js(self, expression: str) -> Any:
        """The value of *expression* in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until *expression* holds in the page."""
        end = time.monotonic() + PATIENCE
        while not self.js(f"!!({expression})"):
            assert time.monotonic() < end, f"never came true: {expression}\n{self.complaints}"
            time.sleep(0.01)

    def settle(self) -> None:
        """Wait until what was asked for has been drawn: two frames."""
        self.js("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def text(self, selector: str) -> str:
        """The text of the first element that *selector* finds."""
        found: str = self.js(f"document.querySelector({json.dumps(selector)}).textContent")
        return found

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that *selector* finds."""
        query = f"document.querySelectorAll({json.dumps(selector)})"
        found: list[str] = self.js(f"[...{query}].map(e => e.textContent)")
        return found

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press *key* as a keyboard does: to whatever has the focus."""
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        params = {"key": key, "code": key, "modifiers": 8 if shift else 0}
        params["windowsVirtualKeyCode"] = CODES.get(key, 0)
        down = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=down, text=text, **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", **params)
        self.settle()

    def type(self, text: str) -> None:
        """Type *text* into whatever has the focus."""
        self.call("Input.insertText", text=text)
        self.settle()

    def click(self, selector: str, x: float = 0.5) -> None:
        """Press the mouse on an element: in its middle, or at the share *x* of its width."""
        query = f"document.querySelector({json.dumps(selector)})"
        self.js(f"{query}.scrollIntoView({{block: 'nearest'}})")
        self.settle()
        box = self.js(f"(r => [r.x, r.y, r.width, r.height])({query}.getBoundingClientRect())")
        where = {"x": box[0] + box[2] * x, "y": box[1] + box[3] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where
            )
        self.settle()

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def media(self, media: str = "", *, dark: bool = False) -> None:
        """Show it on another medium, or dark."""
        scheme = "dark" if dark else "light"
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.settle()

    def picture(self, path: str | Path) -> None:
        """Keep what is seen now as a PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        Path(path).write_bytes(base64.b64decode(data))

    @property
    def complaints(self) -> list[str]:
        """Exceptions, errors of the console, breaches of the policy."""
        self.js("0")
        told = []
        for event in self.browser.events:
            params = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                told.append(json.dumps(params["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                told.append(json.dumps(params["args"]))
            elif event["method"] == "Log.entryAdded":
                told.append(params["entry"]["text"])
        return told

    @property
    def requests(self) -> list[str]:
        """What the page asked for, itself included."""
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where there is no browser say so at the end, even if skips are not listed."""
    if not CHROMIUM:
        terminalreporter.write_line(MISSING, yellow=True)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    if not CHROMIUM:
        pytest.skip(MISSING)
    running = Browser.start(tmp_path_factory.mktemp("chromium"))
    yield running
    running.stop()


@pytest.fixture
def tab(browser: Browser, tmp_path: Path) -> Iterator[Tab]:
    """A tab; a test that makes the page complain fails."""
    opened = Tab.open(browser, tmp_path)
    yield opened
    assert opened.complaints == []
    opened.call("Page.close")


@attrs.define
class Story:
    """A trace that is told step by step, by whoever needs one."""

    world: dict[str, Value] = attrs.Factory(dict)
    events: list[Event] = attrs.Factory(list)
    state: dict[str, Value] = attrs.Factory(dict)
    held: dict[str, tuple[str, ...]] = attrs.Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.state = dict(self.world)

    def step(self, task: str, label: str, kind: str = "step", target: str = "") -> None:
        """*task* makes a step that changes nothing."""
        self.change(task, label, kind, target, {})

    def change(
        self,
        task: str,
        label: str,
        kind: str,
        target: str,
        news: Mapping[str, Value | None],
        option: str | None = None,
    ) -> None:
        """*task* makes a step after which keys have the values *news*; none where they go."""
        changes: dict[str, Change] = {k: (self.state.get(k), v) for k, v in news.items()}
        self.state.update({key: value for key, value in news.items() if value is not None})
        for key in [key for key, value in news.items() if value is None]:
            del self.state[key]
        had = self.held.get(task, ())
        if kind == "lock":
            self.held[task] = (*had, target)
        elif kind == "unlock":
            self.held[task] = tuple(lock for lock in had if lock != target)
        seq = len(self.events) + 1
        held = self.held.get(task, ())
        self.events.append(
            Event(seq, seq * 10, task, Kind(kind), target, label, option, changes, held)
        )

    def trace(
        self, ending: str = "passed", check: str = "", message: str = "", **about: Any
    ) -> Trace:
        """All of it; *about* goes into the header."""
        waiting = tuple(about.pop("waiting", ()))
        cycle = tuple(about.pop("cycle", ()))
        daemons = about.pop("daemons", ())
        names = [event.task for event in self.events] + [edge.task for edge in waiting]
        steps = len(self.events)
        schedule = about.pop("schedule", Schedule(()))
        verdict = Verdict(Ending(ending), steps, schedule, check, message, waiting, cycle)
        tasks = tuple(TracedTask(name, name in daemons) for name in dict.fromkeys(names))
        about.setdefault("tool", "0.0.1")
        header = Header(verdict=verdict, tasks=tasks, world=self.world, **about)
        return Trace(header, tuple(self.events))


WORLD: Final[dict[str, Value]] = {
    "swap0:16": "s1:101",
    "swap0:17": "s2z:102",
    "swap0:600": "b",
    "swap0 cluster 0.count": 3,
    "swap0 cluster 1.count": 1,
    "swap0.users": 1,
    "P:16": "swap0:16",
    "P:17": "swap0:17",
    "m1.swap": 2,
    "swpin.2": 1,
    "refaults": 3,
    "phase": "warm",
    "inode 5.size": 12,
}


def told(*, second_check: bool = True) -> Trace:
    """A fault takes a slot, a charger is sent a message, and a zap frees the slot meanwhile.

    Without the *second_check* it ends in a violation.
    """
    story = Story(dict(WORLD))
    cluster = "swap0 cluster 0"
    folio: dict[str, Value | None] = {
        "folio 0x1000.refs": 1,
        "folio 0x1000.flags": "locked",
        "folio 0x1000.memcg": "none",
    }
    story.step("fault", "do_swap_page.start", "start")
    story.change("fault", "alloc_pages.grant", "choose", "", folio, "ok")
    story.step("fault", "swap_cache_alloc.lock", "lock", cluster)
    added: dict[str, Value | None] = {
        "swap0:16": "f1:0x1000",
        "folio 0x1000.refs": 2,
        "folio 0x1000.flags": "locked swapcache",
    }
    story.change("fault", "swap_cache_alloc.insert", "write", cluster, added)
    story.step("fault", "swap_cache_alloc.unlock", "unlock", cluster)
    story.step("fault", "charger.send", "send", "charger")
    story.step("zap", "zap_pte_range.start", "start")
    story.step("charger", "charger.receive", "receive", "charger")
    charged: dict[str, Value | None] = {"folio 0x1000.memcg": "m1", "m1.memory": 1}
    story.change("charger", "charge_memcg.charge", "step", "", charged)
    story.step("charger", "memcg_charger.done", "wake", "charge")
    story.step("fault", "charge_memcg.wait", "wait", "charge")
    story.step("zap", "swap_entry_free.lock", "lock", cluster)
    if second_check:
        story.step("fault", "do_swap_page.recheck", "read", cluster)
    freed: dict[str, Value | None] = {"swap0:17": None, "m1.swap": 1, "P:17": "none"}
    story.change("zap", "swap_entry_free.free", "write", cluster, freed)
    about: dict[str, Any] = {"scenario": "told", "daemons": ("charger",)}
    about["window"] = (
        "run fault until charger.send",
        "run zap until swap_entry_free.lock",
        "run fault until its end",
    )
    about["schedule"] = Schedule.parse("7:1@zap/zap_pte_range.start")
    if second_check:
        story.step("zap", "swap_entry_free.unlock", "unlock", cluster)
        return story.trace(variant="v3", **about)
    message = "fault adds a folio to swap0:17, which is free"
    reports = (Report("I-SOFT", "a soft finding"),)
    return story.trace("violation", "I-TABLE", message, variant="pre", reports=reports, **about)


def stuck() -> Trace:
    """Two tasks take two locks in opposite order."""
    story = Story()
    for task, lock in (("fault", "folio"), ("reclaim", "cluster")):
        story.step(task, f"{task}.start", "start")
        story.step(task, f"{task}.first", "lock", lock)
    waiting = (
        Waiting("fault", "fault.second", "cluster", ("reclaim",)),
        Waiting("reclaim", "reclaim.second", "folio", ("fault",)),
    )
    cycle = ("fault", "reclaim")
    return story.trace("deadlock", message="a circle", waiting=waiting, cycle=cycle)


#: Texts that would do or show something else if they were taken for markup or as they are.
HOSTILE: Final = (
    "</script><script>window.hacked=1</script>",
    "<!--<script>",
    "<img src=x onerror=window.hacked=1>",
    "a\u2028b\u2029c",
    "\u202etxt.exe",
    "\u05e9\u05dc\u05d5\u05dd",
    "]]>&lt;\x00\x1b[31m",
    "{{script}}",
    "__proto__",
    "long " + "x" * 10_000,
    "half \ud800",
)


def hostile() -> Trace:
    """Every text of a trace is hostile."""
    world: dict[str, Value] = {f"{text}.field": text for text in HOSTILE}
    story = Story({**world, **dict.fromkeys(HOSTILE, "x")})
    for number, text in enumerate(HOSTILE):
        story.step(text, text, "lock", text)
        story.change(text, text, "write", text, {f"swap0:{number}": f"f1:{text}", text: 2**70})
        story.change(text, text, "choose", "", {text: None}, text)
    reports = tuple(Report(text, text) for text in HOSTILE)
    everything = " ".join(HOSTILE)
    return story.trace(
        *("violation", HOSTILE[0], everything),
        scenario=HOSTILE[0],
        variant=HOSTILE[2],
        window=HOSTILE,
        reports=reports,
        waiting=[Waiting(text, text, text, (text,)) for text in HOSTILE],
        cycle=HOSTILE,
    )


def long(steps: int) -> Trace:
    """*steps* steps of eight tasks, with slots, folios, counters, locks, and messages."""
    slots = 256
    story = Story({f"swap0:{slot}": f"s1:{slot}" for slot in range(1, slots)})
    story.world["swap0 cluster 0.count"] = story.state["swap0 cluster 0.count"] = slots
    for number in range(steps):
        task, turn = f"task{number // 7 % 8}", number % 7
        lock = f"lock {number // 7 % 8}"
        slot = f"swap0:{number * 31 % (slots - 1) + 1}"
        folio = f"folio {0x1000 + number % 64:#x}"
        if turn == 0:
            story.step(task, "swap_cache_alloc.lock", "lock", lock)
        elif turn == 6:
            story.step(task, "swap_cache_alloc.unlock", "unlock", lock)
        elif turn == 3:
            story.step(task, "charger.send", "send", f"channel {number % 3}")
        elif turn == 5:
            story.step(task, "charger.receive", "receive", f"channel {(number - 2) % 3}")
        else:
            word = f"f1:{folio.split()[1]}" if turn == 1 else f"s1:{number}"
            news: dict[str, Value | None] = {slot: word, f"{folio}.refs": number % 5}
            story.change(task, f"swap_cache_alloc.{turn}", "write", slot, news)
    return story.trace(scenario="long", variant="v3")


@attrs.frozen
class Traces:
    """What the tests look at. Each attribute is made anew where it is asked for."""

    told: Callable[..., Trace] = told
    stuck: Callable[[], Trace] = stuck
    hostile: Callable[[], Trace] = hostile
    long: Callable[[int], Trace] = long
    story: Callable[..., Story] = Story
    hostile_texts: Sequence[str] = HOSTILE


@pytest.fixture(scope="session")
def traces() -> Traces:
    """The traces that the tests look at."""
    return Traces()
