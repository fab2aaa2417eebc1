//! Extension `formula` of a correlation's condition: an operator expression over what a window holds, compiled once, bounded in
//! length and depth. Every number is a float, so that `3 / 2` is 1.5 and `count == 3` means what it says.

use evalexpr::{Context, EvalexprError, EvalexprResult, Node, Operator, Value, build_operator_tree};
use fansipan_model::{Said, said, told::reader};

/// Longest formula, bytes.
const LONGEST: usize = 512;
/// Deepest nesting of brackets and signs.
const DEEPEST: usize = 16;
/// What a formula may call.
const FUNCTIONS: [&str; 6] = ["min", "max", "floor", "round", "ceil", "math::abs"];
/// What it may ask besides the number of records of each rule, by the rule's name.
const FIELDS: [&str; 3] = ["value", "count", "seconds"];

/// A compiled formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    tree: Node,
    /// The fields and rules it asks for: a name, and which rule; see [`FIELDS`].
    asks: Vec<(String, Ask)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Value,
    Count,
    Seconds,
    /// Records of the rule at this place in `rules`.
    Rule(usize),
}

/// What a window holds.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// What the correlation measures: a number of events, of distinct values, a sum…
    pub value: f64,
    /// Seconds from its first record to its last.
    pub seconds: f64,
    /// Records by place of their rule in `rules`.
    pub records: &'a [u64],
}

impl Formula {
    /// Compiles; `rules` are the correlation's rules as it names them.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn new(text: &str, rules: &[String]) -> Result<Formula, Said> {
        check_size(text)?;
        let mut tree = build_operator_tree(text).map_err(|e| {
            let why = reader(e);
            said!("the formula does not read: {why}", "công thức không đọc được: {why:#}")
        })?;
        if let Some(name) = tree.iter_write_variable_identifiers().next() {
            return Err(said!(
                "a formula changes nothing: compare `{name}` with ==",
                "công thức không gán được giá trị: hãy so `{name}` bằng =="
            ));
        }
        if let Some(name) = tree.iter_function_identifiers().find(|f| !FUNCTIONS.contains(f)) {
            let known = FUNCTIONS.join(", ");
            return Err(said!("no function `{name}`; there are {known}", "không có hàm `{name}`; chỉ có {known}"));
        }
        for operator in tree.iter_operators_mut() {
            if let Operator::Const { value } = operator
                && let Value::Int(n) = value
            {
                *value = Value::Float(*n as f64);
            }
        }
        let mut asks: Vec<(String, Ask)> = Vec::new();
        for name in tree.iter_read_variable_identifiers() {
            let ask = match name {
                "value" => Ask::Value,
                "count" => Ask::Count,
                "seconds" => Ask::Seconds,
                _ => match rules.iter().position(|r| r == name) {
                    Some(place) => Ask::Rule(place),
                    None => {
                        let known = FIELDS.join(", ");
                        return Err(said!(
                            "nothing is called `{name}`; there are {known}, and the rules by name",
                            "không có gì tên `{name}`; chỉ có {known} và các luật theo tên"
                        ));
                    }
                },
            };
            if !asks.iter().any(|(known, _)| known == name) {
                asks.push((name.to_owned(), ask));
            }
        }
        let formula = Formula { tree, asks };
        let sample = Window { value: 1.0, seconds: 1.0, records: &vec![1; rules.len()] };
        formula.evaluate(&sample).map_err(|e| {
            let why = reader(e);
            said!("the formula must be true or false: {why}", "công thức phải cho kết quả đúng hoặc sai: {why:#}")
        })?;
        Ok(formula)
    }

    /// Whether it holds. What cannot be compared holds not; [`new`](Self::new) has refused what can never be.
    pub fn holds(&self, window: &Window<'_>) -> bool {
        self.evaluate(window).unwrap_or(false)
    }

    fn evaluate(&self, window: &Window<'_>) -> EvalexprResult<bool> {
        let answer = |ask: &Ask| match ask {
            Ask::Value => window.value,
            Ask::Count => window.records.iter().sum::<u64>() as f64,
            Ask::Seconds => window.seconds,
            Ask::Rule(place) => window.records.get(*place).copied().unwrap_or(0) as f64,
        };
        let facts = Facts(self.asks.iter().map(|(name, ask)| (name.as_str(), Value::Float(answer(ask)))).collect());
        self.tree.eval_boolean_with_context(&facts)
    }
}

/// Reading and evaluating recurse, so what is to be read must be small.
fn check_size(text: &str) -> Result<(), Said> {
    if text.len() > LONGEST {
        return Err(said!("the formula is longer than {LONGEST} bytes", "công thức dài hơn {LONGEST} byte"));
    }
    let mut depth = 0usize;
    let mut signs = 0usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '-' | '!' => signs += 1,
            ' ' => {}
            _ => signs = 0,
        }
        if depth > DEEPEST || signs > DEEPEST {
            return Err(said!("the formula nests deeper than {DEEPEST}", "công thức lồng nhau quá {DEEPEST} tầng"));
        }
    }
    Ok(())
}

struct Facts<'a>(Vec<(&'a str, Value)>);

impl Context for Facts<'_> {
    fn get_value(&self, identifier: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == identifier).map(|(_, value)| value)
    }

    fn call_function(&self, identifier: &str, _: &Value) -> EvalexprResult<Value> {
        Err(EvalexprError::FunctionIdentifierNotFound(identifier.to_owned()))
    }

    fn are_builtin_functions_disabled(&self) -> bool {
        false
    }

    fn set_builtin_functions_disabled(&mut self, _: bool) -> EvalexprResult<()> {
        Err(EvalexprError::ContextNotMutable)
    }
}

#[cfg(test)]
mod tests {
    use super::{Formula, Window};

    fn holds(text: &str, value: f64, seconds: f64, records: &[u64]) -> bool {
        let rules = vec!["failed".to_owned(), "worked".to_owned()];
        Formula::new(text, &rules).expect(text).holds(&Window { value, seconds, records })
    }

    #[test]
    fn a_formula_asks_what_the_window_holds() {
        assert!(holds("failed > 10 * worked && seconds < 60", 0.0, 30.0, &[21, 2]));
        assert!(!holds("failed > 10 * worked && seconds < 60", 0.0, 61.0, &[21, 2]));
        assert!(!holds("failed > 10 * worked && seconds < 60", 0.0, 30.0, &[20, 2]));
        assert!(holds("count == 3", 0.0, 0.0, &[1, 2]), "numbers are equal whatever they were written as");
        assert!(holds("worked / failed == 1.5", 0.0, 0.0, &[2, 3]), "a share is no whole number");
        assert!(holds("max(value, count) >= 7 || !(seconds > 1)", 7.0, 5.0, &[1, 1]));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let rules = vec!["failed".to_owned()];
        let deep = format!("{}1{} > 0", "(".repeat(17), ")".repeat(17));
        let signs = format!("{}1 > 0", "- ".repeat(20));
        let long = format!("count > {}", "1".repeat(600));
        for text in ["", "count", "count = 3", "count >", "wrong > 3", "str::from(count) == \"3\"", "count > \"3\"", &deep, &signs, &long] {
            assert!(Formula::new(text, &rules).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9(){}\\[\\]!&|<>=+*/^%.,;:\" -]{0,80}|.{0,40}") {
            if let Ok(formula) = Formula::new(&text, &["failed".to_owned()]) {
                formula.holds(&Window { value: 0.0, seconds: 0.0, records: &[0] });
            }
        }
    }
}
