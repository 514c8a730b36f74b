"""Small sound files of every kind, and the mistakes that people, editors and disks make in them."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Mapping

from linectl.config.files import find_file

__all__ = ["BASES", "CASES", "SEED", "SHARES", "mutant"]

CASES = int(os.environ.get("LINECTL_MUTATIONS", "10000"))
SEED = int(os.environ.get("LINECTL_MUTATION_SEED", "1"))

LINE = """\
kind: line
name: small
links:
  plc: {type: modbus_tcp, host: 127.0.0.1, port: 1502, units: {1: {holes: [hr100-119]}}}
  ph: {type: ezo, port: /dev/ttyUSB0, device: pH}
  room: {type: mqtt, host: broker, username: u, password_env: ROOM, tls: {ca_file: ca.pem}}
scans: {fast: 1.0, slow: 30}
zones: {bath: {kind: bath, volume_l: 40, limits: {temperature: {warn: 82, block: 85, hard: 90}}}}
tags:
  bath.temperature: {link: plc, point: 1/ir0, kind: i16, gain: 0.1, unit: °C, low: -10, high: 120, scan: fast}
  bath.setpoint: {link: plc, point: 1/hr4, kind: f32, unit: °C, low: 0, high: 90, writable: true, limit: temperature}
  bath.state: {link: plc, point: 1/hr9, states: {0: stopped, 1: running}}
  room.temperature: {link: room, point: "a#t", kind: float, scan: slow}
"""
DEVICE = """\
kind: device
name: probe
sources: ["its manual"]
unverified: [the order of bytes]
unit: 1
serial: {baud: 9600, bits: 8, parity: N, stop_bits: 1}
points:
  t: {point: hr0, kind: i16, gain: 0.01, unit: °C, low: -200, high: 320, description: channel 1}
  s: {point: hr4, states: {0: stopped, 1: running}}
expect:
  - {point: t, low: -40, high: 150, meaning: not a temperature of this site}
"""
EXPERIMENT = """\
kind: experiment
name: one
question: how hot?
factors: {temperature_c: [50, 60], naoh_pct: [0, 1.5], glue: [casein, starch]}
replicates: 2
bottles_per_glue: 4
order: {randomised: true, seed: 3}
soak: {cap_s: 1200, check_s: 15}
stabilisation: {band_c: 0.5, hold_s: 60, within_s: 7200}
observation: operator
on_crash: {soak: abort}
questions: [{id: mass, at: unload, text: "How heavy?", kind: number, low: 0, high: 9, unit: g}]
decision: {removal: 0.99, confidence: 0.95, soak_s: 900, temperatures_c: [60], naoh_pct: [1.5]}
line: simulated
"""
CALIBRATION = """\
kind: calibration
sensors:
  bath.temperature: {u: 0.15, unit: °C, done: 2026-01-01, due: 2027-01-01, by: anne, method: ice point}
"""
ANSWERS = """\
kind: answers
name: night shift
answers:
  "T01-P0?": yes
  "*-titration": 1.5
  T01-check-4: [3, 7]
"""
SCENARIO = """\
kind: scenario
line: simulated
duration: 45 min
seed: 11
initial: {bath.temperature: 80, bath.naoh: 1.5}
faults:
  - {at: 15 min, fault: plc_reboot, for: 20}
  - {fault: probe_out_of_bath, target: bath.temperature, when: bath.temperature < 78, for: 5 min}
"""
INTERLOCKS = """\
kind: interlocks
line: simulated
normal: {bath.level: 80, bath.heater_on: false, bath.level_ok: true}
interlocks:
  dry: {when: bath.heater_on and (bath.level < 30 % or not bath.level_ok), delay_s: 2, action: safe, message: dry}
permissives:
  fill: {needs: bath.level < 100 %, allows: fill, message: {en: full, fr: plein}}
cases:
  - name: runs dry
    steps:
      - {at: 0, given: {bath.heater_on: true, bath.level: 20}}
      - {at: 5, trips: dry}
