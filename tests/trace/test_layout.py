# SPDX-License-Identifier: MIT OR Apache-2.0
"""Text in columns."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swaptrio.trace.layout import coloured, cut, plain, share, shell_lines, wrap


@given(st.integers(1, 200), st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_shares_fit_and_waste_nothing(room: int, wanted: list[int]) -> None:
    """Nobody gets more than it wants, and nobody goes short while there is room."""
    widths = share(room, wanted)

    assert all(width <= want for width, want in zip(widths, wanted, strict=True))
    assert sum(widths) == min(room, sum(wanted))


def test_shares_are_fair() -> None:
    """Who wants little gets it; the others share what is left."""
    assert share(60, [50, 10, 50]) == [25, 10, 25]


@given(st.text("ab, ._"), st.integers(14, 40))
def test_wrapped_text_fits_and_loses_nothing(text: str, width: int) -> None:
    """No line is longer than the width, and only spaces come and go."""
    lines = wrap(text, width, "  ")

    assert all(len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_long_word_is_broken_after_punctuation() -> None:
    """A comma is the best place to break a word, and then any other mark."""
    assert wrap("1:1@zap/start,22:1@fault/swap_cache_add.lock", 24, "  ") == [
        "1:1@zap/start,",
        "  22:1@fault/swap_cache_",
        "  add.lock",
    ]


def test_cut_text_shows_that_it_was_cut() -> None:
    """A text that is too long ends in a tilde."""
    assert (cut("reclaim", 7), cut("reclaim", 5)) == ("reclaim", "recl~")


def test_colours_are_only_around_the_text() -> None:
    """Paint changes neither the text nor an empty one."""
    assert coloured("step", "dim") == "\x1b[2mstep\x1b[0m"
    assert (coloured("", "dim"), plain("step", "dim")) == ("", "step")


WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)


@settings(max_examples=50, deadline=None)  # a busy machine is no failure
@given(st.lists(WORDS, min_size=1, max_size=5), st.sampled_from([24, 60, 76]))
def test_a_broken_command_is_the_same_command(words: list[str], width: int) -> None:
    """A shell reads the same words out of the lines, however they were broken."""
    lines = shell_lines(shlex.join(words), width)

    assert all(len(line) <= width for line in lines)
    script = "\n".join(["set -- \\", *lines, "for word do printf '%s\\0' \"$word\"; done"])
    read = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True).stdout
    assert read.decode("ascii").split("\0")[:-1] == words


@pytest.mark.parametrize("command", ["swaptrio replay race", "it's " * 3])
def test_a_command_that_fits_is_left_alone(command: str) -> None:
    """A command that fits stands as its caller wrote it."""
    assert shell_lines(command, 60) == [command]


def test_a_command_that_is_none_still_fits() -> None:
    """A text that no shell would read is broken at its spaces."""
    assert max(map(len, shell_lines("it's " * 40, 60))) <= 60
