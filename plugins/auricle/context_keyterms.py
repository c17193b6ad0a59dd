"""Key terms from a conversation: what its last messages name is what the speaker is likely to say next.

Pure, and no framework is imported: an adapter gives the texts of the messages, and sends the terms when they have
changed. Names are told by their capitals, so there are none in text of a script without capitals. Rare words are told
by what they are not: a common English word, or formed from one by a usual ending; so there are none in text of another
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LONGEST_CHARACTERS = 100
"""The longest key term, which is also the longest that a server takes unless it was configured otherwise."""

_LONGEST_MESSAGE = 20_000  # characters; a pasted document must not hold up the audio
_LONGEST_NAME = 4  # words; more capitals in a row are a heading
_SHORTEST_RARE = 7  # letters; most shorter words that a list of common ones lacks are common all the same

# What nobody says as it is written: code, tags, addresses, identifiers, mark-up.
_UNSPOKEN = re.compile(r"```.*?```|`[^`\n]*`|<[^<>]*>|\S*(?:://|@|www\.|[_/\\=#|~^])\S*", re.DOTALL)
# Letters, with apostrophes and hyphens between them ("O'Brien", "Jean-Luc"), and perhaps digits, which rule a word out.
_TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|\n|[^\w\s]+")
# No colon and no quotation mark: in data ("city": "Oslo") a name follows them.
_SENTENCE_ENDS = set(".!?;\u2026\n\u2013\u2014\u3002\uff01\uff1f\u00bf\u00a1*\u2022")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_PARTICLES = set("al bin da de del den der di dos du el ibn la le of san ten ter van von zu".split())
_TITLES = set(
    """
    doctor doktor dr frau herr madame miss mister mme monsieur mr mrs ms mx prof professor señor señora signora sir
    """.split()
)
_GERMAN_ARTICLES = set(
    """
    das dem den der des deren dessen die diese diesem diesen dieser dieses ein eine einem einen einer eines ihr ihre
    ihrem ihren ihrer im am beim vom zum zur kein keine keinen mein meine meinem meinen meiner sein seine seinem seinen
    unser unsere unserem unseren jede jeden jeder jedes und oder mit ohne für
    """.split()
)
_ORDINARY_ENDINGS = re.compile(
    r".{3,}(?:ly|ing|ings|ed|tion|tions|sion|sions|ment|ments|ness|able|ible|ful|less|ance|ence|ency|ity|ities|ship"
    r"|ward|wards|ious|ical|ist|where|thing|body|self|selves|times|ally|ers|ists|isms|ures|ages)"
)
_COMMON = frozenset(
    """
    a able about above absolutely accept access accident account across act action active actually add address
    advice afraid after afternoon again against age ago agree ahead air airport all almost alone along already
    alright also although always am amazing among amount an and another answer any anybody anymore anyone anything
    anyway anywhere apart apartment apologies apologise apologize apply appointment appreciate april are area aren't
    arm around arrange arrival arrive article as aside ask assist assistant at attention august aunt authority
    autumn available average avoid away awesome baby back bad bag balance bank bathroom be beautiful because bed
    bedroom before begin behind believe below beside best better between beyond big bill birthday bit black block
    blue board body book both bottle bottom box boy break breakfast brief bring brother brown budget build bus
    business busy but button buy by bye cake calendar call calm camera can can't cancel cannot car card care careful
    carry case cash cat catch category cause centre center certain certainly chair chance change charge chat cheap
    check chicken child children choice choose city class clean clear click clinic close clothes coffee cold
    colleague collect college color colour come comment common company complete computer concern condition confirm
    consider contact continue contract control conversation cool copy corner correct cost could couldn't country
    couple course cover create credit cup current currently customer cut dad daily damage dark data date daughter
    day days dead deal dear december decide deep definitely degree deliver delivery department depend desk detail
    details did didn't die difference different difficult dinner direct direction discount discuss do doctor does
    doesn't dog dollar dollars don't done door double doubt down draw dream dress drink drive driver drop dry due
    during duty each ear early earth easier easy eat economy edge effect eight eighteen eighty either eleven else
    email emergency empty end energy engine english enjoy enough enter entire entrance equal error especially euro
    euros even evening event ever every everybody everyone everything exact exactly example excellent except
    exchange excuse expect expensive experience expert explain express extra eye face fact fair fall family famous
    fantastic far fast father favorite favourite february feedback feel fifteen fifty figure file fill final finally
    find fine finish fire first fish five fix flat flight floor fly follow food foot for foreign forget form former
    forty forward four fourteen free french fresh friday friend friends from front fruit full fun function funny
    further future game garden gas general gentleman german get gift girl give glad glass go goal going gold gone
    good goodbye got government grand great green ground group grow guess guest guide guy guys had hadn't hair half
    hall hand hang happen happy hard has hasn't hat hate have haven't he he'll he's head health healthy hear heart
    heat heavy hello help helpful her here here's hers herself hey hi high him himself his hit hold holiday home
    honest hope hospital hot hotel hour hours house how how's however huge human hundred hungry hurry hurt husband i
    i'd i'll i'm i've idea if ill imagine immediate important in inch include indeed information inside instance
    instead insurance interest interesting internet into invoice is isn't issue it it'll it's item its itself
    january job join journey july june just keep key kid kids kill kind kitchen know lady land language large last
    late later laugh law lawyer lead learn least leave left leg less let let's letter level library lie life light
    like line list listen little live local location lock long longer look lose loss lot loud love low luck lunch
    machine mail main make man manager many map march mark market match matter maximum may maybe me meal mean
    measure meat medical medicine meet meeting member memory menu message middle might mile milk million mind mine
    minimum minute minutes miss mistake mobile model modern mom moment monday money month months more morning most
    mother mouth move movie much mum music must my myself name names near nearly necessary neck need neighbor
    neighbour neither never new news next nice night nine nineteen ninety no nobody noise none nonsense nor normal
    north not note nothing notice november now number numbers o'clock october of off offer office often oh ok okay
    old older on once one online only open operator opinion opposite option options or orange order ordinary other
    others our ours ourselves out outside over own package page pain paper parent parents park part particular
    partner party pass passenger passport password past patient pay payment people pepper per percent perfect
    perhaps period person personal phone photo pick picture piece place plan plane plant plate play please pleasure
    plus pocket point police policy poor popular position possible post potato pound pounds power practice prefer
    preferred prepare prescription present press pretty previous price private probably problem problems process
    product profile program project promise proper protect provide public pull purchase purpose push put quality
    quarter question questions quick quiet quite radio rain raise range rate rather reach read ready real really
    reason receipt receive recent recommend record red reduce refer refund regard regards regular relax remain
    remember remind remove rent repair repeat reply report representative request require reservation reserve rest
    restaurant result return review rich ride right ring river road room round rule run sad safe sale salt same
    saturday save say school science screen sea search season seat second seconds secretary section see seem select
    self sell send sense sentence separate september series serious serve service services set seven seventeen
    seventy several shall shape share she she'll she's ship shirt shoe shop short should shouldn't shoulder show
    shower sick side sign signal silver similar simple since sing single sir sister sit six sixteen sixty size skin
    sleep slow small smile smoke so soft soon sorry sort sound soup source south space speak speaker special
    specialist specific speed spell spend spoke sport spring square staff stage stand standard star start state
    station status stay step still stomach stone stop store storm story straight strange stranger street strong
    student study stuff subject such sugar suggest summer sun sunday super supper support suppose sure surgery
    surname surprise sweet swim switch system table take talk tall taste tax taxi tea teacher team technical
    telephone tell temperature ten term terrible test text than thank thanks that that's the their theirs them
    themselves then there there's these they they'll they're they've thick thin thing things think third thirteen
    thirty this those though thousand three through throughout thursday ticket time tired to today together tomorrow
    tonight too top topic total touch tough toward town track trade traffic train travel treat tree trip trouble
    truck true trust try tuesday turn twelve twenty twice two type uh um uncle under understand unfortunate
    university unless until up update upon upstairs us use useful user usual usually vacation value various
    vegetable vehicle verify very via view visit voice wait waiter walk wall want warm was wash wasn't watch water
    way we we'd we'll we're we've wear weather website wednesday week weekend weeks weight welcome well went were
    weren't west what what's whatever wheel when whenever where where's whether which while white who who's whoever
    whole whom whose why wide wife will wind window wine winter wish with within without woman women won't wonder
    wonderful wood word words work world worry worse worst worth would wouldn't write wrong am eur faq gbp id pin pm
    sms tv url usd yeah year years yellow yep yes yesterday yet you you'd you'll you're you've young your yours
    yourself zero zone
    """.split()
)
# Enough of them in a message, and it is English: these are written alike in few other languages.
_ENGLISH = set(
    "the and you your is are was to of for with this that have has it's i'm will would can please what how my".split()
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, or the marks between two."""

    text: str
    starts_sentence: bool

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum()

    @property
    def key(self) -> str:
        return self.text.lower().replace("\u2019", "'")

    @property
    def has_capital(self) -> bool:
        """Also inside, as in "iPhone"."""
        return self.text[0].isalpha() and self.text != self.text.lower()

    @property
    def is_title_case(self) -> bool:
        return self.text[1:] == self.text[1:].lower()


