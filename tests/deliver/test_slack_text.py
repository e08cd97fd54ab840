"""Block Kit read as lines of styled words."""

import pytest

from watcher.deliver.slack_text import Line, Piece, lines, pieces


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain words", (Piece(text="plain words"),)),
        ("a &amp; b &lt;c&gt;", (Piece(text="a & b <c>"),)),
        ("*bold* then _it_", (Piece(text="bold", bold=True), Piece(text=" then "), Piece(text="it", italic=True))),
        ("`code`", (Piece(text="code", code=True),)),
        ("<https://a.example/x?a=1&amp;b=2|the *title*>",
         (Piece(text="the ", url="https://a.example/x?a=1&b=2"), Piece(text="title", bold=True, url="https://a.example/x?a=1&b=2"))),
        ("*<https://a.example|title>*", (Piece(text="title", bold=True, url="https://a.example"),)),
        ("<https://a.example>", (Piece(text="https://a.example"),)),
        ("snake_case_name and 2 * 3 * 4", (Piece(text="snake_case_name and 2 * 3 * 4"),)),
        ("", ()),
        ("a \u200b*b*\u200b", (Piece(text="a "), Piece(text="b", bold=True))),
    ],
)  # fmt: skip
def test_mrkdwn_is_read_as_slack_shows_it(source: str, expected: tuple[Piece, ...]) -> None:
    assert pieces(source) == expected


def test_every_kind_of_block_becomes_lines_in_order() -> None:
    payload = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Two *events*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*one*\n> quoted"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Amount*\n1.2bn"}]},
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "why"}]},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://a.example"}]},
        ],
    }  # fmt: skip
    assert [(line.kind, line.words) for line in lines(payload)] == [
        ("header", "Two *events*"),
        ("text", "one"),
        ("quote", "quoted"),
        ("field", "Amount 1.2bn"),
        ("divider", ""),
        ("context", "why"),
        ("button", "Open"),
    ]
    assert lines(payload)[-1].pieces[0].url == "https://a.example"


def test_a_message_without_blocks_is_its_text() -> None:
    assert lines({"text": "one\ntwo"}) == (
        Line(kind="text", pieces=(Piece(text="one"),)),
        Line(kind="text", pieces=(Piece(text="two"),)),
    )


@pytest.mark.parametrize("payload", [{}, {"blocks": "x"}, {"blocks": [1, {"type": "section", "text": 3}]}])
def test_what_is_no_message_reads_as_nothing(payload: dict[str, object]) -> None:
    assert [line.words for line in lines(payload) if line.words] == []
