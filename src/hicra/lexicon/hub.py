"""Lexicons as dataset repositories of the Hugging Face hub: downloads and uploads them; nothing else here uses a network.

A lexicon is data, so its repository is one of a data set: `lexicon.json`, `grams.parquet` and the card README.md. The hub then
shows the table of grams by itself. The network is used only for a name of a repository (`hub:OWNER/NAME`, or OWNER/NAME in
`Lexicon.from_pretrained`), and before it is used one line says what is asked of whom. Files that were downloaded before are taken
from the cache of `huggingface_hub`, where its variables (HF_HOME, HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN) hold as everywhere.

Only these three files are read or written. None holds code, and what was downloaded must have the content hash that its
lexicon.json states.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hicra.errors import ArtifactError, ConfigError
from hicra.install import install_command

PREFIX = "hub:"
FILES = ("lexicon.json", "grams.parquet")
CARD = "README.md"
SITE = "https://huggingface.co"
_PART = r"[A-Za-z0-9][\w.-]{0,95}"
_REPO = re.compile(rf"{_PART}/{_PART}", re.ASCII)

Say = Callable[[str], None]


class Address(NamedTuple):
    """Names a lexicon on the hub: a repository, and its branch, tag or commit (None: the newest of the branch main)."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}" + (f"@{self.revision}" if self.revision else "")


class Pushed(NamedTuple):
    """Says where a lexicon was written.

    Attributes:
        repo: the repository.
        commit: the commit that holds this lexicon; a name with it means the same grams for ever.
        url: the page of the commit.
    """

    repo: str
    commit: str
    url: str

    @property
    def address(self) -> Address:
        """The name that loads exactly what was written."""
        return Address(self.repo, self.commit)


def tell(text: str) -> None:
    """Prints a line on stderr: nobody should learn from a firewall that a library used the network."""
    print(text, file=sys.stderr, flush=True)


def is_repo(name: str) -> bool:
    """Says whether a name is written as that of a repository, OWNER/NAME."""
    return bool(_REPO.fullmatch(name)) and ".." not in name and "--" not in name


def address_of(name: str, revision: str | None = None) -> Address:
    """Reads `hub:OWNER/NAME@REVISION`; prefix and revision may be left out.

    Args:
        revision: the revision where the name has none.

    Raises:
        ConfigError: it is written otherwise, or there are two revisions.
    """
    repo, at, own = name.removeprefix(PREFIX).partition("@")
    if not is_repo(repo) or (at and not own):
        raise ConfigError(f"{name!r} names no repository of the hub", "write hub:OWNER/NAME or hub:OWNER/NAME@REVISION")
    if own and revision is not None and revision != own:
        raise ConfigError(f"{name!r} and revision={revision!r} name two revisions", "give one of them")
    return Address(repo, own or revision)


def repo_of(name: str) -> str:
    """Reads `hub:OWNER/NAME` or OWNER/NAME, the name to push to.

    Raises:
        ConfigError: it is written otherwise, or has a revision: a push makes a new one.
    """
    address = address_of(name)
    if address.revision is not None:
        raise ConfigError(f"{name!r} has a revision, and a push makes a new one", f"push to {address.repo}")
    return address.repo


def fetch(address: Address, say: Say = tell) -> Path:
    """Downloads the two files of a lexicon, or finds them in the cache, both from one commit; returns their folder.

    Raises:
        ConfigError: `huggingface_hub` is not installed, or there is no such repository or revision.
        ArtifactError: the repository holds no lexicon, or the hub does not answer.
    """
    api, site = _api()
    manifest, grams = FILES
    say(f"hub: asking {site} for the lexicon {address.repo} ({address.revision or 'newest revision'})")
    with _answers(address, site):
        first = Path(api.hf_hub_download(address.repo, manifest, repo_type="dataset", revision=address.revision))
        commit = first.parent.name  # which the revision is now: both files must be from one
        api.hf_hub_download(address.repo, grams, repo_type="dataset", revision=commit)
    return first.parent


