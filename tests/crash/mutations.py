"""The seeded design errors: what somebody might have built instead, as changes to the product's functions.

What does no harm by the product's design (an intent less before a step that may be done twice, a check that the
authority makes too) is not in the list: nothing could catch it, and nothing needs to.
"""

from tests.crash.mutation import Mutation, Rewrite

_BY_AUTHORITY = "the authority knows him whatever card he brings, and refuses before a key is made"
_BY_PROSPECT = "the authority is shown the key in the card before another is made, and refuses while it is certified"
_BY_DESK = "the clerk's desk gives keys for the authorised card alone, and nothing is done to a card without them"
_ARGUED = {
    "refund is done again though done": "the till is counted before, and what was given back lies there no more",
    "whoever stops paying gets nothing back": "the roll-back has the till counted, and gives back what lies there",
    "a certificate is taken for written when any is there": (
        "the card drops a certificate with its key, and one that was cut short while written reads as none"
    ),
    "a resident with a valid certificate may apply again": _BY_AUTHORITY,
    "a card with another's valid certificate is taken": _BY_PROSPECT,
    "a roll-back goes on without knowing its card": _BY_DESK,
    "the card's number is not compared": _BY_DESK,
}
"""Why nothing finds these: the product prevents the same harm in a second way."""


def _one(name: str, catcher: str, where: str, old: str, new: str) -> Mutation:
    return _several(name, catcher, Rewrite(where, old, new))


def _several(name: str, catcher: str, *rewrites: Rewrite) -> Mutation:
    return Mutation(name, catcher, rewrites, _ARGUED.get(name, ""))


_RUN = "kiosk.issuance.effect:Case.run"
_ISSUE = "kiosk.issuance.issue"
_FILING = "kiosk.issuance.filing"
_ROLL_BACK = "kiosk.issuance.roll_back"
_JOURNAL = "kiosk.journal.journal:Journal"
_CHAIN_OF = "kiosk.journal.chain:Chain"
_RESPONDER = "kiosk.authority.embedded.responder:Responder"
_MOVED = '{**facts, **({"operator": operator} if operator else {})}'

_VALID = "a_valid_certificate_is_in_a_card_that_holds_its_key"
_FEE = "a_new_valid_certificate_has_a_journaled_fee"
_ORIGINAL = "a_receipt_has_at_most_one_unmarked_original"
_CHAIN = "the_chain_of_the_journal_holds"
_TOLD = "every_change_is_in_the_journal"
_TABLE = "nothing_is_tried_that_the_table_refuses"
_NAMED = "who_cannot_tell_and_who_settles_it_are_named"
_HEAD = "a_signed_head_is_over_the_entries_that_are_there"
_PROOF = "a_receipt_proves_its_own_entry"
_CLEAR = "no_personal_data_is_in_clear_in_the_store"
_TRIES = "nobody_loses_his_password"
_OPENS = "the_till_opens_only_for_what_can_become_valid"
_PENDING = "nothing_is_pending_at_the_authority"
_ENDED = "every_application_has_ended"
_TILL = "the_till_equals_the_journal"
_CHARGED = "charged_means_valid_or_refunded"
_NUMBERS = "receipt_numbers_have_no_gap"
_PAPER = "every_payer_has_his_receipt"
_ESCROWED = "what_has_ended_only_the_clerks_station_reads"
_BACK = "coming back"


def _no_intent(step: str, catcher: str) -> Mutation:
    old = "self._journal.intend(self.record, effect.step, msgspec.json.encode(intent), yen=yen)"
    return _one(f"no intent is written for {step}", catcher, _RUN, old, f"effect.step == {step!r} or {old}")


def _late_intent(step: str, catcher: str) -> Mutation:
    old = "self._journal.intend(self.record, effect.step, msgspec.json.encode(intent), yen=yen)"
    new = f"""early = perform(intent) if effect.step == {step!r} else None
            {old}
            if early is not None:
                self._complete(effect, early, begun, False)
                return early"""
    return _one(f"the intent of {step} is written after its effect", catcher, _RUN, old, new)


