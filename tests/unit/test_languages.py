"""Tags and guesses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.text import languages
from video_rag.text.languages import guess, normalise


@pytest.mark.parametrize(
    ("tag", "primary"),
    [
        ("zho", "zh"),
        ("chi", "zh"),
        ("zh-Hans", "zh"),
        ("zh_CN", "zh"),
        ("zh-Hant-TW", "zh"),
        ("cmn", "zh"),
        ("cmn-Hans-CN", "zh"),
        ("yue", "zh"),
        ("chs", "zh"),
        ("ai-zh", "zh"),
        ("中文", "zh"),
        ("中文（简体）", "zh"),
        ("简体中文", "zh"),
        ("Chinese (Simplified)", "zh"),
        ("eng", "en"),
        ("en-US", "en"),
        ("en_US.UTF-8", "en"),
        ("en-orig", "en"),
        ("English", "en"),
        (" EN ", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("fra", "fr"),
        ("pt-BR", "pt"),
        ("日本語", "ja"),
        ("jp", "ja"),
        ("iw", "he"),
        ("fil", "tl"),
    ],
)
def test_every_spelling_of_a_language_becomes_its_primary_tag(tag: str, primary: str) -> None:
    assert normalise(tag) == primary


@pytest.mark.parametrize("tag", [None, "", "  ", "und", "mul", "final", "v2", "1080p", "-", "x-y"])
def test_what_is_no_language_has_no_tag(tag: str | None) -> None:
    assert normalise(tag) is None


def test_no_code_stands_for_two_languages() -> None:
    entries = languages._CODES.split() + languages._ALIASES.split()
    codes: dict[str, str] = {}
    for entry in entries:
        primary, _, others = entry.partition(":")
        for code in filter(None, [primary, *others.split(",")]):
            assert codes.setdefault(code, primary) == primary, code


@given(st.text())
def test_a_tag_is_stable_once_normalised(text: str) -> None:
    tag = normalise(text)
    assert tag is None or normalise(tag) == tag


SAMPLES = {
    "en": "In this video I want to show you what it means for two things to be the same.",
    "zh": "今天我们来讲一讲线性变换，它和矩阵是什么关系。",
    "ja": "今日は線形変換について話します。行列とはどんな関係があるのでしょうか。",
    "ko": "오늘은 선형 변환에 대해 이야기해 보겠습니다.",
    "ru": "Сегодня мы поговорим о том, что такое линейное преобразование.",
    "uk": "Сьогодні ми поговоримо про те, що таке її перетворення.",
    "bg": "Днес ще говорим за това какво е линейно преобразувание и защо съм тук.",
    "sr": "Данас ћемо говорити о томе шта је линеарно пресликавање, његова својства и њен значај.",
    "es": "Hoy vamos a hablar de lo que es una transformación lineal y por qué es importante.",
    "fr": "Aujourd'hui nous allons parler de ce qui est une application linéaire dans le plan.",
    "de": "Heute sprechen wir über das Thema, was eine lineare Abbildung ist und nicht ist.",
    "it": "Oggi parliamo di che cosa è una trasformazione lineare, e non solo per la teoria.",
    "pt": "Hoje você não vai ver uma prova, mas o que é uma transformação e como isso funciona.",
    "nl": "Vandaag gaan we het hebben over wat een lineaire afbeelding is en wat het niet is.",
    "sv": "Idag ska vi prata om vad det är som gör att en avbildning är linjär och inte krokig.",
    "pl": "Dzisiaj porozmawiamy o tym, co to jest przekształcenie, ale nie na tablicy.",
    "tr": "Bugün çok önemli bir konu var ve bu konu için daha fazla zaman yok.",
    "vi": "Hôm nay tôi nói về phép biến đổi và những điều này là của các bạn.",
    "id": "Hari ini kita akan bicara tentang apa yang ada di dalam ruang itu dan tidak di luar.",
    "ar": "سنتحدث اليوم عن التحويلات الخطية",
    "fa": "امروز درباره‌ی چیزهای دیگر گپ می‌زنیم",
    "he": "היום נדבר על העתקות לינאריות",
    "el": "Σήμερα θα μιλήσουμε για γραμμικούς μετασχηματισμούς",
    "hi": "आज हम रैखिक रूपांतरण के बारे में बात करेंगे",
    "th": "วันนี้เราจะพูดถึงการแปลงเชิงเส้น",
}


@pytest.mark.parametrize(("language", "text"), SAMPLES.items(), ids=list(SAMPLES))
def test_one_sentence_shows_its_language(language: str, text: str) -> None:
    assert guess(text) == language


def test_a_chinese_talk_full_of_english_terms_is_chinese() -> None:
    assert guess("我们用 Python 和 PyTorch 来写一个 Transformer 的 self-attention 层") == "zh"


def test_a_korean_text_with_a_few_han_characters_is_korean() -> None:
    assert guess("선형 변환(線形變換)에 대해 이야기해 보겠습니다. 아주 재미있습니다.") == "ko"


def test_a_name_in_another_script_does_not_change_the_language() -> None:
    assert guess("This is what the word 道 means, and that is all of it.") == "en"


@pytest.mark.parametrize("text", ["", "   ", "42 + 1 = 43", "♪♪♪", "Xqz brrr klmn"])
def test_a_text_without_words_has_no_language(text: str) -> None:
    assert guess(text) == "und"


@given(st.text())
def test_any_text_gets_an_answer_that_is_a_tag(text: str) -> None:
    language = guess(text)
    assert language == "und" or normalise(language) == language


@pytest.mark.shared
def test_every_file_of_the_corpus_is_told_by_its_text(shared: Path) -> None:
    for language in ("en", "zh"):
        for path in (shared / "corpus" / language).glob("*.srt"):
            assert guess(path.read_text(encoding="utf-8")) == language, path.name


TEXTS = {
    "en": "Today we look at how the weather is made and why it is so hard to say what it will be. "
    "The sun warms the sea and the land, but they are not warm at the same time. That is what "
    "makes the wind, and with the wind comes the rain that you have all been waiting for.",
    "it": "Oggi vediamo come nasce il tempo e perché è così difficile dire che cosa succederà. Il "
    "sole scalda il mare e la terra, ma non si scaldano allo stesso modo. Questo è il motivo del "
    "vento, e con il vento arriva la pioggia che tutti gli uomini della costa aspettano.",
    "es": "Hoy vemos cómo nace el tiempo y por qué es tan difícil decir lo que va a pasar. El sol "
    "calienta el mar y la tierra, pero no se calientan al mismo tiempo. Esa es la causa del "
    "viento, y con el viento llega la lluvia que todos esperan en las montañas.",
    "pt": "Hoje vemos como nasce o tempo e por que é tão difícil dizer o que vai acontecer. O sol "
    "aquece o mar e a terra, mas não se aquecem ao mesmo tempo. Essa é a causa do vento, e com o "
    "vento vem a chuva que todos esperam em casa para o fim da tarde.",
    "nl": "Vandaag kijken we hoe het weer ontstaat en waarom het zo moeilijk is te zeggen wat er "
    "komt. De zon verwarmt de zee en het land, maar niet op dezelfde tijd. Dat is de oorzaak van "
    "de wind, en met de wind komt ook de regen waar we op wachten.",
    "no": "I dag ser vi på hvordan været blir til og hvorfor det er så vanskelig å si hva som "
    "kommer. Solen varmer havet og landet, men ikke på samme tid. Det er grunnen til vinden, og "
    "med vinden kommer regnet som vi har ventet på for lenge siden.",
    "sv": "I dag ser vi på hur vädret blir till och varför det är så svårt att säga vad som "
    "kommer. Solen värmer havet och landet, men inte på samma gång. Det är orsaken till vinden, "
    "och med vinden kommer regnet som vi har väntat på om sommaren.",
    "pl": "Dzisiaj zobaczymy, jak powstaje pogoda i czemu tak trudno powiedzieć, co się stanie. "
    "Słońce ogrzewa morze i ląd, ale nie w tym samym czasie. To jest powód wiatru, a z wiatrem "
    "przychodzi deszcz, na który wszyscy do dziś czekają po tej stronie.",
}
"""A paragraph about the weather in each of some languages that are written alike."""


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_paragraph_shows_its_language(language: str) -> None:
    assert guess(TEXTS[language]) == language
