"""Language tags as files and platforms write them, and a guess at the language of a text.

The guess looks at scripts first and at the commonest words second. It tells the languages of
subtitles apart, which are hundreds of words long; it is no judge of a single word.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

_CODES = """
aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel
bg:bul bh:bih bi:bis bm:bam bn:ben bo:tib,bod br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre
cs:cze,ces cu:chu cv:chv cy:wel,cym da:dan de:ger,deu dv:div dz:dzo ee:ewe el:gre,ell en:eng
eo:epo es:spa et:est eu:baq,eus fa:per,fas ff:ful fi:fin fj:fij fo:fao fr:fre,fra fy:fry ga:gle
gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:arm,hye
hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:ice,isl it:ita iu:iku ja:jpn jv:jav
ka:geo,kat kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor ks:kas ku:kur kv:kom kw:cor
ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mao,mri
mk:mac,mkd ml:mal mn:mon mr:mar ms:may,msa mt:mlt my:bur,mya na:nau nb:nob nd:nde ne:nep ng:ndo
nl:dut,nld nn:nno no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli
pl:pol ps:pus pt:por qu:que rm:roh rn:run ro:rum,ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme
sg:sag si:sin sk:slo,slk sl:slv sm:smo sn:sna so:som sq:alb,sqi sr:srp ss:ssw st:sot su:sun sv:swe
sw:swa ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi
ty:tah ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha
zh:chi,zho zu:zul
"""
"""ISO 639-1 with the codes of ISO 639-2 (bibliographic, terminological), but for Kanuri: `kr` in a
file's name means Korea."""

_ALIASES = """

zh:cmn,yue,wuu,hak,nan,lzh,chs,cht,chinese,mandarin,cantonese,中文,汉语,漢語,普通话,國語,国语,华语,粤语,粵語,
zh:简体,繁体,簡體,繁體,简体中文,繁体中文,簡體中文,繁體中文,简中,繁中,双语,zhhans,zhhant
en:english,英语,英文,英語 ja:jp,japanese,日语,日文,日語,日本語
ko:kr,korean,韩语,韓語,韩文,한국어 fr:french,français,francais,法语,法文
de:german,deutsch,德语,德文 es:spanish,español,espanol,castellano,西班牙语
ru:russian,русский,俄语,俄文 it:italian,italiano,意大利语
pt:portuguese,português,portugues,葡萄牙语 ar:arabic,العربية,阿拉伯语 nl:dutch,nederlands
pl:polish,polski tr:turkish,türkçe vi:vietnamese,越南语 th:thai,泰语,ไทย id:indonesian
hi:hindi,हिन्दी uk:ukrainian,українська sv:swedish,svenska da:danish,dansk
no:norwegian,norsk fi:finnish,suomi el:greek,ελληνικά he:hebrew,iw,עברית cs:czech,čeština
hu:hungarian,magyar ro:romanian,română fa:persian,farsi tl:fil,filipino
"""
"""Names, members of macro-languages, country codes and retired codes that are met in the wild."""


@cache
def _tags() -> dict[str, str]:
    known: dict[str, str] = {}
    for entry in _CODES.split() + _ALIASES.split():
        primary, _, others = entry.partition(":")
        known |= dict.fromkeys([primary, *filter(None, others.split(","))], primary)
    return known


def normalise(tag: str | None) -> str | None:
    """The BCP 47 primary tag: `chi`, `zh-Hans`, `cmn`, `ai-zh`, `中文` → `zh`; `en_US` → `en`.

    None for what names no language, such as `und`, `final` or an empty string.
    """
    clean = (tag or "").strip().lower().replace("_", "-")
    if clean.startswith("ai-"):  # Bilibili's mark of machine-made subtitles
        clean = clean.removeprefix("ai-")
    first = re.split(r"[-.@ (（&+]", clean, maxsplit=1)[0]
    return _tags().get(clean) or _tags().get(first)


_OFTEN = "ar cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk vi zh"
HINT = f"known: {_OFTEN} and the other codes of ISO 639, or a name such as English, Deutsch, 中文"
"""What a person is told who named a language that nobody knows."""


def typed(text: str) -> str:
    """The tag of a language that a person typed: `eng`, `English`, `en-US` → `en`.

    Raises `ValueError`, with no more than the words, for what names no language.
    """
    tag = normalise(text)
    if tag is None:
        raise ValueError(f"{text!r} is no language that is known here")
    return tag


_SAMPLE = 20_000
"""Characters that are looked at; the language shows long before."""

_SCRIPTS = {
    "kana": "\u3041-\u30fa\u30fc-\u30ff",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "ko": "\u1100-\u11ff\uac00-\ud7a3",
    "cyrillic": "\u0400-\u04ff",
    "arabic": "\u0620-\u06ff",
    "el": "\u0370-\u03ff",
    "he": "\u05d0-\u05ea",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "th": "\u0e00-\u0e7f",
    "lo": "\u0e80-\u0eff",
    "my": "\u1000-\u109f",
    "ka": "\u10a0-\u10ff",
    "hy": "\u0530-\u058f",
    "am": "\u1200-\u137f",
    "km": "\u1780-\u17ff",
}


