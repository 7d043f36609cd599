"""Writes src/text/unicode_data.cc: what the `tokenizers` package thinks of every Unicode code point.

Run it with the package installed:  python tools/generate_unicode_tables.py [output]

The package's parts were built from different Unicode versions, and none of them is the version of a library that we could
link to. So nothing is read from Unicode's files: every property is measured by giving the package texts made of one code
point, which makes the table right by construction. Combining classes are found by comparing with one known character of
each class.
"""

import json
import sys
import unicodedata

import tokenizers
from tokenizers import Tokenizer, normalizers, pre_tokenizers

WHITE_SPACE, REMOVED, MARK, PUNCTUATION, CHINESE, WORD = 1, 2, 4, 8, 16, 32
DECOMPOSES, HAS_LOWERCASE = 64, 128
LETTER, NUMBER, NUMERIC, COMBINING = 256, 512, 1024, 2048
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)


def bert_normalizer(**enabled):
    settings = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**settings, **enabled})


def word_character_probe():
    """A tokenizer whose one added token 'zq' is found only where no word character stands beside it."""
    added = dict(id=1, content="zq", single_word=True, lstrip=False, rstrip=True, normalized=False, special=False)
    model = dict(type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100,
                 vocab={"[UNK]": 0})
    document = dict(version="1.0", truncation=None, padding=None, added_tokens=[added], normalizer=None,
                    pre_tokenizer=None, post_processor=None, decoder=None, model=model)
    return Tokenizer.from_str(json.dumps(document))


def measure_flags():
    clean = bert_normalizer(clean_text=True)
    chinese = bert_normalizer(handle_chinese_chars=True)
    strip = bert_normalizer(strip_accents=True)
    decompose = normalizers.NFD()
    split = pre_tokenizers.BertPreTokenizer()
    probe = word_character_probe()
    flags = {}
    for code_point in CODE_POINTS:
        character = chr(code_point)
        word = f"a{character}b"
        found = 0
        cleaned = clean.normalize_str(word)
        if cleaned == "ab":
            found |= REMOVED
        if chinese.normalize_str(word) == f"a {character} b":
            found |= CHINESE
        pieces = [piece for piece, _ in split.pre_tokenize_str(word)]
        if pieces == ["a", "b"]:
            found |= WHITE_SPACE
        elif pieces == ["a", character, "b"]:
            found |= PUNCTUATION
        if decompose.normalize_str(character) == character and strip.normalize_str(word) == "ab":
            found |= MARK
        if 1 not in probe.encode(f"{character}zq").ids:
            found |= WORD
        expected = "ab" if found & REMOVED else "a b" if found & WHITE_SPACE else word
        assert cleaned == expected, f"U+{code_point:04X}: unexpected cleaning"
        stripped_right = probe.encode(f"zq{character} b")
        assert found & WORD or (stripped_right.offsets[0][1] == 4) == bool(found & WHITE_SPACE), hex(code_point)
        flags[code_point] = found
    return flags


