//! What can go wrong in the stores, with stable codes and the next step.

use std::path::PathBuf;

use fansipan_model::{Said, Word, said};
use thiserror::Error;

use crate::query::Fault;

/// Why a store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("FSP-S01 {what} {}: check that the disk is mounted, has space and belongs to the service's user", path.display())]
    Io {
        /// What was tried: "cannot create".
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The index engine refused.
    #[error("FSP-S02 event index {index}: {what} failed; `fansipan doctor` tells which index is damaged")]
    Index {
        /// Which index (day and class), or `all`.
        index: String,
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<tantivy::TantivyError>,
    },
    /// The state database refused.
    #[error("FSP-S03 state database: {what} failed; check the disk's free space, then `fansipan doctor`")]
    State {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The state database is of another version and cannot be brought to this one.
    #[error("FSP-S04 state database {}: cannot be brought to this program's version: {reason}; restore a backup or install the newer program", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Stored bytes do not read back.
    #[error("FSP-S05 stored {what} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// What is damaged.
        what: &'static str,
        /// How it shows.
        reason: String,
    },
    /// Somebody else changed it first.
    #[error("FSP-S06 {what} was changed meanwhile (it is now version {current}): reload and decide again")]
    Conflict {
        /// What was to be changed.
        what: &'static str,
        /// The version it has now.
        current: u64,
    },
    /// There is no such thing, or the caller may not see it.
    #[error("FSP-S07 no such {0}")]
    NotFound(&'static str),
    /// There is already one of that name.
    #[error("FSP-S08 {what} `{name}` exists already: choose another name")]
    Exists {
        /// What was to be made.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The request asks for more than a request may.
    #[error("FSP-S09 {what}; {help}")]
    TooMuch {
        /// The limit that was hit.
        what: Said,
        /// What to do.
        help: Word,
    },
    /// The query asks for something that is not there.
    #[error("FSP-S11 {}", .0.said())]
    Query(Fault),
    /// ClickHouse refused, or is not there.
    #[error(
        "FSP-S12 ClickHouse at {url}: {what} failed: {reason}; what was to be stored is kept and can be stored once the server answers, `fansipan doctor` looks at it"
    )]
    Remote {
        /// The server's address.
        url: String,
        /// What was tried.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// ClickHouse does not answer, and this machine's own disk does not surely hold what was asked for.
    #[error(
        "FSP-S14 ClickHouse does not answer ({reason}), and only it holds all of that time; this machine's own disk has the events that \
         arrived since {since}: ask for younger ones, or start ClickHouse"
    )]
    Away {
        /// What the archive said.
        reason: String,
        /// First day that is surely here, or that there is none.
        since: Said,
    },
    /// What was asked is not allowed as things stand.
    #[error("FSP-S13 {0}")]
    Refused(Said),
    /// Another process holds the store.
    #[error("FSP-S10 {} is in use by another process: stop it first, or use the API", path.display())]
    Locked {
        /// What is held.
        path: PathBuf,
    },
}

