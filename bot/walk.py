"""The registration walk as values: an answer goes in, answers and the next view come out.

Pure: the referral, the time and the reader are given. `dialog` keeps and sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from bot.steps import (
    ASKED,
    BY_NAME,
    STEPS,
    Answers,
    Asked,
    Choices,
    DoubtfulAnswer,
    Name,
    Step,
    StepField,
    WrongAnswer,
    is_finite,
    is_transacted,
    missing,
    registration_of,
    solutions_of,
    spell,
)
from cards.problems import problem_words
from cards.reader import Reader
from cards.registration import FieldKind, FieldView, Line, Section, StepView, live_numbers
from cards.wording import Text, text, words
from partner_center.referral import Problem, Referral
from partner_center.registration import (
    SIGN_WINDOW,
    START_WINDOW,
    DealRegistration,
    DeployedOn,
    Pricing,
    Term,
    annual_value,
    days_left,
    validate,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a walk looks at besides the answers. `invited`: when Microsoft's referral was made."""

    referral: Referral
    reader: Reader
    now: datetime
    invited: datetime | None = None

    @property
    def today(self) -> date:
        """The day it is for the reader."""
        return self.reader.today


@dataclass(frozen=True, slots=True)
class Taken:
    """The answers after a step was answered, and what of it could not be taken."""

    answers: Answers
    entered: Mapping[str, str] = field(default_factory=dict)
    """What stands in the inputs and was not taken."""
    errors: Mapping[str, Text] = field(default_factory=dict)
    readings: Mapping[str, Choices] = field(default_factory=dict)
    """Fields whose answer reads several ways, with the ways."""
    needed: tuple[StepField, ...] = ()
    """Fields that nobody has answered yet."""

    @property
    def is_complete(self) -> bool:
        """Whether the step is done."""
        return not self.errors and not self.needed

    @property
    def asked_on(self) -> Taken:
        """The same after a typed answer: what nobody spoke of yet is no mistake."""
        silent = {each.id for each in self.needed}
        errors = {name: why for name, why in self.errors.items() if name not in silent}
        return replace(self, errors=errors)


MOST_OPEN = 3
"""Choices shown side by side; more go into a drop-down, as do names from outside."""

NEEDED = words("This is needed.")


def take(step: Step, entered: Mapping[str, str], answers: Answers, scene: Scene) -> Taken:
    """Take what was entered at a step; what is right is kept even when something else is not."""
    after = dict(answers)
    wrong: dict[str, str] = {}
    errors: dict[str, Text] = {}
    readings: dict[str, Choices] = {}
    for each in sorted(step.fields, key=lambda each: each.id != "currency"):
        raw = entered.get(each.id, "").strip()
        after.pop(each.id, None)
        if not each.applies(after) or not raw:
            continue
        try:
            after[each.id] = each.read(raw, Asked(scene.referral, after, scene.today))
        except WrongAnswer as error:
            wrong[each.id], errors[each.id] = raw, error.why
        except DoubtfulAnswer as error:
            wrong[each.id], errors[each.id] = raw, error.why
            readings[each.id] = error.readings
    needed = tuple(each for each in missing(step, after) if each.id not in errors)
    errors |= {each.id: NEEDED for each in needed}
    for problem in problems_of(after, scene):
        marked = _marked(problem)
        if marked in after and ASKED[marked] in step.fields:
            errors.setdefault(marked, problem_words(problem, scene.reader))
    return Taken(after, wrong, errors, readings, needed)


def standing(step: Step, answers: Answers, scene: Scene) -> dict[str, str]:
    """What stands in a step's inputs: its answers, else what the deal suggests."""
    return {
        each.id: _entered(each, answers) or each.prefill(scene.referral, answers)
        for each in step.fields
    }


def _entered(each: StepField, answers: Answers) -> str:
    """An answer as it stands in its input."""
    value = answers.get(each.id, "")
    return spell(Decimal(value)) if value and each.kind is FieldKind.MONEY else value


_NEEDS: Mapping[str, tuple[str, ...]] = {
    "contract_currency_differs": ("currency",),
    "sign_in_future": ("sign",),
    "sign_too_old": ("sign",),
    "sign_before_shared": ("sign",),
    "start_too_old": ("start",),
    "end_before_start": ("end", "start", "term"),
    "solution_not_on_deal": ("solution",),
    "solution_value_too_high": ("solution_value", "value"),
    "not_on_azure": ("azure",),
    "annual_value_too_low": ("currency", "term", "start", "value"),
    "payg_needs_end": ("pricing", "term"),
    "payg_sign_is_not_start": ("pricing", "sign", "start"),
    "payg_end_in_future": ("pricing", "end"),
    "payg_sign_too_late": ("pricing", "sign"),
    "deal_not_registrable": (),
}
"""Problem code -> the answers it needs to be judged by; the first is the field it is shown at, or,
between several answers, the last is the one to change first."""