"""

ALARMS = """\
kind: alarms
line: simulated
shelve_most: 8 h
alarms:
  plc_lost:
    link: plc
    priority: 1
    on_delay: 2 s
    message: {en: no answer, fr: pas de réponse}
    cause: {en: cable, fr: câble}
    action: {en: look at it, fr: le regarder}
  bath_hot:
    tag: bath.temperature
    condition: HIHI
    limit: 90 °C
    deadband: 1
    priority: 2
    message: {en: hot, fr: chaud}
    cause: {en: heater, fr: chauffe}
    action: {en: switch it off, fr: la couper}
    suppressed_by: [plc_lost]
"""


def _shipped(name: str, folder: str = "config") -> str:
    text = find_file(name, folder=folder).read_text(encoding="utf-8")
    return "".join(f"{line}\n" for line in text.splitlines() if line.split("#")[0].strip())


BASES: Mapping[str, str] = {
    "line": LINE,
    "device": DEVICE,
    "experiment": EXPERIMENT,
    "calibration": CALIBRATION,
    "answers": ANSWERS,
    "scenario": SCENARIO,
    "interlocks": INTERLOCKS,
    "alarms": ALARMS,
    "recipe": _shipped("reference_80c", "config/recipes"),
    "washer": _shipped("washer"),
    "economics": _shipped("economics"),
}
SHARES: Mapping[str, int] = {"line": 9, "experiment": 9, "scenario": 6, "washer": 1, "economics": 1, "recipe": 2}
"""Of all cases; a kind that is not named has 5. Those of long files have few: each takes as long as many others."""

_WORDS = (
    *("", "no", "~", "null", "true", "1e999", "-1", "0", ".nan", "-.inf", "1e-320", "9" * 400, "0x1F", "1_000"),
    *("12:30", "2026-02-30", "é", "\u202e", "[]", "{}", "[1, 2]", "{a: 1}", "'", '"', "|", ">-", "&a x", "*a", "!x y"),
    *("!!binary x", "<<: {}", "%YAML 1.2", "---", "...", "\t", "\x00", "\x85", "\ufeff", "#", ": ", "- ", "? ", ","),
    *("\\", "1/hr70000", "bath.temperature", "bath.temperature > ", "45 min", "1,5", "1 2", "../../x", "a" * 300),
    *("-0.0", "°C", "%", "\r"),
)
_VALUE = re.compile(r"(?<=: )[^\s,{}\[\]][^,{}\[\]\n]*")
_KEY = re.compile(r"[A-Za-z_.]+(?=: )")

Mutation = Callable[[str, random.Random], str]


def _splice(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_WORDS) + text[at + rng.choice((0, 0, 1, 5, 40)) :]


def _another_value(text: str, rng: random.Random) -> str:
    return _replaced(text, _VALUE, rng.choice(_WORDS), rng)


def _another_key(text: str, rng: random.Random) -> str:
    return _replaced(text, _KEY, rng.choice((*_KEY.findall(text), *_WORDS)), rng)


def _replaced(text: str, pattern: re.Pattern[str], word: str, rng: random.Random) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text + word
    at = rng.choice(found)
    return text[: at.start()] + word + text[at.end() :]


def _lost_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _line_twice(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return "\n".join(lines)


def _indented(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines[at] = rng.choice((f"  {lines[at]}", f"\t{lines[at]}", lines[at].lstrip(), lines[at][1:]))
    return "\n".join(lines)


def _swapped(text: str, rng: random.Random) -> str:
    at = rng.randrange(max(1, len(text) - 1))
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _cut_off(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_another_value,) * 4,
    *(_another_key,) * 2,
    *(_splice,) * 2,
    _lost_line,
    _line_twice,
    _indented,
    _swapped,
    _cut_off,
)


def mutant(kind: str, number: int) -> str:
    """Return the file `number` of a kind, the same for the same seed: its base with one to three mistakes."""
    rng = random.Random(f"{SEED} {kind} {number}")
    text = BASES[kind]
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice(_MUTATIONS)(text, rng)
    return text
