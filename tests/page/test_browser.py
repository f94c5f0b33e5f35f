# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page in a real browser. Every test also fails if the page complains (see `tab`)."""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from swaptrio.page import render_page
from swaptrio.scenario.play import Watched, load_checked, play, script_of
from swaptrio.scenario.world import Setup
from swaptrio.sched import open_scheduler
from swaptrio.trace import Recorder, state_at
from swaptrio.variants import load

if TYPE_CHECKING:
    from swaptrio.trace import Trace
    from tests.page.conftest import Tab, Traces

CURRENT = ".row[aria-selected=true]"

SCENARIO = Path(__file__).parents[2] / "scenarios" / "large-vs-small-neighbour.toml"

#: More elements than this are never drawn in the lanes, however long a trace is.
MOST_DRAWN = 1_200

#: Milliseconds until a page can be used, the best of three: other programs take their part.
OPENED = 2_000


def step(tab: Tab) -> int:
    """The step at which the cursor stands, as the lanes, the slider and the panel tell it."""
    row = tab.js(f"document.querySelector('{CURRENT}').id")
    assert f"row-{tab.js('slider.value')}" == row
    number = int(row.removeprefix("row-"))
    told = tab.text("#section-step dd")
    assert told.startswith(str(number) if number else "before the first")
    return number


def cell(tab: Tab, section: str, row: str) -> list[str]:
    """The cells of a row of a table of the state, its name first."""
    query = f"[...document.querySelectorAll('#section-{section} tbody tr')]"
    texts: list[list[str]] = tab.js(f"{query}.map(r => [...r.cells].map(c => c.textContent))")
    return next((cells for cells in texts if cells[0].lstrip("●") == row), [])


def drawn(tab: Tab) -> int:
    """How many elements the lanes consist of."""
    number: int = tab.js("document.querySelectorAll('#lanes *').length")
    return number


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, ``rgb(1, 2, 3)``, by the accessibility guidelines."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_opens_at_the_failure(tab: Tab, traces: Traces) -> None:
    """A trace that failed opens at the failing step, which is marked and told in words."""
    tab.show(render_page(traces.told(second_check=False)))

    assert step(tab) == 13
    assert tab.text(f"{CURRENT} .cross") == "✗ violation of I-TABLE"
    assert "fault adds a folio to swap0:17" in tab.text(".verdict.broken")
    assert "fault adds a folio" in tab.text(".ending.broken")


def test_asks_for_nothing(tab: Tab, traces: Traces) -> None:
    """The page loads itself and nothing else."""
    tab.show(render_page(traces.told(), traces.stuck()))
    tab.js("0")

    assert [url.rsplit("/")[-1] for url in tab.requests] == ["page.html"]


def test_keys_step_through_time(tab: Tab, traces: Traces) -> None:
    """Arrows go one step, Home and End to the ends, and no further than these."""
    tab.show(render_page(traces.told()))
    found = [step(tab)]
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp", "End"):
        tab.press(key)
        found.append(step(tab))
    tab.press("ArrowRight")
    found.append(step(tab))
    tab.press("Home")
    found.append(step(tab))

    assert found == [0, 1, 2, 1, 0, 0, 15, 15, 0]


def test_pages(tab: Tab, traces: Traces) -> None:
    """PageDown and PageUp go as many steps as are in sight, and the row is in sight then."""
    tab.show(render_page(traces.long(500)))
    tab.press("PageDown")
    first = step(tab)
    tab.press("PageDown")
    assert first > 10
    assert step(tab) == 2 * first
    inside = (
        f"document.querySelector('{CURRENT}').getBoundingClientRect().bottom <= innerHeight"
    )
    assert tab.js(inside)
    tab.press("PageUp")
    assert step(tab) == first


def test_state_scrolls_by_keyboard(tab: Tab, traces: Traces) -> None:
    """With the focus in the state, the keys for pages scroll it and arrows still step."""
    tab.show(render_page(traces.told()))
    tab.js("document.getElementById('panel').focus()")
    tab.press("PageDown")
    tab.wait("document.getElementById('panel').scrollTop > 0")
    assert step(tab) == 0
    tab.press("ArrowRight")
    assert step(tab) == 1


def test_slider(tab: Tab, traces: Traces) -> None:
    """A press on the slider goes to the step there, and it tells the step in words."""
    tab.show(render_page(traces.told()))
    tab.click("#slider", x=0.5)

    assert step(tab) in (7, 8)
    assert tab.js("slider.getAttribute('aria-valuetext')").startswith(f"step {step(tab)}, ")


