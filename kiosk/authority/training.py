"""Whether an authority is one for training: a property that its own certificate carries, signed, not a setting."""

from cryptography import x509

from kiosk.model.policy import Policy


def is_training(authority: x509.Certificate, policy: Policy) -> bool:
    """True when the authority's certificate asserts a test policy of this profile."""
    try:
        asserted = authority.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return False
    test_oids = {rules.test_policy_oid for rules in policy.certificates}
    return any(information.policy_identifier.dotted_string in test_oids for information in asserted)
