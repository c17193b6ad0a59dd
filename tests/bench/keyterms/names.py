"""Names that the demo model has never been told, the sentences that carry them, and names that nobody says.

Two sets without anything in common: one to choose the bonus by, one to report on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo_model.texts import english_words
from demo_model.texts.sentences import normalise


@dataclass(frozen=True)
class Names:
    """Key terms by what they name, and sentences with a gap for each kind."""

    people: tuple[str, ...]
    companies: tuple[str, ...]
    medicines: tuple[str, ...]
    places: tuple[str, ...]
    carriers: dict[str, tuple[str, ...]]

    @property
    def all(self) -> tuple[str, ...]:
        """Every term."""
        return self.people + self.companies + self.medicines + self.places

    def spoken(self, rng: random.Random, count: int) -> list[tuple[str, str]]:
        """Terms, each about equally often, and a sentence that holds each."""
        kinds = [(name, kind) for kind in self.carriers for name in getattr(self, kind)]
        rng.shuffle(kinds)
        chosen = [kinds[index % len(kinds)] for index in range(count)]
        return [(name, rng.choice(self.carriers[kind]).format(name)) for name, kind in chosen]


REPORTED = Names(
    people=(
        "Harrison", "Robertson", "Morrison", "Emerson", "Larson", "Winston", "Blackwood", "Whitman", "Fairbanks",
        "Stanton", "Goodwin", "Hartman", "Marlowe", "Delgado", "Petrov", "Tanaka", "Romano", "Valentina", "Kovalenko",
        "Katarina", "Lindgren", "Mendoza", "Castillo", "Navarro", "Marina Delfino", "Tobias Winkler",
    ),
    companies=(
        "Brookfield", "Silverline", "Greenlight", "Stonebridge", "Bluestone", "Cardwell", "Westwind", "Homestead",
        "Payright", "Starpoint", "Zendara", "Novalink", "Orbitus", "Tamarind Systems", "Red Falcon Logistics",
    ),
    medicines=("Metoprolol", "Gabapentin", "Sertraline", "Loratadine", "Omeprazole", "Ramipril"),
    places=(
        "Springfield", "Newport", "Eastbourne", "Riverton", "Lakewood", "Kingston", "Clearwater", "Sacramento",
        "Pasadena", "Nairobi", "Casablanca", "Montevideo", "Santa Fermina",
    ),
    carriers={
        "people": ("My name is {}.", "This is {} speaking.", "May I speak to {}, please?", "Please call {} on Monday.",
                   "I have a meeting with {} tomorrow morning.", "Could you move my appointment with {} to Friday?",
                   "I booked a room under the name {}.", "{} sent me an email last week."),
        "companies": ("I work for {} as an engineer.", "I have a question about my contract with {}.",
                      "Hello, this is Peter Baker from {}.", "Who is the manager of {}?", "{} charged me twice.",
                      "I bought this phone from {} two weeks ago."),
        "medicines": ("I take {} every morning.", "The doctor gave me {} for the pain.",
                      "Can I get more {} at the pharmacy?", "Is it safe to take {} with coffee?"),
        "places": ("I'd like to fly to {} on Sunday.", "What time does the last train to {} leave?",
                   "How is the weather in {} today?", "We are moving to {} in October."),
    },
)  # fmt: skip

TUNED = Names(
    people=(
        "Nicholson", "Ellison", "Carlton", "Underwood", "Hartwell", "Benson", "Freeman", "Thornton", "Sherwood",
        "Moretti", "Ivanov", "Kowalski", "Caruso", "Valeria", "Matteo", "Dominika", "Montoya", "Lorenzo",
        "Ramona Keller", "Felix Brandt",
    ),
    companies=(
        "Northgate", "Goldleaf", "Sendwell", "Fastlane", "Blueprint", "Longview", "Comtrax", "Melodia", "Pentacore",
        "Blue Heron Analytics", "Ventura Labs",
    ),
    medicines=("Lisinopril", "Amoxicillin", "Ibuprofen", "Warfarin"),
    places=("Fairview", "Woodstock", "Milton", "Norwood", "Bridgeport", "Nebraska", "Palermo", "Havana", "Santander",
            "Dakota Springs"),
    carriers={
        "people": ("I am looking for {}.", "Is {} in the office today?", "My doctor is called {}.",
                   "{} will be there at seven.", "Send the letter to {}, please."),
        "companies": ("I have an account with {}.", "My new job is at {}.", "The order came from {} yesterday.",
                      "{} is closed on Sunday."),
        "medicines": ("How much {} should I take?", "I am allergic to {}.", "I need {} for my back."),
        "places": ("The hotel is in {}.", "My sister lives in {}.", "A ticket to {}, please."),
    },
)  # fmt: skip

_STARTS = ("b", "br", "c", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v",
           "w", "z")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo")
_ENDS = ("n", "r", "l", "s", "t", "nd", "x", "m", "k", "")


def distractors(count: int, seed: int = 5) -> tuple[str, ...]:
    """Names that nobody says: made of syllables."""
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        syllables = [rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4))]
        made["".join(syllables).capitalize() + rng.choice(_ENDS)] = None
    return tuple(made)


def known_words() -> frozenset[str]:
    """All words of the demo model's training text that its lists hold, lower-cased."""
    lists = [value for value in vars(english_words).values() if isinstance(value, tuple)]
    phrases = (phrase for each in lists for phrase in each if isinstance(phrase, str))
    return frozenset(word for phrase in phrases for word in normalise(phrase).split())