def context_keyterms(messages: Sequence[str], *, most: int) -> tuple[str, ...]:
    """The names and rare words of the last messages of a conversation, as key terms.

    Args:
        messages: Texts in the order in which they were said or written, the newest last, whoever said them.
        most: How many terms at most; those of older messages are left out first.

    Returns:
        Terms without digits of up to `LONGEST_CHARACTERS` characters, those of the newest message first, and of one
        message its names before its rare words. None appears twice, in whatever case.

    Raises:
        ValueError: `most` is negative.
    """
    if most < 0:
        raise ValueError(f"most: expected 0 or more terms, got {most}")
    texts = [list(_tokens(_speakable(message))) for message in messages]
    english = _is_english([token for tokens in texts for token in tokens])
    found: dict[str, str] = {}
    for tokens in reversed(texts):
        for term in _terms(tokens, english=english):
            if len(term) <= LONGEST_CHARACTERS:
                found.setdefault(term.casefold(), term)
    return tuple(found.values())[:most]


def with_context(keyterms: Sequence[str], context: Iterable[str], *, most: int) -> tuple[str, ...]:
    """A list of key terms for the server: all of the user's own first, then those of the conversation.

    Args:
        keyterms: The user's own.
        context: From `context_keyterms`.
        most: How many the list may have; only terms of the conversation are left out.
    """
    own = {term.casefold() for term in keyterms}
    space = max(0, most - len(keyterms))
    return (*keyterms, *[term for term in context if term.casefold() not in own][:space])


