import pytest

from core.filters.base import FILTERS, FilterContext
from core.filters.languages import read_language
from core.records import Problem
from tests.filters.stand_ins import AnyTask, make_candidate

TEXTS = {
    "English": "Anna buys three apples for two dollars each and four pears. How much does she pay in all?",
    "German": "Anna kauft drei Äpfel für je zwei Euro und vier Birnen für je einen. Wie viel bezahlt sie insgesamt?",
    "French": "Un train roule à 80 km/h de Lyon à Paris. Combien de temps met-il pour parcourir les 400 km ?",
    "Spanish": "Pablo tenía 12 canicas. Le da la mitad a su hermana y encuentra otras cinco. ¿Cuántas tiene ahora?",
    "Italian": "Maria compra tre mele a due euro l'una e quattro pere a un euro. Quanto paga in tutto per la frutta?",
    "Portuguese": "Paulo tinha 12 bolinhas. Ele dá metade para a sua irmã e encontra mais cinco. Quantas tem agora?",
    "Dutch": "Piet had 12 knikkers. Hij geeft de helft aan zijn zus en vindt er nog vijf. Hoeveel heeft hij er nu?",
    "Polish": "Anna kupuje trzy jabłka po dwa złote i cztery gruszki po jednym złotym. Ile płaci razem za wszystko?",
    "Swedish": "Per hade 12 kulor. Han ger hälften till sin syster och hittar sedan fem till. Hur många har han nu?",
    "Danish": "Per havde 12 kugler. Han giver halvdelen til sin søster og finder så fem mere. Hvor mange har han nu?",
    "Turkish": "Ayşe tanesi iki lira olan üç elma ve tanesi bir lira olan dört armut alıyor. Toplam ne kadar öder?",
    "Indonesian": "Ani membeli tiga apel dengan harga dua ribu setiap buah dan empat pir. Berapa yang dia bayar?",
    "Vietnamese": "Lan mua ba quả táo với giá hai nghìn đồng mỗi quả. Hỏi Lan phải trả tổng cộng bao nhiêu tiền?",
    "Chinese": "小明买了三个苹果，每个两元，又买了四个梨，每个一元。他一共付了多少钱？",
    "Japanese": "太郎はりんごを三個と梨を四個買いました。全部でいくら払いましたか。",
    "Cyrillic": "Анна купила три яблока по два рубля и четыре груши по одному рублю. Сколько она заплатила?",
    "Hangul": "철수는 사과 세 개를 각각 이천 원에 샀습니다. 모두 얼마를 냈습니까?",
    "Devanagari": "राम ने तीन सेब दो रुपये प्रति सेब की दर से खरीदे। उसने कुल कितने रुपये दिए?",
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_language_is_told(name):
    assert read_language(TEXTS[name]).language == name


@pytest.mark.parametrize("text", ["", "How many?", r"$x^2 + y^2 = z^2$, $z + w = y$, $i o e a$", "7 + 8 = 15"])
def test_short_and_mathematical_texts_are_left_open(text):
    assert read_language(text).language is None


def judge(question, *parents, answer="#### 3"):
    seeds = {str(i): Problem(str(i), parent, None, None) for i, parent in enumerate(parents)}
    candidate = make_candidate(0, question, answer, list(seeds))
    (verdict,) = FILTERS.get("language")([candidate], FilterContext(AnyTask(), seeds=seeds))
    return verdict


def test_only_the_languages_of_the_parents_pass():
    assert judge(TEXTS["German"], TEXTS["German"]).is_accepted is True
    verdict = judge(TEXTS["German"], TEXTS["English"])
    assert verdict.is_accepted is False and "German" in verdict.reason and "Anna kauft" in verdict.reason
    assert judge(TEXTS["German"], TEXTS["English"], TEXTS["German"]).is_accepted is True
    assert judge(TEXTS["English"]).is_accepted is None


def test_another_script_is_told_without_knowing_the_language():
    verdict = judge("Ана купи три јабуке по два динара", "Compute $x + 2$ for the least x that you can find here.")
    assert verdict.is_accepted is False and verdict.value == 1.0 and "Cyrillic" in verdict.reason
    assert judge(TEXTS["Chinese"], TEXTS["Japanese"]).is_accepted is False
    mixed = judge(TEXTS["English"] + " 小明买了三个苹果", TEXTS["English"])
    assert mixed.is_accepted is False and 0.2 < mixed.value < 0.5
    assert judge(TEXTS["English"].replace("Anna", "小明"), TEXTS["English"]).is_accepted is True


def test_an_answer_in_another_language_is_rejected_and_a_formula_passed_over():
    german = "Sie bezahlt für die Äpfel sechs Euro und für die Birnen vier, also insgesamt zehn.\n#### 10"
    assert "answer is in German" in judge(TEXTS["English"], TEXTS["English"], answer=german).reason
    assert judge(TEXTS["English"], TEXTS["English"], answer=r"$3 \cdot 2 + 4 = \boxed{10}$").is_accepted is True


def test_greek_letters_of_formulas_are_no_greek():
    assert judge("Find the angle θ of the arc with α + β = π and the sum of them all.", TEXTS["English"]).is_accepted
