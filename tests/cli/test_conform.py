# SPDX-License-Identifier: MIT OR Apache-2.0
"""Conformance from the shell."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

Run = Callable[..., Result]
Document = Callable[[Result], Any]
Vector = dict[str, Any]

#: What other programs count on.
KEYS = ["variant", "vectors", "matched", "mismatched", "skipped", "first_mismatches"]


def write(path: str, *vectors: Vector) -> str:
    """A file of *vectors*."""
    text = "".join(json.dumps(vector) + "\n" for vector in vectors)
    Path(path).write_text(text, encoding="utf-8")
    return path


def test_match(vector: Vector, swaptrio: Run, document: Document) -> None:
    """Vectors that match give 0, from plain and packed files; the keys are as promised."""
    plain = write("one.jsonl", vector, vector)
    Path("two.jsonl.gz").write_bytes(gzip.compress(Path(plain).read_bytes()))
    result = swaptrio("conform", plain, "two.jsonl.gz", "--json")

    assert result.exit_code == 0
    record = document(result)
    assert [key for key in record if key in KEYS] == KEYS
    assert (record["vectors"], record["matched"], record["mismatched"]) == (4, 4, 0)
    assert (
        swaptrio("conform", plain).stdout == "variant v3: 2 vectors, 2 matched, 0 mismatched\n"
    )


def test_mismatch(vector: Vector, swaptrio: Run, document: Document) -> None:
    """A mismatch gives 1, and each differing field with what was expected and what it got."""
    wrong = copy.deepcopy(vector)
    wrong["id"] = "t2"
    wrong["out"]["locks"] = 5
    wrong["out"]["win"][3] = "s1:8"
    file = write("wrong.jsonl", vector, wrong)

    text = swaptrio("conform", file)
    record = document(swaptrio("conform", file, "--json"))

    assert text.exit_code == 1
    assert "vector t2 (wrong.jsonl:2)\n" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 80
    [line] = [line for line in text.stdout.splitlines() if line.startswith("  locks")]
    assert line.split() == ["locks", "5", "1"]
    [line] = [line for line in text.stdout.splitlines() if line.startswith("  win")]
    assert '"s1:8"' in line
    assert (record["matched"], record["mismatched"]) == (1, 1)
    [mismatch] = record["first_mismatches"]
    assert mismatch["id"] == "t2"
    assert {"field": "locks", "expected": 5, "got": 1} in mismatch["fields"]


def test_only_the_first_are_told(vector: Vector, swaptrio: Run, document: Document) -> None:
    """Of many mismatches the first are told in full, and the others counted."""
    vector["out"]["locks"] = 5
    file = write("wrong.jsonl", *[vector] * 30)
    record = document(swaptrio("conform", file, "--json"))

    assert record["mismatched"] == 30
    kept = len(record["first_mismatches"])
    assert 0 < kept < 30
    assert f"{30 - kept} more vectors do not match.\n" in swaptrio("conform", file).stdout


def test_variant_of_ones_own(
    vector: Vector, mine: str, swaptrio: Run, document: Document
) -> None:
    """A variant file can be held against vectors; what it prints does not reach stdout."""
    file = write("one.jsonl", vector)
    record = document(swaptrio("conform", file, "--variant", mine, "--json"))

    assert record["variant"] == "mine"


def test_undefined_vectors_are_skipped(
    vector: Vector, swaptrio: Run, document: Document
) -> None:
    """A vector whose recording ran into undefined behaviour is counted and not compared."""
    vector["out"] = {"abort": "undefined"}
    record = document(swaptrio("conform", write("one.jsonl", vector), "--json"))

    assert (record["vectors"], record["skipped"], record["matched"]) == (1, 1, 0)
