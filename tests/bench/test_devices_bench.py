"""What the benchmark of the devices counts without a clock: bytes of a receipt, native and as a picture."""

from tests.bench import devices
from tests.issuance.test_receipt_proof import proof


def test_a_receipt_is_a_thirtieth_of_its_picture() -> None:
    for text, limit in (("", devices.MOST_BYTES), (proof(50), devices.MOST_BYTES_WITH_CODE)):
        data = devices.receipt_bytes(text)
        assert len(data) <= limit
        raster = devices.raster_bytes(data)
        assert len(raster) > 30_000
        assert len(raster) > devices.LEAST_TIMES_RASTER * len(data)
