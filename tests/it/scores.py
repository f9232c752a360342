"""Makes scores.json beside this file: python tests/it/scores.py ../shared/data > tests/it/scores.json

sacrebleu's scores of real and random pairs, and exact match and F1 by the rules of the official scripts of SQuAD and MLQA, written anew.
The pairs are made again by tests/it/scores.rs, from the same texts and the same generator; only scores are kept. Needs: pip install sacrebleu.
"""

import gzip
import json
import re
import string
import sys
import unicodedata
from collections import Counter
from pathlib import Path

from sacrebleu import BLEU, CHRF

DATA = Path(sys.argv[1])
LANGUAGES = ["tr", "zh", "ar", "hi", "de", "ja", "ru", "vi"]
ROWS, RANDOM = 120, 300
MARKS = ["der", "the", "la", "của", "ال", "«x»", "3.14", "1,000", "-", "...", "(a)", "&quot;", "5-", "“", "”", "，", "。", "€", "½", "ü", "٣", "", "\x1d"]
CHARACTERS = list("abAB01 .,-!?'\"&;<>[]{}~@/ $€«»“”–…،؟。，！（）〔①½²٣४一二中文字かなカナ한국ñßşğıİсДжλΣकिहาก้\u00a0\u2003\u3000\u200b\U0001d400")
MASK = (1 << 64) - 1


class Generator:
    """SplitMix64 (Steele, Lea and Flood 2014)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % n


def perturbed(text, generator):
    spaced = text.count(" ") > 2
    units, out = (text.split(" ") if spaced else list(text)), []
    for unit in units:
        draw = generator.below(16)
        if draw == 0:
            continue
        if draw == 1:
            out.append(unit)
        if draw == 2:
            out.append(MARKS[generator.below(len(MARKS))])
        if draw == 3 and out:
            unit, out[-1] = out[-1], unit
        out.append(unit)
    return (" " if spaced else "").join(out)


def random_text(generator):
    return "".join(CHARACTERS[generator.below(len(CHARACTERS))] for _ in range(generator.below(60)))


def rows(name):
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def mlqa_words(text, lang):
    articles = {
        "en": "a an the",
        "es": "un una unos unas el la los las",
        "vi": "của là cái chiếc những",
        "de": "ein eine einen einem eines einer der die das den dem des",
    }
    text = "".join(c for c in text.lower() if not unicodedata.category(c).startswith("P") and c not in string.punctuation)
    if lang in articles:
        text = re.sub(r"\b(" + "|".join(articles[lang].split()) + r")\b", " ", text)
    if lang == "ar":
        text = text.replace("ال", " ")
    if lang == "zh":
        text = re.sub(r"([\u4e00-\u9fa5])", r" \1 ", text)
    return text.split()


def squad_words(text, lang):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def answer_scores(words, lang, predictions, truths):
    exact = f1 = 0.0
    for prediction, truth in zip(predictions, truths):
        ours, theirs = words(prediction, lang), words(truth, lang)
        exact += ours == theirs
        common = sum((Counter(ours) & Counter(theirs)).values())
        f1 += 2 * (common / len(ours)) * (common / len(theirs)) / (common / len(ours) + common / len(theirs)) if common else 0.0
    return [100 * exact / len(truths), 100 * f1 / len(truths)]


METRICS = [BLEU(tokenize="13a"), BLEU(tokenize="intl"), BLEU(tokenize="zh"), BLEU(tokenize="char"), BLEU(tokenize="none"), CHRF(), CHRF(word_order=2)]


def scores(hypotheses, *references):
    return [round(metric.corpus_score(hypotheses, list(references)).score, 8) for metric in METRICS]


generator = Generator(7)
sets = {}
for lang in LANGUAGES:
    references = [row["xx"] for row in rows(f"ntrex/{lang}")[:ROWS]]
    sets[lang] = ([perturbed(text, generator) for text in references], references, [perturbed(text, generator) for text in references])
generator = Generator(11)
texts = [[random_text(generator) for _ in range(3)] for _ in range(RANDOM)]
hypotheses = [perturbed(text[0], generator) if at % 3 else text[1] for at, text in enumerate(texts)]
sets["random"] = (hypotheses, [text[0] for text in texts], [text[2] for text in texts])

expected = {"segments": {}, "corpora": {}, "two_references": {}, "answers": {}}
for name, (hypotheses, first, second) in sets.items():
    expected["segments"][name] = [scores([hypothesis], [reference]) for hypothesis, reference in zip(hypotheses, first)]
    expected["corpora"][name] = scores(hypotheses, first)
    expected["two_references"][name] = scores(hypotheses, first, second)
expected["names"] = [metric.corpus_score(["a"], [["a"]]).name for metric in METRICS]
expected["signatures"] = [str(metric.get_signature()) for metric in METRICS]
generator = Generator(13)
for lang in ["en", "es", "vi", "de", "ar", "zh", "hi"]:
    side, file = ("en", "de") if lang == "en" else ("xx", lang)
    truths = [row[f"{side}_answer"] for row in rows(f"xquad/{file}")]
    predictions = [perturbed(truth, generator) for truth in truths]
    expected["answers"][lang] = [answer_scores(words, lang, predictions, truths) for words in (mlqa_words, squad_words)]
print(json.dumps(expected, separators=(",", ":")))