@cache
def _characters() -> dict[str, re.Pattern[str]]:
    """The letters of each script; compiled when a text is looked at, since tags alone need none."""
    return {name: re.compile(f"[{ranges}]") for name, ranges in _SCRIPTS.items()}


_LETTERS_PER_WORD = {"han": 1.5, "kana": 2.0, "ko": 2.5, "th": 4.0, "lo": 4.0, "km": 4.0, "my": 4.0}
"""So that a Chinese talk full of English terms stays Chinese; other scripts count as five."""
_KANA_IN_JAPANESE = 0.1
"""Share of kana among kana and Han from which a text is Japanese; titles in kanji lower it."""

_LATIN_WORD = re.compile(r"[a-zà-öø-ÿ\u0100-\u024f\u1ea0-\u1ef9]+")
_COMMON = {
    "en": "the and of to a is in that it you this for was are with have not be what we they i so",
    "fr": "le la les de des et est un une que qui pas dans pour vous nous ce je il elle sur avec",
    "de": "der die das und ist nicht ein eine ich sie wir den mit auf für auch von zu es dass dem",
    "es": "el la los las de y es que un una no en por para con lo se más como está pero su",
    "it": "il la di che è e un una non per con sono del della le gli ma si questo ho più anche",
    "pt": "o a os as de e é que um uma não em por para com se mais como você isso mas do da",
    "nl": "de het een en is van ik je dat niet in op te zijn we met voor maar aan ook er",
    "sv": "och att det är som en på inte jag vi med för har ett den du av till kan så om",
    "da": "og at det er en på ikke jeg vi med for har et den du af til kan så om der",
    "no": "og å det er en på ikke jeg vi med for har et den du av til kan så om som",
    "fi": "ja on ei se että hän minä mutta niin kun ole olen tämä oli mitä voi sen nyt jos",
    "pl": "i w nie na to się z że jest do co jak ale tak o za czy mnie jego tego po",
    "cs": "a je to se na v že ne ale tak jsem co jak si by pro jako když za jsou",
    "hu": "a az és hogy nem is egy ez de van meg mit csak én ha volt már ki mert",
    "ro": "și nu în de la este să un o cu pe ce mai că am din pentru dar sunt",
    "tr": "ve bir bu ne için çok ben o da de değil var mi sen gibi ama daha bunu yok",
    "vi": "và là của có không tôi một những cho được này người với anh đã trong các bạn khi",
    "id": "yang dan di ini itu tidak untuk dengan ada kita saya dari ke akan bisa aku kamu apa",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_UNMISTAKABLE = {word for word, n in Counter(" ".join(_COMMON.values()).split()).items() if n == 1}
_ENOUGH_COMMON = 0.08
"""Share of common words below which a Latin text has no language; running text has 0.2 to 0.5."""
_ENOUGH_WORDS = 2
"""Different common words it takes, unless one is no other language's: `you`, but not `a`."""


def guess(text: str) -> str:
    """The likeliest primary tag of a text, `und` when there is too little to go by."""
    sample = text[:_SAMPLE].lower()
    words = _LATIN_WORD.findall(sample)
    weights: dict[str, float] = {"latin": float(len(words))}
    for name, pattern in _characters().items():
        weights[name] = len(pattern.findall(sample)) / _LETTERS_PER_WORD.get(name, 5.0)
    east = weights["han"] + weights["kana"]
    script = max(weights, key=weights.__getitem__)
    if script in {"han", "kana"} or (east >= weights[script] and east > 0):
        return "ja" if weights["kana"] > _KANA_IN_JAPANESE * east else "zh"
    if script == "latin":
        return _by_words(words)
    if script == "cyrillic":
        return _cyrillic(sample)
    if script == "arabic":
        return _arabic(sample)
    return script


def _by_words(words: list[str]) -> str:
    """The Latin-script language with most of its common words here."""
    if not words:
        return "und"
    counts = Counter(words)
    scores = {
        language: sum(counts[word] for word in common) / len(words)
        for language, common in _COMMON_WORDS.items()
        if len(met := common & counts.keys()) >= _ENOUGH_WORDS or met & _UNMISTAKABLE
    }
    best = max(scores, key=scores.__getitem__, default="und")
    return best if scores.get(best, 0.0) >= _ENOUGH_COMMON else "und"


def _cyrillic(sample: str) -> str:
    """Told by letters that only one of the languages has."""
    if re.search("[єїґ]", sample):
        return "uk"
    if "ў" in sample:
        return "be"
    if re.search("[јђћџљњ]", sample):
        return "mk" if re.search("[ѓќѕ]", sample) else "sr"
    if re.search("[әғқңөұүһ]", sample):
        return "kk"
    return "ru" if re.search("[ыэё]", sample) or "ъ" not in sample else "bg"


def _arabic(sample: str) -> str:
    """Told by letters that Arabic does not have."""
    if re.search("[ٹڈڑے]", sample):
        return "ur"
    return "fa" if re.search("[پچژگ]", sample) else "ar"
