"""What the columns of an export mean: their unit, their type, and their description in English and French.

Both languages stand here, not in the catalogue: `schema.json` holds both, whatever the language in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from linectl.store.reader import StoredTag

__all__ = [
    "BOTTLES",
    "CHECKS",
    "JOURNAL",
    "SCAN_FIRST",
    "SCAN_LAST",
    "TRIALS",
    "Column",
    "tag_columns",
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its unit ("" for none), type, and what it holds.

    `title_fr` heads it in a French spreadsheet. `machine` columns bring a run back exactly and say nothing to people:
    a spreadsheet leaves them out.
    """

    name: str
    unit: str
    type: str  # string | number | integer | boolean
    description: str
    description_fr: str = ""
    title_fr: str = ""
    tag: str = ""
    is_quality: bool = False
    machine: bool = False


_TREATMENT = (
    Column("temperature_c", "°C", "number", "the bath's setpoint", "consigne du bain", "consigne"),
    Column("naoh_pct", "%", "number", "the bath's NaOH as asked", "soude demandée", "soude"),
    Column(
        *("agitation_pct", "%", "number", "the stirrer, where the experiment varies it"),
        *("agitateur, si l'essai le fait varier", "agitateur"),
    ),
    Column("replicate", "", "integer", "which repeat of the treatment", "répétition du traitement", "répétition"),
)
_SIMULATED = Column("simulated", "", "boolean", "1: not measured but simulated", "1 : simulé, non mesuré", "simulé")
_TRIAL = Column("trial", "", "integer", "the bath, see the table of trials", "le bain, voir la table trials", "bain")
_BOTTLE = Column("bottle", "", "string", "the bottle's label", "nom de la bouteille", "bouteille")

TRIALS = (
    Column("trial", "", "integer", "order of the bath in the run", "rang du bain", "bain"),
    *_TREATMENT,
    Column("block", "", "string", "block of the design", "bloc du plan", "bloc"),
    Column("state", "", "string", "planned, running, complete, flagged or aborted", "état du bain", "état"),
    Column("started_s", "s", "number", "since the run's start", "depuis le début de l'essai", "début"),
    Column("ended_s", "s", "number", "since the run's start", "depuis le début de l'essai", "fin"),
    Column(
        *("naoh_measured_pct", "%", "number", "mean over the soak, by conductivity"),
        *("moyenne du trempage, par conductivité", "soude mesurée"),
    ),
    _SIMULATED,
)

BOTTLES = (
    _BOTTLE,
    _TRIAL,
    Column("position", "", "integer", "place in the bath", "place dans le bain", "position"),
    Column("glue", "", "string", "the glue of the label", "colle de l'étiquette", "colle"),
    *_TREATMENT,
    Column("inserted_s", "s", "number", "when it went in, since the run's start", "mise au bain", "mise au bain"),
    Column(
        *("last_attached_s", "s", "number", "when the label was last seen on, since the run's start"),
        *("dernière fois vue collée", "vue collée"),
    ),
    Column(
        *("first_detached_s", "s", "number", "when it was first seen off; empty: still on at the last check"),
        *("première fois vue décollée ; vide : encore collée", "vue décollée"),
    ),
    Column(
        *("lo_s", "s", "number", "last seen on, since this bottle went in"),
        *("dernière fois vue collée, depuis la mise au bain", "trempage, vue collée"),
    ),
    Column(
        *("hi_s", "s", "number", "first seen off, since this bottle went in; empty: still on at the last check"),
        *("première fois vue décollée, depuis la mise au bain ; vide : encore collée", "trempage, vue décollée"),
    ),
    Column("mode", "", "string", "how the label came off: whole, torn, pulped", "mode de décollement", "mode"),
    Column("residue_pct", "%", "number", "glue left on the bottle", "colle restée sur la bouteille", "résidu"),
    Column("code", "", "string", "what a blind run showed for the glue", "code de la colle, essai en aveugle", "code"),
    Column(
        "factors", "", "string", "paper, finish, age and the like: JSON", "papier, finition, âge... : JSON", "facteurs"
    ),
    _SIMULATED,
)

CHECKS = (
    _TRIAL,
    _BOTTLE,
    Column("planned_s", "s", "number", "when the look was due, since the run's start", "contrôle prévu", "prévu"),
    Column("done_s", "s", "number", "when it was made; empty: missed", "contrôle fait ; vide : manqué", "fait"),
    Column("attached", "", "boolean", "1 still on, 0 off; empty: not seen", "1 collée, 0 décollée", "collée"),
    Column(
        *("examiner", "", "string", "who looked, beside the look that decides"),
        *("second contrôleur, à côté du regard qui décide", "contrôleur"),
    ),
)

_TIME = Column("time", "", "string", "ISO 8601 with offset", "ISO 8601 avec décalage", "temps_iso")
_T_S = Column("t_s", "s", "number", "since the run's start", "depuis le début de l'essai", "t_s")
_TIME_NS = Column(
    "time_ns", "ns", "integer", "the wall time, since 1970-01-01 UTC", "heure, depuis le 1970-01-01 UTC", machine=True
)

JOURNAL = (
    _TIME,
    _T_S,
    Column("kind", "", "string", "what happened, a machine word", "ce qui est arrivé", "événement"),
    Column("data", "", "string", "the details, JSON", "les détails, JSON", "détails"),
    _TIME_NS,
)

SCAN_FIRST = (
    Column(
        *("time", "", "string", "ISO 8601 with offset: the scan's wall time"),
        *("ISO 8601 avec décalage : heure du relevé", "temps_iso"),
    ),
    Column(
        *("t_s", "s", "number", "since the run's start, untouched by steps of the wall clock"),
        *("depuis le début de l'essai, sans effet d'un changement d'heure", "t_s"),
    ),
)
SCAN_LAST = (
    Column("trial", "", "integer", "the bath that was worked on", "le bain en cours", "bain", machine=True),
    Column("scan", "", "integer", "the scan's number; a missed one leaves a hole", "numéro du relevé", machine=True),
    Column("boot", "", "string", "the start of the program", "le démarrage du programme", machine=True),
    _TIME_NS,
    Column("loop_ns", "ns", "integer", "the program's steady clock", "l'horloge du programme", machine=True),
)

_TYPES = {"float": "number", "int": "integer", "bool": "boolean"}
_FRENCH = {
    "bath": "bain",
    "room": "salle",
    "label": "étiquette",
    "temperature": "température",
    "controller_temperature": "température du régulateur",
    "conductivity": "conductivité",
    "humidity": "humidité",
    "level": "niveau",
    "level_ok": "niveau correct",
    "naoh": "soude",
    "setpoint": "consigne",
    "state": "état",
    "alarm_word": "alarmes",
    "stirrer": "agitateur",
    "heater_on": "chauffe",
    "heater_power": "puissance",
    "lid_closed": "couvercle fermé",
}


def tag_columns(tags: Iterable[StoredTag]) -> tuple[Column, ...]:
    """Return a value column for each tag, then a quality column for each."""
    names = list(tags)
    values = tuple(
        Column(tag.name, tag.unit, _TYPES[tag.dtype], tag.name, tag.name, _title(tag.name), tag.name) for tag in names
    )
    text, french = "good, uncertain:reason or bad:reason", "good, uncertain:raison ou bad:raison"
    return values + tuple(
        Column(
            *(f"{tag.name}_quality", "", "string", text, french, f"{_title(tag.name)}, qualité", tag.name),
            is_quality=True,
        )
        for tag in names
    )


def _title(name: str) -> str:
    return " ".join(_FRENCH.get(word, word) for word in name.split("."))
