"""The one chart of the dashboard: keeps its node, its zoom and its hidden traces while the data grow.

Streamlit's own chart element is made anew at every change of the data, which loses a reader's zoom; here the browser
calls ``Plotly.react`` on the same node with a fixed ``uirevision``. Figures come from ``core.figures`` as plain values;
text, grid and hover colours are read from the theme in the browser.
"""

import re
from importlib.metadata import version

import streamlit as st

from core.figures.layout import Figure

PAINT_JS = """
const load = (address) => window.__seedbedPlotly || (window.__seedbedPlotly = new Promise((ok, no) => {
  const script = document.createElement('script');
  script.src = address; script.onload = () => ok(window.Plotly); script.onerror = no;
  document.head.appendChild(script);
}));
const NARROW = 560;  // below, names at the ends of lines would take the room of the lines
const fit = (layout, width) => {
  const notes = (layout.annotations || []).filter((each) => each.yanchor !== 'middle');  // others name lines
  if (layout.showlegend || width >= NARROW || notes.length === (layout.annotations || []).length) return layout;
  const margin = {...layout.margin, r: 16, b: layout.margin.b + 60};
  const y = -56 / Math.max(layout.height - margin.t - margin.b, 1);  // below the title of the axis, however low it is
  return {...layout, annotations: notes, showlegend: true, legend: {...layout.legend, y}, margin};
};
const paint = (figure, style, width) => {
  const pick = (name, other) => style.getPropertyValue(name).trim() || other;
  const text = pick('--st-text-color', '#333'), line = pick('--st-border-color', 'rgba(128,128,128,.3)');
  const axis = (own, ticks) => ({gridcolor: line, linecolor: line, ...own, ...ticks,
    title: {...own.title, font: {size: 12.5, color: text}}});
  const own = fit(figure.layout, width), range = figure.range;
  const mark = range ? [{type: 'rect', xref: 'x', yref: 'paper', x0: range[0], x1: range[1], y0: 0, y1: 1,
    layer: 'below', line: {width: 1, color: text}, fillcolor: line}] : [];
  return {...own, shapes: [...(own.shapes || []), ...mark], autosize: true,
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    font: {family: pick('--st-font', 'sans-serif'), size: 12.5, color: text},
    title: {...own.title, font: {size: 14.5, color: text}},
    xaxis: axis(own.xaxis, figure.ticks), yaxis: axis(own.yaxis),
    modebar: {bgcolor: pick('--st-background-color', 'rgba(0,0,0,0)'), color: 'rgba(128,128,128,.8)',
      activecolor: text},
    hoverlabel: {bgcolor: pick('--st-secondary-background-color', '#eee'), font: {color: text}, bordercolor: line}};
};
const describe = (node, figure) => {  // who hears the page is told what is shown; the numbers are in a table beside it
  const [picture, ...others] = node.querySelectorAll('.main-svg');  // not the node: the buttons in it can be reached
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', figure.layout.title.text.replace(/<[^>]*>/g, ' '));
  others.forEach((each) => each.setAttribute('aria-hidden', 'true'));
};
"""
"""Script that loads plotly once a page, gives a figure the colours of the theme, and names it for who hears it."""