def test_overview(tab: Tab, traces: Traces) -> None:
    """A press on the strip above the slider goes to the same step as on the slider."""
    tab.show(render_page(traces.told()))
    tab.click("#overview", x=0.99)

    assert step(tab) == 15


def test_press_on_a_row(tab: Tab, traces: Traces) -> None:
    """A press on a row goes to its step."""
    tab.show(render_page(traces.told()))
    tab.click("#row-5", x=0.2)

    assert step(tab) == 5


def test_state_follows(tab: Tab, traces: Traces) -> None:
    """Each kind of key has its table, and what changed is marked, with its old value."""
    tab.show(render_page(traces.told()))
    assert cell(tab, "slots", "16") == ["16", "shadow", "1", "101"]
    assert cell(tab, "slots", "17") == ["17", "shadow, zero", "2", "102"]
    assert cell(tab, "slots", "600") == ["600", "bad", "", ""]
    for _ in range(4):
        tab.press("ArrowRight")
    assert cell(tab, "slots", "16") == ["●16", "shadow → folio", "1", "101 → 0x1000"]
    assert cell(tab, "folios", "0x1000") == ["●0x1000", "1 → 2", "locked +swapcache ", "none"]
    assert cell(tab, "pages", "17") == ["17", "swap0:17"]
    assert cell(tab, "groups", "swap") == ["swap", "2"]
    assert cell(tab, "orders", "swpin") == ["swpin", "1"]
    assert cell(tab, "counters", "refaults") == ["refaults", "3"]
    assert cell(tab, "counters", "phase") == ["phase", "warm"]
    assert cell(tab, "other", "inode 5") == ["inode 5", "12"]
    assert tab.texts("#section-slots caption") == ["swap0 cluster 0", "swap0 cluster 1"]


def test_state_is_that_of_the_trace(tab: Tab, traces: Traces) -> None:
    """Wherever one jumps from, the state is the one that the trace has at that step."""
    trace = traces.long(3_000)
    tab.show(render_page(trace))
    for target in (2_999, 0, 1_025, 1_024, 1_500, 3_000, 1):
        tab.js(f"slider.value = {target}; slider.dispatchEvent(new Event('input'))")
        tab.settle()
        state = state_at(trace, target)
        for slot in (1, 32, 63, 100, 200, 255):
            texts = cell(tab, "slots", str(slot))
            word = re.fullmatch(r"([sf])(\d):(.*)", str(state[f"swap0:{slot}"]))
            assert word is not None
            assert texts[3].split(" → ")[-1] == word[3]


def test_tasks_tell_their_function(tab: Tab, traces: Traces) -> None:
    """Each task tells the function it is in, where it stands, and the locks it holds."""
    tab.show(render_page(traces.told()))
    tab.click("#row-3")

    assert cell(tab, "tasks", "fault") == [
        *("●fault", "swap_cache_alloc", "insert"),
        *("swap0 cluster 0", "3"),
    ]
    assert cell(tab, "tasks", "zap") == ["zap", "zap_pte_range", "start", "", "none"]
    assert cell(tab, "tasks", "charger daemon")[1:3] == ["charger", "receive"]


def test_drawing(tab: Tab, traces: Traces) -> None:
    """Locks are bars, messages and wake-ups arrows, the window is shaded; all have names."""
    tab.show(render_page(traces.told()))

    assert tab.texts("#drawing .bar title") == [
        "fault holds swap0 cluster 0, steps 3 to 5",
        "zap holds swap0 cluster 0, steps 12 to 15",
    ]
    assert tab.texts("#drawing .arrow.message title") == ["message: charger, step 6 to step 8"]
    assert tab.texts("#drawing .arrow.wake title") == ["wake: charge, step 10 to step 11"]
    assert len(tab.texts("#drawing .spine")) == 3
    shade = tab.js("document.querySelector('.window').getBoundingClientRect().height")
    row = tab.js("document.querySelector('.row').getBoundingClientRect().height")
    assert shade == 13 * row


def test_deadlock(tab: Tab, traces: Traces) -> None:
    """A deadlock shows who waits for what, in the lanes and under the tasks."""
    tab.show(render_page(traces.stuck()))

    assert len(tab.texts("#drawing .waits")) == 2
    assert tab.texts(".ending div")[2:] == [
        "fault waits at fault.second for cluster, held by reclaim",
        "reclaim waits at reclaim.second for folio, held by fault",
    ]
    assert cell(tab, "tasks", "fault")[2] == "waits for cluster"


