"""What the words before a colon look like: somebody's name, or not."""

from __future__ import annotations

import re
import unicodedata

from video_rag.text.kinds import may_be_name

NO_NAME, LIKELY, CERTAIN, ROLE = range(4)
"""No name of anybody; perhaps one; a whole name; a title, a part or a speaker's number."""


def _words(block: str) -> frozenset[str]:
    return frozenset(block.split())


_MOST_WORDS = 5
_HAN = re.compile(r"[\u3400-\u9fff·•]+")
_SUFFIX = re.compile(r"\s*(?:[(（][^()（）]{1,30}[)）]|[|/@]\s*\S.{0,30}|\s[-–]\s\S.{0,30})$")
"""What meetings add to a name: `(Guest)`, `| Acme`, `- Acme`."""
_PARTICLES = _words(
    "de da do dos das di du del della van von der den ter la le el al bin ibn ben y e zu"
)
_HONORIFICS = _words("""
    dr mr mrs ms miss prof professor sir madam lady lord rev father sister brother captain
    president chairman chairwoman senator judge justice officer
    """)
_ROLES = _words("""
    speaker spk participant interviewer interviewee moderator narrator host cohost guest presenter
    lecturer instructor teacher student professor panelist audience operator anchor reporter
    announcer commentator translator interpreter man woman boy girl caller respondent sprecher
    orateur
    """)
_NUMBERED = re.compile(
    r"(?:(?P<role>[a-z]+)|发言人|發言人|说话人|說話人|讲者|講者|嘉宾|嘉賓|学生|學生|同学|記者|记者)"
    r"(?:[\s_#-]*(?:\d{1,3}|[一二三四五六七八九十甲乙丙丁])|[\s_#-]+[a-z])",
    re.IGNORECASE,
)
_NO_SPEAKERS = _words("""
    a about above abstract action actual actually addendum address advantage advantages advice
    after agenda aim also alert all although always amount analysis and answer answers appendix
    approach argument article as assignment assume assumption at attention author axiom background
    bad basically because before behold below benefit benefits best beware big bonus book both
    bottom breaking but by bye careful case category caution cause caveat challenge change chapter
    check cite claim class clearly code comment comments common con conclusion condition cons
    consequence consider contents context contrast copyright corollary cost course credits criteria
    date day debug deadline deal default definition definitions demo description design detail
    details diagram difference disadvantage disclaimer discussion diy do dont due easy edit effect
    either email english episode equation error essential etc even event evidence exactly example
    examples except exercise exercises expected experiment explanation extra fact facts faq fatal
    feature figure file files final finally finding first fix focus follow following for format
    formula fourth french friday from fun function further furthermore future general german
    given goal goals good great guess guideline hardware heading hence here hey hi highlight
    highlights hint hints history homework however how http https https hypothesis idea ideas if
    image importance important impossible in indeed info information input inputs inside insight
    instead instruction instructions internet intro introduction is issue issues it item items its
    january join just key keyword keywords kind know language last later law layer left lemma
    lesson lesson let lets level like limit limitation link links list location look low lyrics main
    material materials math meaning meanwhile measure memory message metadata method methods mind
    mission mistake model module monday more moreover motivation music myth name namely need never
    new news next no none normally not notation note notes nothing notice now number numbers object
    objective objectives observation observe obviously of ok okay on once one only open opinion
    option options or order original other otherwise our out outcome outline output outputs overview
    page pages paper paradox part parts password past people perhaps phase phone picture place plan
    please plus point points policy possible postscript power practice precondition prerequisite
    prerequisites present previous price principle principles pro probably problem problems process
    product program project proof property proposition pros ps purpose put python query question
    questions quick quiz quote range rating ratio re read reading reality reason reasons recall
    recap recipe recommendation reference references remark remarks remember reminder repeat reply
    requirement requirements rest result results review right risk role rule rules said saturday
    say scene schedule scope score second secondly secret section see sell sentence server setup
    shape short shortly should side simple simply since site size skill slide slides so software
    solution solutions some sometimes song source sources spanish special spoiler stage start
    statement statistics status step steps still stop story strategy strength strengths structure
    style subject subscribe subtitle subtitled subtitles such suggestion summary sunday suppose
    surprise syntax system table tag target task teaser technique test text thanks that the then
    theorem theory there therefore thesis thing things think third thirdly this thought thoughts
    threat thursday thus tip tips title to today todo together tomorrow tool tools top topic topics
    total trailer transcript translated translation trick trivia true truth tuesday turn tutorial
    two type types unit unless until update upshot url usage use user username using usually value
    values variable version very video view voice wait warning watch way weakness weaknesses website
    wednesday week what when where whereas which while who why win with word words work wow wrong
    year years yes yesterday you your
    """)
