//! Pages of events newest first, single events, and streams of events.

use std::{ops::ControlFlow, sync::Arc};

use fansipan_model::{Event, Predicate, Scope, said};
use uuid::Uuid;

use super::{
    Shared,
    bits::Bits,
    day::{DayIndex, Events, Segment},
    lower::Lower,
    plan::Node,
};
use crate::{
    error::{Result, StoreError},
    events::{Cursor, Explanation, Progress, SearchPage, SearchRequest, TimeRange, Total},
    reading::Reading,
};

/// Candidates of one inexact segment that are kept at once; the newest are.
const KEPT: usize = 1_000_000;

/// What a call asks for, of whom.
pub(crate) struct Ask<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) filter: &'a Predicate,
    pub(crate) range: TimeRange,
}

/// A segment with the candidates it has for an [`Ask`].
pub(crate) struct Candidates {
    pub(crate) day: Arc<DayIndex>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) docs: Bits,
    /// Whether every one of them is an answer.
    pub(crate) exact: bool,
}

impl Ask<'_> {
    /// Segments that may have answers, the one with the latest event first.
    pub(crate) fn segments(&self, shared: &Shared) -> Vec<(Arc<DayIndex>, Arc<Segment>)> {
        let mut out: Vec<_> = shared
            .newest_first()
            .into_iter()
            .flat_map(|day| day.segments().iter().map(|s| (day.clone(), s.clone())).collect::<Vec<_>>())
            .filter(|(_, s)| s.len() > 0 && s.last >= self.range.from && (s.first < self.range.to || self.range.to == i64::MAX))
            .collect();
        out.sort_by_key(|(_, s)| std::cmp::Reverse(s.last));
        out
    }

    /// The candidates of one segment.
    pub(crate) fn candidates(&self, day: Arc<DayIndex>, segment: Arc<Segment>) -> Result<Candidates> {
        let found = self.lower(&day, &segment).map_err(StoreError::index(&day.name, "searching"))?;
        let (docs, exact) = found;
        Ok(Candidates { day, segment, docs, exact })
    }

    fn lower(&self, day: &DayIndex, segment: &Segment) -> tantivy::Result<(Bits, bool)> {
        let lower = Lower { layout: &day.layout, segment };
        let plan = lower.predicate(self.filter)?;
        let scoped = lower.scope(self.scope)?;
        let exact = plan.exact && scoped.exact;
        let mut docs = Bits::full(segment.len());
        if !(self.range.contains(segment.first) && self.range.contains(segment.last)) {
            let last = if self.range.to == i64::MAX { i64::MAX } else { self.range.to - 1 };
            segment.times().within(&mut docs, &segment.time, self.range.from, last);
        }
        Ok((Node::And(vec![scoped.node, plan.node]).eval(segment, docs)?, exact))
    }

    /// Whether the event is an answer.
    pub(crate) fn holds(&self, event: &Event) -> bool {
        self.range.contains(event.timestamp()) && self.scope.allows(event.agency()) && self.filter.matches(event)
    }
}

impl Candidates {
    pub(crate) fn events(&self) -> Result<Events> {
        self.segment.events().map_err(StoreError::index(&self.day.name, "reading events"))
    }

    pub(crate) fn read(&self, events: &mut Events, doc: u32, event: &mut Event) -> Result<()> {
        events.read(doc, event).map_err(StoreError::index(&self.day.name, "reading an event"))
    }

    fn key(&self, doc: u32) -> Order {
        (self.segment.time.values.get_val(doc), self.segment.id.values.get_val(doc))
    }
}

/// `@timestamp` and the first eight bytes of `event.id`: the order, but for ties.
type Order = (i64, u64);

/// The first `want` in the order, and those tied with the last of them.
struct Top {
    want: usize,
    found: Vec<(Order, usize, u32)>,
    floor: Option<Order>,
}

impl Top {
    fn new(want: usize) -> Top {
        Top { want: want.max(1), found: Vec::new(), floor: None }
    }

    /// Whether something with this order could still be among the first.
    fn wants(&self, order: Order) -> bool {
        self.floor.is_none_or(|f| order >= f)
    }

    fn push(&mut self, order: Order, place: usize, doc: u32) {
        if self.wants(order) {
            self.found.push((order, place, doc));
            if self.found.len() >= 2 * self.want + 64 {
                self.prune();
            }
        }
    }