def test_search(tab: Tab, traces: Traces) -> None:
    """The slash goes to the search; Enter goes round the matches; a field narrows it."""
    tab.show(render_page(traces.told()))
    tab.press("/")
    tab.type("lock:cluster")
    found = [step(tab)]
    for shift in (False, False, True):
        tab.press("Enter", shift=shift)
        found.append(step(tab))
    assert found == [3, 4, 5, 4]
    assert tab.text("#found") == "2 of 6 matches"
    assert len(tab.texts(".row.match")) == 6


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("charger", [6, 8, 9, 10]),
        ("task:charger", [8, 9, 10]),
        ("label:charger", [6, 8, 10]),
        ("object:charger", [6, 8]),
        ("kind:unlock", [5, 15]),
        ("key:swap0:17", [14]),
        ("key:0x1000 refs", [2, 4]),
        ('"wait charge"', [11]),
        ("FAULT kind:wait", [11]),
        ("nothing like it", []),
    ],
)
def test_filter(tab: Tab, traces: Traces, query: str, steps: list[int]) -> None:
    """With the filter on only the matches are shown, and keys go from one to the next."""
    tab.show(render_page(traces.told()))
    tab.js("query.focus()")
    tab.type(query)
    tab.click("#only")
    rows = tab.js("[...document.querySelectorAll('.row')].map(r => Number(r.id.slice(4)))")

    assert rows == [0, *steps]
    assert tab.js("Number(slider.max)") == len(steps)


def test_filter_by_task(tab: Tab, traces: Traces) -> None:
    """One task can be shown alone; End then goes to its last step."""
    tab.show(render_page(traces.told()))
    tab.js("who.value = 'charger'; who.dispatchEvent(new Event('change'))")
    tab.settle()
    tab.js("document.getElementById('steps').focus()")
    tab.press("End")

    assert tab.js(f"document.querySelector('{CURRENT}').id") == "row-10"
    assert len(tab.texts(".row")) == 4


def test_history_of_a_slot(tab: Tab, traces: Traces) -> None:
    """A press on a slot shows the steps that concern it; a press on a step goes there."""
    tab.show(render_page(traces.told()))
    tab.click("#section-slots [data-thing='swap0:17']")
    assert tab.text("#history h2") == "History of swap0:17"
    assert tab.texts("#history .entries li > button") == ["14"]
    assert "swap0:17: s2z:102 → -" in tab.text("#history .entries")
    tab.click("#history .entries button")
    assert step(tab) == 14
    assert tab.js("document.querySelector('#history [aria-current=step]') !== null")


def test_history_of_a_folio(tab: Tab, traces: Traces) -> None:
    """A folio's history holds also the steps that put it into a slot; Escape closes it."""
    tab.show(render_page(traces.told()))
    tab.press("End")
    tab.click("#section-slots [data-thing='folio 0x1000']")
    assert tab.texts("#history .entries li > button") == ["2", "4", "9"]
    assert "swap0:16: s1:101 → f1:0x1000" in tab.text("#history .entries")
    assert len(tab.texts(".row.touched")) == 3
    tab.press("Escape")
    assert tab.js("document.getElementById('history').hidden")
    assert tab.js("document.activeElement.dataset.thing") == "folio 0x1000"


def test_history_by_keyboard(tab: Tab, traces: Traces) -> None:
    """A slot's button can be pressed by keyboard, and the focus goes into the history."""
    tab.show(render_page(traces.told()))
    tab.js("document.querySelector('#section-slots [data-thing]').focus()")
    tab.press("Enter")

    assert tab.js("document.activeElement.textContent") == "History of swap0:16"


def test_compare(tab: Tab, traces: Traces) -> None:
    """Two traces stand side by side, in line by label, and open where they first differ."""
    tab.show(render_page(traces.told(second_check=False), traces.told()))
    assert tab.js(f"document.querySelector('{CURRENT}').id") == "row-13"
    assert tab.js(f"document.querySelector('{CURRENT}').ariaLabel") == (
        "A: no step; B: step 13, fault at do_swap_page.recheck, read swap0 cluster 0; "
        "first difference"
    )
    assert len(tab.texts(".row.divergence")) == 1
    tab.press("ArrowRight")
    assert tab.texts(f"{CURRENT} .number") == ["13", "14"]
    assert tab.texts(f"{CURRENT} .step b") == ["swap_entry_free.free"] * 2
    assert tab.text("#position") == "A 13/13  B 14/15"


