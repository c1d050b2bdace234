"""Use cases on the experiment: who is left neutral, so that savings can be told from luck.

Protects: an experiment is changed by a person with a name, from a day that has not been planned yet.
"""

from datetime import date, timedelta

from pydantic import ValidationError

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
from domain.savings.experiment import Experiment
from workflows.contracts import first_problem


async def begin_experiment(
    access: Access,
    by: Actor,
    *,
    seed: int,
    begins: date | None,
    today: date,
    holdout_share: float,
    switchback_share: float,
    block_days: int,
) -> Experiment:
    """Draw homes from a day on (two days ahead where none is given); shares of 0 leave nobody neutral.

    Raises Refused for values that cannot be, and for a day that may be planned already.
    """
    first = begins or today + timedelta(days=2)
    if first <= today + timedelta(days=1):
        sentence = f"the plan for {first} may be made already: begin on {today + timedelta(days=2)} or later"
        raise Refused(ErrorCode.INVALID_VALUE, sentence, field="begins", value=first, problem="planned already")
    try:
        experiment = Experiment(
            seed=seed,
            begins=first,
            holdout_share=holdout_share,
            switchback_share=switchback_share,
            block_days=block_days,
        )
    except ValidationError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, first_problem(error)) from error
    detail = experiment.model_dump(mode="json")

    async def store() -> Experiment:
        await access.ledger.savings.begin_experiment(experiment, access.now())
        return experiment

    return await audited(access, "experiment", "fleet", by, detail, store)
