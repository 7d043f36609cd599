"""Texts that are hard to tokenise: many scripts, control and combining characters, emoji, random strings, the corpus."""

import json
import random
import unicodedata
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "claims"
SPECIAL_TOKENS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]"]
LAST_ASSIGNED = 0x323B0  # planes 4 to 13 are empty

SENTENCES = """The quick brown fox jumps over the lazy dog; it's 12,345.67 km away (or so they say)!
Der Übermut tut selten gut: Straße, Fußgänger, ÄÖÜ äöü ẞ.
L'été où Noël naïf reçut cœur, œuvre et Æsop à l’œil nu.
El niño pingüino corrió ¿verdad? ¡Sí, señor!
Português: ação, coração, à beira-mar, três pães.
Zażółć gęślą jaźń, Łódź i Kraków.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Árvíztűrő tükörfúrógép; őŐűŰ.
Türkçe: İstanbul'da ılık ışık, ĞÜŞİÖÇ ğüşiöç I ı İ i.
Tiếng Việt: Đường về nhà ở xa lắm, những chữ có dấu nặng ậ ợ ự.
Ελληνικά: Ο καιρός είναι ωραίος σήμερα, ΟΔΟΣ ς Σ ΐ ΰ.
Русский язык: Съешь ещё этих мягких французских булок, да выпей чаю. ЁЙ
Українська: ґанок, їжак, Європа; Српски: Љубав, њива, Џ.
Հայերեն: Բարեւ ձեզ, և ՀԱՅԱՍՏԱՆ։
עברית: שָׁלוֹם עוֹלָם, מה נשמע?
العربية: مَرْحَبًا بِالعَالَم، كيف حالك؟ ٱلْقُرْآن
فارسی: می‌خواهم، کتاب‌ها ۱۲۳۴۵
हिन्दी: नमस्ते दुनिया, क़लम फ़िल्म ज़रूर ड़ ढ़।
বাংলা: ওহে বিশ্ব, কো কৌ ড় ঢ় য়।
தமிழ்: வணக்கம் உலகம், கொ கோ கௌ.
తెలుగు: హలో ప్రపంచం; ಕನ್ನಡ: ಹಲೋ ಪ್ರಪಂಚ ಕೊ; മലയാളം: ഹലോ ലോകം കൊ.
ไทย: สวัสดีชาวโลก น้ำ ผู้ใหญ่ เก่ง
ລາວ: ສະບາຍດີຊາວໂລກ; ខ្មែរ: សួស្តី​ពិភពលោក; မြန်မာ: မင်္ဂလာပါ ကမ္ဘာလောက
བོད་ཡིག: བཀྲ་ཤིས་བདེ་ལེགས། ཀྵ གྷ ཱི ཱུ
ქართული: გამარჯობა მსოფლიო ᲒᲐᲛᲐᲠᲯᲝᲑᲐ
አማርኛ: ሰላም ልዑል ፡ ዓለም ።
中文：我爱北京天安门，「天安門上太陽升」。２０２４年１２月
日本語：私は東京に住んでいます。カタカナ、ﾊﾝｶｸ、がぎぐげご パピプ
한국어: 안녕하세요 세계! 각 갂 힣 ㄱㅏ 각
繁體：臺灣的天氣很好 豈 更 車 龜 𠀀𠮷 𪚥 丽
Ꮳꮃꭹ ᏣᎳᎩ Cherokee; 𐐀𐐨 Deseret; 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻ₐₙ𝐜𝐲
Math: ∀x∈ℝ, x²≥0 ⇒ ∑ᵢ₌₁ⁿ i = n(n+1)/2 ≠ ∞; Å Ω K ℃ Ⅷ ⅷ ½ ① ㎏
Money: €5 £6 ¥7 ₹8 ₿9 ¢ $1 ©®™ §¶†‡ … – — ― ‘’ “” «» ‹› „
Emoji: 😀😃 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ☺︎ 1️⃣ 🤷🏿‍♀️ 🫠 🪿 🧑‍🚀
Ligatures: ﬀ ﬁ ﬂ ﬃ ﬄ ﬅ ﬆ ĳ ǆ ǅ Ǆ ŉ ǰ ΐ և ẖ ﷺ ﷽
Music: 𝅗𝅥 𝅘𝅥𝅮 𝄞 𝆑; tone marks 〪〭〮〯〫〬 가〮
C0 and C1:\ta\x0bb\x0cc\x1cd\x1fe\x7ff\x80g\x85h\x9fi\xa0j\xadk\u200bl\u200cm\u200dn\u2028o\u2029p\ufeffq\ufffdr\ufffes
Tags \U000e0041\U000e007f, variation \ufe0f\U000e0100, private \ue000\U000f0000\U0010fffd, unassigned \u0378\U0003fffd
[CLS] written [SEP] in [MASK]s, [mask] [ MASK ] [MASK][MASK] x[PAD]y [UNK]! [[CLS]] [CLS [SEP]\u0301 \u0301[SEP]
http://www.example.com/a_b?c=d&e=%20#f user@example.org #hash @at C++ C# f(x)=y^2; `code` ~tilde~ \\back\\slash|pipe
unaffable supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism""".split("\n")

