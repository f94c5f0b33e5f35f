# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swaptrio.variants.mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "swaptrio"

#: The rooms, lowest first.
FLOORS = (
    "sched",
    "mm",
    "variants",
    "checks",
    "scenario",
    "conform",
    "explore",
    "trace",
    "page",
    "diagram",
    "study",
    "cli",
    "pytest_plugin",
    "__main__",
)

#: Modules at the root that every room may use, and that use none.
SHARED = ("errors", "words")

#: Modules that nothing deterministic may use, and who may all the same, with the reason.
UNSTEADY = {
    "time": {
        "explore/pace.py": "shows how fast a campaign is",
    },
    "random": {"sched/strategies/random_walk.py": "draws from its own generator and seed"},
    "threading": {
        "cli/interrupts.py": "handles signals in the main thread only",
        "explore/campaign/leash.py": "ends a worker that nobody owns any more",
    },
    "datetime": {},
    "secrets": {"trace/write.py": "names a file that is there while another is written"},
    "uuid": {},
}

#: Who may ask for the identity of an object, with the reason.
IDENTITIES = {
    "sched/lasso.py": "tells objects apart while it keeps them; no address comes out",
    "sched/states.py": "numbers objects in the order in which a walk meets them",
    "scenario/beginning.py": "goes through each object once; no address comes out",
}

#: Parts of a function that the model tells apart, by the function whose label they carry. All
#: have the same reason: the kernel takes this step in the function that the label names.
PARTS = {
    "_swap_in": "do_swap_page",
    "_nothing_read": "do_swap_page",
    "_map": "do_swap_page",
    "_give_up": "do_swap_page",
    "_lock_and_map": "do_swap_page",
    "_install": "do_swap_page",
    "_read_privately": "swapin_sync",
    "_charge_and_add": "read_swap_cache_async",
    "_copy_under_locks": "copy_pte_range",
    "_move_present": "move_pages_pte",
    "_move_swapped": "move_pages_pte",
    "_end": "block_device",
    "_reclaim_unused": "try_to_reclaim_swap",
    "_charge_slots": "folio_alloc_swap",
    "try_charge_memcg": "charge_memcg",
    "_replace_entry": "shmem_swapin_folio",
    "_take_its_place": "shmem_swapin_folio",
    "_let_go": "shmem_swapin_folio",
    "_locked_in_place": "shmem_get_folio",
    "_zero_partial": "shmem_truncate_range",
    "_drop_folio": "shmem_truncate_range",
    "_drop_poison": "shmem_truncate_range",
    "_abort_writeback": "zswap_writeback_entry",
    "remove_and_free": "shrink_folio_list",
    "_wait_unlocked": "shrink_folio_list",
    "_write_dirty": "shrink_folio_list",
    "_free_unused": "try_to_unuse",
    "_is_in_use": "unuse_pte_range",
    "_unuse_page": "unuse_pte_range",
    "_steal": "cluster_alloc_swap_entry",
    "_go_on_globally": "cluster_alloc_swap_entry",
    "_reclaim_cluster": "swap_reclaim_full_clusters",
    "_keep_locked": "shrink_folio_list",
    "_allocate_and_charge": "alloc_swap_folio",
    "_recheck_and_insert": "swap_cache_alloc",
    "_roll_back": "swap_cache_alloc",
    "_account": "swap_cache_alloc",
}


def sources(folder: Path = PACKAGE) -> list[Path]:
    """The python files below a folder."""
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """How tests call a file."""
    return path.relative_to(PACKAGE).as_posix()


