"""What docker-compose.yml, its Dockerfile and the files they mount promise, read without Docker."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml

import worker
from console.cli.main import app
from embedded.temporal_server import ONE_PARTITION, UPDATES_LIMIT
from oem_adapters.registry import known_oems
from worker_environment import Settings
from workflows.contracts import oem_queue

ROOT = Path(__file__).parents[2]
ONE_SHOT = {"temporal-schema", "temporal-namespace", "prepare"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def test_nothing_listens_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) >= 3
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports), ports
    assert len({port.split(":")[1] for port in ports}) == len(ports)
    assert not any("network_mode" in service for service in services.values())


def test_every_service_says_whether_it_is_well_or_ends(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name in ONE_SHOT:
            assert "healthcheck" not in service, name
            assert service["restart"].startswith("on-failure"), name
        else:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_who_waits_waits_for_the_right_thing(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, needs in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert needs["condition"] == wanted, f"{name} waits for {other}"


def test_a_worker_starts_only_after_everything_it_needs(services: dict[str, Any]) -> None:
    for name in (name for name in services if name.startswith("worker-")):
        assert {"postgres", "temporal-schema", "temporal", "temporal-namespace", "prepare"} <= _before(name, services)


def _before(name: str, services: Mapping[str, Any]) -> set[str]:
    direct = set(services[name].get("depends_on", {}))
    return direct.union(*(_before(one, services) for one in direct))


def test_every_variable_is_listed_required_with_a_sentence_or_has_a_default() -> None:
    listed = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    text = (ROOT / "docker-compose.yml").read_text()
    named = re.findall(r"\$\{([A-Z_]+)(:[?-])?([^}]*)\}", text)
    assert named
    for name, kind, rest in named:
        if kind == ":?":
            assert len(rest.split()) >= 4, f"{name} is asked for without a sentence"
        else:
            assert name in listed, name
            assert kind == ":-", name
            assert rest, name


def test_variables_that_are_handed_on_are_the_programs_own(services: dict[str, Any]) -> None:
    listed = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    own = {"DATABASE_URL", *(f"HEATSTEER_{name.upper()}" for name in Settings.model_fields)}
    for name in (name for name in services if name.startswith("worker-")):
        given = {key for key in services[name]["environment"] if not key.startswith("TEMPORAL_")}
        assert given <= own, name
        assert given <= listed, name


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    for name, variable, value in _environment(services):
        if re.search(r"PASSWORD|PWD|SECRET|KEY|DATABASE_URL", variable):
            assert re.search(r"\$\{[A-Z_]+:\?", str(value)), f"{variable} of {name}"


def _environment(services: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, value


def test_every_role_is_run_by_exactly_one_service_that_watches_it(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr(worker, "_pumps_worker", lambda _: built.append("pumps"))
    monkeypatch.setattr(worker, "_planner_worker", lambda _: built.append("planner"))
    monkeypatch.setattr(worker, "_oem_worker", lambda _, oem, vendors: built.append(f"oem:{oem}"))
    nowhere: Any = SimpleNamespace()
    for name in (name for name in services if name.startswith("worker-")):
        assert services[name]["command"][:4] == ["python", "-m", "worker", "--role"], name
        role = services[name]["command"][4]
        worker.workers_for(role, nowhere)
        assert services[name]["healthcheck"]["test"][-1] == role, name
    in_compose = sorted(built)
    built.clear()
    worker.workers_for("all", nowhere)
    assert in_compose == sorted(built)


def test_commands_of_heatsteer_that_are_named_exist(services: dict[str, Any]) -> None:
    assert services["prepare"]["command"] == ["heatsteer", "prepare"]
    known = set(_commands(typer.main.get_command(app), ""))
    assert "prepare" in known
    for file in ("docker-compose.yml", "docs/operations.md", "ops/operators.md", "ops/temporal/namespace.sh"):
        for words in re.findall(r"`heatsteer ([a-z -]+)", (ROOT / file).read_text()):
            assert any(f"{words.strip()} ".startswith(f"{one} ") for one in known), f"{file}: heatsteer {words}"


def _commands(command: Any, path: str) -> Iterator[str]:
    for name, one in getattr(command, "commands", {}).items():
        if getattr(one, "commands", None):
            yield from _commands(one, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def test_the_server_keeps_to_what_cannot_be_changed_later(services: dict[str, Any]) -> None:
    server = services["temporal"]
    assert server["environment"]["NUM_HISTORY_SHARDS"] == "512"
    tags = {name: service["image"].rpartition(":")[2] for name, service in services.items()}
    assert tags["temporal"] == tags["temporal-schema"] == tags["temporal-namespace"]
    assert all(re.fullmatch(r"v?\d+(\.\d+)+", tag) for tag in tags.values()), tags


def test_every_vendors_queue_has_one_partition_and_updates_their_limit_as_in_the_embedded_stack() -> None:
    config = yaml.safe_load((ROOT / "ops/temporal/dynamicconfig.yaml").read_text())
    (largest,) = config.pop("history.maxInFlightUpdatePayloads")
    assert {"history.maxInFlightUpdatePayloads": str(largest["value"])} == UPDATES_LIMIT
    assert set(config) == set(ONE_PARTITION)
    for key, entries in config.items():
        assert {entry["constraints"]["taskQueueName"] for entry in entries} == {oem_queue(oem) for oem in known_oems()}
        for entry in entries:
            assert set(entry["constraints"]) == {"taskQueueName"}
            assert str(entry["value"]) == ONE_PARTITION[key]


def test_mounted_files_exist_and_are_not_writable(services: dict[str, Any]) -> None:
    mounts = [m for service in services.values() for m in service.get("volumes", []) if m.startswith(".")]
    assert len(mounts) == 9
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).exists(), source
        assert mode == "ro", source


def test_the_server_reads_the_file_that_is_mounted(services: dict[str, Any]) -> None:
    server = services["temporal"]
    assert server["environment"]["DYNAMIC_CONFIG_FILE_PATH"] in server["volumes"][0].split(":")


def test_the_image_is_built_from_all_packages_and_from_no_secret() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.removesuffix("*") for name in setup["tool"]["setuptools"]["packages"]["find"]["include"]}
    modules = {f"{name}.py" for name in setup["tool"]["setuptools"]["py-modules"]}
    assert packages | modules | set(setup["project"]["license-files"]) | {setup["project"]["readme"]} <= let_through
    assert let_through.isdisjoint({".env", "var", ".git", "tests"})
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


def test_the_image_installs_pinned_and_hashed_and_runs_as_nobody() -> None:
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    assert all(line.split()[1].startswith("python:3.13-slim") for line in lines if line.startswith("FROM"))
    installs = [part for line in lines for part in line.split("&&") if "pip install" in part]
    assert len(installs) == 3
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or install.rstrip().endswith(" .")
    users = [line for line in lines if line.startswith("USER")]
    assert users == ["USER heatsteer"]
