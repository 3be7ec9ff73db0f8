"""The numbers of the cases are those of the table in docs/gateways.md, "Canonical rule and cases"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.identity import Identity, e164, identify, possible_duplicates, show, typed

ANY_TEXT = st.text(st.characters(exclude_categories=()))
LOOKS_LIKE_AN_ADDRESS = (
    st.from_regex(r"\A\+?[0-9 ()\-]{1,22}\Z")
    | st.from_regex(r"\A(52|521|55|54|549)?[0-9]{8,12}\Z")
    | st.from_regex(r"\A[0-9]{1,22}(:[0-9]{1,3})?@(c\.us|s\.whatsapp\.net|lid|g\.us)\Z")
    | st.from_regex(r"\A[A-Z]{2}\.[A-Za-z0-9]{1,20}\Z")
    | st.from_regex(r"\A@[A-Za-z0-9._]{2,36}\Z")
)
REGIONS = st.sampled_from([None, "MX", "AR", "BR", "US", "XX", ""])


SEEN = [
    pytest.param("5214772758198", "+524772758198", "5214772758198", id="01-mexico-registered-before-2019"),
    pytest.param("524772758198", "+524772758198", "524772758198", id="02-mexico-registered-since"),
    pytest.param("5214772758198@c.us", "+524772758198", "5214772758198", id="06-waha-jid"),
    pytest.param("5214772758198@s.whatsapp.net", "+524772758198", "5214772758198", id="07-evolution-jid"),
    pytest.param("5214772758198:12@s.whatsapp.net", "+524772758198", "5214772758198", id="07-with-device"),
    pytest.param("521512345678", "+521512345678", "521512345678", id="08-area-code-15-is-not-an-old-mobile"),
    pytest.param("5215512345678", "+525512345678", "5215512345678", id="09-mexico-city-old"),
    pytest.param("525512345678", "+525512345678", "525512345678", id="09-mexico-city-new"),
    pytest.param("5491112345678", "+5491112345678", "5491112345678", id="10-argentina-mobile"),
    pytest.param("541112345678", "+541112345678", "541112345678", id="12-argentina-landline"),
    pytest.param("5541988887777", "+5541988887777", "5541988887777", id="14-brazil-ddd41-with-9"),
    pytest.param("554188887777", "+5541988887777", "554188887777", id="14-brazil-ddd41-without-9"),
    pytest.param("5511987654321", "+5511987654321", "5511987654321", id="15-brazil-ddd11-with-9"),
    pytest.param("551187654321@c.us", "+5511987654321", "551187654321", id="15-brazil-ddd11-without-9"),
    pytest.param("554132345678", "+554132345678", "554132345678", id="16-brazil-landline"),
    pytest.param("5541932345678", "+5541932345678", "5541932345678", id="17-brazil-mobile-like-the-landline"),
    pytest.param("4900404621592", "+49404621592", "49404621592", id="national-prefixes-left-in"),
    pytest.param("447700900123", "+447700900123", "447700900123", id="20-united-kingdom"),
    pytest.param("14155550123", "+14155550123", "14155550123", id="20-united-states"),
]


@pytest.mark.parametrize(("raw", "key", "address"), SEEN)
def test_a_seen_number_is_matched_canonically_and_answered_as_seen(raw: str, key: str, address: str) -> None:
    assert identify(raw) == Identity("phone", key, address)


TYPED = [
    pytest.param("+5214772758198", None, "+524772758198", id="03-the-seed's-number"),
    pytest.param("+52 1 477 275 8198", None, "+524772758198", id="04-grouped"),
    pytest.param("52 477 275 8198", None, "+524772758198", id="04-without-plus"),
    pytest.param("4772758198", "MX", "+524772758198", id="04-national"),
    pytest.param("52 477 275 8198", "MX", "+524772758198", id="04-international-with-a-region-set"),
    pytest.param("(477) 275-8198", "MX", "+524772758198", id="04-national-with-brackets"),
    pytest.param("\u202a+52\u00a01\u00a0477\u00a0275\u20118198\u202c", None, "+524772758198", id="04-copied"),
    pytest.param("044 477 275 8198", "MX", "+524772758198", id="05-044"),
    pytest.param("045 477 275 8198", "MX", "+524772758198", id="05-045"),
    pytest.param("01 477 275 8198", "MX", "+524772758198", id="05-01"),
    pytest.param("+54 11 15 1234 5678", None, "+5491112345678", id="11-argentina-15"),
    pytest.param("011 15 1234-5678", "AR", "+5491112345678", id="11-argentina-national"),
    pytest.param("+541112345678", None, "+541112345678", id="12-argentina-landline"),
    pytest.param("0052 1 477 275 8198", "MX", "+524772758198", id="international-prefix"),
]


@pytest.mark.parametrize(("raw", "region", "key"), TYPED)
def test_a_typed_number_is_sent_to_in_canonical_digits(raw: str, region: str | None, key: str) -> None:
    assert typed(raw, region) == Identity("phone", key, key[1:])


NOBODY = [
    pytest.param("549", id="13-partial-argentina"),
    pytest.param("55", id="13-partial-brazil"),
    pytest.param("52", id="13-partial-mexico"),
    pytest.param("+52", id="13-partial-with-plus"),
    pytest.param("52477275", id="13-partial-mobile"),
    pytest.param("120363025246125486@g.us", id="21-group"),
    pytest.param("5214772758198-1399999999@g.us", id="21-old-group"),
    pytest.param("status@broadcast", id="21-status"),
    pytest.param("5214772758198@broadcast", id="21-broadcast-list"),
    pytest.param("120363144038483540@newsletter", id="21-newsletter"),
    pytest.param("0@c.us", id="WhatsApp-itself"),
    pytest.param("", id="empty"),
    pytest.param("   ", id="blank"),
    pytest.param("no sé", id="words"),
    pytest.param("4772758198 ext. 5", id="extension"),
    pytest.param("٥٢٤٧٧٢٧٥٨١٩٨", id="digits-of-another-script"),
    pytest.param("5" * 5000, id="endless"),
    pytest.param("+521477275819800", id="too-long-for-a-phone"),
]


@pytest.mark.parametrize("raw", NOBODY)
def test_what_is_no_person_is_none(raw: str) -> None:
    assert identify(raw) is None


def test_national_digits_without_a_region_are_never_guessed_to_be_mexican() -> None:
    identity = typed("4772758198")
    assert identity is None or identity.key != "+524772758198"


def test_18_a_lid_is_matched_and_answered_as_it_is() -> None:
    assert identify("123456789@lid") == Identity("lid", "123456789@lid", "123456789@lid")


def test_18_a_lid_with_a_device_is_the_same_lid() -> None:
    assert identify("123456789:3@lid") == identify("123456789@lid")


def test_19_a_bsuid_is_matched_and_answered_as_it_is() -> None:
    assert identify("MX.13491208655302741918") == Identity("bsuid", *["MX.13491208655302741918"] * 2)


def test_19_a_parent_bsuid_too() -> None:
    assert identify("MX.ENT.11815799212886844830") == Identity("bsuid", *["MX.ENT.11815799212886844830"] * 2)


@pytest.mark.parametrize("raw", ["@ana", "@Ana", " @ANA ", "@ana.lopez_1", "@" + "a" * 35])
def test_a_username_is_matched_without_case_and_never_sent_to(raw: str) -> None:
    identity = identify(raw)
    assert identity and (identity.kind, identity.sendable) == ("username", False)
    assert identity.key == raw.strip().lower() == show(identity.address)
    assert typed(raw) == identity


@pytest.mark.parametrize("raw", ["@", "@an", "@123", "@...", "ana", "@ana lopez", "@ána", "@" + "a" * 36, "ana@lid"])
def test_what_cannot_be_a_username_is_none(raw: str) -> None:
    assert identify(raw) is None


def test_a_bsuid_longer_than_meta_makes_them_is_none() -> None:
    assert identify("MX." + "1" * 129) is None


def test_a_number_too_long_for_any_country_is_a_lid_in_disguise() -> None:
    assert identify("200532109876543@s.whatsapp.net") == Identity("lid", *["200532109876543@lid"] * 2)


def test_a_lid_in_disguise_is_not_something_to_type() -> None:
    assert typed("200532109876543") is None


def test_a_typed_address_is_kept_as_written() -> None:
    assert typed("5214772758198@c.us") == Identity("phone", "+524772758198", "5214772758198")


def test_17_the_mobile_does_not_match_the_landline() -> None:
    mobile, landline = identify("5541932345678"), identify("554132345678")
    assert mobile and landline and mobile.key != landline.key


@pytest.mark.parametrize(("key", "other"), [("+541112345678", "+5491112345678"), ("+5491112345678", "+541112345678")])
def test_12_argentine_mobile_and_landline_are_suggested_duplicates(key: str, other: str) -> None:
    assert possible_duplicates(key) == [other]


@pytest.mark.parametrize("key", ["+524772758198", "123456789@lid", "MX.1349", "+54911", ""])
def test_nobody_else_is_suggested(key: str) -> None:
    assert possible_duplicates(key) == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("5214772758198", "+52 1 477 275 8198"),
        ("524772758198", "+52 477 275 8198"),
        ("14155550123", "+1 415-555-0123"),
        ("200532109871234@lid", "sin número (WhatsApp …1234)"),
        ("MX.13491208655302741918", "sin número (WhatsApp …1918)"),
        ("999", "+999"),
        ("@ana", "@ana"),
    ],
)
def test_an_address_is_shown_for_people_to_read(address: str, shown: str) -> None:
    assert show(address) == shown


@pytest.mark.parametrize(
    ("address", "written"),
    [("5214772758198", "+5214772758198"), ("123456789@lid", "123456789@lid"), ("MX.1349", "MX.1349")],
)
def test_e164_is_the_address_exactly_as_seen(address: str, written: str) -> None:
    assert e164(address) == written


@given(ANY_TEXT | LOOKS_LIKE_AN_ADDRESS, REGIONS)
def test_no_text_raises(raw: str, region: str | None) -> None:
    for identity in (identify(raw, region), typed(raw, region)):
        if identity:
            show(identity.address)
            e164(identity.address)
            possible_duplicates(identity.key)


@given(ANY_TEXT | LOOKS_LIKE_AN_ADDRESS, REGIONS)
def test_an_address_identifies_the_same_person_again(raw: str, region: str | None) -> None:
    identity = identify(raw, region)
    if identity:
        again = identify(identity.address)
        assert again and again.key == identity.key


@given(LOOKS_LIKE_AN_ADDRESS, REGIONS)
def test_a_key_identifies_itself(raw: str, region: str | None) -> None:
    identity = identify(raw, region)
    if identity:
        again = identify(identity.key)
        assert again and again.key == identity.key
