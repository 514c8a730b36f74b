"""Verbs as somebody says them who thinks in French: what they type first, and what it is called here."""

from __future__ import annotations

import unicodedata

__all__ = ["IN_FRENCH", "verbs_meant"]

IN_FRENCH = {
    "acquitter": ("alarms ack",),
    "aide": ("--help", "explain"),
    "alarmes": ("alarms",),
    "annuler": ("undo", "cancel"),
    "armer": ("arm",),
    "arreter": ("stop", "abort"),
    "arret": ("stop", "abort"),
    "consigne": ("set",),
    "courbe": ("plot", "history"),
    "demarrer": ("start", "run"),
    "diagnostic": ("doctor",),
    "effacer": ("clear",),
    "essai": ("run", "runs"),
    "essais": ("runs",),
    "etalonner": ("cal",),
    "etalonnage": ("cal",),
    "etat": ("status",),
    "expliquer": ("explain",),
    "exporter": ("export",),
    "figer": ("hold",),
    "historique": ("history", "log"),
    "importer": ("import",),
    "installer": ("init",),
    "journal": ("log",),
    "lancer": ("run", "start"),
    "ligne": ("status", "watch"),
    "lire": ("tags read",),
    "lots": ("lot",),
    "rapport": ("report",),
    "rearmer": ("reset", "interlocks reset"),
    "recette": ("recipe",),
    "recettes": ("recipe",),
    "regler": ("set",),
    "repondre": ("answer",),
    "reprendre": ("unhold", "resume"),
    "servir": ("serve",),
    "surveiller": ("watch",),
    "suivre": ("watch", "log -f"),
    "tableau": ("watch",),
    "verrouillages": ("interlocks",),
}


def verbs_meant(word: str) -> tuple[str, ...]:
    """Return the verbs that the French `word` may mean, with or without its accents; nothing for any other word."""
    bare = unicodedata.normalize("NFD", word.casefold())
    return IN_FRENCH.get("".join(char for char in bare if not unicodedata.combining(char)), ())
