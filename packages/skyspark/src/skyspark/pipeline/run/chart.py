"""The timeline and the critical path of a run, as parts of its page."""

from collections.abc import Mapping

from skyspark.pipeline.run import figures, timeline
from skyspark.pipeline.run.critical_path import Step
from skyspark.pipeline.run.markup import dot, escape
from skyspark.pipeline.run.results import RunResults

# With more tables than this, lanes are shown first: they need no scrolling.
_MOST_ROWS = 40
# Waiting for less than this part of a run is not shown.
_VISIBLE = 0.01


def timeline_section(results: RunResults, path: list[Step], places: Mapping[str, int]) -> str:
    """Return the tables over time, a bar each.

    Args:
        results: A run that has ended.
        path: Its critical path.
        places: The places of the tables in the results, by their names.
    """
    bars = timeline.bars(results)
    if not bars:
        return ""
    length = max(timeline.length(results), 1e-3)
    critical = {step.table.name for step in path}
    lanes = max(bar.lane for bar in bars) + 1
    checked = {"table": "", "lane": ""} | {"table" if len(bars) <= _MOST_ROWS else "lane": " checked"}
    marks = timeline.marks(length)
    scale = "".join(f'<span style="--x:{m / length:.5f}">{timeline.label(m)}</span>' for m in marks)
    lines = "".join(f'<i style="--x:{mark / length:.5f}"></i>' for mark in marks)
    drawn = "\n".join(_bar(bar, length, places, critical=bar.table.name in critical) for bar in bars)
    statuses = dict.fromkeys(bar.table.status for bar in bars)
    legend = "".join(f'<span><i class="{status}"></i>{status}</span>' for status in statuses)
    return f"""<section id="timeline">
<input type="radio" name="view" id="by-table"{checked["table"]}>
<input type="radio" name="view" id="by-lane"{checked["lane"]}>
<div class="views"><label for="by-table">by table</label><label for="by-lane">by lane</label></div>
<h2>Timeline</h2>
<p class="hint">{figures.counted(len(bars), "table")}, up to {figures.counted(lanes, "table")} at a time.</p>
<div class="chart"><div class="scale">{scale}</div>
<div class="plot" style="--rows:{len(bars)};--lanes:{lanes}">{lines}
{drawn}
</div></div>
<div class="legend">{legend}<span><i class="critical"></i>on the critical path</span></div>
</section>"""


def _bar(bar: timeline.Bar, length: float, places: Mapping[str, int], *, critical: bool) -> str:
    table = bar.table
    name, place = escape(table.name), places[table.name]
    marked = " critical" if critical else ""
    reads = " ".join(str(places[other]) for other in table.depends_on if other in places)
    hint = escape("\n".join(_facts(bar)))
    took = figures.duration(bar.seconds)
    at = f"--x:{bar.start / length:.5f};--w:{bar.seconds / length:.5f};--row:{bar.row};--lane:{bar.lane}"
    return (
        f'<span class="name{marked}" style="--row:{bar.row}" title="{name}">{dot(table.layer)}{name}</span>'
        f'<a class="bar {table.status}{marked}" href="#t{place}" data-table="{place}" '
        f'data-reads="{reads}" title="{hint}" '
        f'style="{at}">'
        f'<span class="inside">{name}</span><span class="after">{took}</span></a>'
    )


def _facts(bar: timeline.Bar) -> list[str]:
    table = bar.table
    facts = [
        table.name,
        f"{table.status}, {table.mode}" + (f", {table.layer}" if table.layer else ""),
        f"from {figures.duration(bar.start)} to {figures.duration(bar.start + bar.seconds)}: "
        f"{figures.duration(bar.seconds)}",
    ]
    if table.rows_out is not None:
        facts.append(f"{figures.counted(table.rows_out, 'row')} written")
    if table.depends_on:
        facts.append(f"reads {', '.join(table.depends_on)}")
    return facts


def path_section(results: RunResults, path: list[Step]) -> str:
    """Return the critical path with the time and the share of each table.

    Args:
        results: A run that has ended.
        path: Its critical path.
    """
    if not path:
        return ""
    length = max(timeline.length(results), 1e-3)
    took = sum(step.seconds for step in path)
    waited = sum(step.waited for step in path)
    rest = max(0.0, length - took - waited)
    strip = "".join(_gap(step.waited, length) + _part(step) for step in path) + _gap(rest, length)
    items = "\n".join(_step(step, length) for step in path)
    return f"""<section id="critical-path">
<h2>Critical path</h2>
<p class="hint">These tables determined when the run ended: each began after the one before it. They took
{figures.duration(took)} of {figures.duration(length)} ({figures.share(took, length)}).
The run gets shorter only if one of them does.</p>
<div class="strip">{strip}</div>
<ol class="path">
{items}
</ol>
</section>"""


def _part(step: Step) -> str:
    return f'<i class="{step.table.status}" style="--n:{1000 * step.seconds:.0f}"></i>'


def _gap(seconds: float, length: float) -> str:
    return f'<i class="gap" style="--n:{1000 * seconds:.0f}"></i>' if seconds >= _VISIBLE * length else ""


def _step(step: Step, length: float) -> str:
    table = step.table
    part = min(1.0, step.seconds / length)
    waited = (
        f'<span class="waited">{figures.duration(step.waited)} until a thread was free</span>'
        if step.waited >= _VISIBLE * length
        else ""
    )
    return (
        f"<li>{waited}<span>{dot(table.layer)}{escape(table.name)}</span>"
        f'<span class="num">{figures.duration(step.seconds)}</span>'
        f'<span class="num soft">{figures.share(step.seconds, length)}</span>'
        f'<span class="meter"><i class="{table.status}" style="--x:{part:.4f}"></i></span></li>'
    )