def _blind(step: str, catcher: str) -> Mutation:
    old = "answer = inquire(intent)"
    new = f"answer = World.NOT_HAPPENED if effect.step == {step!r} else inquire(intent)"
    return _one(f"{step} is done again without asking", catcher, _RUN, old, new)


def _repeated(step: str, catcher: str) -> Mutation:
    old = "if known is not None and known.state is EffectState.DONE:"
    return _one(f"{step} is done again though done", catcher, _RUN, old, f"{old[:-1]} and effect.step != {step!r}:")


def _two_transactions(method: str, old: str) -> Mutation:
    indent = " " * 4
    new = f"pass\n{indent}with self._database.write() as transaction:\n{indent}    {old}"
    return _one(f"{method} writes state and journal in two transactions", _TOLD, f"{_JOURNAL}.{method}", old, new)


MUTATIONS: tuple[Mutation, ...] = (
    # --- the protocol of effects
    _no_intent("certify", _PENDING),
    _no_intent("fee", _TILL),
    _no_intent("refund", _TILL),
    _no_intent("receipt", _ORIGINAL),
    _late_intent("certify", _PENDING),
    _late_intent("fee", _TILL),
    _late_intent("receipt", _ORIGINAL),
    _blind("fee", _TILL),
    _blind("receipt", _ORIGINAL),
    _blind("refund", _TILL),
    _repeated("fee", _TABLE),
    _repeated("receipt", _TABLE),
    _repeated("refund", _TILL),
    _one(
        "what may have happened is recorded as failed",
        _PENDING,
        _RUN,
        "state = EffectState.UNKNOWN if is_unknown else EffectState.FAILED",
        "state = EffectState.FAILED",
    ),
    _one(
        "a question without an answer means that nothing happened",
        _PENDING,
        _RUN,
        "is_unknown = is_past_unknown or isinstance",
        "is_unknown = isinstance",
    ),
    _one(
        "a lost answer of the authority means that nothing happened",
        _PENDING,
        _RUN,
        "is_unknown = is_past_unknown or isinstance(error, _WORLD_MAY_HAVE_CHANGED)",
        "is_unknown = is_past_unknown or isinstance(error, (OutcomeUnknown, LinkLost))",
    ),
    _one(
        "what is unknown counts as not begun",
        _PENDING,
        "kiosk.issuance.effect:intent_in",
        "record.state is EffectState.FAILED",
        "record.state in (EffectState.FAILED, EffectState.UNKNOWN)",
    ),
    _one(
        "what is intended counts as not begun",
        _TILL,
        "kiosk.issuance.effect:intent_in",
        "record.state is EffectState.FAILED",
        "record.state in (EffectState.FAILED, EffectState.INTENDED)",
    ),
    _one(
        "an outcome is kept in memory only",
        _ENDED,
        "kiosk.issuance.effect:Case._complete",
        "self.record = self._journal.complete(",
        "self.record = self.record if effect.step == 'certify' else self._journal.complete(",
    ),
    # --- the story
    _one(
        "confirm comes before the fee",
        _TABLE,
        f"{_ISSUE}:issue",
        "fee = take_fee(",
        "confirm(case, pending, station)\n            fee = take_fee(",
    ),
    _one(
        "the fee comes before the delivery",
        _TABLE,
        f"{_ISSUE}:issue",
        "write(case, card, pending)",
        "take_fee(case, authorised, pending, station, persons)\n            write(case, card, pending)",
    ),
    _one(
        "the receipt comes before the confirmation",
        _TABLE,
        f"{_ISSUE}:issue",
        "confirm(case, pending, station)",
        "print_receipt(case, authorised, pending, fee, station, persons)\n            confirm(case, pending, station)",
    ),
    _one(
        "the certificate is not read back",
        _TABLE,
        f"{_ISSUE}:issue",
        "read_back(case, card, pending)",
        "DeliveredCertificate(pending.certificate, b'')",
    ),
    _one(
        "the certificate is not written",
        _TABLE,
        f"{_ISSUE}:issue",
        "write(case, card, pending)\n",
        "pass\n",
    ),
    _one(
        "neither written nor read back",
        _TABLE,
        f"{_ISSUE}:issue",
        "write(case, card, pending)\n            delivered = read_back(case, card, pending)",
        "delivered = DeliveredCertificate(pending.certificate, b'')",
    ),
    _one(
        "trouble before the fee is left lying",
        _ENDED,
        f"{_ISSUE}:issue",
        "raise roll_back(case, card, station, persons, failure_code(trouble), actor_behind(trouble)) from trouble",
        "raise Halted(failure_code(trouble)) from trouble",
    ),
    _one(
        "trouble after the fee is rolled back",
        _TABLE,
        f"{_ISSUE}:issue",
        "as trouble:\n            raise Halted(halting_code(trouble)) from trouble",
        "as trouble:\n            raise roll_back(case, card, station, persons, failure_code(trouble)) from trouble",
    ),
    _one(
        "a lapsed certificate is left after the fee",
        _ENDED,
        f"{_ISSUE}:issue",
        "raise roll_back(case, card, station, persons, failure_code(lapsed)) from lapsed",
        "raise Halted(failure_code(lapsed)) from lapsed",
    ),
    _one(
        "a roll-back goes on without knowing its card",
        _VALID,
        f"{_ISSUE}:recall",
        "card.number = filed.card_number if filed else None",
        "pass",
    ),
    _one(
        "an interrupted roll-back goes forward again",
        _TABLE,
        f"{_ISSUE}:issue",
        "if record.stage is Stage.ROLLING_BACK:",
        "if False:",
    ),
    _one(
        "an interrupted application is begun anew",
        _ENDED,
        f"{_FILING}:open_or_resume",
        "record.stage in _BEGUN_ANEW[procedure]",
        "record.stage not in (Stage.CLOSED, Stage.ROLLING_BACK)",
    ),
    _one(
        "an application taken back goes on where it was",
        _BACK,
        f"{_FILING}:open_or_resume",
        "record.stage in _BEGUN_ANEW[procedure]",
        "record.stage is Stage.REFUSED",
    ),
    _one(
        "a closed application is done again",
        _BACK,
        f"{_FILING}:open_or_resume",
        "record.stage in _BEGUN_ANEW[procedure]",
        "record.stage.is_ended",
    ),
    _one(
        "a resident with a valid certificate may apply again",
        _VALID,
        f"{_ISSUE}:_check_eligibility",
        "raise case.refuse(CERTIFICATE_EXISTS)",
        "pass",
    ),
    _one(
        "a card with another's valid certificate is taken",
        _VALID,
        f"{_ISSUE}:_check_eligibility",
        "raise case.refuse(CARD_OF_ANOTHER)",
        "pass",
    ),
    _one(
        "a card of another open application is taken",
        _VALID,
        "kiosk.issuance.applicant:closed_cases_on_card",
        "raise case.refuse(CARD_IN_USE)",
        "pass",
    ),
    _one(
        "whose card was filed elsewhere is asked at every start",
        _CHARGED,
        f"{_ISSUE}:issue",
        "filed = file(case, application, card, station)\n",
        """filed = file(case, application, card, station)
            from kiosk.model.eligibility import CARD_IN_USE
            others = station.journal.other_cases_with(station.card(filed.card_number).hex(), case.record)
            if any(other.stage is not Stage.CLOSED for other in others):
                raise case.refuse(CARD_IN_USE)
""",
    ),
    _one(
        "an identity checked on another day is good enough",
        "the_identity_was_checked_today",
        f"{_ISSUE}:_refuse_if_of_another_day",
        "identified.checked_on != station.today()",
        "False",
    ),
    # --- key, certificate, card
    _one(
        "a new request is made at every resumption",
        _PENDING,
        f"{_ISSUE}:certify",
        "return station.authority.certify(stored.der)",
        "return station.authority.certify(message().der)",
    ),
    _one(
        "the card's number is not compared",
        _VALID,
        "kiosk.issuance.inserted_card:InsertedCard._refuse_another",
        "if self.number not in (None, number):",
        "if False:",
    ),
    _several(
        "the password is typed into whatever card is there",
        _TRIES,
        Rewrite(
            "kiosk.issuance.inserted_card:InsertedCard.session",
            "self._refuse_another(session)",
            "self.number or self._refuse_another(session)",
        ),
        Rewrite("kiosk.issuance.inserted_card:InsertedCard.verified", "self.under_channel()", "pass"),
    ),
    _one(
        "a certificate is taken for written when any is there",
        _VALID,
        "kiosk.issuance.card_key:prove_delivery",
        "if session.read_certificate(use) != certificate:",
        "if session.read_certificate(use) is None:",
    ),
    # --- money
    _one(
        "the till opens without asking the authority",
        _OPENS,
        f"{_ISSUE}:take_fee",
        "refuse_if_too_late()\n        # That",
        "pass\n        # That",
    ),
    _one(
        "the rest of a fee is taken without asking the authority",
        _OPENS,
        f"{_ISSUE}:take_fee",
        "if 0 < counted_yen < intent.fee_yen:",
        "if False:",
    ),
    _one(
        "the margin before pending ends is forgotten",
        _OPENS,
        f"{_ISSUE}:_refuse_if_lapsing",
        "station.clock() + margin > pending.confirm_before",
        "station.clock() > pending.confirm_before",
    ),
    _one(
        "money in the till counts only when it is the whole fee",
        _TILL,
        f"{_ISSUE}:take_fee",
        "if not counted_yen:",
        "if 0 < counted_yen < intent.fee_yen:",
    ),
    _one(
        "what was counted is not credited",
        _TILL,
        f"{_ISSUE}:take_fee",
        "persons.clerk, found_yen=counted_yen)",
        "persons.clerk)",
    ),
    _one(
        "a count of nothing is read as the fee",
        _CHARGED,
        f"{_ISSUE}:take_fee",
        "if not counted_yen:",
        "if not counted_yen:\n            return SettledFee(intent.fee_yen, intent.fee_yen, 0)\n"
        "        if counted_yen is None:",
    ),
    _one(
        "the change stays in the till",
        _TILL,
        "kiosk.issuance.payment:collect",
        "clerk.give_change(change_yen)",
        "pass",
    ),
    _one(
        "whoever stops paying gets nothing back",
        _TILL,
        "kiosk.issuance.payment:collect",
        "clerk.repay(back_yen)",
        "pass",
    ),
    _one(
        "the drawer reckons no change",
        _TILL,
        "hw.cash.drawer:ClerkDrawer.end",
        "back_yen = self._received_yen - self._due_yen",
        "back_yen = 0",
    ),
    # --- confirmation
    _one(
        "a rejected confirmation is taken for a yes",
        _CHARGED,
        "kiosk.issuance.certification:confirm_pending",
        "if isinstance(ask(message), World):",
        "if False:",
    ),
    _one(
        "pending is taken for valid",
        _PENDING,
        "kiosk.issuance.certification:confirm_pending",
        "return World.NOT_HAPPENED",
        "return Confirmed(pending.serial)",
    ),
    _one(
        "revoked is taken for valid",
        _CHARGED,
        "kiosk.issuance.certification:confirm_pending",
        "if state is CertificateState.GOOD:",
        "if state in (CertificateState.GOOD, CertificateState.REVOKED):",
    ),
    # --- receipt
    _one(
        "what is printed again is not marked",
        _ORIGINAL,
        f"{_ISSUE}:print_receipt",
        "job(intent.receipt, intent.printed_on, is_copy=True)",
        "job(intent.receipt, intent.printed_on)",
    ),
    _one(
        "nobody looks for the paper",
        _PAPER,
        f"{_ISSUE}:print_receipt",
        "seen = case.witness(RECEIPT.step, station.generations, lambda: persons.clerk.look_at_paper(number).value)",
        "seen = PaperSeen.WHOLE",
    ),
    _several(
        "a receipt gets a number with every start",
        _NUMBERS,
        Rewrite(f"{_JOURNAL}.number_receipt", "if known is not None:", "if False:"),
        Rewrite(f"{_JOURNAL}.number_receipt", "INSERT INTO receipts", "INSERT OR REPLACE INTO receipts"),
    ),
    _one(
        "receipt numbers are given in twos",
        _NUMBERS,
        f"{_JOURNAL}.number_receipt",
        "COALESCE(MAX(number), 0) + 1",
        "COALESCE(MAX(number), 0) + 2",
    ),
    _one(
        "a number is drawn when the key is made",
        _TABLE,
        f"{_ISSUE}:make_request",
        "return case.note(REQUEST, build)",
        "station.journal.number_receipt(case.record)\n    return case.note(REQUEST, build)",
    ),
    _one(
        "the case is not closed",
        _ENDED,
        f"{_ISSUE}:close",
        "return case.note(",
        "return (lambda step, closed: closed())(",
    ),
    # --- roll-back
    _one(
        "a roll-back does not revoke",
        _PENDING,
        f"{_ROLL_BACK}:_revoke_both",
        "_revoke(case, station, REVOKE, first)",
        "pass",
    ),
    _one(
        "a roll-back does not refund",
        _CHARGED,
        f"{_ROLL_BACK}:roll_back",
        "_refund(case, station, persons)",
        "pass",
    ),
    _one(
        "a roll-back is not begun in the journal",
        _TABLE,
        f"{_ROLL_BACK}:begin_taking_back",
        "case.move(Event.ROLL_BACK, code, actor, operator)",
        "pass",
    ),
    _one(
        "a roll-back is done before it is done",
        _PENDING,
        f"{_ROLL_BACK}:roll_back",
        """_revoke_both(case, station, unacceptable)
        _erase(case, card)
    except CannotTell:
        return suspected(case, station)
    except IssuanceUnclear as unclear:
        return case.suspect(failure_code(unclear), Actor.STATION)
    except TROUBLE as trouble:
        return Halted(halting_code(trouble))
    return_card(station, persons)
    return end_taken_back(case, code, station)
""",
        """certificate = _certificate_to_revoke(case, station, CERTIFY, CONFIRM, REVOKE, unacceptable)
        _erase(case, card)
    except CannotTell:
        return suspected(case, station)
    except IssuanceUnclear as unclear:
        return case.suspect(failure_code(unclear), Actor.STATION)
    except TROUBLE as trouble:
        return Halted(halting_code(trouble))
    return_card(station, persons)
    ended = end_taken_back(case, code, station)
    if certificate is not None:
        reason = RevocationReason.CESSATION_OF_OPERATION
        send_revocation(RevokeIntent(certificate, station.authority.revoke_message(certificate, reason)), station)
    return ended
""",
    ),
    _one(
        "a roll-back in trouble is taken for done",
        _PENDING,
        f"{_ROLL_BACK}:roll_back",
        "return Halted(halting_code(trouble))",
        "pass",
    ),
    _one(
        "a certificate whose answer was lost is forgotten",
        _PENDING,
        f"{_ROLL_BACK}:_issued_certificate",
        "return station.authority.certify(message.der).certificate",
        "return None",
    ),
    _one(
        "a certificate that lapsed cannot be taken back",
        _ENDED,
        f"{_ROLL_BACK}:send_revocation",
        'if rejected.fail_info != "certRevoked" and isinstance(look_at_revocation(intent, station), World):',
        "if True:",
    ),
    _one(
        "money that was not journaled is kept",
        _TILL,
        f"{_ROLL_BACK}:_refund",
        "if fee is None or not fee.fee_yen:",
        "if fee is None or not fee.fee_yen or case.outcome_of(FEE) is None:",
    ),
    _one(
        "a journaled fee is counted as money that was found",
        _TILL,
        f"{_ROLL_BACK}:_refund",
        "if case.outcome_of(FEE) is None and",
        "if case.outcome_of(FEE) is None or",
    ),
    _one(
        "a refund of money that was never a fee is journaled alone",
        _TILL,
        f"{_JOURNAL}.intend",
        'money = {} if yen is None else {"yen": yen}',
        "money: dict[str, int] = {}",
    ),
    _one(
        "a refund is given without counting",
        _CHARGED,
        f"{_ROLL_BACK}:_refund",
        "prepare=lambda: RefundIntent(paid_yen, found_yen)",
        "prepare=lambda: RefundIntent(fee.fee_yen, found_yen)",
    ),
    _one(
        "an interrupted refund is given again",
        _TILL,
        f"{_ROLL_BACK}:_refund",
        "if rest_yen := _count(case, fee.fee_yen, station, persons):",
        "if rest_yen := intent.amount_yen:",
    ),
    # --- journal
    _two_transactions("complete", "self._chain.append(transaction, told)"),
    _two_transactions("move", f"self._chain.append(transaction, {_MOVED})"),
    _two_transactions("leave", "self._chain.append(transaction, facts)"),
    _one(
        "entries are not chained",
        _CHAIN,
        f"{_CHAIN_OF}.append",
        "chain(previous, body)",
        "chain(FIRST_HASH, body)",
    ),
    _one(
        "what went wrong is journaled and not kept",
        _TOLD,
        f"{_JOURNAL}.leave",
        "self._write_effect(transaction, case, step, state)",
        "pass",
    ),
    _one(
        "the table of entries is not append-only, and what did not happen is taken out again",
        "what_was_acknowledged_is_in_the_journal",
        f"{_JOURNAL}.leave",
        "self._write_effect(transaction, case, step, state)",
        "self._write_effect(transaction, case, step, state)\n"
        "        transaction.run('DROP TRIGGER IF EXISTS journal_no_delete')\n"
        "        transaction.run('DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)')",
    ),
    _one(
        "a refusal is kept and not journaled",
        _TOLD,
        f"{_JOURNAL}.move",
        f"self._chain.append(transaction, {_MOVED})",
        "stage is Stage.REFUSED or self._chain.append(transaction, facts)",
    ),
    _one(
        "the person of a case is not kept",
        _BACK,
        f"{_JOURNAL}.complete",
        "            person,\n            card,\n",
        "            None,\n            card,\n",
    ),
    _one(
        "the card of a case is not kept",
        _VALID,
        f"{_JOURNAL}.complete",
        "            person,\n            card,\n",
        "            person,\n            None,\n",
    ),
    _several(
        "records are not sealed",
        _CLEAR,
        Rewrite(
            "kiosk.journal.seal:Seal.close",
            "nonce + self._cipher.encrypt(nonce, salt + plain, label.encode())",
            "nonce + salt + plain",
        ),
        Rewrite(
            "kiosk.journal.seal:Seal._decrypt",
            "self._cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], label.encode())",
            "sealed[_NONCE_LENGTH:]",
        ),
    ),
    _one(
        "an outcome stands in the journal in clear",
        _CLEAR,
        f"{_JOURNAL}.complete",
        '"commitment": commitment, **auto',
        '"commitment": commitment, "outcome": outcome.decode(), **auto',
    ),
    _one(
        "the password stands in the journal",
        "no_password_is_in_any_file",
        f"{_ISSUE}:generate_key",
        "session.set_pin(password)",
        "session.set_pin(password)\n"
        "            known = case._journal.effect(case.record, GENERATE_KEY.step)\n"
        "            case._journal.leave(case.record, GENERATE_KEY.step, known.state, password.decode())",
    ),
    _several(
        "the password stands in a sealed record",
        "no_password_is_in_any_file",
        Rewrite(
            f"{_ISSUE}:generate_key",
            "session.verify_pin(password)",
            "session.verify_pin(password)\n            kept = bytes(password)",
        ),
        Rewrite(
            f"{_ISSUE}:generate_key",
            "return attested_key(session, shown, terms.nonce, station.policy)",
            "ready = attested_key(session, shown, terms.nonce, station.policy)\n"
            "        return type(ready)(ready.public_key, ready.attestation_nonce, ready.attestation + kept)",
        ),
    ),
    _one(
        "a head is signed over one entry less",
        _HEAD,
        f"{_CHAIN_OF}.prove",
        "Head(self._station, newest.seq, root, now)",
        "Head(self._station, newest.seq - 1, root, now)",
    ),
    _one(
        "a receipt proves what was journaled before it",
        _PROOF,
        f"{_JOURNAL}.number_receipt",
        "proof = self._chain.sign(transaction).text",
        "self._chain.append(transaction, {'event': 'numbered', 'case': case.pseudonym, 'receipt': 0})\n"
        "        proof = self._chain.sign(transaction).text",
    ),
    _one(
        "a receipt's proof is made anew at every start",
        _PROOF,
        f"{_JOURNAL}.number_receipt",
        'return NumberedReceipt(known.number, known.proof or "")',
        "return NumberedReceipt(known.number, self._chain.prove(transaction).text)",
    ),
    _one(
        "a step is asked for that the table does not have",
        _TABLE,
        f"{_ISSUE}:take_card",
        "return case.note(TAKE_CARD, wait)",
        "case.note(CLOSED, lambda: None) if case.outcome_of(TAKE_CARD) is None else None\n"
        "    return case.note(TAKE_CARD, wait)",
    ),
    # --- the clerk
    _one(
        "whoever stops while money changes hands has changed nothing",
        _TILL,
        "kiosk.issuance.failure:before_a_persons_eyes",
        "raise LeftUnseen(stopped.by, stopped.reason) from stopped",
        "raise",
    ),
    _one(
        "who cannot tell has seen no money",
        _TILL,
        f"{_ISSUE}:take_fee",
        "counted_yen = int(testified or persons.clerk.count_payment(intent.fee_yen, known))",
        "try:\n            counted_yen = persons.clerk.count_payment(intent.fee_yen, known)\n"
        "        except CannotTell:\n            counted_yen = 0",
    ),
    _one(
        "who cannot tell of a refund has seen no money",
        _TILL,
        f"{_ROLL_BACK}:_count",
        "return said or str(persons.clerk.count_payment(fee_yen, known))",
        "try:\n            return str(persons.clerk.count_payment(fee_yen, known))\n"
        "        except CannotTell:\n            return '0'",
    ),
    _one(
        "who cannot tell of a receipt has seen it",
        _PAPER,
        f"{_ISSUE}:print_receipt",
        "seen = case.witness(RECEIPT.step, station.generations, lambda: persons.clerk.look_at_paper(number).value)",
        "try:\n                seen = persons.clerk.look_at_paper(number).value\n"
        "            except CannotTell:\n                return True",
    ),
    _one(
        "the two clerks' word stays good",
        _NAMED,
        f"{_JOURNAL}.take_testimony",
        "self._write_effect(transaction, case, step, EffectState.UNKNOWN)",
        "self._write_effect(transaction, case, step, EffectState.WITNESSED)",
    ),
    _one(
        "the two clerks' word is not kept",
        _ENDED,
        f"{_JOURNAL}.testify",
        "self._write_effect(transaction, case, step, EffectState.WITNESSED, testimony=sealed)",
        "self._write_effect(transaction, case, step, EffectState.UNKNOWN, testimony=sealed)",
    ),
    _one(
        "a suspect case goes on by itself",
        _TABLE,
        f"{_ISSUE}:_open_or_resume",
        "if record.stage.is_suspect:",
        "if False:",
    ),
    _one(
        "nobody's name stands at what is suspect",
        _NAMED,
        f"{_JOURNAL}.move",
        '({"operator": operator} if operator else {})',
        "{}",
    ),
    _one(
        "one clerk settles it alone",
        _NAMED,
        "kiosk.issuance.settle:accept",
        "operator_of(clerks[0]), operator_of(clerks[1])",
        "operator_of(clerks[0]), operator_of(clerks[0])",
    ),
    _one(
        "the clerk's station signs a testimony with one clerk's key twice",
        _ENDED,
        "kiosk.counter.desk:Desk._testify",
        "self.key_of(finding.second)",
        "self.clerk_key",
    ),
    _one(
        "the clerk's station signs that no money lies there, whatever two clerks found",
        _CHARGED,
        "kiosk.counter.desk:Desk._testify",
        "finding.answer",
        '(finding.answer if question.value == "receipt" else "0")',
    ),
    _one(
        "a printer left within a command is asked as if it listened",
        _ENDED,
        "hw.printer.escpos:EscposPrinter._is_in_step",
        "return self._follows() or (self._clear() and self._follows())",
        "return self._follows()",
    ),
    # --- the authority
    _several(
        "the authority keeps a certificate and its answer apart",
        _PENDING,
        Rewrite(
            f"{_RESPONDER}._answer",
            "books.add_answer(request.hash, transaction_id, response)",
            "vars(self)['late'].append((request.hash, transaction_id, response))",
        ),
        Rewrite(
            f"{_RESPONDER}.respond_all",
            "return [do(self._respond(store, request)) for request in requests]",
            """late = vars(self)['late'] = []
            responses = [do(self._respond(store, request)) for request in requests]
        for answer in late:
            with self._authority.store.write(self._authority.now()) as books:
                books.add_answer(*answer)
        return responses""",
        ),
    ),
    _one(
        "the authority forgets what it answered",
        _PENDING,
        "kiosk.authority.embedded.store:Books._response",
        "return None if row is None else bytes(row.response)",
        "return None",
    ),
    _one(
        "an unconfirmed certificate is valid at once",
        _FEE,
        "kiosk.authority.embedded.issuing:enter",
        "state=BookedState.PENDING",
        "state=BookedState.GOOD",
    ),
    _one(
        "a terminal keeps the key of a case that has ended",
        _ESCROWED,
        f"{_JOURNAL}._sealed_after",
        "UPDATE cases SET seal = NULL WHERE pseudonym = ? AND escrow IS NOT NULL",
        "UPDATE cases SET code = code WHERE pseudonym = ?",
    ),
    _one(
        "a terminal loses the key of a case before it has ended",
        _ESCROWED,
        f"{_JOURNAL}._sealed_after",
        "not stage.is_ended",
        "not stage.is_ended and stage is not Stage.RECEIPTED",
    ),
    _one(
        "a revocation is acknowledged and not done",
        _PENDING,
        "kiosk.authority.embedded.revocation:_withdraw",
        "books.revoke(record.serial, reason, note, invalid_since)",
        "pass",
    ),
)

