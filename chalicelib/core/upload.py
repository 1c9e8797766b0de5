"""An upload: the object that becomes a recording, and the options that its metadata sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.core import keys

OWN = (
    *("language", "multilingual", "max_speakers", "channels", "max_alternatives"),
    *("vocabulary", "vocabulary_filter", "vocabulary_filter_method", "language_model"),
    *("toxicity", "tags", "transcriber"),
)
"""Options that a recording's metadata can set; redaction and the role are the stage's own."""


CHOICES = frozenset(
    {"multilingual", "channels", "vocabulary_filter_method", "toxicity", "transcriber"}
)
"""Options with a few values, in small letters."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object under an upload key, as it is now."""

    bucket: str
    key: str
    etag: str
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    modified_at: str = ""

    @property
    def recording_id(self) -> str:
        """The id of these bytes under this key of this bucket."""
        return keys.recording_id(self.key, bucket=self.bucket, etag=self.etag, size=self.size)

    @property
    def transcription_options(self) -> dict[str, str]:
        """Options of the transcription among the metadata, with ``_`` in their names."""
        texts = {name.lower().replace("-", "_"): text for name, text in self.metadata.items()}
        return {
            name: texts[name].strip().lower() if name in CHOICES else texts[name].strip()
            for name in OWN
            if texts.get(name, "").strip()
        }

    @property
    def is_folder(self) -> bool:
        """Return whether this is the empty object that consoles create for a folder."""
        return self.key.endswith("/") and self.size == 0