"""What people write before a colon without naming anybody."""
_NOUN_END = re.compile(r"(?:tions?|sions?|ness|olog(?:y|ies)|ics|isms?|ments?|ware)$")
_HAN_TITLE = re.compile(
    r"(?!各位|这位|那位|這位|那位|亲爱|親愛|尊敬|感谢|感謝|谢谢|謝謝|大家|[你我他她您])"
    r".{0,4}(?:老师|老師|教授|先生|女士|小姐|同学|同學|医生|醫生|博士|院士|律师|律師|经理|經理|主任|校长"
    r"|校長|导师|導師|记者|記者|主持人|讲师|講師|师傅|師傅|书记|書記|部长|部長|局长|局長|法官|警官|主播|嘉宾"
    r"|嘉賓|旁白|观众|觀眾|听众|聽眾|采访者|採訪者|受访者|受訪者|发言人|發言人|主讲人|主講人|司会|司會)"
)
_TITLES_ALONE_NOT = frozenset({"博士", "先生", "小姐", "女士"})
"""Said of somebody as often as by somebody."""


def look(label: str) -> int:
    """What a label looks like, by itself."""
    name = _SUFFIX.sub("", label).strip()
    if numbered := _NUMBERED.fullmatch(name):
        return ROLE if not numbered["role"] or numbered["role"].lower() in _ROLES else NO_NAME
    if any(character.isdigit() for character in name):
        return NO_NAME
    if _HAN.fullmatch(name):
        return _look_han(name)
    words = name.replace(",", " ").replace("_", " ").split()
    if not 1 <= len(words) <= _MOST_WORDS:
        return NO_NAME
    return _look_words(words)


def _look_words(words: list[str]) -> int:
    """Words of any other script."""
    plain = [_letters(word) for word in words]
    if any(word in _NO_SPEAKERS or _NOUN_END.search(word) for word in plain):
        return NO_NAME
    if not all(map(_is_name_like, words)):
        return NO_NAME
    if any(word in _ROLES for word in plain) or plain[0] in _HONORIFICS:
        return ROLE
    telling = [_letters(word) for word in words if word not in _PARTICLES]
    if not any(len(word) > 1 for word in telling):  # Q: and A:
        return NO_NAME
    has_case = any(character.isupper() for word in words for character in word)
    return CERTAIN if len(telling) > 1 and has_case else LIKELY


def _letters(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalpha())


def _is_name_like(word: str) -> bool:
    """`Grace`, `O'Neil`, `LEE`, `J.`, `van`, and words of scripts that have no capitals."""
    if word in _PARTICLES:
        return True
    letters = word.replace("'", "").replace("’", "").replace("-", "").rstrip(".").replace(".", "")
    marks = ("Mn", "Mc")
    is_word = bool(letters) and all(
        c.isalpha() or unicodedata.category(c) in marks for c in letters
    )
    return is_word and not word[0].islower()


def _look_han(name: str) -> int:
    """A Chinese name or title: what a dictionary has as another word is none."""
    if _HAN_TITLE.fullmatch(name):
        return LIKELY if name in _TITLES_ALONE_NOT else ROLE
    if "·" in name or "•" in name:
        return CERTAIN
    if not 2 <= len(name) <= 4:
        return NO_NAME
    return LIKELY if may_be_name(name) else NO_NAME
