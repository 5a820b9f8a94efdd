# SPDX-License-Identifier: MIT
"""What was found, in Markdown: the goals with their verdicts first, then a table for each row, then the machine."""
from dataclasses import dataclass, field

TOLERANCE = 0.05  # of a ratio: these machines' noise

METHOD = """\
CPU per request is the server's own process clock over the window, divided by the requests answered in it. A ratio is that of a
program over that of the reference beside it in the same pair; given are the median, and in brackets the least and the most.
"Disturbed" pairs, in which others took more of a CPU than the bound, are not counted. A ratio meets its goal when its median
is within {tolerance} of it. Every byte of every answer was compared.
"""


@dataclass
class Verdict:
    work: str
    goal: str
    measured: str
    word: str   # met, missed, not measured


@dataclass
class Section:
    """A row of performance.md: a table of its own, and verdicts."""
    title: str
    columns: tuple = ()
    lines: list = field(default_factory=list)
    verdicts: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    failed: bool = False


def at_most(work, measured, goal, unit=""):
    word = "met" if measured <= goal else "missed"
    return Verdict(work, f"≤ {goal:g}{unit}", f"{measured:.4g}{unit}", word)


def ratio_at_most(work, comparison_median, spread, goal):
    word = "met" if round(comparison_median, 2) <= goal + TOLERANCE else "missed"
    return Verdict(work, f"≤ {goal:.2f}", spread, word)


def at_least(work, measured, goal, text, tolerance=0.0):
    return Verdict(work, f"≥ {goal:g}", text, "met" if measured >= goal - tolerance else "missed")


def table(columns, lines):
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for line in lines:
        yield "| " + " | ".join(str(cell) for cell in line) + " |"


def section_text(section):
    yield f"### {section.title}"
    yield ""
    if section.lines:
        yield from table(section.columns, section.lines)
        yield ""
    for note in section.notes:
        yield f"- {note}"
    if section.notes:
        yield ""


def render(sections, machine, remarks):
    yield "## Goals"
    yield ""
    yield from table(("work", "goal", "measured", "verdict"),
                     [(v.work, v.goal, v.measured, v.word) for section in sections for v in section.verdicts])
    yield ""
    yield METHOD.format(tolerance=TOLERANCE)
    for remark in remarks:
        yield f"- {remark}"
    if remarks:
        yield ""
    for section in sections:
        yield from section_text(section)
    yield "### Machine and versions"
    yield ""
    yield from table(("what", "which"), machine)
