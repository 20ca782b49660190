"""A tenant's bot as its folder describes it: `<bots dir>/<slug>/bot.toml` beside `flows/*.py`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import ConfigError
from config.toml import Table

FILE = "bot.toml"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ORIGIN = re.compile(r"https?://[^/\s?#@]+")
_EFFORT = re.compile(r"none|low|medium|high")
_LANGUAGE = re.compile(r"[a-z]{2}")
_ADDRESS = re.compile(r"user|profile\.[a-z][a-z0-9_]*|the .+")


@dataclass(frozen=True, slots=True)
class OtpConfig:
    """Where one-time codes go: through the tenant's channel on `platform`; None sends none.

    `address` is `user` (the person's own id on that platform), `profile.<key>` of the user's profile, or a
    place for everybody that is named to them as it is written ("the console that runs Parley").
    """

    platform: str | None = None
    address: str = "profile.phone"


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The widget's settings. No `allowed_origins` means pages of our own host only."""

    allowed_origins: tuple[str, ...] = ()
    colour: str = "#3451b2"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The model that writes for this bot, where the process has a key for one.

    `instructions` say how it should answer; `max_tokens` bounds an answer and what the model thinks before it.
    `effort` is how much it thinks; None for a model that has no such choice.
    """

    name: str = "claude-haiku-5-5"
    instructions: str = ""
    max_tokens: int = 4096
    effort: str | None = "low"


@dataclass(frozen=True, slots=True)
class KnowledgeConfig:
    """What the bot answers from. `paths` are files and folders that `parley run` ingests when it starts.

    `language` is the one that questions are asked in; `lexical_weight` the part that words have in a search, the
    rest is the embedding's. It is 1 unless set for languages other than English, which the embedding model does
    not know.
    """

    paths: tuple[Path, ...] = ()
    language: str = "en"
    lexical_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class BotConfig:
    """A bot's settings. `folder` is where its flows are; None when the tenant has no folder.

    `hands_over`: there are persons who can take a conversation over.
    `texts`, `commands` and `phrasings` stand in place of the engine's own words, by their names in `flows/texts.py`.
    Which names there are, and what each needs, is known above: `bot/words.py` checks them.
    """

    name: str = "Parley"
    default_flow: str | None = None
    greeting: str = "Hello! How can I help?"
    suggestions: tuple[str, ...] = ()
    idle_minutes: int = 30
    hands_over: bool = True
    otp: OtpConfig = field(default_factory=OtpConfig)
    web: WebConfig = field(default_factory=WebConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    texts: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phrasings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folder: Path | None = None


def is_origin(text: str) -> bool:
    """Whether it is a web origin: scheme and host, perhaps a port, and no path."""
    return _ORIGIN.fullmatch(text) is not None


def load_bot(bots_dir: Path, slug: str) -> BotConfig:
    """Read a tenant's bot; without a folder it has the built-in defaults. Raises ConfigError."""
    if not _SLUG.fullmatch(slug):
        raise ConfigError(f"{slug!r} is no tenant's slug: use small letters, digits and hyphens")
    folder = bots_dir / slug
    if not folder.is_dir():
        return BotConfig()
    path = folder / FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return BotConfig(folder=folder)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    return _bot(Table(path, document), folder)


def slugs_in(bots_dir: Path) -> list[str]:
    """The tenants that have a folder there, by name."""
    if not bots_dir.is_dir():
        return []
    return sorted(path.name for path in bots_dir.iterdir() if path.is_dir() and _SLUG.fullmatch(path.name))


def _bot(table: Table, folder: Path) -> BotConfig:
    standard = BotConfig()
    bot = BotConfig(
        name=table.text("name", standard.name),
        default_flow=table.optional_text("default_flow"),
        greeting=table.text("greeting", standard.greeting),
        suggestions=table.texts("suggestions"),
        idle_minutes=table.number("idle_minutes", standard.idle_minutes, smallest=1, largest=7 * 24 * 60),
        hands_over=table.flag("hands_over", standard.hands_over),
        otp=_otp(table.table("otp")),
        web=_web(table.table("web")),
        model=_model(table.table("model")),
        knowledge=_knowledge(table.table("knowledge"), folder),
        texts=table.table("texts").every_text(),
        commands=table.table("commands").every_list(),
        phrasings=table.table("phrasings").every_list(),
        folder=folder,
    )
    table.close()
    return bot


def _otp(table: Table) -> OtpConfig:
    standard = OtpConfig()
    otp = OtpConfig(
        platform=table.optional_text("platform"),
        address=table.text("address", standard.address, _ADDRESS, 'write "user", "profile.<key>" or "the …"'),
    )
    table.close()
    return otp


def _web(table: Table) -> WebConfig:
    standard = WebConfig()
    web = WebConfig(
        allowed_origins=table.texts(
            "allowed_origins", _ORIGIN, 'write origins such as "https://example.com"'
        ),
        colour=table.text("colour", standard.colour, _COLOUR, 'write a colour such as "#3451b2"'),
    )
    table.close()
    return web


def _model(table: Table) -> ModelConfig:
    standard = ModelConfig()
    model = ModelConfig(
        name=table.text("name", standard.name),
        instructions=table.text("instructions", standard.instructions),
        max_tokens=table.number("max_tokens", standard.max_tokens, smallest=1, largest=64_000),
        effort=table.text("effort", "low", _EFFORT, 'write "low", "medium", "high" or "none"').replace(
            "none", ""
        )
        or None,
    )
    table.close()
    return model


def _knowledge(table: Table, folder: Path) -> KnowledgeConfig:
    standard = KnowledgeConfig()
    language = table.text("language", standard.language, _LANGUAGE, 'write a code such as "en"')
    knowledge = KnowledgeConfig(
        paths=tuple((folder / path).resolve() for path in table.texts("paths")),
        language=language,
        lexical_weight=table.share("lexical_weight", standard.lexical_weight if language == "en" else 1.0),
    )
    table.close()
    return knowledge
