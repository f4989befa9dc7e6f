"""The memory of `syncd sync` does not grow with the length of the list."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.sandbox import Fault, SandboxConfig
from tests.starter import CLEAN
from tests.system.processes import SYNCD, Site, site

LIMIT_KB = 128 * 1024
# A process inherits the peak of the one that it was forked from, and a test process is large. So a small one is put in
# between, and asked for the peak of its child.
MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def peak_kb(here: Site, *arguments: str, exits: int = 0) -> int:
    """The largest resident size that a command reached, in KB; it must end like this."""
    result = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *SYNCD, *arguments],
        env=CLEAN | dict(here.environ),
        cwd=here.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    code, peak = json.loads(result.stdout)
    assert code == exits, result.stderr
    return int(peak)


def test_peak_memory_of_a_sync_stays_under_128_mb_with_2000_profiles_in_one_answer(
    database_url: str, tmp_path: Path
) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2000, media_per_profile=0.02)) as here:
        assert peak_kb(here, "sync", "--dry-run") < LIMIT_KB
        peak = peak_kb(here, "sync")
        assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_at IS NOT NULL") == 2000
        assert here.sandbox.ledger.lists[-2].profiles == 2000
        assert peak < LIMIT_KB, peak


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("profiles", "media_per_profile"), [(5_000, 1.6), (50_000, 0.0)])
def test_peak_memory_of_a_sync_stays_under_128_mb_however_many_profiles_come_in_one_answer(
    database_url: str, tmp_path: Path, profiles: int, media_per_profile: float
) -> None:
    config = SandboxConfig(profiles=profiles, media_per_profile=media_per_profile)
    with site(database_url, tmp_path, config) as here:
        peak = peak_kb(here, "sync")
        print(
            f"{profiles} profiles, {here.value('SELECT count(*) FROM ats.media')} files: {peak / 1024:.0f} MB"
        )
        assert max(listed.profiles for listed in here.sandbox.ledger.lists) == profiles
        assert here.value("SELECT count(*) FROM ats.application WHERE confirmed_at IS NOT NULL") == profiles
        assert here.sandbox.findings == []
        assert peak < LIMIT_KB, peak


@pytest.mark.thorough
def test_peak_memory_stays_under_128_mb_with_a_file_larger_than_that(
    database_url: str, tmp_path: Path
) -> None:
    config = SandboxConfig(profiles=2, media_per_profile=1.0, media_size=150_000_000)
    with site(database_url, tmp_path, config) as here:
        peak = peak_kb(here, "sync")
        assert here.value("SELECT max(size_bytes) FROM ats.media WHERE state = 'stored'") >= 150_000_000
        assert peak < LIMIT_KB, peak


@pytest.mark.parametrize(
    "fault",
    [
        Fault("profiles", "gzip_bomb"),
        pytest.param(Fault("profiles", "endless"), marks=pytest.mark.thorough),
        pytest.param(Fault("media", "endless", size=200_000_001), marks=pytest.mark.thorough),
    ],
    ids=lambda fault: f"{fault.on}-{fault.kind}",
)
def test_peak_memory_stays_under_128_mb_with_a_bomb_and_with_a_body_that_never_ends(
    fault: Fault, database_url: str, tmp_path: Path
) -> None:
    with site(
        database_url,
        tmp_path,
        SandboxConfig(profiles=2, media_per_profile=1.0),
        SYNC__MAX_RESPONSE_BYTES="300MB",
    ) as here:
        here.sandbox.inject(fault)
        peak = peak_kb(here, "sync", exits=3 if fault.on == "media" else 1)
        if fault.on == "media":
            assert here.value("SELECT count(*) FROM ats.media WHERE state = 'rejected'") == 1
        else:
            assert "sync.max_response_bytes" in here.value("SELECT error_message FROM ops.cycle")
        assert peak < LIMIT_KB, peak
        assert here.sandbox.findings == []


SHAPES = {
    "empty objects": [b'{"profileId":"P","steps":[' + b"{}," * 1_500_000 + b"{}]}"],
    "brackets": [b'{"profileId":"P","x":[[' + b"[]," * 1_500_000 + b"[]]]}"],
    "many dense ones": [
        b'{"profileId":"P%d","steps":[%b{}]}' % (number, b'{"a":1,"b":2,"c":3},' * 9_000)
        for number in range(12)
    ],
    "many of a megabyte": [
        b'{"profileId":"P%d","steps":[{"answer":"%b"}]}' % (number, b"y" * 1_000_000) for number in range(12)
    ],
}


# The others are proven by `make proof`.
MARKS = {"empty objects": [], "many dense ones": [pytest.mark.thorough]}


@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, marks=MARKS.get(shape, [pytest.mark.proof])) for shape in SHAPES],
)
def test_no_shape_of_a_profile_takes_64_mb_more(shape: str, database_url: str, tmp_path: Path) -> None:
    with site(database_url, tmp_path, SandboxConfig(profiles=2)) as here:
        usual = peak_kb(here, "sync")
        for content in SHAPES[shape]:
            here.sandbox.put_raw_profile(content)
        peak = peak_kb(here, "sync", exits=3 if len(SHAPES[shape]) == 1 else 0)
        assert here.sandbox.findings == []
        assert peak - usual < 64 * 1024, (usual, peak)
