r"""Kaldi's archives of matrices.

A binary entry is the key, a space, ``\0B``, ``FM ``, then the numbers of rows and columns, each
after a byte that says it has four bytes, then the float32 rows. All numbers are little-endian.

https://kaldi-asr.org/doc/io.html
"""

import struct

import numpy as np

from chalicelib.core.datasets.outputs import HashedFile, Outputs


def write_matrix(file: HashedFile, key: str, matrix: np.ndarray) -> int:
    """Write a matrix; return the offset that a script file names: that of its first byte.

    Parameters
    ----------
    file : HashedFile
        the archive
    key : str
        without spaces
    matrix : np.ndarray [shape=(n_rows, n_columns)]
        written as float32
    """
    file.write(f"{key} ".encode())
    offset = file.tell()
    n_rows, n_columns = matrix.shape
    file.write(b"\0BFM " + struct.pack("<BiBi", 4, n_rows, 4, n_columns))
    file.write(np.ascontiguousarray(matrix, dtype="<f4").data)
    return offset


class ArchiveWriter:
    """Archives of a batch; a new one begins if the next matrix would exceed the bound.

    Parameters
    ----------
    outputs : Outputs
        the files of the batch
    path : str
        with a place for the number of the archive, such as ``feats/train-00000-{:03d}.ark``
    shard_bytes : int
        most bytes of an archive
    """

    def __init__(self, outputs: Outputs, path: str, *, shard_bytes: int) -> None:
        self._outputs = outputs
        self._path = path
        self._shard_bytes = shard_bytes
        self._file: HashedFile | None = None
        self._n_files = self._n_matrices = 0

    def add(self, key: str, matrix: np.ndarray) -> str:
        """Write a matrix; return its place: the archive's path, a colon and the offset."""
        n_bytes = len(key.encode()) + 16 + 4 * matrix.size
        if self._file and self._file.tell() + n_bytes > self._shard_bytes:
            self.close()
        if self._file is None:
            self._file = self._outputs.create(self._path.format(self._n_files))
            self._n_files += 1
        self._n_matrices += 1
        return f"{self._file.path}:{write_matrix(self._file, key, matrix)}"

    def close(self) -> None:
        """Finish the archive."""
        if self._file:
            self._outputs.keep(self._file, n_utterances=self._n_matrices)
            self._file, self._n_matrices = None, 0
