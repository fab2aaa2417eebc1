//! Figures over matching events: from columns where they can tell, from stored events otherwise.

use std::sync::Arc;

use fansipan_model::{Event, FieldId, Scope, Value};
use hashbrown::HashMap;
use smallvec::SmallVec;
use tantivy::{
    Term,
    columnar::{Column, StrColumn},
};

use super::{
    Shared,
    accumulate::{Accumulator, Figure, Number, Part, TOO_MANY_GROUPS, bucket, measured, too_much},
    bits::Bits,
    day::Segment,
    layout::Place,
    plan::frequency,
    record::odd_term,
    search::{Ask, Candidates},
    side::side_by_side,
};
use crate::{
    error::{Result, StoreError},
    events::{AggregateRequest, GroupBy, MeasureKind},
    reading::Reading,
    table::Table,
};

/// Groups one segment may have before the request is refused.
const MOST_LOCAL: usize = 4_000_000;

/// Segments whose candidates are held at once.
const HELD: usize = 64;

/// Answers a request.
pub(crate) fn table(shared: &Shared, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
    let tables = tables(shared, scope, std::slice::from_ref(request))?;
    tables.into_iter().next().ok_or(StoreError::NotFound("table"))
}

/// Answers several requests: what consecutive ones ask of the same events is looked for once.
pub(crate) fn tables(shared: &Shared, scope: &Scope, requests: &[AggregateRequest]) -> Result<Vec<Table>> {
    let mut out = Vec::with_capacity(requests.len());
    for same in requests.chunk_by(|a, b| a.range == b.range && a.filter == b.filter) {
        let Some(first) = same.first() else { continue };
        let ask = Ask { scope, filter: &first.filter, range: first.range };
        let mut counting: Vec<Counting<'_>> = same.iter().map(|request| Counting::new(shared, request)).collect();
        for held in ask.segments(shared).chunks(HELD) {
            let parts = side_by_side(held.to_vec(), |(day, segment)| ask.candidates(day, segment))?;
            counting = side_by_side(counting, |mut counting| {
                for part in parts.iter().filter(|part| !part.docs.is_empty()) {
                    counting.take(&ask, part)?;
                }
                Ok(counting)
            })?;
        }
        out.extend(counting.into_iter().map(|counting| counting.groups.finish()));
    }
    Ok(out)
}

/// A request on its way through the segments.
struct Counting<'r> {
    request: &'r AggregateRequest,
    only_counts: bool,
    groups: Accumulator<'r>,
    reading: Reading,
}

impl<'r> Counting<'r> {
    fn new(shared: &Shared, request: &'r AggregateRequest) -> Self {
        let only_counts = request.by.is_empty() && request.measures.iter().all(|m| m.kind == MeasureKind::Count);
        Self { request, only_counts, groups: Accumulator::new(request), reading: Reading::new(shared.read_limit()) }
    }

    fn take(&mut self, ask: &Ask<'_>, part: &Candidates) -> Result<()> {
        if part.exact && self.only_counts {
            self.groups.add_count(part.docs.count());
            return Ok(());
        }
        let fail = |e| StoreError::index(&part.day.name, "computing figures")(e);
        match if part.exact { Columns::open(part, self.request).map_err(fail)? } else { None } {
            Some(columns) => columns.run(part, self.request, &mut self.groups),
            None => from_events(ask, part, &mut self.reading, &mut self.groups),
        }
    }
}

fn from_events(ask: &Ask<'_>, part: &Candidates, reading: &mut Reading, groups: &mut Accumulator<'_>) -> Result<()> {
    let mut events = part.events()?;
    let mut event = Event::default();
    for doc in part.docs.iter() {
        reading.one()?;
        part.read(&mut events, doc, &mut event)?;
        if part.exact || ask.holds(&event) {
            groups.add_event(&event)?;
        }
    }
    Ok(())
}

