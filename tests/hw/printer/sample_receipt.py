"""A receipt as a town office hands it out, as data for the tests."""

from hw.ports import Columns, Feed, QrCode, Rule, Text

RECEIPT = (
    Text("手数料領収書", align="center", scale=2, bold=True),
    Feed(),
    Text("幌延町役場 住民生活課", align="center"),
    Rule(),
    Columns("領収番号", "000017"),
    Columns("日付", "2011-11-22 10:31"),
    Columns("電子証明書発行手数料", "¥500"),
    Rule(),
    Columns("合計", "¥500", bold=True),
    Columns("お預り", "¥1,000"),
    Columns("お釣り", "¥500"),
    Text("上記の金額を領収いたしました。"),
    Columns("出納員", "山田 太郎"),
    Columns("証明書番号", "0A1B2C3D4E5F6071"),
    Text("署名用電子証明書 有効期限 2014-11-21", align="right"),
)

WITH_QR = (*RECEIPT, QrCode("JKR1:MEUCIQDrA7Y0vXl9m4cR2uZbqE6o3f1Kc8sYt5W7hPnJxGdLwQIgTzVa"))

RARE_NAME = (
    *RECEIPT[:3],
    Columns("氏名", "髙﨑 𠮟子様"),
    Text("髙﨑 𠮟子様", scale=2, bold=True),
    Text("①㈱", align="center"),
)
