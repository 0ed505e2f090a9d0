"""The vocabulary of the stories: names, things, places and the sentences that set a scene; data only.

Square brackets hold alternatives, divided by bars; see ``telling.expand``.
"""

from dataclasses import dataclass

_NAMES = """
    Ada Aiko Alba Amir Anya Arno Asha Bela Bruno Carla Chidi Clara Dara Dario Della Dmitri Edda Elio Elsa Emre Enzo
    Esra Farid Fiona Flora Gita Goran Greta Hana Hugo Ida Igor Ines Ivo Jana Jonas Jun Kaia Karim Kofi Lara Lena
    Leo Lina Luca Mael Maya Mika Milan Mira Nadia Nico Nils Noor Olga Omar Orla Oskar Paula Pedro Petra Pia Quinn
    Rafi Rana Remo Rosa Runa Sami Sara Selma Signe Sven Tara Tessa Theo Timo Tove Uma Vera Viktor Wanda Wim Yara
    Yusuf Zara Zeno Zofia
"""

NAMES = tuple(_NAMES.split())

_OOD_NAMES = "Abena Baran Cleo Dunja Eskil Faye Gustav Hedda Imran Jovan Keiko Linnea Matteo Nessa Otis Priya Rune Siri"

OOD_NAMES = tuple(_OOD_NAMES.split())


@dataclass(frozen=True, slots=True)
class Theme:
    """What a story is about."""

    things: tuple[str, ...]
    """Plural nouns that are counted."""

    boxes: tuple[tuple[str, str], ...]
    """What things are packed in: singular and plural."""

    people: str
    """Who share things; plural noun with alternatives."""

    groups: tuple[str, ...]
    """Who makes or sells things (the day frame)."""

    openings: tuple[str, ...]
    """Sentences without numbers that set the scene."""


def _theme(things: str, boxes: str, people: str, groups: str, *openings: str) -> Theme:
    pairs = tuple(tuple(pair.split("/")) for pair in boxes.split())
    return Theme(tuple(things.split()), pairs, people, tuple(groups.split(", ")), openings)


THEMES = (
    _theme(
        "apples pears plums peaches figs cherries lemons quinces apricots",
        "basket/baskets crate/crates",
        "[neighbours|pickers|cousins]",
        "the orchard, the fruit stand, the market stall",
        "[The|This year the] [fruit harvest|picking season] [is in full swing|has just begun|goes well].",
        "[Sunshine|A warm wind] has [ripened|sweetened] all the fruit [early|by now].",
        "The [trees|branches] behind the [farmhouse|old mill] [hang full|bend low].",
    ),
    _theme(
        "pencils crayons notebooks rulers stickers erasers markers folders",
        "packet/packets tray/trays",
        "[pupils|classmates|teachers]",
        "the school shop, the art room, the office",
        "[A new school year|The spring term] [starts|begins] [on Monday|next week|soon].",
        "The [art teacher|headmistress] [wants|likes] [every cupboard|all supplies] [counted|in order].",
        "[Everybody|The whole class] [tidies up|gets ready] [before|for] the [holidays|exhibition].",
    ),
    _theme(
        "shells pebbles starfish corks feathers stones",
        "bucket/buckets jar/jars",
        "[children|friends|campers]",
        "the beach club, the museum shop, the summer camp",
        "[Low tide|The storm last night] [left|has left] [treasures|a lot] [on the sand|along the shore].",
        "[A family|A group of friends] [walks|strolls] [along the coast|by the sea] [after lunch|at dawn].",
        "[Gulls|Waves] [cry|roar] while [everyone|the group] [collects|searches].",
    ),
    _theme(
        "marbles blocks cards dice puppets kites balloons puzzles",
        "bag/bags tin/tins",
        "[players|children|brothers]",
        "the toy shop, the nursery, the club",
        "[Rain|Snow] [keeps|has kept] [the children|everybody] [inside|at home] [all day|today].",
        "The [attic|cellar] is [full of|crowded with] [old toys|games].",
        "[A birthday party|The toy fair] [is planned|takes place] [in the town hall|this weekend].",
    ),
    _theme(
        "rolls muffins biscuits buns pies tarts waffles bagels",
        "tray/trays box/boxes",
        "[guests|customers|bakers]",
        "the bakery, the corner cafe, the canteen",
        "[The ovens|All ovens] [are|have been] hot [since|from] [four|the early morning].",
        "[The smell|A sweet smell] of [fresh bread|cinnamon] [fills|drifts down] the street.",
        "The [village|street] [festival|fair] [needs|calls for] [plenty of|lots of] [cakes|treats].",
    ),
    _theme(
        "nails bolts screws hinges planks tiles bricks hooks",
        "drawer/drawers carton/cartons",
        "[workers|joiners|apprentices]",
        "the workshop, the hardware shop, the builder",
        "[A new shed|The old barn] [is going up|will be mended] [behind the house|by the river].",
        "[The carpenter|A builder] [keeps|likes to keep] [careful lists|a tidy bench].",
        "[Hammering|Sawing] [can be heard|goes on] [all afternoon|from morning on].",
    ),
    _theme(
        "tulips roses bulbs ferns daisies lilies seedlings herbs",
        "pot/pots bed/beds",
        "[gardeners|florists|volunteers]",
        "the nursery garden, the flower shop, the park",
        "[Spring|May] [has come|arrives] [late|early] [this year|to the valley].",
        "[Bees|Butterflies] [hum|dance] [over|around] the [flower beds|greenhouse].",
        "The [park|botanical garden] [opens|will open] [its gates|again] [soon|on Sunday].",
    ),
    _theme(
        "books maps comics magazines letters posters albums novels",
        "shelf/shelves parcel/parcels",
        "[readers|students|members]",
        "the library, the bookshop, the archive",
        "[The library|An old bookshop] [is moving|moves] to a [new|larger] [building|street].",
        "[Dust|Silence] [lies|hangs] [over|between] the [reading tables|rows].",
        "[Visitors|Readers] [come in|arrive] [from all over town|in small groups].",
    ),
    _theme(
        "eggs pumpkins carrots onions potatoes turnips cabbages melons",
        "sack/sacks crate/crates",
        "[farmers|helpers|families]",
        "the farm, the village shop, the cooperative",
        "[It is|Today is] [market day|harvest time] [in the valley|at the farm].",
        "[Carts|Trucks] [roll|rumble] [over the hill|into town] [before sunrise|early].",
        "The [soil|field] [was good|did well] [this season|after the rain].",
    ),
    _theme(
        "beads buttons ribbons needles patches buckles threads tassels",
        "jar/jars case/cases",
        "[tailors|sisters|knitters]",
        "the sewing room, the craft shop, the tailor",
        "[A costume|The wedding dress] [must be|has to be] [ready|finished] [by Friday|in a week].",
        "[The sewing circle|A craft group] [meets|gathers] [every Thursday|upstairs].",
        "[Scissors|Machines] [click|rattle] [in the background|without a pause].",
    ),
    _theme(
        "stamps parcels postcards coins badges medals tickets tokens",
        "album/albums envelope/envelopes",
        "[collectors|visitors|partners]",
        "the post office, the kiosk, the collectors' club",
        "[Collectors|Traders] [meet|come together] [at the station|in the old hall] [once a month|today].",
        "[The postman|A courier] [whistles|hurries] [down|along] the [lane|avenue].",
        "[Rare pieces|Old things] [are|have become] [popular|much wanted] [again|lately].",
    ),
    _theme(
        "cups plates spoons candles bowls lamps napkins vases",
        "carton/cartons cupboard/cupboards",
        "[waiters|tenants|hosts]",
        "the kitchen, the hotel, the restaurant",
        "[A banquet|The anniversary] [is|will be] [held|celebrated] [in the great hall|outdoors].",
        "[The cook|A waiter] [checks|goes through] [the stock|the cupboards] [twice|at noon].",
        "[Guests|Travellers] [are expected|will arrive] [before dusk|from abroad].",
    ),
)

