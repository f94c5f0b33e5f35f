# SPDX-License-Identifier: MIT OR Apache-2.0
"""The drawing of commit messages, both ways: a trace drawn, and a drawing replayed.

``draw_diagram(trace)`` draws what matters of a trace in columns ``CPU0 CPU1``. The same form,
written by hand, is read by `parse_diagram`; `replay_diagram` then says whether the drawn race
is possible in a variant, and what comes of it::

    diagram = parse_diagram(path.read_text(), str(path))
    print(await replay_diagram(scheduler, scenario, load("v3"), diagram))
"""

from swaptrio.diagram.draw import draw_diagram
from swaptrio.diagram.drawing import Column, Diagram, DiagramError, DrawnStep, Line
from swaptrio.diagram.mapping import to_window
from swaptrio.diagram.parse import parse_diagram
from swaptrio.diagram.replay import Replayed, replay_diagram

__all__ = [
    "Column",
    "Diagram",
    "DiagramError",
    "DrawnStep",
    "Line",
    "Replayed",
    "draw_diagram",
    "parse_diagram",
    "replay_diagram",
    "to_window",
]
