# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whatever a file holds, it is a scenario or a clear error."""

from __future__ import annotations

import copy
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.errors import MOST_LISTED, ScenarioError
from swaptrio.scenario.deeds import DEED_KEYS
from swaptrio.scenario.format import (
    DeviceSetup,
    Expect,
    Instead,
    KernelSetup,
    MemcgSetup,
    PageSetup,
    ProcessSetup,
    Scenario,
    SlotSetup,
    TaskSetup,
    Window,
    WindowStep,
)
from swaptrio.scenario.load import load
from swaptrio.scenario.source import LARGEST_FILE
from swaptrio.scenario.structure import structure

if TYPE_CHECKING:
    from collections.abc import Callable

VALID = """\
name = "a-race"
title = "An order-2 allocation meets an order-0 swap-in of its last slot"
catalogue = "A04"
references = ["v3 04/12"]
status = "verified"
note = "code and mail"
story = '''
Two tasks,
one slot.'''

[kernel]
thp = true
memcg = "v2"
zswap = true
failures = ["alloc", "charge"]

[[device]]
name = "swap0"
sync = true
clusters = 2
latency = 1000

[[memcg]]
name = "m1"
limit = 1000

[[process]]
name = "P"
memcg = "m1"
orders = [2]

[[slots]]
process = "P"
page = 16
device = "swap0"
first = 16
nr = 4
shadows = [101, 102, 103, 104]
memcg = "m1"
zswap = false
zero = false
count = 1

[[page]]
process = "P"
page = 3

[[task]]
name = "fault"
run = "fault"
process = "P"
page = 17
write = false

[[task]]
name = "ahead"
run = "readahead"
device = "swap0"
slot = 19

[[window]]
name = "between-checks"
steps = [{ run = "fault", until = "swap_cache_alloc.recheck", times = 2 }, { run = "ahead" }]
choices = { "alloc.grant" = ["ok", "fail"] }
story = "One sentence."

[window.instead.pre]
steps = [{ run = "fault", until = "begin" }]
choices = {}

[window.expect.v3]
verdict = "passed"
results = { fault = "mapped" }
slots = { "swap0:17" = "f1" }
counters = { "swpin_fallback.2" = 1 }
reports = ["I-SHADOW"]

[window.expect.pre]
verdict = "violation"
check = "I-ERRNO"

[window.expect.old]
verdict = "n/a"
reason = "it has no large swap-in"
"""


