"""The sentence forms of stories of people who own things; data only. See ``frames`` for the slots."""

FORMS = {
    "cc+": (
        "{E} [has|owns] {a} {O} and [gets|buys|finds|is given] {b} more.",
        "{E} [collects|gathers] {a} {O} [in the morning|before noon] and {b} [in the afternoon|later].",
        "[In|Inside] {E}'s {box} there are {a} [fresh|big|light] {O} and {b} [older|small|dark] ones.",
        "[After|On] [receiving|getting] {b} {O} [from a friend|as a present], "
        "{E} adds them to the {a} [already there|at home].",
        "{E}'s [collection|stock] is made up of {a} {O} from [home|an aunt] and {b} from [elsewhere|an uncle].",
    ),
    "cc-": (
        "{E} had {a} {O} but [lost|gave away|sold|broke] {b} [of them|].",
        "[Of|Out of] {E}'s {a} {O}, {b} [are stolen|are thrown out|have to go], and {E} keeps the rest.",
        "[Having started|Starting out] with {a} {O}, {E} [hands|passes] {b} to [a friend|strangers].",
        "{E} [wanted|hoped for] {a} {O} but [is|got] {b} short.",
    ),
    "cc*": (
        "{E} has {a} {boxes} with {b} {O} in each.",
        "{E} [fills|packs] {a} {boxes}, and [every|each] {box} [holds|takes] {b} {O}.",
        "[For|Over] {a} days {E} [buys|makes|finds] {b} {O} [a day|every day].",
        "{a} [friends|visitors] bring {E} {b} {O} [each|apiece].",
        "{E} lays out {O} in {a} rows of {b}.",
    ),
    "cc/": (
        "{a} {O} are [shared|divided|split] [equally|evenly] among {b} {people}, and {E} is one of them.",
        "{E} [gets|takes] one of {b} equal [shares|heaps] of {a} {O}.",
        "A [load|delivery] of {a} {O} goes [evenly|in equal parts] into {b} {boxes}; {E} [takes|keeps] one {box}.",
    ),
    "cc%": (
        "{E} [gets|keeps] {a}% of {b} {O}.",
        "[Of|Out of] {b} {O} [in the shop|on offer], {E} [takes|buys] {a}%.",
    ),
    "rc+": (
        "{E} has {b} more {O} than {R}.",
        "{E} [beats|leads] {R} by {b} {O}.",
        "[Compared with|Next to] {R}, {E} has {b} {O} more.",
        "{R} has {b} {O} fewer than {E}.",
        "{E} [copies|matches] {R}'s [number|count] of {O} and [then adds|adds] {b}.",
    ),
    "rc-": (
        "{E} has {b} fewer {O} than {R}.",
        "{E} is {b} {O} behind {R}.",
        "[Compared with|Next to] {R}, {E} [lacks|is missing] {b} {O}.",
        "{R} has {b} more {O} than {E}.",
        "{E} [once had|used to have] as many {O} as {R}, but {b} [got lost|are gone].",
    ),
    "rc*": (
        "{E} has {times} as many {O} as {R}.",
        "For [each|every one] of {R}'s {O}, {E} has {b}.",
        "{R}'s [number|count] of {O}, [multiplied by {b}|taken {b} times], is what {E} has.",
        "It would take {b} people like {R} to have as many {O} as {E}.",
    ),
    "rc/": (
        "{E} has {part} as many {O} as {R}.",
        "{E}'s [number|count] of {O} is {part} of {R}'s.",
        "[If|When] {R}'s {O} [were|are] split into {b} equal [heaps|parts], one [equals|is] what {E} has.",
        "{R} has {times} as many {O} as {E}.",
    ),
    "cr%": (
        "{E} has {a}% as many {O} as {R}.",
        "{E}'s [number|count] of {O} is {a}% of {R}'s.",
    ),
    "cr-": (
        "{E} had {a} {O} and [gave away|sold|lost] as many as {R} has.",
        "Together {E} and {R} have {a} {O}.",
        "[Only|Just] {a} {O} [exist|are there]: {R}'s, and the rest, which {E} has.",
    ),
    "cr/": (
        "{a} {O} are [shared|split] equally among as many {people} as {R} has {O}; {E} gets one share.",
        "{E} has {a} divided by {R}'s [number|count] of {O}.",
    ),
    "rr+": (
        "{E} has as many {O} as {R} and {S} together.",
        "{R} and {S} [count|pool] their {O}; {E} has [that many|the same total].",
        "{E} [matches|equals] the [sum|total] of {R}'s and {S}'s {O}.",
    ),
    "rr-": (
        "{E} has as many {O} as {R} has more than {S}.",
        "The [gap|difference] between {R}'s and {S}'s [number|count] of {O} is what {E} has.",
        "{E} and {S} together have just as many {O} as {R}.",
    ),
    "rr*": (
        "{E} has as many {boxes} as {R} has {O}, with as many {O} in each as {S} has.",
        "{E} has the [product|multiple] of {R}'s and {S}'s {O}.",
    ),
    "rr/": (
        "{R}'s {O} would make as many heaps of {S}'s size as {E} has {O}.",
        "{E} has {R}'s [number|count] of {O} divided by {S}'s.",
    ),
    "then+": (
        "[Then|Later|After that] {E} [gets|buys|finds|receives] {b} more.",
        "[A friend|Somebody] [brings|gives] {E} {b} [more|further] {O}.",
        "{E} then [adds|puts in] [another|] {b}.",
    ),
    "then-": (
        "[Then|Later|After that] {E} [loses|sells|gives away|breaks] {b} [of them|].",
        "[A thief|Somebody] [takes|borrows] {b} of {E}'s {O}.",
        "{b} of {E}'s {O} [turn out bad|go missing].",
    ),
    "then*": (
        "[Then|Later] {E}'s [stock|supply] [grows|rises] to {times} [what it was|its size].",
        "[With luck|By trading], {E} [soon|then] has {times} as many.",
    ),
    "then/": (
        "[Then|Later] {E} [shares|splits] them [equally|evenly] among {b} {people} and [keeps|has] one share.",
        "{E} keeps only {part} of them.",
    ),
    "ask": (
        "How many {O} does {E} have [now|]?",
        "[Find|Give|Name] {E}'s [number|count] of {O}.",
        "How many {O} [belong to|are with] {E} [in the end|]?",
        "[Tell|Work out] how many {O} {E} has.",
    ),
    "ask rr+": (
        "How many {O} do {R} and {S} have [together|in all|altogether]?",
        "[If|When] {R} and {S} put their {O} together, how many [are there|do they get]?",
        "What is the total of {R}'s and {S}'s {O}?",
    ),
    "ask rr-": (
        "How many more {O} does {R} have than {S}?",
        "[By how much|By how many {O}] does {R} beat {S}?",
        "How many {O} must {S} [get|find] to [reach|match] {R}?",
    ),
    "ask rr/": ("How many times as many {O} as {S} does {R} have?",),
    "ask rc+": (
        "How many {O} would {R} have with {b} more?",
        "[If|Suppose] {R} [gets|wins] another {b}: how many {O} is that [in all|]?",
    ),
    "ask rc-": (
        "How many {O} are left [if|when|after] {R} [uses|sells|gives away] {b}?",
        "{R} needs only {b} {O}. How many are [too many|left over]?",
    ),
    "ask rc*": (
        "[If|Suppose] each piece [costs|sells for] {b} dollars[, what|. What] are {R}'s {O} worth in dollars?",
        "{R} [sells|trades] the {O} for {b} dollars each. How many dollars does {R} [get|earn]?",
    ),
    "ask rc/": (
        "{R} [packs|puts] {b} {O} in [each|every] {box}. How many {boxes} [are needed|are filled]?",
        "[If|When] {R} [shares|divides] them among {b} {people}, how many {O} does each get?",
    ),
    "ask cr-": (
        "{R} needs {a} {O}. How many are [missing|still to be found]?",
        "How many {O} must {R} add to [reach|have] {a}?",
    ),
    "ask cr%": (
        "How many {O} are {a}% of {R}'s?",
        "{R} [sells|gives away] {a}% of the {O}. How many are [sold|given away]?",
    ),
}