    /// Knows its floor as soon as there are enough.
    fn settle(&mut self) {
        if self.found.len() >= self.want {
            self.prune();
        }
    }

    fn prune(&mut self) {
        self.found.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(&(floor, ..)) = self.found.get(self.want - 1) {
            self.floor = Some(floor);
            self.found.truncate(self.found.partition_point(|f| f.0 >= floor));
        }
    }
}

fn order_of(cursor: &Cursor) -> Order {
    (cursor.timestamp, u64::from_be_bytes(cursor.id.as_bytes().first_chunk().copied().unwrap_or_default()))
}

/// One page.
pub(crate) fn page(shared: &Shared, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
    let ask = Ask { scope, filter: &request.filter, range: request.range };
    let limit = request.limit.min(SearchRequest::MAX_LIMIT);
    let mut search = Paging {
        ask: &ask,
        after: request.after,
        top: Top::new(limit + 1),
        total: 0,
        exact: true,
        mode: request.total,
        budget: Total::BOUND,
        reading: Reading::new(shared.read_limit()),
        parts: Vec::new(),
    };
    for (day, segment) in ask.segments(shared) {
        if search.has_all_before(segment.last) {
            search.exact = false;
            break;
        }
        search.segment(ask.candidates(day, segment)?)?;
        search.top.settle();
    }
    search.finish(limit)
}

struct Paging<'a> {
    ask: &'a Ask<'a>,
    after: Option<Cursor>,
    top: Top,
    total: u64,
    exact: bool,
    mode: Total,
    /// Events that may still be read only to count them.
    budget: usize,
    reading: Reading,
    parts: Vec<Candidates>,
}

