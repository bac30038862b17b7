"""The six certified values: where substitutes stand in them, and how a name without substitute is written."""

import datetime

from kiosk.model.certificate import certify_items
from kiosk.model.resident import FourItems, Sex


def _items(name: str, address: str) -> FourItems:
    return FourItems(name, address, datetime.date(1950, 4, 1), Sex.FEMALE)


def test_a_clerk_is_shown_each_text_with_the_substitutes_in_it() -> None:
    both = certify_items(_items("髙﨑　德子", "幌延町㈱１"), "たかさき　とくこ")
    assert both.substituted == (("高崎　徳子", "高崎徳"), ("幌延町(株)１", "(株)"))
    name_alone = certify_items(_items("𠮷野　まもる", "幌延町１"), "よしの　まもる")
    assert name_alone.substituted == (("吉野　まもる", "吉"),)
    assert certify_items(_items("幌延　花子", "幌延町１"), "ほろのべ　はなこ").substituted == ()


def test_a_name_without_substitute_is_certified_as_it_is_read() -> None:
    certified = certify_items(_items("\ue000田　花子", "幌延町\ue000番地"), "おだ　はなこ")
    assert (certified.name, certified.name_flags) == ("おだ　花子", "11000")
    assert (certified.address, certified.address_flags) == ("幌延町〓番地", "000100")
