import json
from pathlib import Path

import pytest
from seed_articles import ROOT
from typer.testing import CliRunner

from watcher.cli import app
from watcher.data import __file__ as data_file
from watcher.match.schema import rule_schema, written

RUNNER = CliRunner()
RULES = str(ROOT / "rules")
LICENCE = "Exampla Therapeutics has granted Northwind Pharma an exclusive license to EXA101 for $50 million upfront."
BAD = "id: bad\ntitle: x\nstatus: stable\nlevel: low\nselections: {a: {any: [x]}}\ncondition: b\ntests: []\n"


def run(*arguments: str, lines: list[object] | None = None) -> tuple[int, str]:
    result = RUNNER.invoke(app, [*arguments], input="".join(json.dumps(line) + "\n" for line in lines or []))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_match_gives_rules_facts_and_evidence_with_their_spans() -> None:
    lines = [{"id": "one", "text": LICENCE, "lang": "en", "date": "2025-03"}, {"id": 2, "title": "Rain", "other": 1}]
    status, out = run("rules", "match", "--rules", RULES, "--json", lines=lines)
    assert status == 0
    first, second = map(json.loads, out.splitlines())
    assert second == {"id": "2", "matches": []}
    (match,) = first["matches"]
    assert (first["id"], match["rule"]) == ("one", "licensing-deal")
    asset = match["facts"]["asset"]
    assert (asset["value"], asset["field"], LICENCE[asset["start"] : asset["end"]]) == ("EXA101", "text", "EXA101")
    assert match["facts"]["upfront"]["usd"] == 50_000_000
    for evidence in match["evidence"]:
        assert evidence["text"] == LICENCE[evidence["start"] : evidence["end"]]


@pytest.mark.parametrize(("threshold", "rules"), [("0USD", ["funding"]), ("10M USD", []), ("1M USD", ["funding"])])
def test_a_parameter_of_a_rule_is_set_on_the_command_line(threshold: str, rules: list[str]) -> None:
    lines = [{"id": 1, "text": "Exampla Therapeutics raised $5 million in a seed round."}]
    _, out = run("rules", "match", "--rules", RULES, "--param", f"funding.at_least={threshold}", lines=lines)
    assert [match["rule"] for match in json.loads(out)["matches"]] == rules


def test_a_file_can_be_read_and_a_bad_line_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text('{"id": 1, "text": "Rain."}\nnot json\n[]\n{"id": 4}\n{"id": 5, "title": "Snow"}\n')
    result = RUNNER.invoke(app, ["rules", "match", "--rules", RULES, "--input", str(path)])
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["1", "5"]
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{path}:{number}" for number in (2, 3, 4)
    ]
    assert result.exit_code == 1


def test_lint_ends_with_three_when_there_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(BAD)
    assert run("rules", "lint", "--rules", RULES)[0] == 0
    status, out = run("rules", "lint", "--rules", str(tmp_path))
    assert status == 3
    assert [line.removeprefix(f"{tmp_path}/") for line in out.splitlines()] == [
        "bad.yml:6: condition: no selection 'b' (selections: a)",
        "bad.yml:7: tests are missing (add one '- match: …' and one '- no_match: …')",
    ]
    status, out = run("rules", "lint", "--rules", str(tmp_path), "--json")
    assert [mistake["line"] for mistake in json.loads(out)["mistakes"]] == [6, 7]


@pytest.mark.parametrize("command", ["list", "test", "match", "score"])
def test_commands_that_need_good_rules_say_what_is_wrong_with_bad_ones(tmp_path: Path, command: str) -> None:
    (tmp_path / "bad.yml").write_text(BAD)
    result = RUNNER.invoke(app, ["rules", command, "--rules", str(tmp_path)])
    assert result.exit_code == 1
    assert "bad.yml:6: condition: no selection 'b'" in result.stderr


@pytest.mark.parametrize("param", ["funding", "at_least=3", "funding.at_least"])
def test_a_parameter_that_is_no_assignment_is_misuse(param: str) -> None:
    assert run("rules", "match", "--rules", RULES, "--param", param)[0] == 2