def written(folder: Path, content: str | bytes, name: str = "a-race.toml") -> Path:
    """A file with *content*."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: str | Path) -> list[str]:
    """What is said of the file at *path*, without the path that each line starts with."""
    with pytest.raises(ScenarioError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def changed(old: str, new: str) -> str:
    """The valid file with one change."""
    assert VALID.count(old) >= 1
    return VALID.replace(old, new, 1)


def test_valid_file(tmp_path: Path) -> None:
    """A file that says everything becomes a scenario that says the same."""
    assert load(written(tmp_path, VALID)) == Scenario(
        name="a-race",
        title="An order-2 allocation meets an order-0 swap-in of its last slot",
        catalogue="A04",
        references=("v3 04/12",),
        status="verified",
        note="code and mail",
        story="Two tasks,\none slot.",
        kernel=KernelSetup(thp=True, memcg="v2", zswap=True, failures=("alloc", "charge")),
        device=(DeviceSetup(name="swap0", sync=True, clusters=2, latency=1000),),
        memcg=(MemcgSetup(name="m1", limit=1000),),
        process=(ProcessSetup(name="P", memcg="m1", orders=(2,)),),
        slots=(
            SlotSetup(
                process="P",
                page=16,
                device="swap0",
                first=16,
                nr=4,
                shadows=(101, 102, 103, 104),
                memcg="m1",
            ),
        ),
        page=(PageSetup(process="P", page=3),),
        task=(
            TaskSetup(name="fault", run="fault", process="P", page=17),
            TaskSetup(name="ahead", run="readahead", device="swap0", slot=19),
        ),
        window=(
            Window(
                name="between-checks",
                steps=(
                    WindowStep(run="fault", until="swap_cache_alloc.recheck", times=2),
                    WindowStep(run="ahead"),
                ),
                choices={"alloc.grant": ("ok", "fail")},
                story="One sentence.",
                instead={
                    "pre": Instead(steps=(WindowStep(run="fault", until="begin"),), choices={})
                },
                expect={
                    "v3": Expect(
                        verdict="passed",
                        results={"fault": "mapped"},
                        slots={"swap0:17": "f1"},
                        counters={"swpin_fallback.2": 1},
                        reports=("I-SHADOW",),
                    ),
                    "pre": Expect(verdict="violation", check="I-ERRNO"),
                    "old": Expect(verdict="n/a", reason="it has no large swap-in"),
                },
            ),
        ),
    )


def test_windows_line_ends(tmp_path: Path) -> None:
    """A file with the line ends of another system says the same."""
    path = written(tmp_path, VALID)
    scenario = load(path)

    assert load(written(tmp_path, VALID.replace("\n", "\r\n"))) == scenario


def test_path_as_text(tmp_path: Path) -> None:
    """A path may be given as text."""
    assert load(str(written(tmp_path, VALID))).name == "a-race"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("count = 1", "cuont = 1", "slots[0].cuont: unknown key; did you mean 'count'?"),
        ("[[device]]", "[[devise]]", "devise: unknown key; did you mean 'device'?"),
        ("write = false", "quux = 1", "task[0].quux: unknown key"),
        (
            "limit = 1000",
            '"a\\u001b[2J" = 1',
            r'memcg[0]."a\x1b[2J": unknown key',
        ),
        (
            ", times = 2",
            ", tims = 2",
            "window[0].steps[0].tims: unknown key; did you mean 'times'?",
        ),
        ('title = "An', 'title = 3 # "An', "title: must be a string (got 3)"),
        ("thp = true", "thp = 1", "kernel.thp: must be true or false (got 1)"),
        ("thp = true", 'thp = "yes"', "kernel.thp: must be true or false (got 'yes')"),
        (
            "clusters = 2",
            "clusters = true",
            "device[0].clusters: must be a whole number (got true)",
        ),
        (
            "clusters = 2",
            "clusters = 2.0",
            "device[0].clusters: must be a whole number (got 2.0)",
        ),
        (
            "clusters = 2",
            "clusters = nan",
            "device[0].clusters: must be a whole number (got nan)",
        ),
        (
            "clusters = 2",
            "clusters = -inf",
            "device[0].clusters: must be a whole number (got -inf)",
        ),
        (
            "clusters = 2",
            'clusters = "2"',
            "device[0].clusters: must be a whole number (got '2')",
        ),
        (
            "clusters = 2",
            "clusters = 2026-04-21",
            "device[0].clusters: must be a whole number (got 2026-04-21)",
        ),
        (
            "clusters = 2",
            f"clusters = 0x{'f' * 5000}",
            "device[0].clusters: must be from 1 to 64 (got a number of 20000 bits)",
        ),
        ("orders = [2]", "orders = 2", "process[0].orders: must be a list (got 2)"),
        ("orders = [2]", 'orders = "2"', "process[0].orders: must be a list (got '2')"),
        ("orders = [2]", "orders = {}", "process[0].orders: must be a list (got a table)"),
        (
            "orders = [2]",
            "orders = [2, [3]]",
            "process[0].orders[1]: must be a whole number (got a list)",
        ),
        ("[kernel]", "[[kernel]]", "kernel: must be a table (got a list)"),
        ("[[page]]", "[page]", "page: must be a list (got a table)"),
        (
            'steps = [{ run = "fault", until = "b',
            'steps = ["fault", { run = "fault", until = "b',
            "window[0].instead.pre.steps[0]: must be a table (got 'fault')",
        ),
        (
            'choices = { "alloc.grant" = ["ok", "fail"] }',
            'choices = { "alloc.grant" = "ok" }',
            "window[0].choices.\"alloc.grant\": must be a list (got 'ok')",
        ),
        (
            'results = { fault = "mapped" }',
            "results = { fault = 1 }",
            "window[0].expect.v3.results.fault: must be a string (got 1)",
        ),
        (
            'counters = { "swpin_fallback.2" = 1 }',
            'counters = { "swpin_fallback.2" = true }',
            'window[0].expect.v3.counters."swpin_fallback.2": must be a whole number '
            "(got true)",
        ),
        ('run = "readahead"', "run = 7", "task[1].run: must be a string (got 7)"),
        (
            'run = "readahead"',
            'run = "readahed"',
            f"task[1].run: must be one of {', '.join(DEED_KEYS)} "
            "(got 'readahed'); did you mean 'readahead'?",
        ),
        ('verdict = "passed"\n', "", "window[0].expect.v3.verdict: this key is missing"),
        ("first = 16", "first = 0", "slots[0].first: must be from 1 to 32_767 (got 0)"),
        ("slot = 19\n", "", "task[1].slot: needed where run is readahead"),
        (
            'process = "P"\npage = 17',
            'process = "PP"\npage = 17',
            "task[0].process: there is no process of this name (got 'PP'); did you mean 'P'?",
        ),
        (
            'name = "a-race"',
            'name = "a-rice"',
            "name: must be the file's name without .toml (got 'a-rice'); "
            "did you mean 'a-race'?",
        ),
    ],
)
def test_one_problem(old: str, new: str, problem: str, tmp_path: Path) -> None:
    """Each mistake has its message: the place, what was expected, the value, the right word."""
    assert refused(written(tmp_path, changed(old, new))) == [problem]


@pytest.mark.parametrize(
    "key", ["name", "title", "catalogue", "references", "status", "story", "task", "window"]
)
def test_missing_key(key: str) -> None:
    """What a scenario cannot do without is asked for."""
    tables = tomllib.loads(VALID)
    del tables[key]

    with pytest.raises(ScenarioError) as caught:
        structure(tables)

    assert str(caught.value) == f"{key}: this key is missing"


@pytest.mark.parametrize("key", ["note", "kernel", "device", "memcg", "page", "slots"])
def test_optional_key(key: str) -> None:
    """What has a default may be left out."""
    tables = tomllib.loads(VALID)
    del tables[key]

    assert structure(tables).name == "a-race"


def test_all_problems_at_once(tmp_path: Path) -> None:
    """One look at a file tells all that is wrong with its keys and values."""
    content = (
        VALID.replace('name = "a-race"', 'name = "a-rice"')
        .replace('catalogue = "A04"', 'catalogue = "Z04"')
        .replace("thp = true", "thp = 1\nttp = 2")
        .replace("limit = 1000", "limit = -1")
        .replace("count = 1", "count = 99")
        .replace('until = "begin"', "until = 1")
        .replace('check = "I-ERRNO"', "")
    )

    assert refused(written(tmp_path, content)) == [
        "name: must be the file's name without .toml (got 'a-rice'); did you mean 'a-race'?",
        "catalogue: must be a letter from A to H and two digits (got 'Z04')",
        "kernel.thp: must be true or false (got 1)",
        "kernel.ttp: unknown key; did you mean 'thp'?",
        "memcg[0].limit: must be from 0 to 1_000_000 (got -1)",
        "slots[0].count: must be from 1 to 14 (got 99)",
        "window[0].instead.pre.steps[0].until: must be a string (got 1)",
        "window[0].expect.pre.check: needed where the verdict is violation",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        (b"\x7fELF\0\0", "is binary: it holds NUL bytes"),
        ("name".encode("utf-16-le"), "is binary: it holds NUL bytes"),
        (b'a = 1\nb = "caf\xe9"', "line 2: is not UTF-8 text"),
        (b"\xff\xfe", "line 1: is not UTF-8 text"),
        (
            b"\xef\xbb\xbfname = 1",
            "starts with a byte order mark; save it as UTF-8 without one",
        ),
        (b"a = 1\nb = 2 c", "line 2, column 7: is not TOML: "),
        (b"a = [1", "end of document: is not TOML: "),
        (b"a = 1\na = 2\n", "line 2, column 6: is not TOML: "),
        (b'a = "\x1b"', "line 1, column 6: is not TOML: "),
        (b"a = " + b"[" * 100_000, "is nested too deeply"),
        (b"a = " + b"{a=" * 100_000, "is nested too deeply"),
        (b"\na = " + b"1" * 5000, "line 2: holds a number that is too long"),
        (b"\na = -1_" + b"1_" * 5000 + b"1", "line 2: holds a number that is too long"),
    ],
    ids=range(15),
)
def test_not_toml(content: bytes, problem: str, tmp_path: Path) -> None:
    """A file that is no TOML is refused in one line, which says where it stops being so."""
    (line,) = refused(written(tmp_path, content))

    assert line.startswith(problem)


@pytest.mark.parametrize(
    "part", ["a.", "a\t. ", '"a".', "'a'.", '"\\"".', '"\\\\".', "'\\'.", '"".', "''.", '"#".']
)
@pytest.mark.parametrize(("head", "tail"), [("", "a = 1"), ("[", "a]"), ("x = { ", "a = 1 }")])
def test_key_of_many_parts(part: str, head: str, tail: str, tmp_path: Path) -> None:
    """A dotted key that would take tomllib hours and all memory is refused at once."""
    (line,) = refused(written(tmp_path, f"\n{head}{part * 50_000}{tail}"))

    assert line == "line 2: a key has more than 20 parts"


@pytest.mark.parametrize(
    "content",
    ['x = "' + '\\"' * 500_000, "x = " + "a" * 1_000_000, "\"'" * 500_000, "." * 10**6],
    ids=range(4),
)
def test_search_for_long_keys_is_linear(content: str, tmp_path: Path) -> None:
    """What looks like the start of many keys takes no longer than other text."""
    assert len(refused(written(tmp_path, content))) == 1


def test_dots_in_a_story(tmp_path: Path) -> None:
    """An ellipsis in a text is no key."""
    path = written(tmp_path, changed("Two tasks,", f"Two tasks{'.' * 100}"))

    assert load(path).story.startswith("Two tasks....")


def test_largest_file(tmp_path: Path) -> None:
    """A file of exactly 1 MiB is read."""
    path = written(tmp_path, VALID + "#" * (LARGEST_FILE - len(VALID)))

    assert load(path).name == "a-race"


def test_large_file(tmp_path: Path) -> None:
    """A file that is larger than 1 MiB is refused by its size, unread."""
    path = written(tmp_path, VALID)
    os.truncate(path, 50_000_000)

    assert refused(path) == ["is too large: 50_000_000 bytes; at most 1_048_576 are allowed"]


def test_growing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows while it is read is not read any further."""
    path = written(tmp_path, VALID)
    small = path.stat()
    os.truncate(path, 50_000_000)
    monkeypatch.setattr(Path, "stat", lambda _: small)

    assert refused(path) == ["is too large: 1_048_577 bytes; at most 1_048_576 are allowed"]


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there leads to the nearest one that is."""
    written(tmp_path, VALID)

    assert refused(tmp_path / "a-rase.toml") == [
        "there is no such file; did you mean 'a-race.toml'?"
    ]
    assert refused(tmp_path / "no" / "x.toml") == ["there is no such file"]


def test_directory(tmp_path: Path) -> None:
    """A directory is not a file, even if it is named like one."""
    (tmp_path / "a-race.toml").mkdir()

    assert refused(tmp_path / "a-race.toml") == ["is not a file"]


def test_pipe(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused and not waited for."""
    os.mkfifo(tmp_path / "a-race.toml")

    assert refused(tmp_path / "a-race.toml") == ["is not a file"]


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that must not be read is told as such."""
    path = written(tmp_path, VALID)

    def no_open(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", no_open)

    assert refused(path) == ["cannot be read: Permission denied"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("x" * 300, "cannot be read: File name too long"),
        ("a-race.toml/x", "cannot be read: Not a directory"),
    ],
)
def test_impossible_path(name: str, problem: str, tmp_path: Path) -> None:
    """A path that cannot be is an error like any other."""
    written(tmp_path, VALID)

    assert refused(tmp_path / name) == [problem]


def test_nul_in_path() -> None:
    """A path with a NUL, which no system has, is an error like any other."""
    with pytest.raises(ScenarioError, match=r"a\\x00b.toml: is not the name of a file"):
        load("a\0b.toml")


def test_escape_in_path(tmp_path: Path) -> None:
    """A file's name cannot write to the terminal."""
    path = written(tmp_path, "", "\x1b[2J.toml")

    with pytest.raises(ScenarioError) as caught:
        load(path)

    assert str(caught.value).endswith(r"\x1b[2J.toml: is empty")


