"""The sixty minute words and what the grammar needs to know of them."""

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen " \
       "sixteen seventeen eighteen nineteen".split()
TENS = {2: "twenty", 3: "thirty", 4: "forty", 5: "fifty"}


def name(minute: int) -> str:
    """The minute in English words, hyphenated: 27 is twenty-seven."""
    if minute < 20:
        return ONES[minute]
    tens, ones = divmod(minute, 10)
    return TENS[tens] + (f"-{ONES[ones]}" if ones else "")


NAMES = [name(m) for m in range(60)]


def kind(minute: int, syllables: int) -> str:
    """The class a template is expanded for: zero takes no count, one the singular, others their length."""
    return {0: "zero", 1: "one"}.get(minute, str(syllables))
