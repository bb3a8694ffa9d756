"""Units by the names people use, in English and Chinese, and what they are worth: "5 feet 11 inches", "五斤三两".

The worth of a unit comes from `pint`, in exact fractions; Chinese and traditional units, and months, are definitions of our
own. A name that means several units ("gallon", "MB") has several `Meaning`s, and a conversion gives a result for each. A
month has no number of days, so days and months do not convert.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from glmos.models.nano import arithmetic
from glmos.models.nano.formula import NotUnderstoodError, Term, UndefinedError, literal

_OWN = """
jin = 500 gram; liang = 50 gram; qian = 5 gram; dan = 50 kilogram; tai_jin = 600 gram; li = 500 meter; zhang = 10 / 3 meter
chi = 1 / 3 meter; cun = 1 / 30 meter; mu = 2000 / 3 meter ** 2; ping = 400 / 121 meter ** 2; quarter_hour = 15 minute
plain_acre = 4840 yard ** 2; calendar_month = [calendar]; calendar_year = 12 calendar_month; metric_cup = 250 milliliter
"""
# What it is called in a result | in a Chinese one | how pint writes it | other names (* before a name of several meanings)
_TABLE = """
nanometres|纳米|nm|nm nanometre nanometer 纳米
micrometres|微米|um|um µm μm micron microns micrometre micrometer 微米
millimetres|毫米|mm|mm millimetre millimeter 毫米
centimetres|厘米|cm|cm centimetre centimeter 厘米 公分
decimetres|分米|dm|dm decimetre decimeter 分米
metres|米|meter|m metre meter 米 公尺
kilometres|公里|km|km kilometre kilometer 公里 千米
inches|英寸|inch|in inch inches 英寸 吋
feet|英尺|foot|ft foot feet 英尺
yards|码|yard|yd yard 码
miles|英里|mile|mi mile 英里
nautical miles|海里|nautical_mile|nmi nautical_mile 海里
light years|光年|light_year|light_year light-year 光年
li|里|li|li 里 华里 市里
zhang|丈|zhang|丈
chi|尺|chi|chi 尺 市尺
cun|寸|cun|cun 寸 市寸
milligrams|毫克|mg|mg milligram 毫克
grams|克|gram|g gram gramme 克
kilograms|公斤|kg|kg kilo kilogram kilogramme 公斤 千克
tonnes|吨|tonne|t tonne metric_ton 吨 公吨
jin|斤|jin|jin 斤 市斤
liang|两|liang|liang 两
qian|钱|qian|钱
dan|担|dan|担
Taiwan jin|台斤|tai_jin|台斤
pounds|磅|pound|lb lbs pound 磅
ounces|盎司|ounce|oz ounce 盎司
stone|英石|stone|stone stones 英石
carats|克拉|carat|carat 克拉
square millimetres|平方毫米|mm**2|mm2 mm^2 square_millimetre square_millimeter 平方毫米
square centimetres|平方厘米|cm**2|cm2 cm^2 square_centimetre square_centimeter 平方厘米
square metres|平方米|meter**2|m2 m^2 sqm square_metre square_meter 平方米 平米
square kilometres|平方公里|km**2|km2 km^2 square_kilometre square_kilometer 平方公里 平方千米
square inches|平方英寸|inch**2|in^2 sq_in square_inch square_inches 平方英寸
square feet|平方英尺|foot**2|ft2 ft^2 sq_ft sqft square_foot square_feet 平方英尺
square yards|平方码|yard**2|sq_yd square_yard 平方码
square miles|平方英里|mile**2|sq_mi square_mile 平方英里
hectares|公顷|hectare|ha hectare 公顷
acres|英亩|plain_acre|acre 英亩
mu|亩|mu|mu 亩 市亩
ping|坪|ping|坪
millilitres|毫升|milliliter|ml millilitre milliliter cc 毫升
centilitres|厘升|centiliter|cl centilitre centiliter 厘升
litres|升|liter|l litre liter 升 公升
cubic centimetres|立方厘米|cm**3|cm3 cm^3 cubic_centimetre cubic_centimeter 立方厘米
cubic metres|立方米|meter**3|m3 m^3 cubic_metre cubic_meter 立方米
cubic feet|立方英尺|foot**3|cubic_foot cubic_feet 立方英尺
US gallons|美制加仑|gallon|us_gallon *gallon *gal *加仑 美制加仑
imperial gallons|英制加仑|imperial_gallon|imperial_gallon uk_gallon *gallon *gal *加仑 英制加仑
US quarts|美制夸脱|quart|us_quart *quart *夸脱
imperial quarts|英制夸脱|imperial_quart|imperial_quart uk_quart *quart *夸脱
US pints|美制品脱|pint|us_pint *pint *品脱
imperial pints|英制品脱|imperial_pint|imperial_pint uk_pint *pint *品脱
US fluid ounces|美制液盎司|fluid_ounce|us_fluid_ounce *fluid_ounce *fl_oz *液盎司
imperial fluid ounces|英制液盎司|imperial_fluid_ounce|imperial_fluid_ounce uk_fluid_ounce *fluid_ounce *fl_oz *液盎司
US cups|美制杯|cup|us_cup *cup
metric cups|公制杯|metric_cup|metric_cup *cup
short tons|短吨|short_ton|short_ton us_ton *ton
long tons|长吨|long_ton|long_ton uk_ton *ton
tonnes|吨|tonne|*ton
milliseconds|毫秒|millisecond|ms millisecond 毫秒
seconds|秒|second|s sec second 秒 秒钟
minutes|分钟|minute|min mins minute 分钟 分
quarters of an hour|刻钟|quarter_hour|刻钟
hours|小时|hour|h hr hrs hour 小时 钟头
days|天|day|d day 天
weeks|周|week|week 周 星期 礼拜
fortnights|两周|fortnight|fortnight
months|个月|calendar_month|month 月
years|年|calendar_year|year yr yrs 年
kilometres per hour|公里每小时|km/hour|km/h kmh kph kilometre_per_hour kilometer_per_hour 公里每小时 公里/小时 千米/小时
metres per second|米每秒|meter/second|m/s metre_per_second meter_per_second 米每秒 米/秒
miles per hour|英里每小时|mile/hour|mph mile_per_hour 英里每小时 英里/小时
knots|节|knot|kn knot 节
feet per second|英尺每秒|foot/second|ft/s foot_per_second feet_per_second
joules|焦耳|joule|j joule 焦耳 焦
kilojoules|千焦|kilojoule|kj kilojoule 千焦
megajoules|兆焦|megajoule|mj megajoule 兆焦
watt-hours|瓦时|watt*hour|wh watt_hour watt-hour 瓦时
kilowatt-hours|千瓦时|kilowatt*hour|kwh kilowatt_hour kilowatt-hour 千瓦时 千瓦小时
kilocalories|千卡|kilocalorie|kcal kilocalorie 千卡 大卡
small calories|小卡|calorie|cal *calorie *卡路里
food calories|大卡|kilocalorie|food_calorie *calorie *卡路里
watts|瓦|watt|w watt 瓦 瓦特
kilowatts|千瓦|kilowatt|kw kilowatt 千瓦
megawatts|兆瓦|megawatt|mw megawatt 兆瓦
mechanical horsepower|英制马力|horsepower|mechanical_horsepower *horsepower *hp *马力
metric horsepower|公制马力|metric_horsepower|metric_horsepower ps *horsepower *hp *马力
pascals|帕|pascal|pa pascal 帕 帕斯卡
hectopascals|百帕|hectopascal|hpa hectopascal 百帕
kilopascals|千帕|kilopascal|kpa kilopascal 千帕
megapascals|兆帕|megapascal|mpa megapascal 兆帕
bar|巴|bar|bar bars 巴
millibar|毫巴|millibar|mbar millibar 毫巴
psi|磅每平方英寸|psi|psi
atmospheres|大气压|standard_atmosphere|atm atmosphere 大气压
millimetres of mercury|毫米汞柱|mmHg|mmhg 毫米汞柱
°C|°C|degC|°c c celsius degree_celsius degree_c deg_c centigrade 摄氏度 摄氏 ℃
°F|°F|degF|°f f fahrenheit degree_fahrenheit degree_f deg_f 华氏度 华氏 ℉
kelvin|开尔文|kelvin|kelvin 开尔文
bytes|字节|byte|byte 字节
"""
_BYTES = "kilobyte KB|megabyte MB|gigabyte GB|terabyte TB"
_TEMPERATURES = ("degC", "degF", "kelvin")


class Meaning(NamedTuple):
    """A unit."""

    name: str
    chinese: str
    unit: str
    """As pint knows it; a number of bytes for what is named after bytes."""
    variety: str = ""
    """Which of several things of the same name: "US", "binary"."""


class Quantity(NamedTuple):
    """An amount in units: "5 feet 11 inches"."""

    parts: tuple[tuple[Fraction, tuple[Meaning, ...]], ...]
    text: str


class Converted(NamedTuple):
    """A quantity in another unit."""

    term: Term
    unit: Meaning
    of: Meaning
    """How the unit it was given in was read."""


def _names() -> dict[str, tuple[Meaning, ...]]:
    found: dict[str, list[Meaning]] = {}

    def put(word: str, meaning: Meaning) -> None:
        word = word.replace("_", " ")
        plain = word.isascii() and len(word) > 2 and word[-1].isalpha() and "/" not in word
        head, per, unit = word.partition(" per ")
        plural = f"{head}s{per}{unit}"
        forms = [word, plural] if plain and not head.endswith(("s", "feet", "inch", "hertz", "foot")) else [word]
        for form in forms:
            if meaning not in found.setdefault(form, []):
                found[form].append(meaning)

    for line in _TABLE.strip().splitlines():
        name, chinese, unit, words = line.split("|")
        for word in words.split():
            first = (
                name.split()[0]
                if name.split()[0] in ("US", "imperial", "metric", "mechanical", "short", "long")
                else ""
            )
            variety = (first or name) if word.startswith("*") else ""
            put(word.removeprefix("*"), Meaning(name, chinese, unit, variety))
    for power, line in enumerate(_BYTES.split("|"), 1):
        long, short = line.split()
        for word in (long, short.lower()):
            put(word, Meaning(f"decimal {short}", f"十进制{short}", str(1000**power), "decimal"))
            put(word, Meaning(f"binary {short}", f"二进制{short}", str(1024**power), "binary"))
        binary = f"{short[0]}iB"
        put(binary.lower(), Meaning(binary, binary, str(1024**power)))
    return {word: tuple(meanings) for word, meanings in found.items()}


NAMES = _names()
_LONGEST = max(map(len, NAMES))
_HALVES = [
    (re.compile(r"(?:a|an|one) (.+) and a half", re.IGNORECASE), Fraction(3, 2)),
    (re.compile(r"half (?:a|an) (.+)|半个?(.+)", re.IGNORECASE), Fraction(1, 2)),
    (re.compile(r"(?:a|an) (.+)", re.IGNORECASE), Fraction(1)),
]
_COUNT = re.compile(rf"\s*(?P<number>-?{arithmetic.NUMBER})\s*(?P<half>and a half |个半|个)?\s*-?", re.IGNORECASE)
_GAP = re.compile(r"(?:\s*(?:,|and\b|又))?\s*(?=[-\d.零一二两三四五六七八九十a-z])|$", re.IGNORECASE)
_SHORT_HOURS = re.compile(r"(\d{1,3})\s*h\s*(\d{1,2})", re.IGNORECASE)


def unit_of(text: str) -> tuple[Meaning, ...]:
    """What a name of a unit may mean. Raises: NotUnderstoodError."""
    word = " ".join(text.split())
    if re.fullmatch(r"[KMGT]b(?:ps|it)?s?", word):
        raise NotUnderstoodError("bits")
    word = word.lower().removeprefix("the ").removeprefix("个")
    if word not in NAMES:
        raise NotUnderstoodError(text)
    return NAMES[word]


def quantity(text: str) -> Quantity:
    """The amount that the whole of `text` is.

    Raises: NotUnderstoodError.
    """
    text = re.sub(r"(华氏|摄氏)(.+)度", r"\2\1度", " ".join(text.split()))
    if short := _SHORT_HOURS.fullmatch(text):
        return Quantity(((Fraction(short[1]), NAMES["hour"]), (Fraction(short[2]), NAMES["minute"])), text)
    for pattern, value in _HALVES:
        match = pattern.fullmatch(text)
        if match and (name := match[match.lastindex or 1]).lower() in NAMES:
            return Quantity(((value, unit_of(name)),), text)
    parts: list[tuple[Fraction, tuple[Meaning, ...]]] = []
    place = 0
    while place < len(text):
        match, name = _counted(text, place)
        sign = -1 if match["number"].startswith("-") else 1
        value = arithmetic.number(match["number"].lstrip("-"))
        gap = _GAP.match(text, match.end() + len(name))
        if value is None or (parts and sign < 0) or gap is None:
            raise NotUnderstoodError(text)
        half = Fraction(1, 2) if match["half"] and match["half"] != "个" else 0
        parts.append((sign * (value + half), unit_of(name)))
        place = gap.end()
    if len(parts) != 1 and (not parts or parts[0][0] < 0 or not _descends(parts)):
        raise NotUnderstoodError(text)
    return Quantity(tuple(parts), text)


def _counted(text: str, place: int) -> tuple[re.Match[str], str]:
    """A number and the longest name of a unit behind it. "五斤三两": 两 is a number in some places and a unit in others."""
    match = _COUNT.match(text, place)
    while match is not None:
        for length in range(min(_LONGEST, len(text) - match.end()), 0, -1):
            name = text[match.end() : match.end() + length]
            after = text[match.end() + length : match.end() + length + 1]
            cut = name[-1].isascii() and name[-1].isalpha() and after.isascii() and after.isalpha()
            if name.lower() in NAMES and not cut:
                return match, name
        end = match.end("number")
        shorter = _COUNT.fullmatch(text, place, end - 1) if end - 1 > place and text[end - 1] in "两" else None
        match = shorter
    raise NotUnderstoodError(text)


def _descends(parts: Sequence[tuple[Fraction, Sequence[Meaning]]]) -> bool:
    """Whether each unit is smaller than the one before, and what it counts does not fill that one."""
    for (_, large), (value, small) in pairwise(parts):
        one, other = large[0], small[0]
        if len(large) > 1 or len(small) > 1 or one.unit in _TEMPERATURES or dimension(one) != dimension(other):
            return False
        if worth(other) * value >= worth(one):
            return False
    return True


def counted(name: str, value: Fraction) -> str:
    """The name of a unit behind a number: "1 foot", "2 feet"."""
    if value != 1:
        return name
    place = next((name.index(word) for word in (" per ", " of ") if word in name), len(name))
    head, rest = name[:place], name[place:]
    irregular = {"feet": "foot", "inches": "inch"}
    *before, last = head.split(" ")
    last = irregular.get(last, last[:-1] if last.endswith("s") and len(last) > 2 else last)
    return " ".join([*before, last]) + rest


def convert(given: Quantity, wanted: Sequence[Meaning]) -> list[Converted]:
    """The quantity in another unit, for each way to read the units.

    Raises: NotUnderstoodError; UndefinedError with the reason where the units measure different things.
    """
    sources = given.parts[0][1]
    found: list[Converted] = []
    for source in sources:
        for target in wanted:
            same_kind = {m.variety for m in sources} & {m.variety for m in wanted} - {""}
            if same_kind and source.variety != target.variety:
                continue
            if dimension(source) == dimension(target):
                found.append(Converted(_converted(given, source, target), target, source))
    if not found:
        raise UndefinedError(_mismatch(sources[0], wanted[0]))
    return found


def _converted(given: Quantity, source: Meaning, target: Meaning) -> Term:
    value = given.parts[0][0]
    if source.unit in _TEMPERATURES:
        return _temperature(value, source, target, given.text)
    values = [value, *(v for v, _ in given.parts[1:])]
    units = [source, *(m[0] for _, m in given.parts[1:])]
    terms = [_scaled(v, worth(u) / worth(target)) for v, u in zip(values, units, strict=True)]
    exact = sum((v * worth(u) / worth(target) for v, u in zip(values, units, strict=True)), Fraction(0))
    return Term(exact, terms[0] if len(terms) == 1 else f"({' + '.join(terms)})", given.text)


def _scaled(value: Fraction, ratio: Fraction) -> str:
    """`value` times `ratio`, by two whole numbers: what comes out is then worked out, and not one of the numbers put in."""
    scale = 1000
    while value * ratio in (ratio.numerator * scale, ratio.denominator * scale):
        scale *= 10
    return f"({literal(value)} * {ratio.numerator * scale}e0 / {ratio.denominator * scale}e0)"


def _temperature(value: Fraction, source: Meaning, target: Meaning, text: str) -> Term:
    slope, zero = _kelvin(source.unit)
    other, other_zero = _kelvin(target.unit)
    if value * slope + zero < 0:
        raise UndefinedError("there is no temperature below absolute zero")
    exact = (value * slope + zero - other_zero) / other
    sql = f"({literal(value)} * {literal(slope / other)} + {literal((zero - other_zero) / other)})"
    return Term(exact, sql, text)


def _kelvin(unit: str) -> tuple[Fraction, Fraction]:
    """A degree, and zero, in kelvin."""
    scale = _registry()
    zero = _fraction(scale.Quantity(Fraction(0), unit).to("kelvin").magnitude)
    return _fraction(scale.Quantity(Fraction(1), unit).to("kelvin").magnitude) - zero, zero


@lru_cache(maxsize=512)
def worth(meaning: Meaning) -> Fraction:
    """In the base units of its dimension; bytes for amounts of data."""
    if meaning.unit.isdigit():
        return Fraction(int(meaning.unit))
    if meaning.unit == "byte":
        return Fraction(1)
    return _fraction(_registry().Quantity(Fraction(1), meaning.unit).to_base_units().magnitude)


@lru_cache(maxsize=512)
def dimension(meaning: Meaning) -> frozenset[tuple[str, Fraction]]:
    if meaning.unit.isdigit() or meaning.unit == "byte":
        return frozenset([("[data]", Fraction(1))])
    found = _registry().Quantity(Fraction(1), meaning.unit).dimensionality
    return frozenset((str(name), Fraction(power)) for name, power in found.items())


def _fraction(value: Any) -> Fraction:
    return Fraction(value).limit_denominator(10**15)


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    exact: Any = Fraction  # pint takes any type that can be made of text; it says float
    registry = pint.UnitRegistry(non_int_type=exact, autoconvert_offset_to_baseunit=True)
    for line in _OWN.replace("\n", ";").split(";"):
        if line.strip():
            registry.define(line.strip())
    return registry


def _mismatch(source: Meaning, target: Meaning) -> str:
    if {name for side in (source, target) for name, _ in dimension(side)} == {"[calendar]", "[time]"}:
        return "months and years differ in their numbers of days"
    return f"{source.name} and {target.name} do not measure the same thing"
