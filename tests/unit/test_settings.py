"""Settings: each place, their order, what is refused, and that secrets stay secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from video_rag import plugins
from video_rag.errors import BadSettings
from video_rag.settings import ALIASES, Settings, explain, load_settings, variable
from video_rag.settings.schema import families, named, sections
from video_rag.sources.ytdlp.options import Options as YtDlpOptions

SECRET = "s3cr3t-VALUE-0123"


class Place:
    """A folder with everything that settings are read from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.secrets.mkdir(parents=True, exist_ok=True)
        self.env = {
            "VIDEO_RAG_HOME": str(folder / "home"),
            "VIDEO_RAG_SECRETS_DIR": str(self.secrets),
        }

    def toml(self, text: str) -> None:
        (self.folder / "video-rag.toml").write_text(text, encoding="utf-8")

    def dotenv(self, text: str) -> None:
        (self.folder / ".env").write_text(text, encoding="utf-8")

    def secret(self, name: str, text: str) -> None:
        (self.secrets / name).write_text(text, encoding="utf-8")

    def load(self, overrides: dict[str, Any] | None = None, **env: str) -> Settings:
        return load_settings(overrides, env=self.env | env, cwd=self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place")


def origin(settings: Settings, name: str) -> str:
    return next(one.origin for one in explain(settings) if one.name == name)


def test_the_defaults_need_nothing(tmp_path: Path) -> None:
    settings = load_settings(env={"VIDEO_RAG_SECRETS_DIR": str(tmp_path)}, cwd=tmp_path)
    assert settings.home == Path("~/.video-rag").expanduser()
    assert settings.library.media == settings.home / "media"
    assert settings.library.documents == settings.home / "documents"
    assert settings.library.languages == ("zh", "en")
    assert settings.pipeline.transcribers == ("subtitles", "whisper")
    assert settings.section("knowledge", "dify") == {}
    assert {one.origin for one in explain(settings)} == {"default"}


def test_the_environment_of_the_process_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIDEO_RAG_SERVER__PORT", "9000")
    monkeypatch.chdir(tmp_path)
    assert load_settings().server.port == 9000
    assert load_settings().home == tmp_path / "home"


# ── places ───────────────────────────────────────────────────────────────────────────────────────


def set_argument(place: Place, value: str) -> dict[str, Any]:
    return {"overrides": {"library": {"collection": value}}}


def set_variable(place: Place, value: str) -> dict[str, Any]:
    return {"VIDEO_RAG_LIBRARY__COLLECTION": value}


def set_dotenv(place: Place, value: str) -> dict[str, Any]:
    place.dotenv(f"VIDEO_RAG_LIBRARY__COLLECTION={value}\n")
    return {}


def set_pointed_file(place: Place, value: str) -> dict[str, Any]:
    (place.folder / "pointed").write_text(value + "\n", encoding="utf-8")
    return {"VIDEO_RAG_LIBRARY__COLLECTION_FILE": "pointed"}


def set_secret_file(place: Place, value: str) -> dict[str, Any]:
    place.secret("video_rag_library__collection", value + "\n")
    return {}


def set_toml(place: Place, value: str) -> dict[str, Any]:
    place.toml(f'[library]\ncollection = "{value}"\n')
    return {}


PLACES: list[tuple[Callable[[Place, str], dict[str, Any]], str]] = [
    (set_argument, "argument"),
    (set_variable, "environment VIDEO_RAG_LIBRARY__COLLECTION"),
    (set_dotenv, ".env VIDEO_RAG_LIBRARY__COLLECTION"),
    (set_pointed_file, "secret file of VIDEO_RAG_LIBRARY__COLLECTION"),
    (set_secret_file, "secret file video_rag_library__collection"),
    (set_toml, "video-rag.toml"),
]


@pytest.mark.parametrize(("put", "where"), PLACES)
def test_each_place_is_read_and_remembered(
    place: Place, put: Callable[[Place, str], dict[str, Any]], where: str
) -> None:
    settings = place.load(**put(place, "talks"))
    assert settings.library.collection == "talks"
    assert origin(settings, "library.collection").endswith(where)
    assert origin(settings, "library.languages") == "default"


@pytest.mark.parametrize(
    ("higher", "lower"),
    [(a, b) for i, (a, _) in enumerate(PLACES) for b, _ in PLACES[i + 1 :]],
)
def test_the_higher_place_wins(
    place: Place,
    higher: Callable[[Place, str], dict[str, Any]],
    lower: Callable[[Place, str], dict[str, Any]],
) -> None:
    assert place.load(**lower(place, "low"), **higher(place, "high")).library.collection == "high"


def test_places_merge_inside_one_table(place: Place) -> None:
    place.toml('[knowledge.dify]\nurl = "http://toml"\napi_key = "toml"\nauto = true\n')
    place.dotenv("VIDEO_RAG_KNOWLEDGE__DIFY__DATASET_ID=dotenv\n")
    settings = place.load(
        {"knowledge": {"dify": {"timeout": 5}}}, VIDEO_RAG_KNOWLEDGE__DIFY__API_KEY="environment"
    )
    assert settings.section("knowledge", "dify") == {
        "timeout": 5,
        "api_key": SecretStr("environment"),
        "dataset_id": "dotenv",
        "url": "http://toml",
        "auto": True,
    }


def test_the_named_toml_comes_before_that_here_and_that_before_the_homes(place: Place) -> None:
    home, named_file = place.folder / "home", place.folder / "named.toml"
    home.mkdir()
    (home / "video-rag.toml").write_text("[search]\nlimit = 1\n", encoding="utf-8")
    assert place.load().search.limit == 1
    place.toml("[search]\nlimit = 2\n")
    assert place.load().search.limit == 2
    named_file.write_text("[search]\nlimit = 3\n", encoding="utf-8")
    assert place.load(VIDEO_RAG_CONFIG="named.toml").search.limit == 3


def test_a_named_toml_must_exist(place: Place) -> None:
    with pytest.raises(BadSettings, match=r"VIDEO_RAG_CONFIG: cannot read .*gone\.toml"):
        place.load(VIDEO_RAG_CONFIG="gone.toml")


def test_toml_that_is_none_is_refused_with_its_place(place: Place) -> None:
    place.toml("[library")
    with pytest.raises(BadSettings, match=r"video-rag\.toml.*end of document"):
        place.load()


def test_relative_folders_count_from_where_they_are_written(place: Place) -> None:
    conf = place.folder / "conf"
    conf.mkdir()
    (conf / "my.toml").write_text('[library]\nmedia = "m"\ndocuments = "d"\n', encoding="utf-8")
    settings = place.load(VIDEO_RAG_CONFIG="conf/my.toml", DOC_SAVE_PATH="docs")
    assert settings.library.media == conf / "m"
    assert settings.library.documents == place.folder / "docs"


def test_the_folders_follow_the_home(place: Place) -> None:
    settings = place.load({"home": place.folder / "elsewhere"})
    assert settings.library.media == place.folder / "elsewhere" / "media"


def test_a_home_may_use_the_tilde(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place.load(VIDEO_RAG_HOME="~/v").home == tmp_path / "v"


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["en, zh", "en,zh", '["en", "zh"]', "en,,zh,"])
def test_lists_are_json_or_separated_by_commas(place: Place, text: str) -> None:
    assert place.load(VIDEO_RAG_LIBRARY__LANGUAGES=text).library.languages == ("en", "zh")


def test_options_of_plug_ins_may_be_json(place: Place) -> None:
    prefix = "VIDEO_RAG_SOURCES__YTDLP__"
    options = {"HEIGHTS": "[720, 1080]", "LIVE": "False", "TITLE": "[draft", "EXTRA__A": "1"}
    settings = place.load(**{prefix + name: text for name, text in options.items()})
    assert settings.section("sources", "ytdlp") == {
        "heights": [720, 1080],
        "live": False,
        "title": "[draft",
        "extra": {"a": "1"},
    }


def test_lists_of_plug_ins_may_be_separated_by_commas(place: Place) -> None:
    class Options(plugins.Options):
        """One list and one text."""

        names: tuple[str, ...] = ()
        title: str = ""

    prefix = "VIDEO_RAG_SOURCES__YTDLP__"
    settings = place.load(**{f"{prefix}NAMES": "en, zh", f"{prefix}TITLE": "a, b"})
    options = Options.model_validate(settings.section("sources", "ytdlp"))
    assert options == Options(names=("en", "zh"), title="a, b")


def test_none_switches_a_part_off(place: Place) -> None:
    settings = place.load(VIDEO_RAG_PIPELINE__SAMPLER="none", VIDEO_RAG_PIPELINE__OBSERVERS="none")
    assert settings.pipeline.sampler == ""
    assert settings.pipeline.observers == ()


def test_an_empty_argument_or_toml_value_switches_a_part_off(place: Place) -> None:
    place.toml('[pipeline]\nreader = ""\n')
    assert place.load().pipeline.reader == ""
    assert place.load({"pipeline": {"sampler": ""}}).pipeline.sampler == ""


@pytest.mark.parametrize("put", [set_variable, set_dotenv, set_pointed_file, set_secret_file])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_value_is_an_unset_one(
    place: Place, put: Callable[[Place, str], dict[str, Any]], empty: str
) -> None:
    place.toml('[library]\ncollection = "toml"\n')
    assert place.load(**put(place, empty)).library.collection == "toml"


def test_an_argument_of_none_is_not_given(place: Place) -> None:
    settings = place.load({"library": {"collection": None}}, VIDEO_RAG_LIBRARY__COLLECTION="env")
    assert settings.library.collection == "env"


def test_names_may_be_written_small(place: Place) -> None:
    assert place.load(video_rag_search__limit="7").search.limit == 7


def test_a_dotenv_with_a_byte_order_mark_is_read(place: Place) -> None:
    place.dotenv("\ufeffVIDEO_RAG_SEARCH__LIMIT='4'\n# a comment\nOTHER=1\n")
    assert place.load().search.limit == 4


# ── aliases and secret files ─────────────────────────────────────────────────────────────────────


def value_of(settings: Settings, name: str) -> str:
    *above, last = name.split(".")
    found = settings.section(*above)[last] if len(above) == 2 else getattr(settings.library, last)
    return found.get_secret_value() if isinstance(found, SecretStr) else str(found)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_the_names_of_the_plan_are_valid_everywhere(place: Place, alias: str, name: str) -> None:
    assert value_of(place.load(**{alias: "/of/environment"}), name) == "/of/environment"
    place.secret(alias.lower(), "/of/secret/folder\n")
    assert value_of(place.load(), name) == "/of/secret/folder"
    (place.folder / "f").write_text("/of/file\r\n", encoding="utf-8")
    assert value_of(place.load(**{f"{alias}_FILE": "f"}), name) == "/of/file"
    place.dotenv(f"{alias}=/of/dotenv\n")
    assert value_of(place.load(), name) == "/of/dotenv"


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_our_own_name_wins_over_its_alias_in_the_same_place(
    place: Place, alias: str, name: str
) -> None:
    assert value_of(place.load(**{alias: "/alias", variable(name): "/own"}), name) == "/own"
    place.dotenv(f"{variable(name)}=/own\n")
    assert value_of(place.load(**{alias: "/alias"}), name) == "/alias"


def test_an_empty_own_name_leaves_the_alias(place: Place) -> None:
    settings = place.load(DOC_SAVE_PATH="/alias", VIDEO_RAG_LIBRARY__DOCUMENTS="")
    assert settings.library.documents == Path("/alias")


@pytest.mark.parametrize("name", ["DIFY_API_KEY", "VIDEO_RAG_KNOWLEDGE__DIFY__API_KEY"])
def test_a_file_that_is_pointed_at_must_be_there(place: Place, name: str) -> None:
    with pytest.raises(BadSettings, match=f"{name}_FILE: cannot read .*gone"):
        place.load(**{f"{name}_FILE": "gone"})


def test_options_that_end_in_file_stay_options(place: Place) -> None:
    settings = place.load(
        VIDEO_RAG_OBSERVERS__LOGS__FILE="a.log", VIDEO_RAG_TRANSCRIBERS__WHISPER__MODEL_FILE="m.bin"
    )
    assert settings.section("observers", "logs") == {"file": "a.log"}
    assert settings.section("transcribers", "whisper") == {"model_file": "m.bin"}


def test_a_named_folder_of_secrets_must_be_there(place: Place) -> None:
    with pytest.raises(BadSettings, match=r"VIDEO_RAG_SECRETS_DIR: cannot read .*gone"):
        place.load(VIDEO_RAG_SECRETS_DIR="gone")


def test_other_files_among_the_secrets_are_not_read(place: Place) -> None:
    (place.secrets / "postgres_key").write_bytes(b"\xff\xfe")
    (place.secrets / "video_rag_folder").mkdir()
    assert place.load().knowledge == {}


def test_a_secret_file_that_is_not_text_is_refused(place: Place) -> None:
    (place.secrets / "dify_api_key").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="not UTF-8"):
        place.load()


