"""Prices: the shipped table, a person's own before it, and what calls cost."""

import tomllib
from dataclasses import asdict

import pytest

from core.errors import PriceError
from core.teacher.prices import (
    Price,
    check_prices,
    find_price,
    read_own_prices,
    read_prices,
    read_shipped,
    set_price,
    word_price,
    word_usd,
    write_prices,
)

OPENAI = "https://api.openai.com/v1"


def test_every_shipped_price_is_dated_and_says_where_it_is_from():
    assert len(read_shipped()) >= 20
    for price in read_shipped():
        assert price.date and price.source and "*" not in price.host
        assert 0 < price.input <= price.output and (price.cached_input or 0.0) <= price.input


def test_a_price_is_that_of_the_model_at_its_own_host():
    found = find_price("GPT-4o-mini", OPENAI)
    assert (found.input, found.cached_input, found.output, found.date) == (0.15, 0.075, 0.6, "2025-07-04")
    assert find_price("gpt-4o-mini-2024-07-18", OPENAI) == found
    assert find_price("gpt-4o", OPENAI) != found and find_price("gpt-4o-audio-preview", OPENAI) is None
    for elsewhere in (
        "http://localhost:8000/v1",
        "http://127.0.0.1/v1",
        "http://10.0.0.3:8000/v1",
        "https://other.com/v1",
    ):
        assert find_price("gpt-4o-mini", elsewhere) is None


def test_a_persons_own_prices_come_first_and_may_be_nothing(tmp_path):
    assert read_own_prices(tmp_path) == []
    rows = [
        {"model": "gpt-4o | mine", "host": "api.openai.com", "input": 1, "output": 2, "cached_input": None},
        {"model": "*", "host": "localhost", "input": 0, "output": 0, "date": "2026-01-31", "source": 'my "own" box\\'},
    ]
    written = write_prices(tmp_path, rows)
    assert read_own_prices(tmp_path) == written and written[0].date and written[1].date == "2026-01-31"
    table = read_prices(tmp_path)
    assert find_price("gpt-4o", OPENAI, table).output == 2.0
    assert find_price("mine", OPENAI, table).output == 2.0
    assert find_price("gpt-4o-mini", OPENAI, table).output == 0.6
    assert find_price("anything", "http://localhost:9/v1", table).cost(10, 10) == 0.0
    assert find_price("anything", "http://127.0.0.1:9/v1", table) is None
    write_prices(tmp_path, [asdict(price) for price in written])
    assert read_own_prices(tmp_path) == written


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"input": 1, "output": 1}, "names no model"),
        ({"model": "m", "output": 1}, "has no input"),
        ({"model": "m", "input": 1, "output": -1}, "has -1 as output"),
        ({"model": "m", "input": 1, "output": "2"}, "has '2' as output"),
        ({"model": "m", "input": float("inf"), "output": 1}, "has inf as input"),
        ({"model": "m", "input": True, "output": 1}, "has True as input"),
        ({"model": "m", "input": float("nan"), "output": 1}, "has no input"),
        ({"model": "m", "input": 1, "output": 1, "date": "31.1.2026"}, "write it as 2026-01-31"),
        ({"model": "m", "input": 1, "output": 1, "per": 1000}, "has a field 'per'"),
        ({"model": 7, "input": 1, "output": 1}, "no plain text"),
        ({"model": "m", "input": 1, "output": 1, "host": "http:/h"}, "has the host 'http:/h'; write it as"),
        ({"model": "m", "input": 1, "output": 1, "host": "localhost:"}, "has the host 'localhost:'; write it as"),
        ("m", "is no table"),
    ],
)
def test_a_price_that_cannot_be_is_one_sentence_and_changes_nothing(tmp_path, row, said):
    good = {"model": "m", "input": 1, "output": 1}
    write_prices(tmp_path, [good])
    before = (tmp_path / "prices.toml").read_bytes()
    with pytest.raises(PriceError, match=said) as caught:
        write_prices(tmp_path, [good, row])
    assert "\n" not in str(caught.value)
    assert (tmp_path / "prices.toml").read_bytes() == before
    with pytest.raises(PriceError):
        check_prices([row])


