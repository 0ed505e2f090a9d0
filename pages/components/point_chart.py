"""A chart whose points or cells can be picked: a line drawn around some of them, or a click on one.

Texts are shown beside the pointer by the browser itself, as plain text: plotly would read signs of markup in them.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.figures.layout import Figure
from core.maps.near import Polygon
from pages.components.chart import LIBRARY, PAINT_JS

_CSS = """
.seedbed-frame {position: relative; overflow-x: auto;}
.seedbed-points {width: 100%; position: relative;}
.seedbed-points.grid {min-width: 680px;}
.seedbed-tip {position: absolute; z-index: 5; max-width: 24rem; padding: .35rem .55rem; pointer-events: none;
  font: .82rem/1.35 var(--st-font, sans-serif); color: var(--st-text-color);
  background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color); border-radius: .4rem;
  overflow-wrap: anywhere; display: none;}
"""

_JS = (
    PAINT_JS
    + """
const MOST_CORNERS = 60;
const hasWebGL = () => {  // without it plotly would draw nothing
  const canvas = document.createElement('canvas');
  return Boolean(canvas.getContext('webgl2') || canvas.getContext('webgl'));
};
const thin = (xs, ys) => {
  const step = Math.max(1, Math.ceil(xs.length / MOST_CORNERS)), found = [];
  for (let i = 0; i < xs.length; i += step) found.push([+xs[i].toFixed(4), +ys[i].toFixed(4)]);
  return found;
};
const outline = (event) => {
  if (event.lassoPoints) return thin(event.lassoPoints.x, event.lassoPoints.y);
  if (!event.range) return null;
  const [x0, x1] = event.range.x, [y0, y1] = event.range.y;
  return thin([x0, x1, x1, x0], [y0, y0, y1, y1]);
};
const ring = (node) => {  // around the point that was clicked, drawn over all others
  const {x, y} = node.seedbedAt || {};
  const line = {color: getComputedStyle(node).getPropertyValue('--st-text-color') || '#888', width: 2};
  const around = {type: 'circle', xsizemode: 'pixel', ysizemode: 'pixel', xanchor: x, yanchor: y,
    x0: -9, x1: 9, y0: -9, y1: 9, line};
  node.seedbedPlotly.relayout(node, {shapes: x === undefined ? [] : [around]});
};
const reveal = (name, until) => {  // what was clicked is told below, maybe out of sight; it comes with the next drawing
  const found = document.querySelector(`.st-key-${name}`);
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
  if (found) found.scrollIntoView({block: 'nearest', behavior});
  else if (Date.now() < until) setTimeout(reveal, 150, name, until);
};
const watch = (node, tip) => {
  const tell = (more) => node.seedbedTell({...node.seedbedPick, ...more, turn: Date.now()});
  const row = (point) => node.seedbedRows && node.seedbedRows[point.curveNumber][point.pointNumber];
  node.on('plotly_selected', (event) => { const line = event && outline(event); if (line) tell({area: line}); });
  node.on('plotly_deselect', () => {
    tell({area: null, at: null});
    if (node.seedbedAt) { node.seedbedAt = null; ring(node); }
  });
  node.on('plotly_click', (event) => {
    const point = event.points[0];
    if (node.seedbedRows) { node.seedbedAt = {x: point.x, y: point.y}; ring(node); }
    tell({at: node.seedbedRows ? {row: row(point)} : {x: point.pointNumber[1], y: point.pointNumber[0]}});
    setTimeout(reveal, 600, node.seedbedTold, Date.now() + 5000);  // one of another point may still be there
  });
  node.on('plotly_hover', (event) => {
    const text = node.seedbedTexts && node.seedbedTexts[row(event.points[0])];
    if (!text) return;
    const box = node.getBoundingClientRect();
    const x = event.event.clientX - box.left, y = event.event.clientY - box.top;
    tip.textContent = text;
    tip.style.display = 'block';
    tip.style.left = `${Math.max(0, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y + 14}px`;
  });
  node.on('plotly_unhover', () => { tip.style.display = 'none'; });
};
export default function (component) {
  const {data, parentElement, setStateValue} = component;
  const node = parentElement.querySelector('.seedbed-points'), tip = parentElement.querySelector('.seedbed-tip');
  node.style.height = `${data.figure.layout.height}px`;
  node.dataset.chart = data.name;
  node.classList.toggle('grid', !data.can_draw);  // names of rows would leave its cells no room on a narrow screen
  node.seedbedRows = data.rows; node.seedbedTexts = data.texts; node.seedbedPick = data.pick;
  node.seedbedTold = data.told;
  node.seedbedTell = (pick) => setStateValue('pick', pick);
  if (node.seedbedDrawn === data.version) return;  // a redrawing would lose the line around what is chosen
  node.seedbedDrawn = data.version;
  if (!hasWebGL()) for (const trace of data.figure.data) trace.type = trace.type.replace('gl', '');
  load(data.library).then((Plotly) => {
    const own = paint(structuredClone(data.figure), getComputedStyle(parentElement), node.offsetWidth);
    if (data.can_draw && node.offsetWidth < NARROW) {  // the buttons take the whole line: the title goes below them
      Object.assign(own.title, {y: 1 - 34 / own.height, yref: 'container', yanchor: 'top'});
      own.title.font.size = 12;
      own.margin.t += 24;
    }
    if (data.can_draw && matchMedia('(pointer: coarse)').matches) own.dragmode = false;  // a swipe is for the page
    return Plotly.react(node, structuredClone(data.figure.data), {...own, selections: []},
      {responsive: true, displaylogo: false, scrollZoom: data.can_draw, displayModeBar: data.can_draw,
       modeBarButtons: data.can_draw
         ? [['toImage'], ['lasso2d', 'select2d'], ['pan2d', 'zoomIn2d', 'zoomOut2d', 'resetScale2d']] : [['toImage']],
       toImageButtonOptions: {filename: data.name, format: 'svg'}}).then(() => {
      if (!node.seedbedIsWatched) { node.seedbedIsWatched = true; watch(node, tip); }
      describe(node, data.figure);
      node.seedbedPlotly = Plotly;
      if (node.seedbedAt) ring(node);
      node.dataset.points = data.rows ? data.rows.reduce((n, rows) => n + rows.length, 0) : 1;
    });
  }).catch(() => { node.textContent = 'The chart library could not be loaded; reload the page.'; });
}
"""
)

_chart = st.components.v2.component(
    "seedbed_points",
    html="<div class='seedbed-frame'><div class='seedbed-points'></div><div class='seedbed-tip'></div></div>",
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


def draw_points(
    figure: Figure,
    *,
    key: str,
    version: str,
    told: str,
    rows: Sequence[Sequence[int]] | None = None,
    texts: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Draw a figure; returns what was picked last.

    Args:
        figure: from ``core.figures``.
        key: names the chart on its page.
        version: of the figure: the browser draws it anew where that changes, and forgets what is chosen.
        told: key of the container, below the chart, that tells of what was clicked: it is brought into view.
        rows: of the points of each trace, for a map; None: a grid, of which cells can be clicked.
        texts: of the rows, shown beside the pointer.

    Returns:
        ``area``, the corners of a line that was drawn, and ``at``: ``row`` of the point that was clicked, or ``x`` and
        ``y`` of the cell. Each is missing or None before.
    """
    state = st.session_state.get(key) or {}
    found = _chart(
        key=key,
        data={
            "figure": figure,
            "library": LIBRARY,
            "name": key,
            "version": version,
            "told": told,
            "rows": rows and [list(each) for each in rows],
            "texts": texts and list(texts),
            "pick": state.get("pick") or {},
            "can_draw": rows is not None,
        },
        height=figure["layout"]["height"],
        default={"pick": None},
        on_pick_change=lambda: None,
    )
    return found.pick or {}


def read_area(pick: dict[str, Any]) -> Polygon | None:
    """Return the corners of the line that was drawn; None where there is none."""
    corners = [(float(x), float(y)) for x, y in pick.get("area") or []]
    return corners if len(corners) > 2 else None