@pytest.mark.parametrize(
    "content",
    [
        "[[task]]\n" * 100_000,
        "task = [" + "1, " * 300_000 + "]",
        "".join(f"key-{number} = 1\n" for number in range(60_000)),
        VALID.replace("steps = [{ run", "steps = [" + '{run="x"},' * 90_000 + "{ run"),
    ],
    ids=["tasks", "numbers", "keys", "steps"],
)
def test_very_many_problems(content: str, tmp_path: Path) -> None:
    """A file with a hundred thousand mistakes is told in a hundred lines."""
    lines = refused(written(tmp_path, content))

    assert len(lines) <= MOST_LISTED + 1


def test_no_traceback(tmp_path: Path) -> None:
    """An error drags no inner exceptions along: its message is all there is to know."""
    with pytest.raises(ScenarioError) as caught:
        load(written(tmp_path, changed("thp = true", "thp = 1")))

    assert caught.value.__cause__ is None


# No deadline: a machine that is busy with other things must not fail these tests.
FUZZ = settings(max_examples=200, deadline=None)


def said_of(read: Callable[[], Scenario]) -> list[str]:
    """What is said of something that is read; nothing where it is a scenario."""
    try:
        read()
    except ScenarioError as error:
        return str(error).split("\n")
    return []


@FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No bytes make anything but a scenario or a ScenarioError."""
    path = written(tmp_path_factory.getbasetemp(), content)

    assert all(line.isprintable() for line in said_of(lambda: load(path)))


TOKENS = (
    b'"', b"'", b'"""', b"[", b"]", b"[[", b"{", b"}", b"=", b".", b",", b"\n", b"#", b"\\",
    b"-", b"1", b"1e999", b"nan", b"true", b"0x", b"1979-05-27", b"\0", b"\xff", b"\x1b",
    b"[kernel]\n", b"[[task]]\n", b'run = "zap"\n', b"\xef\xbb\xbf",
)  # fmt: skip  # one token a line would be a long column