def parsed(path: Path) -> ast.Module:
    """What a file says."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """What a file imports, looked up once."""
    return tuple(imports(parsed(path)))


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names of the modules that a file imports, and of what it takes from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(module: str) -> Iterator[str]:
    """The room or the shared module that a name of ours lies in; nothing for others."""
    parts = module.split(".")
    if parts[0] == "swaptrio":
        yield parts[1] if len(parts) > 1 else "__init__"


def committed() -> list[Path]:
    """The files that git tracks, or will."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = listing.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_room_imports_only_from_below(path: Path) -> None:
    """No import goes up a floor; what is shared imports nothing of ours."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        below: tuple[str, ...] = ()
    elif room in SHARED:
        below = ("errors", "words")
    else:
        assert room in FLOORS, f"{room} is no room; give it a floor"
        below = (*SHARED, *FLOORS[: FLOORS.index(room) + 1])
    for module in imports_of(path):
        for other in rooms_of(module):
            if other in ("__init__", "__version__"):
                continue  # the package itself, which imports nothing
            assert other in below, f"{name_of(path)} imports {module}"


def test_the_scheduler_uses_nothing_of_ours_but_itself() -> None:
    """sched serves any Trio program: it knows no memory management and none of our inputs."""
    for path in sources(PACKAGE / "sched"):
        rooms = [room for module in imports_of(path) for room in rooms_of(module)]
        assert set(rooms) <= {"sched", *SHARED}, name_of(path)


def test_every_python_file_starts_with_its_licence() -> None:
    """The SPDX line comes first, in every python file that is committed."""
    files = [path for path in committed() if path.suffix == ".py"]
    files = files or [*sources(), *sources(ROOT / "tests")]
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[:1]
        assert first == ["# SPDX-License-Identifier: MIT OR Apache-2.0"], path


#: Addresses of package indexes, and paths that exist on one machine only.
PRIVATE = re.compile(
    r"(?:https?://[^\s\"')]*(?:/simple\b|pypi|registry|artifactory|nexus|devpi)"
    r"|(?:index-url|find-links|trusted-host)\s*[=\s]\s*\S*https?:"
    r"|(?<![\w.~<{-])/(?:home|Users|root|work|mnt|srv)/[\w.]+)",
    re.IGNORECASE,
)


def test_no_text_names_an_index_or_a_machine() -> None:
    """Nothing that is committed has a package index's address or somebody's own path."""
    found = []
    for path in committed():
        if path == Path(__file__).resolve():
            continue  # it has examples
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if PRIVATE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("--index-url https://x.example/simple", True),
        ("see https://pypi.example/project/trio", True),
        ("cd /home/me/swaptrio", True),
        ("ls /root/.cache", True),
        ("logs/work/trace.jsonl", False),
        ("https://lore.kernel.org/linux-mm/", False),
        ("/proc/swaps", False),
    ],
)
def test_what_counts_as_private(text: str, private: bool) -> None:
    """The rule above finds addresses of indexes and home folders, and leaves others alone."""
    assert bool(PRIVATE.search(text)) is private


@pytest.mark.parametrize("module", UNSTEADY)
def test_nothing_uses_what_differs_from_run_to_run(module: str) -> None:
    """Neither clocks nor chance nor threads, but for those who have a reason."""
    for path in sources():
        if any(name_of(path).startswith(allowed) for allowed in UNSTEADY[module]):
            continue
        used = [name for name in imports_of(path) if name.split(".")[0] == module]
        assert not used, f"{name_of(path)} uses {used}"


def test_who_may_be_unsteady_is() -> None:
    """An exception that nobody needs any more is struck from the list."""
    for module, excepted in UNSTEADY.items():
        for path in excepted:
            files = [PACKAGE / path] if path.endswith(".py") else sources(PACKAGE / path)
            used = [name for file in files for name in imports_of(file)]
            assert any(name.split(".")[0] == module for name in used), path


def test_nothing_asks_for_the_identity_of_an_object() -> None:
    """No address takes part in anything."""
    for path in sources():
        asks = any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("id", "hash")
            for node in ast.walk(parsed(path))
        )
        if asks:
            assert name_of(path) in IDENTITIES, f"{name_of(path)} calls id() or hash()"


def is_set(node: ast.expr | None) -> bool:
    """Whether an expression is seen to make a set."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def sets_gone_through(tree: ast.AST) -> Iterator[int]:
    """The lines at which something depends on the order of what is seen to be a set."""
    known = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_set(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        gone_through: list[ast.expr] = []
        if isinstance(node, ast.For | ast.comprehension):
            gone_through = [node.iter]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in ("list", "tuple", "iter", "enumerate", "join", "zip", "map"):
                gone_through = node.args
        for expression in gone_through:
            named = isinstance(expression, ast.Name) and expression.id in known
            if named or is_set(expression):
                yield expression.lineno


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_nothing_goes_through_a_set(path: Path) -> None:
    """The order of a set differs from run to run, so nothing depends on one."""
    assert list(sets_gone_through(parsed(path))) == []


def test_the_rule_on_sets_sees_sets() -> None:
    """The rule above finds what goes through a set, and lets be who only asks one."""
    tree = ast.parse(
        "for x in {1, 2}: pass\n[x for x in set(y)]\ny: set[int] = set()\nlist(y)\n"
        "','.join(frozenset(z))\nsorted(y)\nlen({1, 2})\n3 in y\n"
    )
    assert sorted(sets_gone_through(tree)) == [1, 2, 4, 5]


def test_no_check_asserts() -> None:
    """An assertion is the model's word for a crash; an error in a check is no crash."""
    for path in sources(PACKAGE / "checks"):
        asserts = [
            node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert)
        ]
        assert asserts == [], name_of(path)


