"""The keys of the review: a bar of buttons in the browser that shows the next record without asking the server.

Python draws the record shown and those that come next; this component shows one of them at a time. A verdict is sent
and kept (over a reload too) until Python says that it is on the disk. No key works on a record that is not drawn yet,
nor while somebody types.
"""

import hashlib
from typing import Any

import streamlit as st

from core.records import REASONS
from pages.components.review_queue import NOTE, STATE_WORDS, Key, Queue, list_taken

CARD = "review_card"
"""Key of the component: its state is ``turn`` with ``orders`` (not acknowledged yet), ``shown`` and ``edit``."""

SLOT = "reviewed_"
"""Beginning of the key of a record's container."""


HEIGHT = 520
"""Pixels that each side of a record has at least on a wide screen; all three grow with the longest."""


def name_slot(key: Key | None) -> str:
    """Return the key of the container that a candidate is drawn in; None: the end of the queue."""
    return SLOT + ("end" if key is None else hashlib.blake2b("|".join(key).encode(), digest_size=6).hexdigest())


_CSS = """
.card {background: var(--st-background-color); padding: .3rem 0;}
.bar {display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; font-family: var(--st-font); font-size: .9rem;
  color: var(--st-text-color);}
.bar button, .note button {display: inline-flex; gap: .45rem; align-items: center; padding: .38rem .7rem;
  cursor: pointer; font: inherit; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, .5rem);}
.bar button:hover, .note button:hover {border-color: var(--st-primary-color); color: var(--st-primary-color);}
.bar button:focus-visible, .note button:focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 1px;}
.bar button:disabled {opacity: .45; cursor: default;}
.bar kbd, .why kbd {font: inherit; font-size: .78rem; padding: 0 .3rem; border: 1px solid var(--st-border-color);
  border-radius: .25rem; opacity: .8;}
.bar .first {font-weight: 600;}
.why, .said {display: flex; flex-wrap: wrap; font-family: var(--st-font); color: var(--st-text-color);}
.why {gap: .1rem .9rem; margin-top: .45rem; font-size: .82rem; opacity: .85;}
.why button {display: inline-flex; gap: .35rem; align-items: center; border: 0; padding: .1rem 0; cursor: pointer;
  background: none; color: inherit; font: inherit; font-size: .82rem;}
.why button:hover {color: var(--st-primary-color);}
.why button:focus-visible {outline: 2px solid var(--st-primary-color);}
.track {height: 5px; margin-top: .55rem; border-radius: 3px; background: var(--st-secondary-background-color);}
.track div {height: 100%; border-radius: 3px; background: var(--st-primary-color);}
.said {justify-content: space-between; gap: .2rem 1rem; margin-top: .3rem; font-size: .85rem;
  font-variant-numeric: tabular-nums; min-height: 1.3rem;}
.note {display: flex; gap: .4rem; margin-top: .4rem;}
.note input {flex: 1; font: inherit; padding: .35rem .6rem; color: inherit; background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: .4rem;}
.error {color: var(--st-red-text-color, #b3261e);}
@media (max-width: 640px) {
  .bar kbd, .why kbd {display: none;}
  .bar button {padding: .38rem .55rem;}
  .why {flex-wrap: nowrap; overflow-x: auto; white-space: nowrap;}
}
"""