/// Values of a field in one segment, as small numbers that [`Dimension::part`] explains.
enum Dimension {
    Time(Arc<Segment>, i64),
    /// Per entry of the profile: numbers into the list of parts.
    Profile(Column<u64>, Vec<SmallVec<[u32; 1]>>, Vec<Part>),
    Text(StrColumn),
    Long(Column<i64>),
    Bool(Column<bool>),
    Ip(Column<std::net::Ipv6Addr>),
}

type Codes = SmallVec<[u128; 2]>;
/// What codes stand for.
type Names = HashMap<u128, Part, foldhash::fast::RandomState>;

/// Counts by code where codes are not dense.
#[derive(Default)]
struct Many(HashMap<u128, u64, foldhash::fast::RandomState>);

impl Many {
    fn add(&mut self, code: u128, n: u64) {
        if n > 0 && self.0.len() <= MOST_LOCAL {
            *self.0.entry(code).or_default() += n;
        }
    }

    fn bounded(&self) -> Result<()> {
        if self.0.len() > MOST_LOCAL { Err(too_much(TOO_MANY_GROUPS)) } else { Ok(()) }
    }
}

impl Dimension {
    /// `None`: the segment's columns do not hold every value of the field.
    fn open(part: &Candidates, field: FieldId) -> tantivy::Result<Option<Dimension>> {
        let (segment, layout) = (&part.segment, &part.day.layout);
        let odd = Term::from_field_bytes(layout.exact, &odd_term(field));
        let place = layout.place(field);
        if matches!(place, Place::Header | Place::Words) || frequency(segment, &odd)? > 0 {
            return Ok(None);
        }
        let columns = segment.reader.fast_fields();
        Ok(Some(match place {
            Place::Profile(p) => {
                let Some(column) = segment.profiles.get(p) else { return Ok(None) };
                let (mut parts, mut known) = (Vec::new(), HashMap::<Part, u32>::new());
                let mut entries = Vec::with_capacity(column.num_terms());
                segment.each_profile(p, |_, event| {
                    let mut codes: SmallVec<[u32; 1]> = SmallVec::new();
                    for value in event.values(field).filter_map(|v| Part::of(field, v)) {
                        let code = *known.entry(value).or_insert_with_key(|value| {
                            parts.push(value.clone());
                            parts.len() as u32 - 1
                        });
                        if !codes.contains(&code) {
                            codes.push(code);
                        }
                    }
                    entries.push(codes);
                })?;
                Dimension::Profile(column.ords().clone(), entries, parts)
            }
            Place::Text(_) => match columns.str(field.name())? {
                Some(column) => Dimension::Text(column),
                None => return Ok(None),
            },
            Place::Long(_) => Dimension::Long(columns.i64(field.name())?),
            Place::Bool(_) => Dimension::Bool(columns.bool(field.name())?),
            Place::Ip(_) => Dimension::Ip(columns.ip_addr(field.name())?),
            Place::Header | Place::Words => return Ok(None),
        }))
    }

    /// The distinct values of a document.
    fn codes(&self, doc: u32, out: &mut Codes) {
        out.clear();
        let mut add = |code: u128| {
            if !out.contains(&code) {
                out.push(code);
            }
        };
        match self {
            Dimension::Time(segment, step) => add(bucket(segment.time.values.get_val(doc), *step) as u64 as u128),
            Dimension::Profile(column, entries, _) => {
                let entry = entries.get(column.values.get_val(doc) as usize);
                entry.into_iter().flatten().for_each(|c| add(u128::from(*c)));
            }
            Dimension::Text(column) => column.ords().values_for_doc(doc).for_each(|o| add(u128::from(o))),
            Dimension::Long(column) => column.values_for_doc(doc).for_each(|v| add(v as u64 as u128)),
            Dimension::Bool(column) => column.values_for_doc(doc).for_each(|v| add(u128::from(v))),
            Dimension::Ip(column) => column.values_for_doc(doc).for_each(|v| add(u128::from(v))),
        }
    }

