"""From an export to segments: `insiders run` against the notebook as a script.

Neither side publishes, but for the last rows: there the same apply goes into an empty database,
the script's by pandas' to_sql. The models that are applied were fitted to the first nine tenths of the
lines, so that the whole export is an upload that they have not seen.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from harness.measure import Command, Failed, Side, run, take_turns
from harness.place import Place
from harness.postgres import Database, database
from harness.table import Check, Goal, Row, compared, detail, duration, failed

APPLY = Goal(faster=60, smaller=10)
FIT = Goal(faster=40, smaller=8)
OLD_SHARE = 0.9
# "notebook": the same choices as the script's, customer by customer; "default": what ships.
PROFILES = ("notebook", "default")
NOTEBOOK = "notebook script"


def rows(place: Place) -> Iterator[Row]:
    export = place.export()
    old = first_lines(place, export)
    configs = {p: place.settings(p, f'profile = "{p}"\n') for p in PROFILES}
    place.say("  fit the models that will be applied")
    models = place.fresh("notebook-models")
    run(place.peer("notebook", old, place.fresh("notebook-old"), "--models", models, "--train"))
    stored = {}
    for profile, config in configs.items():
        stored[profile] = place.fresh(f"stored-{profile}")
        run(insiders(place, old, stored[profile], config, "fit"))

    for mode, goal in (("apply", APPLY), ("fit", FIT)):
        yield from compare(place, mode, goal, export, models, stored, configs)
    with database(place) as server:
        yield from compare(place, "apply", None, export, models, stored, configs, server)


def compare(
    place: Place,
    mode: str,
    goal: Goal | None,
    export: Path,
    models: Path,
    stored: dict[str, Path],
    configs: dict[str, Path],
    server: Database | None = None,
) -> Iterator[Row]:
    out = place.dir / "work" / f"notebook-{mode}"

    def ours(profile: str):
        def make(_turn: int) -> Command:
            # A run that is there already would have nothing left to do.
            name = f"run-{mode}-{profile}"
            folder = place.copied(stored[profile], name) if mode == "apply" else place.fresh(name)
            if server:
                server.ask("DROP SCHEMA IF EXISTS insiders CASCADE;")
            return insiders(place, export, folder, configs[profile], mode, server)

        return make

    def notebook(_turn: int) -> Command:
        if mode == "fit":
            return place.peer("notebook", export, out, "--models", place.fresh("own"), "--train")
        command = place.peer("notebook", export, out, "--models", models)
        if server:
            return Command([*command.argv, "--publish"], env=server.env)
        return command

    sides = {profile: ours(profile) for profile in PROFILES}
    done = take_turns({**sides, NOTEBOOK: notebook}, place.runs, place.say)
    peer = done[NOTEBOOK]
    for profile in PROFILES:
        what = f"`insiders run --mode {mode}`, profile {profile}{', published' if server else ''}"
        try:
            folder = place.dir / "work" / f"run-{mode}-{profile}"
            yield compared(
                what,
                done[profile].seconds(),
                NOTEBOOK,
                peer.seconds(),
                goal,
                (done[profile].peak_mib(), peer.peak_mib()),
                same(place, folder, done[profile], out, peer),
            )
            yield detail(f"{what}: {stages(done[profile])}")
        except Failed as error:
            yield failed(what, error)
    if not peer.error:
        steps = ", ".join(f"{k} {duration(sum(v))}" for k, v in peer.last.steps.items())
        yield detail(f"{NOTEBOOK}, {mode}{', published' if server else ''}: {steps}")


def insiders(
    place: Place,
    export: Path,
    folder: Path,
    config: Path,
    mode: str,
    server: Database | None = None,
) -> Command:
    words = ["run", export, "--dir", folder, "--config", config, "--mode", mode, "--json"]
    where = ["--database-url", server.url] if server else ["--no-publish"]
    return Command([place.insiders, *words, *where])


def same(place: Place, folder: Path, ours: Side, out: Path, theirs: Side) -> Check:
    """The same customers with the same features; how good the segments are, beside."""
    manifest = json.loads(ours.last.output)
    features = folder / manifest["artifacts"]["features.parquet"]["key"]
    found = place.check("same_features", features, out / "insiders.parquet", "--any-id")
    quality, facts = manifest["quality"], theirs.last.facts
    segments = Check(
        quality["segments"] == facts["segments"],
        f"segments {quality['segments']} / {facts['segments']}",
    )
    silhouette = f"silhouette {quality['silhouette']:.3f} / {facts['silhouette']:.3f}"
    return found & segments & Check(True, silhouette)


def stages(side: Side) -> str:
    """The stages of the last turn, as the manifest has them."""
    manifest = json.loads(side.last.output)
    return "; ".join(
        f"{stage['stage']} {duration(stage['seconds'])} ("
        + ", ".join(f"{step} {duration(s)}" for step, s in stage["steps"].items())
        + ")"
        for stage in manifest["stages"]
    )


def first_lines(place: Place, export: Path) -> Path:
    """An export as it was some time ago."""
    path = place.fresh("old") / export.name
    with export.open("rb") as source:
        lines = sum(1 for _ in source)
        source.seek(0)
        with path.open("wb") as target:
            for number, line in enumerate(source):
                if number >= lines * OLD_SHARE:
                    break
                target.write(line)
    return path
