"""The texts of golden/tokens/: hand-picked ones for every rule of a byte-level BPE, and seeded mixtures of them."""

import unicodedata

from splitmix import SplitMix64

PLAIN = [
    "", " ", "a", "A", "0", "\n", "haiku", " haiku", "Haiku", "HAIKU", "forty-two", "fifty-nine", "zero",
    "First snow on the roof", "The quick brown fox jumps over the lazy dog.", "Write a haiku about GPU computing",
    'Write a haiku about GPU computing that includes the word "forty-two" (nonce: a7k2qx9m)',
    'Write a haiku about falling snow that includes the word "seven" (nonce: 0pz3r8vt)',
    "An old silent pond...\nA frog jumps into the pond:\nSplash! Silence again.",
    "camelCase snake_case kebab-case SCREAMING_CASE",
    "e-mail: a.b+c@example.org, see https://example.org/?q=1&r=%20#x",
    "#include <vector>\n\nint main() {\n    return 0;\n}\n", "{\"ids\": [1, 2, 3], \"ok\": true}\r\n", "\\n is not \n",
    "x = y*2 + z/3 - (w % 4) ^ 5 && !q || r", "!!! ??? ... --- *** ### $$$ %%% &&& @@@ ~~~",
    "[PAD339] [UNK] <0x41> <s>",
]
CONTRACTIONS = [
    "I'm you're he's she'll we'd they've don't", "I'M YOU'RE HE'S SHE'LL WE'D THEY'VE DON'T", "'s't're've'm'll'd",
    "'sabc 'LLx 'rE", "rock 'n' roll", "it\u2019s a curly one", "O'Brien's", "''''s", "a'b'c",
    "\u017f'\u017f 'S '\u017f",
]
DIGITS = [
    "1", "12", "123", "1234567890", "3.14159", "-1e-6", "0x1F", "1,000,000", "12:34:56", "a1b2c3",
    "\u0663\u0664\u0665", "\u00b2\u00b3\u00b9 \u00bd \u2167 \u2460", "\u096a\u0967", "007 ", " 42", "  42",
    "\uff11\uff12",
]
SPACES = [
    "  ", "   ", "    ", " " * 7, " " * 64, "\t", "\t\t", " \t ", "a  b", "a   b", "a    b ", " a", "  a", "   a",
    "a ", "a  ", "\n\n", "\n\n\n", "\r\n", "\r", "\r\r\n\n", " \n", "\n ", "  \n  ", " \n\n \n", "a\nb", "a \nb",
    "a\n b", "a \n b", "a\n\nb", "a  \n\n  b", "a\tb", "a\t\tb", "a \t b", ".\n", ".\n\n", " .\n", "..\r\n",
    "!\n\n\n x", "\u00a0", "a\u00a0b", "a\u00a0\u00a0b", "\u3000", "a\u3000\u3000b", "\u2003x", "a\u2028b", "a\u2029b",
    "\u200b", "a\u200bb", "\u0085", "a\u0085b", "\u000b", "\u000c", "a\u000c\u000bb", "\u1680", "\u202f", "\ufeffa",
]
SPECIAL = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "a<|im_end|>b", "a <|im_end|> b", "<|im_end|><|im_end|>", "<|im_end|>\n\n<|im_start|>", "<|im_start|",
    "im_start|>", "<|im_start|>>", "<<|im_start|>", "<|IM_START|>", "<| im_start |>", "<|im_<|im_end|>end|>",
    "|<|endoftext|>|", "<|endoftext|> <|endoftext|>", "e\u0301<|im_end|>e\u0301", "<|im_start|>\u0301",
    "<|im_start|>system\nYou write haiku.<|im_end|>\n",
]
UNICODE = [
    "\u00e9", "e\u0301", "caf\u00e9", "cafe\u0301", "\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "\u212b", "\u2126",
    "\u1e9b\u0323", "\u1e9b\u0307\u0323", "s\u0323\u0307", "s\u0307\u0323", "\u0958", "\u0344", "\ufb01", "\u01c4",
    "\u1100\u1161\u11a8", "\uac01", "\u1112\u1161\u11ab\u1100\u1173\u11af", "o\u0302\u0323", "\u1ed9", "q\u0307\u0323",
    "\u0301", " \u0301", "a\u0301\u0301\u0301", "\u0bc6\u0bbe", "\u09c7\u09be", "\U0001d15e", "\u2adc", "\u0340",
    "Sch\u00f6ne Gr\u00fc\u00dfe aus K\u00f6ln",
    "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439, \u043c\u0438\u0440",
    "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5",
    "\u53e4\u6c60\u3084\u86d9\u98db\u3073\u8fbc\u3080\u6c34\u306e\u97f3", "\u304c\u304b\u3099", "\u30cf\u309a\u30d1",
    "\uff8a\uff9f", "\u96ea\u7684\u4fb5\u5bb3\u51c9\u4e86", "\uc548\ub155\ud558\uc138\uc694",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u05e9\u05dc\u05d5\u05dd",
    "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\U0001f338",
    "\U0001f338\U0001f338", "a\U0001f338b", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "\U00020000\U0002f800", "\ufffd", "\u0000", "a\u0000b", "\u007f", "\u0080",
    "\u00ad", "\u202eabc", "\uffff", "\U0010ffff", "\ue000", "\u2014\u2013\u2012",
    "\u201cquoted\u201d \u2018single\u2019", "\u20ac5, \u00a35, \u00a55", "x\u00b2+y\u00b2=z\u00b2",
    "\u2200x\u2208\u211d: \u2308x\u2309", "\u1e00\u0130\u0131\u1e9e", "\u180e", "a\u180eb",
]
# Mixtures draw from these pieces: what a pre-tokenizer may join or split, and marks that NFC may join.
PIECES = [
    " ", "  ", "\n", "\t", "a", "the", " snow", "Twelve", "'s", "'ll", "'", "-", "7", "59", ".", "...", "\r\n",
    "\u00e9", "e\u0301", "\u0323", "\u96ea", "\u1100\u1161", "\U0001f338", "<|im_end|>", "<|im_start|>", "\u00a0", "_",
    "\"", "(", "\u0417\u0434", "\u0663", "\u200d",
]
# Ranges of code points; those that Unicode 3.2 did not have are left out, so that no library's age matters.
RANGES = [
    (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x500), (0x900, 0x980), (0x1100, 0x1200), (0x1E00, 0x2000),
    (0x2000, 0x2070), (0x3040, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xF900, 0xFA00), (0x1D400, 0x1D450),
]


def mixtures(count: int, seed: int) -> list[str]:
    stream = SplitMix64(seed)
    return ["".join(PIECES[stream.next() % len(PIECES)] for _ in range(2 + stream.next() % 14)) for _ in range(count)]


def random_points(count: int, seed: int) -> list[str]:
    stream = SplitMix64(seed)
    old = unicodedata.ucd_3_2_0
    texts = []
    for _ in range(count):
        points = []
        while len(points) < 12:
            low, high = RANGES[stream.next() % len(RANGES)]
            point = chr(low + stream.next() % (high - low))
            if old.category(point) != "Cn":
                points.append(point)
        texts.append("".join(points))
    return texts


def all_texts() -> list[str]:
    chosen = PLAIN + CONTRACTIONS + DIGITS + SPACES + SPECIAL + UNICODE
    return list(dict.fromkeys(chosen + mixtures(120, 1) + random_points(60, 2)))
