"""What browsers that watch runs fetch: one message, read from the store once for all of them."""

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app import engine, say
from app.components import Card, Line, LineChart, points_per_line, runs_payload
from app.names import run_title
from app.navigation import live_path
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity, bands_of
from paramixer_core.runs.races import Spread, spread
from paramixer_core.runs.run import Curve, Run, RunState
from paramixer_core.runs.store_errors import StoreError

TICK_SECONDS = 0.5
SHARED_SECONDS = 0.35
"""How long a message serves everyone who asks for the same."""

AXES = {
    RaceAxis.STEPS: "steps",
    RaceAxis.SECONDS: "seconds of training",
    RaceAxis.MULTIPLY_ADDS: "multiply-adds of training",
}
_of_training = partial(LineChart, smoothing=0.9, empty="The first step is on its way.")
CURVES = {
    RaceQuantity.LOSS: _of_training(
        title="Training loss", y_label="loss of the batch (log scale)", log_y=True
    ),
    RaceQuantity.ACCURACY: _of_training(
        title="Training accuracy", y_label="share of the batch that is right", y_range=(0, 1)
    ),
    RaceQuantity.GRAD_NORM: _of_training(
        title="Gradient norm", y_label="norm before clipping (log scale)", log_y=True
    ),
    RaceQuantity.TEST_ACCURACY: LineChart(
        title="Test accuracy",
        y_label="share right, sequences never trained on",
        y_range=(0, 1),
        empty="The first test is on its way.",
    ),
}
BESIDE = RaceQuantity.TEST_ACCURACY

Groups = dict[str, list[Run]]
"""Runs that differ only in their seed, under one name."""


@dataclass(frozen=True)
class Watched:
    """Which runs, drawn over what, with which curve of the training beside the test accuracy."""

    ids: tuple[str, ...]
    over: RaceAxis = RaceAxis.STEPS
    curve: RaceQuantity = RaceQuantity.LOSS

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Watched":
        """From an address. Raises ParamixerError for what cannot be drawn."""
        ids = tuple(name for name in query.get("runs", "").split(",") if name)
        if not 0 < len(ids) <= engine.MAX_SHOWN:
            raise ParamixerError(
                f"1 to {engine.MAX_SHOWN} runs", len(ids), "name them as runs=id,id"
            )
        try:
            over, curve = RaceAxis(query["over"]), RaceQuantity(query["curve"])
            CURVES[curve]
        except (KeyError, ValueError) as error:
            raise ParamixerError(
                f"over as one of {say.listed(list(RaceAxis))} and curve as one of "
                f"{say.listed(list(CURVES))}",
                dict(query),
                "open the Train page's link anew",
            ) from error
        return cls(ids, over, curve)

    @property
    def address(self) -> str:
        """Where a browser asks for it."""
        asked = {"runs": ",".join(self.ids), "over": self.over, "curve": self.curve}
        return f"{live_path()}?{urlencode(asked, safe=',')}"


def message(watched: Watched) -> bytes:
    """Figures and curves of runs as they are now. An unknown run raises ParamixerError."""
    return message_of(watched, engine.executor().statuses(watched.ids))


def message_of(watched: Watched, runs: list[Run]) -> bytes:
    """The same of runs whose present state is at hand."""
    groups = grouped(runs)
    troubles = engine.executor().troubles()
    charts = [chart_of(quantity, watched.over, groups) for quantity in (watched.curve, BESIDE)]
    return runs_payload(
        [
            replace(card(name, group), variant=variant)
            for (name, group), variant in zip(groups.items(), variants(groups), strict=True)
        ],
        charts,
        signature=signature(runs, troubles),
        active=any(run.state.active for run in runs) or bool(troubles),
        url=watched.address,
        every=TICK_SECONDS * 1000,
    )


def signature(runs: list[Run], troubles: Sequence[str] = ()) -> str:
    """The states of runs, on which the buttons depend, and what is wrong with the server."""
    states = [f"{run.id}-{run.state}" for run in runs]
    return ",".join([*states, *(f"{zlib.crc32(text.encode()):08x}" for text in troubles)])


def grouped(runs: list[Run]) -> Groups:
    """Runs by name: seeds of one setting together; the id tells settings of one mixer apart."""
    settings: dict[object, list[Run]] = {}
    for run in runs:
        setting = (_but_for_the_seed(run.config), run.parent, run.parent_step)
        settings.setdefault(setting, []).append(run)
    titles = [run_title(group[0]) for group in settings.values()]
    return {
        title + (f" · {group[0].id[:4]}" if titles.count(title) > 1 else ""): group
        for title, group in zip(titles, settings.values(), strict=True)
    }


