"""The sentence forms of stories of days on which somebody sells things; data only. See ``frames`` for the slots."""

FORMS = {
    "cc+": (
        "On {E}, {G} [sells|sends out] {a} {O} [before|by] noon and {b} [after|later].",
        "{E} [brings|means] {a} {O} for {G}, and [then|] {b} on top.",
        "{a} {O} in the [first|early] hours and {b} in the [last|late] ones: that is {E} [at|for] {G}.",
    ),
    "cc-": (
        "On {E}, {G} [sells|sends out] {a} {O}, but {b} [come back|are returned].",
        "[Of|From] {a} {O} that {G} [made|planned] for {E}, {b} [fail|are cancelled].",
    ),
    "cc*": (
        "On {E}, {G} [sells|sends out] {a} {boxes} of {b} {O} [each|].",
        "On {E}, {a} [customers|people] [buy|order] {b} {O} each from {G}.",
        "{E} has {a} [busy|] hours [with|of] {b} {O} [each|an hour] for {G}.",
    ),
    "cc/": ("On {E}, {G} [sells|sends out] one of {b} equal [parts|lots] of {a} {O}.",),
    "cc%": ("On {E}, {G} [sells|sends out] {a}% of {b} {O}.",),
    "rc+": (
        "On {E}, {G} [sells|sends out] {b} more {O} than on {R}.",
        "{E} [beats|tops] {R} by {b} {O}.",
        "{R} [ends|closes] {b} {O} below {E}.",
    ),
    "rc-": (
        "On {E}, {G} [sells|sends out] {b} fewer {O} than on {R}.",
        "{E} [falls|stays] {b} {O} [short of|behind] {R}.",
        "{R} [ends|closes] {b} {O} above {E}.",
    ),
    "rc*": (
        "On {E}, {G} [sells|sends out] {times} as many {O} as on {R}.",
        "{E} [brings|counts] {times} the {O} of {R}.",
    ),
    "rc/": (
        "On {E}, {G} [sells|sends out] {part} as many {O} as on {R}.",
        "{E} [brings|counts] {part} of {R}'s {O}.",
    ),
    "cr%": ("On {E}, {G} [sells|sends out] {a}% as many {O} as on {R}.",),
    "cr-": ("{E} and {R} [together|] [bring|come to] {a} {O} [for {G}|].",),
    "cr/": ("{E} [brings|counts] {a} {O} divided by the number of {R}.",),
    "rr+": (
        "{E} [brings|counts] as many {O} as {R} and {S} together.",
        "On {E}, {G} [sells|sends out] the [total|sum] of {R} and {S}.",
    ),
    "rr-": (
        "{E} [brings|counts] as many {O} as lie between {R} and {S}.",
        "{E} and {S} together [bring|count] as many {O} as {R}.",
    ),
    "rr*": ("{E} [brings|counts] the {O} of {R} times those of {S}.",),
    "rr/": ("{E} [brings|counts] the {O} of {R} divided by those of {S}.",),
    "then+": ("[Late|Just before closing] on {E}, {b} more [go|are sold].", "{E} [then|] gets {b} {O} [added|more]."),
    "then-": ("[Then|Later] {b} of {E}'s {O} [come back|are returned].", "{E} [then|] loses {b} {O} [again|]."),
    "then*": ("[A rush|A big order] [lifts|brings] {E} to {times} that [number|count].",),
    "then/": ("[A mistake|A cut] leaves {E} with [only|just] {part} of that.",),
    "ask": (
        "How many {O} does {G} [sell|send out] on {E}?",
        "[Find|Give] the number of {O} [for|on] {E}.",
        "What is {E}'s [number|count] of {O}?",
    ),
    "ask rr+": (
        "How many {O} is that on {R} and {S} [together|in all|altogether]?",
        "[Find|Give] the [sum|total] of {O} [for|over] {R} and {S}.",
    ),
    "ask rr-": (
        "How many more {O} [go out|are sold] on {R} than on {S}?",
        "By how many {O} does {R} [exceed|beat] {S}?",
    ),
    "ask rc-": ("{b} of {R}'s {O} were [free|gifts]. How many were [paid for|not]?",),
    "ask rc*": ("At {b} dollars [each|apiece], how many dollars does {R} [bring|earn]?",),
    "ask rc/": ("{R}'s {O} leave in {boxes} of {b}. How many {boxes} is that?",),
    "ask cr-": ("The [goal|target] for {R} is {a} {O}. How many are [missing|lacking]?",),
}