POOLS = {
    "letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ascii": "".join(map(chr, range(0x20, 0x7F))),
    "space": " \t\n\r\x0b\x0c\x85\xa0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000",
    "control": "".join(map(chr, [*range(0, 9), *range(0x0E, 0x20), *range(0x7F, 0xA0)])) + "\xad\u200b\u200d\u2060\ufeff\ufffd",
    "latin": "".join(map(chr, range(0xC0, 0x250))) + "".join(map(chr, range(0x1E00, 0x1F00))),
    "greek": "".join(map(chr, range(0x370, 0x400))) + "".join(map(chr, range(0x1F00, 0x2000))),
    "cyrillic": "".join(map(chr, range(0x400, 0x530))),
    "semitic": "".join(map(chr, range(0x590, 0x750))),
    "indic": "".join(map(chr, range(0x900, 0xE00))),
    "asian": "".join(map(chr, range(0xE00, 0x1200))),
    "kana": "".join(map(chr, range(0x3000, 0x3200))),
    "chinese": "".join(map(chr, range(0x4E00, 0x4F00))) + "".join(map(chr, range(0xF900, 0xF9FF))) + "\U00020000\U0002f800",
    "hangul": "".join(map(chr, range(0xAC00, 0xAD00))) + "".join(map(chr, range(0x1100, 0x1200))),
    "symbols": "".join(map(chr, range(0x2000, 0x2C00))),
    "emoji": "".join(map(chr, range(0x1F300, 0x1F700))) + "\u200d\ufe0f\U0001f3fd",
    "combining": "".join(chr(c) for c in range(0x20000) if unicodedata.combining(chr(c))),
    "composed": "".join(chr(c) for c in range(0x30000) if unicodedata.decomposition(chr(c))),
}


def any_character(rng):
    code_point = rng.randrange(0x110000 - 0x800)
    return chr(code_point if code_point < 0xD800 else code_point + 0x800)


def random_string(rng, extra=()):
    """Runs of characters from a few pools, sometimes with one of the extra strings in between."""
    pools = rng.sample(sorted(POOLS), rng.randint(1, 4))
    parts = []
    for _ in range(rng.randint(1, 12)):
        choice = rng.random()
        if extra and choice < 0.2:
            parts.append(rng.choice(extra))
        elif choice < 0.3:
            parts.append(any_character(rng))
        elif choice < 0.45:
            parts.append(" ")
        else:
            parts.append("".join(rng.choice(POOLS[rng.choice(pools)]) for _ in range(rng.randint(1, 6))))
    return "".join(parts) or "x"


def random_strings(count, seed, extra=()):
    rng = random.Random(seed)
    return [random_string(rng, extra) for _ in range(count)]


def combining_strings(count, seed):
    """Bases under many marks in any order: what canonical reordering and its alignments are about."""
    rng = random.Random(seed)
    bases = "aeÅ각가中 1" + "\U0001d15e\u0b4b\u0f73\u0344\u1e69\u302e"
    return ["".join(rng.choice(bases) + "".join(rng.choice(POOLS["combining"]) for _ in range(rng.randint(0, 7)))
                    for _ in range(rng.randint(1, 6))) for _ in range(count)]


def sentence_forms():
    forms = []
    for sentence in SENTENCES:
        variants = [sentence, sentence.upper(), sentence.lower(), sentence.title(), sentence.swapcase(), sentence[::-1],
                    sentence.replace(" ", ""), sentence.replace(" ", "\u3000"), sentence * 3, sentence.replace(" ", "  \t")]
        variants += [unicodedata.normalize(form, sentence) for form in ("NFC", "NFD", "NFKC", "NFKD")]
        forms += dict.fromkeys(variants)
    return forms


def long_words():
    """Around and beyond the limit of 100 characters for a word."""
    words = []
    for length in (1, 2, 98, 99, 100, 101, 102, 1000, 20000):
        words += ["a" * length, "é" * length, "中" * length, "ab" * length + " end", "x" + "\u0301" * length + "y",
                  "a\u0301" * length, "-" * length, "😀" * length, " " * length + "a", "a" * length + "\u0301 b",
                  "ᄀ" * length, "\U0001d165" * length]
    return words


def corpus_lines():
    """Every string in the claims files."""
    lines = []

    def collect(value):
        if isinstance(value, str) and value:
            lines.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    for path in sorted(CORPUS.glob("*.json*")):
        text = path.read_text(encoding="utf-8")
        for document in filter(None, text.split("\n")) if path.suffix == ".jsonl" else [text]:
            collect(json.loads(document))
    return list(dict.fromkeys(lines))


def code_points():
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def code_points_alone():
    """One line for each code point that may be assigned."""
    return [c for c in code_points() if ord(c) < LAST_ASSIGNED or 0xE0000 <= ord(c) < 0xE0200]


def code_points_in_words():
    """All of them: standing alone, beside letters, twice, and after an accented letter."""
    characters = code_points()
    groups = [characters[i:i + 16] for i in range(0, len(characters), 16)]
    return [" ".join(f"{c} a{c}b {c}{c} é{c}\u0323" for c in group) for group in groups]