    /// Counts the documents of each code: in `few` below its length, in `many` otherwise.
    fn tally(&self, docs: &Bits, few: &mut [u64], many: &mut Many) -> Result<()> {
        fn one<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(column: &Column<T>) -> bool {
            !column.get_cardinality().is_multivalue()
        }
        let mut add = |code: u128, n: u64| match few.get_mut(code as usize) {
            Some(count) if code < usize::MAX as u128 => *count += n,
            _ => many.add(code, n),
        };
        match self {
            Dimension::Time(segment, step) => {
                // events of an interval mostly stand together
                let mut run = (0, 0);
                for block in docs.blocks() {
                    segment.times().tally(
                        &block,
                        &segment.time,
                        |t| bucket(t, *step),
                        |t, n| {
                            let code = t as u64 as u128;
                            if code == run.0 {
                                run.1 += n;
                            } else {
                                many.add(run.0, std::mem::replace(&mut run, (code, n)).1);
                            }
                        },
                    );
                }
                many.add(run.0, run.1);
            }
            Dimension::Profile(column, entries, _) => {
                let mut by_entry: Vec<u64> = vec![0; entries.len()];
                for doc in docs.iter() {
                    if let Some(count) = by_entry.get_mut(column.values.get_val(doc) as usize) {
                        *count += 1;
                    }
                }
                let counted = entries.iter().zip(by_entry).filter(|(_, n)| *n > 0);
                counted.flat_map(|(codes, n)| codes.iter().map(move |c| (*c, n))).for_each(|(code, n)| add(u128::from(code), n));
            }
            Dimension::Text(column) if one(column.ords()) => {
                docs.iter().filter_map(|doc| column.ords().first(doc)).for_each(|v| add(u128::from(v), 1));
            }
            Dimension::Long(column) if one(column) => {
                docs.iter().filter_map(|doc| column.first(doc)).for_each(|v| many.add(v as u64 as u128, 1));
            }
            Dimension::Bool(column) if one(column) => {
                docs.iter().filter_map(|doc| column.first(doc)).for_each(|v| add(u128::from(v), 1));
            }
            Dimension::Ip(column) if one(column) => {
                docs.iter().filter_map(|doc| column.first(doc)).for_each(|v| many.add(u128::from(v), 1));
            }
            _ => {
                let mut codes = Codes::new();
                for doc in docs.iter() {
                    self.codes(doc, &mut codes);
                    codes.iter().for_each(|code| add(*code, 1));
                }
            }
        }
        many.bounded()
    }

    /// A bound of the codes, where they are few and dense.
    fn codes_below(&self) -> Option<usize> {
        const MOST: usize = 1 << 22;
        let below = match self {
            Dimension::Profile(_, _, parts) => parts.len(),
            Dimension::Text(column) => column.num_terms(),
            Dimension::Bool(_) => 2,
            Dimension::Time(..) | Dimension::Long(_) | Dimension::Ip(_) => return None,
        };
        (below <= MOST).then_some(below)
    }

    /// What each of these codes stands for. A dictionary of texts is packed in blocks: each is unpacked once.
    fn names(&self, field: Option<FieldId>, codes: impl Iterator<Item = u128>) -> Names {
        let (Dimension::Text(column), Some(field)) = (self, field) else {
            return codes.filter_map(|code| Some((code, self.part(code)?))).collect();
        };
        let mut ords: Vec<u64> = codes.map(|code| code as u64).collect();
        ords.sort_unstable();
        ords.dedup();
        let (mut names, mut left) = (Names::default(), ords.iter());
        let found = column.dictionary().sorted_ords_to_term_cb(&ords, |bytes| {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            if let Some((ord, part)) = left.next().zip(Part::of(field, Value::Str(text))) {
                names.insert(u128::from(*ord), part);
            }
        });
        if let Err(error) = found {
            tracing::error!(%error, field = field.name(), "a dictionary of the index cannot be read; its values are missing in this answer");
        }
        names
    }