LABEL = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


def labels(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The labels of a module, each with the function that it stands in."""
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call):
                continue
            for argument in call.args:
                text = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(text, str) and LABEL.fullmatch(text):
                    yield function.name, text


#: The functions that mutants replace.
REPLACED = [name for mutant in MUTANTS for name in mutant.functions]


@pytest.mark.parametrize("path", [*sources(PACKAGE / "mm"), *sources(PACKAGE / "variants")])
def test_a_label_names_its_function(path: Path) -> None:
    """A label is function.step, by the kernel's name for it without leading underscores.

    Mutants are free in the names of their functions; they go by those that they replace.
    """
    for function, label in labels(parsed(path)):
        named = label.partition(".")[0]
        expected = [function.lstrip("_"), PARTS.get(function)]
        if path.parent.name == "mutants":
            expected += [PARTS.get(name, name.lstrip("_")) for name in REPLACED]
        assert named in expected, f"{label} in {function}"


def test_every_exception_of_labels_is_needed() -> None:
    """A function that no longer has a label of another's name is struck from the list."""
    found = [
        function
        for room in ("mm", "variants")
        for path in sources(PACKAGE / room)
        for function, label in labels(parsed(path))
        if not label.startswith(f"{function.lstrip('_')}.")
    ]
    assert [name for name in PARTS if name not in found] == []


def packages() -> list[str]:
    """The names of all our packages."""
    return [
        ".".join(("swaptrio", *path.parent.relative_to(PACKAGE).parts))
        for path in sources()
        if path.name == "__init__.py"
    ]


@pytest.mark.parametrize("package", packages())
def test_what_a_room_offers_is_sorted_and_there(package: str) -> None:
    """__all__ is in order, names nothing twice, and every name in it is there."""
    module = importlib.import_module(package)
    offered = list(getattr(module, "__all__", ()))
    for name in offered:
        assert hasattr(module, name), f"{package} has no {name}"
    assert offered == sorted(dict.fromkeys(offered), key=_isort)


def _isort(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts them."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"])
def test_the_house_has_its_papers(name: str) -> None:
    """Who comes here finds what it is, what has changed, and how to take part."""
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_every_dependency_has_its_reason() -> None:
    """Each dependency in pyproject.toml has a row in CONTRIBUTING.md, and each row one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    extras = project["project"]["optional-dependencies"]
    wanted = [
        *project["project"]["dependencies"],
        *(entry for extra in extras.values() for entry in extra),
        *(entry for group in groups.values() for entry in group if isinstance(entry, str)),
    ]
    needed = {re.split(r"[^A-Za-z0-9_-]", requirement)[0] for requirement in wanted}
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| Dependency |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([a-z][a-z0-9-]*) \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(needed)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_exception_has_its_reason(path: Path) -> None:
    """An ignored lint or type says why on its line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.search(r"#\s*(?:noqa|type:\s*ignore|pragma)[^#]*(.*)", line)
        if match:
            reason = match[1] or line.partition(" -- ")[2]
            assert reason.strip("# "), f"{name_of(path)}:{number} gives no reason"
