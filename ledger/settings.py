"""Settings of a node: what an operator may choose, each with its unit and default.

Read from ``node.toml`` in the node's folder; an environment variable ``TONGBAN_<NAME>`` overrides a line. Imported only
by the wiring, the command and the API's start: everything else is handed what it needs.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ledger.errors import SetupError

__all__ = ["NodeSettings", "load_settings"]


WebAddress: TypeAlias = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]\S*$", max_length=256)]


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError
    return value


PowerOfTwo: TypeAlias = Annotated[int, AfterValidator(_power_of_two)]


class NodeSettings(BaseSettings):
    """One city node."""

    model_config = SettingsConfigDict(env_prefix="TONGBAN_", extra="forbid", frozen=True)

    folder: Path = Field(description="the node's folder; all relative paths start here")
    network: str = Field(
        description="name of the network, the first part of every log origin", min_length=1, max_length=64
    )
    division: str = Field(
        description="six-digit code of the place (GB/T 2260, or a local extension)", pattern=r"^\d{6}$"
    )
    member: int = Field(
        description="the member's number in the consortium contract; 0 before it is listed", ge=0, le=65_535
    )
    consortium: str = Field(description="address of the consortium contract", pattern=r"^0x[0-9a-f]{40}$")
    chain_id: int = Field(description="the chain's number", gt=0)
    engine: Literal["embedded", "network"] = Field(default="embedded", description="what kind of engine answers")
    rpc_urls: tuple[WebAddress, ...] = Field(description="JSON-RPC addresses, tried in this order", min_length=1)
    rpc_timeout: float = Field(default=10.0, description="seconds to wait for the engine's answer", gt=0)
    clock_offset: int = Field(
        default=0, description="seconds by which the network's clock stood before the world's when the pilot began"
    )
    host: str = Field(default="127.0.0.1", description="address on which the web process listens")
    port: int = Field(
        default=8101, description="port on which the web process listens; 0 lets the system choose", ge=0, le=65_535
    )
    public_url: WebAddress | Literal[""] = Field(
        default="", description="how other cities reach this node; published on the chain"
    )
    passphrase_file: Path = Field(default=Path("passphrase"), description="file with the passphrase of the key files")
    scrypt_n: PowerOfTwo = Field(default=2**18, description="cost of the key files' scrypt, a power of two", ge=2**10)
    blobs: Literal["directory", "ipfs"] = Field(default="directory", description="where encrypted content is stored")
    ipfs_api: str = Field(default="/ip4/127.0.0.1/tcp/5001/http", description="multiaddress of the Kubo RPC")
    blob_limit: int = Field(default=0, description="bytes the blob store may hold; 0 for no limit but the disk's", ge=0)
    batch_applicants: int = Field(
        default=32, description="a batch of materials goes when this many applicants wait", ge=1
    )
    batch_wait: int = Field(default=60, description="or when the first has waited this many seconds", ge=0)
    poll_interval: float = Field(default=1.0, description="seconds between two looks at the chain", gt=0)
    publisher: bool = Field(default=False, description="whether this city publishes checkpoints of the log")
    publish_blocks: int = Field(
        default=16, description="a checkpoint is made at every multiple of this many blocks", ge=1
    )
    publish_wait: float = Field(default=5.0, description="seconds to wait for the other cities' cosignatures", gt=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least level that is logged"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file."""
        del dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def path(self, name: str | Path) -> Path:
        """Return a path inside the node's folder; an absolute one stays as it is."""
        return self.folder / name


def load_settings(folder: Path) -> NodeSettings:
    """Read a node's settings.

    Raises:
        SetupError: ``settings.missing`` without a ``node.toml``, ``settings.unreadable`` where it is no TOML,
            ``settings.line_missing`` and ``settings.invalid`` with the name of the line that is not there or wrong.
    """
    path = folder / "node.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SetupError("settings.missing", folder=folder.name) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SetupError("settings.unreadable", file=path.name) from None
    try:
        return NodeSettings(**{**values, "folder": folder})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "missing":
            raise SetupError("settings.line_missing", name=".".join(map(str, first["loc"]))) from None
        raise SetupError("settings.invalid", name=".".join(map(str, first["loc"])), why=first["type"]) from None
