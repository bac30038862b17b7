"""Documents by which a clerk checks an identity (本人確認書類)."""

from enum import StrEnum


class IdentityDocument(StrEnum):
    """Photo documents of a public office that allow issuance on the same day (route D1)."""

    DRIVING_LICENCE = "driving_licence"
    PASSPORT = "passport"
    PHOTO_CARD = "photo_card"
    """The resident's own card with a photograph (写真付住民基本台帳カード); then no other document is needed."""
