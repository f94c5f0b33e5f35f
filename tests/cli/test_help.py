# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the command line says of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import Result

from swaptrio import __version__
from swaptrio.cli.app import cli
from swaptrio.cli.campaign import campaign
from swaptrio.scenario.files import names

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., Result]

COMMANDS = [
    "list",
    "show",
    "new",
    "check",
    "replay",
    "fuzz",
    "explain",
    "explore",
    "matrix",
    "ask",
    "certify",
    "necessity",
    "load",
    "campaign",
    "trace",
    "conform",
    "doctor",
]


def test_all_commands_are_there() -> None:
    """The commands stand in the order in which one meets them."""
    assert list(cli.commands) == COMMANDS


CAMPAIGN = [["campaign", name] for name in campaign.commands]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *CAMPAIGN])
def test_help_is_plain_text(command: list[str], swaptrio: Run) -> None:
    """Help fits 80 columns, is ASCII, has examples and the exit codes; -h is --help."""
    result = swaptrio(*command, "--help")

    assert result.exit_code == 0
    assert result.stdout.isascii()
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Examples:\n    swaptrio" in result.stdout
    assert "3 replay diverged, 70 internal error, 130 interrupted" in result.stdout
    assert swaptrio(*command, "-h").stdout == result.stdout


@pytest.mark.parametrize("group", [[], ["campaign"]])
def test_help_names_every_command_in_full(group: list[str], swaptrio: Run) -> None:
    """No command's line in an overview is cut off."""
    assert "..." not in swaptrio(*group, "--help").stdout.partition("Commands:")[2]


def test_campaigns_are_listed_in_order(swaptrio: Run) -> None:
    """What one does with a campaign stands in the order in which one does it."""
    told = swaptrio("campaign", "--help").stdout.partition("Commands:\n")[2]

    lines = told.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == list(campaign.commands)


def test_help_loads_nothing_heavy() -> None:
    """Help is there at once: neither Trio nor structlog nor the model is imported for it."""
    program = (
        "import sys\n"
        "from swaptrio.cli.app import cli\n"
        "try: cli.main(['replay', '--help'])\n"
        "finally: print(sorted(name for name in sys.modules if name.split('.')[0] in "
        "('trio', 'structlog', 'attr', 'cattrs') or name.startswith('swaptrio.mm')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_replay_loads_no_search(tmp_path: Path) -> None:
    """Playing one execution imports nothing of exploration, which is as much code again."""
    program = (
        "import sys\n"
        "from swaptrio.cli.app import cli\n"
        "try: cli.main(['replay', 'stats-before-charge', '--json'])\n"
        "finally: print([name for name in sys.modules if 'swaptrio.explore' in name])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_bare_command_is_useful(swaptrio: Run) -> None:
    """Without a command there are five lines to try, and the number of scenarios."""
    result = swaptrio()
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert [line.split()[0] for line in lines[:5]] == ["swaptrio"] * 5
    assert lines[-1] == f"{len(names())} scenarios are at hand."


def test_examples_of_the_bare_command_run(swaptrio: Run) -> None:
    """What is proposed works."""
    for line in swaptrio().stdout.splitlines()[:4]:
        command = line.split("  ")[1].split()[1:]
        command = [word if word != "5000" else "20" for word in command]
        assert swaptrio(*command).exit_code == 0


def test_version(swaptrio: Run) -> None:
    """--version says the version."""
    assert swaptrio("--version").stdout == f"swaptrio {__version__}\n"


def leaves(command: click.Command) -> Iterator[click.Command]:
    """*command*, or those that it consists of."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from leaves(each)
    else:
        yield command


@pytest.mark.parametrize("command", [*leaves(cli)], ids=lambda command: command.name)
def test_every_command_takes_json(command: click.Command) -> None:
    """--json and --debug are options of every command."""
    options = [option for param in command.params for option in param.opts]
    assert {"--json", "--debug"} <= set(options)


def test_mistyped_command_gets_a_hint(swaptrio: Run) -> None:
    """A command that is nearly right is named right, with exit code 2."""
    result = swaptrio("repaly")

    assert result.exit_code == 2
    assert "replay" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("module", ["swaptrio", "swaptrio.cli"])
def test_runs_as_a_module(module: str) -> None:
    """Where the script is not on the path, ``python -m`` runs the command."""
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"swaptrio {__version__}\n"
