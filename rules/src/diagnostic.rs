//! What is wrong with a rule, where, and what to do about it. Codes are stable: documentation and scripts refer to them.

use fansipan_model::Said;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Style; the rule works as meant.
    Info,
    /// The rule is loaded, but probably does not do what its author meant.
    Warning,
    /// The rule is not loaded.
    Error,
}

/// One finding about one place of a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable code, `FSP-R…`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// File name as given to [`crate::parse`].
    pub file: String,
    /// Line, from 1; 0 where the finding concerns no line.
    pub line: u32,
    /// Column in characters, from 1; 0 where the finding concerns no line.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// The same in Vietnamese.
    pub message_vi: String,
    /// What to do next.
    pub help: &'static str,
    /// The same in Vietnamese.
    pub help_vi: &'static str,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}:{}: {severity} {}: {}. {}", self.file, self.line, self.column, self.code, self.message, self.help)
    }
}

/// A place in a file: line and column from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

macro_rules! codes {
    ($($name:ident $code:literal $severity:ident $help:literal, $help_vi:literal;)*) => {
        /// Every finding the parser, the linker and the compiler know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $(#[doc = $help] $name,)* }

        impl Code {
            /// All of them, for documentation.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// What to do next.
            pub fn help(self) -> &'static str {
                match self { $(Code::$name => $help,)* }
            }

            /// The same in Vietnamese.
            pub fn help_vi(self) -> &'static str {
                match self { $(Code::$name => $help_vi,)* }
            }
        }
    };
}

