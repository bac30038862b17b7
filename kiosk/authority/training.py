"""Whether an authority is one for training: a property that its own certificate carries, signed, not a setting."""

from cryptography import x509

from kiosk.authority.verification import asserted_policies
from kiosk.model.policy import Policy


def is_training(authority: x509.Certificate, policy: Policy) -> bool:
    """True when the authority's certificate asserts a test policy of this profile."""
    return not asserted_policies(authority).isdisjoint(rules.test_policy_oid for rules in policy.certificates)
