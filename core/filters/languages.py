"""Which script and which language a text is in, as far as its own words tell; no model, no dependency.

A script is told by its letters. Among languages in Latin letters the commonest small words decide ("the", "und"): each
counts for the languages that have it, and less the more there are. Where too few of them occur (short texts, formulas)
nothing is said. Languages that share another script (Russian, Ukrainian) are not told apart.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from core.filters.tokens import split_tokens

READ_CHARACTERS = 20_000
"""How much of a text is looked at."""

MIN_WORDS = 6
"""Words without which nothing is said of a language."""

MIN_HITS = 2.5
"""Weight of small words that a language needs."""

MIN_SHARE = 0.08
"""Share of the words that they need to be."""

MOST_REPEATS = 2
"""How often the same small word counts."""

LEAD = 1.3
"""How many times the weight of the second language the first one needs."""

_COMMAND = re.compile(r"\\[A-Za-z]+|https?://\S+")
_SPACELESS = ("Han", "Kana", "Thai")
_SCRIPTS = {"CJK": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana", "KATAKANA-HIRAGANA": "Kana"}

SMALL_WORDS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "English": "the of and to in is that it was for are with as his her they be at have this from or had by "
        "not but what all were when we there can an your which their if will each how many much does "
        "did than then has she he you every after left she's more into on find let who only would "
        "been our its so me my no them these those two three one plus minus times per day total makes "
        "get gets because must first second where since given number value both same now thus "
        "therefore also about most until during while such may us any other over under",
        "German": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an "
        "werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum "
        "war haben nur oder aber vor zur bis mehr durch jeder jede jedes wenn hatte viele wieviele "
        "insgesamt kostet ihr seine kauft pro wurden",
        "French": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce il sont "
        "elle avec son ses aux ou cette mais comme nous leur si être fait été deux chaque combien ils "
        "elles chacun après quel quelle l'on d'un d'une c'est qu'il coûte achète donne",
        "Spanish": "de la que el en los se del las un por con no una su para es al lo como más pero sus le ha me "
        "si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta "
        "desde cada cuánto cuántos cuántas cuánta tiene él ella después cuesta compra tiempo tarda "
        "otro otra otros otras",
        "Italian": "di il la che in per un del non una le con si da della al sono dei come ha più nel alla gli "
        "anche lo delle se ma suo sua dal ogni quanto quanti quante quanta due ci era loro dopo "
        "ciascuno ciascuna costa compra dell'anno nella sul qual l'altro quando altre altri altro "
        "l'una dà adesso tutto tempo",
        "Portuguese": "de que do da em um para com não uma os no se na por mais as dos como mas ao ele das seu sua "
        "ou quando muito nos já eu também só pelo pela até isso ela entre depois sem mesmo aos seus "
        "quem nas cada quanto quantos quantas tem são foi custa compra dois duas",
        "Dutch": "de van het een en in is dat op te zijn met voor niet aan er om ook als die bij door maar of "
        "uit dan nog naar heeft hij ze wordt hebben over hoe hoeveel elke elk zij haar per veel werd "
        "meer na al tot deze kost koopt dit wat geen was",
        "Polish": "na do się nie jest że to ile jak za po od przez dla co ma przy są oraz tym jego jej ich może "
        "każdy każda każde był była było tylko więc jeśli ze już aby gdy lub które który która "
        "wszystkich kosztuje kupił kupuje razem teraz złotych",
        "Swedish": "och att det som en på är av för med till den har de inte om ett han hon men var sig från så "
        "kan man när vid hur många mycket varje efter alla eller ut sin hade får ska in över under "
        "kostar köper totalt sedan vi",
        "Danish": "og at det som en på er af for med til den har de ikke om et han hun men var sig fra så kan "
        "man når ved hvor mange meget hver efter alle eller ud sin havde får skal ind over under "
        "koster køber hvad hvis alt",
        "Turkish": "ve bir bu için ile da de ne kadar daha çok olan olarak her kaç sonra gibi ise var ama en "
        "tane toplam eğer göre lira olur bulunuz nedir kişi tanesi şu ya kendi iki ki mi mı değil "
        "vardır yapar ediyor",
        "Indonesian": "yang dan di dengan untuk dari ini itu pada ke tidak adalah akan ada dalam oleh berapa setiap "
        "juga dia mereka saya atau lebih sudah jika telah banyak jumlah semua masing-masing hari buah "
        "harga total sebuah seorang memiliki membeli kemudian setelah satu",
        "Vietnamese": "và của là có một được cho các không trong với mỗi bao nhiêu người để này đã khi những hai từ "
        "ra số vào cô anh ấy ông bà nếu mua ngày tổng cộng bán còn lại thì nào hỏi đó cả trên về",
    }.items()
}
"""Language -> its commonest small words; words of one letter are left out, as they are variables."""

_LANGUAGES = {
    word: [name for name, words in SMALL_WORDS.items() if word in words]
    for word in frozenset().union(*SMALL_WORDS.values())
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of a text tell."""

    scripts: Counter[str]
    """Script -> words in it; single letters other than signs of a spaceless script are left out, as in formulas."""

    language: str | None
    """Name of the language, or of the script where the script is all that is told; None: too little to say."""

    @property
    def n_words(self) -> int:
        """Return how many words were counted."""
        return self.scripts.total()


@lru_cache(maxsize=4096)
def read_language(text: str) -> Reading:
    """Return scripts and language of the beginning of a text."""
    words = [word for word in split_tokens(_COMMAND.sub(" ", text[:READ_CHARACTERS])) if word[0].isalpha()]
    scripts: Counter[str] = Counter()
    for word in words:
        script = find_script(word[0])
        scripts[script] += len(word) > 1 or script in _SPACELESS
    scripts = +scripts
    if scripts.total() < MIN_WORDS:
        return Reading(scripts, None)
    script = max(scripts, key=lambda name: scripts[name])
    if script == "Latin":
        return Reading(scripts, guess_latin([word for word in words if find_script(word[0]) == "Latin"]))
    if script in ("Han", "Kana"):
        script = "Japanese" if scripts["Kana"] >= 0.1 * scripts["Han"] else "Chinese"
    return Reading(scripts, script)


def guess_latin(words: list[str]) -> str | None:
    """Return the language that the small words among these (lower case) speak for; None where they say too little."""
    weights: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for word, n in Counter(word.replace("’", "'") for word in words).items():
        names = _LANGUAGES.get(word, ())
        for name in names:
            weights[name] += min(n, MOST_REPEATS) / len(names)
            hits[name] += n
    ranked = weights.most_common(2)
    if not ranked or ranked[0][1] < MIN_HITS or hits[ranked[0][0]] < MIN_SHARE * len(words):
        return None
    return ranked[0][0] if len(ranked) < 2 or ranked[0][1] >= LEAD * ranked[1][1] else None


@lru_cache(maxsize=8192)
def find_script(letter: str) -> str:
    """Return the script of a letter as Unicode names it: "Latin", "Cyrillic", "Han", "Kana"; "Other" for none."""
    first = unicodedata.name(letter, "OTHER").split(" ", 1)[0]
    return _SCRIPTS.get(first, "Latin" if first in ("MODIFIER", "MATHEMATICAL") else first.capitalize())
