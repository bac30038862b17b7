"""The embedded certification authority: a CMP responder with OCSP and CRLs over one directory."""