def test_compare_states(tab: Tab, traces: Traces) -> None:
    """Where the two states differ, a cell shows both values."""
    one, other = traces.story(), traces.story()
    one.change("a", "f.write", "write", "", {"swap0:1": "s1:7", "m1.memory": 1})
    other.change("a", "f.write", "write", "", {"swap0:1": "s1:7", "m1.memory": 2})
    tab.show(render_page(one.trace(), other.trace()))

    assert cell(tab, "slots", "1")[1:] == ["free → shadow", "- → 1", "- → 7"]
    assert cell(tab, "groups", "memory")[1] == "0 → 1B 0 → 2"


def test_hostile_texts(tab: Tab, traces: Traces) -> None:
    """Hostile texts are shown as texts, and nothing in them runs."""
    tab.show(render_page(traces.hostile(), traces.hostile()))
    for key in ("Home", "ArrowRight", "End"):
        tab.press(key)
    tab.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    for number in range(3):
        tab.js(f"[...document.querySelectorAll('[data-thing]')][{number}].click()")
        tab.settle()

    assert tab.js("window.hacked") is None
    assert tab.js("document.scripts.length") == 2
    assert tab.js("document.images.length") == 0
    assert "</script><script>window.hacked=1</script>" in tab.text("#verdicts")
    assert "\\u202etxt.exe" in tab.text("#names")
    assert "שלום" in tab.text("#names")


def test_long_texts_are_cut_in_rows(tab: Tab, traces: Traces) -> None:
    """A label of ten thousand characters does not widen the page, and can be read whole."""
    story = traces.story()
    story.step("task", "x" * 10_000)
    tab.show(render_page(story.trace()))
    tab.press("End")

    assert len(tab.text(f"{CURRENT} .step b")) < 300
    assert "x" * 10_000 in tab.text("#section-step")
    assert tab.js("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_read(tab: Tab, traces: Traces, dark: bool) -> None:
    """Texts have a contrast of 4.5 or more on their ground, in light and in dark."""
    tab.media(dark=dark)
    tab.show(render_page(traces.told(second_check=False)))
    style = "getComputedStyle(document.documentElement).getPropertyValue('--{}')"
    probe = tab.js(
        "document.body.append(Object.assign(document.createElement('i'), {id: 'probe'}))"
    )
    assert probe is None

    def colour(name: str) -> str:
        tab.js(f"probe.style.color = {style.format(name)}")
        return str(tab.js("getComputedStyle(probe).color"))

    grounds = {name: colour(name) for name in ("ground", "raised", "window", "here")}
    for name in ("ink", "soft", "accent", "failure", "changed", "match"):
        for ground, behind in grounds.items():
            assert contrast(colour(name), behind) >= 4.5, (name, ground)
    assert contrast(colour("failure"), colour("failed")) >= 4.5
    assert contrast(colour("changed"), colour("altered")) >= 4.5
    light = contrast(tab.js("getComputedStyle(document.body).backgroundColor"), "rgb(0, 0, 0)")
    assert (light < 4) is dark


def test_print(tab: Tab, traces: Traces) -> None:
    """On paper the lanes are a table with all steps, and the state follows."""
    tab.show(render_page(traces.told(second_check=False)))
    tab.media("print")

    assert tab.texts("#printed thead th") == ["step", "fault", "zap", "charger"]
    assert len(tab.texts("#printed tbody tr")) == 13
    assert "✗ violation of I-TABLE" in tab.text("#printed tr.failure")
    for hidden in ("#lanes", "#tools", "#time"):
        assert tab.js(f"getComputedStyle(document.querySelector('{hidden}')).display") == "none"
    tab.media()
    assert tab.texts("#printed *") == []
    document = base64.b64decode(tab.call("Page.printToPDF")["data"])
    assert document.startswith(b"%PDF")


def test_no_printed_step_hides_another(tab: Tab, traces: Traces) -> None:
    """On paper each step stands below the one before, those of the window too."""
    trace = recorded("v3")
    header = attrs.evolve(trace.header, window=("run large until its end",))
    tab.show(render_page(attrs.evolve(trace, header=header)))
    tab.media("print")
    rows = "[...document.querySelectorAll('#printed tbody tr')]"
    boxes = tab.js(f"{rows}.map(r => r.getBoundingClientRect()).map(b => [b.top, b.bottom])")
    tab.media()

    assert tab.js(f"{rows}.length") == 0
    assert len(boxes) > 20
    for (_, bottom), (top, _) in pairwise(boxes):
        assert top >= bottom - 1


def test_prints_many_steps(tab: Tab, traces: Traces) -> None:
    """A print of a long trace ends after some thousand steps, and says so."""
    tab.show(render_page(traces.long(5_000)))
    tab.media("print")

    assert tab.text("#printed caption") == "long, v3: 5,000 steps, the first 4,000 of them here"


def test_narrow(tab: Tab, traces: Traces) -> None:
    """In a narrow window the state comes below the lanes and nothing sticks out."""
    tab.resize(380, 700)
    tab.show(render_page(traces.told(), traces.told(second_check=False)))

    assert tab.js("document.documentElement.scrollWidth <= innerWidth")
    box = "document.getElementById('{}').getBoundingClientRect()"
    assert tab.js(f"{box.format('panel')}.top >= {box.format('lanes')}.bottom")


def test_controls_have_names(tab: Tab, traces: Traces) -> None:
    """Everything that can have the focus has a name for a screen reader."""
    tab.show(render_page(traces.told(), traces.told(second_check=False)))
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "searchbox", "checkbox", "combobox", "listbox", "option"}
    nameless = [
        node["role"]["value"]
        for node in nodes
        if node.get("role", {}).get("value") in roles
        and not node["ignored"]
        and not node.get("name", {}).get("value")
    ]
    found = {node["role"]["value"] for node in nodes if "role" in node}

    assert nameless == []
    assert roles - {"searchbox"} <= found


