# SPDX-License-Identifier: MIT OR Apache-2.0
"""Text in columns: sharing out a width, and breaking words so that nothing runs over it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

#: Paints *text* in a *style*; without colours it gives the text back.
Paint: TypeAlias = Callable[[str, str], str]

#: A word that is too long is broken after one of the first marks, else after one of the next.
_BREAKS: Final = (",", "._:-/=@")

_CODES: Final = {
    "mark": "1;31",
    "dim": "2",
    "head": "1",
    "task0": "32",
    "task1": "36",
    "task2": "33",
    "task3": "35",
    "task4": "34",
}


def plain(text: str, _style: str) -> str:
    """No colours."""
    return text


def coloured(text: str, style: str) -> str:
    """*text* between the terminal's codes for *style*."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text


def task_style(number: int) -> str:
    """The style of the task in column *number*, from 0; styles come round."""
    return f"task{number % 5}"


def share(room: int, wanted: Sequence[int]) -> list[int]:
    """Widths for columns that want *wanted* each, at most *room* together.

    Whoever wants less than a fair share gets all of it, and leaves the rest to the others.
    """
    widths = [0] * len(wanted)
    for done, number in enumerate(sorted(range(len(wanted)), key=lambda index: wanted[index])):
        widths[number] = min(wanted[number], room // (len(wanted) - done))
        room -= widths[number]
    return widths


def row_lines(
    cells: Sequence[str], widths: Sequence[int], gap: str, indent: str = ""
) -> Iterator[str]:
    """A row of *cells* in columns of *widths*, in as many lines as its longest cell takes."""
    wrapped = [wrap(text, room, indent) for text, room in zip(cells, widths, strict=True)]
    for number in range(max(map(len, wrapped))):
        row = [lines[number] if number < len(lines) else "" for lines in wrapped]
        padded = [text.ljust(room) for text, room in zip(row, widths, strict=True)]
        yield gap.join(padded).rstrip()


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """*text* in lines of at most *width*; all but the first begin with *indent*."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        fits = not lines and not line and len(word) <= width
        for piece in [word] if fits else _pieces(word, width - len(indent)):
            if line and len(line) + 1 + len(piece) <= width:
                line = f"{line} {piece}"
                continue
            if line:
                lines.append(line)
            line = indent + piece if lines else piece
    return [*lines, line]


def cut(text: str, width: int) -> str:
    """*text*, or its beginning and a tilde where it is longer than *width*."""
    return text if len(text) <= width else text[: width - 1] + "~"


def shell_lines(command: str, width: int) -> list[str]:
    """*command* for a shell, in lines of at most *width* joined by backslashes."""
    if len(command) <= width:
        return [command]
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    lines: list[str] = []
    line = ""
    for word in words:
        first, *rest = _quoted(word, width - 2)
        if line and len(line) + 1 + len(first) > width - 2:
            lines.append(f"{line} \\")
            line = first
        else:
            line = f"{line} {first}" if line else first
        for piece in rest:
            lines.append(f"{line}\\")
            line = piece
    return [*lines, line]


def _quoted(word: str, width: int) -> Iterator[str]:
    """*word* in pieces that a shell reads as one word when nothing stands between them."""
    whole = shlex.quote(word)
    if len(whole) <= width:
        yield whole
        return
    # Quotes can grow a piece: the worst is a single quote, which becomes five characters.
    for piece in _pieces(word, max(1, (width - 2) // (5 if "'" in word else 1))):
        yield shlex.quote(piece)


def _pieces(word: str, width: int) -> Iterator[str]:
    """*word* in pieces of at most *width*, broken after punctuation where there is some."""
    while len(word) > width:
        end = _break(word, width)
        yield word[:end]
        word = word[end:]
    yield word


def _break(word: str, width: int) -> int:
    for marks in _BREAKS:
        end = max(word.rfind(mark, 0, width) for mark in marks) + 1
        if end > width // 3:
            return end
    return width
