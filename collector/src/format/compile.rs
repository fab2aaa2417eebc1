//! From a file's words to a compiled format; every mistake is told with the file and what would be right.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use fansipan_model::{FieldId, FieldType, fields};
use memchr::memmem;

use super::{
    Csv, Format, FormatId, Syntax, TimeRule,
    convert::{Conv, Target, UrlFields, WordMap, by_type, sibling, typed},
    detect::Alternative,
    file::{self, DetectFile, FormatFile, KvFile, OneOrMany, Scalar, WhenFile},
    inherit,
    mapping::{Constant, Constants, Entry, Mapping, SLOTS, is_reserved},
    reach::Reach,
    template::{self, CaptureText, Class},
    text::{Block as TextBlock, Head, Matcher, Pattern, Sink, TextSpec},
    time::TimeFormat,
    when::{Block, Copy, Whens, Word},
};
use crate::decode::{self, kv::KvSpec};

/// What goes wrong while compiling; the caller adds the file.
type Result<T> = std::result::Result<T, String>;

/// A template, what becomes of its captures, and how they were written.
type CompiledTemplate = (template::Template, Box<[Sink]>, Vec<CaptureText>);

/// What conversions and slots need to know of the whole file.
struct Names {
    maps: BTreeMap<String, Arc<WordMap>>,
    /// Raw keys that time rules look at, by slot.
    slots: Vec<String>,
    rename: BTreeMap<String, OneOrMany>,
    prefix: String,
    /// Gathers every field a target names.
    reach: RefCell<Reach>,
}

fn intern(name: &str) -> Result<FieldId> {
    FieldId::intern(name).ok_or_else(|| format!("too many field names are known already to add `{name}`: remove formats that are not used"))
}

/// A field that a format may write.
fn writable(name: &str) -> Result<FieldId> {
    if name == "@timestamp" {
        return Err("`@timestamp` is set by [[time]], not as a field".to_owned());
    }
    if is_reserved(name) && name != "fansipan.level" {
        return Err(format!("`{name}` is written by the program alone: choose another field"));
    }
    if name.is_empty() || name.len() > 256 || name.contains(char::is_whitespace) {
        return Err(format!("`{name}` is no field name"));
    }
    intern(name)
}

fn beside(field: FieldId, last: &str) -> Result<FieldId> {
    sibling(field.name(), last).ok_or_else(|| format!("`{}` has no field beside it for this conversion", field.name()))
}

impl Names {
    /// `field` or `field:conversion`.
    fn target(&self, text: &str) -> Result<Target> {
        let (name, conv) = text.split_once(':').map_or((text, None), |(n, c)| (n, Some(c)));
        let field = writable(name)?;
        let conv = match conv {
            Some(conv) => self.conversion(field, conv)?,
            None => by_type(field),
        };
        let target = Target { field, conv };
        self.reach.borrow_mut().add_target(&target);
        Ok(target)
    }

    fn conversion(&self, field: FieldId, conv: &str) -> Result<Conv> {
        Ok(match conv {
            "text" | "keyword" | "word" | "quoted" => Conv::Keyword,
            "long" => Conv::Long,
            "double" => Conv::Double,
            "boolean" => Conv::Boolean,
            "ip" => typed(field, FieldType::Ip),
            "lower" => Conv::Lower,
            "upper" => Conv::Upper,
            "hex" => Conv::Hex,
            "epoch" => Conv::Epoch,
            "s" => Conv::Duration(1e9),
            "ms" => Conv::Duration(1e6),
            "us" => Conv::Duration(1e3),
            "mac" => Conv::Mac,
            "ether" => Conv::Ether { source: fields::SOURCE_MAC, destination: fields::DESTINATION_MAC },
            "ip_port" => Conv::IpPort { port: beside(field, "port")?, address: beside(field, "address")? },
            "account" => Conv::Account { domain: beside(field, "domain")? },
            "url" => Conv::Url(Box::new(UrlFields {
                scheme: beside(field, "scheme")?,
                domain: beside(field, "domain")?,
                port: beside(field, "port")?,
                path: beside(field, "path")?,
                query: beside(field, "query")?,
                extension: beside(field, "extension")?,
            })),
            "hash" => Conv::Hash { md5: beside(field, "md5")?, sha1: beside(field, "sha1")?, sha256: beside(field, "sha256")? },
            "path" => {
                Conv::Path { name: beside(field, "name")?, directory: beside(field, "directory")?, extension: beside(field, "extension")? }
            }
            "executable" => Conv::Executable { name: beside(field, "name")? },
            "basename" => Conv::Basename,
            "unhex" => Conv::Unhex,
            "known" => Conv::Known(Box::new(Target { field, conv: by_type(field) })),
            other if other.starts_with("after(") && other.ends_with(')') => {
                let before = other.trim_start_matches("after(").trim_end_matches(')');
                Conv::After(before.into(), Box::new(Target { field, conv: by_type(field) }))
            }
            other => match other.strip_prefix("map(").and_then(|m| m.strip_suffix(')')) {
                Some(map) => Conv::Map(self.maps.get(map).cloned().ok_or_else(|| format!("there is no [values.{map}]"))?),
                None => return Err(format!("unknown conversion `{other}` of `{}` (formats/README.md lists them)", field.name())),
            },
        })
    }

