"""The modules of a QR code on A4."""


def modules(data: str) -> list[list[bool]]:
    """The code over `data`, error correction level M, without its quiet zone."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0)
    code.add_data(data)
    code.make(fit=True)
    matrix: list[list[bool]] = code.get_matrix()
    return matrix
