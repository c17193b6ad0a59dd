"""Money, percentages and measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auricle_server.text.formatting.numbers import NUMBER_STARTS
from auricle_server.text.formatting.quantities import Quantity, read_quantity, read_small, word_at
from auricle_server.text.formatting.spoken_text import SpokenText, Written

_CURRENCIES: Final = {
    **dict.fromkeys(("dollar", "dollars"), "$"),
    **dict.fromkeys(("euro", "euros"), "€"),
    **dict.fromkeys(("rupee", "rupees"), "₹"),
    "yen": "¥",
}
_POUNDS: Final = frozenset({"pound", "pounds"})
"""Also a weight: money only before "sterling" or pence."""
_CENTS: Final = frozenset({"cent", "cents"})
_PENCE: Final = frozenset({"pence", "p"})
_MEASURES: Final = frozenset(
    "cents pence pounds degrees kilometers kilometres kilometer kilometre meters metres miles mile feet inches inch "
    "centimeters centimetres millimeters millimetres kilograms kilos kilogram grams gram ounces ounce liters litres "
    "gallons megabytes gigabytes terabytes megabyte gigabyte terabyte kilobytes megahertz gigahertz watts kilowatts "
    "volts milligrams milliliters millilitres milliseconds megapixels percentage".split()
)
"""Before these, even a small number is written in digits."""
_LEAST_MONEY_WITH_COMMAS: Final = 1_000


def amounts(spoken: SpokenText, at: int) -> Sequence[Written]:
    """A `Rule`: "five dollars and ten cents" is "$5.10", "two million euros" is "€2 million"."""
    if spoken.lower(at) not in NUMBER_STARTS and not spoken.lower(at)[:1].isdecimal():
        return ()
    run = spoken.run(at)
    quantity = read_quantity(run)
    if quantity is None or (run[0] == "a" and spoken.before(at) == "half"):
        return ()  # "half a million dollars"
    return _priced(run, quantity) or _measured(run, quantity)


def _priced(run: Sequence[str], quantity: Quantity) -> Sequence[Written]:
    unit = word_at(run, quantity.taken)
    if unit in _CURRENCIES:
        return _money(run, quantity, _CURRENCIES[unit], _CENTS)
    if unit in _POUNDS and _is_sterling(run, quantity.taken + 1):
        return _money(run, quantity, "£", _PENCE)
    return ()


def _measured(run: Sequence[str], quantity: Quantity) -> Sequence[Written]:
    unit = word_at(run, quantity.taken)
    if not quantity.scale and (unit == "percent" or run[quantity.taken : quantity.taken + 2] == ["per", "cent"]):
        return (Written(f"{quantity.grouped()}%", quantity.taken + (1 if unit == "percent" else 2)),)
    if unit in _MEASURES and quantity.is_small:
        return (Written(quantity.number, quantity.taken),)
    return ()


def _is_sterling(run: Sequence[str], at: int) -> bool:
    return word_at(run, at) == "sterling" or _fraction(run, at, _PENCE) is not None


def _money(run: Sequence[str], quantity: Quantity, symbol: str, cents: frozenset[str]) -> Sequence[Written]:
    amount, past = f"{symbol}{quantity.grouped(_LEAST_MONEY_WITH_COMMAS)}", quantity.taken + 1
    if quantity.scale:
        return Written(amount, quantity.tokens), Written(quantity.scale, 2)
    whole, point, decimals = amount.partition(".")
    fraction = None if point else _fraction(run, past, cents)
    if fraction is not None:
        return (Written(f"{amount}.{fraction[0]:02d}", past + fraction[1]),)
    sterling = word_at(run, past) == "sterling"
    return (Written(f"{whole}.{decimals:0<2}" if point else amount, past + sterling),)


def _fraction(run: Sequence[str], at: int, cents: frozenset[str]) -> tuple[int, int] | None:
    """The cents from `at` on, and how many tokens they take; None without any."""
    joined = word_at(run, at) == "and"
    number = read_small(run[at + joined :], 1, 99)
    if number is None or word_at(run, at + joined + number[1]) not in cents:
        return None
    return number[0], joined + number[1] + 1