def test_a_variable_finds_the_table_with_a_hyphen(place: Place) -> None:
    place.toml('[knowledge.dify-support]\nuse = "dify"\n')
    settings = place.load(VIDEO_RAG_KNOWLEDGE__DIFY_SUPPORT__API_KEY="k")
    assert settings.knowledge == {"dify-support": {"use": "dify", "api_key": SecretStr("k")}}


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("VIDEO_RAG_LIBRARY__MEDAI", "VIDEO_RAG_LIBRARY__MEDIA"),
        ("VIDEO_RAG_LIBRARY_MEDIA", "VIDEO_RAG_LIBRARY__MEDIA"),
        ("VIDEO_RAG_SERVER_PORT", "VIDEO_RAG_SERVER__PORT"),
        ("VIDEO_RAG_HOMES", "VIDEO_RAG_HOME"),
        ("VIDEO_RAG_CONFIGS", "VIDEO_RAG_CONFIG"),
        ("VIDEO_RAG_KNOWLEGDE__DIFY__API_KEY", "VIDEO_RAG_KNOWLEDGE__DIFY__API_KEY"),
        ("VIDEO_RAG_KNOWLEDGE__DIFY", "VIDEO_RAG_KNOWLEDGE__DIFY__<OPTION>"),
    ],
)
def test_unknown_variables_are_refused_with_the_nearest_name(
    place: Place, name: str, near: str
) -> None:
    with pytest.raises(BadSettings, match=f"{name}.*environment") as caught:
        place.load(**{name: SECRET})
    assert f"did you mean {near}?" in caught.value.hint
    assert SECRET not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ('[library]\nmedai = "x"', "library.media"),
        ("[serch]\nlimit = 1", "search.limit"),
        ('[sorces.ytdlp]\ncookies = "x"', "sources.ytdlp.cookies"),
        ('hom = "x"', "home"),
        ("[knowledge]\ndify = 3", "knowledge.dify.<option>"),
        ('library = "x"', ""),
    ],
)
def test_unknown_toml_keys_are_refused_with_the_nearest_name(
    place: Place, text: str, near: str
) -> None:
    place.toml(text)
    with pytest.raises(BadSettings, match=r"video-rag\.toml") as caught:
        place.load()
    assert f"did you mean {near}" in caught.value.hint or not near


