"""What all pages look like beyond the theme: measures of the page, its head, texts to read, contrast.

The theme is in ``.streamlit/config.toml``; what a theme cannot say is said here, once for every page.
"""

import streamlit as st

_MEASURES = """
.stMainBlockContainer {padding-top: 2.6rem; padding-bottom: 3rem; max-width: 1240px;}
.stMainBlockContainer h1 {padding: .2rem 0 0;}
.st-key-page_head [data-testid="stColumn"] > div > div {gap: .1rem;}
.st-key-page_head [data-testid="stHorizontalBlock"] {flex-wrap: nowrap;}
@media (max-width: 480px) {.st-key-page_head [data-testid="stHorizontalBlock"] {flex-wrap: wrap;}
  .st-key-page_head [data-testid="stColumn"]:first-child {flex: 1 1 100% !important;}}
.st-key-page_head [data-testid="stColumn"]:first-child {min-width: 0; flex: 1 1 0;}
.st-key-page_head [data-testid="stColumn"]:last-child {flex: 0 0 auto; width: auto; min-width: 0;}
@media (max-width: 480px) {.st-key-page_head [data-testid="stColumn"]:last-child {flex: 1 1 100%; max-width: 100%;}}
.st-key-primary_place .stButton button {min-width: 9rem;}
@media (max-width: 768px) {.stMainBlockContainer {padding-top: 4.2rem;}}  /* the bar with the menu lies over it there */
@media (max-width: 1000px) {
  .stMainBlockContainer {padding-left: 1.6rem; padding-right: 1.6rem;}
  [class*="st-key-two_sides"] [data-testid="stColumn"] {min-width: 100%;}
  .stHorizontalBlock:has(> [data-testid="stColumn"], [data-testid="stMetric"]) {row-gap: 1rem;}
}
@media (max-width: 640px) {  /* two boxes beside one another: what is to be read begins sooner */
  .st-key-review_filter > div:has(.stSelectbox) {flex: 1 1 40%; min-width: 0; width: auto !important;}
  .st-key-review_filter > div .stSelectbox {width: 100% !important;}
}
:has(> .st-key-menu_closer) {position: absolute;}
[class*="_waiting_"] button p, [class*="_working_"] button p span {position: absolute; width: 1px; height: 1px;
  overflow: hidden; clip-path: inset(50%);}
[class*="st-key-reading"] p {max-width: 68ch; line-height: 1.55;}
[class*="st-key-code_"] textarea {font-family: var(--st-code-font, monospace); font-size: .85rem;}
"""

_CONTRAST = """
[data-testid="stCaptionContainer"] {opacity: .8;}
button[data-selected="true"] p {color: light-dark(#1F6B41, #7CC79A);}
"""
"""Of small texts that Streamlit draws too faint for AA (4.5 to 1): captions, and what is chosen among buttons."""

_FOCUS = """
:is(a, button, summary, main, canvas, [tabindex]):focus-visible {
  outline: 2px solid light-dark(#1F6B41, #7CC79A) !important; outline-offset: 1px;}
.st-key-loop_strip a:focus-visible, main:focus-visible {outline-offset: -2px;}
"""
"""Where the keyboard is: Streamlit shows links in focus by hardly more than a shade."""


_MENU = """
export default function () {
  if (window.seedbedMenu) return;
  window.seedbedMenu = true;
  document.addEventListener('click', (event) => {
    const isLink = event.target.closest && event.target.closest('[data-testid=stSidebarNav] a');
    if (!isLink || !matchMedia('(max-width: 768px)').matches) return;
    setTimeout(() => document.querySelector('[data-testid=stSidebarCollapseButton] button')?.click(), 50);
  });
}
"""
"""Closes the navigation once a page is chosen where it lies over the page: Streamlit leaves it open."""

_menu = st.components.v2.component("seedbed_menu", html="<span></span>", js=_MENU)


def draw_looks() -> None:
    """Put the rules into the page; nothing is seen of them themselves."""
    st.html(f"<style>{_MEASURES}{_CONTRAST}{_FOCUS}</style>")
    with st.container(key="menu_closer"):
        _menu(key="seedbed_menu", height=1)
