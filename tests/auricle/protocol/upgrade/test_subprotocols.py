"""What a client says with subprotocols."""

from __future__ import annotations

import pytest

from auricle.protocol.subprotocols import SubprotocolOffer


@pytest.mark.parametrize(
    ("values", "offer"),
    [
        ([], SubprotocolOffer()),
        ([""], SubprotocolOffer()),
        (["auricle.v2, auricle.token.secret"], SubprotocolOffer()),  # means nothing without the protocol itself
        (["token, secret"], SubprotocolOffer()),
        (["auricle.v1"], SubprotocolOffer(native=True)),
        (["auricle.v1,auricle.token.a.b-c_d"], SubprotocolOffer(native=True, token="a.b-c_d")),
        (["auricle.v1, auricle.token.one, auricle.token.two"], SubprotocolOffer(native=True, token="one")),
        (["auricle.token.one", " auricle.v1 "], SubprotocolOffer(native=True, token="one")),
        (["auricle.v1", "auricle.resume.0.x-Y_z.12"], SubprotocolOffer(native=True, resume="0.x-Y_z 12")),
        (["auricle.v1, auricle.resume."], SubprotocolOffer(native=True, resume="")),
        (["auricle.v1, auricle.resume.alone"], SubprotocolOffer(native=True, resume="alone")),
        (["auricle.v1, auricle.refusals"], SubprotocolOffer(native=True, explains=True)),
        (["AURICLE.V1, auricle.refusals"], SubprotocolOffer()),  # RFC 6455, section 4.1: names are compared as they are
    ],
)
def test_an_offer_is_read(values: list[str], offer: SubprotocolOffer) -> None:
    assert SubprotocolOffer.of(values) == offer


def test_a_secret_is_never_the_answer() -> None:
    offer = SubprotocolOffer.of(["auricle.token.secret, auricle.v1, auricle.resume.secret.1"])
    assert offer.subprotocol == "auricle.v1"
    assert SubprotocolOffer.of(["auricle.token.secret"]).subprotocol == ""
