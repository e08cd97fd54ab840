"""Learned models: what they see, how they are read, applied and learned."""

import json
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_factories import rule_text, write_rules
from typer.testing import CliRunner

from watcher.annotate import annotate
from watcher.cli import app
from watcher.errors import CannotHelp, Mistakes
from watcher.match.compile import compile_rules
from watcher.match.features import features, passages
from watcher.match.language import load_rules
from watcher.match.learn import Labelled, cross_validated, learn, rows
from watcher.match.learned import BIAS, ModelError, read_model, write_model
from watcher.match.likeness import likeness, read
from watcher.match.phrase import read_phrase
from watcher.match.view import Stretch, View
from watcher.model import NewsText, TextField

LISTS = (
    ("grants", (read_phrase("grant"), read_phrase("授予"))),
    ("rights", (read_phrase("rights"), read_phrase("权利"))),
)
SENTENCE = "Exampla Therapeutics has granted Northwind Pharma the rights to EXA101 for $50 million upfront."
RULE = """\
selections:
  likely:
    within: item
    all:
      - likeness: {model: deals, at_least: 0.6}
condition: likely
"""
MODEL = f"-3\t{BIAS}\n9\t{{grants}}\n7\tright\n-9\tdenied:right\n"


def view_of(text: str, title: str = "") -> View:
    return View(NewsText(title=title, text=text, dated=date(2025, 3, 1)), annotate)


def whole(view: View) -> tuple[Stretch, ...]:
    return (Stretch(TextField.TITLE, 0, len(view.news.title)), Stretch(TextField.TEXT, 0, len(view.news.text)))


def seen(text: str, title: str = "") -> set[str]:
    view = view_of(text, title)
    (passage,) = passages(view, whole(view))
    return set(features(view, passage, LISTS))


def test_words_neighbours_lists_and_annotations_are_seen() -> None:
    assert seen(SENTENCE) >= {
        "grant", "<party>_has", "{grants}", "{rights}", "<money:upfront>", "<asset>", "{grants}>{rights}",
        "<party>>{grants}", "<asset>+<party>", "sentence.parties=2", "parties=2", "places=0",
    }  # fmt: skip


def test_chinese_is_seen_in_runs_of_two_and_three_characters() -> None:
    found = seen("恒升医药授予罗兰公司全球权利。")
    assert {"授予", "全球", "全球权", "{grants}", "{rights}"} <= found
    assert not any(len(one) > 3 and one.isalpha() for one in found if "=" not in one)


def test_a_title_counts_as_text_and_as_title() -> None:
    assert {"right", "title:right", "title:{rights}"} <= seen("", title="Rights granted")
    assert not any(one.startswith("title:") for one in seen("Rights granted."))


def test_a_denied_clause_says_so_with_every_word() -> None:
    found = seen("Exampla Therapeutics denied that it has granted any rights.")
    assert {"stance=denied", "denied:right", "denied:{rights}"} <= found
    assert not any(one.startswith("denied") for one in seen(SENTENCE))


def test_old_and_new_dates_are_told_apart_at_the_day_of_the_item() -> None:
    assert "date=old" in seen("The pact was signed on 3 May 2021.") and "date=new" in seen(
        "It was signed on 26 February 2025."
    )


def test_a_long_text_is_read_in_overlapping_passages_each_with_the_title() -> None:
    view = view_of(
        " ".join(f"Sentence number {index} tells of rain and nothing else at all." for index in range(80)), "Rain"
    )
    cut = passages(view, whole(view))
    assert len(cut) > 5
    assert all(passage.sentences[0].field is TextField.TITLE for passage in cut)
    pairs = list(pairwise(cut))
    assert all(set(one.sentences[1:]) & set(other.sentences[1:]) for one, other in pairs)
    assert {one for passage in cut for one in passage.sentences} == set(view.sentences)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_has_passages_and_a_likeness(text: str, title: str) -> None:
    view = view_of(text, title)
    model = read_model("m", MODEL, LISTS)
    assert 0 <= read(model, view, whole(view)).likeness <= 1


