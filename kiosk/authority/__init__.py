"""The certification authority: the client, the CMP messages, and the embedded authority with OCSP and CRLs."""
