"""What browsers that watch runs fetch: one message, read from the store once for all of them."""

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app import engine, say
from app.components import Card, Line, LineChart, points_per_line, runs_payload
from app.names import run_title
from app.navigation import live_path
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity, bands_of
from paramixer_core.runs.races import Spread, spread
from paramixer_core.runs.run import Curve, Run
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
    return message_of(watched, [engine.executor().status(run_id) for run_id in watched.ids])


def message_of(watched: Watched, runs: list[Run]) -> bytes:
    """The same of runs whose present state is at hand."""
    groups = grouped(runs)
    charts = [
        (
            replace(CURVES[quantity], x_label=AXES[watched.over]),
            lines(groups, quantity, watched.over),
        )
        for quantity in (watched.curve, BESIDE)
    ]
    return runs_payload(
        [card(name, group) for name, group in groups.items()],
        charts,
        signature=signature(runs, engine.executor().troubles()),
        active=any(run.state.active for run in runs),
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
        setting = (run.config.replace(seed=0), run.parent, run.parent_step)
        settings.setdefault(setting, []).append(run)
    titles = [run_title(group[0]) for group in settings.values()]
    return {
        title + (f" · {group[0].id[:4]}" if titles.count(title) > 1 else ""): group
        for title, group in zip(titles, settings.values(), strict=True)
    }


def card(name: str, runs: list[Run]) -> Card:
    """The present figures of one group."""
    shown = max(runs, key=lambda run: (run.state.active, -run.step))
    store = engine.store()
    begun = [run for run in runs if run.step]
    tested = [store.evaluations(run.id).accuracy[-1:] for run in begun]
    trained = [store.records(run.id, after_step=run.step - 2, max_points=8) for run in begun]
    return Card(
        name=name,
        mixer=shown.config.mixer,
        status=say.states(runs),
        progress=shown.progress,
        progress_text=f"step {shown.step:,} of {shown.config.steps:,}",
        figures=(
            ("Test accuracy", say.share(spread([float(last[0]) for last in tested if len(last)]))),
            ("Batch loss", say.figure(newest(trained, "loss"), 3)),
            ("Gradient norm", say.figure(newest(trained, "grad_norm"), 3)),
            ("Steps/s", say.rate(shown.pace)),
            ("Trained for", say.duration(shown.seconds))
            if shown.eta is None
            else ("Left", say.duration(shown.eta)),
        ),
        setting=say.setting(runs),
    )


def newest(curves: list[Curve], name: str) -> Spread | None:
    """The last value of a column over runs."""
    return spread([float(getattr(curve, name)[-1]) for curve in curves if len(curve)])


def lines(groups: Groups, quantity: RaceQuantity, over: RaceAxis) -> list[Line]:
    """The curves of one quantity, thinned to what a tick may send, with a band over seeds."""
    begun = {name: [run for run in runs if run.step] for name, runs in groups.items()}
    begun = {name: runs for name, runs in begun.items() if runs}
    bands = bands_of(engine.store(), begun, quantity, over, points_per_line(len(groups)))
    return [
        Line(
            name,
            band.x,
            band.mean,
            groups[name][0].config.mixer,
            low=band.low if band.seeds > 1 else None,
            high=band.high if band.seeds > 1 else None,
        )
        for name, band in bands.items()
    ]


@dataclass
class Shared:
    """Messages for all who ask for the same at about the same time."""

    kept: dict[Watched, tuple[float, asyncio.Task[bytes]]] = field(default_factory=dict)

    async def message(self, watched: Watched) -> bytes:
        """The message that is on its way or fresh, else a new one, read in a thread."""
        now = time.monotonic()
        due, task = self.kept.get(watched, (0.0, None))
        if task is None or now >= due:
            task = asyncio.create_task(run_in_threadpool(message, watched))
            self.kept = {asked: entry for asked, entry in self.kept.items() if entry[0] > now}
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