    fn slot(&self, key: &str) -> Option<u8> {
        self.slots.iter().position(|k| k == key).and_then(|i| u8::try_from(i).ok())
    }

    /// What happens to a raw key: its rename, or its place under the prefix.
    fn entry(&self, key: &str) -> Result<Entry> {
        let targets = match self.rename.get(key) {
            Some(list) => list.iter().filter(|t| !t.is_empty()).map(|t| self.target(t)).collect::<Result<_>>()?,
            None => [self.target(&format!("{}{key}", self.prefix))?].into(),
        };
        Ok(Entry { targets, slot: self.slot(key) })
    }

    /// What becomes of a capture: a field when its name has a dot, else a raw key.
    fn sink(&self, capture: &CaptureText) -> Result<Sink> {
        match (capture.name.as_str(), capture.conv.as_deref()) {
            (_, Some("kv")) => Ok(Sink::Kv),
            (_, Some("json")) => Ok(Sink::Json),
            ("_", _) => Ok(Sink::Skip),
            (name, conv) if name.contains('.') || name == "message" => {
                let text = conv.map_or(name.to_owned(), |c| format!("{name}:{c}"));
                Ok(Sink::Value(Entry { targets: [self.target(&text)?].into(), slot: None }))
            }
            (key, None | Some("word" | "long" | "text" | "quoted")) => {
                let drop = self.slot(key).is_some() && !self.rename.contains_key(key);
                // a capture made for the time rules alone is no field
                let entry = if drop { Entry { targets: Box::default(), slot: self.slot(key) } } else { self.entry(key)? };
                Ok(Sink::Value(entry))
            }
            (key, Some(conv)) => Err(format!("`<{key}:{conv}>`: the conversion of a raw key belongs in [rename]")),
        }
    }

    fn class(&self, capture: &CaptureText) -> Class {
        match capture.conv.as_deref() {
            Some("word" | "ip" | "ip_port" | "mac" | "hex" | "lower" | "upper" | "account" | "url" | "executable") => Class::Word,
            Some("long") => Class::Digits,
            Some("double") => Class::Number,
            Some("quoted") => Class::Quoted,
            Some(_) => Class::Any,
            None => {
                let target = |name: &str| FieldId::lookup(name).filter(|f| f.is_static()).map(FieldId::kind);
                let kind = match self.rename.get(&capture.name).and_then(|l| l.iter().next()) {
                    Some(renamed) => target(renamed),
                    None => target(&capture.name),
                };
                match kind {
                    Some(FieldType::Long) => Class::Digits,
                    Some(FieldType::Ip) => Class::Word,
                    _ => Class::Any,
                }
            }
        }
    }

    fn compile_template(&self, text: &str) -> Result<Vec<CompiledTemplate>> {
        template::compile(text, |c| self.class(c))?
            .into_iter()
            .map(|(template, captures)| {
                let sinks = captures.iter().map(|c| self.sink(c)).collect::<Result<_>>()?;
                Ok((template, sinks, captures))
            })
            .collect()
    }
}

fn constants(map: &file::Constants) -> Result<Constants> {
    map.iter()
        .map(|(name, values)| {
            let field = if name == "event.kind" { fields::EVENT_KIND } else { writable(name)? };
            let values = values
                .iter()
                .map(|v| match v {
                    Scalar::Bool(flag) => Constant::Bool(*flag),
                    Scalar::Int(number) => Constant::Int(*number),
                    Scalar::Text(text) => Constant::Text(text.as_str().into()),
                })
                .collect();
            Ok((field, values))
        })
        .collect()
}

