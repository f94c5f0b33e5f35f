# SPDX-License-Identifier: MIT OR Apache-2.0
"""``swaptrio campaign report``, ``promote``, ``compare`` and ``gc``."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from swaptrio.explore.campaign.schema import sum_of
from swaptrio.trace import open_trace

Run = Callable[..., Result]
Document = Callable[[Result], Any]

NASTY = "<script>alert('x')</script> & \"q\" |`*_[x](javascript:1)\n# head \x1b[2J"


@pytest.fixture
def store(race: str, swaptrio: Run) -> str:
    """A campaign of a variant that fails and one that does not."""
    options = ("--seeds", "60", "--chunk", "20", "--jobs", "1", "--store", "s.sqlite")
    swaptrio("campaign", "run", race, "--variant", "pre", "--variant", "v3", *options)
    return "s.sqlite"


@pytest.fixture
def nasty(store: str) -> str:
    """The store of somebody who means no good."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.create_function("sum_of", -1, sum_of)
        connection.execute("UPDATE failure SET message = ?, rule = ?", (NASTY, NASTY))
        connection.execute("UPDATE kase SET variant = ? WHERE id = 2", (NASTY,))
    return store


@pytest.fixture
def fingerprint(store: str, swaptrio: Run) -> str:
    """The name of its failure."""
    status = json.loads(swaptrio("campaign", "status", "--store", store, "--json").stdout)
    return str(status["failures"][0]["fingerprint"])


