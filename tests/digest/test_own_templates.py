"""Mail templates of one's own: what is refused, where and why, and that a bad one never replaces a good one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from event_factories import alert, digest, five_seeds
from typer.testing import CliRunner

from watcher import runtime, settings
from watcher.cli import config as config_cli
from watcher.digest.render import HTML, SUBJECT, TEXT, payload, render
from watcher.digest.sample import samples
from watcher.errors import Mistakes
from watcher.model import ChannelConfig, ChannelKind
from watcher.pipeline import compose, templates
from watcher.runtime import Runtime
from watcher.sandbox import Sandbox
from watcher.store import digests

MAIL = ChannelConfig(id="mail", kind=ChannelKind.EMAIL, to="r@example.org", sender="w@example.org", templates="mail")
LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% if a == b %}{% endif %}{% endfor %}{% endfor %}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(cpu_s=1, memory_mb=512) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        pytest.param(HTML, "<p>\n{{ ''.__class__ }}", 2, "SecurityError", id="input-141-class"),
        pytest.param(HTML, "{{ ''|attr('__class__')|attr('mro') }}", 1, "Error", id="input-141-attr"),
        pytest.param(HTML, "\n\n{{ ['%s']|map('format', 1)|list }}", 3, "format", id="input-141-map-format"),
        pytest.param(HTML, "{{ title|safe }}", 1, "safe", id="input-141-safe"),
        pytest.param(TEXT, LOOPS, 0, "sandbox|longer|ended|render", id="input-142-nested-loops"),
        pytest.param(TEXT, "{% for a in range(9999) %}{{ 'x' ~ 'y' ~ 'zzzzzzzz' }}{% for b in range(999) %}{{ a }}"
                           "{% endfor %}{% endfor %}", 0, "more than 1,000,000 characters", id="input-142-output"),
        pytest.param(TEXT, "a\n{{ 'a' * 500000000 }}", 2, "may not compute with *", id="input-143"),
        pytest.param(TEXT, "{{ 'a'.ljust(500000000) }}", 0, "MemoryError|more than|ended", id="input-143-ljust"),
        pytest.param(TEXT, "a\nb\n{{ nothing }}", 3, "'nothing' is undefined", id="input-144"),
        pytest.param(SUBJECT, "{{ title }\n", 1, "TemplateSyntaxError", id="syntax"),
        pytest.param(HTML, "{% include '/etc/passwd' %}", 1, "TemplateNotFound", id="a file outside"),
        pytest.param(HTML, "{% include '../words.py' %}", 1, "TemplateNotFound", id="a file of the program"),
        pytest.param(HTML, "{{ 1 / 0 }}", 1, "ZeroDivisionError", id="arithmetic"),
        pytest.param(HTML, "{{ title.nothing.more }}", 1, "UndefinedError", id="a field of a word"),
    ],
)  # fmt: skip
def test_a_bad_template_is_refused_with_its_file_and_line(
    sandbox: Sandbox, tmp_path: Path, name: str, text: str, line: int, message: str
) -> None:
    (mistake,) = templates.try_out(sandbox, tmp_path, {name: text})
    assert mistake.path == str(tmp_path / name)
    assert mistake.line == line or line == 0
    assert any(one in mistake.message for one in message.split("|")), mistake.message


def test_input_145_a_subject_that_says_nothing_falls_back_to_ours(sandbox: Sandbox, tmp_path: Path) -> None:
    own = {SUBJECT: "{# nothing #}\n  \n"}
    assert templates.try_out(sandbox, tmp_path, own) == []
    assert render(five_seeds(), own=own).subject == "China biotech: 5 events, 22 Nov 2026"


def test_templates_of_ones_own_go_before_the_shipped_ones_and_may_take_them_in(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    own = {
        SUBJECT: "{{ count }}\r\nBcc: v@x for {{ title }}",
        TEXT: "Good morning\n{% include 'shipped/digest.txt.j2' %}",
        HTML: "<p>{{ entries[0].title if entries else '' }}</p>{% include 'foot.html.j2' %}",
        "foot.html.j2": "<b>{{ title }}</b>",
    }
    assert templates.try_out(sandbox, tmp_path, own) == []
    rendered = render(replace(five_seeds(), subscription_title="<i>A & B"), own=own)
    assert rendered.subject == "5 events Bcc: v@x for <i>A & B"
    assert rendered.text.startswith("Good morning\n<I>A & B\n5 events")
    assert rendered.html.endswith("</p><b>&lt;i&gt;A &amp; B</b>")


def test_the_shipped_templates_stand_their_own_trial(sandbox: Sandbox, tmp_path: Path) -> None:
    shipped = Path(templates.__file__).parents[1] / "digest" / "templates"
    own = {path.name: path.read_text("utf-8") for path in shipped.glob("*.j2")}
    assert own.keys() == {TEXT, HTML}
    assert templates.try_out(sandbox, tmp_path, own) == []


def test_the_samples_show_every_kind_of_digest() -> None:
    asked = [payload(view)["whole"] for view in samples()]
    assert any(one["quiet"] for one in asked)
    assert any(one["notice"] and one["notice"]["action_url"] for one in asked)
    assert any(one["immediate"] for one in asked)
    assert any(entry["changed"] for one in asked for entry in one["entries"])
    assert any(not entry["facts"] and not entry["link"] for one in asked for entry in one["entries"])
    assert {one["lang"] for one in asked} == {"en", "zh-Hans"}


# ── in force ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def rt(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    (tmp_path / "watcher.yml").write_text("feeds: []\n", "utf-8")
    (tmp_path / "mail").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "watcher.db").write_bytes(sqlite_template.read_bytes())
    chosen = settings.with_values(
        settings.load({}), data_dir=tmp_path / "var", config_path=tmp_path / "watcher.yml", sandbox_cpu_s=1
    )
    monkeypatch.setattr(templates, "_LOOK_EVERY_S", 0.0)
    opened = runtime.open(chosen)
    yield opened
    opened.close()


def write(rt: Runtime, **files: str) -> None:
    folder = rt.settings.config_path.parent / "mail"
    for name, text in files.items():
        (folder / {"subject": SUBJECT, "text": TEXT, "html": HTML}[name]).write_text(text, "utf-8")


def told_to_ops(rt: Runtime) -> list[tuple[str, ...]]:
    with rt.database.read() as conn:
        ids = [row["id"] for row in digests.listing(conn, limit=50)]
    with rt.database.write() as conn:
        claimed = digests.claim(conn, ids, owner="t", lease_s=0.001, now=rt.clock())
    return [one.notice.lines for one in claimed if one.notice]


def test_a_bad_template_never_replaces_a_good_one(rt: Runtime) -> None:
    write(rt, text="first {{ title }}")
    assert compose.render(rt, five_seeds(), MAIL).text == "first China biotech\n"
    write(rt, text="second {{ nothing }}")
    assert compose.render(rt, five_seeds(), MAIL).text == "first China biotech\n"
    # a worker that starts now knows of the good one too
    rt.templates.clear()
    assert compose.render(rt, five_seeds(), MAIL).text == "first China biotech\n"
    (lines,) = told_to_ops(rt)
    assert lines[0].endswith(f"mail/{TEXT}:1: UndefinedError: 'nothing' is undefined")
    assert lines[1] == "The last good ones stay in use."
    write(rt, text="third {{ title }}")
    assert compose.render(rt, five_seeds(), MAIL).text == "third China biotech\n"


def test_where_no_template_ever_was_good_the_shipped_ones_serve(rt: Runtime) -> None:
    write(rt, html="{{ ''.__class__ }}")
    assert compose.render(rt, five_seeds(), MAIL) == render(five_seeds())
    (lines,) = told_to_ops(rt)
    assert lines[1] == "The shipped templates are used."


@pytest.mark.parametrize("broken", ["no folder", "no names", "not text", "too large"])
def test_a_folder_that_cannot_be_read_is_told_and_the_shipped_templates_serve(rt: Runtime, broken: str) -> None:
    folder = rt.settings.config_path.parent / "mail"
    if broken == "no folder":
        folder.rmdir()
    elif broken == "no names":
        (folder / "other.j2").write_text("x", "utf-8")
    elif broken == "not text":
        (folder / TEXT).write_bytes(b"\xff\xfe\x00")
    else:
        (folder / TEXT).write_text("x" * 300_000, "utf-8")
    assert compose.render(rt, five_seeds(), MAIL) == render(five_seeds())
    assert len(told_to_ops(rt)) == 1
    with pytest.raises(Mistakes):
        templates.read_folder(folder)


def test_a_template_that_fails_on_a_real_digest_only_costs_its_looks(rt: Runtime) -> None:
    write(rt, text="{% if title == 'China biotech' %}{{ nothing }}{% endif %}fine")
    seeds = five_seeds()
    assert compose.render(rt, seeds, MAIL) == render(seeds)
    assert compose.render(rt, replace(seeds, subscription_title="Other"), MAIL).text == "fine\n"
    (lines,) = told_to_ops(rt)
    assert lines[0].endswith(f"{TEXT}:1: UndefinedError: 'nothing' is undefined")


def test_a_template_that_loops_on_a_real_digest_is_ended_and_the_shipped_one_serves(rt: Runtime) -> None:
    write(rt, text="{% if title == 'China biotech' %}" + LOOPS + "{% endif %}fine")
    view = digest(alert())
    assert compose.render(rt, view, MAIL) == render(view)
    assert len(told_to_ops(rt)) == 1


def test_other_channels_and_channels_without_a_folder_take_the_shipped_templates(rt: Runtime) -> None:
    write(rt, text="mine")
    assert templates.in_force(rt, replace(MAIL, templates=None)) == {}
    assert compose.render(rt, five_seeds(), replace(MAIL, templates=None)) == render(five_seeds())


def test_config_check_tries_the_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "watcher.yml"
    file.write_text(
        "feeds: []\nchannels:\n  me: {kind: email, to: r@example.org, sender: w@example.org, "
        'smtp_url: "smtp://127.0.0.1:25", templates: mail}\n',
        "utf-8",
    )
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / TEXT).write_text("ok\n{{ nothing }}", "utf-8")
    monkeypatch.delenv("WATCHER_CONFIG_PATH", raising=False)
    found = CliRunner().invoke(config_cli.app, ["check", str(file)])
    assert found.exit_code == 3
    assert f"{folder / TEXT}:2: UndefinedError: 'nothing' is undefined" in found.output
    (folder / TEXT).write_text("ok", "utf-8")
    assert CliRunner().invoke(config_cli.app, ["check", str(file)]).exit_code == 0