def test_unknown_secret_files_and_dotenv_names_are_refused(place: Place) -> None:
    place.secret("video_rag_knowledge_dify_api_key", SECRET)
    with pytest.raises(BadSettings, match="secret file"):
        place.load()
    place.dotenv(f"VIDEO_RAG_X={SECRET}\n")
    with pytest.raises(BadSettings, match=r"VIDEO_RAG_X \(\.env\)"):
        place.load()


def test_unknown_arguments_are_refused(place: Place) -> None:
    with pytest.raises(BadSettings, match=r"search\.limits \(argument\)"):
        place.load({"search": {"limits": 3}})


def test_variables_that_kubernetes_sets_are_let_be(place: Place) -> None:
    place.load(
        VIDEO_RAG_SERVICE_HOST="10.0.0.1",
        VIDEO_RAG_API_SERVICE_PORT_HTTP="8420",
        VIDEO_RAG_PORT="tcp://10.0.0.1:8420",
        VIDEO_RAG_PORT_8420_TCP_ADDR="10.0.0.1",
        VIDEO_RAG_TEST_REDIS_URL="redis://",
        VIDEO_RAG_ALLOW_PAID="1",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.port", "eighty"),
        ("server.port", "70000"),
        ("pipeline.passage_seconds", "5"),
        ("pipeline.passage_seconds", "601"),
        ("search.limit", "0"),
        ("guard.allow_private", "perhaps"),
        ("library.languages", ","),
        ("library.languages", "[zh"),
        ("server.public_url", "ftp://x"),
    ],
)
def test_bad_values_are_refused_with_their_name_and_origin(
    place: Place, name: str, value: str
) -> None:
    with pytest.raises(BadSettings, match=f"^{name}: ") as caught:
        place.load(**{variable(name): value})
    assert f"environment {variable(name)}" in caught.value.hint


