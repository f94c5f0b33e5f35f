# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a command says, and where: its result on stdout, everything else on stderr.

With ``--json`` stdout gets one JSON document and nothing else; from what goes on for long, a
stream of them, one a line. Once nobody reads stdout any more (``swaptrio list | head -1``) the
rest is dropped without a word.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from contextlib import redirect_stdout, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TextIO

import click

from swaptrio.cli.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

#: The narrowest and the widest that a picture is made by itself.
NARROWEST: Final = 76
WIDEST: Final = 120


class Unwritable(Exception):
    """Standard output cannot be written; the message says why."""


class Console:
    """The streams of one command; *json*, *debug* and *pager* say what was asked for."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.json = "--json" in arguments
        self.debug = "--debug" in arguments
        self.pager = "--no-pager" not in arguments
        self.interrupts = Interrupts()
        self.said = False
        self._streams = False
        self._line: LiveLine | None = None
        self.regrets: list[str] = []

    def say(self, text: str = "") -> None:
        """A line of the result, for a person; with ``--json`` nothing."""
        if not self.json:
            self._write(text)

    def document(self, result: Any) -> None:
        """The result as the one JSON document, where that was asked for."""
        if self.json and not self.said:
            self._write(json.dumps(result, indent=None if self._streams else 2))
        self.said = True

    def stream(self) -> None:
        """From now on each document is a line, also one that tells of an error."""
        self._streams = True

    def event(self, record: Any) -> None:
        """With ``--json`` a line of a stream of documents, which `document` ends."""
        self.stream()
        if self.json:
            self._write(json.dumps(record))

    def tell(self, text: str) -> None:
        """A line that is not part of the result."""
        self._make_room()
        with suppress(OSError, ValueError):
            click.echo(text, err=True)

    def progress(self, text: str) -> None:
        """What goes on, if anybody watches, until something else is said."""
        if self._line is None:
            self._line = LiveLine(self)
        self._line.show(text)

    def page(self, text: str) -> None:
        """A long part of the result: through a pager where it is longer than a terminal."""
        if self.json or not self._pages(text):
            self.say(text)
            return
        self._make_room()
        # None leaves it to click whether this pager takes colours.
        click.echo_via_pager(text, color=None if self.color else False)
        # To a pager Ctrl-C means something of its own.
        self.interrupts.asked = False

    def raw(self, data: bytes) -> None:
        """The result as bytes that are meant for another program, and nothing else."""
        self._write(data, end=False)
        self.said = True

    def regret(self, message: str) -> None:
        """Something beside the result went wrong: it is said at the end, and is no success."""
        if message not in self.regrets:
            self.regrets.append(message)

    @property
    def live(self) -> bool:
        """Whether somebody watches stderr."""
        return _is_terminal(sys.stderr)

    @property
    def color(self) -> bool:
        """Whether stdout takes colours; ``NO_COLOR`` forbids them and ``FORCE_COLOR`` asks."""
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
            return True
        return _is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """The width of a picture."""
        return max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))

    @cached_property
    def program(self) -> str:
        """What to type to run this program: its name, or its path where that is not found."""
        typed = sys.argv[0]
        if Path(typed).name != "swaptrio":
            return "swaptrio"
        found = shutil.which("swaptrio")
        if found is not None and os.path.realpath(found) == os.path.realpath(typed):
            return "swaptrio"
        return short(Path(typed))

    def foreign_code(self) -> AbstractContextManager[object]:
        """A block in which what is printed to stdout is not ours, and goes to stderr."""
        return redirect_stdout(sys.stderr)

    def _pages(self, text: str) -> bool:
        terminal = _is_terminal(sys.stdout) and _is_terminal(sys.stdin)
        long = text.count("\n") >= shutil.get_terminal_size().lines
        return self.pager and terminal and long and _has_pager()

    def _make_room(self) -> None:
        if self._line is not None:
            self._line.clear()

    def _write(self, text: str | bytes, *, end: bool = True) -> None:
        self._make_room()
        try:
            # None has click take colours out where nobody sees them; ours are not there then.
            click.echo(text, nl=end, color=self.color or None)
        except BrokenPipeError:
            _drop_stdout()
        except OSError as exc:
            _drop_stdout()
            msg = f"standard output cannot be written: {exc.strerror or exc}"
            raise Unwritable(msg) from None


class LiveLine:
    """One line on stderr that is written over and over, if anybody watches.

    It is gone behind the block of a ``with``, however that ends.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Put *text* in the place of what stood there."""
        if self._console.live:
            text = text[: shutil.get_terminal_size().columns - 1]
            self._write(text.ljust(self._length))
            self._length = len(text)

    def clear(self) -> None:
        """Leave an empty line."""
        if self._length:
            self._write(" " * self._length)
            self._write("")
            self._length = 0

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            click.echo(f"\r{text}", err=True, nl=False)


def short(path: Path) -> str:
    """*path* as it is typed from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def filled(text: str, width: int, indent: str = "") -> Iterator[str]:
    """*text* in lines of at most *width*, all but the first of a paragraph after *indent*."""
    import textwrap

    for paragraph in text.strip().split("\n\n"):
        yield from textwrap.wrap(
            " ".join(paragraph.split()),
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _is_terminal(stream: TextIO | None) -> bool:
    with suppress(ValueError):
        return stream is not None and stream.isatty()
    return False


def _has_pager() -> bool:
    """Whether there is a pager: the one in ``PAGER``, else ``less``; empty stands for none."""
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return False
    return bool(command) and shutil.which(command[0]) is not None


def _drop_stdout() -> None:
    """Let whatever is still written to stdout vanish, at the exit of Python too."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
