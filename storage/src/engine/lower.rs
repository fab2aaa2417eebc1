//! A predicate to the candidates of one segment: exactly those that satisfy it, or more.
//!
//! The rule throughout: an event that satisfies the predicate is never left out. Where the index cannot decide, the answer is
//! marked as a superset, and the search decides on the stored events.

use fansipan_model::{Event, FieldId, Op, Predicate, Scope, Target, Test, Value, fields, pattern::Shape, predicate::field_in_any};
use tantivy::Term;

use super::{
    bits::Bits,
    candidates::{dictionary_matches, holds_mapped, named_fields, number_range, octets, piece, whole_words},
    day::Segment,
    layout::{Layout, PROFILES, Place},
    plan::{Keep, Node, TermFate, frequency},
    record::{address_term, as_address, integer, odd_term, v6},
    usual::entry_has,
};

/// Candidates of one segment.
pub(crate) struct Plan {
    pub(crate) node: Node,
    /// Whether every candidate satisfies the predicate.
    pub(crate) exact: bool,
}

impl Plan {
    fn exact(node: Node) -> Plan {
        Plan { node, exact: true }
    }

    fn superset(node: Node) -> Plan {
        Plan { node, exact: false }
    }

    fn all(parts: impl IntoIterator<Item = Plan>) -> Plan {
        let (mut nodes, mut exact) = (Vec::new(), true);
        for part in parts {
            exact &= part.exact;
            match part.node {
                Node::All => {}
                Node::None => return Plan::exact(Node::None),
                node => nodes.push(node),
            }
        }
        Plan { node: if nodes.is_empty() { Node::All } else { Node::And(nodes) }, exact }
    }

    fn any(parts: impl IntoIterator<Item = Plan>) -> Plan {
        let (mut nodes, mut exact) = (Vec::new(), true);
        for part in parts {
            match part {
                // what the others let in besides is in anyway
                Plan { node: Node::All, exact: true } => return Plan::exact(Node::All),
                Plan { node: Node::None, .. } => {}
                Plan { node, exact: e } => {
                    exact &= e;
                    nodes.push(node);
                }
            }
        }
        match nodes.is_empty() {
            true => Plan::exact(Node::None),
            false if nodes.iter().any(|n| matches!(n, Node::All)) => Plan { node: Node::All, exact: false },
            false => Plan { node: Node::Or(nodes), exact },
        }
    }
}

/// Lowers predicates for one segment.
pub(crate) struct Lower<'s> {
    pub(crate) layout: &'s Layout,
    pub(crate) segment: &'s Segment,
}

type Lowered = tantivy::Result<Plan>;