def _speakable(message: str) -> str:
    text = _UNSPOKEN.sub(" , ", message[-_LONGEST_MESSAGE:])
    if text.isascii():
        return text
    # In a script without capitals nothing tells a name, and often no space tells where a word ends.
    return "".join(letter if letter.lower() != letter.upper() or not letter.isalpha() else "," for letter in text)


def _tokens(text: str) -> Iterator[_Token]:
    starts, previous = True, ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0].isalnum():
            yield _Token(_POSSESSIVE.sub("", token), starts)
            starts = False
        else:
            yield _Token(token, starts)
            starts |= bool(_SENTENCE_ENDS & set(token)) and not _is_abbreviated(previous, token)
        previous = token


def _is_abbreviated(word: str, mark: str) -> bool:
    """Whether a full stop after this word ends no sentence: "Dr. Nowak", "J. Nowak"."""
    return mark == "." and (word.lower() in _TITLES or len(word) == 1)


def _is_english(tokens: Sequence[_Token]) -> bool:
    words = [token.key for token in tokens if token.is_word]
    return 8 * sum(word in _ENGLISH for word in words) > len(words)


def _terms(tokens: Sequence[_Token], *, english: bool) -> Iterator[str]:
    words = [token for token in tokens if token.is_word]
    shouted = sum(word.text.isupper() and len(word.text) > 1 for word in words)
    # Of text in capitals, and of text that is all in small letters, these tell nothing.
    if shouted <= max(3, len(words) // 2):
        yield from _names(tokens, english=english)
    if english:
        yield from (word.text for word in words if not word.has_capital and _is_rare(word.key))


def _names(tokens: Sequence[_Token], *, english: bool) -> Iterator[str]:
    """Words with capitals in a row, with the particles between them ("Anna van der Berg")."""
    run: list[_Token] = []
    before = ""
    for index, token in enumerate(tokens):
        if run and _is_abbreviated(run[-1].text, token.text):
            continue
        continues = bool(run) and not token.starts_sentence
        particle = token.key in _PARTICLES and _precedes_name(tokens[index + 1 : index + 3])
        if (continues and (token.has_capital or particle)) or (token.has_capital and not run):
            run.append(token)
        else:
            yield from _name(run, before, english=english)
            run = [token] if token.has_capital else []
        if len(run) == 1:
            before = tokens[index - 1].text if index else ""
    yield from _name(run, before, english=english)


def _precedes_name(following: Sequence[_Token]) -> bool:
    names = [token for token in following if token.key not in _PARTICLES]
    return bool(names) and names[0].has_capital


def _name(run: Sequence[_Token], before: str, *, english: bool) -> Iterator[str]:
    words = list(run)
    # "Hello Anna", "Doctor Nowak": the first word of a sentence has a capital anyway, and titles help nobody.
    while words and (words[0].key in _TITLES or (words[0].starts_sentence and _is_ordinary(words[0].key))):
        before = words.pop(0).text
    while words and (words[-1].key in _PARTICLES or any(letter.isdigit() for letter in words[-1].text)):
        words.pop()
    if len(words) == 1:
        alone = words[0]
        # In other languages than English it is unknown whether the first word of a sentence is an ordinary one.
        unknown = not english and alone.is_title_case and alone.starts_sentence
        if unknown or _is_common(alone.key) or before.lower() in _GERMAN_ARTICLES:
            return
    name = " ".join(word.text for word in words).replace("\u2019", "'")
    if 0 < len(words) <= _LONGEST_NAME and len(name) > 1 and not any(letter.isdigit() for letter in name):
        yield name


def _is_ordinary(word: str) -> bool:
    return _is_common(word) or word in _PARTICLES or bool(_ORDINARY_ENDINGS.fullmatch(word))


def _is_common(word: str) -> bool:
    """Whether it is a common English word, or the usual form of one."""
    stems = {word, *(word.removesuffix(ending) for ending in ("s", "es", "d", "r", "er", "est"))}
    return not stems.isdisjoint(_COMMON) or word.removesuffix("ies") + "y" in _COMMON


def _is_rare(word: str) -> bool:
    parts = word.split("-")
    letters = "".join(parts)
    if len(letters) < _SHORTEST_RARE or not letters.isalpha():
        return False
    return not (any(map(_is_common, parts)) or _is_common(letters.removeprefix("re")) or _is_ordinary(letters))
