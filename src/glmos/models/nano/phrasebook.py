"""The ways to ask for a sum, in English and Chinese: each a pattern for the whole question, and what it comes to.

Text in braces stands for a part (see `phrases`). What a question asks with ("what is", "是多少") is taken off before.
"""

from glmos.models.nano import formula as f
from glmos.models.nano import phrases as p
from glmos.models.nano.formula import NotUnderstoodError, UndefinedError
from glmos.models.nano.phrases import Build, Calculation

_PER = r"(?:percent(?:age)?|per cent|%)"
_PEOPLE = r"(?:people|persons|friends|of us|guests|colleagues|children|kids|students|roommates|flatmates)"
_TAX = r"(?:vat|gst|sales tax|tax|value added tax)"
_PAY = (
    r"(?:what|how much) (?:do|will|would|must|should|shall) (?:i|we|you|one) (?:have to )?pay(?: for it)?|"
    r"(?:what is|what's|how much is) (?:the (?:final |sale |new |discounted |reduced )?price|it)(?: now| then)?|"
    r"(?:what|how much) (?:does|will|would) it cost(?: now| then)?"
)
_OFF = r"(?:off|discount|reduction|cheaper)"
_NOW = r"(?:要付|要|付|需付|需要付|需要|卖|是|价格是|售价是|现价是|花)?(?:多少钱|多少元|多少|几元)"
_EACH_CN = r"(?:[,，]?(?:每人|每个人|一人|平均每人|每份|人均)(?:要|应|该)?(?:分|付|得|出|给|分到|得到|是)?(?:多少|几)(?:钱|元|块)?)?"
_LONG_CN = r"(?:有|是|一共|共|经过|要|隔了?|相隔|相差|差)?(?:多久|多长时间|几个?(?:小时|钟头)|多少个?小时|多少分钟)"
_SPAN = r"(?P<t>[^+]+?)"

_of = p.of_terms
_INCREASE = _of(p.with_share, "ap", "{0} + {1}", "{0} + {1}")
_DECREASE = _of(p.less_share, "ap", "{0} − {1}", "{0} − {1}")
_SHARE = _of(p.share_of, "ab", "{0} in per cent of {1}", "{0} 占 {1} 的百分比", (" %", " %"))
_RISEN = _of(p.risen, "ab", "the change from {0} to {1} in per cent", "从 {0} 到 {1} 的变化百分比", (" %", " %"))
_GROWN = _of(p.grown, "ab", "the rise from {0} to {1} in per cent", "从 {0} 到 {1} 增长的百分比", (" %", " %"))
_FALLEN = _of(p.fallen, "ab", "the fall from {0} to {1} in per cent", "从 {0} 到 {1} 下降的百分比", (" %", " %"))
_EACH = _of(f.divide, "an", "{0} split equally between {1}", "{0} 平均分成 {1} 份", (" each", "（每份）"))
_ONE = _of(f.divide, "an", "{0} ÷ {1}", "{0} ÷ {1}", (" each", "（每份）"))
_TIP = _of(p.part, "pa", "{0} of {1}, the tip alone", "{1} 的 {0}，只算小费")
_TIP_TOTAL = _of(p.with_share, "ap", "{0} with a tip of {1}", "{0} 加 {1} 小费")
_TIP_SPLIT = _of(p.split_with_tip, "apn", "{0} with a tip of {1}, split between {2}", "({0} + {1}) ÷ {2}", (" each", "（每份）"))  # fmt: skip
_TAX_ON = _of(p.part, "pa", "{0} tax on {1}, the tax alone", "{1} 的 {0} 税，只算税")
_GROSS = _of(p.with_share, "ap", "{0} with {1} tax added", "{0} 加 {1} 的税")
_NET = _of(p.before_tax, "ap", "{0} has {1} tax in it, and the tax is taken out", "{0} 含 {1} 的税，去掉税")
_TAX_IN = _of(p.tax_in, "ap", "the tax in {0}, which has {1} tax in it", "{0} 里含的 {1} 的税")
_ADD = _of(f.add, "ab", "{0} + {1}", "{0} + {1}")
_TAKE = _of(f.subtract, "ab", "{0} − {1}", "{0} − {1}")
_TIMES = _of(f.multiply, "ab", "{0} × {1}", "{0} × {1}")
_OVER = _of(f.divide, "ab", "{0} ÷ {1}", "{0} ÷ {1}")
_GAP = _of(f.difference, "ab", "the difference between {0} and {1}", "{0} 与 {1} 的差")
_COST = _of(f.multiply, "na", "{0} × {1}", "{0} × {1}")
_FOLD = _of(f.divide, "ab", "how many times {1} is {0}", "{0} 是 {1} 的几倍", (" times", " 倍"))
_TENTHS = _of(p.tenths, "az", "{0} 打 {1} 折", "{0} 打 {1} 折")
_SUM = p.of_list(p.total, "the sum of {0}", "{0} 的和")
_MEAN = p.of_list(p.mean, "the average of {0}", "{0} 的平均数")
_PRODUCT = p.of_list(p.product, "the product of {0}", "{0} 的积")