_JS = """
const LABELS = [['accept', 'Accept', 'A', 'a'], ['reject', 'Reject', 'X', 'x'], ['edit', 'Edit', 'E', 'e'],
  ['skip', 'Skip', 'S', 's'], ['undo', 'Undo', 'Z', 'z'], ['back', 'Back', '←', 'arrowleft'],
  ['on', 'On', '→', 'arrowright'], ['lock', 'Lock', 'L', 'l'], ['note', 'Note', 'N', 'n'],
  ['trash', 'Trash', 'T', 't'], ['origin', 'Origin', 'O', 'o']];
const STAYS = `.st-key-review_card {position: sticky; top: 0; z-index: 9;}  /* over whatever is scrolled to */
@media (max-width: 640px) { .st-key-review_card {top: 3.9rem;} }  /* below the button that opens the navigation */
@media (min-width: 641px) {  /* little moves between two records */
  .st-key-reviewed_records :is([class*="st-key-reading_"], [class*="st-key-facts_"]) {min-height: HEIGHTpx;} }`;
const LEADS_ON = ['accept', 'reject', 'skip', 'trash'];
// What is not on the disk yet is kept for each tab; one that was closed leaves it to the next that is opened. An order
// that two tabs send is carried out once, by its id, but for an undo of whatever came last.
const KEPT = 'seedbed_review_orders_', MINE = KEPT + (window.seedbedTab ||= Math.random().toString(36).slice(2));
const read = () => {
  const found = new Map();
  try {
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(KEPT))) {
      for (const order of JSON.parse(localStorage.getItem(name)))
        if (name === MINE || order.action !== 'undo' || order.undoes) found.set(order.id, order);
      if (name !== MINE) localStorage.removeItem(name);
    }
  } catch { /* private mode, or nothing that we wrote */ }
  return [...found.values()];
};
const keep = (orders) => {
  try { if (orders.length) localStorage.setItem(MINE, JSON.stringify(orders)); else localStorage.removeItem(MINE); }
  catch { /* private mode */ }
};
const types = (node) => node && (node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName));
const isTyping = () => {
  let node = document.activeElement;
  while (node && node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
  return types(node) || Boolean(document.querySelector('[role=dialog], [data-baseweb=popover] input:focus'));
};
const leaveBox = () => {  // who has chosen in a box, or left it, goes on with keys; it would take them as a search
  const box = document.activeElement;
  if (box && box.getAttribute('role') === 'combobox' && box.getAttribute('aria-expanded') !== 'true') box.blur();
};
const newId = (kind) => `${kind}_${Date.now()}_${Math.random().toString(36).slice(2)}`;
const make = (tag, parent, set = {}) => {
  const node = document.createElement(tag);
  Object.assign(node, set);
  parent.appendChild(node);
  return node;
};
class Reader {
  constructor(root) {
    this.orders = read();
    // a bar may be made anew while somebody presses keys: it goes on where the one before stood
    this.at = window.seedbedReview ||= {judged: new Map(), history: [], jumps: null, shown: null};
    this.spent = null;  // judged, and still in view, for the next record has not come yet: no key works on it
    this.style = document.getElementById('seedbed-review') || make('style', document.head, {id: 'seedbed-review'});
    this.style.reader = this;
    this.draw(root);
    this.onKey = (event) => this.press(event);
    document.addEventListener('keydown', this.onKey, true);
    this.watcher = new MutationObserver(() => this.paint());
  }
  draw(root) {
    root.replaceChildren();
    const bar = make('div', root, {className: 'bar'});
    bar.setAttribute('role', 'toolbar'); bar.setAttribute('aria-label', 'Verdict');
    this.buttons = {};
    for (const [action, label, sign] of LABELS) {
      const button = make('button', bar, {type: 'button', className: action === 'accept' ? 'first' : ''});
      make('span', button, {textContent: label}); make('kbd', button, {textContent: sign});
      button.setAttribute('aria-keyshortcuts', sign);
      button.addEventListener('click', () => { button.blur(); this.act(action); });
      this.buttons[action] = button;
    }
    this.why = make('div', root, {className: 'why'});
    this.noteBox = make('form', root, {className: 'note'});
    this.noteBox.style.display = 'none';
    this.input = make('input', this.noteBox, {maxLength: 500,
      placeholder: 'A note on this candidate; Enter stores it'});
    this.input.setAttribute('aria-label', 'Note');
    make('button', this.noteBox, {type: 'submit', textContent: 'Store'});
    this.noteBox.addEventListener('submit', (event) => { event.preventDefault(); this.closeNote(true); });
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.closeNote(false);
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.closeNote(true);
    });
    this.track = make('div', make('div', root, {className: 'track'}));
    const said = make('div', root, {className: 'said'});
    said.setAttribute('role', 'status'); said.setAttribute('aria-live', 'polite');
    this.count = make('span', said); this.told = make('span', said);
  }
  get judged() { return this.at.judged; }
  get history() { return this.at.history; }
  get jumps() { return this.at.jumps; }
  set jumps(name) { this.at.jumps = name; }
  get shown() { return this.at.shown; }
  set shown(key) { this.at.shown = key; }
  close() {
    document.removeEventListener('keydown', this.onKey, true);
    clearTimeout(this.waiting);
    window.onbeforeunload = null;
    this.watcher.disconnect();
    if (this.style.reader === this) this.style.textContent = '';  // a bar that was made anew has taken it over
  }
  take(data, send) {
    clearTimeout(this.closing);
    this.data = data; this.send = send;
    window.onbeforeunload = data.editing ? (event) => event.preventDefault() : null;  // a text half written is nowhere
    if (data.editing && !this.isEditing) setTimeout(() => {
      const box = document.querySelector('.st-key-editor textarea');
      if (box && !isTyping()) box.focus();
    }, 250);
    this.isEditing = data.editing;
    const before = this.orders.length;
    this.orders = this.orders.filter((order) => !(order.id in data.taken));
    for (const [id, fault] of Object.entries(data.taken)) {
      if (fault) for (const [key, own] of this.judged) if (own.id === id) this.judged.delete(key);
    }
    for (const entry of data.entries) {
      const own = this.judged.get(entry.key);
      if (own && !this.orders.some((order) => order.id === own.id)) this.judged.delete(entry.key);
    }
    if (before !== this.orders.length) keep(this.orders);
    if (this.jumps !== data.jumps) {
      this.jumps = data.jumps; this.shown = data.shown; this.spent = null;
      leaveBox();
    }
    const goesOn = this.spent !== null && this.shown === this.spent && (this.next() || !data.ahead.length);
    if (goesOn) {  // of a single one that was skipped nothing comes after it: it stays
      this.shown = this.next() || (data.counts.waiting ? this.shown : null);
      this.spent = null;
    }
    if (!this.why.childElementCount) for (const [place, [reason, words]] of data.reasons.entries()) {
      const button = make('button', this.why, {type: 'button'});
      make('kbd', button, {textContent: String(place + 1)}); make('span', button, {textContent: words});
      button.title = `Reject: ${words}`; button.setAttribute('aria-keyshortcuts', String(place + 1));
      button.addEventListener('click', () => { button.blur(); this.act('reject', {reason}); });
    }
    if (goesOn || (this.orders.length && before === this.orders.length && !this.sent)) this.tell();
    this.sent = true;
    this.watch();
    this.paint();
  }
  watch() {  // the records come after this bar, on a busy machine long after it, and may be made anew
    clearTimeout(this.waiting);
    this.watcher.disconnect();
    const place = document.querySelector('.st-key-reviewed_records');
    const changes = {childList: true, subtree: true, attributes: true, attributeFilter: ['class']};
    if (place) this.watcher.observe(place, changes);
    if (!this.isDrawn()) this.waiting = setTimeout(() => { this.watch(); this.paint(); }, 100);
  }
  entry(key = this.shown) { return this.data.entries.find((each) => each.key === key); }
  state(entry) { const own = this.judged.get(entry.key); return own ? own.action : entry.state; }
  next() {  // what comes after this one: the server may still be at one before, and what was skipped waits as well
    const ahead = this.data.ahead.slice(this.data.ahead.indexOf(this.shown) + 1);
    return ahead.find((key) => this.entry(key) && this.state(this.entry(key)) === null);
  }
  isDrawn() {
    const slot = this.shown === null ? 'reviewed_end' : (this.entry() || {}).slot;
    return Boolean(slot && document.querySelector(`.st-key-${slot} [data-reviewed="${slot}"]`));
  }
  paint() {
    if (!this.data) return;
    const entry = this.entry(), is = this.isDrawn(), slot = this.shown === null ? 'reviewed_end' : entry && entry.slot;
    const kept = is ? `:not(.st-key-${slot})` : '';
    const css = STAYS + (this.data.editing ? ''
      : `[class*="st-key-reviewed_"]:not(.st-key-reviewed_records)${kept} {display: none !important;}`);
    if (this.style.textContent !== css) this.style.textContent = css;
    const {n, counts} = this.data;
    this.track.style.width = `${n ? 100 * (n - counts.waiting) / n : 0}%`;
    const number = entry ? `${(entry.place + 1).toLocaleString('en')} of ${n.toLocaleString('en')} · ` : '';
    const state = entry ? this.data.words[this.state(entry)] || 'waiting' : '';
    const locked = entry && entry.locked ? ' · locked' : '';
    const isWaiting = this.shown !== null && (!is || this.shown === this.spent);
    this.count.textContent = this.data.editing ? 'being edited' : isWaiting ? `${number}loading` :
      `${number}${state}${locked}${entry ? ' · ' : ''}${counts.text}`;
    this.count.parentElement.dataset.shown = is ? slot : '';
    if (is && this.begun !== slot) {
      if (this.begun) this.beginAtTop();
      this.begun = slot;
    }
    const own = this.orders.length;
    this.told.textContent = own > 8 ? `${own} verdicts are not stored yet` : this.data.note[1];
    this.told.className = this.data.note[0] === 'error' ? 'error' : '';
    for (const [action, button] of Object.entries(this.buttons)) {
      const needs = !['undo', 'back', 'on'].includes(action);
      button.disabled = this.data.editing || (needs && (this.shown === null || !is)) || !n;
      if (action === 'origin' && this.data.blind) button.disabled = true;
      if (action === 'lock') button.firstChild.textContent = entry && entry.locked ? 'Unlock' : 'Lock';
    }
  }
  beginAtTop() {  // who has read a long answer to its end would begin the next record in its middle
    const place = document.querySelector('.st-key-reviewed_records'), bar = this.count.closest('.card');
    const above = place ? bar.getBoundingClientRect().bottom - place.getBoundingClientRect().top : 0;
    if (above > 0) document.querySelector('.stMain').scrollBy({top: -above});
  }
  tell(more = {}) { keep(this.orders); this.send({orders: this.orders, shown: this.shown, edit: null, ...more}); }
  act(action, more = {}) {
    if (!this.data || this.data.editing || !this.data.n) return;
    if (action === 'back' || action === 'on') return this.step(action === 'on' ? 1 : -1);
    if (action === 'undo') return this.undo();
    const entry = this.entry();
    if (!entry || !this.isDrawn() || entry.key === this.spent) return;
    if (action === 'edit') return this.tell({edit: {key: entry.key, at: Date.now()}});
    if (action === 'origin') return this.data.blind || this.tell({origin: {key: entry.key, at: Date.now()}});
    if (action === 'note' && !more.note) return this.openNote();
    if (action === 'lock' && entry.locked) action = 'unlock';
    const id = newId('review');
    const order = {id, run: entry.run, candidate: entry.candidate, action, ...more};
    this.orders.push(order); this.history.push({id, key: entry.key});
    if (LEADS_ON.includes(action)) {
      if (action !== 'skip') this.judged.set(entry.key, {id, action});
      const next = this.next(), own = [...this.judged.keys()];
      const told = own.filter((key) => (this.entry(key) || {}).state === null).length;  // as waiting by the server
      const left = this.data.counts.waiting - told;
      if (next === undefined && left > 0) this.spent = this.shown; else this.shown = next || null;
    }
    this.paint(); this.tell();
  }
  openNote() { this.noteBox.style.display = 'flex'; this.input.value = ''; this.input.focus(); }
  closeNote(isStored) {
    const text = this.input.value.trim();
    this.noteBox.style.display = 'none'; this.input.blur();
    if (isStored && text) this.act('note', {note: text});
  }
  undo() {
    const last = this.history.pop();
    this.spent = null;
    const isSeen = Boolean(last && this.entry(last.key));
    this.orders.push({id: newId('undo'), action: 'undo', undoes: last ? last.id : null, is_seen: isSeen});
    if (last) { this.judged.delete(last.key); if (isSeen) this.shown = last.key; }
    this.paint(); this.tell();
  }
  step(by) {
    const {entries, n} = this.data, from = this.entry();
    this.spent = null;
    const place = from ? (from.place + by + n) % n : (by < 0 ? n - 1 : 0);
    const next = entries.find((each) => each.place === place);
    if (next) { this.shown = next.key; this.paint(); this.tell(); } else this.tell({step: {place, at: Date.now()}});
  }
  press(event) {
    if (event.key === 'Escape') setTimeout(leaveBox, 100);  // once its list is closed
    if (!this.data || event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
    if (!this.track.isConnected) return;
    const key = event.key.toLowerCase();
    const found = LABELS.find((each) => each[3] === key), digit = Number(key);
    const reason = digit >= 1 && this.data.reasons[digit - 1];
    if (!found && !reason) return;
    event.preventDefault(); event.stopPropagation();
    if (event.repeat && !['back', 'on'].includes(found && found[0])) return;  // a key that stays down judges once
    if (found) this.act(found[0]); else this.act('reject', {reason: reason[0]});
  }
}
export default function (component) {
  const {data, parentElement, setStateValue} = component;
  const root = parentElement.querySelector('.card');
  root.seedbed ||= new Reader(root);
  root.seedbed.take(data, (turn) => setStateValue('turn', turn));
  return () => { root.seedbed.closing = setTimeout(() => { root.seedbed.close(); root.seedbed = null; }, 100); };
}
"""