def measure_classes():
    """What pre-tokenizers and normalisers other than BERT's look at: bits of CodePointInfo::flags from kLetter on."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    strip = normalizers.StripAccents()
    classes = {}
    for code_point in CODE_POINTS:
        character = chr(code_point)
        found = LETTER if len(split.pre_tokenize_str("a" + character)) == 1 else 0
        found |= NUMBER if len(split.pre_tokenize_str("1" + character)) == 1 else 0
        found |= NUMERIC if len(digits.pre_tokenize_str(f"a{character}b")) == 3 else 0
        found |= COMBINING if strip.normalize_str("a" + character) == "a" else 0
        classes[code_point] = found
    return classes


def measure_scripts():
    """Numbers for the scripts that the UnicodeScripts pre-tokenizer tells apart; none for what it lets stand in any."""
    split = pre_tokenizers.UnicodeScripts()

    def joins(left, right):
        return len(split.pre_tokenize_str(left + right)) == 1

    scripts, representatives, last = {}, [], None
    for code_point in CODE_POINTS:
        character = chr(code_point)
        if joins("a", character) and joins("\u3042", character):
            last = None
            continue
        if last is None or not joins(last, character):
            known = [i for i, r in enumerate(representatives) if joins(r, character)]
            if not known:
                representatives.append(character)
            number = known[0] + 1 if known else len(representatives)
        scripts[code_point] = number
        last = character
    return scripts


def measure_mappings(normalizer):
    mappings = {}
    for code_point in CODE_POINTS:
        mapped = normalizer.normalize_str(chr(code_point))
        if mapped != chr(code_point):
            mappings[code_point] = [ord(c) for c in mapped]
    return mappings


def measure_combining_classes(decompositions):
    """Class of every code point that is reordered: x before y is swapped exactly when class(x) > class(y) > 0."""
    decompose = normalizers.NFD().normalize_str
    lowest, highest = "\u0334", "\u0345"  # classes 1 and 240, the ends of the scale

    def swaps(left, right):
        return decompose("a" + left + right) != "a" + left + right

    def is_reordered(character):
        return swaps(highest, character) or swaps(character, lowest)

    representatives = {}
    for code_point in CODE_POINTS:
        combining_class = unicodedata.combining(chr(code_point))
        if combining_class and code_point not in decompositions and combining_class not in representatives:
            if is_reordered(chr(code_point)):  # else it is newer than the package's tables
                representatives[combining_class] = chr(code_point)

    classes = {}
    for code_point in CODE_POINTS:
        character = chr(code_point)
        if code_point in decompositions or not is_reordered(character):
            continue
        equal = [k for k, r in representatives.items() if not swaps(r, character) and not swaps(character, r)]
        assert len(equal) == 1, f"U+{code_point:04X}: combining class not found"
        classes[code_point] = equal[0]
    return classes


def ranges(values):
    """(first, last, value) for runs of consecutive code points with the same non-zero value."""
    runs = []
    for code_point in sorted(values):
        value = values[code_point]
        if not value:
            continue
        if runs and runs[-1][1] == code_point - 1 and runs[-1][2] == value:
            runs[-1][1] = code_point
        else:
            runs.append([code_point, code_point, value])
    return runs


def rows(items, per_line=120):
    line, lines = "   ", []
    for item in items:
        if len(line) + len(item) + 2 > per_line:
            lines.append(line)
            line = "   "
        line += f" {item},"
    lines.append(line)
    return "\n".join(lines)


def cpp_array(kind, name, items):
    items = list(items)
    return f"const {kind} {name}[{len(items)}] = {{\n{rows(items)}\n}};\n"


BLOCK = 128  # code points; kBlockSize of unicode_data.h


def tables(flags, classes, decompositions, lowercase):
    """(blocks, cells, infos, mapped): the two levels of small indices, what they lead to, and the code points of the forms."""
    infos, numbers, mapped = [], {}, []
    cells, blocks, block_numbers = [], [], {}

    def place(form):
        begin = len(mapped) if form else 0
        mapped.extend(form)
        return begin

    def number(code_point):
        decomposed, lower = decompositions.get(code_point, []), lowercase.get(code_point, [])
        bits = flags.get(code_point, 0)
        bits |= DECOMPOSES if decomposed or code_point in HANGUL else 0
        bits |= HAS_LOWERCASE if lower else 0
        key = (bits, classes.get(code_point, 0), tuple(decomposed), tuple(lower))
        if key not in numbers:
            numbers[key] = len(infos)
            infos.append((bits, key[1], len(decomposed), len(lower), place(decomposed), place(lower)))
        return numbers[key]

    for first in range(0, 0x110000, BLOCK):
        block = tuple(number(c) for c in range(first, first + BLOCK))
        if block not in block_numbers:
            block_numbers[block] = len(block_numbers)
            cells.extend(block)
        blocks.append(block_numbers[block])
    assert max(len(infos), len(block_numbers), len(mapped)) < 1 << 16
    return blocks, cells, infos, mapped


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else "src/text/unicode_data.cc"
    decompositions = measure_mappings(normalizers.NFD())
    lowercase = measure_mappings(bert_normalizer(lowercase=True))
    combining = measure_combining_classes(decompositions)
    assert all(c in decompositions for c in HANGUL)
    decompositions = {c: m for c, m in decompositions.items() if c not in HANGUL}
    classes = measure_classes()
    flags = {c: found | classes[c] for c, found in measure_flags().items()}
    blocks, cells, infos, mapped = tables(flags, combining, decompositions, lowercase)
    range_item = "{0x%X, 0x%X, %d}"
    arrays = [
        cpp_array("uint16_t", "kBlocks", map(str, blocks)),
        cpp_array("uint16_t", "kCells", map(str, cells)),
        cpp_array("CodePointInfo", "kInfos", ("{%d, %d, %d, %d, %d, %d}" % info for info in infos)),
        cpp_array("char32_t", "kMapped", ("0x%X" % c for c in mapped)),
        cpp_array("UnicodeRange", "kClassRanges", (range_item % tuple(r) for r in ranges(classes))),
        cpp_array("UnicodeRange", "kScriptRanges", (range_item % tuple(r) for r in ranges(measure_scripts()))),
    ]
    with open(output, "w", encoding="utf-8") as out:
        out.write("// Generated by tools/generate_unicode_tables.py; do not edit.\n")
        out.write(f"// Measured on tokenizers {tokenizers.__version__}.\n")
        out.write("// clang-format off\n")
        out.write('#include "text/unicode_data.h"\n\nnamespace vivace::unicode_data {\n\n')
        out.write("\n".join(arrays))
        for name in ("ClassRange", "ScriptRange"):
            out.write(f"\nconst size_t k{name}Count = sizeof(k{name}s) / sizeof(k{name}s[0]);")
        out.write("\n\n}  // namespace vivace::unicode_data\n")


if __name__ == "__main__":
    main()