def test_list_names_the_rules(tmp_path: Path) -> None:
    _, out = run("rules", "list", "--rules", RULES, "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["city-partnership", "funding", "licensing-deal"]


def test_examples_that_differ_are_printed_and_end_with_one(tmp_path: Path) -> None:
    text = BAD.replace("condition: b", "condition: a").replace(
        "tests: []", "tests: [{match: nothing}, {no_match: an x}]"
    )
    (tmp_path / "bad.yml").write_text(text)
    status, out = run("rules", "test", "--rules", str(tmp_path), "--json")
    assert status == 1
    assert [failure["message"] for failure in json.loads(out)["failures"]] == [
        "should match, but does not (none of its words occur): 'nothing'",
        "should not match, but does (a): 'an x'",
    ]


def test_score_counts_labels_with_either_sign_and_tells_the_misses() -> None:
    lines = [
        {"id": 1, "text": LICENCE, "labels": ["licensing_deal"], "lang": "en"},
        {"id": 2, "text": LICENCE, "labels": [], "lang": "zh"},
        {"id": 3, "text": "Rain.", "labels": ["licensing-deal"], "lang": "en"},
        {"id": 4, "text": "Rain.", "labels": ["funding"], "lang": "en", "ambiguous": True},
    ]
    status, out = run("rules", "score", "--rules", RULES, "--json", lines=lines)
    found = json.loads(out)
    assert status == 0
    assert found["items"] == 3
    row = next(row for row in found["scores"] if (row["rule"], row["language"]) == ("licensing-deal", "all"))
    assert (row["right"], row["false"], row["missed"], row["f1"]) == (1, 1, 1, 0.5)
    assert [(miss["id"], miss["kind"]) for miss in found["misses"]] == [("2", "false"), ("3", "missed")]


def test_what_has_no_label_counts_for_nothing() -> None:
    lines = [
        {"id": 1, "text": LICENCE, "labels": ["licensing_deal"], "lang": "en"},
        {"id": 2, "text": LICENCE, "labels": ["licensing_deal", "funding"], "lang": "en"},
        {"id": 3, "text": "Regen.", "labels": [], "lang": "de"},
    ]
    found = json.loads(run("rules", "score", "--rules", RULES, "--json", lines=lines)[1])["scores"]
    rows = {(row["rule"], row["language"]): row for row in found}
    assert {language for _, language in rows} == {"all", "en"}
    assert (rows["city-partnership", "all"]["precision"], rows["city-partnership", "all"]["f1"]) == (None, None)
    assert (rows["funding", "all"]["precision"], rows["funding", "all"]["recall"]) == (None, 0.0)
    assert [rows["macro", "all"][name] for name in ("precision", "recall", "f1")] == [1.0, 0.5, 0.5]
    _, out = run("rules", "score", "--rules", RULES, lines=lines)
    assert "city-partnership   all    P –     R –     F1 –    no label  0 right, 0 false, 0 missed" in out


def test_the_schema_file_is_the_one_that_the_code_makes() -> None:
    path = Path(data_file).with_name("rule.schema.json")
    assert path.read_text(encoding="utf-8") == written(rule_schema())
    status, out = run("rules", "schema")
    assert (status, json.loads(out)) == (0, rule_schema())


def test_annotate_shows_what_is_found_in_the_text() -> None:
    text = "Exampla Therapeutics raised $30 million in Porto on 3 March 2025."
    status, out = run(
        "annotate", "--json", lines=[{"id": "a", "title": "Title", "text": text, "published": "2025-03-04"}]
    )
    found = json.loads(out)
    assert status == 0
    assert [(text[one["start"] : one["end"]], one["value"], one["currency"]) for one in found["money"]] == [
        ("$30 million", 30_000_000, "USD")
    ]
    assert [(one["name"], one["country"]) for one in found["places"]] == [("Porto", "PT")]
    assert [one["name"] for one in found["parties"]] == ["Exampla Therapeutics"]
    assert [one["day"] for one in found["dates"]] == ["2025-03-03"]
    assert [one["stance"] for one in found["sentences"]] == ["asserted"]
