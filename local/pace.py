"""The pace of a run over many files, and the time that the rest takes."""

import time

AN_HOUR_S = 3600
LEAST_SHARE = 0.03  # below this share, an estimate of the remaining time would be poor


class Pace:
    """The pace of a run over many files, and the time left at that pace.

    Parameters
    ----------
    n_files : int
        number of files
    n_bytes : int
        bytes of all files together; the work depends more on bytes than on the number of files
    """

    def __init__(self, n_files: int, n_bytes: int) -> None:
        self._n_files = n_files
        self._n_bytes = n_bytes
        self._n_done = self._n_skipped = 0
        self._bytes_done = self._bytes_skipped = 0
        self._began = time.monotonic()

    def skip(self, n_bytes: int) -> None:
        """Count a file that needs no work. Time does not count before the first work."""
        self._n_skipped += 1
        self._bytes_skipped += n_bytes
        if not self._n_done:
            self._began = time.monotonic()

    def done(self, n_bytes: int) -> None:
        """Count a file that was processed."""
        self._n_done += 1
        self._bytes_done += n_bytes

    @property
    def count(self) -> str:
        """The number of recordings that are done, in words."""
        return f"{self._n_done + self._n_skipped} of {self._n_files} recordings are done"

    def __str__(self) -> str:
        """Return the count, the rate, and the time left if the rate is known."""
        if self._bytes_done < LEAST_SHARE * self._n_bytes or not self._bytes_done:
            return self.count
        passed = max(time.monotonic() - self._began, 1e-9)
        left = self._n_bytes - self._bytes_done - self._bytes_skipped
        rate = self._n_done / passed * 60
        left_s = passed * left / self._bytes_done
        return f"{self.count}, {rate:.0f} a minute, about {clock(left_s)} left"


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, the hours only if there are any."""
    whole = round(seconds)
    if whole < AN_HOUR_S:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // AN_HOUR_S}:{whole % AN_HOUR_S // 60:02}:{whole % 60:02}"
