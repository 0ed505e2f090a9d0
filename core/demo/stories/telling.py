"""Tells a sum as a word problem with a worked answer, in the style of GSM8K (Cobbe 2021).

Each step becomes a sentence of the question and a sentence of the answer, with the calculator annotation
``<<12+5=17>>`` in it; the last line of the answer is ``#### 17``. The order of the sentences, the frame, the names, the
things and the wording are drawn.
"""

import random
import re
from dataclasses import dataclass, field

from core.demo.stories.frames import ANSWERS, FRAMES, Forms
from core.demo.stories.skeleton import Sum
from core.demo.stories.words import (
    ANY_OPENINGS,
    MONTHS,
    NAMES,
    OOD_NAMES,
    OOD_PLACES,
    OOD_THEMES,
    PART_NAMES,
    PLACES,
    THEMES,
    TIMES_NAMES,
    TOWNS,
    WEEKDAYS,
    Theme,
)

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Story:
    """A word problem."""

    question: str
    answer: str
    """One sentence per step, a line each, and the last line ``#### final``."""

    final: str
    frame: str
    """Which set of sentence forms told it: ``people``, ``places``, ``days`` or ``races``."""


@dataclass(slots=True)
class _Scene:
    """What stays the same through one story."""

    frame: str
    theme: Theme
    things: str
    box: tuple[str, str]
    group: str
    entities: list[str]
    """One for each step; a step that continues an earlier one has the same."""

    other_name: str
    town: str
    continues: list[bool] = field(default_factory=list)

    @property
    def forms(self) -> Forms:
        """Return the sentence forms of the frame."""
        return FRAMES[self.frame]


def expand(template: str, rng: random.Random) -> str:
    """Return the template with one alternative drawn for each pair of square brackets."""
    return _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)


def tell(sum_: Sum, rng: random.Random, *, is_ood: bool = False, theme: Theme | None = None) -> Story:
    """Tell the sum as a question with its worked answer.

    Args:
        sum_: what is calculated.
        rng: draws everything else.
        is_ood: draw from themes and forms kept apart.
        theme: what the story is about; None draws one.
    """
    scene = _set_scene(sum_, rng, is_ood, theme)
    last = len(sum_.shape) - 1
    ending = _ending_form(sum_, scene, rng)
    blocks: list[list[str]] = []
    home: dict[str, int] = {}  # entity -> its block of sentences, which stay together
    for index in range(last + (ending == "ask")):
        sentence = _fill(_draw_form(sum_, scene, index, rng), sum_, scene, index, rng)
        if scene.continues[index]:
            blocks[home[scene.entities[index]]].append(sentence)
        else:
            home[scene.entities[index]] = len(blocks)
            blocks.append([sentence])
    if not any(scene.continues) and rng.random() < 0.45:  # what happened one after the other stays in order
        rng.shuffle(blocks)
    sentences = [sentence for block in blocks for sentence in block]
    for opening in _openings(scene, rng):
        sentences.insert(0 if rng.random() < 0.75 else rng.randint(0, len(sentences)), opening)
    sentences.append(_fill(rng.choice(scene.forms[ending]), sum_, scene, last, rng))
    answer = [_work(sum_, scene, index, ending if index == last else "ask") for index in range(last + 1)]
    final = str(sum_.numbers[-1][2])
    return Story(" ".join(sentences), "\n".join([*answer, f"#### {final}"]), final, scene.frame)


