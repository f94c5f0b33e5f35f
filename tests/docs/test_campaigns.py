# SPDX-License-Identifier: MIT OR Apache-2.0
"""The job on the page of campaigns works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "campaigns.md"

WORSE = '''"""As a mutant of v3."""
from swaptrio.variants.mutants import MUTANTS

BASE = "v3"
[_mutant] = [mutant for mutant in MUTANTS if mutant.name == "chris-literal"]


async def swap_cache_alloc_folio(kernel, entry, gfp, orders, vmf, mpol, ilx):
    theirs = _mutant.functions["swap_cache_alloc_folio"]
    return await theirs(kernel, entry, gfp, orders, vmf, mpol, ilx)
'''
SAME = '"""As v3."""\nBASE = "v3"\n'


#: Instead of all scenarios: one of which the worse variant has a failure that v3 has not, and
#: one that fails in v3 as well, which is no reason to stop.
SOME = "large-vs-small-neighbour mixed-owner-range"


def script() -> str:
    """What the last step of the job runs, for some of the scenarios."""
    text = PAGE.read_text(encoding="utf-8")
    job = text.partition("<!-- job -->")[2].partition("<!-- end of job -->")[0]
    found = re.search(r"run: \|\n(.*?)```", job, re.DOTALL)
    assert found
    assert "campaign run --all " in found[1]
    return textwrap.dedent(found[1]).replace("--all", SOME)


@pytest.mark.parametrize(("variant", "code"), [(SAME, 0), (WORSE, 1)], ids=["same", "worse"])
def test_the_job(tmp_path: Path, variant: str, code: int) -> None:
    """It fails where the variant brings a failure that v3 does not have, and else passes."""
    (tmp_path / "mine.py").write_text(variant, encoding="utf-8")
    (tmp_path / "swaptrio").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m swaptrio.cli "$@"\n', encoding="utf-8"
    )
    (tmp_path / "swaptrio").chmod(0o755)
    (tmp_path / "logs").mkdir()
    env = {**os.environ, "SEEDS": "30", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e", "-c", script()],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "races.xml").is_file()
    assert ("new: " in done.stdout) is (code == 1)
