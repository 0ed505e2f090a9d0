"""The sentence forms of stories of places that hold things; data only. See ``frames`` for the slots."""

FORMS = {
    "cc+": (
        "The {E} [holds|contains] {a} [new|good] {O} and {b} [used|bad] ones.",
        "There [are|were] {a} {O} in the {E} [until|before] {b} [more|others] [arrive|arrived|came].",
        "[On|Along] one wall of the {E} stand {a} {O}, on the other {b}.",
    ),
    "cc-": (
        "The {E} held {a} {O} until {b} were [removed|sold|taken out].",
        "[Of|From] {a} {O} in the {E}, {b} [were|have been] [sent off|broken].",
        "The {E} has space for {a} {O}, and {b} [places|spaces] are empty.",
    ),
    "cc*": (
        "The {E} [holds|stores] {a} {boxes} of {b} {O} [each|].",
        "[Workers|People] [carry|bring] {b} {O} into the {E}, {a} times over.",
        "In the {E}, {a} {boxes} [stand|are kept], each with {b} {O}.",
    ),
    "cc/": (
        "{a} {O} are spread evenly over {b} places, one of them the {E}.",
        "The {E} [gets|receives] one of {b} equal [loads|parts] of {a} {O}.",
    ),
    "cc%": (
        "[Of|From] {b} {O} [delivered|in town], {a}% [go to|lie in] the {E}.",
        "The {E} [stores|takes] {a}% of {b} {O}.",
    ),
    "rc+": (
        "The {E} [holds|has] {b} more {O} than the {R}.",
        "There are {b} {O} more in the {E} than in the {R}.",
        "[Take|Add] {b} to the {R}'s [number|count] of {O} [and you get|for] the {E}'s.",
        "The {R} [holds|has] {b} {O} fewer than the {E}.",
    ),
    "rc-": (
        "The {E} [holds|has] {b} fewer {O} than the {R}.",
        "There are {b} {O} fewer in the {E} than in the {R}.",
        "[Take|Remove] {b} from the {R}'s [number|count] of {O} [and you get|for] the {E}'s.",
        "The {R} [holds|has] {b} {O} more than the {E}.",
    ),
    "rc*": (
        "The {E} [holds|has] {times} as many {O} as the {R}.",
        "There are {b} {O} in the {E} for [every|each] one in the {R}.",
        "The {R}'s {O} would fit {b} times into the {E}'s [number|count].",
    ),
    "rc/": (
        "The {E} [holds|has] {part} as many {O} as the {R}.",
        "[Only|Just] {part} of the {R}'s [number|count] of {O} [is|lies] in the {E}.",
        "There are {b} {O} in the {R} for [every|each] one in the {E}.",
    ),
    "cr%": ("The {E} [holds|has] {a}% as many {O} as the {R}.",),
    "cr-": (
        "The {E} and the {R} hold {a} {O} [together|between them].",
        "[From|Of] {a} {O} in the {E}, as many as the {R} holds are [removed|taken out].",
    ),
    "cr/": ("{a} {O} divided by the {R}'s [number|count] is what the {E} [holds|has].",),
    "rr+": (
        "The {E} [holds|has] as many {O} as the {R} and the {S} together.",
        "The {R}'s and the {S}'s {O} [add up|come] to the {E}'s [number|count].",
    ),
    "rr-": (
        "The {E} [holds|has] the difference between the {R}'s and the {S}'s {O}.",
        "The {E} and the {S} together [hold|have] as many {O} as the {R}.",
    ),
    "rr*": ("The {R}'s [number|count] of {O} times the {S}'s is [the number in|what is in] the {E}.",),
    "rr/": ("The {R}'s [number|count] of {O} divided by the {S}'s is [the number in|what is in] the {E}.",),
    "then+": (
        "[Then|Later|Soon] {b} more {O} [are brought to|arrive in] the {E}.",
        "[Another|A load of] {b} [goes|is put] into the {E}.",
    ),
    "then-": (
        "[Then|Later|Soon] {b} {O} [are taken from|leave] the {E}.",
        "[Somebody|The owner] [clears|takes] {b} of them out of the {E}.",
    ),
    "then*": ("[Then|Later] the [stock|number] in the {E} [grows|rises] to {times} [what it was|as much].",),
    "then/": ("[Then|Later] [only|just] {part} of them [is left|stays] in the {E}.",),
    "ask": (
        "How many {O} [are in|does one find in] the {E} [now|]?",
        "[Find|Give] the number of {O} in the {E}.",
        "The {E} [holds|has] how many {O}?",
    ),
    "ask rr+": (
        "How many {O} are in the {R} and the {S} [together|in all|altogether]?",
        "[Somebody|A cart] moves all {O} of the {R} and the {S} to one place. How many [is that|are moved]?",
    ),
    "ask rr-": (
        "How many more {O} are in the {R} than in the {S}?",
        "By how many {O} does the {R} [exceed|beat] the {S}?",
    ),
    "ask rc-": (
        "{b} {O} leave the {R}. How many [stay|remain] there?",
        "How many {O} are left in the {R} [after|when] {b} are [sold|gone]?",
    ),
    "ask rc*": ("At {b} dollars [each|apiece], how many dollars are the {O} in the {R} worth?",),
    "ask rc/": (
        "How many {boxes} of {b} can be [filled|packed] from the {R}'s {O}?",
        "The {R}'s {O} go to {b} {people} in equal parts. How many does each get?",
    ),
    "ask cr-": ("The {R} has room for {a} {O}. How many more [fit|can go] in?",),
}