_card = st.components.v2.component(
    "seedbed_review", html="<div class='card'></div>", css=_CSS, js=_JS.replace("HEIGHTpx", f"{HEIGHT}px")
)


def read_turn() -> dict[str, Any]:
    """Return what the browser asks for; nothing before its first key."""
    return (st.session_state.get(CARD) or {}).get("turn") or {}


def draw_card(queue: Queue, window: list[Key], ahead: list[Key], *, is_editing: bool) -> None:
    """Draw the bar with its keys, the progress, and what the last act said."""
    states = list(queue.states.values())
    n, waiting = len(states), queue.n_waiting
    counts = [f"{states.count(state):,} {word}" for state, word in STATE_WORDS.items() if state in states]
    text = " · ".join([f"{n - waiting:,} of {n:,} reviewed", *counts, f"{waiting:,} waiting"])
    _card(
        key=CARD,
        data={
            "entries": [
                {
                    "key": "|".join(key),
                    "run": key[0],
                    "candidate": key[1],
                    "slot": name_slot(key),
                    "place": queue.places[key],
                    "state": queue.states[key],
                    "locked": key in queue.locked,
                }
                for key in window
            ],
            "ahead": ["|".join(key) for key in ahead],
            "shown": "|".join(queue.shown) if queue.shown else None,
            "jumps": f"{queue.name}/{queue.n_jumps}",
            "words": STATE_WORDS,
            "taken": list_taken(read_turn().get("orders") or []),
            "n": n,
            "counts": {"waiting": waiting, "text": text},
            "reasons": list(REASONS.items()),
            "note": list(st.session_state.get(NOTE, ("done", ""))),
            "editing": is_editing,
            "blind": queue.is_blind,
        },
        default={"turn": None},
        on_turn_change=lambda: None,
    )