_WHOLE = frozenset(
    {
        "annual_value_too_low",
        "payg_needs_end",
        "payg_sign_is_not_start",
        "payg_end_in_future",
        "payg_sign_too_late",
        "deal_not_registrable",
    }
)
"""Problems between several answers: no single field is wrong, any of them may be changed."""


def problems_of(answers: Answers, scene: Scene) -> tuple[Problem, ...]:
    """The rules of API reference 10.3 that the answers so far already break."""
    trial = _trial(answers, scene)
    found = validate(trial, scene.referral, now=scene.now, microsoft_invited=scene.invited)
    return tuple(problem for problem in found if _can_judge(problem, answers))


def _can_judge(problem: Problem, answers: Answers) -> bool:
    needs = _needs(problem)
    if needs is None or not all(answers.get(name) for name in needs):
        return False
    if problem.code == "annual_value_too_low":
        return not is_finite(answers) or bool(answers.get("end"))
    return True


def _needs(problem: Problem) -> tuple[str, ...] | None:
    if problem.code in _NEEDS:
        return _NEEDS[problem.code]
    of = {"contract": ("value", "currency"), "solution": ("solution_value", "currency")}
    if problem.code == "currency_unknown":
        return ("currency",)
    return of.get(problem.facts.get("field", ""))


def _marked(problem: Problem) -> str | None:
    """The field a problem is shown at, or None when it concerns the whole."""
    needs = _needs(problem)
    return needs[0] if needs and problem.code not in _WHOLE else None


def _trial(answers: Answers, scene: Scene) -> DealRegistration:
    """The answers as a registration, harmless values where nothing was answered yet."""
    today = scene.now.date()
    value = Decimal(answers.get("value") or 1)
    currency = answers.get("currency") or scene.referral.currency or "USD"
    return DealRegistration(
        currency=currency,
        value=value,
        term=Term(answers.get("term") or Term.FINITE),
        sign=_day(answers, "sign") or today,
        start=_day(answers, "start") or today,
        end=_day(answers, "end") if is_finite(answers) else None,
        solution_id=answers.get("solution", ""),
        solution_value=Decimal(answers.get("solution_value") or value),
        solution_currency=currency,
        deployed_on_azure=answers.get("azure") != "false",
        deployment=DeployedOn(answers.get("tenant") or DeployedOn.CUSTOMER),
        pricing=Pricing(answers.get("pricing") or Pricing.OTHER),
        marketplace=is_transacted(answers) and bool(answers.get("marketplace")),
        marketplace_date=_day(answers, "marketplace_date") if is_transacted(answers) else None,
    )


def _day(answers: Answers, name: str) -> date | None:
    return date.fromisoformat(answers[name]) if answers.get(name) else None


def next_step(name: Name, taken: Taken, scene: Scene) -> Name:
    """The step to show next: this one while something can be mended here, else the first that
    lacks an answer or holds a refused one."""
    if not taken.is_complete:
        return name
    problems = problems_of(taken.answers, scene)
    names = {each.id for each in BY_NAME[name].fields}
    if any(each.code in _WHOLE and names & set(_needs(each) or ()) for each in problems):
        return name
    refused = {_step_of(each) for each in problems if each.code not in _WHOLE}
    held = (step.name for step in STEPS if missing(step, taken.answers) or step.name in refused)
    return next(held, Name.READ_BACK)


def _step_of(problem: Problem) -> Name | None:
    """The step where a problem is mended, if it is one of the dialog's."""
    needs = _needs(problem)
    if not needs:
        return None
    first = needs[-1] if problem.code in _WHOLE else needs[0]
    return next(step.name for step in STEPS if first in {each.id for each in step.fields})


def step_view(name: Name, taken: Taken, scene: Scene) -> StepView:
    """A step as its card shows it, with what could not be taken beside its fields."""
    step = BY_NAME[name]
    shown = {**standing(step, taken.answers, scene), **taken.entered}
    problems = problems_of(taken.answers, scene)
    whole = [each for each in problems if each.code in _WHOLE and _concerns(each, step)]
    marks = {_marked(each): problem_words(each, scene.reader) for each in reversed(problems)}
    refused = {mark: why for mark, why in marks.items() if mark}
    taken = replace(taken, errors={**refused, **taken.errors})
    return StepView(
        name=name.value,
        title=step.title,
        number=STEPS.index(step) + 1,
        of=len(STEPS),
        fields=[_field_view(each, shown, taken, scene) for each in step.fields],
        live=live_lines(taken.answers, scene),
        problems=whole,
        elsewhere=[(each.name.value, each.title) for each in _others(whole, step)],
        needed=[each.brief for each in taken.needed if each.id not in taken.errors],
    )