GOOD = "[[price]]\nmodel = 'a'\ninput = 1\noutput = 1\n\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "[[price]\n", "line 6.*write each as .*price"),
        (GOOD + "[[price]]\nmodel = m\n", "line 7.*write each as"),
        ("\nmodel = 'm'\n" + GOOD, "line 2 holds 'model'; write each as"),
        ("[price]\nmodel = 'm'\n", "line 1 holds a .*single brackets; write each as"),
        (GOOD + "[[price]]\nmodel = 'm'\ninput = 1\n", "line 6: The price of m has no output; give"),
        (GOOD + "[[price]]\nmodel = 'm'\ninput = '1'\noutput = 1\n", "line 6: The price of m has '1' as input; give"),
        (GOOD + "[[price]]\nmodel = 'm'\nhost = 'http://'\n", "line 6: The price of m has the host .*; write it as"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_line_and_what_to_write(tmp_path, text, said):
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(PriceError, match=said) as caught:
        read_prices(tmp_path)
    assert "prices.toml" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "fits", "fits_not"),
    [
        ("localhost:8000", ["http://localhost:8000/v1"], ["http://localhost:9000/v1", "http://localhost/v1"]),
        ("http://LocalHost:8000/v1", ["http://localhost:8000/v1"], ["http://localhost:8001/v1"]),
        ("localhost", ["http://localhost:8000/v1", "http://localhost/v1"], ["http://localhost.org/v1"]),
        ("https://api.openai.com/", [OPENAI], ["https://api.openai.com.evil.org/v1"]),
        ("[::1]:8000", ["http://[::1]:8000/v1"], ["http://[::1]/v1"]),
        ("[::1]", ["http://[::1]:8000/v1", "http://[::1]/v1"], ["http://[::2]/v1", "http://1/v1"]),
        ("http://[::1]:80/", ["http://[::1]/v1", "http://[::1]:80/v1"], ["https://[::1]/v1"]),
        ("api.openai.com:443", [OPENAI, "https://api.openai.com:443/v1"], ["http://api.openai.com/v1"]),
        ("localhost:80", ["http://localhost/v1"], ["https://localhost/v1", "http://localhost:8000/v1"]),
    ],
)
def test_a_host_may_have_a_port_and_be_pasted_as_an_address(tmp_path, host, fits, fits_not):
    price = set_price(tmp_path, {"model": "org/m[1]", "host": host, "input": 1, "output": 2})
    assert all(find_price("org/m[1]", each, [price]) == price for each in fits)
    assert not any(find_price("org/m[1]", each, [price]) for each in fits_not)
    assert find_price("org/m1", fits[0], [price]) is None


def test_a_price_that_is_set_comes_before_all_others_and_replaces_its_own(tmp_path):
    write_prices(tmp_path, [{"model": "*", "input": 9, "output": 9}, {"model": "m", "input": 5, "output": 5}])
    for amount in (1, 2):
        set_price(tmp_path, {"model": "m", "host": "here:1", "input": amount, "output": 3, "source": "a page"})
    found = find_price("m", "http://here:1/v1", read_prices(tmp_path))
    assert found.input == 2.0 and len(read_own_prices(tmp_path)) == 3
    assert word_price(found) == f"$2.00 in and $3.00 out for a million tokens ({found.date}, a page)"


COMMENTED = """\
# Ours; ask Ann.

# the old box
[[price]]
model = 'a'
input = 1  # a guess
output = 1_0

# the big one\u2028of two
[[price]]
model = "m"
host = "here"
input = 5
output = 5
# below all
"""


def test_one_price_that_is_set_leaves_the_others_undated_and_all_comments(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(COMMENTED, encoding="utf-8")
    new = set_price(tmp_path, {"model": "new", "input": 1, "output": 1})
    old = [Price("a", 1.0, 10.0), Price("m", 5.0, 5.0, host="here")]
    assert new.date and read_own_prices(tmp_path) == [new, *old]
    begin, own = COMMENTED.split("\n\n", 1)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{begin}\n\n[[price]]\nmodel = ") and text.endswith(own.replace("# below", "\n# below"))
    again = set_price(tmp_path, {"model": "m", "host": "here", "input": 5, "output": 5})
    assert again.date and read_own_prices(tmp_path) == [again, new, old[0]]
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{begin}\n\n# the big one\u2028of two\n[[price]]\nmodel = ")
    assert "# a guess" in text and text.endswith("\n# below all\n")
    assert write_prices(tmp_path, [asdict(old[0]), asdict(again)]) == [old[0], again]
    assert path.read_text(encoding="utf-8").count("# the") == 2


@pytest.mark.parametrize("text", ["price = [{model = 'a', input = 1, output = 1}]\n", "# nothing yet", ""])
def test_a_price_is_set_in_a_file_without_entries_of_its_own_lines(tmp_path, text):
    (tmp_path / "prices.toml").write_text(text)
    before = read_own_prices(tmp_path)
    new = set_price(tmp_path, {"model": "m", "input": 1, "output": 1})
    assert read_own_prices(tmp_path) == [new, *before]
    assert text.startswith("#") == ("# nothing yet\n" in (tmp_path / "prices.toml").read_text())


def test_a_date_of_tomls_own_is_a_date(tmp_path):
    (tmp_path / "prices.toml").write_text("[[price]]\nmodel = 'm'\ninput = 1\noutput = 2\ndate = 2026-01-31\n")
    assert read_own_prices(tmp_path) == [Price("m", 1.0, 2.0, date="2026-01-31")]
    assert tomllib.loads((tmp_path / "prices.toml").read_text())["price"]


def test_what_a_call_costs():
    price = Price("m", input=2.0, output=8.0, cached_input=0.5)
    assert price.cost(1_000_000, 0) == 2.0
    assert price.cost(1_000_000, 500_000, 400_000) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.5 * 8)
    assert price.cost(10, 0, 400) == pytest.approx(10 * 0.5e-6)
    assert Price("m", 2.0, 8.0).cost(1_000_000, 0, 1_000_000) == 2.0
    assert price.cost(None, 5) is None and price.cost(5, None) is None
    assert price.worst(1_000_000, 1_000_000) == 10.0
    assert Price("m", 1.0, 1.0, cached_input=3.0).worst(1_000_000, 0) == 3.0


def test_amounts_are_worded_so_that_they_can_be_read():
    assert [word_usd(x) for x in (0, 12.345, 1234, 0.5, 0.012345, 0.00000123)] == [
        "$0.00", "$12.35", "$1,234.00", "$0.500", "$0.0123", "$0.00000123"
    ]  # fmt: skip