_ENGLISH: list[tuple[str, Build]] = [
    (r"{a}(?: in total| altogether| in all)?", p.arithmetic_alone),
    (rf"{{a}} (?:as a|as|in) {_PER} of {{b}}", _SHARE),
    (rf"(?:what |how many )?{_PER} of {{b}} is {{a}}", _SHARE),
    (rf"(?:what |how many )?{_PER} is {{a}} of {{b}}", _SHARE),
    (rf"{{a}} is what {_PER} of {{b}}", _SHARE),
    (rf"{{a}} out of {{b}} (?:as|in) (?:a )?{_PER}", _SHARE),
    (rf"{_PER} (?:change|difference) from {{a}} to {{b}}", _RISEN),
    (rf"change (?:in {_PER} )?from {{a}} to {{b}}(?: in {_PER})", _RISEN),
    (rf"{_PER} (?:increase|growth|rise|gain) from {{a}} to {{b}}", _GROWN),
    (rf"{_PER} (?:decrease|drop|fall|loss|decline|reduction) from {{a}} to {{b}}", _FALLEN),
    (rf"(?:(?:if )?(?:a|an|the|my) {{x}} )?(?:rises|rose|grows|grew|goes up|went up|increases|increased) from {{a}} to {{b}},? "
     rf"(?:what|how much|by what|by how many) (?:is (?:that|the)(?: rise| increase)? )?(?:in )?{_PER}(?: increase| rise| is that)?", _GROWN),
    (rf"(?:(?:if )?(?:a|an|the|my) {{x}} )?(?:falls|fell|drops|dropped|goes down|went down|decreases|decreased) from {{a}} to {{b}},? "
     rf"(?:what|how much|by what|by how many) (?:is (?:that|the)(?: fall| drop| decrease)? )?(?:in )?{_PER}(?: decrease| drop| fall| is that)?", _FALLEN),
    (r"(?:increase|raise) {a} by {p}", _INCREASE),
    (r"{a} (?:increased|raised|up) by {p}", _INCREASE),
    (r"add {p} to {a}", _INCREASE),
    (r"(?:decrease|reduce|lower|discount|cut) {a} by {p}", _DECREASE),
    (r"{a} (?:decreased|reduced|lowered|discounted|cut) by {p}", _DECREASE),
    (r"(?:take|subtract) {p} (?:off|from) {a}", _DECREASE),
    (r"{p} off(?: of| from)? {a}", _DECREASE),
    (rf"{{a}} (?:with|at|after|less) (?:a )?(?:discount of )?{{p}}(?: {_OFF})?", _DECREASE),
    (rf"(?:if )?(?:a|an|the|my|one|this|some) {{x}} (?:that )?(?:costs?|is|was|is priced at|sells for|normally costs) {{a}},?(?: and| but)? "
     rf"(?:(?:it )?(?:is|'s)|it's|there is|there's|with|now)? ?(?:now |on sale |on sale at |on sale for )?(?:a |at )?{{p}} {_OFF}[,;.]? (?:so )?(?:{_PAY})", _DECREASE),
    (r"add {a} (?:to|and) {b}", _ADD),
    (r"(?:subtract|take|take away) {b} from {a}", _TAKE),
    (r"take {b} away from {a}", _TAKE),
    (r"multiply {a} (?:by|and|with) {b}", _TIMES),
    (r"divide {a} by {b}", _OVER),
    (r"(?:the )?(?:sum|total) of {l}", _SUM),
    (r"add (?:up |together )?{l}(?: together| up)?", _SUM),
    (r"{l} (?:added|summed)(?: together| up)", _SUM),
    (r"(?:the )?product of {l}", _PRODUCT),
    (r"(?:the )?(?:average|mean|arithmetic mean) of {l}", _MEAN),
    (r"average {l}", _MEAN),
    (r"(?:the )?difference between {a} and {b}", _GAP),
    (r"(?:the )?quotient of {a} and {b}", _OVER),
    (r"how many times (?:does|will) {b} (?:go|fit) in(?:to)? {a}", _FOLD),
    (rf"(?:split|divide|share) {{a}} (?:evenly |equally )?(?:between|among|amongst|by) {{n}} {_PEOPLE}", _EACH),
    (r"split {a} {n} ways", _EACH),
    (rf"{{a}} (?:split|shared|divided) (?:evenly |equally )?(?:between|among|amongst|by) {{n}} {_PEOPLE}", _EACH),
    (r"{a} split {n} ways", _EACH),
    (rf"(?:if )?{{n}} {_PEOPLE} (?:split|share) (?:a |the )?(?:bill of )?{{a}}(?: equally| evenly)?,? (?:what|how much) (?:does|must|should|will) each(?: person| one| of them)? (?:pay|get|owe)", _EACH),
    (rf"how much (?:does|must|should|will) each(?: person| one)? (?:pay|get|owe) if {{n}} {_PEOPLE} (?:split|share) (?:a |the )?(?:bill of )?{{a}}(?: equally| evenly)?", _EACH),
    (rf"(?:split )?(?:a |the )?bill of {{a}} (?:with|plus|and) (?:a )?{{p}} tip (?:split )?(?:between|among|by) {{n}} {_PEOPLE}", _TIP_SPLIT),
    (r"(?:a |an |the )?{p} tip (?:on|for|of) (?:a |an |the )?(?:bill of )?{a}(?: bill)?", _TIP),
    (r"(?:a |the )?tip of {p} on (?:a |the )?(?:bill of )?{a}", _TIP),
    (r"(?:the total (?:for|of) )?{a} (?:plus|with|and|\+) (?:a |an )?{p} tip", _TIP_TOTAL),
    (rf"add {{p}} {_TAX} to {{a}}", _GROSS),
    (rf"{{a}} (?:plus|\+) {{p}} {_TAX}", _GROSS),
    (rf"{{a}} net plus {{p}}(?: {_TAX})?", _GROSS),
    (rf"{{p}} {_TAX} on {{a}}", _TAX_ON),
    (rf"(?:the )?{_TAX} on {{a}} at {{p}}", _TAX_ON),
    (rf"(?:remove|take) {{p}} {_TAX} (?:from|out of|off) {{a}}", _NET),
    (rf"(?:the )?net(?: price| amount)? of {{a}} (?:including|incl\.?|with) {{p}} {_TAX}(?: included)?", _NET),
    (rf"{{a}} (?:including|incl\.?) {{p}} {_TAX},? (?:what is |what's |how much is )?(?:the )?net(?: price| amount)?", _NET),
    (rf"how much {_TAX} is (?:included |contained )?in {{a}} at {{p}}", _TAX_IN),
    (rf"(?:the )?{_TAX} (?:included |contained )?in {{a}} at {{p}}", _TAX_IN),
    (r"(?:the )?ratio (?:of {a} to {b})", p.ratio),
    (r"simplify (?:the ratio )?{a} ?: ?{b}", p.ratio),
    (r"(?:divide|split|share) {a} in (?:the |a )?ratio (?:of )?{r}", p.shared_in_ratio),
    (r"{n} {x} (?:at|for|@) {a} (?:each|apiece|per piece)(?: cost| in total)?", _COST),
    (r"{n} {x} (?:at|for|costing) {a} (?:each|apiece|per piece),? how much (?:is that|in total|altogether|do i pay)", _COST),
    (r"(?:if )?{n} {x} cost {a},? (?:how much|what) (?:is|does|will) (?:one|a single one|1)(?: of them)?(?: cost)?", _ONE),
    (r"(?:convert |change |turn |express )?{q} (?:in|to|into|as) {u}", p.conversion),
    (r"how many {u} (?:are|is)(?: there)?(?: in)? {q}", p.conversion),
    (r"how many {u} (?:in|make|make up|equal) {q}", p.conversion),
    (r"how many {u} (?:does|do) {q} have", p.conversion),
    (r"{q} (?:is|are|equals?|=) how many {u}", p.conversion),
    (r"how (?:much|long|far|heavy|tall|fast|hot|cold|big|large|high|wide) (?:is|are) {q} in {u}", p.conversion),
    (r"{q} (?:plus|\+|and) {s}(?: in {u})?", p.spans_together),
    (r"{q} (?P<minus>minus|-|−|less) {s}(?: in {u})?", p.spans_together),
    (rf"(?:what time is )?{{c}} (?:plus|\+) {_SPAN}", p.clock_and_span),
    (rf"(?:what time is )?{{c}} (?P<minus>minus|-|−) {_SPAN}", p.clock_and_span),
    (rf"(?:what time is (?:it )?|the time )?{_SPAN} (?:after|past|from) {{c}}", p.clock_and_span),
    (rf"(?:what time is (?:it )?|the time )?{_SPAN} (?P<minus>before) {{c}}", p.clock_and_span),
    (r"(?:how long (?:is it )?|the time |time |how many hours |how much time is it |how many hours is it )(?:is it )?(?:from )?{c} (?:to|until|till) {k}", p.between_clocks),
    (r"(?:how long (?:is it )?|the time |time |how many hours are |how many hours are there |how much time is |how much time is there )(?P<between>between) {c} and {k}", p.between_clocks),
    (r"(?:how many |the number of |number of |the )?days (?:are |are there |is it |is |there are )?(?:between|from) {d} (?:and|to|until|till) {e}", p.between_days),
    (r"(?:how many |the number of |number of |the )?(?P<weeks>weeks) (?:are |are there |is it |is |there are )?(?:between|from) {d} (?:and|to|until|till) {e}", p.between_days),
    (r"how many days (?:apart are|lie between) {d} and {e}", p.between_days),
    (r"(?:what (?:date|day) is (?:it )?|the (?:date|day) )?{n} (?:days|(?P<weeks>weeks)) (?:after|from) {d}", p.day_and_span),
    (r"(?:what (?:date|day) is (?:it )?|the (?:date|day) )?{n} (?:days|(?P<weeks>weeks)) (?P<minus>before) {d}", p.day_and_span),
    (r"{d} (?:plus|\+) {n} (?:days|(?P<weeks>weeks))", p.day_and_span),
    (r"{d} (?P<minus>minus|-|−) {n} (?:days|(?P<weeks>weeks))", p.day_and_span),
]  # fmt: skip