def test_the_likeness_is_the_weights_over_the_root_of_their_number() -> None:
    model = read_model("m", MODEL, LISTS)
    view = view_of("They granted rights.")
    reading = read(model, view, whole(view))
    assert reading.likeness == pytest.approx(1 / (1 + 2.718281828 ** -(-3 + 16 / 2**0.5)), abs=1e-6)
    assert reading.words[0] == ("{grants}", pytest.approx(9 / 2**0.5))


def test_the_sentence_that_speaks_most_for_it_is_named() -> None:
    view = view_of("It rained in Porto. They granted the rights. Nobody came.")
    reading = read(read_model("m", MODEL, LISTS), view, whole(view))
    assert reading.sentence is not None
    assert view.original(reading.sentence).strip() == "They granted the rights."


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("1\tx\n", 0, "no (bias) line"),
        (f"1\t{BIAS}\nx\ty\n", 2, "not 'weight<TAB>feature': 'x\\ty'"),
        (f"1\t{BIAS}\nnan\ty\n", 2, "not 'weight<TAB>feature': 'nan\\ty'"),
        (f"1\t{BIAS}\n2 y\n", 2, "not 'weight<TAB>feature': '2 y'"),
        (f"1\t{BIAS}\n2\ty\n3\ty\n", 3, "'y' stands twice"),
        (f"1\t{BIAS}\n2\ttitle:{{gone}}\n", 2, "no word list 'gone': learn the model anew"),
    ],
)
def test_a_bad_model_file_says_which_line_and_why(text: str, line: int, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_model("m", text, LISTS)
    assert (caught.value.line, str(caught.value)) == (line, said)


def test_a_model_that_is_written_reads_back() -> None:
    weights = {"{grants}": 2.5, "rights": -1.25, "a_b": 0.0}
    model = read_model("m", write_model(-0.5, weights, "two\nlines"), LISTS)
    assert (model.bias, dict(model.weights)) == (-0.5, weights)


def folder_with_model(tmp_path: Path) -> Path:
    folder = write_rules(tmp_path, lists__grants="words: [grant]\n", one=rule_text(RULE))
    (folder / "models").mkdir()
    (folder / "models" / "deals.tsv").write_text(MODEL)
    return folder


def test_a_rule_asks_for_likeness_and_shows_the_sentence(tmp_path: Path) -> None:
    engine = compile_rules(load_rules(folder_with_model(tmp_path)))
    (match,) = engine.matches(NewsText(text="It rained. They granted the rights."))
    assert [one.text.strip() for one in match.evidence] == ["They granted the rights."]
    assert engine.matches(NewsText(text="It rained.")) == ()
    assert engine.naive(NewsText(text="It rained. They granted the rights.")) == (match,)


def test_a_changed_model_is_a_changed_rule_set(tmp_path: Path) -> None:
    folder = folder_with_model(tmp_path)
    before = load_rules(folder).version
    (folder / "models" / "deals.tsv").write_text(MODEL + "1\train\n")
    assert load_rules(folder).version != before


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("{model: other, at_least: 0.5}", "no model 'other' (models: deals)"),
        ("{model: deals}", "'likeness' needs a limit (add at_least: 0.7 or at_most: 0.1)"),
        ("{model: deals, at_least: 7}", "a number from 0 to 1 is needed here, not 7"),
        ("{at_least: 0.5}", "key 'model' is missing (add 'model:')"),
    ],
)
def test_a_mistaken_likeness_is_told_with_its_line(tmp_path: Path, clause: str, said: str) -> None:
    folder = folder_with_model(tmp_path)
    path = folder / "one.yml"
    path.write_text(path.read_text().replace("{model: deals, at_least: 0.6}", clause))
    with pytest.raises(Mistakes) as caught:
        load_rules(folder)
    assert any(said in str(one) and one.line for one in caught.value.mistakes)


