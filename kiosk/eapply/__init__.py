"""The life of a certificate after it was issued: signing an e-application, and the agency's verdict on it."""