def publish(folder: Path, repo: str, *, private: bool = False, message: str, say: Say = tell) -> Pushed:
    """Writes a folder of `save_pretrained` into a dataset repository, as one commit; the repository is made where it is absent.

    Args:
        repo: OWNER/NAME, as `repo_of` gives it.
        private: whether a repository that is made is private.
        message: the first line of the commit.
        say: is called with a line before the network is used.

    Raises:
        ConfigError: `huggingface_hub` is not installed, or you may not write there.
        ArtifactError: the hub does not answer.
    """
    address = Address(repo)
    api, site = _api()
    say(f"hub: writing {', '.join((*FILES, CARD))} to the dataset repository {address.repo} at {site}")
    with _answers(address, site):
        api.create_repo(address.repo, repo_type="dataset", private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=address.repo, repo_type="dataset", folder_path=folder, allow_patterns=[*FILES, CARD],
            commit_message=message,
        )  # fmt: skip
    return Pushed(address.repo, str(done.oid), str(done.commit_url))


def need_hub() -> None:
    """Raises ConfigError, with the command that installs it, where `huggingface_hub` is not installed."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ConfigError("lexicons on the hub need huggingface_hub, which is not installed", install_command("hub"))


def _api() -> tuple[Any, str]:
    """Returns the client of huggingface_hub, and the address that it asks."""
    need_hub()
    # It reads its variables when it is first imported. In a training run that is here, before TRL asks it to send statistics.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    site = (os.environ.get("HF_ENDPOINT") or SITE).rstrip("/")
    return huggingface_hub.HfApi(endpoint=site, library_name="hicra"), site


@contextmanager
def _answers(address: Address, site: str) -> Iterator[None]:
    """Turns what the hub or the network says into errors on which a user can act; no progress bar is drawn meanwhile."""
    from huggingface_hub import errors, utils

    bars = not utils.are_progress_bars_disabled()
    if bars:
        utils.disable_progress_bars()
    try:
        yield
    except errors.RevisionNotFoundError:
        raise ConfigError(
            f"{address.repo} on the hub has no revision {address.revision!r}",
            f"see the branches and tags at {site}/datasets/{address.repo}",
        ) from None
    except errors.GatedRepoError:
        raise ConfigError(
            f"{address.repo} on the hub is open only to those who accepted its terms",
            f"accept them at {site}/datasets/{address.repo}, then `hf auth login`",
        ) from None
    except errors.RepositoryNotFoundError:
        raise ConfigError(
            f"{site} has no dataset repository {address.repo} that you may see",
            "check the name; for a private one `hf auth login` first",
        ) from None
    except errors.RemoteEntryNotFoundError:
        raise ArtifactError(
            f"{address.repo} on the hub is no lexicon: it lacks {' or '.join(FILES)}",
            "a lexicon is published by `hicra lexicon push`",
        ) from None
    except errors.OfflineModeIsEnabled:
        raise ArtifactError(f"{address} cannot be asked for: HF_HUB_OFFLINE is set", "unset it") from None
    except errors.LocalEntryNotFoundError:
        raise ArtifactError(
            f"{address} is not in the cache, and {site} does not answer",
            "check the network (and that HF_HUB_OFFLINE is not set), or give the folder of a lexicon",
        ) from None
    except errors.HfHubHTTPError as error:
        raise _refused(address, site, error) from None
    except Exception as error:
        if "http" not in type(error).__module__:  # such as a full disk: no matter of the network
            raise
        raise ArtifactError(f"{site} does not answer: {_line(error)}", "check the network") from None
    finally:
        if bars:
            utils.enable_progress_bars()


def _refused(address: Address, site: str, error: Any) -> ConfigError | ArtifactError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return ConfigError(
            f"{site} does not let you write to {address.repo} (status {status})",
            "`hf auth login` with a token that may write there",
        )
    return ArtifactError(f"{site} refused the request for {address.repo}: {_line(error)}", "try again later")


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:200]