def test_bad_values_in_toml_name_the_file(place: Place) -> None:
    place.toml('[server]\nport = "x"\n')
    with pytest.raises(BadSettings, match=r"server\.port") as caught:
        place.load()
    assert str(place.folder / "video-rag.toml") in caught.value.hint


@pytest.mark.parametrize("text", ["home = 3", "[library]\nmedia = 3", 'home = "~no.such.user/x"'])
def test_a_folder_that_is_no_path_is_refused(place: Place, text: str) -> None:
    place.toml(text)
    del place.env["VIDEO_RAG_HOME"]
    with pytest.raises(BadSettings, match=r"^(home|library\.media): "):
        place.load()


# ── the class ────────────────────────────────────────────────────────────────────────────────────


def test_settings_cannot_be_changed(place: Place) -> None:
    settings = place.load()
    with pytest.raises(ValidationError):
        settings.search.limit = 3  # type: ignore[misc]  # what is tested
    with pytest.raises(ValidationError):
        settings.home = Path("/")  # type: ignore[misc]  # what is tested


def test_the_class_by_itself_reads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEO_RAG_SEARCH__LIMIT", "3")
    monkeypatch.setenv("SEARCH", '{"limit": 4}')
    assert Settings(home=tmp_path).search.limit == 10


def test_a_section_is_a_copy(place: Place) -> None:
    settings = place.load({"queues": {"inline": {"a": 1}}})
    settings.section("queues", "inline")["a"] = 2
    assert settings.section("queues", "inline") == {"a": 1}
    with pytest.raises(KeyError):
        settings.section("server", "port")


