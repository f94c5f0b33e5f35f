# SPDX-License-Identifier: MIT OR Apache-2.0
"""Loading versions by name and by file, and what is said of those that cannot be loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from swaptrio.errors import VariantError
from swaptrio.mm import setup
from swaptrio.mm.injection import Drawn
from swaptrio.mm.kernel import Config
from swaptrio.mm.memcontrol import MemCgroup
from swaptrio.mm.memory import handle_mm_fault
from swaptrio.sched import Execution, FirstChoice, run
from swaptrio.variants import REQUIRED, VERSIONS, Variant, load, names
from swaptrio.variants.mutants import MUTANTS, Mutant

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the file of a variant of one's own."""

    def to_file(text: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    return to_file


def _message(name: str) -> str:
    with pytest.raises(VariantError) as caught:
        load(name)
    message = str(caught.value)
    assert all(line.isprintable() for line in message.splitlines())
    return message


def _fault(variant: Variant) -> str:
    """What a fault at a page that is swapped out ends with."""
    memcg = MemCgroup("m1", 1, 10)
    kernel = setup.new_kernel(Config(), variant.functions, Drawn(), [memcg])
    si = setup.new_device(kernel, "swap0")
    mm = setup.new_process(kernel, "P", memcg)
    token = setup.swap_out(kernel, si, 16, memcg=memcg)
    setup.map_swapped(mm, 3, si, 16, token)

    async def main() -> str:
        return await handle_mm_fault(kernel, mm, 3, write=False)

    def program(execution: Execution) -> None:
        execution.spawn("main", main)
        setup.start_daemons(kernel, execution)

    execution = run(program, FirstChoice())
    assert execution.verdict is not None
    assert execution.verdict.passed, str(execution.verdict)
    return str(execution.tasks[0].result)


def test_names() -> None:
    """Versions come first, in the order of time, then mutants; no name is there twice."""
    assert names()[: len(VERSIONS)] == VERSIONS
    assert VERSIONS == ("old", "pre", "v3", "v4", "v5", "next")
    assert len(set(names())) == len(names())
    assert "chris-literal" in names()


@pytest.mark.parametrize("name", names())
def test_every_variant_runs(name: str) -> None:
    """Every variant can be loaded, has what is required, says what it is, and works alone."""
    variant = load(name)

    assert variant.name == name
    assert variant.summary
    assert set(REQUIRED) <= set(variant.functions)
    assert _fault(variant) == "mapped"


@pytest.mark.parametrize(
    ("name", "base"), [("pre", "pre"), ("v3", "v3"), ("v4", "v3"), ("v5", "v5"),
                       ("free-all", "v3")]
)  # fmt: skip
def test_base(name: str, base: str) -> None:
    """A version that stands alone is its own base."""
    assert load(name).base == base


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_its_base_but_for_its_mistake(mutant: Mutant) -> None:
    """A mutant replaces what its row says, and is the version it started from in all else."""
    changed, base = load(mutant.name).functions, load(load(mutant.name).base).functions

    assert {name for name in changed if changed[name] is not base.get(name)} == set(
        mutant.functions
    )


def test_unknown_name() -> None:
    """A name that is none lists those that there are, and the nearest."""
    assert _message("no-secnd-check") == (
        "no-secnd-check: variant: there is no variant of this name; known are "
        f"{', '.join(names())} (got no-secnd-check); did you mean 'no-second-check'?"
    )


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    path = tmp_path / "mine.py"

    assert _message(str(path)) == f"{path}: there is no such file"


def test_directory(tmp_path: Path) -> None:
    """A directory is no file, whatever its name."""
    path = tmp_path / "mine.py"
    path.mkdir()

    assert _message(str(path)) == f"{path}: there is no such file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef f(:\n", "line 2: the file cannot be run: SyntaxError: "),
        ("x = 1\n\ny = 1 / 0\n", "line 3: the file cannot be run: ZeroDivisionError: "),
        ("import no_such_module\n", "line 1: the file cannot be run: ModuleNotFoundError: "),
        ("x = 1\nraise SystemExit(3)\n", "line 2: the file cannot be run: SystemExit: 3"),
        (
            "def f():\n    raise KeyError('k')\nf()\n",
            "line 2: the file cannot be run: KeyError: ",
        ),
        ("raise KeyboardInterrupt\n", ""),
    ],
)
def test_file_that_cannot_be_run(write: Write, text: str, message: str) -> None:
    """What a file raises is told with its line; an interrupt is let through."""
    path = write(text)

    if not message:
        with pytest.raises(KeyboardInterrupt):
            load(str(path))
        return
    assert _message(str(path)).startswith(f"{path}: {message}")


