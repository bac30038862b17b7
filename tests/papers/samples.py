"""Values of fictional persons for every paper, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiosk.papers.operations import chapters

HEAD = "KJ1:000J00*NDGRC:O00$CC5E3 O-BP0BJ645.68%6D*:TA8M:AEQ:039MF5NB%K:IOL2Q2RSYCVWZL6LB8OAX.O2V4Q-24S60DK42QE1"


@dataclass(frozen=True)
class Sample:
    """What one paper is filled with; `marks` are those that a training paper of a full case has."""

    values: Mapping[str, str]
    rows: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()


COMMON = {
    "ja": {
        "prefecture": "北海道",
        "municipality": "幌延町",
        "department": "住民生活課",
        "telephone": "01632-5-0000",
        "clerk": "宗谷　北斗",
        "date": "平成23年11月22日",
        "station": "窓口1",
        "name": "幌延　太郎",
        "kana": "ほろのべ　たろう",
        "address": "北海道天塩郡幌延町下沼２６０番地２１",
        "postcode": "098-0000",
        "birth_date": "昭和6年5月3日",
        "sex": "男",
        "kind": "署名用電子証明書",
    },
    "en": {
        "prefecture": "Hokkaido",
        "municipality": "Horonobe Town",
        "department": "Residents' Section",
        "telephone": "01632-5-0000",
        "clerk": "Soya Hokuto",
        "date": "22 November 2011",
        "station": "Counter 1",
        "name": "幌延　太郎",
        "kana": "ほろのべ　たろう",
        "address": "北海道天塩郡幌延町下沼２６０番地２１",
        "postcode": "098-0000",
        "birth_date": "3 May 1931",
        "sex": "male",
        "kind": "Signature certificate",
    },
}

_DENOMINATIONS = [
    {"value": value, "pieces": pieces, "amount_yen": amount}
    for value, pieces, amount in (
        ("10,000", "0", "0"),
        ("5,000", "0", "0"),
        ("1,000", "14", "14,000"),
        ("500", "13", "6,500"),
        ("100", "20", "2,000"),
        ("50", "4", "200"),
        ("10", "30", "300"),
        ("5", "0", "0"),
        ("1", "0", "0"),
    )
]
_MONEY = {
    "float_yen": "20,000",
    "receipts": "6",
    "received_yen": "3,000",
    "refunds": "0",
    "refunded_yen": "0",
    "expected_yen": "23,000",
    "counted_yen": "23,000",
    "difference_yen": "0",
    "first_receipt": "000012",
    "last_receipt": "000017",
    "unassigned_yen": "100",
    "suspects": "1",
    "paid_in_yen": "3,000",
    "head": HEAD,
}

ROLL: dict[str, dict[str, Sample]] = {
    "refund": {
        "ja": Sample(
            COMMON["ja"]
            | {"number": "000003", "amount_yen": "500", "receipt_number": "000017", "reason": "発行の取りやめ"},
            marks=frozenset({"signature"}),
        ),
        "en": Sample(
            COMMON["en"]
            | {"number": "000003", "amount_yen": "500", "receipt_number": "000017", "reason": "not issued"},
            marks=frozenset({"signature"}),
        ),
    },
    "hold": {
        "ja": Sample(COMMON["ja"] | {"number": "2011-0001", "return_date": "平成23年11月30日", "paid_yen": "500"}),
        "en": Sample(COMMON["en"] | {"number": "2011-0001", "return_date": "30 November 2011", "paid_yen": "500"}),
    },
    "revocation": {
        "ja": Sample(
            COMMON["ja"] | {"number": "2011-0002", "date": "平成23年11月26日", "serial": "7B" * 16},
            marks=frozenset({"compromised", "emptied"}),
        ),
        "en": Sample(
            COMMON["en"] | {"number": "2011-0002", "date": "26 November 2011", "serial": "7B" * 16},
            marks=frozenset({"compromised", "emptied"}),
        ),
    },
    "day_close": {
        language: Sample(
            COMMON[language] | _MONEY,
            {"denominations": [row for row in _DENOMINATIONS if row["pieces"] != "0"]},
            frozenset({"unassigned", "suspects", "head"}),
        )
        for language in ("ja", "en")
    },
}

_MEASUREMENTS = {
    "ja": [
        ("リーダーの認識", "0.1 秒", "2 秒以内", "適"),
        ("カードの応答(ATR)", "3B 8F 80 01", "表にあるもの", "適"),
        ("鍵ペアの生成", "18.4 秒", "60 秒以内", "適"),
        ("証明書の書込みと読返し", "一致", "一致", "適"),
        ("署名と検証", "一致", "一致", "適"),
        ("カードを抜いたときの応答", "0.3 秒", "1 秒以内", "適"),
        ("拡張長APDU", "なし", "なくてもよい", "適"),
    ],
    "en": [
        ("Reader found", "0.1 s", "within 2 s", "pass"),
        ("Answer to reset", "3B 8F 80 01", "one of the table", "pass"),
        ("Key generation", "18.4 s", "within 60 s", "pass"),
        ("Certificate written and read back", "equal", "equal", "pass"),
        ("Signature verified", "equal", "equal", "pass"),
        ("Removal noticed", "0.3 s", "within 1 s", "pass"),
        ("Extended length APDU", "no", "optional", "pass"),
    ],
}
A4: dict[str, dict[str, Sample]] = {
    "certificate_copy": {
        "ja": Sample(
            COMMON["ja"]
            | {
                "serial": "729605FF47DB8CDBA6AE676BE66F5BEF",
                "issued_on": "平成23年11月22日(2011-11-22)",
                "valid_until": "平成26年11月21日(2014-11-21)",
                "issuer": "北海道知事",
            }
        ),
        "en": Sample(
            COMMON["en"]
            | {
                "serial": "729605FF47DB8CDBA6AE676BE66F5BEF",
                "issued_on": "22 November 2011",
                "valid_until": "21 November 2014",
                "issuer": "Governor of Hokkaido",
            }
        ),
    },
    "application": {
        "ja": Sample(COMMON["ja"] | {"number": "2011-0001", "addressee": "北海道知事"}, marks=frozenset({"agent"})),
        "en": Sample(
            COMMON["en"] | {"number": "2011-0001", "addressee": "Governor of Hokkaido"}, marks=frozenset({"agent"})
        ),
    },
    "inquiry": {
        "ja": Sample(
            COMMON["ja"]
            | {
                "reference": "幌住第123号",
                "subject": "代理人による署名用電子証明書の発行の申請",
                "applied_on": "平成23年11月22日",
                "deadline": "平成23年12月21日",
            }
        ),
        "en": Sample(
            COMMON["en"]
            | {
                "reference": "No. 123",
                "subject": "Issue of a signature certificate, by an agent",
                "applied_on": "22 November 2011",
                "deadline": "21 December 2011",
            }
        ),
    },
    "daily_report": {
        language: Sample(
            COMMON[language] | _MONEY,
            {
                "revenues": [
                    {"item": fee, "count": "6", "amount_yen": "3,000"},
                    {"item": card, "count": "0", "amount_yen": "0"},
                    {"item": total, "count": "6", "amount_yen": "3,000"},
                ],
                "refunds": [{"item": fee, "count": "0", "amount_yen": "0"}],
                "denominations": _DENOMINATIONS,
            },
        )
        for language, fee, card, total in (
            ("ja", "電子証明書発行手数料", "住民基本台帳カード交付手数料", "計"),
            ("en", "Certificate fee", "Card fee", "Total"),
        )
    },
    "refusal": {
        "ja": Sample(
            COMMON["ja"]
            | {
                "reference": "幌住第124号",
                "number": "2011-0001",
                "applied_on": "平成23年11月22日",
                "authority": "北海道知事",
                "provision": "電子署名に係る地方公共団体の認証業務に関する法律 第3条",
                "appeal_period": "60日",
                "appeal_to": "総務大臣",
                "suit_period": "6か月",
                "defendant": "北海道",
            }
        ),
        "en": Sample(
            COMMON["en"]
            | {
                "reference": "No. 124",
                "number": "2011-0001",
                "applied_on": "22 November 2011",
                "authority": "Governor of Hokkaido",
                "provision": "Act on certification services of local governments, article 3",
                "appeal_period": "60 days",
                "appeal_to": "the Minister for Internal Affairs",
                "suit_period": "6 months",
                "defendant": "Hokkaido",
            }
        ),
    },
    "password_sheet": {
        "ja": Sample(
            COMMON["ja"] | {"password_rule": "英字と数字で4文字から16文字", "attempts": "5"},
            marks=frozenset({"card_pin"}),
        ),
        "en": Sample(
            COMMON["en"] | {"password_rule": "4 to 16 letters and digits", "attempts": "5"},
            marks=frozenset({"card_pin"}),
        ),
    },
    "compatibility": {
        language: Sample(
            COMMON[language]
            | {"device": "SIM Reader 00 00", "identity": "SIM0000001", "version": "1.0", "outcome": outcome},
            {
                "measurements": [
                    dict(zip(("name", "value", "limits", "result"), row, strict=True))
                    for row in _MEASUREMENTS[language]
                ]
            },
        )
        for language, outcome in (("ja", "適合"), ("en", "compatible"))
    },
    "operations": {
        language: Sample(
            COMMON[language] | {"support": support, "hand_receipts": place},
            chapters(language),
        )
        for language, support, place in (
            ("ja", "保守窓口 011-000-0000(24時間)", "窓口1の引出し 2段目"),
            ("en", "011-000-0000 (day and night)", "counter 1, second drawer"),
        )
    },
}
