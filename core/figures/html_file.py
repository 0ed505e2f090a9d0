"""One HTML file with tables and figures in it: plotly.js, the data and the style are inside, and nothing is loaded.

The file forbids itself the network (Content-Security-Policy). It follows the reader's light or dark scheme, and is
printed light.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from html import escape, unescape

from core.figures.layout import Figure

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
LIGHT = {"scattergl": "scatter"}
"""Kind of trace that needs WebGL -> the same without."""

TITLE = 36
"""Pixels that a figure's title takes."""

PRINTED_WIDTH = 660
"""Pixels of a figure on paper: A4 upright within its margins."""

_STYLE = """
:root {--text: #20262B; --soft: #5E676E; --back: #FFFFFF; --panel: #F3F5F2; --line: #DDE2DC; --accent: #2F7D4F;}
@media (prefers-color-scheme: dark) {
  :root {--text: #E6EAE7; --soft: #A3ADA8; --back: #14181A; --panel: #1E2426; --line: #333B3D; --accent: #7CC79A;}
}
* {box-sizing: border-box;}
body {margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif;}
main {max-width: 1120px; margin: 0 auto; padding: 2.2rem 1.4rem 3rem; overflow-wrap: break-word;}
h1 {font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem;}
h2 {font-size: 1.3rem; margin: 2.4rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line);}
p, li, dd {max-width: 72ch;}
.soft, figcaption, .caption, .foot {color: var(--soft); font-size: .9rem;}
.note {background: var(--panel); border-left: 3px solid var(--accent); padding: .6rem .9rem; margin: 1rem 0;}
.strong {font-size: 1.15rem; font-weight: 600;}
.scroll {overflow-x: auto; margin: 0 0 1rem; background:
  linear-gradient(to right, var(--back) 40%, transparent) 0 / 40px 100% no-repeat local,
  linear-gradient(to left, var(--back) 40%, transparent) 100% / 40px 100% no-repeat local,
  linear-gradient(to right, var(--line), transparent) 0 / 10px 100% no-repeat scroll,
  linear-gradient(to left, var(--line), transparent) 100% / 10px 100% no-repeat scroll;}
table {border-collapse: collapse; min-width: 60%; font-variant-numeric: tabular-nums; font-size: .94rem;}
.caption {margin: 1.2rem 0 .3rem;}
th, td {padding: .32rem .7rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  white-space: nowrap;}
th.words, td.words, td:first-child {white-space: normal; min-width: 5rem; max-width: 24rem;}
th:first-child, td:first-child, td.words, th.words {text-align: left;}
th:first-child, td:first-child {padding-left: 0;}
th {white-space: normal; vertical-align: bottom; font-size: .9rem;}
figure {margin: 1.2rem 0; break-inside: avoid;}
.name {margin: 0; max-width: none;}
.pair {display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 1.2rem;}
.chart {width: 100%;}
dt {font-weight: 600; margin-top: .7rem;}
dd {margin: 0;}
pre {background: var(--panel); padding: .8rem; overflow-x: auto; font-size: .82rem; white-space: pre-wrap;
  overflow-wrap: anywhere;}
.foot {margin-top: 2.4rem; border-top: 1px solid var(--line); padding-top: .8rem; max-width: none;}
@media print {
  :root {--text: #20262B; --soft: #5E676E; --back: #FFFFFF; --panel: #F3F5F2; --line: #DDE2DC; --accent: #2F7D4F;}
  @page {margin: 16mm;}
  body {font-size: 10.5pt;}
  main {max-width: none; padding: 0;}
  h2, .caption, .name {break-after: avoid;}
  tr, .note {break-inside: avoid;}
  th, td, td:first-child, td.words {font-size: 8.5pt; padding: .2rem .4rem; white-space: normal; min-width: 0;}
  .scroll {overflow: visible;}
  .pair {display: block;}
  .modebar-container, summary::marker {display: none; content: '';}
  details::details-content {display: block; content-visibility: visible; height: auto;}
}
"""