def _set_scene(sum_: Sum, rng: random.Random, is_ood: bool, wanted: Theme | None = None) -> _Scene:
    frame = rng.choices(("people", "places", "days", "races"), (4, 3, 2.5, 3 if is_ood else 0))[0]
    drawn = rng.choice(OOD_THEMES if is_ood else THEMES)
    theme = wanted or drawn
    n_steps = len(sum_.shape)
    names = OOD_NAMES if is_ood else NAMES
    if frame == "places":
        entities = rng.sample(OOD_PLACES if is_ood else PLACES, n_steps)
    elif frame == "days":
        days = WEEKDAYS if n_steps <= len(WEEKDAYS) and rng.random() < 0.6 else MONTHS
        if n_steps <= len(days):
            entities = rng.sample(days, n_steps)
        else:
            frame = "people"
    if frame in ("people", "races"):
        entities = rng.sample(names, n_steps)
    other = rng.choice([name for name in names if name not in entities])
    scene = _Scene(
        frame, theme, rng.choice(theme.things), rng.choice(theme.boxes), rng.choice(theme.groups), entities, other,
        rng.choice(TOWNS),
    )  # fmt: skip
    _draw_continuations(sum_, scene, rng)
    return scene


def _draw_continuations(sum_: Sum, scene: _Scene, rng: random.Random) -> None:
    """Let some steps go on with the entity of the result that they alone take."""
    n_uses = [0] * len(sum_.shape)
    for step in sum_.shape:
        for ref in step.refs:
            n_uses[ref] += 1
    for index, step in enumerate(sum_.shape):
        can = step.form in ("rc+", "rc-", "rc*", "rc/") and n_uses[step.left] == 1
        scene.continues.append(can and rng.random() < 0.4)
        if scene.continues[-1]:
            scene.entities[index] = scene.entities[step.left]


def _ending_form(sum_: Sum, scene: _Scene, rng: random.Random) -> str:
    form = f"ask {sum_.shape[-1].form}"
    if form in scene.forms and rng.random() < 0.55:
        scene.continues[-1] = False
        return form
    return "ask"


def _draw_form(sum_: Sum, scene: _Scene, index: int, rng: random.Random) -> str:
    step = sum_.shape[index]
    return rng.choice(scene.forms[f"then{step.op}" if scene.continues[index] else step.form])


def _fill(template: str, sum_: Sum, scene: _Scene, index: int, rng: random.Random) -> str:
    """Return the template as a sentence about one step."""
    step, (left, right, _) = sum_.shape[index], sum_.numbers[index]
    refs = [scene.entities[ref] for ref in step.refs] or [""]
    times = f"{right} times" if right not in TIMES_NAMES or (rng.random() < 0.5 and right > 2) else TIMES_NAMES[right]
    text = expand(template, rng).format(
        E=scene.entities[index], R=refs[0], S=refs[-1], O=scene.things, a=left, b=right, G=scene.group,
        box=scene.box[0], boxes=scene.box[1], people=expand(scene.theme.people, rng),
        part=PART_NAMES.get(right, f"1/{right}"), times=times,
    )  # fmt: skip
    return _tidy(text)


def _openings(scene: _Scene, rng: random.Random) -> list[str]:
    n_openings = rng.choices((0, 1, 2), (6, 3, 1))[0]
    drawn = rng.sample(scene.theme.openings, 1) + rng.sample(ANY_OPENINGS, 1)
    rng.shuffle(drawn)
    return [
        _tidy(expand(text, rng).format(town=scene.town, things=scene.things, name=scene.other_name))
        for text in drawn[:n_openings]
    ]


def _tidy(text: str) -> str:
    text = re.sub(r" +([.,;?]| )", r"\1", text)
    return text[0].upper() + text[1:]


def _work(sum_: Sum, scene: _Scene, index: int, ending: str) -> str:
    """Return the sentence of the worked answer for one step."""
    expression, value = sum_.expression(index), sum_.numbers[index][2]
    subject, unit = ANSWERS[scene.frame]
    if ending == "ask rc*":
        subject, unit = "That is", "dollars."
    elif ending != "ask":
        subject, unit = "That is", unit if ending != "ask rc/" else "in all."
    subject = subject.format(E=scene.entities[index])
    return f"{subject} {expression}=<<{expression}={value}>>{value} {unit.format(O=scene.things)}"