def test_relative_path(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is told too where the path is not absolute."""
    monkeypatch.chdir(write("x = 1\nassert False\n").parent)

    assert _message("mine.py").startswith("mine.py: line 2: the file cannot be run")


def test_error_in_what_a_file_imports(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an error elsewhere the line is that of the import."""
    (tmp_path / "swaptrio_test_helper.py").write_text("\n\n\ndef f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = write("x = 1\n\nimport swaptrio_test_helper\n")

    message = _message(str(path))

    assert message.startswith(f"{path}: line 3: the file cannot be run: SyntaxError: ")


def test_long_reason(write: Write) -> None:
    """What a file raises is cut to a length that can be read."""
    path = write("raise ValueError('x' * 100_000)\n")

    assert len(_message(str(path))) < 500


def test_dataclass_in_a_file(write: Write) -> None:
    """A file may define classes that look for their module."""
    path = write(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "BASE = 'v3'\n"
        "@dataclass\n"
        "class Note:\n"
        "    text: str\n"
    )

    assert load(str(path)).base == "v3"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x = 1\n\x00\n"])
def test_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    """A file that is no Python source is told as one."""
    path = tmp_path / "mine.py"
    path.write_bytes(content)

    assert _message(str(path)).startswith(f"{path}: ")
    assert "the file cannot be run" in _message(str(path))


def test_empty_file(write: Write) -> None:
    """A file without a base has to bring what is required, all of which is told."""
    path = write("")

    assert _message(str(path)).splitlines() == [
        f"{path}: the file lacks this function, and names no BASE (got {name})"
        for name in REQUIRED
    ]


def test_missing_function(write: Write) -> None:
    """A required function that is missing is told with the nearest that is there."""
    path = write(
        "async def swap_cache_aloc_folio(kernel): ...\n"
        "async def swap_cache_read_folio(kernel): ...\n"
        "async def swapin_sync(kernel): ...\n"
    )

    assert _message(str(path)) == (
        f"{path}: the file lacks this function, and names no BASE "
        "(got swap_cache_alloc_folio); "
        "did you mean 'swap_cache_aloc_folio'?"
    )


@pytest.mark.parametrize(
    ("base", "hint"),
    [("'v33'", "; did you mean 'v3'?"), ("'free-all'", ""), ("7", ""), ("['v3']", "")],
)
def test_bad_base(write: Write, base: str, hint: str) -> None:
    """BASE names one of the versions."""
    path = write(f"BASE = {base}\n")

    message = _message(str(path))

    assert message.startswith(f"{path}: BASE: BASE names no version; known are old, pre, v3")
    assert message.endswith(hint)


def test_own_function_runs(write: Write) -> None:
    """A function in a file with a BASE runs in place of the base's."""
    path = write(
        '"""Nothing can be allocated."""\n'
        "from swaptrio.mm.errno import Errno\n"
        "BASE = 'v3'\n"
        "async def swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, mpol, ilx):\n"
        "    return Errno.ENOMEM\n"
    )

    variant = load(str(path))

    assert (variant.name, variant.base, variant.summary) == (
        "mine", "v3", "Nothing can be allocated.",
    )  # fmt: skip
    assert _fault(variant) == "VM_FAULT_OOM"
    assert _fault(load("v3")) == "mapped"


@pytest.mark.parametrize("decorated", ["", "@kernel_function\n"])
def test_own_helper_runs(write: Write, decorated: str) -> None:
    """A function of the model itself can be replaced too, decorated or not."""
    path = write(
        "from swaptrio.mm.kernel import kernel_function\n"
        "BASE = 'v5'\n"
        f"{decorated}"
        "def should_try_to_free_swap(kernel, si, folio, vmf, extra_refs):\n"
        "    kernel.warnings.append('asked')\n"
        "    return False\n"
    )

    variant = load(str(path))

    assert _fault(variant) == "mapped"
    assert set(load("v5").functions) < set(variant.functions)


def test_file_that_stands_alone(write: Write) -> None:
    """A file with all that is required needs no BASE."""
    path = write(
        "from swaptrio.mm.errno import Errno\n"
        "async def swap_cache_alloc_folio(kernel, *args):\n    return Errno.ENOMEM\n"
        "async def swap_cache_read_folio(kernel, *args, **more):\n    return None\n"
        "async def swapin_sync(kernel, *args):\n    return None\n"
    )

    variant = load(str(path))

    assert variant.base == "mine"
    assert _fault(variant) == "VM_FAULT_OOM"


def test_imported_functions_are_not_its_own(write: Write) -> None:
    """What a file imports does not replace anything."""
    path = write("BASE = 'v3'\nfrom swaptrio.variants.v5 import swap_cache_alloc_folio\n")

    assert load(str(path)).functions == load("v3").functions


def test_labels(write: Write) -> None:
    """The labels of a file are its own, those of its base and those of the model."""
    path = write(
        "from swaptrio.sched import point\n"
        "BASE = 'v3'\n"
        "async def swapin_sync(kernel, entry, gfp, vmf):\n"
        "    await point('swapin_sync.mine')\n"
    )

    labels = load(str(path)).labels

    assert "swapin_sync.mine" in labels
    assert {"swap_cache_alloc.recheck", "do_swap_page.ptl"} <= labels
    assert "swapin_sync.mine" not in load("v3").labels


@pytest.mark.parametrize(
    ("label", "variants"),
    [
        ("swap_cache_alloc.recheck", {"v3", "v4", "v5", "next"}),
        ("swap_cache_add_folio.lock", {"pre"}),
        ("non_swapcache_batch.read", {"old", "pre"}),
        ("swapcache_prepare.lock", {"old"}),
        ("can_swapin_thp.slots", {"v3", "v4"}),
        ("do_swap_page.folio_lock", {"old", "pre", "v3", "v4", "v5", "next"}),
    ],
)
def test_labels_of_versions(label: str, variants: set[str]) -> None:
    """A version has the labels of its own code and of the model, and no others."""
    assert {name for name in VERSIONS if label in load(name).labels} == variants


def test_every_module_of_the_model_has_its_labels_known() -> None:
    """What stands as a label anywhere in the model can be named, whoever added the module."""
    folder = Path(setup.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
    held = re.findall(r'\b(?:hold|acquire|point)\(\s*"([a-z0-9_]+\.[a-z0-9_]+)"', text)
    assert len(held) > 30
    assert [label for label in held if label not in load("v3").labels] == []


def test_draws_are_no_labels() -> None:
    """What is drawn is no scheduling point that a window could name."""
    assert "alloc_pages.grant" not in load("v3").labels
