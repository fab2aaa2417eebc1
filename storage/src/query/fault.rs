//! What can be wrong with a query: each fault with its code, which never changes its meaning, and what it says in both languages.

use std::fmt;

use fansipan_model::{Said, faults};

/// A piece of a query, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands in the query.
    Text(String),
    /// Nothing follows.
    End,
}

impl fmt::Display for Piece {
    /// `{:#}`: in Vietnamese.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Piece::Text(text) => write!(f, "`{text}`"),
            Piece::End if f.alternate() => f.write_str("cuối câu"),
            Piece::End => f.write_str("the end"),
        }
    }
}

faults! {
    /// What is wrong with a query.
    Fault:
    TooLong { bytes: usize, most: usize } "FSP-Q001": "the query has {bytes} bytes, and at most {most} are read", "câu truy vấn dài {bytes} byte, chỉ đọc tối đa {most}";
        "shorten it; long lists of values belong into a rule", "hãy rút ngắn; danh sách giá trị dài nên viết thành luật".
    OnlyFilter "FSP-Q002": "only a filter can stand here", "ở đây chỉ viết được điều kiện lọc";
        "leave out what follows `|`", "bỏ phần sau dấu `|`".
    TooDeep { most: usize } "FSP-Q003": "more than {most} levels of parentheses or `not`", "quá {most} tầng ngoặc hoặc `not`";
        "simplify the filter", "hãy viết bộ lọc đơn giản hơn".

    ClosesNothing "FSP-Q010": "this `)` closes nothing", "dấu `)` này không đóng dấu nào";
        "remove it, or add `(` before", "bỏ nó đi, hoặc thêm `(` ở trước".
    NotInFilter { what: Piece } "FSP-Q011": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "quote it if it is text: \"…\"", "nếu là chữ cần tìm thì đặt trong nháy: \"…\"".
    BareOperator { what: Piece } "FSP-Q012": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "put a test on both sides; quote it to search for the word", "viết điều kiện ở cả hai bên; để tìm chính từ này thì đặt trong nháy".
    TooManyTests { most: usize } "FSP-Q013": "more than {most} tests in one filter", "quá {most} điều kiện trong một bộ lọc";
        "long lists of values belong into a rule", "danh sách giá trị dài nên viết thành luật".
    OpenGroup "FSP-Q014": "this `(` is not closed", "dấu `(` này chưa được đóng";
        "add `)`", "thêm `)`".
    NotInGroup { what: Piece } "FSP-Q015": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "join with and, or; close with `)`", "nối bằng and, or; đóng bằng `)`".
    RangeWithoutField { what: Piece } "FSP-Q016": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "a range follows a field, as in destination.port:[1 to 1024]", "khoảng giá trị đứng sau một trường, như destination.port:[1 to 1024]".
    EndsEarly "FSP-Q017": "the filter ends too early", "bộ lọc kết thúc quá sớm";
        "write a word, a phrase or field:value", "viết một từ, một cụm từ hoặc trường:giá_trị".
    EmptyQuotes "FSP-Q018": "there is nothing between the quotes", "giữa hai dấu nháy không có gì";
        "write what to look for", "viết điều cần tìm".
    NoTest { what: Piece } "FSP-Q019": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "write a word, a phrase or field:value", "viết một từ, một cụm từ hoặc trường:giá_trị".

    NoValue { what: Piece } "FSP-Q030": "a value is missing before {what}", "thiếu một giá trị trước {what:#}";
        "write a text, a \"phrase\", a number, * for any", "viết một chữ, một \"cụm từ\", một số, hoặc * cho mọi giá trị".
    OpenQuote "FSP-Q031": "this quote is not closed", "dấu nháy này chưa được đóng";
        "add `\"`", "thêm `\"`".
    NoNetwork { bits: String, address: String, most: u8 } "FSP-Q032": "`/{bits}` is no network of {address}", "`/{bits}` không phải là một dải mạng của {address}";
        "write /0 to /{most}", "viết /0 đến /{most}".
    NoNumber { text: String } "FSP-Q033": "`{text}` is no number", "`{text}` không phải là số";
        "comparisons are for numbers, as in source.bytes:>1000", "so sánh chỉ dùng cho số, như source.bytes:>1000".
    TimeInFilter { text: String } "FSP-Q034": "`{text}` is no number", "`{text}` không phải là số";
        "the time range is set apart from the query", "khoảng thời gian chọn riêng, không nằm trong câu truy vấn".
    BareRegex "FSP-Q035": "a regular expression stands in quotes", "biểu thức chính quy phải nằm trong dấu nháy";
        "write field:~\"(?i)exp.*\"", "viết trường:~\"(?i)exp.*\"".
    BadRegex { why: Said } "FSP-Q036": "the regular expression is refused: {why}", "biểu thức chính quy không dùng được: {why:#}";
        "see docs.rs/regex for the syntax", "cú pháp biểu thức chính quy: docs.rs/regex".
    RangeWithoutTo { what: Piece } "FSP-Q037": "`to` is missing before {what}", "thiếu `to` trước {what:#}";
        "write [1 to 1024]", "viết [1 to 1024]".
    OpenRange "FSP-Q038": "this range is not closed", "khoảng giá trị này chưa được đóng";
        "write [1 to 1024] or {{1 to 1024}}", "viết [1 to 1024] hoặc {{1 to 1024}}".
    BoundlessRange "FSP-Q039": "a range without bounds is no range", "khoảng giá trị không có giới hạn nào";
        "write :* for any value", "viết :* cho mọi giá trị".

    NoName "FSP-Q050": "a field name is missing", "thiếu tên trường";
        "a field name has letters, digits and _ . @ -, as in source.ip", "tên trường gồm chữ không dấu, số và _ . @ -, như source.ip".
    BadName { name: String } "FSP-Q051": "`{name}` is no field name", "`{name}` không phải là tên trường";
        "a field name has letters, digits and _ . @ -, as in source.ip", "tên trường gồm chữ không dấu, số và _ . @ -, như source.ip".
    TooManyNames { name: String } "FSP-Q052": "no more new field names are taken (`{name}`)", "không nhận thêm tên trường mới (`{name}`)";
        "restart the service, or use fields that events have", "khởi động lại dịch vụ, hoặc dùng các trường mà sự kiện có".

    NoPipe { what: Piece } "FSP-Q060": "{what} cannot stand here", "{what:#} không đứng ở đây được";
        "begin the next step with `|`", "bắt đầu bước sau bằng `|`".
    TooManySteps { most: usize } "FSP-Q061": "more than {most} steps", "quá {most} bước";
        "shorten the query", "hãy rút ngắn câu truy vấn".
    ComputesTwice "FSP-Q062": "a query computes once", "một câu truy vấn chỉ tính một lần";
        "remove the second stats or timechart", "bỏ stats hoặc timechart thứ hai".
    ComputesLate "FSP-Q063": "stats and timechart work on events", "stats và timechart tính trên sự kiện";
        "move it before sort, head, tail and fields", "đưa nó lên trước sort, head, tail và fields".
    FiltersLate "FSP-Q064": "where comes before sort, head, tail and fields", "where đứng trước sort, head, tail và fields";
        "move it forward", "đưa nó lên trước".
    NoStep { what: Piece } "FSP-Q065": "a step is missing before {what}", "thiếu một bước trước {what:#}";
        "write stats, timechart, where, sort, head, tail or fields", "viết stats, timechart, where, sort, head, tail hoặc fields".
    UnknownStep { word: String } "FSP-Q066": "`{word}` is no step", "`{word}` không phải là một bước";
        "write stats, timechart, where, sort, head, tail or fields", "viết stats, timechart, where, sort, head, tail hoặc fields".
    TooManyItems { most: usize } "FSP-Q067": "more than {most} items", "quá {most} mục";
        "shorten the list", "hãy rút ngắn danh sách".
    NoFigure { what: Piece } "FSP-Q068": "a figure is missing before {what}", "thiếu một phép tính trước {what:#}";
        "write count(), sum(field), avg, min, max, dc, or p1 to p100", "viết count(), sum(trường), avg, min, max, dc, hoặc p1 đến p100".
    UnknownFigure { word: String } "FSP-Q069": "`{word}` is no figure", "`{word}` không phải là một phép tính";
        "write count(), sum(field), avg, min, max, dc, or p1 to p100", "viết count(), sum(trường), avg, min, max, dc, hoặc p1 đến p100".
    CountOfField { what: Piece } "FSP-Q070": "`)` is missing before {what}", "thiếu dấu `)` trước {what:#}";
        "count() counts events and takes no field", "count() đếm sự kiện, không nhận trường nào".
    OpenFigure { what: Piece } "FSP-Q071": "`)` is missing before {what}", "thiếu dấu `)` trước {what:#}";
        "write one field between parentheses", "viết một trường giữa hai dấu ngoặc".
    NeedsField { word: String } "FSP-Q072": "`{word}` needs a field", "`{word}` cần một trường";
        "write {word}(source.bytes)", "viết {word}(source.bytes)".
    NoSpan "FSP-Q073": "the length of an interval is missing", "thiếu độ dài của khoảng thời gian";
        "write span=30s, 5m, 1h or 1d", "viết span=30s, 5m, 1h hoặc 1d".
    OpenColumn { what: Piece } "FSP-Q074": "`)` is missing before {what}", "thiếu dấu `)` trước {what:#}";
        "write the column's name", "viết tên cột".
    NoCount { what: Piece } "FSP-Q075": "a number is missing before {what}", "thiếu một số trước {what:#}";
        "write head 20", "viết head 20".

    UnknownColumn { name: String, columns: String } "FSP-Q080": "there is no column `{name}` in this table: it has {columns}", "bảng này không có cột `{name}`: chỉ có {columns}";
        "use one of these, or name a figure with `as`", "dùng một trong các cột đó, hoặc đặt tên phép tính bằng `as`".
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Fault;

    #[test]
    fn a_code_means_one_thing() {
        let codes: BTreeSet<_> = Fault::CODES.iter().collect();
        assert_eq!(codes.len(), Fault::CODES.len());
    }
}