def test_an_empty_table_of_a_plug_in_counts_and_arguments_stay_as_they_were(place: Place) -> None:
    overrides: dict[str, Any] = {"knowledge": {"dify": {}}}
    settings = place.load(overrides, DIFY_WORKSPACE_ID="w")
    assert settings.knowledge == {"dify": {"workspace_id": "w"}}
    assert overrides == {"knowledge": {"dify": {}}}
    assert place.load(overrides).knowledge == {"dify": {}}


def test_every_plug_in_family_has_a_table() -> None:
    assert families() == set(plugins.FAMILIES)
    assert set(sections()) == {
        *("ledger", "library", "pipeline", "search", "ask", "server", "guard", "schedule"),
        *("blobs", "backup", "clean"),
    }


def test_everything_is_described() -> None:
    fields = {**named(), **Settings.model_fields}
    assert [name for name, info in fields.items() if not info.description] == []


def test_what_is_explained_is_json(place: Place) -> None:
    settings = place.load({"knowledge": {"dify": {"api_key": SECRET, "auto": True}}})
    explained = {one.name: one for one in explain(settings)}
    json.dumps([one.value for one in explained.values()])
    assert explained["knowledge.dify.api_key"].value == "********"
    assert explained["knowledge.dify.auto"].value is True
    assert explained["library.languages"].value == ["zh", "en"]
    assert set(named()) <= set(explained)
    assert all(one.description for one in explained.values())


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────