_DESK = "kiosk.counter.desk:Desk"

DESK_MUTATIONS: tuple[Mutation, ...] = (
    _one(
        "anybody is given the key of a case",
        "test_the_window_gives_a_key_for_the_resident_whose_case_it_is_and_nothing_of_an_open_one",
        f"{_DESK}._case_key",
        "record.seal.key if is_his else None",
        "record.seal.key",
    ),
    _one(
        "the clerk's key signs whatever a terminal asks for",
        "test_a_leave_is_signed_for_the_card_of_its_case_alone",
        f"{_DESK}._authorise",
        "self._refuse_unless_approved(terms, approval)",
        "pass",
    ),
    _one(
        "a leave is signed for whatever card",
        "test_a_leave_is_signed_for_the_card_of_its_case_alone",
        f"{_DESK}._refuse_unless_approved",
        "if case.card != self.ids.card(terms.card_number).hex():",
        "if False:",
    ),
    _one(
        "the leave is for whomever the terminal names",
        "test_the_leave_is_for_the_resident_who_was_looked_up_when_the_clerk_approved",
        f"{_DESK}._refuse_unless_approved",
        "not is_his or terms.items_hash not in self._items_hashes(approval)",
        "False",
    ),
    _one(
        "what is revoked has to say what the register says today",
        "test_a_certificate_of_somebody_who_has_left_the_register_is_revoked_on_information",
        f"{_DESK}._items_hashes",
        'approval.operation == "revoke"',
        "False",
    ),
    _one(
        "a certificate that only the clerk's station knows counts for none",
        "test_nobody_gets_a_second_certificate_whose_first_only_the_window_knows",
        "kiosk.issuance.ended_cases:EndedCases.is_valid",
        "return self._archive_of(record.seal.elsewhere).is_valid(record.pseudonym)",
        "return False",
    ),
)
"""Errors at the clerk's station, against a terminal that was taken over or a case that is over.

The explorer plays neither: the catcher of each is a test, and `tests.counter.test_desk_mutations` lets it catch.
"""
