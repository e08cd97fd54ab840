"""A rule's own version: a digest of the files that decide its matches, so that a change elsewhere does not count."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from watcher import strict_yaml
from watcher.match.rule import Rule

_ASIDE = frozenset(
    "title titles status level description tags falsepositives floor floor_verdicts below_floor tests".split()
)
"""Keys of a rule file that decide no match."""
_NAME = re.compile(r"[\w-]+")


def own_version(rule: Rule, files: Mapping[str, str]) -> str:
    """A SHA-256 in hex over what the rule's file says of matches, and the lists, models and exceptions that it names.

    `files` are the texts of its folder by name, as `lists/agreement.yml`; they were loaded without a mistake.
    """
    name = next(name for name in files if PurePath(rule.path).as_posix().endswith(name) and "/" not in name)
    said = strict_yaml.load(name, files[name]).value
    deciding = json.dumps({key: said[key] for key in said if key not in _ASIDE}, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(deciding.encode())
    for other in sorted(_named(rule, set(_NAME.findall(deciding)), files)):
        digest.update(b"\0" + other.encode() + b"\0" + files[other].encode())
    return digest.hexdigest()


def _named(rule: Rule, words: set[str], files: Mapping[str, str]) -> Iterator[str]:
    for name, text in files.items():
        folder, _, _ = name.partition("/")
        named = folder in ("lists", "models") and PurePath(name).stem in words
        excepted = folder == "exceptions" and rule.id in set(_NAME.findall(text))
        if named or excepted:
            yield name