@FUZZ
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(VALID)), st.integers(0, 40), st.sampled_from((b"", *TOKENS))
        ),
        min_size=1,
        max_size=4,
    )
)
def test_mutated_file(
    edits: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file that was good before it was cut and patched is at worst a ScenarioError."""
    content = VALID.encode()
    for start, length, token in edits:
        content = content[:start] + token + content[start + length :]

    path = written(tmp_path_factory.getbasetemp(), content)

    assert all(line.isprintable() for line in said_of(lambda: load(path)))


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values within *value*."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in entries:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found += spots(inner, (*path, key))
    return found


def put(tables: Any, path: tuple[Any, ...], value: Any) -> None:
    """Set what *path* leads to, unless an earlier change took that place away."""
    *way, last = path
    for key in way:
        if not has(tables, key):
            return
        tables = tables[key]
    if has(tables, last):
        tables[last] = value


def has(tables: Any, key: Any) -> bool:
    """Whether there is a place *key*: in a table by name, in a list by number."""
    if isinstance(tables, dict):
        return key in tables
    return isinstance(tables, list) and key in range(len(tables))


TABLES = tomllib.loads(VALID)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["fault", "zap", "P", "swap0", "m1", "v3", "n/a", "", 0, 1, 17, 2**70])
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["run", "name"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


@FUZZ
@given(
    changes=st.lists(st.tuples(st.sampled_from(spots(TABLES)), VALUES), min_size=1, max_size=3)
)
def test_mutated_tables(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Any value in any place makes at worst a ScenarioError, in lines that can be printed."""
    tables = copy.deepcopy(TABLES)
    for path, value in changes:
        put(tables, path, value)

    assert all(line.isprintable() for line in said_of(lambda: structure(tables)))