impl Paging<'_> {
    /// Whether the page is full of events later than that and nobody asked how many there are: what is older need not be looked at.
    fn has_all_before(&self, last: i64) -> bool {
        self.mode == Total::Skip && !self.top.wants((last, u64::MAX))
    }

    fn segment(&mut self, part: Candidates) -> Result<()> {
        let place = self.parts.len();
        if part.exact {
            self.total += part.docs.count();
            if self.top.wants((part.segment.last, u64::MAX)) {
                self.take_newest(&part, place)?;
            }
        } else if self.mode == Total::Exact {
            self.read_all(&part, place)?;
        } else {
            self.read_newest(&part, place)?;
        }
        self.parts.push(part);
        Ok(())
    }

    /// Takes what may be on the page, the latest blocks first.
    fn take_newest(&mut self, part: &Candidates, place: usize) -> Result<()> {
        for block in part.docs.blocks().rev() {
            let (least, most) = part.segment.times().span(block.n);
            if !self.top.wants((most, u64::MAX)) || self.after.is_some_and(|cursor| cursor.timestamp < least) {
                continue;
            }
            for doc in block.iter() {
                let order = part.key(doc);
                if self.top.wants(order) && self.is_after(part, order, doc)? {
                    self.top.push(order, place, doc);
                }
            }
        }
        Ok(())
    }

    /// Whether a document comes after the cursor.
    fn is_after(&self, part: &Candidates, order: Order, doc: u32) -> Result<bool> {
        let Some(cursor) = self.after else { return Ok(true) };
        Ok(match order.cmp(&order_of(&cursor)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => {
                let mut event = Event::default();
                part.read(&mut part.events()?, doc, &mut event)?;
                event.id() < cursor.id
            }
        })
    }

    /// Decides on every candidate, in the order they are stored.
    fn read_all(&mut self, part: &Candidates, place: usize) -> Result<()> {
        let mut events = part.events()?;
        let mut event = Event::default();
        for doc in part.docs.iter() {
            part.read(&mut events, doc, &mut event)?;
            if self.ask.holds(&event) {
                self.total += 1;
                let order = part.key(doc);
                if self.is_after(part, order, doc)? {
                    self.top.push(order, place, doc);
                }
            }
        }
        Ok(())
    }

    /// Decides on candidates newest first: all that may be on the page, others while the budget lasts.
    fn read_newest(&mut self, part: &Candidates, place: usize) -> Result<()> {
        let mut newest: Vec<(Order, u32)> = Vec::new();
        for doc in part.docs.iter() {
            newest.push((part.key(doc), doc));
            if newest.len() >= 2 * KEPT {
                newest.select_nth_unstable_by(KEPT, |a, b| b.cmp(a));
                newest.truncate(KEPT);
                self.exact = false;
            }
        }
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let mut events = part.events()?;
        let mut event = Event::default();
        for (order, doc) in newest {
            let eligible = self.top.wants(order) && self.after.is_none_or(|c| order <= order_of(&c));
            if !eligible {
                if self.mode == Total::Skip || self.budget == 0 {
                    self.exact = false;
                    if order < self.top.floor.unwrap_or((i64::MIN, 0)) {
                        break;
                    }
                    continue;
                }
                self.budget -= 1;
            }
            self.reading.one()?;
            part.read(&mut events, doc, &mut event)?;
            if self.ask.holds(&event) {
                self.total += 1;
                if eligible && self.is_after(part, order, doc)? {
                    self.top.push(order, place, doc);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, limit: usize) -> Result<SearchPage> {
        self.top.prune();
        let mut by_part: Vec<(usize, u32)> = self.top.found.iter().map(|&(_, place, doc)| (place, doc)).collect();
        by_part.sort_unstable();
        let mut found = Vec::with_capacity(by_part.len());
        for same in by_part.chunk_by(|a, b| a.0 == b.0) {
            let Some(part) = same.first().and_then(|(place, _)| self.parts.get(*place)) else { continue };
            let mut events = part.events()?;
            for (_, doc) in same {
                let mut event = Event::default();
                part.read(&mut events, *doc, &mut event)?;
                found.push(event);
            }
        }
        found.sort_by_key(|e| std::cmp::Reverse((e.timestamp(), e.id())));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|e| Cursor { timestamp: e.timestamp(), id: e.id() });
        Ok(SearchPage { events: found, next, total: self.total, total_exact: self.exact })
    }
}

/// One event by id.
pub(crate) fn by_id(shared: &Shared, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
    let mut event = Event::default();
    for day in shared.newest_first() {
        for segment in day.segments().iter() {
            let lower = Lower { layout: &day.layout, segment };
            let docs = lower.with_id(id).eval(segment, Bits::full(segment.len())).map_err(StoreError::index(&day.name, "searching"))?;
            if docs.is_empty() {
                continue;
            }
            let part = Candidates { day: day.clone(), segment: segment.clone(), docs, exact: false };
            let mut events = part.events()?;
            for doc in part.docs.iter() {
                part.read(&mut events, doc, &mut event)?;
                if event.id() == id {
                    return Ok(scope.allows(event.agency()).then_some(event));
                }
            }
        }
    }
    Ok(None)
}

/// Every matching event, oldest index first.
pub(crate) fn scan(
    shared: &Shared,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<Progress> {
    let ask = Ask { scope, filter, range };
    let mut progress = Progress::default();
    let mut event = Event::default();
    for (day, segment) in ask.segments(shared).into_iter().rev() {
        let part = ask.candidates(day, segment)?;
        let mut events = part.events()?;
        for doc in part.docs.iter() {
            part.read(&mut events, doc, &mut event)?;
            progress.examined += 1;
            if part.exact || ask.holds(&event) {
                progress.matched += 1;
                if each(&event).is_break() {
                    return Ok(progress);
                }
            }
        }
    }
    Ok(progress)
}

/// What the filter becomes in each index that is looked at, newest first.
pub(crate) fn explain(shared: &Shared, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
    let ask = Ask { scope, filter, range };
    let mut out: Vec<Explanation> = Vec::new();
    for (day, segment) in ask.segments(shared) {
        let lower = Lower { layout: &day.layout, segment: &segment };
        let plan = lower.predicate(filter).map_err(StoreError::index(&day.name, "searching"))?;
        let lowered = plan.node.describe();
        let events = u64::from(segment.len());
        let part = ask.candidates(day, segment)?;
        let candidates = part.docs.count();
        match out.last_mut().filter(|e| e.index == part.day.name && e.lowered == lowered) {
            Some(same) => {
                same.candidates += candidates;
                same.events += events;
                same.exact &= part.exact;
            }
            None => out.push(Explanation {
                store: "tantivy",
                index: part.day.name.clone(),
                why: said!("its events lie in the range asked for", "sự kiện của nó nằm trong khoảng thời gian được hỏi"),
                lowered,
                exact: part.exact,
                candidates,
                events,
            }),
        }
    }
    Ok(out)
}
