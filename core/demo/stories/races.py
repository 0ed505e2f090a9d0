"""The sentence forms of stories of players who score points; data only. See ``frames`` for the slots.

Kept for out-of-distribution stories.
"""

FORMS = {
    "cc+": (
        "{E} wins {a} points with {O} and {b} points for [style|speed].",
        "[Judges|The referees] award {E} {a} and then {b} points.",
    ),
    "cc-": (
        "{E} scores {a} points but is fined {b} for [a fault|rough play].",
        "[Out of|From] {a} points {E} forfeits {b}.",
    ),
    "cc*": ("{E} scores {b} points in each of {a} rounds.", "{a} throws at {b} points apiece make up {E}'s score."),
    "cc/": ("A prize of {a} points is divided by {b} team mates, {E} included.",),
    "cc%": ("{E} earns {a}% of {b} possible points.",),
    "rc+": ("{E} finishes {b} points ahead of {R}.", "{R} trails {E} by {b} points."),
    "rc-": ("{E} finishes {b} points behind {R}.", "{R} outscores {E} by {b} points."),
    "rc*": ("{E}'s score is {times} that of {R}.",),
    "rc/": ("{E} scores {part} of what {R} does.",),
    "cr%": ("{E} manages {a}% of {R}'s score.",),
    "cr-": ("{E} and {R} share {a} points between them.",),
    "cr/": ("{E}'s score is {a} over that of {R}.",),
    "rr+": ("{E} ties with {R} and {S} combined.",),
    "rr-": ("{E}'s score fills the gap between {S} and the leader {R}.",),
    "rr*": ("{E}'s score is that of {R} multiplied by that of {S}.",),
    "rr/": ("{E}'s score is that of {R} over that of {S}.",),
    "then+": ("A bonus of {b} points goes to {E}.",),
    "then-": ("A penalty costs {E} {b} points.",),
    "then*": ("A joker turns {E}'s score into {times} as much.",),
    "then/": ("A false start cuts {E}'s score to {part}.",),
    "ask": ("What score does {E} end with?", "How many points are {E}'s?"),
    "ask rr+": ("What do {R} and {S} score as a team?",),
    "ask rr-": ("By how many points does {R} win over {S}?",),
    "ask rc-": ("{R} would be content with {b} points. How many points are beyond that?",),
}
