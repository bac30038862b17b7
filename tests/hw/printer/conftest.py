import pytest

from tests.hw.printer.printer_bench import Bench


@pytest.fixture(
    params=["memory", pytest.param("pty", marks=pytest.mark.wire), pytest.param("tcp", marks=pytest.mark.wire)]
)
def bench(request):
    opened = Bench(request.param)
    yield opened
    opened.close()