def news(number: int) -> list[Labelled]:
    """Deals and weather, each in its own words."""
    names = ["Exampla", "Northwind", "Ostrava", "Kestrel", "Lyra", "Merida", "Tokai", "Halden", "Voss", "Almira"]
    found = []
    for index in range(number):
        name = names[index % len(names)]
        deal = NewsText(text=f"{name} Bio granted the rights to its drug for {index + 2} million dollars.")
        rain = NewsText(text=f"It rained on {name} street for {index + 2} days and the river rose.")
        found.append(Labelled(id=f"deal{index}", news=deal, labels=frozenset({"deals"})))
        found.append(Labelled(id=f"rain{index}", news=rain, labels=frozenset()))
    return found


def test_what_was_learned_tells_news_that_it_has_not_seen() -> None:
    held = cross_validated("deals", rows(news(20), LISTS), LISTS)
    assert min(value for name, value in held.items() if name.startswith("deal")) > 0.8
    assert max(value for name, value in held.items() if name.startswith("rain")) < 0.2


def test_learning_and_reading_agree_on_the_likeness() -> None:
    learnable = rows(news(20), LISTS)
    learned = learn("deals", learnable, LISTS)
    model = read_model("m", write_model(learned.bias, learned.weights, ""), LISTS)
    view = view_of("Voss Bio granted the rights to its drug.")
    (passage,) = passages(view, whole(view))
    told = likeness(learned, features(view, passage, LISTS) & learned.weights.keys())
    assert read(model, view, whole(view)).likeness == pytest.approx(told, abs=0.01)


def test_a_long_text_teaches_only_by_its_evidence() -> None:
    filler = " ".join(f"Sentence number {index} tells of rain and nothing else at all." for index in range(80))
    text = f"{filler} They granted the rights. {filler}"
    (item,) = [
        Labelled(id="x", news=NewsText(text=text), labels=frozenset({"deals"}), evidence="They granted the rights.")
    ]
    told = rows([item], LISTS)
    assert 1 <= sum("deals" in row.labels for row in told) < len(told)
    assert all(("{grants}" in row.features) == ("deals" in row.labels) for row in told)
    unknown = rows([Labelled(id="x", news=NewsText(text=text), labels=frozenset({"deals"}))], LISTS)
    assert not any(row.decides for row in unknown)


def test_nothing_is_learned_from_one_kind_of_news() -> None:
    with pytest.raises(CannotHelp, match="with and without this label"):
        learn("deals", rows([one for one in news(5) if one.labels], LISTS), LISTS)


@pytest.mark.parametrize("labels", [[], [["deals"], ["deals"]], [[], []]])
def test_the_command_learns_nothing_from_the_examples_alone(tmp_path: Path, labels: list[list[str]]) -> None:
    folder = folder_with_model(tmp_path)
    before = (folder / "models" / "deals.tsv").read_bytes()
    lines = tmp_path / "labelled.jsonl"
    lines.write_text("".join(json.dumps({"text": "Acme closed.", "labels": one}) + "\n" for one in labels))
    result = CliRunner().invoke(app, ["rules", "learn", "deals", "--rules", str(folder), "--input", str(lines)])
    assert result.exit_code == 1
    right = sum(map(bool, labels))
    assert f"deals: {len(labels)} labelled items, {right} of them with this label" in result.stderr
    assert (folder / "models" / "deals.tsv").read_bytes() == before


def test_the_command_learns_a_model_that_the_rule_can_use(tmp_path: Path) -> None:
    folder = folder_with_model(tmp_path)
    (folder / "models" / "deals.tsv").unlink()
    lines = tmp_path / "labelled.jsonl"
    lines.write_text(
        "".join(
            json.dumps({"id": one.id, "text": one.news.text, "labels": sorted(one.labels)}) + "\n" for one in news(20)
        )
    )
    result = CliRunner().invoke(
        app, ["rules", "learn", "deals", "--rules", str(folder), "--input", str(lines), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["items"] == 40
    assert next(row for row in told["aside"] if row["at_least"] == 0.5)["f1"] == 1.0
    engine = compile_rules(load_rules(folder))
    assert engine.matches(NewsText(text="Lyra Bio granted the rights to its drug."))
    assert not engine.matches(NewsText(text="It rained all day and the river rose."))