/// Results of the stores.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// The stable code, for machines and for the manual.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Io { .. } => "FSP-S01",
            StoreError::Index { .. } => "FSP-S02",
            StoreError::State { .. } => "FSP-S03",
            StoreError::Migration { .. } => "FSP-S04",
            StoreError::Damaged { .. } => "FSP-S05",
            StoreError::Conflict { .. } => "FSP-S06",
            StoreError::NotFound(_) => "FSP-S07",
            StoreError::Exists { .. } => "FSP-S08",
            StoreError::TooMuch { .. } => "FSP-S09",
            StoreError::Query(_) => "FSP-S11",
            StoreError::Refused(_) => "FSP-S13",
            StoreError::Locked { .. } => "FSP-S10",
            StoreError::Remote { .. } => "FSP-S12",
            StoreError::Away { .. } => "FSP-S14",
        }
    }

    /// What it says to whoever asked the store for something. What is broken inside is told to operators, in the log.
    pub fn said(&self) -> Said {
        match self {
            StoreError::Conflict { what, current } => {
                let thing = thing(what).vi;
                let vi = format!("FSP-S06 {thing} đã bị người khác sửa (nay là phiên bản {current}): tải lại rồi quyết định lại");
                Said { en: self.to_string(), vi }
            }
            StoreError::NotFound(what) => Said { en: self.to_string(), vi: format!("FSP-S07 không có {} này", thing(what).vi) },
            StoreError::Exists { what, name } => {
                let vi = format!("FSP-S08 {} `{name}` đã có: hãy chọn tên khác", thing(what).vi);
                Said { en: self.to_string(), vi }
            }
            StoreError::TooMuch { what, help } => said!("FSP-S09 {what}; {help}", "FSP-S09 {what:#}; {help:#}"),
            StoreError::Refused(why) => said!("FSP-S13 {why}", "FSP-S13 {why:#}"),
            StoreError::Query(fault) => {
                let said = fault.said();
                said!("FSP-S11 {said}", "FSP-S11 {said:#}")
            }
            StoreError::Away { reason, since } => {
                let vi = format!(
                    "FSP-S14 ClickHouse không trả lời ({reason}), mà chỉ ClickHouse có đủ khoảng thời gian đó; ổ đĩa của máy này có các \
                     sự kiện nhận từ {since:#}: hãy hỏi khoảng gần hơn, hoặc khởi động lại ClickHouse"
                );
                Said { en: self.to_string(), vi }
            }
            StoreError::Io { .. }
            | StoreError::Index { .. }
            | StoreError::State { .. }
            | StoreError::Migration { .. }
            | StoreError::Damaged { .. }
            | StoreError::Remote { .. }
            | StoreError::Locked { .. } => {
                let code = self.code();
                said!(
                    "the store refused ({code}); the service's log has the reason",
                    "kho dữ liệu gặp lỗi ({code}); xem nguyên nhân trong nhật ký của dịch vụ"
                )
            }
        }
    }

    /// A query reads more events one by one than a query may.
    pub(crate) fn reads_too_much(most: u64) -> Self {
        StoreError::TooMuch {
            what: said!(
                "this query has to read more than {most} events one by one",
                "câu truy vấn này phải đọc từng sự kiện, quá {most} sự kiện"
            ),
            help: Word::new(
                "narrow the time range, or add a word, an address or another indexed field to the filter",
                "hãy thu hẹp khoảng thời gian, hoặc thêm một từ, một địa chỉ hay một trường có chỉ mục vào bộ lọc",
            ),
        }
    }

    /// What a remote store said, or the whole sentence.
    pub(crate) fn reason(&self) -> String {
        match self {
            StoreError::Remote { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io { what, path, source }
    }

    pub(crate) fn index(index: &str, what: &'static str) -> impl FnOnce(tantivy::TantivyError) -> StoreError {
        let index = index.to_owned();
        move |source| StoreError::Index { index, what, source: Box::new(source) }
    }

    pub(crate) fn state(what: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| StoreError::State { what, source }
    }
}

/// The things that a store refuses to find or to change, by the English that errors hold.
const THINGS: &[Word] = &[
    Word::new("action or run", "hành động hoặc lần chạy kịch bản"),
    Word::new("alert", "cảnh báo"),
    Word::new("alert of this incident", "cảnh báo thuộc sự cố"),
    Word::new("alert to split off", "cảnh báo cần tách"),
    Word::new("backup path in UTF-8", "đường dẫn sao lưu dạng UTF-8"),
    Word::new("decision that can be taken back", "quyết định còn hoàn tác được"),
    Word::new("exception", "ngoại lệ"),
    Word::new("incident", "sự cố"),
    Word::new("incident to merge into", "sự cố để gộp vào"),
    Word::new("incident to merge into: it is part of this one", "sự cố để gộp vào (nó đã thuộc chính sự cố đang mở)"),
    Word::new("item", "mục"),
    Word::new("item of this incident", "mục thuộc sự cố"),
    Word::new("login of", "đăng nhập ngoài của"),
    Word::new("playbook", "kịch bản"),
    Word::new("run of a playbook", "lần chạy kịch bản"),
    Word::new("task waiting in this run", "việc đang chờ trong lần chạy"),
    Word::new("action", "hành động"),
    Word::new("page: pass back `next` as it was given", "trang (hãy gửi lại `next` đúng như đã nhận)"),
    Word::new("rule", "luật"),
    Word::new("saved search", "tìm kiếm đã lưu"),
    Word::new("second factor", "lớp xác thực thứ hai"),
    Word::new("second factor of", "lớp xác thực thứ hai của"),
    Word::new("second factor to confirm", "lớp xác thực thứ hai cần xác nhận"),
    Word::new("source", "nguồn"),
    Word::new("step", "bước"),
    Word::new("token", "khóa API"),
    Word::new("user", "tài khoản"),
    Word::new("wall", "màn hình"),
];

/// A thing of an error in both languages.
pub fn thing(what: &str) -> Said {
    THINGS.iter().find(|word| word.en == what).map_or_else(|| Said::same(what), |word| (*word).into())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::THINGS;

    /// The words that stand between `before` and a quote in the sources of the state store.
    fn words(before: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
        let texts = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        texts
            .flat_map(|text| text.split(before).skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn every_thing_has_a_vietnamese_name() {
        let named = ["NotFound(\"", "Conflict { what: \"", "Exists { what: \""].map(words).concat();
        assert!(named.len() > 20, "{named:?}");
        for name in named {
            assert!(THINGS.iter().any(|word| word.en == name), "{name} has no Vietnamese name");
        }
    }
}