impl Lower<'_> {
    /// The candidates of a predicate.
    pub(crate) fn predicate(&self, predicate: &Predicate) -> Lowered {
        if let Some(p) = self.one_profile(predicate)? {
            return self.by_profile(p, |event| predicate.matches(event));
        }
        Ok(match predicate {
            Predicate::True => Plan::exact(Node::All),
            Predicate::False => Plan::exact(Node::None),
            Predicate::And(list) => Plan::all(list.iter().map(|p| self.predicate(p)).collect::<tantivy::Result<Vec<_>>>()?),
            Predicate::Or(list) => Plan::any(list.iter().map(|p| self.predicate(p)).collect::<tantivy::Result<Vec<_>>>()?),
            Predicate::Not(inner) => match self.predicate(inner)? {
                Plan { node: Node::All, exact: true } => Plan::exact(Node::None),
                Plan { node, exact: true } => Plan::exact(Node::Not(Box::new(node))),
                Plan { node: Node::None, .. } => Plan::exact(Node::All),
                _ => Plan::superset(Node::All),
            },
            Predicate::Test(test) => self.test(test)?,
        })
    }

    /// The documents a scope may see.
    pub(crate) fn scope(&self, scope: &Scope) -> Lowered {
        let field = fields::FANSIPAN_AGENCY;
        match (scope, self.layout.place(field)) {
            (Scope::All, _) => Ok(Plan::exact(Node::All)),
            (Scope::Agencies(list), _) if list.is_empty() => Ok(Plan::exact(Node::None)),
            (scope, Place::Profile(p)) if self.odd(field)?.is_none() => self.by_profile(p, |event| scope.allows(event.agency())),
            _ => Ok(Plan::superset(Node::All)),
        }
    }

    /// The profile that holds every field the predicate looks at, if one does and holds all their values.
    fn one_profile(&self, predicate: &Predicate) -> tantivy::Result<Option<usize>> {
        let mut found = None;
        let mut fields = Vec::new();
        if !named_fields(predicate, &mut fields) {
            return Ok(None);
        }
        for field in fields {
            let Place::Profile(p) = self.layout.place(field) else { return Ok(None) };
            if found.is_some_and(|f| f != p) || self.odd(field)?.is_some() {
                return Ok(None);
            }
            found = Some(p);
        }
        Ok(found)
    }

    /// Documents whose entry in the profile satisfies `holds`.
    fn by_profile(&self, p: usize, mut holds: impl FnMut(&Event) -> bool) -> Lowered {
        let Some(column) = self.segment.profiles.get(p) else { return Ok(Plan::superset(Node::All)) };
        let terms = column.num_terms() as u32;
        let mut set = Bits::empty(terms);
        self.segment.each_profile(p, |ord, event| {
            if holds(event) {
                set.set(ord);
            }
        })?;
        Ok(Plan::exact(match set.count() {
            0 => Node::None,
            n if n == u64::from(terms) => Node::All,
            _ => Node::Ords(column.ords().clone(), set),
        }))
    }

    /// Documents with a value of the field that its column or profile does not hold; `None`: there are none.
    fn odd(&self, field: FieldId) -> tantivy::Result<Option<Node>> {
        let term = Term::from_field_bytes(self.layout.exact, &odd_term(field));
        Ok((frequency(self.segment, &term)? > 0).then_some(Node::Term(term)))
    }

    fn test(&self, test: &Test) -> Lowered {
        match &test.target {
            Target::Any => self.any(&test.op),
            Target::Field(list) => match list.as_slice() {
                [] => Ok(Plan::exact(if matches!(test.op, Op::Absent) { Node::All } else { Node::None })),
                [field] => self.field(*field, &test.op),
                list => {
                    let parts = list.iter().map(|f| self.field(*f, &test.op)).collect::<tantivy::Result<Vec<_>>>()?;
                    // the first field the event has decides: an event where a later one satisfies the test is a candidate only
                    Ok(if matches!(test.op, Op::Absent) { Plan::all(parts) } else { Plan::superset(Plan::any(parts).node) })
                }
            },
        }
    }

    fn field(&self, field: FieldId, op: &Op) -> Lowered {
        if let Op::Absent = op {
            let there = self.field(field, &Op::Exists)?;
            return Ok(if there.exact { Plan::exact(Node::Not(Box::new(there.node))) } else { Plan::superset(Node::All) });
        }
        let place = self.layout.place(field);
        let plan = match place {
            Place::Header => return self.header(field, op),
            Place::Words => return Ok(Plan::superset(if field_in_any(field) { self.by_words(op)? } else { Node::All })),
            // reached for tests that refer to fields elsewhere, or where the profile does not hold every value
            Place::Profile(p) => match op {
                Op::Field(_) => self.by_profile(p, |e| e.get(field).is_some()).map(|plan| Plan::superset(plan.node))?,
                _ => self.by_profile(p, |e| Predicate::test(field, op.clone()).matches(e))?,
            },
            Place::Text(_) => self.text_column(field, op)?,
            Place::Long(_) => self.long_column(field, op)?,
            Place::Ip(_) => self.ip_column(field, op)?,
            Place::Bool(_) => self.bool_column(field, op)?,
        };
        Ok(match (self.odd(field)?, op) {
            (None, _) => plan,
            // a value the column cannot hold is a value
            (Some(odd), Op::Exists) if !matches!(place, Place::Profile(_)) => Plan::any([plan, Plan::exact(odd)]),
            (Some(odd), _) => Plan::superset(Plan::any([plan, Plan::superset(odd)]).node),
        })
    }

    fn header(&self, field: FieldId, op: &Op) -> Lowered {
        let id = match (field, op) {
            (fields::TIMESTAMP | fields::EVENT_ID | fields::EVENT_INGESTED, Op::Exists) => return Ok(Plan::exact(Node::All)),
            (fields::EVENT_ID, Op::Like(pattern)) => match pattern.shape() {
                Shape::Exact(text) => uuid::Uuid::try_parse(text).ok(),
                _ => None,
            },
            _ => None,
        };
        let Some(id) = id else { return Ok(Plan::superset(Node::All)) };
        let mut nodes: Vec<Node> = self.odd(field)?.into_iter().collect();
        nodes.push(self.with_id(id));
        Ok(Plan::superset(Node::Or(nodes)))
    }

    /// Documents whose id begins with the first eight bytes of this one.
    pub(crate) fn with_id(&self, id: uuid::Uuid) -> Node {
        let high = u64::from_be_bytes(id.as_bytes().first_chunk().copied().unwrap_or_default());
        let (least, most) = self.segment.ids;
        if (least..=most).contains(&high) { Node::Unsigned(self.segment.id.clone(), high) } else { Node::None }
    }

    fn text_column(&self, field: FieldId, op: &Op) -> Lowered {
        let Some(column) = self.segment.reader.fast_fields().str(field.name())? else { return Ok(Plan::exact(Node::None)) };
        if let Op::Exists = op {
            return Ok(Plan::exact(Node::Some(column.ords().clone())));
        }
        if let Op::Field(_) = op {
            return Ok(Plan::superset(Node::Some(column.ords().clone())));
        }
        let set = dictionary_matches(&column, op)?;
        Ok(Plan::exact(match set.count() {
            0 => Node::None,
            n if n == column.num_terms() as u64 => Node::Some(column.ords().clone()),
            _ => {
                // a rare word narrows the documents faster than the column does
                let ords = Node::Ords(column.ords().clone(), set);
                match if field_in_any(field) { self.rarest(op)? } else { None } {
                    Some((term, documents)) => Node::Narrowed(term, documents, Box::new(ords)),
                    None => ords,
                }
            }
        }))
    }

    fn long_column(&self, field: FieldId, op: &Op) -> Lowered {
        let column = self.segment.reader.fast_fields().i64(field.name())?;
        let range = |from: i64, to: i64| Plan::exact(Node::Long(column.clone(), from, to));
        let there = || range(i64::MIN, i64::MAX);
        Ok(match op {
            Op::Exists => there(),
            Op::Number(cmp, n) => match number_range(*cmp, *n) {
                Some((from, to)) => range(from, to),
                None => Plan::exact(Node::None),
            },
            Op::Like(pattern) => match pattern.shape() {
                Shape::Anything => there(),
                Shape::Exact(text) => integer(text).map_or(Plan::exact(Node::None), |v| range(v, v)),
                _ => self.narrowed(field, op, there().node)?,
            },
            Op::Word(word) => match integer(word) {
                // the minus sign is no part of the word
                Some(v) if v >= 0 => Plan::any([range(v, v), range(-v, -v)]),
                _ => self.narrowed(field, op, there().node)?,
            },
            Op::Cidr(_) | Op::Time(..) => Plan::exact(Node::None),
            _ => Plan::superset(there().node),
        })
    }

    fn ip_column(&self, field: FieldId, op: &Op) -> Lowered {
        let column = self.segment.reader.fast_fields().ip_addr(field.name())?;
        let there = Node::SomeIp(column.clone());
        let range = |from: std::net::IpAddr, to: std::net::IpAddr| Node::Ip(column.clone(), v6(from), v6(to));
        Ok(match op {
            Op::Exists => Plan::exact(there),
            Op::Cidr(net) => {
                let inside = range(net.network(), net.broadcast());
                let narrow = net.max_prefix_len() - net.prefix_len() <= 8;
                let node = match narrow {
                    true if net.prefix_len() == net.max_prefix_len() => self.with_address(net.addr(), inside)?,
                    true => Node::And(vec![self.addresses(net), inside]),
                    false => inside,
                };
                Plan { node, exact: !holds_mapped(net) }
            }
            Op::Like(pattern) => match pattern.shape() {
                Shape::Anything => Plan::exact(there),
                Shape::Exact(text) => match text.parse::<std::net::IpAddr>() {
                    Ok(ip) if ip.to_string() == text && ip == ip.to_canonical() => Plan::exact(self.with_address(ip, range(ip, ip))?),
                    _ => Plan::exact(Node::None),
                },
                Shape::Prefix(text) => match octets(text) {
                    Some((from, to)) => Plan::exact(range(from.into(), to.into())),
                    None => self.narrowed(field, op, there)?,
                },
                _ => self.narrowed(field, op, there)?,
            },
            Op::Number(..) | Op::Time(..) => Plan::exact(Node::None),
            _ => self.narrowed(field, op, there)?,
        })
    }

    fn bool_column(&self, field: FieldId, op: &Op) -> Lowered {
        let column = self.segment.reader.fast_fields().bool(field.name())?;
        let both = [true, false].map(|v| {
            let holds = match op {
                Op::Field(_) => true,
                op => op.holds(Value::Bool(v), &Event::default()),
            };
            Plan::exact(if holds { Node::Bool(column.clone(), v) } else { Node::None })
        });
        let plan = Plan::any(both);
        Ok(if let Op::Field(_) = op { Plan::superset(plan.node) } else { plan })
    }

    /// Every value of every field: those in profiles by their entries, the others by the word index.
    fn any(&self, op: &Op) -> Lowered {
        let (node, exact) = match op {
            Op::Word(word) => (self.word(word)?, true),
            Op::Cidr(net) => (self.addresses(net), !holds_mapped(net)),
            op => (self.by_words(op)?, false),
        };
        if let (Node::All, false) = (&node, exact) {
            return Ok(Plan::superset(Node::All));
        }
        let mut parts = vec![Plan { node, exact }];
        for p in 0..PROFILES {
            let test = Predicate::Test(Test { target: Target::Any, op: op.clone() });
            parts.push(self.by_profile(p, |event| test.matches(event))?);
        }
        Ok(Plan::any(parts))
    }

    fn word(&self, word: &str) -> tantivy::Result<Node> {
        let term = Node::Term(Term::from_field_text(self.layout.words, word));
        Ok(match self.usual(|w| w == word.as_bytes())? {
            Node::None => term,
            usual => Node::Or(vec![usual, term]),
        })
    }

    /// Documents with a usual word for which `holds`.
    fn usual(&self, mut holds: impl FnMut(&[u8]) -> bool) -> tantivy::Result<Node> {
        let column = &self.segment.usual;
        let mut set = Bits::empty(column.num_terms() as u32);
        let mut stream = column.dictionary().stream()?;
        let mut ord = 0;
        while stream.advance() {
            if entry_has(stream.key(), &mut holds) {
                set.set(ord);
            }
            ord += 1;
        }
        Ok(if set.is_empty() { Node::None } else { Node::Ords(column.ords().clone(), set) })
    }

    fn address(&self, ip: std::net::IpAddr) -> Term {
        Term::from_field_bytes(self.layout.exact, &address_term(ip))
    }

    /// Documents that have the address somewhere, and are in `node`, all of which do.
    fn with_address(&self, ip: std::net::IpAddr, node: Node) -> tantivy::Result<Node> {
        let term = self.address(ip);
        let documents = frequency(self.segment, &term)?;
        Ok(Node::Narrowed(term, documents, Box::new(node)))
    }

    fn addresses(&self, net: &ipnet::IpNet) -> Node {
        if net.prefix_len() == net.max_prefix_len() {
            return Node::Term(self.address(net.addr()));
        }
        let (from, to) = (address_term(net.network()).to_vec(), address_term(net.broadcast()));
        let keep: Keep = Box::new(move |term| if term <= to.as_slice() { TermFate::In } else { TermFate::End });
        Node::Terms { field: self.layout.exact, from, keep }
    }

    /// Of the terms that every document with such a value has, the one that fewest documents have, and how many these are.
    fn rarest(&self, op: &Op) -> tantivy::Result<Option<(Term, u32)>> {
        let terms = match op {
            Op::Word(word) => self.unusual(word)?.into_iter().collect(),
            Op::Like(pattern) => match pattern.shape() {
                Shape::Exact(text) if let Some(ip) = as_address(text) => vec![self.address(ip)],
                _ => whole_words(pattern).iter().filter_map(|w| self.unusual(w).transpose()).collect::<tantivy::Result<Vec<_>>>()?,
            },
            _ => Vec::new(),
        };
        let counted = terms.into_iter().map(|term| frequency(self.segment, &term).map(|documents| (term, documents)));
        Ok(counted.collect::<tantivy::Result<Vec<_>>>()?.into_iter().min_by_key(|(_, documents)| *documents))
    }

    /// The term of a word, where no document has it among its usual words.
    fn unusual(&self, word: &str) -> tantivy::Result<Option<Term>> {
        let usual = self.usual(|w| w == word.as_bytes())?;
        Ok(matches!(usual, Node::None).then(|| Term::from_field_text(self.layout.words, word)))
    }

    /// A superset of the documents with a value outside the profiles that satisfies the operation.
    fn by_words(&self, op: &Op) -> tantivy::Result<Node> {
        Ok(match op {
            Op::Word(word) => self.word(word)?,
            Op::Cidr(net) => self.addresses(net),
            Op::Like(pattern) => {
                if let Shape::Exact(text) = pattern.shape()
                    && let Some(ip) = as_address(text)
                {
                    return Ok(Node::Term(self.address(ip)));
                }
                let nodes = whole_words(pattern).iter().map(|w| self.word(w)).collect::<tantivy::Result<Vec<_>>>()?;
                match piece(pattern) {
                    _ if !nodes.is_empty() => Node::And(nodes),
                    Some((from, keep)) => {
                        let usual = self.usual(|word| keep(word) == TermFate::In)?;
                        Node::Or(vec![usual, Node::Terms { field: self.layout.words, from, keep }])
                    }
                    None => Node::All,
                }
            }
            _ => Node::All,
        })
    }

    /// Documents with a value in the column whose words do not rule the operation out.
    fn narrowed(&self, field: FieldId, op: &Op, there: Node) -> Lowered {
        if !field_in_any(field) {
            return Ok(Plan::superset(there));
        }
        Ok(Plan::superset(match self.by_words(op)? {
            Node::All => there,
            words => Node::And(vec![words, there]),
        }))
    }
}