def _others(problems: Sequence[Problem], here: Step) -> list[Step]:
    """The other steps where one of the problems can be mended as well."""
    return [
        step
        for step in STEPS
        if step is not here and any(_needs(each) and _concerns(each, step) for each in problems)
    ]


def _concerns(problem: Problem, step: Step) -> bool:
    names = {each.id for each in step.fields}
    return problem.code == "deal_not_registrable" or bool(names & set(_needs(problem) or ()))


def _field_view(each: StepField, shown: Mapping[str, str], taken: Taken, scene: Scene) -> FieldView:
    readings = taken.readings.get(each.id)
    value = shown.get(each.id, "")
    kind = FieldKind.CHOICE if readings else each.kind
    choices = readings or each.choices(scene.referral)
    if kind is FieldKind.CHOICE and value not in {option for option, _said in choices}:
        value = ""
    if kind is FieldKind.DATE and each.id in taken.entered:
        value = ""
    return FieldView(
        id=each.id,
        label=each.label,
        kind=kind,
        value=value,
        choices=choices,
        hint=each.hint or "",
        error=taken.errors.get(each.id, ""),
        required=each.id not in {"end", "marketplace_date"},
        open=len(choices) <= MOST_OPEN and each.choices is not solutions_of,
    )


def live_lines(answers: Answers, scene: Scene) -> tuple[Line, ...]:
    """The yearly worth and the days left, as far as the answers that break no rule tell.

    With pay-as-you-go nothing is counted from signing (API reference 10.3).
    """
    broken = {_marked(problem) for problem in problems_of(answers, scene)}
    kept = {name: value for name, value in answers.items() if name not in broken}
    sign, start, end = (_day(kept, name) for name in ("sign", "start", "end"))
    if answers.get("pricing") == Pricing.PAY_AS_YOU_GO:
        sign = None
    annual: Decimal | None = None
    term = Term(answers["term"]) if answers.get("term") else None
    ends = end is not None and start is not None and end >= start
    worth = kept.get("value") and "currency" not in broken
    if worth and term and start and (ends or term is Term.PERPETUAL):
        annual = annual_value(Decimal(kept["value"]), term, start, end)
    return live_numbers(
        scene.reader,
        annual=annual,
        currency=kept.get("currency"),
        sign_left=days_left(sign, SIGN_WINDOW, scene.now) if sign else None,
        start_left=days_left(start, START_WINDOW, scene.now) if start else None,
        sign=sign,
        start=start,
    )


def sections(answers: Answers, scene: Scene) -> tuple[Section, ...]:
    """Everything that was answered, step by step, for the read-back, with what is wrong there."""
    found: list[Section] = []
    problems = problems_of(answers, scene)
    for step in STEPS:
        lines = [
            Line(each.brief, said(each, answers, scene))
            for each in step.fields
            if each.applies(answers) and each.id != "currency"
        ]
        wrong = [each for each in problems if _step_of(each) is step.name]
        found.append(Section(step.name.value, step.title, lines, wrong))
    dates = found[1]
    live = [*dates.lines, *live_lines(answers, scene)]
    return (found[0], replace(dates, lines=live), *found[2:])


def said(each: StepField, answers: Answers, scene: Scene) -> Text:
    """An answer as a person reads it."""
    value = answers.get(each.id, "")
    if not value:
        return words("not answered")
    match each.kind:
        case FieldKind.MONEY:
            return scene.reader.money(Decimal(value), answers.get("currency"))
        case FieldKind.DATE:
            return scene.reader.date(date.fromisoformat(value))
        case FieldKind.CHOICE:
            return dict(each.choices(scene.referral)).get(value) or text(value, limit=80)
        case _:
            return text(value, limit=80)


def final_problems(answers: Answers, scene: Scene) -> tuple[Problem, ...]:
    """Every rule the complete answers break; a submission needs none."""
    registration = registration_of(answers)
    return validate(registration, scene.referral, now=scene.now, microsoft_invited=scene.invited)


def usable(answers: Answers, scene: Scene) -> dict[str, str]:
    """The answers of an older draft that still read as answers today; the others are asked again.

    An answer of another version, or one the deal no longer knows, is dropped without a word.
    """
    kept: dict[str, str] = {}
    for step in STEPS:
        for each in sorted(step.fields, key=lambda each: each.id != "currency"):
            value = answers.get(each.id)
            if not isinstance(value, str) or not value:
                continue
            exact = f"={value}" if each.kind is FieldKind.MONEY else value
            try:
                read = each.read(exact, Asked(scene.referral, kept, scene.today))
            except (WrongAnswer, DoubtfulAnswer):
                continue
            if read == value:
                kept[each.id] = value
    return kept