SECRET_NAMES = st.sampled_from(["api_key", "token", "password", "client_secret", "access_token"])
SECRET_TEXTS = st.text("abcdefXYZ0123456789-_.!", min_size=12, max_size=40).map("q7Z".__add__)


@given(option=SECRET_NAMES, secret=SECRET_TEXTS, where=st.sampled_from(range(7)))
@hypothesis_settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_secret_is_never_shown_wherever_it_comes_from(
    tmp_path_factory: pytest.TempPathFactory, option: str, secret: str, where: int
) -> None:
    place = Place(tmp_path_factory.mktemp("secrets"))
    name = f"VIDEO_RAG_KNOWLEDGE__DIFY__{option.upper()}"
    overrides: dict[str, Any] = {}
    env: dict[str, str] = {}
    if where == 0:
        overrides = {"knowledge": {"dify": {option: secret}}}
    elif where == 1:
        env = {name: secret}
    elif where == 2:
        place.dotenv(f"{name}='{secret}'\n")
    elif where == 3:
        place.secret(name.lower(), secret)
    elif where == 4:
        place.secret("anything", secret)
        env = {f"{name}_FILE": str(place.secrets / "anything")}
    elif where == 5:
        place.toml(f'[knowledge.dify]\n{option} = "{secret}"\n')
    else:
        overrides = {"knowledge": {"dify": {"mirror": f"http://user:{secret}@host/"}}}
    settings = place.load(overrides, **env)
    assert secret not in f"{settings!r} {settings} {explain(settings)}"
    given_values = settings.section("knowledge", "dify")
    if where < 6:
        assert given_values == {option: SecretStr(secret)}
    else:
        assert given_values["mirror"].endswith(f"{secret}@host/")


def test_secrets_deep_inside_an_option_are_wrapped(place: Place) -> None:
    place.toml(
        "[answerers.openai]\n"
        f'headers = {{ Authorization = "{SECRET}", X-Api-Key = "{SECRET}" }}\n'
        f'api_keys = ["{SECRET}"]\ncookies = {{ a = "{SECRET}" }}\nmax_tokens = 3\n'
        f'servers = [{{ token = "{SECRET}" }}]\n'
    )
    settings = place.load()
    assert SECRET not in f"{settings!r} {explain(settings)}"
    assert settings.section("answerers", "openai")["max_tokens"] == 3


def test_paths_and_numbers_are_not_taken_for_secrets(place: Place) -> None:
    options = {"cookies": "/c.txt", "key_file": "/k", "max_tokens": 9, "dataset_id": "d"}
    assert place.load({"sources": {"ytdlp": options}}).section("sources", "ytdlp") == options


@pytest.mark.parametrize("login", ["http://user:{}@host:1", "user:{}@host:1", "http://u:a/{}@h:1"])
@pytest.mark.parametrize("put", ["toml", "environment", ".env"])
def test_the_login_of_a_site_s_proxy_is_never_shown(place: Place, put: str, login: str) -> None:
    proxy = login.format("s3cret")
    table = json.dumps({"youtube.com": {"proxy": proxy, "cookies": "/my/cookies.txt"}})
    name = "VIDEO_RAG_SOURCES__YTDLP__SITES"
    env = {name: table} if put == "environment" else {}
    if put == "toml":
        place.toml(f'[sources.ytdlp.sites."youtube.com"]\nproxy = "{proxy}"\n')
    elif put == ".env":
        place.dotenv(f"{name}='{table}'\n")
    settings = place.load(None, **env)
    rows = {row.name: row for row in explain(settings)}
    row = rows["sources.ytdlp.sites.youtube.com.proxy"]
    assert row.value == "********"
    assert row.origin.startswith(put if put != "toml" else str(place.folder))
    assert "s3cret" not in f"{settings!r} {settings} {rows}"
    options = YtDlpOptions.model_validate(settings.section("sources", "ytdlp"))
    found = options.of_site("youtube.com").proxy
    assert found is not None
    assert found.get_secret_value() == proxy
    assert "s3cret" not in repr(options)
