"""What `deploy/` promises of the lab's image, its compose file, its unit and its proxy.

No container is built here: the files are read, and their own programs check them where they are.
"""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the image that runs."""
    found = instructions()
    last = max(place for place, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def test_the_image_runs_as_a_user_without_rights_and_is_asked_for_its_health() -> None:
    stage = dict(final_stage())
    user = stage["USER"].partition(":")[0]
    assert user.isdigit()
    assert user != "0"
    assert "/_stcore/health" in stage["HEALTHCHECK"]
    assert stage["VOLUME"] == "/data"
    assert "PARAMIXER_HOME=/data" in stage["ENV"]


def test_the_image_installs_the_tested_versions_and_no_compiler() -> None:
    found = instructions()
    text = " ".join(argument for _, argument in found)
    assert "PIP_CONSTRAINT=/constraints.txt" in text
    assert not re.search(r"apt|build-essential|gcc|g\+\+|clang", text)
    assert 'TORCH_INDEX=""' in [argument for word, argument in found if word == "ARG"]
    version = re.search(r"^torch==([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert version, "what the Dockerfile looks for"
    assert f"torch=={version[1]}" in (ROOT / "constraints.txt").read_text().splitlines()
    python = re.search(r"PYTHON=(3\.\d+)", text)
    assert python
    assert f'python_version == "{python[1]}"' in (ROOT / "constraints.txt").read_text()


def test_all_that_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for word, argument in instructions():
        if word == "COPY" and "--from" not in argument:
            for name in argument.split()[:-1]:
                assert (ROOT / name).exists()
                assert f"!{name}" in ignored


def test_the_health_check_asks_below_a_base_path_too() -> None:
    check = dict(final_stage())["HEALTHCHECK"]
    code = re.search(r'"-c", "(.*)"\]', check)
    assert code
    said = code[1].replace("urllib.request.urlopen(", "print(").replace(", timeout=8", "")
    for base, path in {"": "", "/lab": "lab/", "lab/": "lab/"}.items():
        finished = subprocess.run(
            ["python3", "-c", said],
            env={**os.environ, "LAB_BASE_PATH": base},
            capture_output=True,
            text=True,
            check=True,
        )
        assert finished.stdout.strip() == f"http://127.0.0.1:8501/{path}_stcore/health"


def test_the_services_are_bounded_and_may_write_to_their_volumes_alone() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert set(told["services"]) == {"lab", "caddy"}
    for service in told["services"].values():
        assert service["read_only"] is True
        assert any(entry.startswith("/tmp") for entry in service["tmpfs"])
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["restart"] == "unless-stopped"
        for volume in service["volumes"]:
            source, _, rest = volume.partition(":")
            assert source in told["volumes"] or rest.endswith(":ro")
    lab, caddy = told["services"]["lab"], told["services"]["caddy"]
    assert "runs:/data" in lab["volumes"]
    assert "ports" not in lab, "whoever reaches the lab comes through Caddy"
    assert lab["cpus"]
    proxy = caddy["networks"]["inside"]["ipv4_address"]
    assert lab["environment"]["PARAMIXER_PROXY"] == proxy, "X-Forwarded-* of Caddy alone"
    assert caddy["depends_on"]["lab"]["condition"] == "service_healthy"
    assert told["networks"]["inside"]["internal"] is True


def unit() -> configparser.ConfigParser:
    """The systemd unit; of a key that is given twice the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "paramixer-lab.service")
    return parser


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ProtectSystem", "strict"),
        ("ReadWritePaths", "/var/lib/paramixer-lab"),
        ("NoNewPrivileges", "yes"),
        ("UMask", "0077"),
        ("Restart", "on-failure"),
        ("OOMPolicy", "continue"),
        ("User", "paramixer"),
    ],
)
def test_the_unit_is_hardened(name: str, value: str) -> None:
    assert unit()["Service"][name] == value
    assert unit()["Service"]["MemoryMax"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "paramixer-lab.service").read_text()
    here = text.replace("/opt/paramixer-lab/.venv/bin/python", shutil.which("python3") or "")
    here = here.replace("User=paramixer", "User=daemon").replace("Group=paramixer", "Group=daemon")
    copy = tmp_path / "paramixer-lab.service"
    copy.write_text(here)
    finished = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in finished.stderr.splitlines() if "paramixer-lab" in line]
    assert ours == []


@pytest.mark.skipif(not shutil.which("caddy"), reason="needs Caddy")
@pytest.mark.parametrize("site", ["localhost", "lab.school.example", "lab.school.example:8443"])
def test_caddy_takes_its_file_for_any_site(site: str, tmp_path: Path) -> None:
    finished = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")],
        env={**os.environ, "LAB_SITE": site, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "Valid configuration" in finished.stdout + finished.stderr