codes! {
    TooLarge "FSP-R001" Error "Keep a rule document under 1 MiB; put long lists of indicators into the threat intelligence store instead",
        "Giữ mỗi tài liệu luật dưới 1 MiB; danh sách chỉ dấu dài nên đưa vào kho tình báo mối đe dọa";
    Yaml "FSP-R002" Error "Correct the YAML at this place; quote values that contain `: `, `#`, `*` or start with `%`, `@`, `&` or `!`",
        "Sửa YAML ở chỗ này; đặt trong nháy các giá trị có `: `, `#`, `*` hoặc bắt đầu bằng `%`, `@`, `&`, `!`";
    TooManyNodes "FSP-R003" Error "Write the values out instead of repeating YAML aliases, and split very long lists over several rules",
        "Viết hẳn các giá trị ra thay vì lặp bí danh YAML, và tách danh sách rất dài thành nhiều luật";
    TooDeep "FSP-R004" Error "A rule needs no more than a few levels; flatten the structure",
        "Một luật chỉ cần vài tầng; hãy viết phẳng hơn";
    DuplicateKey "FSP-R005" Error "Only one of the two would count: merge them into one list, or move the second into a selection of its own",
        "Chỉ một trong hai được tính: gộp thành một danh sách, hoặc chuyển cái thứ hai sang selection riêng";
    NotAMap "FSP-R006" Error "A rule document is a map with title, logsource and detection",
        "Tài liệu luật là một ánh xạ gồm title, logsource và detection";
    Empty "FSP-R007" Error "Write a rule with title, logsource and detection into the file, or delete it",
        "Viết một luật gồm title, logsource và detection vào tệp, hoặc xóa tệp";

    MissingTitle "FSP-R010" Error "Add `title: ...`, up to 256 characters",
        "Thêm `title: ...`, tối đa 256 ký tự";
    MissingDetection "FSP-R011" Error "Add `detection:` with at least one selection and a `condition:`",
        "Thêm `detection:` với ít nhất một selection và một `condition:`";
    MissingCondition "FSP-R012" Error "Add `condition: selection` (or the names of your selections) under `detection:`",
        "Thêm `condition: selection` (hoặc tên các selection của bạn) dưới `detection:`";
    MissingLogsource "FSP-R013" Error "Add `logsource:` with at least one of product, category, service",
        "Thêm `logsource:` với ít nhất một trong product, category, service";
    WrongType "FSP-R014" Error "See the Sigma rule specification for what this attribute holds",
        "Xem đặc tả luật Sigma để biết thuộc tính này chứa gì";
    MissingId "FSP-R015" Warning "Add `id:` with a new UUID, so that alerts stay the same when the file is renamed",
        "Thêm `id:` với một UUID mới, để cảnh báo không đổi khi tệp đổi tên";
    BadId "FSP-R016" Warning "Use a version 4 UUID, for example from `uuidgen`",
        "Dùng UUID phiên bản 4, ví dụ từ `uuidgen`";
    BadLevel "FSP-R017" Warning "Use informational, low, medium, high or critical; medium is assumed",
        "Dùng informational, low, medium, high hoặc critical; tạm tính là medium";
    BadStatus "FSP-R018" Warning "Use stable, test, experimental, deprecated or unsupported",
        "Dùng stable, test, experimental, deprecated hoặc unsupported";
    UnknownKey "FSP-R019" Info "Check the spelling, or put your own attributes under `custom:`",
        "Kiểm tra chính tả, hoặc đặt thuộc tính riêng dưới `custom:`";
    DuplicateId "FSP-R020" Error "Give each rule its own UUID; only the first rule with this id is loaded",
        "Mỗi luật cần một UUID riêng; chỉ luật đầu tiên có id này được nạp";
    BadTag "FSP-R021" Info "Tags are `namespace.name`, for example attack.t1110",
        "Nhãn viết theo dạng `namespace.name`, ví dụ attack.t1110";

    UnknownModifier "FSP-R030" Error "Check the spelling of the modifier after `|` against the Sigma modifier list",
        "Kiểm tra chính tả bộ sửa đổi sau `|` theo danh sách của Sigma";
    ModifierClash "FSP-R031" Error "Remove one of the modifiers; see the Sigma modifier list for what may be combined",
        "Bỏ một trong các bộ sửa đổi; xem danh sách của Sigma để biết những gì đi cùng nhau";
    BadModifierValue "FSP-R032" Error "Give a value of the kind this modifier takes",
        "Cho giá trị đúng loại mà bộ sửa đổi này nhận";
    BadRegex "FSP-R033" Error "Correct the regular expression, or make it smaller",
        "Sửa biểu thức chính quy, hoặc viết nhỏ hơn";
    BadCidr "FSP-R034" Error "Write a network such as 10.0.0.0/8 or 2001:db8::/32",
        "Viết một dải mạng như 10.0.0.0/8 hoặc 2001:db8::/32";
    EmptyList "FSP-R035" Warning "An empty list matches nothing; remove it or fill it",
        "Danh sách rỗng không khớp gì; hãy bỏ hoặc điền vào";
    EmptySelection "FSP-R036" Error "Fill the selection or remove it",
        "Điền selection hoặc bỏ nó đi";
    Nested "FSP-R037" Error "A field holds a value or a list of values; use one selection for each field map",
        "Một trường chứa một giá trị hoặc một danh sách giá trị; mỗi ánh xạ trường là một selection riêng";
    SlowRegex "FSP-R038" Warning "Look-around and back-references need a slower, bounded engine; rewrite without them where you can",
        "Nhìn trước/nhìn sau và tham chiếu ngược cần bộ máy chậm hơn, có giới hạn; nếu được hãy viết lại không dùng chúng";

    ConditionSyntax "FSP-R050" Error "Conditions are selection names with and, or, not, parentheses, `1 of name*`, `all of name*`, `1 of them`, `all of them`",
        "Điều kiện gồm tên selection với and, or, not, ngoặc, `1 of name*`, `all of name*`, `1 of them`, `all of them`";
    UnknownSelection "FSP-R051" Error "Define the selection under `detection:` or correct the name",
        "Định nghĩa selection này dưới `detection:` hoặc sửa lại tên";
    EmptyPattern "FSP-R052" Error "No selection has a name like this; correct the pattern",
        "Không selection nào có tên như vậy; sửa lại mẫu";
    UnusedSelection "FSP-R053" Warning "Use the selection in the condition or remove it",
        "Dùng selection này trong điều kiện hoặc bỏ nó đi";
    OldAggregation "FSP-R054" Error "Aggregations after `|` left Sigma; write a correlation document instead",
        "Sigma không còn phép gộp sau `|`; hãy viết một tài liệu tương quan";
    ConditionTooLong "FSP-R055" Error "Split the rule; a condition may have 4,096 words and 64 levels of parentheses",
        "Tách luật ra; một điều kiện được tối đa 4.096 từ và 64 tầng ngoặc";

    BadCorrelation "FSP-R060" Error "See the Sigma correlation specification for the attributes of this type",
        "Xem đặc tả tương quan của Sigma để biết các thuộc tính của loại này";
    UnknownRule "FSP-R061" Error "Name an existing rule by its `id` or `name`; load the rules together",
        "Nêu một luật có thật bằng `id` hoặc `name`; nạp các luật cùng nhau";
    BadTimespan "FSP-R062" Error "Write a number and s, m, h, d, w, M or y, for example 5m",
        "Viết một số và s, m, h, d, w, M hoặc y, ví dụ 5m";
    BadFilter "FSP-R063" Error "A filter has `rules` (ids, names, or `any`), selections and a condition under `filter:`",
        "Bộ lọc có `rules` (id, tên, hoặc `any`), các selection và một condition dưới `filter:`";
    CorrelationLoop "FSP-R064" Error "A correlation may not refer to itself, directly or through others",
        "Tương quan không được dựa vào chính nó, trực tiếp hay qua tương quan khác";

    Placeholder "FSP-R070" Warning "Give the placeholder its values in the taxonomy's placeholders; until then this item matches nothing",
        "Khai báo giá trị của chỗ trống trong taxonomy; đến khi đó mục này không khớp gì";
    TooManyFields "FSP-R071" Error "More than 60,000 field names are in use; remove rules with generated field names",
        "Đang dùng quá 60.000 tên trường; bỏ các luật có tên trường tự sinh";
    UnmappedSource "FSP-R072" Info "No mapping for this log source is shipped; the rule sees events whose module, dataset or product bears these names",
        "Chưa có ánh xạ cho nguồn log này; luật thấy các sự kiện có module, dataset hoặc product mang các tên này";
    BadPipeline "FSP-R082" Error "See the pySigma documentation of processing pipelines; the kinds of steps read here are listed in ARCHITECTURE.md",
        "Xem tài liệu về processing pipeline của pySigma; các loại bước đọc được có trong ARCHITECTURE.md";
    RefusedByPipeline "FSP-R083" Error "The pipeline names this rule's log source as one it cannot serve; leave the rule or the pipeline out",
        "Pipeline nói không phục vụ được nguồn log của luật này; bỏ luật hoặc pipeline ra";
    TooManyRules "FSP-R073" Error "The engine takes up to 1,000,000 rules; load fewer",
        "Bộ máy nhận tối đa 1.000.000 luật; hãy nạp ít hơn";
}

impl Code {
    /// The finding at a place.
    pub fn at(self, file: &str, at: Position, message: Said) -> Diagnostic {
        Diagnostic {
            code: self.as_str(),
            severity: self.severity(),
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            message: message.en,
            message_vi: message.vi,
            help: self.help(),
            help_vi: self.help_vi(),
        }
    }
}

/// Collects findings about one file.
#[derive(Debug)]
pub(crate) struct Findings<'f> {
    file: &'f str,
    found: Vec<Diagnostic>,
}

impl<'f> Findings<'f> {
    pub(crate) fn new(file: &'f str) -> Self {
        Self { file, found: Vec::new() }
    }

    pub(crate) fn file(&self) -> &'f str {
        self.file
    }

    pub(crate) fn add(&mut self, code: Code, at: Position, message: Said) {
        self.found.push(code.at(self.file, at, message));
    }

    pub(crate) fn errors(&self) -> usize {
        self.found.iter().filter(|d| d.severity == Severity::Error).count()
    }

    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.found
    }
}