fn words(map: &BTreeMap<String, String>) -> WordMap {
    let mut out = WordMap::default();
    for (from, to) in map {
        match from.as_str() {
            "*" => out.other = Some(to.as_str().into()),
            from => {
                out.words.insert(from.into(), to.as_str().into());
            }
        }
    }
    out
}

fn kv_spec(file: Option<&KvFile>) -> Result<KvSpec> {
    let mut spec = KvSpec::default();
    if let Some(file) = file {
        if [&file.pair, &file.value, &file.start, &file.stop].into_iter().flatten().any(String::is_empty) {
            return Err("[kv]: a separator cannot be empty".to_owned());
        }
        spec.pair = file.pair.as_deref().map(Into::into);
        spec.start = file.start.as_deref().map(Into::into);
        spec.stop = file.stop.as_deref().map(Into::into);
        if let Some(value) = &file.value {
            spec.value = value.as_str().into();
        }
        if let Some(quotes) = &file.quotes {
            spec.quotes = quotes.bytes().collect();
        }
    }
    Ok(spec)
}

/// Compiles one file; `all` for `extends`.
pub(super) fn compile(file: &FormatFile, all: &BTreeMap<String, FormatFile>, id: FormatId) -> Result<(Format, Vec<Alternative>)> {
    if file.name.is_empty() || !file.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(format!("`{}` is no format name: lower-case letters, digits and `_`", file.name));
    }
    let file = inherit::resolve(file, all)?;
    let prefix = match file.prefix.as_deref() {
        Some("") => String::new(),
        Some(prefix) => format!("{prefix}."),
        None => format!("{}.", file.dataset.as_deref().unwrap_or(&file.name)),
    };
    let mut slots: Vec<String> = Vec::new();
    for key in file.time.iter().flat_map(|t| t.from.iter()) {
        if !slots.iter().any(|s| s == key) {
            slots.push(key.to_owned());
        }
    }
    if slots.len() > SLOTS {
        return Err(format!("[[time]] looks at {} keys; {SLOTS} is the limit", slots.len()));
    }
    let maps = file.values.iter().map(|(name, map)| (name.clone(), Arc::new(words(map)))).collect();
    let reach = RefCell::new(Reach::new(prefix.is_empty()));
    let names = Names { maps, slots, rename: file.rename.clone(), prefix, reach };
    let syntax = syntax(&file, &names)?;
    let mapping = mapping(&file, &names)?;
    let whens = Whens::new(file.when.iter().map(|w| when(w, &names)).collect::<Result<_>>()?);
    let format = Format {
        info: info(&file),
        mapping,
        times: times(&file, &names)?,
        set: base_constants(&file)?,
        default: constants(&file.default)?,
        whens,
        reach: names.reach.into_inner(),
        prose: file.prose.unwrap_or(match &syntax {
            Syntax::Decoder(decoder) => decoder.prose(),
            _ => true,
        }),
        observes: file.observer.is_some(),
        whole: file.whole,
        syntax,
    };
    let alternatives = file.detect.iter().map(|d| alternative(d, &format, id)).collect::<Result<_>>()?;
    Ok((format, alternatives))
}

fn info(file: &FormatFile) -> super::FormatInfo {
    let product = match (&file.vendor, &file.product) {
        (Some(vendor), Some(product)) if !product.starts_with(vendor.as_str()) => format!("{vendor} {product}"),
        (_, Some(product)) => product.clone(),
        _ => file.name.clone(),
    };
    super::FormatInfo {
        name: file.name.as_str().into(),
        dataset: file.dataset.as_deref().unwrap_or(&file.name).into(),
        product: product.into(),
    }
}

