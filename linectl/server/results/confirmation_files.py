"""The experiment files of a confirmation: written when it is registered, run like any experiment."""

from __future__ import annotations

from pathlib import Path

from linectl.lab.confirmation.rules import parse_rule
from linectl.model.confirmations import Confirmation, ConfirmationSet
from linectl.model.experiments import Experiment

__all__ = ["experiment_file", "write_files"]


def write_files(confirmation: Confirmation, screening: Experiment, folder: Path) -> tuple[Path, ...]:
    """Write the files of the main and the aged set into `folder`; holding is counted by hand."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for kind in (ConfirmationSet.MAIN, ConfirmationSet.AGED):
        target = folder / f"{confirmation.id}-{kind}.yaml"
        part = target.with_name(target.name + ".part")
        part.write_text(experiment_file(confirmation, screening, kind), encoding="utf-8")
        part.replace(target)
        files.append(target)
    return tuple(files)


def experiment_file(confirmation: Confirmation, screening: Experiment, kind: ConfirmationSet) -> str:
    """Return the experiment file (YAML) of one set of `confirmation`, on the line of its screening."""
    text = confirmation.applied if kind is ConfirmationSet.MAIN else confirmation.aged_rule
    bottles = parse_rule(text).bottles
    lots, fewest = len(confirmation.lots), confirmation.min_baths
    per_lot = max(1, min(confirmation.per_bath // lots, -(-bottles // (fewest * lots))))
    baths = max(fewest, -(-bottles // (per_lot * lots)))
    temperature_c = confirmation.temperature_c - confirmation.cooler_k
    simulate = screening.simulate_as.get(confirmation.glue, "")
    lines = [
        f"# Confirmation {confirmation.id}, set {kind}: rule {confirmation.rule}, applied as {text}.",
        "# Registered: its rule and point are fixed; a change after the first bottle voids GO.",
        "kind: experiment",
        f"name: {confirmation.id}-{kind}",
        f"question: Do at least {confirmation.removal:.0%} of the labels with {confirmation.glue} come off?",
        *([f"line: {screening.line}"] if screening.line else []),
        f"zone: {screening.zone}",
        f"confirmation: {confirmation.id}/{kind}",
        "factors:",
        f"  temperature_c: [{temperature_c:g}]   # {confirmation.cooler_k:g} K below the point, for the probe",
        f"  naoh_pct: [{confirmation.naoh_pct:g}]",
        f"  glue: [{confirmation.glue}]",
        f"  lot: [{', '.join(confirmation.lots)}]",
        f"replicates: {baths}",
        f"bottles_per_glue: {per_lot}   # of each lot",
        f"order: {{seed: {screening.seed + 1}}}",
        f"soak: {{cap_s: {confirmation.soak_s:g}, check_s: {screening.soak.check_s:g}}}",
        f"stirrer_pct: {confirmation.agitation_pct:g}",
        f"observation: {screening.observation}",
        "score_residue: true",
        "decision:",
        f"  removal: {confirmation.removal:g}",
        f"  confidence: {confirmation.confidence:g}",
        f"  soak_s: {confirmation.soak_s:g}",
        f"  temperatures_c: [{temperature_c:g}]",
        f"  naoh_pct: [{confirmation.naoh_pct:g}]",
        *([f"simulate_as: {{{confirmation.glue}: {simulate}}}"] if simulate else []),
    ]
    return "\n".join(lines) + "\n"
