"""Sealing how a reporter can be reached: AES-GCM under a key that the operator keeps."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from types import MappingProxyType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from geo.errors import ConflictError, InputError, NotFoundError

KEY_BYTES = 32
NONCE_BYTES = 12
LONGEST = 200  # characters of a name, a number, a wish


@dataclass(frozen=True)
class Contact:
    """How a reporter can be reached, as they gave it; every part may be left out.

    Attributes
    ----------
    wish
        When and how they want to be called.
    """

    name: str = ""
    phone: str = ""
    wish: str = ""

    def __post_init__(self) -> None:
        """Refuse what is empty or too long."""
        values = (self.name, self.phone, self.wish)
        if not any(value.strip() for value in values):
            raise InputError("a contact needs a name or a telephone number", code="no-contact-way")
        if any(len(value) > LONGEST for value in values):
            raise InputError(
                f"a part of a contact is longer than {LONGEST} characters", code="contact-long"
            )


@dataclass(frozen=True)
class Keys:
    """The key that seals, and older ones that open what was sealed before.

    Attributes
    ----------
    key_id
        Of the key that seals: the first digits of its SHA-256.
    by_id
        Every key by its id.
    """

    key_id: str
    by_id: Mapping[str, bytes]


def make_key() -> str:
    """Return a new key as text, for ``GRIDBEAT_CONTACT_KEY``."""
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_keys(key: str, *older: str) -> Keys:
    """Return keys from their text.

    Raises
    ------
    InputError
        One is not 32 bytes of base64, or is no key that anybody drew at random.
    """
    raw = [_read_key(text) for text in (key, *older)]
    by_id = {_id_of(one): one for one in raw}
    return Keys(_id_of(raw[0]), MappingProxyType(by_id))


def _read_key(text: str) -> bytes:
    try:
        raw = urlsafe_b64decode(text.strip().encode())
    except (Base64Error, ValueError, UnicodeEncodeError) as error:
        raise InputError(_BAD_KEY, code="bad-key") from error
    if len(raw) != KEY_BYTES or len(set(raw)) < KEY_BYTES // 4:
        raise InputError(_BAD_KEY, code="bad-key")
    return raw


_BAD_KEY = (
    "GRIDBEAT_CONTACT_KEY is not a key of 32 random bytes in base64: make one with "
    "`gridbeat contacts key` and keep it apart from the database's backups"
)


def _id_of(key: bytes) -> str:
    return sha256(b"gridbeat contact key:" + key).hexdigest()[:12]


def seal(contact: Contact, report_id: UUID, keys: Keys) -> bytes:
    """Return a contact sealed for one report: it opens for no other report.

    References
    ----------
    NIST SP 800-38D (2007), Galois/Counter Mode; a 96-bit random nonce each.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = json.dumps(asdict(contact), ensure_ascii=False, sort_keys=True).encode()
    sealed = AESGCM(keys.by_id[keys.key_id]).encrypt(nonce, text, _bound(report_id, keys.key_id))
    return nonce + sealed


def unseal(sealed: bytes, report_id: UUID, key_id: str, keys: Keys) -> Contact:
    """Return what was sealed.

    Raises
    ------
    NotFoundError
        The key that sealed it is not among `keys`.
    ConflictError
        It was changed, or belongs to another report.
    """
    key = keys.by_id.get(key_id)
    if key is None:
        msg = (
            f"the contact of report {report_id} was sealed with key {key_id}, which is not here: "
            "name it in GRIDBEAT_CONTACT_OLD_KEYS"
        )
        raise NotFoundError(msg, code="old-key-missing")
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        text = AESGCM(key).decrypt(nonce, rest, _bound(report_id, key_id))
    except InvalidTag as error:
        msg = f"the contact of report {report_id} does not open: it was changed since it was sealed"
        raise ConflictError(msg, code="contact-changed") from error
    return Contact(**json.loads(text))


def _bound(report_id: UUID, key_id: str) -> bytes:
    return report_id.bytes + key_id.encode()