/// Constants of every event of the format.
fn base_constants(file: &FormatFile) -> Result<Constants> {
    let mut all: Vec<(FieldId, Box<[Constant]>)> = Vec::new();
    let text = |text: &str| -> Box<[Constant]> { [Constant::Text(text.into())].into() };
    all.push((fields::EVENT_DATASET, text(file.dataset.as_deref().unwrap_or(&file.name))));
    all.push((fields::EVENT_MODULE, text(file.module.as_deref().unwrap_or(&file.name))));
    let optional = [
        (fields::OBSERVER_VENDOR, &file.vendor),
        (fields::OBSERVER_PRODUCT, &file.product),
        (fields::OBSERVER_TYPE, &file.observer),
        (fields::HOST_OS_FAMILY, &file.os),
    ];
    all.extend(optional.into_iter().filter_map(|(field, value)| value.as_ref().map(|v| (field, text(v)))));
    for (field, values) in constants(&file.set)? {
        all.retain(|(f, _)| *f != field);
        all.push((field, values));
    }
    if !all.iter().any(|(f, _)| *f == fields::EVENT_KIND) {
        all.push((fields::EVENT_KIND, text("event")));
    }
    Ok(all.into())
}

fn mapping(file: &FormatFile, names: &Names) -> Result<Mapping> {
    let mut mapping = Mapping { prefix: names.prefix.as_str().into(), keep_empty: file.keep_empty, ..Mapping::default() };
    let keys = file.rename.keys().chain(&file.keep).chain(&names.slots);
    for key in keys {
        // a time key of a self-describing syntax is kept like any other unless renamed to nothing
        let entry = match names.prefix.is_empty() && is_reserved(key) && !file.rename.contains_key(key) {
            true => Entry { targets: Box::default(), slot: names.slot(key) },
            false => names.entry(key)?,
        };
        mapping.table.insert(key.as_str().into(), entry);
    }
    Ok(mapping)
}

fn times(file: &FormatFile, names: &Names) -> Result<Vec<TimeRule>> {
    let rule = |t: &file::TimeFile| {
        Ok(TimeRule { slots: t.from.iter().filter_map(|k| names.slot(k)).collect(), format: TimeFormat::compile(&t.format)? })
    };
    file.time.iter().map(rule).collect()
}

fn when(file: &WhenFile, names: &Names) -> Result<Block> {
    let list = |l: &Option<OneOrMany>| l.iter().flat_map(OneOrMany::iter).map(intern).collect::<Result<Vec<_>>>();
    let word = |v: &Scalar| match v {
        Scalar::Text(text) => Word::parse(text),
        Scalar::Int(number) => Word::Exact(number.to_string().into()),
        Scalar::Bool(flag) => Word::Exact(flag.to_string().into()),
    };
    let conditions = file.conditions.iter().map(|(name, values)| Ok((intern(name)?, values.iter().map(word).collect())));
    let copy = |(from, to): (&String, &OneOrMany)| {
        Ok(Copy { from: intern(from)?, to: to.iter().map(|t| names.target(t)).collect::<Result<_>>()? })
    };
    Ok(Block {
        conditions: conditions.collect::<Result<_>>()?,
        exists: list(&file.exists)?,
        missing: list(&file.missing)?,
        set: constants(&file.set)?,
        default: constants(&file.default)?,
        copies: file.copy.iter().map(copy).collect::<Result<_>>()?,
    })
}

fn syntax(file: &FormatFile, names: &Names) -> Result<Syntax> {
    Ok(match file.syntax.as_str() {
        "text" => Syntax::Text(text_spec(file, names)?),
        "kv" => Syntax::Kv(kv_spec(file.kv.as_ref())?),
        "csv" => Syntax::Csv(csv(file, names)?),
        name => {
            Syntax::Decoder(decode::by_name(name).ok_or_else(|| format!("unknown syntax `{name}`: text, kv, csv or a decoder's name"))?)
        }
    })
}

fn text_spec(file: &FormatFile, names: &Names) -> Result<TextSpec> {
    let mut spec = TextSpec { kv: kv_spec(file.kv.as_ref())?, ..TextSpec::default() };
    for text in file.head.iter().flat_map(OneOrMany::iter) {
        for (template, sinks, captures) in names.compile_template(text)? {
            let dispatch = file.dispatch.as_ref().and_then(|d| captures.iter().position(|c| c.name == *d));
            spec.heads.push(Head { template, sinks, dispatch });
        }
    }
    for (block, message) in file.templates.iter().enumerate() {
        spec.blocks.push(TextBlock { set: constants(&message.set)?, default: constants(&message.default)? });
        let codes: Vec<&str> = message.key.iter().flat_map(OneOrMany::iter).collect();
        if !codes.is_empty() && file.dispatch.is_none() {
            return Err("a [[message]] has `key`, but the format has no `dispatch`".to_owned());
        }
        let mut matchers = Vec::new();
        for text in message.text.iter().flat_map(OneOrMany::iter) {
            matchers.extend(names.compile_template(text)?.into_iter().map(|(t, sinks, _)| Matcher::Template(t, sinks)));
        }
        for text in message.regex.iter().flat_map(OneOrMany::iter) {
            matchers.push(regex_matcher(text, names)?);
        }
        if matchers.is_empty() {
            return Err("a [[message]] needs `text` or `regex`".to_owned());
        }
        for matcher in matchers {
            let number = u16::try_from(spec.patterns.len()).map_err(|_| "more than 65,535 templates".to_owned())?;
            spec.patterns.push(Pattern { matcher, block });
            spec.file(number, &codes);
        }
    }
    Ok(spec)
}

