"""Names inside certificates, as data."""

SERVICE = "公的個人認証サービス"
"""Organisation in the issuer's alternative name."""

ISSUER_TITLE = {"governor": "知事", "mayor": "長"}
"""What follows the name of the prefecture or the municipality whose head issues."""

ORGANISATION = {True: "JPKI-TEST", False: "JPKI"}
"""Organisation of every name, by whether the authority is for training."""

UNIT = "JPKI for digital signature"
DISTRIBUTION_POINTS = "CRL Distribution Points"

TRAINING_NOTICE = "TRAINING - not a resident's certificate"
"""What a certificate of the plain profile says of itself."""
