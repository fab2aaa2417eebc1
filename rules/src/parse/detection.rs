//! `detection:` → selections and condition.

use fansipan_model::said;

use super::{
    condition,
    modifier::{self, Modifiers},
    value,
};
use crate::{
    ast::{Condition, Detection, Item, Search, Selection},
    diagnostic::{Code, Findings, Position},
    yaml::{Kind, Node},
};

/// Reads the map under `detection:` (or `filter:`, whose other keys are named in `skip`). `None` after an error.
pub(crate) fn read(node: &Node, skip: &[&str], findings: &mut Findings<'_>) -> Option<Detection> {
    let Kind::Map(entries) = &node.kind else {
        let kind = node.kind_name();
        let message = said!("{kind} stands where a map of selections belongs", "{kind:#} nằm ở chỗ của một ánh xạ các selection");
        findings.add(Code::WrongType, node.at, message);
        return None;
    };
    let mut selections = Vec::new();
    let mut whole = true;
    for (key, value) in entries {
        let name = key.text().unwrap_or("");
        if name == "condition" || name == "timeframe" || skip.contains(&name) {
            continue;
        }
        match selection(value, findings) {
            Some(search) => selections.push(Selection { name: name.to_owned(), at: key.at, search }),
            None => whole = false,
        }
    }
    let Some(text) = node.get("condition") else {
        findings.add(Code::MissingCondition, node.at, said!("there is no condition", "không có điều kiện"));
        return None;
    };
    if selections.is_empty() && whole {
        findings.add(Code::MissingDetection, node.at, said!("there is no selection", "không có selection nào"));
        return None;
    }
    if !whole {
        return None; // names of broken selections would only be reported twice
    }
    let condition = conditions(text, &selections, findings)?;
    Some(Detection { selections, condition })
}

fn conditions(node: &Node, selections: &[Selection], findings: &mut Findings<'_>) -> Option<Condition> {
    let mut used = vec![false; selections.len()];
    let mut list = Vec::new();
    for item in node.items() {
        let Some(text) = item.text().filter(|t| !t.trim().is_empty()) else {
            findings.add(Code::ConditionSyntax, item.at, said!("the condition is not a text", "điều kiện không phải là chữ"));
            return None;
        };
        match condition::parse(text, selections, &mut used) {
            Ok(condition) => list.push(condition),
            Err(refused) => {
                let at = condition::place(item.at, refused.offset, !text.contains('\n'));
                findings.add(refused.code, at, refused.message);
                return None;
            }
        }
    }
    for (selection, used) in selections.iter().zip(&used) {
        if !used && !selection.name.starts_with('_') {
            let name = &selection.name;
            findings.add(
                Code::UnusedSelection,
                selection.at,
                said!("the condition does not use `{name}`", "điều kiện không dùng `{name}`"),
            );
        }
    }
    match list.len() {
        0 => {
            findings.add(Code::MissingCondition, node.at, said!("the list of conditions is empty", "danh sách điều kiện rỗng"));
            None
        }
        1 => list.pop(),
        _ => Some(Condition::Or(list)),
    }
}

fn selection(node: &Node, findings: &mut Findings<'_>) -> Option<Search> {
    match &node.kind {
        Kind::Map(_) => fields(node, findings),
        Kind::List(items) => {
            if items.is_empty() {
                findings.add(Code::EmptySelection, node.at, said!("the selection is empty", "selection rỗng"));
                return None;
            }
            let list: Vec<Option<Search>> = items.iter().map(|i| selection(i, findings)).collect();
            list.into_iter().collect::<Option<Vec<Search>>>().map(Search::Any)
        }
        Kind::Scalar { .. } if node.is_null() => {
            findings.add(Code::EmptySelection, node.at, said!("the selection is empty", "selection rỗng"));
            None
        }
        Kind::Scalar { .. } => item(node.at, None, &Modifiers::default(), node, findings).map(Search::Item),
    }
}

fn fields(node: &Node, findings: &mut Findings<'_>) -> Option<Search> {
    let entries = node.entries();
    if entries.is_empty() {
        findings.add(Code::EmptySelection, node.at, said!("the selection is empty", "selection rỗng"));
        return None;
    }
    let list: Vec<Option<Search>> = entries.iter().map(|(key, value)| field(key, value, findings)).collect();
    let mut list = list.into_iter().collect::<Option<Vec<Search>>>()?;
    if list.len() == 1 { list.pop() } else { Some(Search::All(list)) }
}

fn field(key: &Node, value: &Node, findings: &mut Findings<'_>) -> Option<Search> {
    let mut words = key.text().unwrap_or("").split('|');
    let name = words.next().unwrap_or("");
    let modifiers = match Modifiers::parse(words) {
        Ok(modifiers) => modifiers,
        Err(modifier::Refused::Unknown(word)) => {
            findings.add(Code::UnknownModifier, key.at, said!("there is no modifier `{word}`", "không có bộ sửa đổi `{word}`"));
            return None;
        }
        Err(modifier::Refused::Clash(message)) => {
            findings.add(Code::ModifierClash, key.at, message);
            return None;
        }
    };
    if let Kind::Map(_) = value.kind {
        let message = said!("a map stands where the values of `{name}` belong", "một ánh xạ nằm ở chỗ các giá trị của `{name}`");
        findings.add(Code::Nested, value.at, message);
        return None;
    }
    item(key.at, (!name.is_empty()).then_some(name), &modifiers, value, findings).map(Search::Item)
}

fn item(at: Position, field: Option<&str>, modifiers: &Modifiers, value: &Node, findings: &mut Findings<'_>) -> Option<Item> {
    if value.items().is_empty() {
        let message = match field {
            Some(field) => said!("the list of values of `{field}` is empty", "danh sách giá trị của `{field}` rỗng"),
            None => said!("the list of keywords is empty", "danh sách từ khóa rỗng"),
        };
        findings.add(Code::EmptyList, value.at, message);
    }
    let mut values = Vec::with_capacity(value.items().len());
    for node in value.items() {
        match value::tests(node, modifiers, field.is_none()) {
            Ok(tests) => {
                let slow =
                    |t: &crate::ast::ItemTest| matches!(t, crate::ast::ItemTest::Op(fansipan_model::Op::Regex(re)) if !re.is_linear());
                if tests.iter().any(slow) {
                    let message = said!(
                        "the regular expression uses look-around or back-references",
                        "biểu thức chính quy dùng nhìn trước/nhìn sau hoặc tham chiếu ngược"
                    );
                    findings.add(Code::SlowRegex, node.at, message);
                }
                values.push(tests);
            }
            Err((code, message)) => {
                findings.add(code, node.at, message);
                return None;
            }
        }
    }
    Some(Item { at, field: field.map(str::to_owned), all: modifiers.all, negated: modifiers.negated, values })
}