fn regex_matcher(text: &str, names: &Names) -> Result<Matcher> {
    let regex = regex::RegexBuilder::new(text).size_limit(1 << 20).build().map_err(|e| e.to_string())?;
    let sinks = regex.capture_names().skip(1).map(|name| match name {
        Some(name) => names.sink(&CaptureText { name: name.to_owned(), conv: None }),
        None => Ok(Sink::Skip),
    });
    let sinks = sinks.collect::<Result<_>>()?;
    Ok(Matcher::Regex(regex, sinks))
}

fn csv(file: &FormatFile, names: &Names) -> Result<Csv> {
    let spec = file.csv.as_ref().ok_or_else(|| "syntax `csv` needs [csv] with `columns`".to_owned())?;
    let byte = |text: Option<&str>, default: u8| match text.map(str::as_bytes) {
        None => Ok(default),
        Some([b]) => Ok(*b),
        Some(_) => Err("[csv]: `separator` and `quote` are one ASCII character each".to_owned()),
    };
    let layout = |columns: &[String]| {
        let entry = |c: &String| if c == "_" { Ok(Entry::default()) } else { names.entry(c) };
        columns.iter().map(entry).collect::<Result<Box<[Entry]>>>()
    };
    let layouts = spec.layouts.iter().map(|(name, columns)| Ok((name.as_str().into(), layout(columns)?))).collect::<Result<_>>()?;
    Ok(Csv {
        separator: byte(spec.separator.as_deref(), b',')?,
        quote: byte(spec.quote.as_deref(), b'"')?,
        select: spec.select,
        columns: layout(&spec.columns)?,
        layouts,
    })
}

fn alternative(file: &DetectFile, format: &Format, id: FormatId) -> Result<Alternative> {
    let list = |l: &Option<OneOrMany>| l.iter().flat_map(OneOrMany::iter).map(Into::into).collect::<Vec<Box<str>>>();
    let decoder = match &format.syntax {
        Syntax::Decoder(decoder) => Some(*decoder),
        _ => None,
    };
    let as_key = |key: &str| match format.syntax {
        Syntax::Kv(_) => format!("{key}="),
        _ => format!("\"{key}\""),
    };
    let contains = file.contains.iter().flat_map(OneOrMany::iter).map(str::to_owned);
    let keys = file.keys.iter().flat_map(OneOrMany::iter).map(as_key);
    let contains: Vec<_> = contains.chain(keys).map(|c| memmem::Finder::new(c.as_bytes()).into_owned()).collect();
    let device =
        |d: &str| d.split_once('|').map(|(v, p)| (v.into(), p.into())).ok_or_else(|| format!("device `{d}` is not `vendor|product`"));
    let devices = file.device.iter().flat_map(OneOrMany::iter).map(device).collect::<Result<Vec<_>>>()?;
    let confidence = file.confidence.unwrap_or(500);
    if confidence > 1000 {
        return Err(format!("confidence {confidence} is above 1000"));
    }
    let (apps, starts, paths) = (list(&file.app), list(&file.starts), list(&file.path));
    let clueless = apps.is_empty() && starts.is_empty() && paths.is_empty() && contains.is_empty() && devices.is_empty();
    if clueless && !file.must_match && decoder.is_none() {
        return Err("a [[detect]] without any clue would take every record".to_owned());
    }
    Ok(Alternative {
        format: id,
        apps,
        starts,
        contains,
        devices,
        paths,
        must_match: file.must_match,
        whole: format.whole,
        confidence,
        decoder,
    })
}
