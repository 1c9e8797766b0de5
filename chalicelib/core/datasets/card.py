"""The README of a data set: what it has, how it is loaded, and the card that Hugging Face reads."""

from collections.abc import Mapping

from chalicelib.core.datasets.batches import Tally
from chalicelib.core.datasets.columns import columns_of, create_table
from chalicelib.core.datasets.models import Recipe
from chalicelib.core.datasets.parameters import DatasetParameters

_FILES = {"parquet": "data/split={}/*.parquet", "webdataset": "{}-*.tar"}

_LOADING = {
    "parquet": """\
```python
import datasets
train = datasets.load_dataset(".", split="{split}")
```

```sql
-- DuckDB
SELECT split, count(*), sum(end_s - start_s) / 3600 AS hours
FROM read_parquet('data/*/*.parquet', hive_partitioning = true) GROUP BY split;
```
""",
    "webdataset": """\
```python
import glob
import webdataset
files = sorted(glob.glob("{split}-*.tar"))
train = webdataset.WebDataset(files, shardshuffle=False).decode("soundfile")
```
""",
    "lhotse": """\
```python
from lhotse import CutSet
cuts = CutSet.from_file("{split}/cuts.jsonl.gz").with_features_path_prefix(".")
```

The features are in Kaldi's archives, which Lhotse reads with `kaldi_native_io`.
""",
    "shar": """\
```python
from lhotse import CutSet
cuts = CutSet.from_shar(in_dir="{split}")
```
""",
    "kaldi": """\
```python
import kaldiio
features = kaldiio.load_scp("{split}/feats.scp")
```

The paths of the archives begin in this folder: run programs here, or put a path before them.
""",
}


def write_card(
    name: str, parameters: DatasetParameters, recipe: Recipe, splits: Mapping[str, Tally]
) -> str:
    """Return the README of a data set.

    Parameters
    ----------
    name : str
        of the data set
    parameters, recipe : DatasetParameters, Recipe
        of the data set
    splits : mapping of str to Tally
        those with utterances, in their order
    """
    rows = "\n".join(
        f"| {split} | {one.n_recordings:,} | {one.n_utterances:,} | {one.seconds / 3600:.3f} |"
        for split, one in splits.items()
    )
    text = (
        f"# {name}\n\nUtterances of recordings, made by Earshot. `dataset.json` has the parameters,"
        " the versions and a hash of every file; `left-out.jsonl` says what is not in it, and why."
        f"\n\n| Split | Recordings | Utterances | Hours |\n| --- | ---: | ---: | ---: |\n{rows}\n"
        f"\nThe frames have sr={recipe.sr}, hop_length={recipe.hop_length} and"
        f" n_mfcc={recipe.n_mfcc}, as `librosa.feature.mfcc` names them.\n"
    )
    if splits:
        split = next(iter(splits))
        text += f"\n## Load it\n\n{_LOADING[parameters.format].replace('{split}', split)}"
    if parameters.format == "parquet":
        sql = create_table(parameters, recipe, location="s3://BUCKET/PATH/data/")
        text += f"\n## Athena\n\n```sql\n{sql}```\n"
    return _front(parameters, recipe, splits) + text


def _front(parameters: DatasetParameters, recipe: Recipe, splits: Mapping[str, Tally]) -> str:
    """Return the metadata at the start of a card.

    https://huggingface.co/docs/hub/datasets-manual-configuration
    """
    form = parameters.format
    if form not in _FILES or not splits:
        return ""
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f'    path: "{_FILES[form].format(split)}"']
    if form == "parquet":
        lines += ["dataset_info:", "  features:"]
        for name, (kind, depth) in columns_of(parameters, recipe).items():
            lines.append(f"  - name: {name}")
            if depth == 0:
                lines.append(f"    dtype: {kind}")
            else:
                lists = [f"{'  ' * (2 + level)}list:" for level in range(depth)]
                lines += [*lists[:-1], f"{lists[-1]} {kind}"]
        lines.append("  splits:")
        for split, tally in splits.items():
            lines += [f"  - name: {split}", f"    num_examples: {tally.n_utterances}"]
    return "\n".join([*lines, "---", "", ""])
