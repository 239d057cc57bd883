"""New versions for constraints.txt: `make upgrade` resolves the ranges anew and runs the suite."""

import json
import subprocess
import sys

import install

PYTHONS = ("3.11", "3.12", "3.13")
HEADER = "# The exact versions that were tested, for each Python. Written by `make upgrade`."


def main() -> int:
    """Resolve for this Python; keep the versions if the suite passes with them."""
    before = install.CONSTRAINTS.read_text(encoding="utf-8")
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    install.install(tests=True, torch="pip", constrained=False)
    text = written(parsed(before) | {this: resolved()})
    install.CONSTRAINTS.write_text(text, encoding="utf-8")
    install.install(tests=True, torch="pip")
    if subprocess.run(["make", "test"], cwd=install.ROOT, check=False).returncode:
        install.CONSTRAINTS.write_text(before, encoding="utf-8")
        sys.stderr.write("The suite fails with the new versions: constraints.txt is as it was.\n")
        return 1
    others = [f"`make upgrade PYTHON=python{each}`" for each in PYTHONS if each != this]
    sys.stderr.write(
        f"constraints.txt holds the newest versions for Python {this}; "
        f"{' and '.join(others)} do the same for the others.\n"
    )
    return 0


def resolved() -> dict[str, str]:
    """The versions in .venv by package, without a build's local part, such as +cpu."""
    command = [str(install.python()), "-m", "pip", "list", "--format=json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {
        install.name_of(package["name"]): package["version"].partition("+")[0]
        for package in json.loads(listed)
        if package["name"] != "pip"
    }


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Version by package, for each Python."""
    found: dict[str, dict[str, str]] = {each: {} for each in PYTHONS}
    for line in text.splitlines():
        pinned, _, marker = line.partition("#")[0].partition(";")
        name, _, version = pinned.strip().partition("==")
        for each in PYTHONS if name else ():
            if not marker or f'"{each}"' in marker:
                found[each][name] = version
    return found


def written(versions: dict[str, dict[str, str]]) -> str:
    """The text of constraints.txt: a line for what all Pythons share, else one for each."""
    lines = [HEADER]
    for name in sorted(set().union(*versions.values())):
        by_python = {each: held[name] for each, held in versions.items() if name in held}
        if len(set(by_python.values())) == 1:
            lines.append(f"{name}=={next(iter(by_python.values()))}")
        else:
            lines += [f'{name}=={v}; python_version == "{p}"' for p, v in by_python.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
