"""Sentences that may stand before any problem: they change its text and nothing of its solution.

Without them, two problems of one template are nearly the same text, and a filter on ROUGE-L lets few of them pass. They
hold no numbers.
"""

import re

import numpy as np

from core.demo.maths_templates.base import NAMES, fill_wording, pick, wording_pattern

SCENES = (
    "[At|During|Before] the {event} in {place}, {name} hears this [question|riddle|puzzle].",
    "A [teacher|guide|nurse] from {place} [writes|leaves] this on a {thing} for {name} and {other}.",
    "{time}, {name} [sends|reads] {other} a [question|problem] [about|from] the {event}.",
    "On the [train|bus|ferry] to {place}, {name} [bets|claims] that {other} cannot solve this.",
    "{name}, who likes {hobby}, got stuck on one [exercise|task] {time}.",
    "The {event} [opens|ends] with a [riddle|question] set by {name} from {place}.",
    "Here is what {name} [scribbled|noted] on a {thing} {time}.",
    "[Help|Join] {name} and {other}, who are waiting in a {venue} near {place}.",
    "While busy with {hobby} close to {place}, {name} thinks about this.",
    "{other} owes {name} a [favour|song|dance] unless somebody can answer the following.",
    "Nobody at the {venue} in {place} could tell {other} this {time}.",
    "To [enter|leave] the {venue}, {name} has to answer a [guard|robot|parrot].",
    "{name} and {other} quarrel over {hobby}, then over this.",
    "[Written|Carved|Painted] on a {thing} in {place}, {name} found these words.",
)
FILLERS = {
    "event": "spring fair|chess evening|harvest feast|quiz night|science week|boat race|book market|camp fire|"
    "school concert|winter games|kite festival|bake sale|town run|film club|robot contest|open day",
    "place": "Oslo|Lima|Cairo|Porto|Kyoto|Dakar|Riga|Quito|Hanoi|Bergen|Tunis|Perth|Turin|Accra|Izmir|Cork|Graz|"
    "Pune|Malmo|Fes",
    "thing": "paper napkin|wooden door|blue notebook|postcard|stone wall|old map|chalk board|menu|kite|shop window|"
    "calendar|train ticket|garden gate|umbrella|tea box|drum",
    "time": "this morning|last night|after lunch|on Monday|at dawn|yesterday|in the break|before supper|on Friday|"
    "at noon|one rainy day|late in May",
    "hobby": "baking bread|rowing|old coins|bird watching|card tricks|knitting|kite flying|model trains|folk songs|"
    "stamp albums|rock climbing|wild herbs|puppet plays|jazz|clay pots|star maps",
    "venue": "library|bakery|museum|harbour office|station hall|greenhouse|tailor's shop|sports hall|lighthouse|"
    "workshop|cinema|bicycle shop|post office|town hall|clinic|planetarium",
}
PATTERN = re.compile("(?i:" + "|".join(wording_pattern(scene, "[^.]+?") for scene in SCENES) + ") ")


def add_scene(question: str, rng: np.random.Generator) -> str:
    """Return the question with a scene before it."""
    slots = {slot: pick(rng, options.split("|")) for slot, options in FILLERS.items()}
    name, other = rng.choice(NAMES, size=2, replace=False)
    scene = fill_wording(pick(rng, SCENES), {**slots, "name": name, "other": other}, rng)
    return f"{scene[0].upper()}{scene[1:]} {question}"


def strip_scene(question: str) -> str:
    """Return the question without the scene before it, if there is one."""
    return PATTERN.sub("", question, count=1) if PATTERN.match(question) else question