_JS = (
    PAINT_JS
    + """
const ONES = {tickmode: 'linear', tick0: 0, dtick: 1};
const keepWhole = (node) => {  // an axis of whole numbers: one tick each where few are in sight
  const axis = node._fullLayout.xaxis;
  if (axis.tickformat !== ',d') return;
  const isShort = Math.abs(axis.range[1] - axis.range[0]) < 12;
  if (isShort === Boolean(node.seedbedTicks)) return;
  node.seedbedTicks = isShort ? ONES : null;
  node.seedbedDraw();  // not relayout, which would make the zoom no longer the reader's own
};
const save = (Plotly, node, style) => {
  const back = style.getPropertyValue('--st-background-color').trim() || '#fff';
  Plotly.downloadImage({data: node.data, layout: {...node.layout, paper_bgcolor: back, plot_bgcolor: back}},
    {format: 'svg', filename: node.dataset.file, width: node.offsetWidth, height: node.offsetHeight});
};
const watch = (node) => {
  if (node.seedbedIsWatched) return;
  node.seedbedIsWatched = true;
  const tell = (low, high) => node.seedbedTell && node.seedbedTell([low, high]);
  node.on('plotly_selected', (event) => { if (event && event.range) tell(...event.range.x); });
  node.on('plotly_click', (event) => {
    const bars = node.data.find((trace) => trace.type === 'bar'), axis = node._fullLayout.xaxis;
    const at = axis.p2d(event.event.clientX - node.getBoundingClientRect().left - axis._offset);
    const middle = bars && bars.x.find((x) => Math.abs(x - at) <= bars.width / 2);
    if (middle !== undefined) tell(middle - bars.width / 2, middle + bars.width / 2);
  });
};
export default function (component) {
  const {data, parentElement, setStateValue} = component;
  const node = parentElement.querySelector('.seedbed-chart');
  node.style.height = `${data.figure.layout.height}px`;
  node.dataset.chart = data.name;
  load(data.library).then((Plotly) => {
    // the same function each time: at another configuration the figure would be made anew, and its zoom lost
    node.seedbedSave ||= () => save(Plotly, node, getComputedStyle(parentElement));
    const draw = () => Plotly.react(node, structuredClone(data.figure.data),
      paint({...structuredClone(data.figure), range: data.range, ticks: node.seedbedTicks},
        getComputedStyle(parentElement), node.offsetWidth),
      {responsive: true, displaylogo: false, displayModeBar: 'hover', modeBarButtons:
       [['toImage', {name: 'Download plot as an SVG', icon: Plotly.Icons.disk, click: node.seedbedSave}],
        [...(data.has_range ? ['select2d'] : []), 'zoom2d', 'pan2d', 'resetScale2d']],
       toImageButtonOptions: {filename: data.file}});
    node.dataset.file = data.file;
    const isFirst = !node.seedbedDraw;
    node.seedbedDraw = draw;
    draw();
    describe(node, data.figure);
    keepWhole(node);
    if (isFirst) node.on('plotly_relayout', () => setTimeout(() => keepWhole(node)));
    if (data.has_range) { node.seedbedTell = (range) => setStateValue('range', range); watch(node); }
    node.dataset.points = data.figure.data.reduce((most, trace) => Math.max(most, trace.x.length), 0);
  }).catch(() => { node.textContent = 'The chart library could not be loaded; reload the page.'; });
}
"""
)

LIBRARY = f"/vendor/plotly.min.js?v={version('plotly')}"
"""Where the browser finds plotly; the address carries the version, so that it can be kept for ever."""

_chart = st.components.v2.component(
    "seedbed_chart", html="<div class='seedbed-chart' style='width:100%'></div>", js=_JS, isolate_styles=False
)


def draw_chart(figure: Figure, *, key: str, has_range: bool = False) -> tuple[float, float] | None:
    """Draw a figure; as long as the key and the figure's ``uirevision`` stay, zoom survives new data.

    Args:
        figure: from ``core.figures``.
        key: names the chart on its page.
        has_range: a reader may click a bar, or drag over the horizontal axis.

    Returns:
        Lower and upper end of what was clicked or dragged over; None before, and without ``has_range``.
    """
    if has_range:
        figure = {
            **figure,
            "layout": {**figure["layout"], "dragmode": "select", "selectdirection": "h", "hoverdistance": -1},
        }
    range_ = (st.session_state.get(key) or {}).get("range") if has_range else None
    found = _chart(
        key=key,
        data={
            "figure": figure,
            "library": LIBRARY,
            "name": key,
            "file": re.sub(r"\W+", "_", figure["layout"]["title"]["text"]).strip("_").lower() or key,
            "has_range": has_range,
            "range": range_,
        },
        height=figure["layout"]["height"],
        default={"range": None},
        on_range_change=lambda: None,
    )
    return (min(found.range), max(found.range)) if has_range and found.range else None
