# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m swaptrio.study.ask > docs/questions.md`` writes the page of the answers."""

import trio

from swaptrio.study.ask.page import page
from swaptrio.study.ask.question import Answered, ask, studies


async def _all() -> list[Answered]:
    return [await ask(study) for study in studies()]


print(page(trio.run(_all)), end="")