class Page(HTMLParser):
    """What a browser makes of a page: tags, links, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.seen = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.seen += data


def test_html(store: str, swaptrio: Run) -> None:
    """One page with two curves a case, the failure, its trace, and the machine."""
    result = swaptrio("campaign", "report", "--store", store, "--out", "r.html")
    page = Page(Path("r.html").read_text(encoding="utf-8"))

    assert result.exit_code == 0
    assert page.tags.count("svg") == 4
    assert "script" not in page.tags
    [link] = page.links
    assert open_trace(link).header.verdict.check == "I-ERRNO"
    assert "violation of I-ERRNO at put_swap_device.put" in page.seen
    assert "replay race.toml" in page.seen
    assert "python 3." in page.seen


def test_links_lead_from_where_the_report_is(store: str, swaptrio: Run) -> None:
    """A report in another folder finds the traces."""
    Path("out").mkdir()
    swaptrio("campaign", "report", "--store", store, "--out", "out/r.html")
    [link] = Page(Path("out/r.html").read_text(encoding="utf-8")).links

    assert open_trace(Path("out", link)).header.scenario == "race"


def test_commands_are_for_where_the_campaign_was_run(store: str, swaptrio: Run) -> None:
    """What opens a trace is typed where what replays it is, and not where the report lies."""
    Path("out").mkdir()
    swaptrio("campaign", "report", "--store", store, "--out", "out/r.json")
    report = json.loads(Path("out/r.json").read_text(encoding="utf-8"))
    [failure] = report["cases"][0]["failures"]

    for command in (failure["open"], failure["command"]):
        assert swaptrio(*shlex.split(command)[1:]).exit_code in (0, 1)


def test_nothing_in_a_store_gets_into_the_page(nasty: str, swaptrio: Run) -> None:
    """Whatever a message or a name says, the page shows it and does nothing else with it."""
    swaptrio("campaign", "report", "--store", nasty, "--out", "r.html", "--no-traces")
    page = Page(Path("r.html").read_text(encoding="utf-8"))

    assert "script" not in page.tags
    [link] = page.links
    assert link.startswith("./logs/race-pre-")
    assert "<script>alert('x')</script> & \"q\"" in page.seen


def test_markdown(store: str, swaptrio: Run) -> None:
    """A table of the cases, and each failure with what replays it."""
    text = swaptrio("campaign", "report", "--store", store).stdout

    assert re.search(r"^\| race \| pre \| 60 \| \d+ \| 1 \|$", text, re.MULTILINE)
    assert "## race, pre: violation of I-ERRNO" in text
    assert "    swaptrio replay race.toml --variant pre --schedule " in text
    assert "    swaptrio trace logs/race-pre-" in text


def test_markdown_takes_nothing_for_its_own(nasty: str, swaptrio: Run) -> None:
    """Marks in a text are escaped, and it stays on its line."""
    text = swaptrio("campaign", "report", "--store", nasty, "--no-traces").stdout

    assert "\\<script\\>alert('x')\\</script\\>" in text
    assert "\\[x\\](javascript:1) \\# head" in text


def test_nothing_in_a_store_reaches_the_terminal(nasty: str, swaptrio: Run) -> None:
    """What a terminal would obey is written out."""
    for arguments in (
        ("status", "--store", nasty),
        ("report", "--store", nasty, "--no-traces"),
        ("compare", "pre", "pre", "--store", nasty),
    ):
        result = swaptrio("campaign", *arguments)
        assert "x1b" in result.stdout
        assert "\x1b" not in result.stdout


def test_json(store: str, swaptrio: Run, document: Document) -> None:
    """All there is to tell, curves included."""
    report = document(swaptrio("campaign", "report", "--store", store, "--format", "json"))

    failing, passing = report["cases"]
    assert (failing["executions"], passing["failures"]) == (60, [])
    assert failing["coverage"][-1][1] == failing["windows"] > 10
    [failure] = failing["failures"]
    assert failing["distinct"] == [[failure["first_seed"] + 1, 1]]
    assert failure["deciding"]
    assert report["sessions"][0]["machine"]["cpus"] >= 1
    assert report == document(swaptrio("campaign", "report", "--store", store, "--json"))


def test_junit(store: str, swaptrio: Run) -> None:
    """A case of a suite for each case, of which the one that fails says why."""
    swaptrio("campaign", "report", "--store", store, "--out", "r.xml")
    root = ET.parse("r.xml").getroot()

    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    [failure] = root.iter("failure")
    assert failure.get("type") == "violation of I-ERRNO"
    assert (failure.text or "").splitlines()[-1].startswith("open it: swaptrio trace logs/")
    [worth] = root.iter("system-out")
    assert re.fullmatch(
        r"\d+ executions; [1-9]\d* windows were entered, .* sampled; no bound is known for"
        r" auto; .* PCT would need \d+, \d+, \d+ executions",
        worth.text or "",
    )


@pytest.mark.parametrize("depth", [1, 3])
def test_a_bound_where_pct_decides(
    race: str, swaptrio: Run, document: Document, depth: int
) -> None:
    """It is the one that fuzzing tells of the same seeds, in the summary and each report."""
    of = (race, "--variant", "v3", "--strategy", f"pct:{depth}", "--seeds", "40")
    store = ("--store", "pct.sqlite")
    fuzzed = document(swaptrio("fuzz", *of, "--json"))
    run = swaptrio("campaign", "run", *of, "--chunk", "40", "--jobs", "1", *store)
    report = document(swaptrio("campaign", "report", *store, "--json"))
    page = swaptrio("campaign", "report", *store, "--format", "html").stdout
    markdown = swaptrio("campaign", "report", *store, "--format", "markdown").stdout

    [case] = report["cases"]
    assert case["pct"] == fuzzed["numbers"]["pct"]
    assert case["pct"][0]["missed"] < 1
    assert case["bounds"].startswith(
        "a bug was missed at most, by PCT's bound: of depth 1 with"
    )
    assert "a bug was missed at most" in " ".join(run.stdout.split())
    assert "a bug was missed at most" in page
    assert "a bug was missed at most" in markdown


def test_a_case_that_has_changed_is_not_replayed(store: str, swaptrio: Run, race: str) -> None:
    """The report says so, and links the trace that the campaign has kept itself."""
    with open(race, "a", encoding="utf-8") as file:
        file.write("\n")
    result = swaptrio("campaign", "report", "--store", store, "--format", "json")

    assert result.exit_code == 0
    assert "not replayed: s.sqlite: race and pre are not what" in result.stderr
    [failure] = json.loads(result.stdout)["cases"][0]["failures"]
    assert failure["deciding"] == []
    assert str(open_trace(failure["trace"]).header.verdict.schedule) == failure["schedule"]


def test_a_trace_that_is_gone_is_not_linked(store: str, swaptrio: Run) -> None:
    """There is no link to what is not there."""
    for log in Path("logs").iterdir():
        log.unlink()
    text = swaptrio("campaign", "report", "--store", store, "--no-traces").stdout

    assert "swaptrio replay race.toml" in text
    assert "swaptrio trace" not in text


def test_a_report_that_cannot_be_written(store: str, swaptrio: Run) -> None:
    """Is told, and nothing is left."""
    result = swaptrio("campaign", "report", "--store", store, "--out", "none/r.html")

    assert result.exit_code == 2
    assert "none/r.html: cannot be written" in result.stderr


def test_promote(store: str, fingerprint: str, swaptrio: Run) -> None:
    """The scenario that it writes ends as expected, by the command that it prints."""
    result = swaptrio("campaign", "promote", fingerprint[:6], "--store", store)
    [command] = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    replayed = swaptrio(*command.split()[1:], "--json")

    assert result.exit_code == 0
    assert f"race-{fingerprint[:8]}.toml is there: violation: I-ERRNO" in result.stdout
    assert replayed.exit_code == 0
    assert json.loads(replayed.stdout)["violation"]["check"] == "I-ERRNO"


def test_promote_overwrites_nothing(store: str, fingerprint: str, swaptrio: Run) -> None:
    """A file that is there stays, and one of a bad name is not made."""
    arguments = ("campaign", "promote", fingerprint, "--store", store, "--out")
    again = swaptrio(*arguments, "race.toml")
    odd = swaptrio(*arguments, "Race 1.txt")

    assert again.exit_code == odd.exit_code == 2
    assert "race.toml: is there already, and is left alone" in again.stderr
    assert "Race 1.txt: must end in .toml" in odd.stderr
    assert not Path("Race 1.txt").exists()


def test_promote_needs_one_failure(store: str, fingerprint: str, swaptrio: Run) -> None:
    """A name that is none is answered with the nearest."""
    wrong = fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")
    result = swaptrio("campaign", "promote", wrong, "--store", store)

    assert result.exit_code == 2
    assert f"there is no failure of this name; did you mean '{fingerprint}'?" in result.stderr


def test_compare_two_variants(store: str, swaptrio: Run, document: Document) -> None:
    """What the new one breaks makes the exit code 1; what it mends does not."""
    worse = swaptrio("campaign", "compare", "v3", "pre", "--store", store, "--json")
    better = swaptrio("campaign", "compare", "pre", "v3", "--store", store, "--json")

    assert (worse.exit_code, better.exit_code) == (1, 0)
    [change] = document(worse)["changes"]
    assert (change["scenario"], change["check"], change["change"]) == ("race", "I-ERRNO", "new")
    assert change["new"]["command"].startswith("swaptrio replay race.toml --variant pre")
    assert [each["change"] for each in document(better)["changes"]] == ["fixed"]


def test_compare_two_stores(store: str, race: str, swaptrio: Run) -> None:
    """Each side may be a store."""
    swaptrio("campaign", "run", race, "--variant", "pre", "--seeds", 60, "--store", "n.sqlite")
    result = swaptrio("campaign", "compare", store, "n.sqlite")

    assert result.exit_code == 0
    assert "same: race, violation of I-ERRNO" in result.stdout


def test_compare_for_people(store: str, swaptrio: Run) -> None:
    """Both rates, and what replays it."""
    result = swaptrio("campaign", "compare", "v3", "pre", "--store", store)

    assert "before: v3, 60 executions of 1 scenarios" in result.stdout
    assert "new: race, violation of I-ERRNO: 0 of 60, then " in result.stdout
    assert "  swaptrio replay race.toml --variant pre --schedule" in result.stdout


def test_compare_with_what_is_not_there(store: str, swaptrio: Run) -> None:
    """A side that is neither store nor variant is answered with the nearest."""
    result = swaptrio("campaign", "compare", "v3", "prae", "--store", store)
    lost = swaptrio("campaign", "compare", "v3", "pre", "--store", "none.sqlite")

    assert result.exit_code == lost.exit_code == 2
    assert "there is no store and no variant 'prae'; did you mean 'pre'?" in result.stderr
    assert "is no store; and there is none at none.sqlite" in lost.stderr


def test_gc_drops_what_has_changed(
    store: str, race: str, swaptrio: Run, document: Document
) -> None:
    """Cases of another text of a scenario go, and only when it is not a dry run."""
    assert document(swaptrio("campaign", "gc", "--store", store, "--json"))["stale"] == []
    with open(race, "a", encoding="utf-8") as file:
        file.write("\n")
    dry = document(swaptrio("campaign", "gc", "--store", store, "--dry-run", "--json"))
    still = json.loads(swaptrio("campaign", "status", "--store", store, "--json").stdout)
    wet = swaptrio("campaign", "gc", "--store", store)
    now = json.loads(swaptrio("campaign", "status", "--store", store, "--json").stdout)

    assert [each[2] for each in dry["stale"]] == ["the scenario changed"] * 2
    assert still["executions"] == 120
    assert "dropped: race, variant pre: the scenario changed" in wet.stdout
    assert now == {"items_total": 0, "items_done": 0, "executions": 0, "failures": []}


def test_nothing_is_left_to_go_on_with(store: str, race: str, swaptrio: Run) -> None:
    """Where all cases were dropped, going on is refused: it would pass and run nothing."""
    with open(race, "a", encoding="utf-8") as file:
        file.write("# another text\n")
    swaptrio("campaign", "gc", "--store", store)
    result = swaptrio("campaign", "resume", "--store", store)

    assert result.exit_code == 2
    assert (
        result.stderr == "s.sqlite: has no case any more: 'campaign gc' has dropped them all\n"
    )


def test_what_was_given_up_is_told(race: str, swaptrio: Run) -> None:
    """A report says that seeds were left out, whatever else it tells of the case."""
    Path("dead.py").write_text(
        '"""It kills."""\nimport os\n\nBASE = "v3"\n\n\n'
        "async def swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, mpol, ilx):\n"
        "    os._exit(7)\n",
        encoding="utf-8",
    )
    options = ("--seeds", "10", "--chunk", "10", "--jobs", "1", "--store", "d.sqlite")
    run = swaptrio("campaign", "run", race, "--variant", "dead.py", *options)
    assert "race, variant dead; 1 item was given up" in run.stdout
    for name in ("html", "markdown"):
        report = swaptrio("campaign", "report", "--store", "d.sqlite", "--format", name).stdout
        assert "1 item was given up, as too many seeds of one killed the interpreter" in report


def test_gc_runs_no_code(race: str, mine: str, swaptrio: Run) -> None:
    """A variant of one's own is compared by its text; who does not name it, keeps it."""
    options = ("--seeds", "20", "--jobs", "1", "--store", "m.sqlite")
    swaptrio("campaign", "run", race, "--variant", mine, *options)
    Path(mine).write_text("import os\nos.mkdir('ran')\n", encoding="utf-8")
    kept = swaptrio("campaign", "gc", "--store", "m.sqlite")
    dropped = swaptrio("campaign", "gc", "--store", "m.sqlite", "--variant", mine)

    assert "nothing is stale" in kept.stdout
    assert "dropped: race, variant mine: the variant changed" in dropped.stdout
    assert "ran" not in os.listdir()