OOD_THEMES = (
    _theme(
        "crystals sensors filters probes capsules batteries",
        "pod/pods module/modules",
        "[pilots|engineers|astronauts]",
        "the space station, the launch site, the laboratory",
        "[A rocket|The shuttle] [docks|lands] [within the hour|after a long voyage].",
        "[Red lights|Quiet alarms] [blink|glow] on the [bridge|deck].",
    ),
    _theme(
        "masks costumes wigs programmes violins flutes",
        "trunk/trunks rack/racks",
        "[actors|singers|dancers]",
        "the theatre, the opera, the circus",
        "[The curtain|A new play] [rises|opens] [at eight|tomorrow night].",
        "[Musicians|Stagehands] [rehearse|wait] [behind the scenes|in the wings].",
    ),
    _theme(
        "snails corals turtles crabs oysters seahorses",
        "tank/tanks pond/ponds",
        "[divers|keepers|biologists]",
        "the aquarium, the reef station, the zoo",
        "[Divers|Biologists] [explore|study] the [lagoon|reef] [by boat|for a year].",
        "[Warm currents|Strong tides] [bring|carry] [new life|many species] [north|ashore].",
    ),
    _theme(
        "rubies fossils pearls opals nuggets ingots",
        "chest/chests vault/vaults",
        "[miners|traders|explorers]",
        "the mine, the quarry, the mint",
        "[An expedition|A caravan] [sets out|departs] [for the mountains|across the desert].",
        "[Lanterns|Torches] [light|mark] the [tunnel|shaft].",
    ),
)

_FIRSTS = "red blue green white black yellow old new left right upper lower north south small large"
_SECONDS = "room shed hall cellar wagon stall barn van store cabin"
_OOD_FIRSTS = "eastern western hidden silver marble wooden central remote"
_OOD_SECONDS = "tower gallery bunker pavilion chamber depot"

PLACES = tuple(f"{first} {second}" for first in _FIRSTS.split() for second in _SECONDS.split())
OOD_PLACES = tuple(f"{first} {second}" for first in _OOD_FIRSTS.split() for second in _OOD_SECONDS.split())

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MONTHS = "January February March April May June July August September October November December"

MONTHS = tuple(_MONTHS.split())

TOWNS = (
    "Elmswick", "Port Alba", "Norrby", "Castell", "Veldhof", "Dunmore", "Larkhill", "Santa Rea", "Ostrava", "Brindle"
)  # fmt: skip

ANY_OPENINGS = (
    "It is a [cold|bright|grey|busy|quiet] [morning|afternoon|evening] in {town}.",
    "[Nobody|Not everyone] in {town} [likes counting|is good with numbers], but [somebody has to|today it matters].",
    "{town} is [known|famous] for its {things}.",
    "[For years|Since last winter] {name} has [dreamed|talked] of [nothing but|having more] {things}.",
    "{name} [writes|notes] everything [down|in a diary].",
    "[All|These] {things} [look|are] [alike|much the same].",
    "[Nothing|No piece] gets lost [along the way|in between].",
    "[Counting|Keeping track of] {things} is {name}'s [job|hobby|task].",
    "{name} [asks|begs] for help with the [count|sums].",
)

PART_NAMES = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    7: "a seventh",
    8: "an eighth",
    9: "a ninth",
    10: "a tenth",
    11: "an eleventh",
    12: "a twelfth",
}
"""Words for one n-th."""

TIMES_NAMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}
"""Words for n times."""