_CHINESE: list[tuple[str, Build]] = [
    (r"{a}(?:等于|是|得)(?:多少|几)?(?:元|块钱?)?", p.arithmetic_alone),
    (r"{a}占{b}的?(?:百分之几|百分之多少|百分比|比例)", _SHARE),
    (r"{a}是{b}的(?:百分之几|百分之多少)", _SHARE),
    (r"{b}的(?:百分之几|百分之多少)是{a}", _SHARE),
    (r"(?:[^\d从]{0,6})?从{a}(?:变成|变为|变到|到){b}[,，]?(?:变化|变动)了?(?:百分之几|百分之多少|多少)", _RISEN),
    (r"(?:[^\d从]{0,6})?从{a}(?:涨|增长|增加|上涨|提高|升|上升|长)?(?:到|至){b}[,，]?(?:一共|共)?(?:增长|涨|上涨|增加|提高|上升|增幅)了?(?:是|为)?(?:百分之几|百分之多少|多少个?百分比)", _GROWN),
    (r"(?:[^\d从]{0,6})?从{a}(?:下降|降|减少|下跌|跌|降低|减)?(?:到|至){b}[,，]?(?:一共|共)?(?:下降|降|减少|下跌|跌|降低|降幅)了?(?:是|为)?(?:百分之几|百分之多少|多少个?百分比)", _FALLEN),
    (r"{a}(?:增加|上涨|涨|提高|加价|上调|增长|涨价)了?{p}(?:后|之后|以后)?(?:是|为)?", _INCREASE),
    (r"{a}(?:减少|下降|降低|降价|降|下调|优惠|便宜)了?{p}(?:后|之后|以后)?(?:是|为)?", _DECREASE),
    (rf"(?:如果)?(?:一[件双个台本张条部辆套瓶只])?{{y}}(?:的)?(?:原价|标价|定价|售价|卖|价格)?(?:是|为)?{{a}}[,，]?(?:现在|现|如果|商店)?打{{z}}折(?:后|以后|之后|的话|出售)?(?:[,，]?{_NOW})?", _TENTHS),
    (r"{a}的{z}折", _TENTHS),
    (rf"(?:把|将)?{{a}}(?:平均)?分给{{n}}个?(?:人|朋友|孩子|同学|小朋友){_EACH_CN}", _EACH),
    (rf"(?:把|将)?{{a}}平均分成{{n}}份{_EACH_CN}", _EACH),
    (rf"{{n}}个?(?:人|朋友|同学)(?:平分|均分|分摊|平摊|AA){{a}}{_EACH_CN}", _EACH),
    (rf"{{a}}[,，]?{{n}}个?(?:人|朋友|同学)(?:平分|均分|分摊|平摊|AA){_EACH_CN}", _EACH),
    (r"{a}(?:的账单)?[,，]?(?:给|付){p}的?小费(?:是|要付)?", _TIP),
    (r"{a}的账单的?{p}小费", _TIP),
    (r"{a}(?:的账单)?加(?:上)?{p}的?小费(?:一共|总共|共)?(?:是)?", _TIP_TOTAL),
    (r"{a}加(?:上)?{p}的?(?:增值税|税)(?:后)?(?:一共|总共|共)?(?:是)?", _GROSS),
    (r"(?:不含税|税前|未税)(?:价|价格|金额)?(?:是|为)?{a}[,，](?:增值税|税)?(?:税)?率?(?:是|为)?{p}[,，]?含税(?:价|价格|金额)?(?:是)?", _GROSS),
    (r"含税(?:价|价格|金额)?(?:是|为)?{a}[,，](?:增值税|税)?(?:税)?率?(?:是|为)?{p}[,，]?(?:不含税|税前|未税)(?:价|价格|金额)?(?:是)?", _NET),
    (r"含税(?:价|价格|金额)?(?:是|为)?{a}[,，](?:增值税|税)?(?:税)?率?(?:是|为)?{p}[,，]?(?:其中)?(?:的)?(?:税额|税金|税)(?:是)?", _TAX_IN),
    (r"{l}的?(?:平均数|平均值|平均|均值)(?:是)?", _MEAN),
    (r"{l}的(?:总和|和|合计)(?:是)?", _SUM),
    (r"{l}(?:一共|总共|加起来|加在一起|相加|合计)(?:是)?", _SUM),
    (r"{l}(?:的积|的乘积|相乘)(?:是)?", _PRODUCT),
    (r"{a}[和与]{b}的差(?:是)?", _GAP),
    (r"{a}[和与]{b}(?:相差|差)(?:是)?", _GAP),
    (r"{a}[和与]{b}的商(?:是)?", _OVER),
    (r"{a}[和与比]{b}的(?:比|比值|比例)(?:是)?", p.ratio),
    (r"化简{a}(?:比|:){b}", p.ratio),
    (r"{a}(?:比|:){b}(?:的比值|化简)(?:是)?", p.ratio),
    (r"(?:把|将)?{a}按(?:照)?{r}(?:的?比例)?分(?:配|成两份|开|给两个人)?(?:[,，]?(?:各|分别)(?:是|得|分)?(?:多少)?)?", p.shared_in_ratio),
    (r"{a}是{b}的(?:几|多少)倍", _FOLD),
    (r"{n}[个斤只件本张瓶支杯份盒包袋条]{y}[,，]?(?:每|一)[个斤只件本张瓶支杯份盒包袋条]{a}[,，]?(?:一共|共|总共)?(?:要|需要|花|是)?(?:多少钱|多少元|多少)?", _COST),
    (r"{q}[地路水]?(?:是|等于|合|有|相当于|折合|为|=|等于是)(?:多少|几)个?{u}", p.conversion),
    (r"{q}(?:多少|几)个?{u}", p.conversion),
    (r"(?:把|将)?{q}(?:换算|转换|折算|换|转)(?:成|为|到){u}(?:是|等于)?", p.conversion),
    (r"{q}(?:用|以){u}(?:表示|来表示|计|计算)?(?:是)?", p.conversion),
    (r"(?:多少|几)个?{u}(?:是|等于|有|相当于){q}", p.conversion),
    (r"{q}(?:加上?|\+){s}(?:是多少{u})?", p.spans_together),
    (r"{q}(?P<minus>减去?|-){s}(?:是多少{u})?", p.spans_together),
    (r"{c}(?:再)?(?:加上?|过|\+)(?P<t>.+?)(?:后|之后|以后)?(?:是)?(?:几点|什么时间|什么时候|几点钟|几点几分)?了?", p.clock_and_span),
    (r"{c}的?(?P<t>.+?)(?:后|之后|以后)(?:是)?(?:几点|什么时间|什么时候|几点钟)?", p.clock_and_span),
    (r"{c}的?(?P<t>.+?)(?P<minus>前|之前|以前)(?:是)?(?:几点|什么时间|什么时候|几点钟)?", p.clock_and_span),
    (r"{c}(?P<minus>减去?|-)(?P<t>.+?)(?:是)?(?:几点|什么时间|几点钟)?", p.clock_and_span),
    (rf"从?{{c}}(?:到|至|-){{k}}{_LONG_CN}", p.between_clocks),
    (r"从?{d}(?:到|至|和|与|距离?){e}(?:之间)?(?:一共|总共)?(?:有|相差|相隔|差|隔|共有|是|间隔)?(?:多少|几)天", p.between_days),
    (r"从?{d}(?:到|至|和|与|距离?){e}(?:之间)?(?:一共|总共)?(?:有|相差|相隔|差|隔|共有|是|间隔)?(?:多少|几)个?(?P<weeks>周|星期)", p.between_days),
    (r"{d}(?:的|起|再过|过)?{n}(?:天|个?(?P<weeks>周|星期))(?:后|之后|以后)(?:是)?(?:几号|哪天|哪一天|几月几[日号]|什么日期|什么日子)?", p.day_and_span),
    (r"{d}(?:之后|以后|后)(?:的)?(?:第)?{n}(?:天|个?(?P<weeks>周|星期))(?:是)?(?:几号|哪天|哪一天|几月几[日号]|什么日期)?", p.day_and_span),
    (r"{d}(?:的)?{n}(?:天|个?(?P<weeks>周|星期))(?P<minus>前|之前|以前)(?:是)?(?:几号|哪天|哪一天|几月几[日号]|什么日期|什么日子)?", p.day_and_span),
]  # fmt: skip

PHRASES = [*_ENGLISH, *_CHINESE]


def readings(text: str) -> list[Calculation]:
    """All ways to understand the whole of `text`.

    Raises: UndefinedError when it is understood, and has no answer.
    """
    found: list[Calculation] = []
    undefined: UndefinedError | None = None
    for pattern, build in PHRASES:
        match = p.compiled(pattern).fullmatch(text)
        if match is None:
            continue
        try:
            parts = {name: p.read_part(name, said) for name, said in match.groupdict().items() if said is not None}
            found.append(build(parts, p.is_chinese(text)))
        except NotUnderstoodError:
            continue
        except UndefinedError as error:
            undefined = error
    if undefined is not None and not found:
        raise undefined
    return found