_SCRIPT = """
const figures = JSON.parse(document.getElementById('figures').textContent);
const dark = matchMedia('(prefers-color-scheme: dark)'), paper = matchMedia('print');
const NARROW = 560;  // below, names at the ends of lines would take the room of the lines
const fit = (layout, width) => layout.showlegend || !(layout.annotations || []).length || width >= NARROW ? layout
  : {...layout, annotations: [], showlegend: true, margin: {...layout.margin, r: 16, b: layout.margin.b + 60}};
const paint = (figure, style, width, room) => {
  const own = fit(figure, room);
  const pick = (name) => style.getPropertyValue(name).trim();
  const text = pick('--text'), line = pick('--line');
  const axis = (each) => each && ({gridcolor: line, linecolor: line, ...each,
    title: {...each.title, font: {size: 12.5, color: text}}});
  return {...own, autosize: !width, ...(width ? {width} : {}), paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)', font: {family: 'system-ui, sans-serif', size: 12.5, color: text},
    title: {...own.title, font: {size: 14.5, color: text}}, xaxis: axis(own.xaxis), yaxis: axis(own.yaxis),
    modebar: {bgcolor: 'rgba(0,0,0,0)', color: 'rgba(128,128,128,.7)', activecolor: text},
    hoverlabel: {bgcolor: pick('--panel'), font: {color: text}, bordercolor: line}};
};
const draw = (width) => {
  const style = getComputedStyle(document.documentElement);
  for (const node of document.querySelectorAll('.chart')) {
    const {data, layout} = structuredClone(figures[node.id]);
    node.style.height = `${layout.height}px`;
    const painted = paint(layout, style, width, width || node.offsetWidth);
    Plotly.react(node, data, painted, {responsive: !width, displaylogo: false,
      displayModeBar: 'hover', modeBarButtons: [['toImage', 'zoom2d', 'pan2d', 'resetScale2d']],
      toImageButtonOptions: {format: 'svg', filename: node.id}});
  }
};
draw();
dark.addEventListener('change', () => draw());
paper.addEventListener('change', () => draw(paper.matches ? PRINTED : undefined));
addEventListener('beforeprint', () => draw(PRINTED));
addEventListener('afterprint', () => draw());
"""


class HtmlFile:
    """A file that is written from top to bottom; what is said is escaped here.

    Args:
        title: of the file.
    """

    def __init__(self, title: str):
        self.title = title
        self.parts = [f"<h1>{escape(title)}</h1>"]
        self.figures: dict[str, Figure] = {}

    def head(self, text: str) -> None:
        """Begin a part."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def say(self, text: str, kind: str = "") -> None:
        """Add a paragraph; ``kind`` is soft, strong, note, foot or nothing."""
        self.parts.append(f'<p class="{kind}">{escape(text)}</p>')

    def define(self, items: Mapping[str, str]) -> None:
        """Add words with what they mean."""
        told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in items.items())
        self.parts.append(f"<dl>{told}</dl>")

    def fold(self, name: str, text: str) -> None:
        """Add a text that is opened by a click, and printed open."""
        self.parts.append(f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>")

    def show(self, caption: str, lines: Sequence[Sequence[str]], *, words: Collection[int] = ()) -> None:
        """Add a table.

        Args:
            caption: what its numbers are.
            lines: cells; the first line is the head, the first column that of the rows.
            words: further columns that hold words and stand to the left.
        """
        head, *rows = ("".join(_make_cell(i, place, cell, words) for place, cell in enumerate(line))
                       for i, line in enumerate(lines))  # fmt: skip
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        said = f'<p class="caption">{escape(caption)}</p>' if caption else ""  # beside it: a table may be scrolled
        self.parts.append(
            f'{said}<div class="scroll"><table aria-label="{escape(caption)}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def draw(self, *figures: Figure, caption: str = "") -> None:
        """Add figures, side by side where there is room.

        Args:
            figures: of ``core.figures``; text in them is escaped already.
            caption: what they show.
        """
        places = []
        for figure in figures:
            name, (title, untitled) = f"figure-{len(self.figures) + 1}", _take_title(figure)
            self.figures[name] = untitled
            places.append(f'<div><p class="name">{escape(title)}</p><div class="chart" id="{name}"></div></div>')
        said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        kind = ' class="pair"' if len(places) > 1 else ""
        self.parts.append(f"<figure><div{kind}>{''.join(places)}</div>{said}</figure>")

    def finish(self) -> str:
        """Return the whole file."""
        from plotly.offline import get_plotlyjs

        data = json.dumps(self.figures, allow_nan=False)
        for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
            data = data.replace(sign, code)  # nothing in the data can end the script
        script = _SCRIPT.replace("PRINTED", str(PRINTED_WIDTH))
        scripts = f"<script>{get_plotlyjs()}</script>\n<script>{script}</script>" if self.figures else ""
        body = "\n".join(self.parts)
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(self.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{body}
<noscript><p class="note">The figures need JavaScript; their numbers are in the tables.</p></noscript>
</main>
<script type="application/json" id="figures">{data}</script>
{scripts}
</body>
</html>
"""


def _make_cell(line: int, place: int, text: str, words: Collection[int]) -> str:
    tag = "td" if line else "th"
    return f'<{tag} class="words">{escape(text)}</{tag}>' if place in words else f"<{tag}>{escape(text)}</{tag}>"


def _take_title(figure: Figure) -> tuple[str, Figure]:
    """Return a figure's title, which as text of the page may have several lines, and the figure without it.

    The figure is drawn without WebGL, which paper does not have.
    """
    data = [{**trace, "type": LIGHT.get(trace["type"], trace["type"])} for trace in figure["data"]]
    layout, margin = figure["layout"], figure["layout"]["margin"]
    place = {"title": {"text": ""}, "margin": {**margin, "t": max(margin["t"] - TITLE, 12)}}
    height = layout["height"] - margin["t"] + place["margin"]["t"]
    return unescape(layout["title"]["text"]), {"data": data, "layout": {**layout, **place, "height": height}}
