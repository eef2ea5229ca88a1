"""Makes an Airflow ready for the DAGs: its database, an admin, and a pool for each site.

Run it with the Python of Airflow's environment, 3 or 2.11, at the first time and after each update:

    AIRFLOW_USERNAME=… AIRFLOW_PASSWORD=… python deploy/airflow/prepare.py

It may be run again at any time: the admin gets the password that is given, and pools that are
there stay as they are. Passwords that everybody tries first are refused, before anything is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

LEAST = 10
"""Characters of a password."""
KNOWN = (
    *("airflow", "admin", "administrator", "root", "user", "test", "guest", "default"),
    *("password", "passw0rd", "secret", "changeme", "letmein", "welcome", "qwerty", "iloveyou"),
    *("123456", "111111", "000000", "654321", "abc123", "1q2w3e4r", "video-rag", "video_rag"),
    *("管理员", "密码"),
)
"""What passwords are made of that everybody tries first; digits and marks beside change nothing."""
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
POOLS = Path(__file__).with_name("pools.json")


def refuse(told: str, hint: str) -> None:
    """End with what happened and what to do."""
    sys.exit(f"error: {told}\nhint:  {hint}")


def weakness(name: str, password: str) -> str:
    """Why a password is none, in words; empty for one that may do."""
    plain = password.casefold().strip()
    core = plain.strip("0123456789!@#$%^&*()-_=+.,;:?/ ")
    if plain in KNOWN or core in KNOWN or plain.isdigit():
        return "is one that everybody tries first"
    if name.casefold() in {plain, core}:
        return "is the user's name"
    if len(password) < LEAST:
        return f"has fewer than {LEAST} characters"
    if len(set(plain)) < 5:
        return "repeats a few characters"
    return ""


def admin() -> tuple[str, str]:
    """Name and password from the environment, if they may do."""
    name, password = os.environ.get("AIRFLOW_USERNAME", ""), os.environ.get("AIRFLOW_PASSWORD", "")
    for variable, value in (("AIRFLOW_USERNAME", name), ("AIRFLOW_PASSWORD", password)):
        if not value.strip():
            refuse(f"{variable} is not set", f"export {variable}=…, then run this again")
    if weak := weakness(name, password):
        hint = f"choose one of {LEAST} characters or more, such as from: openssl rand -base64 18"
        refuse(f"the password in AIRFLOW_PASSWORD {weak}", hint)
    return name, password


def need_users() -> None:
    """Airflow 3 comes with a manager of users that keeps passwords in plain text: not that one."""
    from airflow import __version__
    from airflow.configuration import conf

    if not __version__.startswith("2.") and conf.get("core", "auth_manager") != MANAGER:
        told = "this Airflow keeps no users: its auth manager is another one"
        refuse(told, f"export AIRFLOW__CORE__AUTH_MANAGER={MANAGER}")


def make_admin(name: str, password: str) -> str:
    """Create the admin, or give them this password; returns what was done."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        users = builder.sm
        found = users.find_user(username=name)
        if found is not None:
            users.reset_password(found.id, password)
            return f"{name} was there: the password is the given one now"
        role = users.find_role("Admin")
        made = users.add_user(name, name, "admin", f"{name}@localhost", role, password)
    if not made:
        refuse(f"the user {name} could not be made", "see above for why")
    return f"the admin {name} was made"


def make_pools() -> list[str]:
    """Create the pools that are not there, and tell the DAG of all; returns what was done."""
    from airflow.models import Pool, Variable

    wanted = json.loads(POOLS.read_text(encoding="utf-8"))
    done = []
    for site, pool in wanted.items():
        if Pool.get_pool(pool["name"]) is None:
            about = f"video-rag: {site}"
            Pool.create_or_update_pool(
                name=pool["name"], slots=pool["slots"], description=about, include_deferred=True
            )
            done.append(f"the pool {pool['name']} was made: {pool['slots']} at once ({site})")
    if Variable.get("video_rag_pools", None) is None:
        names = {site: pool["name"] for site, pool in wanted.items()}
        Variable.set("video_rag_pools", names, serialize_json=True)
        done.append("the variable video_rag_pools was set")
    return done


def be_quiet() -> None:
    """Airflow tells of each of its hundreds of permissions; errors are still told."""
    for setting in ("LOGGING_LEVEL", "FAB_LOGGING_LEVEL"):
        os.environ[f"AIRFLOW__LOGGING__{setting}"] = "ERROR"
    os.environ["PYTHONWARNINGS"] = "ignore"
    warnings.simplefilter("ignore")


def main() -> None:
    """Check, migrate, make what is missing, and say so."""
    name, password = admin()
    be_quiet()
    need_users()
    migrated = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], check=False, capture_output=True
    )
    if migrated.returncode:
        sys.stderr.buffer.write(migrated.stdout[-3000:] + migrated.stderr[-3000:])
        refuse("the database could not be migrated", "see above; is its server there?")
    for line in ("the database is migrated", make_admin(name, password), *make_pools()):
        print(line)


if __name__ == "__main__":
    main()