def test_focus_is_seen_and_goes_everywhere(tab: Tab, traces: Traces) -> None:
    """Tab leads from the tools over the steps into the state; each stop has an outline."""
    tab.show(render_page(traces.told()))
    stops = []
    for _ in range(14):
        tab.press("Tab")
        where = "document.activeElement"
        stops.append(tab.js(f"{where}.id || {where}.tagName"))
        assert tab.js(f"getComputedStyle({where}).outlineStyle") != "none"

    assert [stop for stop in stops if stop in ("query", "slider", "steps")] == [
        *("query", "slider", "steps"),
    ]
    assert stops[-1] == "SUMMARY" or "BUTTON" in stops


def test_steps_are_told(tab: Tab, traces: Traces) -> None:
    """The step is announced in words once the cursor rests."""
    tab.show(render_page(traces.told()))
    for _ in range(3):
        tab.press("ArrowRight")
    tab.wait("say.textContent.startsWith('step 3')")

    assert tab.text("#say") == "step 3, fault at swap_cache_alloc.lock, lock swap0 cluster 0"
    active = tab.js("document.getElementById('steps').getAttribute('aria-activedescendant')")
    assert active == "row-3"


@pytest.mark.parametrize("steps", [10_000, 100_000])
def test_long_traces(tab: Tab, traces: Traces, steps: int) -> None:
    """A long trace opens in time, answers to keys and searches, and draws no more than a short
    one.
    """
    page = render_page(traces.long(steps))
    took = min(tab.show(page) for _ in range(3))
    assert took < OPENED
    for key in ("End", "PageUp", "ArrowLeft"):
        tab.press(key)
    assert steps - 100 < step(tab) < steps
    assert drawn(tab) < MOST_DRAWN
    tab.js("query.focus()")
    tab.type(f"key:folio label:alloc.1 {steps // 2:x}")
    tab.js("query.value = 'label:unlock task:task3'; query.dispatchEvent(new Event('input'))")
    tab.settle()
    assert tab.text("#found").endswith(" matches")
    tab.js("document.getElementById('scroller').scrollTop = 1e9")
    tab.settle()
    assert drawn(tab) < MOST_DRAWN
    assert tab.js("document.querySelector('#rows').lastElementChild.className") == "ending"


