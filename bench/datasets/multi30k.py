"""Multi30k, task 1: captions of pictures in English and French, https://github.com/multi30k/dataset.

Elliott et al. (2016, "Multi30K: Multilingual English-German image descriptions"); the French is by
Elliott et al. (2017). A file has a sentence in each line, and line n of one language translates
line n of the other. The test set is that of 2016.

Both languages are lower-cased and split alike: a word is a run of Latin letters and digits, with
the apostrophe behind it if there is one ("l'" and "herbe"), and every other character but a space
is a word of its own. The letters are listed, so that words do not depend on the version of Unicode.

Of each language, 0 pads, 1 is a word that is not in the training set, 2 begins a sentence, 3 ends
it, and from 4 on words are numbered by their rank in the training set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.core.arrays import Array
from bench.core.dataset_info import SplitName
from bench.core.listener import Listener
from bench.datasets.common.archive import damaged, not_official, read_bounded
from bench.datasets.common.content import SPLITS, Content
from bench.datasets.common.dataset import Dataset, OfficialFile
from bench.datasets.common.synthetic import NOTE, below, generator

LANGUAGES = ("en", "fr")
_STEMS: dict[SplitName, str] = {"train": "train", "test": "test_2016_flickr"}
_WORD = re.compile(r"[0-9a-zß-öø-ÿœ]+'?|[^\s0-9a-zß-öø-ÿœ]")
_UNKNOWN, _FIRST_WORD = 1, 4
# Bytes; the largest of the four files has 2,111,303.
_MOST_UNPACKED = 1 << 23

# md5 of the official files' contents, not of the .gz, which may have been recompressed.
_OFFICIAL_MD5 = {
    "train.en": "053a34ece7c904dbc8c7361799afbe4c",
    "train.fr": "849ec62eac03bcc3335f8bac00a4045a",
    "test_2016_flickr.en": "2022a6c31e2418047a0511333d55ed42",
    "test_2016_flickr.fr": "091159ae517b43efa0faaa650c49923b",
}

Sentences = Sequence[Sequence[str]]


def words_of(sentence: str) -> list[str]:
    """The words of one sentence, in order."""
    return _WORD.findall(sentence.lower().replace("\u2019", "'"))


def _numbered(
    language: str, sentences: Mapping[SplitName, Sentences]
) -> tuple[dict[str, Array], str]:
    """One language's arrays, and its vocabulary: a word a line; that of line n, from 0, is n + 4.

    The arrays are `{train,test}_LANGUAGE` int32 (T,), all sentences end to end, and
    `_LANGUAGE_offsets` int64 (N + 1,). The most frequent words of the training set come first, ties
    in the order of the characters' codes.
    """
    counts = Counter(word for sentence in sentences["train"] for word in sentence)
    vocabulary = sorted(counts, key=lambda word: (-counts[word], word))
    number = {word: place for place, word in enumerate(vocabulary, start=_FIRST_WORD)}
    arrays: dict[str, Array] = {}
    for split in SPLITS:
        numbers = [number.get(word, _UNKNOWN) for each in sentences[split] for word in each]
        lengths = [0, *map(len, sentences[split])]
        arrays[f"{split}_{language}"] = np.array(numbers, np.int32)
        arrays[f"{split}_{language}_offsets"] = np.cumsum(lengths, dtype=np.int64)
    return arrays, "".join(f"{word}\n" for word in vocabulary)


def _content(
    sentences: Mapping[str, Mapping[SplitName, Sentences]],
    *,
    official: dict[SplitName, bool],
    note: str,
) -> Content:
    """Numbered sentences, from words by language and split; those of the test set also as texts.

    `test_LANGUAGE.txt` has the words of a sentence in each line, those out of the vocabulary too.
    """
    arrays: dict[str, Array] = {}
    texts: dict[str, str] = {}
    for language, of_language in sentences.items():
        own, vocabulary = _numbered(language, of_language)
        arrays |= own
        texts[f"vocabulary_{language}.txt"] = vocabulary
        lines = (" ".join(words) for words in of_language["test"])
        texts[f"test_{language}.txt"] = "".join(f"{line}\n" for line in lines)
    return Content(arrays=arrays, official=official, note=note, texts=texts)


def _sentences(path: Path, content: bytes) -> list[list[str]]:
    """The words of each line; raises DataError if there is a line without any."""
    expected = "sentences in UTF-8, one a line"
    try:
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise damaged(path, why=error, expected=expected) from error
    sentences = [words_of(line) for line in lines]
    if [] in sentences:
        why = f"line {sentences.index([]) + 1} has no word"
        raise damaged(path, why=why, expected=expected)
    return sentences


def parse(files: Mapping[str, Path], listener: Listener) -> Content:
    """The four files, by official name, as `_numbered` says.

    Raises DataError for a damaged file. Intact files that differ from the published ones are read,
    and marked as not official.
    """
    sentences: dict[str, dict[SplitName, Sentences]] = {name: {} for name in LANGUAGES}
    official: dict[SplitName, bool] = {}
    notes = []
    for split in SPLITS:
        stems = [f"{_STEMS[split]}.{language}" for language in LANGUAGES]
        paths = [files[f"{stem}.gz"] for stem in stems]
        listener.phase("multi30k", f"reading {', '.join(path.name for path in paths)}")
        contents = [read_bounded(path, most=_MOST_UNPACKED) for path in paths]
        for language, path, content in zip(LANGUAGES, paths, contents, strict=True):
            sentences[language][split] = _sentences(path, content)
        english, french = (len(sentences[language][split]) for language in LANGUAGES)
        if english != french:
            why, expected = f"it has {french} lines", f"one for each of {english} in English"
            raise damaged(paths[1], why=why, expected=expected)
        others = not_official(dict(zip(stems, contents, strict=True)), _OFFICIAL_MD5)
        official[split] = not others
        notes += others
    return _content(sentences, official=official, note="; ".join(notes))


_STREAM = 6
_NOUN_OCTAVES, _ADJECTIVE_OCTAVES, _VERB_OCTAVES = 13, 11, 9
_MOST_PHRASES = 6


def _ranks(rng: np.random.Generator, octaves: int, count: int) -> list[int]:
    """Ranks from 0 of words of one kind, by Zipf: all octaves of ranks are equally likely."""
    starts = 1 << below(rng, octaves, count)
    ranks: list[int] = (starts + (rng.random(count) * starts).astype(np.int64) - 1).tolist()
    return ranks


def _translated(rng: np.random.Generator, count: int) -> tuple[Sentences, Sentences]:
    """Sentences of made-up words in both languages, as many as `count`.

    A sentence is a chain of phrases with a verb between any two. In the source, a phrase is an
    article, perhaps an adjective, and a noun. In the target the adjective comes behind the noun,
    and article and adjective have the noun's gender. So a word of the target depends on the order
    of the source, and on words that are not opposite to it.
    """
    most = count * _MOST_PHRASES
    phrases = 1 + below(rng, _MOST_PHRASES, count)
    nouns, adjectives = _ranks(rng, _NOUN_OCTAVES, most), _ranks(rng, _ADJECTIVE_OCTAVES, most)
    verbs = _ranks(rng, _VERB_OCTAVES, most)
    described = below(rng, 2, most).tolist()
    english: list[list[str]] = []
    french: list[list[str]] = []
    for number, chain in enumerate(phrases.tolist()):
        source: list[str] = []
        target: list[str] = []
        for place in range(number * _MOST_PHRASES, number * _MOST_PHRASES + chain):
            noun, adjective = nouns[place], adjectives[place]
            gender = "ae"[noun % 3 == 0]
            extra = described[place]
            source += ["the", f"adj{adjective}", f"noun{noun}"] if extra else ["a", f"noun{noun}"]
            target += [f"{'l' if extra else 'un'}{gender}", f"nom{noun}"]
            target += [f"adj{adjective}{gender}"] if extra else []
            source.append(f"verb{verbs[place]}")
            target.append(f"verbe{verbs[place]}")
        english.append([*source[:-1], "."])
        french.append([*target[:-1], "."])
    return english, french


def twin(*, train: int = 29_000, test: int = 1_000) -> Content:
    """The twin of Multi30k, with `train` and `test` pairs of sentences."""
    sentences: dict[str, dict[SplitName, Sentences]] = {name: {} for name in LANGUAGES}
    for number, (split, count) in enumerate(zip(SPLITS, (train, test), strict=True)):
        pair = _translated(generator(_STREAM, number), count)
        for language, of_language in zip(LANGUAGES, pair, strict=True):
            sentences[language][split] = of_language
    return _content(sentences, official=dict.fromkeys(SPLITS, False), note=NOTE)


def _official(name: str, *, md5: str, size: int) -> OfficialFile:
    place = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
    return OfficialFile(
        name=name,
        urls=(place + name,),
        md5=md5,
        size=size,
        accepts=(name, name.removesuffix(".gz")),
    )


DATASET = Dataset(
    name="multi30k",
    folders=("multi30k",),
    files=(
        _official("train.en.gz", md5="0065d13af80720a55ca8153d126e6627", size=568_929),
        _official("train.fr.gz", md5="6cb767741dcad3931f966fefbc05203f", size=604_242),
        _official("test_2016_flickr.en.gz", md5="ff2c0fcb4893a13bd73414306bc250ae", size=21_077),
        _official("test_2016_flickr.fr.gz", md5="08dc7cd4a662f31718412de95ca9bfe3", size=22_310),
    ),
    parse=parse,
    twin=twin,
)
