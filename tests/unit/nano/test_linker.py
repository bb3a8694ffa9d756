from tests.unit.nano.tables import CHINESE, ORDERS, SALES

from glmos.models.nano.linker import Links, index_table, link
from glmos.models.nano.table import Column, Table


def said(links: Links, table: Table) -> set[str]:
    return {table.columns[c.column].name for c in links.columns if c.whole}


def test_column_names_and_cells_are_found_whatever_their_case():
    links = link("Which PRODUCT sold in the north?", index_table(SALES))
    assert said(links, SALES) == {"product"}
    assert [(v.text, v.cells) for v in links.values] == [("north", ((0, "North"),))]


def test_plural_names_the_column():
    assert "product" in said(link("list all products", index_table(SALES)), SALES)


def test_underscores_in_a_name_are_spaces():
    assert "customer_name" in said(link("the customer name of order 7", index_table(ORDERS)), ORDERS)


def test_punctuation_and_spacing_do_not_hide_a_cell():
    table = Table("t", (Column("series", "text", ("310 - 329 ( 20 )",)),), 1)
    links = link("what is the series 310-329 (20)?", index_table(table))
    assert links.values[0].cells == ((0, "310 - 329 ( 20 )"),)


def test_the_longest_cell_wins_over_the_numbers_inside_it():
    table = Table("t", (Column("aired", "text", ("april 30 , 2005",)), Column("year", "number", (2005.0, 30.0))), 2)
    links = link("who guested on April 30, 2005?", index_table(table))
    assert [v.kind for v in links.values] == ["cell"]


def test_a_header_repeated_as_a_row_is_read_as_the_header():
    table = Table("t", (Column("opponent", "text", ("opponent", "Bears")), Column("week", "number", (1.0, 2.0))), 2)
    links = link("which opponent in week 2", index_table(table))
    assert said(links, table) == {"opponent", "week"}
    assert [v.text for v in links.values] == ["2"]


def test_a_stop_word_is_a_value_only_beside_its_column():
    table = Table("t", (Column("wrist pad", "text", ("yes", "no")), Column("model", "text", ("X1", "X2"))), 2)
    assert [v.text for v in link("which model has a wrist pad of no", index_table(table)).values] == ["no"]
    assert not link("is there no model", index_table(table)).values


def test_numbers_become_values_with_commas_words_and_multiples():
    links = link("products with sales over 2,500 or units above 3 million and five", index_table(SALES))
    assert [v.number for v in links.values] == [2500.0, 3e6, 5.0]


def test_part_of_a_cell_is_found():
    table = Table("t", (Column("player", "text", ("Terrence Ross", "Amir Johnson")),), 2)
    links = link("what about terrence of ross", index_table(table))
    assert links.values[0].cells == ((0, "Terrence Ross"),)


def test_a_quoted_name_that_no_cell_has_is_kept_as_written():
    links = link('products named "Blue Chair"', index_table(SALES))
    assert [(v.kind, v.text) for v in links.values] == [("free", "Blue Chair")]


def test_chinese_columns_and_cells_are_found_inside_a_sentence():
    links = link("华东的手机销售额是多少", index_table(CHINESE))
    assert said(links, CHINESE) == {"销售额"}
    assert [v.cells for v in links.values] == [((0, "华东"),), ((2, "手机"),)]


def test_chinese_dates_are_periods():
    links = link("2025年3月的总销售额", index_table(CHINESE))
    assert [str(v.period.start) for v in links.values if v.period] == ["2025-03-01"]


def test_an_empty_question_and_an_empty_table_link_nothing():
    assert link("", index_table(SALES)).values == ()
    assert link("which region?", index_table(Table("t", (), 0))).columns == ()


def test_a_file_name_names_no_column():
    links = link("In sales.csv, which region had the most units?", index_table(SALES))
    assert said(links, SALES) == {"region", "units"}


def test_a_minus_sign_belongs_to_its_number():
    table = Table("t", (Column("par", "number", (-9.0, 9.0, 3.0)),), 3)
    assert [v.value_in(0) for v in link("par below -9", index_table(table)).values] == [-9.0]
    assert [v.value_in(0) for v in link("par of 9", index_table(table)).values] == [9.0]
    assert [v.value_in(0) for v in link("par of 3-9", index_table(table)).values] == [3.0, 9.0]
    assert [v.value_in(0) for v in link("par above -4", index_table(table)).values] == [-4.0]
