"""From a subtitle file's bytes to text, whatever the encoding.

UTF-8 and UTF-16 are recognised for certain. The older encodings are told apart by how many of the
characters beyond ASCII are ones that the language in question uses all the time.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKS = ("-->", "Dialogue:")
"""What every subtitle file holds in ASCII; in UTF-16 each letter comes with a zero byte."""

_SIMPLIFIED = (
    "的一是了不在我有这个们他人来到大上为说就你会和要地出可也对能时那得于着下自之年过后作里用道行所然家种事成"
    "方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机"
    "民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身"
    "果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系"
    "气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队"
    "形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交"
    "规万取拉格望觉术领共确传师观清今切院让识候带导争运友世界谢视频"
)
_TRADITIONAL = (
    "的一是了不在我有這個們他人來到大上為說就你會和要地出可也對能時那得於著下自之年過後作裡用道行所然家種事成"
    "方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日者意無力它與長把機民"
    "第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應向頭文體政美相見被利什二等產或新己制身果加"
    "西月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活"
    "爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指許統區保至隊形社便空"
)
_FREQUENT: tuple[tuple[str, str, float], ...] = (
    ("gb18030", f"[{_SIMPLIFIED}]", 0.3),
    ("big5hkscs", f"[{_TRADITIONAL}]", 0.3),
    ("cp932", "[\u3041-\u3093\u30a1-\u30f6ー]", 0.3),
    ("cp949", "[\uac00-\ud7a3]", 0.6),
    ("cp1251", "[а-яёієїґ]", 0.6),
    ("cp1252", "[à-öø-ÿœßÀ-ÖØ-Þ’‘“”–—…«»¿¡°©]", 0.8),
)
"""Encoding, characters that its languages use all the time, and the share of them to expect."""

_MIXED_SHARE = 0.4
"""Western European languages have fewer letters beyond ASCII than this share, Russian has more."""
_BROKEN_SHARE = 0.02
"""A file with so few bad characters is damaged UTF-8; another encoding would break most."""


def decode(data: bytes) -> tuple[str, str]:
    """The text, and a note when the encoding was guessed or bytes were broken, else ''."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _forgiving(data[len(mark) :], encoding)
    if b"\0" in data:
        for encoding in ("utf-16-le", "utf-16-be"):
            text, note = _forgiving(data, encoding)
            if any(word in text for word in _MARKS):
                return text, note
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return _damaged_utf8(data) or _legacy(data)


def _forgiving(data: bytes, encoding: str) -> tuple[str, str]:
    """Decode; what cannot be becomes U+FFFD and is counted in the note."""
    text = data.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    if not broken:
        return text, ""
    what = "1 character is" if broken == 1 else f"{broken} characters are"
    return text, f"{what} not {encoding} and replaced by \ufffd"


def _damaged_utf8(data: bytes) -> tuple[str, str] | None:
    """UTF-8 with a few broken bytes, such as a file cut off inside a character."""
    text, note = _forgiving(data, "utf-8")
    broken = text.count("\ufffd")
    sound = sum(character > "\x7f" for character in text) - broken
    return (text, note) if broken <= max(1, _BROKEN_SHARE * sound) <= sound else None


def _legacy(data: bytes) -> tuple[str, str]:
    """The older encoding in which the text looks most like a language."""
    best, best_text, best_score = "cp1252", "", 0.0
    for encoding, frequent, expected in _FREQUENT:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        score = min(1.0, _share(text, frequent) / expected)
        is_mixed = _beyond_ascii(text) < _MIXED_SHARE
        if (encoding == "cp1251" and is_mixed) or (encoding == "cp1252" and not is_mixed):
            continue
        if score > best_score:
            best, best_text, best_score = encoding, text, score
    if not best_text:
        best_text = data.decode(best, errors="replace")
    return best_text, f"read as {best}: the file does not say its encoding"


def _share(text: str, frequent: str) -> float:
    """How many of the characters beyond ASCII are frequent ones; punctuation does not count."""
    beyond = [c for c in text if c > "\x7f" and not "\u3000" <= c <= "\u303f" and c < "\uff00"]
    return len(re.findall(frequent, "".join(beyond))) / len(beyond) if beyond else 0.0


def _beyond_ascii(text: str) -> float:
    """The share of letters that are not ASCII."""
    letters = [c for c in text if c.isalpha()]
    return sum(c > "\x7f" for c in letters) / len(letters) if letters else 0.0
