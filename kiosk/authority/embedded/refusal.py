"""What the authority answers when it will not do what a well-formed, authentic request asks."""


class Refusal(Exception):
    """The request is refused; `fail_info` is the name of a PKIFailureInfo bit, `text` goes to the requester.

    Where a rule of the counter stands against it, the text begins with that rule's code and a colon.
    """

    def __init__(self, fail_info: str, text: str) -> None:
        super().__init__(text)
        self.fail_info = fail_info
        self.text = text