def test_history_of_a_long_trace(tab: Tab, traces: Traces) -> None:
    """A long history is shown in parts, the first of them around the cursor."""
    tab.show(render_page(traces.long(40_000)))
    tab.js("slider.value = 20000; slider.dispatchEvent(new Event('input'))")
    tab.settle()
    tab.js("document.querySelector('#section-folios [data-thing]').click()")
    tab.settle()
    entries = tab.texts("#history .entries li > button")

    assert len(entries) == 200
    assert int(entries[0]) < 20_000 < int(entries[-1])
    tab.js("[...document.querySelectorAll('#history button')].at(-1).click()")
    assert int(tab.texts("#history .entries li > button")[0]) > int(entries[0])


def test_many_keys(tab: Tab, traces: Traces) -> None:
    """Of a table with thousands of rows some hundred are shown, those that changed first."""
    world = {f"swap0:{slot}": f"s1:{slot}" for slot in range(512, 512 + 500)}
    story = traces.story(world)
    story.change("a", "f.write", "write", "", {"swap0:1011": "b"})
    tab.show(render_page(story.trace()))
    tab.press("End")
    assert len(tab.texts("#section-slots tbody tr")) == 300
    assert tab.text("#section-slots tbody th").endswith("1011")
    tab.click("#section-slots .wide > button")
    assert len(tab.texts("#section-slots tbody tr")) == 500


@pytest.mark.parametrize("dark", [False, True])
def test_is_not_blank(tab: Tab, traces: Traces, dark: bool) -> None:
    """What is seen is a picture and not an empty page."""
    tab.media(dark=dark)
    tab.show(render_page(traces.told()))
    data = base64.b64decode(tab.call("Page.captureScreenshot", format="png")["data"])

    assert len(data) > 20_000


def recorded(variant: str) -> Trace:
    """A scenario's first window in *variant*, recorded."""

    async def main() -> Trace:
        scenario = load_checked(SCENARIO)
        version, window = load(variant), scenario.window[0]
        watched = Watched()
        watched.inner = recorder = Recorder(watched.snapshot)
        async with open_scheduler() as scheduler:
            await play(scheduler, Setup(scenario, version), script_of(window, version), watched)
        return recorder.trace(scenario=scenario.name, variant=variant)

    return trio.run(main)


def test_the_model_is_known(tab: Tab, traces: Traces) -> None:
    """All that the model tells of its state has a table of its own; none is left over."""
    tab.show(render_page(recorded("no-second-check"), recorded("v3")))
    tab.press("End")
    shown = "[...document.querySelectorAll('.section')].filter(s => !s.hidden)"
    titles = tab.js(f"{shown}.map(s => s.querySelector('h2').textContent)")

    assert "Other state" not in titles
    assert {"Swap table", "Folios", "Page tables", "Memory cgroups", "Counters"} <= {*titles}


def test_unknown_keys_and_words_are_shown(tab: Tab, traces: Traces) -> None:
    """What a later model tells goes where its shape belongs, or to the rest."""
    world: dict[str, str | int] = {
        "swap0 cluster 0.count": 1,
        "swap0:17": "f1:0x1000",
        "swap0:17.extend": 70,
        "folio 0x1000.refs": 2,
        "folio 0x1000.stamp": "new",
        "P:16": "folio 0x1000 page 1 writable dirty",
        "P:17": "swap0:17 shared",
        "P:18": "poison",
        "file:3": "swap0:17 order 2",
        "cpu 0.batch": "folio 0x1000",
        "odd key.x": 5,
    }
    tab.show(render_page(traces.story(world).trace()))

    assert cell(tab, "slots", "17") == ["17", "folio", "1", "0x1000", "70"]
    assert cell(tab, "folios", "0x1000") == ["0x1000", "2", "new"]
    assert cell(tab, "pages", "16") == ["16", "folio 0x1000 page 1 writable dirty"]
    assert cell(tab, "pages", "18") == ["18", "poison"]
    assert tab.texts("#section-pages caption") == ["P", "file"]
    assert cell(tab, "other", "cpu 0") == ["cpu 0", "folio 0x1000"]
    assert cell(tab, "other", "odd key") == ["odd key", "5"]
    links = "[...document.querySelectorAll('#section-pages td [data-thing]')]"
    assert tab.js(f"{links}.map(b => b.dataset.thing)") == [
        "folio 0x1000",
        "swap0:17",
        "swap0:17",
    ]


def test_empty_trace(tab: Tab, traces: Traces) -> None:
    """A trace without a step can be opened."""
    tab.show(render_page(traces.story({"a.b": 1}).trace()))
    tab.press("ArrowRight")

    assert step(tab) == 0
    assert json.loads(tab.js("JSON.stringify(slider.max)")) == "0"