    /// What a code stands for, but for texts.
    fn part(&self, code: u128) -> Option<Part> {
        match self {
            Dimension::Time(..) => Some(Part::Time(code as u64 as i64)),
            Dimension::Profile(_, _, parts) => parts.get(code as usize).cloned(),
            Dimension::Text(_) => None, // see [`Dimension::names`]
            Dimension::Long(_) => Some(Part::Int(code as u64 as i64)),
            Dimension::Bool(_) => Some(Part::Bool(code == 1)),
            Dimension::Ip(_) => {
                let ip = std::net::Ipv6Addr::from(code);
                let ip = ip.to_ipv4_mapped().map_or(std::net::IpAddr::V6(ip), std::net::IpAddr::V4);
                Some(Part::Text(ip.to_string().into()))
            }
        }
    }
}

/// Numbers of a field in one segment.
enum Numbers {
    Long(Column<i64>),
    /// Per entry of a dictionary.
    Entries(Column<u64>, Vec<SmallVec<[Number; 1]>>),
    /// A field whose values are no numbers.
    Never,
}

impl Numbers {
    fn open(part: &Candidates, field: FieldId) -> tantivy::Result<Option<Numbers>> {
        Ok(match Dimension::open(part, field)? {
            None => None,
            Some(Dimension::Long(column)) => Some(Numbers::Long(column)),
            Some(Dimension::Text(column)) => {
                let mut entries = Vec::with_capacity(column.num_terms());
                let mut stream = column.dictionary().stream()?;
                while stream.advance() {
                    let number = std::str::from_utf8(stream.key()).ok().and_then(|s| Number::of(Value::Str(s)));
                    entries.push(number.into_iter().collect());
                }
                Some(Numbers::Entries(column.ords().clone(), entries))
            }
            Some(Dimension::Profile(column, ..)) => {
                let Place::Profile(p) = part.day.layout.place(field) else { return Ok(None) };
                let mut entries = Vec::new();
                part.segment.each_profile(p, |_, event| entries.push(event.values(field).filter_map(Number::of).collect()))?;
                Some(Numbers::Entries(column, entries))
            }
            Some(Dimension::Bool(_) | Dimension::Ip(_) | Dimension::Time(..)) => Some(Numbers::Never),
        })
    }

    fn each(&self, doc: u32, mut each: impl FnMut(Number)) {
        match self {
            Numbers::Long(column) => column.values_for_doc(doc).for_each(|v| each(Number::Int(v))),
            Numbers::Entries(column, entries) => {
                for ord in column.values_for_doc(doc) {
                    entries.get(ord as usize).into_iter().flatten().for_each(|n| each(*n));
                }
            }
            Numbers::Never => {}
        }
    }
}

/// What a measure reads.
enum Input {
    Nothing,
    Numbers(Numbers),
    Values(FieldId, Dimension),
}

/// Everything a request reads, from the columns of one segment.
struct Columns {
    by: Vec<(Option<FieldId>, Dimension)>,
    inputs: Vec<Input>,
}

type Figures = Vec<Figure<u128>>;

impl Columns {
    /// `None`: some of it is not in columns.
    fn open(part: &Candidates, request: &AggregateRequest) -> tantivy::Result<Option<Columns>> {
        let mut by = Vec::new();
        for group in &request.by {
            by.push(match group {
                GroupBy::Time(step) => (None, Dimension::Time(part.segment.clone(), *step)),
                GroupBy::Field(field) => match Dimension::open(part, *field)? {
                    Some(dimension) => (Some(*field), dimension),
                    None => return Ok(None),
                },
            });
        }
        let mut inputs = Vec::new();
        for measure in &request.measures {
            inputs.push(match (measured(&measure.kind), &measure.kind) {
                (None, _) => Input::Nothing,
                (Some(field), MeasureKind::Distinct(_)) => match Dimension::open(part, field)? {
                    Some(dimension) => Input::Values(field, dimension),
                    None => return Ok(None),
                },
                (Some(field), _) => match Numbers::open(part, field)? {
                    Some(numbers) => Input::Numbers(numbers),
                    None => return Ok(None),
                },
            });
        }
        Ok(Some(Columns { by, inputs }))
    }