@lru_cache(maxsize=1024)
def _but_for_the_seed(config: RunConfig) -> RunConfig:
    return config.replace(seed=0)


def variants(groups: Groups) -> list[int]:
    """How many groups of the same mixer come before each: what their dash patterns tell apart."""
    mixers = [group[0].config.mixer for group in groups.values()]
    return [mixers[:place].count(mixer) for place, mixer in enumerate(mixers)]


def card(name: str, runs: list[Run]) -> Card:
    """The present figures of one group: over seeds the mean and the deviation, as in the table."""
    store = engine.store()
    begun = [run for run in runs if run.step]
    tested = [store.evaluations(run.id).accuracy[-1:] for run in begun]
    trained = [store.records(run.id, after_step=run.step - 2, max_points=8) for run in begun]
    left = [run.eta for run in runs if run.eta is not None]
    return Card(
        name=name,
        mixer=runs[0].config.mixer,
        status=say.states(runs),
        progress=sum(run.progress for run in runs) / len(runs),
        progress_text=say.steps(runs),
        figures=(
            ("Test accuracy", say.share(spread([float(last[0]) for last in tested if len(last)]))),
            ("Batch loss", say.figure(newest(trained, "loss"), 3)),
            ("Gradient norm", say.figure(newest(trained, "grad_norm"), 3)),
            speed(runs),
            ("Left", say.duration(max(left)))
            if left
            else ("Trained for", say.duration(mean([run.seconds for run in begun]))),
        ),
        setting=say.setting(runs),
    )


def speed(runs: list[Run]) -> tuple[str, str]:
    """Steps per second: now, of those that train; once all have ended, as in the table."""
    now = [run.pace for run in runs if run.state is RunState.RUNNING]
    whole = [pace for run in runs if (pace := run.whole_pace)]
    over = "" if len(runs) == 1 else ", mean"
    return f"Steps/s{over}", say.rate(mean(now if now else whole) or 0.0)


def mean(values: list[float]) -> float | None:
    """The mean of some numbers; None of nothing."""
    return sum(values) / len(values) if values else None


def newest(curves: list[Curve], name: str) -> Spread | None:
    """The last value of a column over runs."""
    return spread([float(getattr(curve, name)[-1]) for curve in curves if len(curve)])


def chart_of(
    quantity: RaceQuantity, over: RaceAxis, groups: Groups
) -> tuple[LineChart, list[Line]]:
    """One quantity over one axis, thinned to what a tick may send, with a band over seeds."""
    begun = {name: [run for run in runs if run.step] for name, runs in groups.items()}
    begun = {name: runs for name, runs in begun.items() if runs}
    bands = bands_of(engine.store(), begun, quantity, over, points_per_line(len(groups)))
    variant = dict(zip(groups, variants(groups), strict=True))
    lines = [
        Line(
            name,
            band.x,
            band.mean,
            groups[name][0].config.mixer,
            low=band.low if band.seeds > 1 else None,
            high=band.high if band.seeds > 1 else None,
            variant=variant[name],
        )
        for name, band in bands.items()
    ]
    chart = replace(CURVES[quantity], x_label=AXES[over], caption=say.ends(bands, over))
    return chart, lines


@dataclass
class Shared:
    """Messages for all who ask for the same at about the same time."""

    kept: dict[Watched, tuple[float, asyncio.Task[bytes]]] = field(default_factory=dict)

    async def message(self, watched: Watched) -> bytes:
        """The message that is on its way or fresh, else a new one, read in a thread."""
        now = time.monotonic()
        due, task = self.kept.get(watched, (0.0, None))
        if task is None or (now >= due and task.done()):
            task = asyncio.create_task(run_in_threadpool(message, watched))
            kept = self.kept.items()
            self.kept = {one: it for one, it in kept if it[0] > now or not it[1].done()}
            self.kept[watched] = now + SHARED_SECONDS, task
        return await asyncio.shield(task)


_shared = Shared()


async def answer(request: Request) -> Response:
    """A message of the runs in the address; 304 if the browser has it, 404 in a sentence."""
    try:
        body = await _shared.message(Watched.asked(request.query_params))
    except StoreError as error:
        return PlainTextResponse(str(error), status_code=503)
    except ParamixerError as error:
        return PlainTextResponse(str(error), status_code=404)
    tag = f'"{zlib.crc32(body):08x}"'
    # Already packed numbers: compressing them for every browser would cost more than it saves.
    headers = {"ETag": tag, "Cache-Control": "no-store", "Content-Encoding": "identity"}
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/octet-stream", headers=headers)
