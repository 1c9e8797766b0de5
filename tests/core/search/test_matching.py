import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.search.matching import (
    PASSAGE_TERMS,
    find_phrase,
    index_transcript,
    make_match,
    parse_query,
    passages_around,
    score,
)
from chalicelib.core.search.terms import terms_of
from chalicelib.core.transcripts.models import Transcript, Word
from chalicelib.errors import RequestError

WORDS = st.lists(
    st.sampled_from(["the", "old", "man", "Twenty-one", "—", "don't", "Zoë", "東京"]), max_size=200
)


def transcript(words: list[str]) -> Transcript:
    return Transcript(
        words=tuple(
            Word(content=word, start=number / 2, end=number / 2 + 0.4)
            for number, word in enumerate(words)
        )
    )


@pytest.mark.parametrize(
    ("query", "phrases"),
    [
        ("River bank", [("river",), ("bank",)]),
        ('"old man" walked', [("old", "man"), ("walked",)]),
        ('"unclosed phrase', [("unclosed", "phrase")]),
        ("twenty-one", [("twenty", "one")]),
        ("the the THE", [("the",)]),
        ('he said "..." twice', [("he",), ("said",), ("twice",)]),
    ],
)
def test_a_query_is_words_and_phrases_in_quotes(query, phrases):
    assert parse_query(query) == phrases


@pytest.mark.parametrize("query", ["", "  ", '""', "?!", " ".join(map(str, range(17)))])
def test_a_query_for_nothing_or_too_much_is_refused(query):
    with pytest.raises(RequestError, match=r"search for"):
        parse_query(query)


@given(WORDS, WORDS.filter(lambda words: terms_of(" ".join(words))))
def test_a_phrase_is_found_exactly_where_its_terms_stand_in_a_row(words, phrase):
    terms = terms_of(" ".join(words))
    wanted = tuple(terms_of(" ".join(phrase[:4]))) or ("the",)

    found = find_phrase(wanted, index_transcript(transcript(words)).places)

    assert found == [
        start for start in range(len(terms)) if tuple(terms[start : start + len(wanted)]) == wanted
    ]


@given(WORDS, st.data())
def test_a_match_has_its_time_and_highlights_the_query(words, data):
    index = index_transcript(transcript(words))
    if not index.places:
        return
    term = data.draw(st.sampled_from(sorted(index.places)))
    position = data.draw(st.sampled_from(list(index.places[term])))
    around = [n for n in passages_around(position) if n < len(index.passages)]

    match = make_match(position, [index.passages[n] for n in around], [(term,)])

    marked = [match.snippet[low:high] for low, high in match.highlights]
    assert marked
    assert all(term in terms_of(text) for text in marked)
    # Words begin every half second: the time names the word.
    assert term in terms_of(words[round(match.start_s * 2)])


def test_a_word_with_more_terms_than_a_passage_is_shown_whole():
    long_word = "-".join(["ha"] * (3 * PASSAGE_TERMS))
    index = index_transcript(transcript(["well", long_word, "indeed"]))
    (position,) = index.places["indeed"]

    around = [n for n in passages_around(position) if n < len(index.passages)]
    match = make_match(position, [index.passages[n] for n in around], [("indeed",)])

    assert match.start_s == 1.0
    assert "indeed" in match.snippet


def test_a_rarer_word_and_a_shorter_transcript_count_for_more():
    common, rare = [2, 1], [1, 2]

    assert score(rare, [100, 2], length=1) > score(common, [100, 2], length=1)
    assert score([1], [5], length=0.5) > score([1], [5], length=2)
    assert score([3], [5], length=1) > score([1], [5], length=1)
