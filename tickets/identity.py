"""Who a WhatsApp address is: one key to match on, one address to send to.

WhatsApp keeps accounts as they were registered, so the same Mexican mobile may be seen as 521… or 52…, a Brazilian one
with or without its 9. They are matched by `key`; an answer always goes to `address`, the form the gateway showed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumberFormat


@dataclass(frozen=True)
class Identity:
    """Matched on `key`: "+524772758198", "123@lid", a BSUID or "@ana". Sent to at `address`, as seen.

    A username changes hands: it is matched on, and never sent to.
    """

    kind: Literal["phone", "lid", "bsuid", "username"]
    key: str
    address: str

    @property
    def sendable(self) -> bool:
        return self.kind != "username"


_JID = re.compile(r"([0-9]{1,20})(?::[0-9]{1,5})?@(c\.us|s\.whatsapp\.net|lid)")  # ":12" is the device that wrote
# https://developers.facebook.com/docs/whatsapp/business-scoped-user-ids: <CC>.<at most 128 letters and digits>
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
# https://faq.whatsapp.com: 3 to 35 letters, digits, points and underscores, with a letter among them.
_USERNAME = re.compile(r"@(?=[0-9._]*[a-z])[a-z0-9._]{3,35}")
_NUMBER = re.compile(r"\+?[0-9 ().\-/]+")
_LONGEST = 200

# WhatsApp FAQ 1294841057948784 and waha.devlike.pro/docs/apps/phone-numbers-mexico: before 2019 Mexican mobiles
# took a 1 after 52. Thirteen digits only: 5215… with twelve is area code 15….
_MX_OLD_MOBILE = re.compile(r"521([0-9]{10})")
_MX_TRUNK = re.compile(r"(?:044|045|01)([0-9]{10})")
# Brazilian mobiles without their ninth digit; local numbers that begin 2 to 5 are landlines and never take one.
_BR_OLD_MOBILE = re.compile(r"55([1-9]{2})([6-9][0-9]{7})")
_AR_MOBILE = re.compile(r"\+549([0-9]{10})")
_AR_LANDLINE = re.compile(r"\+54([0-9]{10})")
_LID_DIGITS = 14  # a "number" this long that fits no country plan is a LID whose suffix a bridge rewrote


def identify(raw: str, region: str | None = None) -> Identity | None:
    """Read an address as a gateway tells it, or as a person writes it.

    `region` ("MX") is what national numbers belong to. It comes from a setting, never from a guess, and only for
    what a person typed: a gateway's digits are always international. None for what is nobody's address: a partial
    number, garbage, a group, a newsletter, a broadcast. Never raises.
    """
    if not isinstance(raw, str) or len(raw) > _LONGEST:
        return None
    text = _tidy(raw)
    if _BSUID.fullmatch(text):
        return Identity("bsuid", text, text)
    if _USERNAME.fullmatch(name := text.lower()):
        return Identity("username", name, name)
    if jid := _JID.fullmatch(text):
        digits, server = jid.groups()
        return _lid(digits) if server == "lid" else _international(digits) or _disguised_lid(digits)
    if not _NUMBER.fullmatch(text):
        return None
    digits = re.sub("[^0-9]", "", text)
    if text.startswith("+"):
        return _international(digits)
    if text.startswith("00"):  # no country code begins with 0, so this is the dialled form of +
        return _international(digits[2:])
    return (_national(digits, region) if region else None) or _international(digits) or _disguised_lid(digits)


def typed(raw: str, region: str | None = None) -> Identity | None:
    """Read a number that a person typed: like `identify`, but sent to in its canonical digits.

    What somebody types says nothing about how the account was registered. A caller that has seen the person's
    address (same `key`) uses that one instead. A full address with "@" is kept as it is.
    """
    identity = identify(raw, region)
    if identity is None or identity.kind == "bsuid" or "@" in raw:
        return identity
    return replace(identity, address=identity.key[1:]) if identity.kind == "phone" else None


def possible_duplicates(key: str) -> list[str]:
    """The keys that may be the same person as `key`: for a person to judge, never to merge by itself.

    Argentina's 549… is the mobile and 54… the landline of the same digits, which may be somebody else.
    """
    if mobile := _AR_MOBILE.fullmatch(key):
        return ["+54" + mobile[1]]
    if landline := _AR_LANDLINE.fullmatch(key):
        return ["+549" + landline[1]]
    return []


@lru_cache(10_000)
def show(address: str) -> str:
    """An address for people to read: "+52 1 477 275 8198", "@ana", or else "sin número (WhatsApp …1234)"."""
    if address.startswith("@"):
        return address
    if not is_phone(address):
        tail = re.sub(r"@lid\Z", "", address)[-4:]
        return f"sin número (WhatsApp …{tail})"
    if old := _MX_OLD_MOBILE.fullmatch(address):
        return _grouped("52" + old[1]).replace("+52 ", "+52 1 ", 1)
    return _grouped(address)


def e164(address: str) -> str:
    """An address for programs to read: "+5214772758198", exactly as seen; a LID or a BSUID is itself."""
    return "+" + address if is_phone(address) else address


def is_phone(address: str) -> bool:
    """Whether an `address` is a phone's: digits alone."""
    return re.fullmatch("[0-9]+", address) is not None


def _tidy(raw: str) -> str:
    # Numbers copied out of WhatsApp come wrapped in invisible direction marks, with non-breaking spaces and hyphens.
    text = "".join(c for c in unicodedata.normalize("NFKC", raw) if unicodedata.category(c) != "Cf")
    return re.sub(r"[\u2010-\u2015\u2212]", "-", re.sub(r"\s+", " ", text)).strip()


def _lid(digits: str) -> Identity:
    return Identity("lid", f"{digits}@lid", f"{digits}@lid")


def _disguised_lid(digits: str) -> Identity | None:
    return _lid(digits) if _LID_DIGITS <= len(digits) <= 20 else None


def _international(digits: str) -> Identity | None:
    """A phone from the digits of a whole international number, or None when no country has such numbers."""
    ours = canonical = _rewritten(digits)
    for _ in range(4):  # a national prefix (0, 15) left in it may hide another one; a key has to identify itself
        found = _canonical("+" + canonical, None)
        if found is None:
            return None
        if found == canonical:
            return Identity("phone", "+" + canonical, digits if canonical == ours else canonical)
        canonical = found
    return None


def _national(digits: str, region: str) -> Identity | None:
    if region == "MX":  # phonenumbers no longer strips Mexico's old prefixes
        trunk = _MX_TRUNK.fullmatch(digits)
        digits = trunk[1] if trunk else digits
    canonical = _canonical(digits, region)
    return _international(canonical) if canonical else None


def _canonical(text: str, region: str | None) -> str | None:
    """The E.164 digits of `text`, or None. With a region it must be valid there; without, of a possible length."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    fits = phonenumbers.is_valid_number(number) if region else phonenumbers.is_possible_number(number)
    return _rewritten(phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]) if fits else None


def _rewritten(digits: str) -> str:
    """Mexican and Brazilian mobiles in their present form: phonenumbers calls the old ones invalid."""
    if mexican := _MX_OLD_MOBILE.fullmatch(digits):
        return "52" + mexican[1]
    if brazilian := _BR_OLD_MOBILE.fullmatch(digits):
        return f"55{brazilian[1]}9{brazilian[2]}"
    return digits


def _grouped(digits: str) -> str:
    try:
        return phonenumbers.format_number(phonenumbers.parse("+" + digits), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return "+" + digits
