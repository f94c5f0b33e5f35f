# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where exceptions become lines and exit codes. Nothing gets past here as a traceback."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from swaptrio.cli import codes
from swaptrio.cli.console import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable

    from swaptrio.cli.console import Console


class Mismatch(Exception):
    """A recording of one execution was given for another; the message says which."""


def at_edge(console: Console, work: Callable[[], object]) -> int:
    """The exit code of *work*, whatever it does."""
    with console.interrupts.installed():
        try:
            result = work()
            code = _with_regrets(console, result if isinstance(result, int) else codes.OK)
        except click.exceptions.Exit as exc:
            code = exc.exit_code
        except SystemExit:
            # click's way to end quietly once nobody reads its help any more
            code = codes.OK
        except BaseException as exc:  # each has its line and its code
            code = _report(console, exc)
        return codes.INTERRUPTED if console.interrupts.asked else code


def _with_regrets(console: Console, code: int) -> int:
    """Say what else went wrong once the result stands.

    That is no success, but where the result is none either, its own exit code says more.
    """
    for message in console.regrets:
        console.tell(message)
    return code or (codes.BAD_INPUT if console.regrets else codes.OK)


def _report(console: Console, exc: BaseException) -> int:
    from swaptrio.errors import SwaptrioError

    match exc:
        case _ if console.interrupts.asked or _is_interrupt(exc):
            return _fail(console, codes.INTERRUPTED, "interrupted", "interrupted")
        case click.ClickException():
            return _usage(console, exc)
        case Mismatch():
            return _fail(console, codes.DIVERGED, "mismatch", str(exc))
        case SwaptrioError():
            problems = [_record(problem) for problem in getattr(exc, "problems", ())]
            return _fail(console, codes.BAD_INPUT, "input", str(exc), problems)
        case Unwritable():
            return _fail(console, codes.BAD_INPUT, "output", str(exc))
    return _internal(console, exc)


def _usage(console: Console, exc: click.ClickException) -> int:
    if console.json:
        return _fail(console, codes.BAD_INPUT, "usage", exc.format_message())
    exc.show(file=sys.stderr)
    return codes.BAD_INPUT


def _internal(console: Console, exc: BaseException) -> int:
    """Our own mistake. The message fits one line, as it may hold anything."""
    from swaptrio.errors import harmless

    if console.debug:
        console.tell("".join(traceback.format_exception(exc)).rstrip())
    text = harmless(" ".join(f"{type(exc).__name__}: {exc}".split()))
    hint = "" if console.debug else "; run again with --debug to see where"
    return _fail(console, codes.INTERNAL, "internal", f"internal error: {text}{hint}")


def _fail(
    console: Console,
    code: int,
    kind: str,
    message: str,
    problems: list[dict[str, Any]] | None = None,
) -> int:
    if not console.json:
        console.tell(message)
    error = {"kind": kind, "message": message, "problems": problems or [], "exit_code": code}
    console.document({"error": error})
    return code


def _record(problem: Any) -> dict[str, str]:
    keys = ("file", "place", "value", "message", "hint")
    return {key: getattr(problem, key) for key in keys}


def _is_interrupt(exc: BaseException) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return all(_is_interrupt(inner) for inner in exc.exceptions)
    return isinstance(exc, KeyboardInterrupt | click.Abort)
