from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("five dollars", "$5"),
        ("One dollar.", "$1."),
        ("a dollar", "a dollar"),
        ("a hundred dollars", "$100"),
        ("a five dollar bill", "a $5 bill"),
        ("five dollars and twenty cents", "$5.20"),
        ("five dollars five cents", "$5.05"),
        ("five dollars and two tickets", "$5 and two tickets"),
        ("three point five dollars", "$3.50"),
        ("fifteen hundred dollars", "$1,500"),
        ("two million dollars", "$2 million"),
        ("three point five million euros", "€3.5 million"),
        ("five cents", "5 cents"),
        ("half a million dollars", "half a million dollars"),
        ("five pounds", "5 pounds"),
        ("one pound", "one pound"),
        ("five pounds and fifty pence", "£5.50"),
        ("twenty pounds sterling", "£20"),
        ("two thousand yen", "¥2,000"),
        ("fifty percent", "50%"),
        ("two point five per cent", "2.5%"),
        ("five kilometers", "5 kilometers"),
        ("five, dollars", "five, dollars"),
    ],
)
def test_amounts(said: str, written: str) -> None:
    assert Formatter("smart").text(said) == written