    /// Counts by one dimension, the commonest request by far.
    fn count(
        field: Option<FieldId>,
        dimension: &Dimension,
        part: &Candidates,
        measures: usize,
        groups: &mut Accumulator<'_>,
    ) -> Result<()> {
        let mut few: Vec<u64> = vec![0; dimension.codes_below().unwrap_or(0)];
        let mut many = Many::default();
        dimension.tally(&part.docs, &mut few, &mut many)?;
        let counted: Vec<(u128, u64)> = (0u128..).zip(few).filter(|(_, count)| *count > 0).chain(many.0).collect();
        let mut names = dimension.names(field, counted.iter().map(|(code, _)| *code));
        for (code, count) in counted {
            if let Some(key) = names.remove(&code) {
                groups.add_group(SmallVec::from_elem(key, 1), vec![Figure::<u128>::Count(count); measures], &mut |_, _| None)?;
            }
        }
        Ok(())
    }

    fn run(self, part: &Candidates, request: &AggregateRequest, groups: &mut Accumulator<'_>) -> Result<()> {
        if let ([(field, dimension)], true) = (self.by.as_slice(), self.inputs.iter().all(|i| matches!(i, Input::Nothing))) {
            return Self::count(*field, dimension, part, self.inputs.len(), groups);
        }
        let fresh = || -> Figures { request.measures.iter().map(|m| Figure::new(&m.kind)).collect() };
        let mut local: HashMap<Codes, Figures, foldhash::fast::RandomState> = HashMap::default();
        let (mut keys, mut codes): (Vec<Codes>, Codes) = (Vec::new(), Codes::new());
        for doc in part.docs.iter() {
            self.keys(doc, &mut keys, &mut codes);
            for key in &keys {
                if let Some(figures) = local.get_mut(key) {
                    self.measure(doc, figures, &mut codes);
                } else {
                    self.measure(doc, local.entry(key.clone()).or_insert_with(fresh), &mut codes);
                }
            }
            if local.len() > MOST_LOCAL {
                return Err(too_much(TOO_MANY_GROUPS));
            }
        }
        let by = |(n, (field, dimension)): (usize, &(Option<FieldId>, Dimension))| {
            dimension.names(*field, local.keys().filter_map(|key| key.get(n).copied()))
        };
        let by: Vec<Names> = self.by.iter().enumerate().map(by).collect();
        let distinct = |n: usize| local.values().filter_map(move |figures| figures.get(n)).flat_map(Figure::values).copied();
        let input = |(n, input): (usize, &Input)| match input {
            Input::Values(field, dimension) => dimension.names(Some(*field), distinct(n)),
            Input::Nothing | Input::Numbers(_) => Names::default(),
        };
        let inputs: Vec<Names> = self.inputs.iter().enumerate().map(input).collect();
        for (key, figures) in local {
            let parts: Option<_> = by.iter().zip(key).map(|(names, code)| names.get(&code).cloned()).collect();
            let Some(parts) = parts else { continue };
            groups.add_group(parts, figures, &mut |i, code| inputs.get(i)?.get(&code).cloned())?;
        }
        Ok(())
    }

    /// The groups of a document.
    fn keys(&self, doc: u32, keys: &mut Vec<Codes>, codes: &mut Codes) {
        keys.clear();
        keys.push(Codes::new());
        for (_, dimension) in &self.by {
            dimension.codes(doc, codes);
            let Some((first, others)) = codes.split_first() else {
                keys.clear();
                return;
            };
            let before = keys.len();
            for code in others {
                for i in 0..before {
                    if let Some(mut key) = keys.get(i).cloned() {
                        key.push(*code);
                        keys.push(key);
                    }
                }
            }
            keys.iter_mut().take(before).for_each(|key| key.push(*first));
        }
    }

    fn measure(&self, doc: u32, figures: &mut Figures, codes: &mut Codes) {
        for (figure, input) in figures.iter_mut().zip(&self.inputs) {
            figure.event();
            match input {
                Input::Nothing => {}
                Input::Numbers(numbers) => numbers.each(doc, |n| {
                    figure.number(n);
                }),
                Input::Values(_, dimension) => {
                    dimension.codes(doc, codes);
                    for code in codes.iter() {
                        figure.distinct(*code);
                    }
                }
            }
        }
    }
}
