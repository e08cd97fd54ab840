"""Element and attribute names by namespace, written as feedparser writes them, and which of them mean the same."""

from __future__ import annotations

from feedparser.api import StrictFeedParser

from watcher.parse.entry import Unusual

XHTML = "http://www.w3.org/1999/xhtml"
_NAMESPACES: dict[str, str] = {uri.lower(): prefix for uri, prefix in StrictFeedParser.namespaces.items()}
_RSS = "backend.userland.com/rss"

TITLES = {"title", "dc_title", "media_title"}
DESCRIPTIONS = {"description", "dc_description", "media_description"}
SUMMARIES = {"summary", "itunes_summary"}
CONTENTS = {"content_encoded", "fullitem"}
ASIDES = {"subtitle", "tagline", "itunes_subtitle", "rights", "copyright", "dc_rights", "info"}
ASIDES |= {"feedburner_browserfriendly"}
DATES = {"published": "published", "issued": "published", "pubdate": "published", "dcterms_issued": "published"}
DATES |= {"updated": "updated", "modified": "updated", "lastbuilddate": "updated", "dc_date": "updated"}
DATES |= {"dcterms_modified": "updated", "created": "created", "dcterms_created": "created"}
ITUNES_SCHEME = "http://www.itunes.com/"
MEDIA_SCHEME = "http://search.yahoo.com/mrss/category_schema"
CATEGORIES = {"category", "keywords", "dc_subject", "media_category", "itunes_category"}
LISTS = {"itunes_keywords", "media_keywords"}
AUTHORS = {"author", "managingeditor", "dc_author", "dc_creator", "itunes_author"}
NAMES = {"name": "name", "itunes_name": "name", "email": "email", "itunes_email": "email"}
ADDRESSES = {"url", "homepage", "uri"}
# HTML that stands unescaped in a description, of no other meaning to a feed.
INLINE = frozenset(
    "a abbr b big blockquote br center code dd dl dt em font h1 h2 h3 h4 h5 h6 hr i img li ol p pre s small span strike"
    " strong sub sup table tbody td th thead tr tt u ul".split()
)


class Names:
    """Element and attribute names by namespace, as feedparser writes them: `dc_creator`, `title`."""

    def __init__(self) -> None:
        self._prefixes: dict[str, str] = {}
        self._uris: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def declare(self, prefix: str, uri: str) -> None:
        """A prefix of an unknown namespace names its elements; one that changes its meaning is left to feedparser."""
        if not prefix:
            return
        known = uri.lower() in _NAMESPACES
        earlier = self._uris.setdefault(prefix, uri)
        if earlier != uri and not (known and earlier.lower() in _NAMESPACES):
            raise Unusual("a prefix with two namespaces")
        if not known and uri not in self._prefixes:
            self._prefixes[uri] = prefix
            self._known.clear()

    def element(self, name: str) -> str:
        """`name` as expat gives it (`uri local prefix`, split by spaces) to `prefix_local`, or `local` alone."""
        key = self._known.get(name)
        if key is None:
            key = self._known[name] = self._element(name)
        return key

    def _element(self, name: str) -> str:
        uri, space, local = name.partition(" ")
        if not space:
            return name.lower()
        local = local.partition(" ")[0].lower()
        prefix = "" if _RSS in uri.lower() else _NAMESPACES.get(uri.lower())
        prefix = self._prefixes.get(uri, "") if prefix is None else prefix
        return f"{prefix.lower()}_{local}" if prefix else local

    @staticmethod
    def attributes(attributes: dict[str, str]) -> dict[str, str]:
        """By local name, by known prefix and by written prefix; the name as written wins."""
        made, written = {}, {}
        for name, value in attributes.items():
            parts = name.split(" ")
            if len(parts) > 1:
                prefix = _NAMESPACES.get(parts[0].lower(), "")
                made[f"{prefix}:{parts[1]}".lower() if prefix else parts[1].lower()] = value
            written[":".join(parts[:0:-1]).lower() if len(parts) > 1 else name.lower()] = value
        made |= written
        for name in ("rel", "type"):
            if name in made:
                made[name] = made[name].lower()
        return made
