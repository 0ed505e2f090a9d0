from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from core.models.student import load_tokenizer
from core.models.token_texts import TokenTexts
from core.settings import DEMO


def pieces_of(tokenizer, text, lead=""):
    ids = tokenizer(lead + text, add_special_tokens=False)["input_ids"]
    said = tokenizer.decode(ids, skip_special_tokens=True)
    ends = TokenTexts(tokenizer).find_ends(ids, said.strip(), len(ids) + 1)
    assert len(ends) == len(ids) + 1 and ends[-1] == len(said.strip())
    starts = [0, *ends[:-1]]
    return [said.strip()[a:b] for a, b in zip(starts, ends, strict=True)], ids


def test_a_byte_level_tokenizer_cuts_the_text_into_its_tokens():
    tokenizer = load_tokenizer(DEMO / "tiny")
    pieces, ids = pieces_of(tokenizer, "Tom has 12 apples.\n#### 12", lead=" ")
    assert "".join(pieces) == "Tom has 12 apples.\n#### 12"
    assert pieces[-1] == "" and pieces.count("1") >= 2 and len(pieces) == len(ids) + 1


def test_a_character_of_several_tokens_belongs_to_the_last_of_them_or_earlier_but_nothing_is_lost():
    pieces, _ = pieces_of(load_tokenizer(DEMO / "tiny"), "5 − 3 = 2 🍎 ok")
    assert "".join(pieces) == "5 − 3 = 2 🍎 ok"


def test_a_tokenizer_that_drops_the_first_blank_cuts_alike():
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace()
    bpe.decoder = decoders.Metaspace()
    bpe.train_from_iterator(
        ["the cat sat on the mat", "a cat and a hat"],
        trainers.BpeTrainer(vocab_size=60, special_tokens=["<unk>", "<s>"], show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, unk_token="<unk>", eos_token="<s>")
    pieces, ids = pieces_of(tokenizer, "the cat sat")
    assert "".join(pieces) == "the cat sat" and len([piece for piece in pieces if piece]) == len(ids)


def test_an_empty_answer_has_no_characters():
    assert TokenTexts(load_tokenizer(DEMO / "tiny")).find_ends([], "", 1) == (0,)
