//! What can be wrong with what was asked of the command line: each fault with its code, which never changes its meaning, and what it
//! says in both languages. What the appliance refuses is said by the appliance ([`crate::client::ApiError`]).

use fansipan_model::{faults, told::reader};

faults! {
    /// Why a verb was not carried out.
    Fault:
    NotHttps "FSP-CLI-004": "--server must begin with https://", "--server phải bắt đầu bằng https://";
        "tokens never travel in the clear", "khóa API không bao giờ được gửi qua kênh không mã hóa".
    NoHttp "FSP-CLI-005": "cannot set up the HTTP client", "không khởi tạo được kết nối HTTP";
        "what follows says why", "nguyên nhân ghi ngay sau đây".
    UnreadableCa { path: String } "FSP-CLI-006": "cannot read certificates from {path}", "không đọc được chứng thư trong {path}";
        "give a PEM file", "hãy dùng tệp PEM".
    CannotRead { path: String } "FSP-CLI-007": "cannot read {path}", "không đọc được {path}";
        "check its name and who may read it", "hãy kiểm tra tên tệp và quyền đọc".
    ProfileCertificate "FSP-CLI-008": "cannot read the certificate of the profile", "không đọc được chứng thư trong hồ sơ đăng nhập";
        "log in again with `fansipan login`", "hãy đăng nhập lại bằng `fansipan login`".
    NoCertificate "FSP-CLI-009": "there is no certificate in it", "trong đó không có chứng thư nào";
        "give a PEM file", "hãy dùng tệp PEM".
    BrokenFormats "FSP-CLI-010": "the built-in formats cannot be read", "không đọc được các định dạng có sẵn";
        "this is a fault of the program", "đây là lỗi của chương trình".
    NoFormat { name: String, names: String } "FSP-CLI-011": "no format is called `{name}`", "không có định dạng nào tên `{name}`";
        "there are: auto, {names}", "hiện có: auto, {names}".
    CannotOpen { path: String } "FSP-CLI-012": "cannot open {path}", "không mở được {path}";
        "check its name and who may read it", "hãy kiểm tra tên tệp và quyền đọc".
    ReadingStopped "FSP-CLI-013": "reading stopped", "đang đọc thì bị ngắt";
        "what follows says why", "nguyên nhân ghi ngay sau đây".
    BrokenSources "FSP-CLI-014": "the built-in log sources cannot be read", "không đọc được các nguồn nhật ký có sẵn";
        "this is a fault of the program", "đây là lỗi của chương trình".
    NoRule { place: String } "FSP-CLI-015": "no usable rule in {place}", "không có luật nào dùng được trong {place}";
        "`fansipan rules check` says what is wrong with each", "`fansipan rules check` nêu lỗi của từng luật".
    BrokeOff "FSP-CLI-016": "the answer broke off, and what was printed is not all", "câu trả lời bị ngắt giữa chừng, phần đã in chưa đủ";
        "try again, or a shorter --since", "hãy thử lại, hoặc dùng --since ngắn hơn".
    HuntBrokeOff { why: fansipan_model::Said } "FSP-CLI-017": "the hunt broke off ({why}), and what was printed is not all", "việc săn tìm bị ngắt ({why:#}), phần đã in chưa đủ";
        "try again, or a shorter --since", "hãy thử lại, hoặc dùng --since ngắn hơn".
    NotRead { path: String, why: fansipan_model::Said } "FSP-CLI-018": "{path} is not read to its end: {why}", "không đọc hết được {path}: {why:#}";
        "the other files go on", "các tệp khác vẫn tiếp tục".

    NoHome "FSP-CLI-020": "there is no place for profiles", "không có chỗ để lưu hồ sơ đăng nhập";
        "set XDG_CONFIG_HOME or HOME", "hãy đặt XDG_CONFIG_HOME hoặc HOME".
    ProfileName { name: String } "FSP-CLI-021": "`{name}` cannot be the name of a profile", "`{name}` không dùng làm tên hồ sơ đăng nhập được";
        "a name has 1–64 letters, digits, dashes or underscores", "tên gồm 1–64 chữ không dấu, chữ số, gạch nối hoặc gạch dưới".
    NoProfile { path: String, name: String } "FSP-CLI-022": "cannot read the profile {path}", "không đọc được hồ sơ đăng nhập {path}";
        "make it with `fansipan login {name}`", "hãy tạo bằng `fansipan login {name}`".
    OpenProfile { path: String } "FSP-CLI-023": "others can read {path}", "người khác đọc được {path}";
        "chmod 600 it, and revoke its token if they may have", "hãy chmod 600, và thu hồi khóa API trong đó nếu có thể đã bị đọc".
    PipelineRefused { faults: String } "FSP-CLI-025": "the pipeline cannot be used", "pipeline này không dùng được";
        "mend it:\n{faults}", "hãy sửa:\n{faults}".

    NoFact { fact: String } "FSP-CLI-030": "`{fact}` is not FIELD=TEXT", "`{fact}` không có dạng TRƯỜNG=NỘI_DUNG";
        "write it as in category=ransomware", "hãy viết như category=ransomware".
    NoTask { item: String, incident: String } "FSP-CLI-031": "{item} is no task of this incident", "{item} không phải là việc của sự cố này";
        "`fansipan incidents timeline {incident}` lists them", "`fansipan incidents timeline {incident}` liệt kê các việc".
    CannotWrite { path: String } "FSP-CLI-032": "cannot write {path}", "không ghi được {path}";
        "give a folder that exists and that you may write to", "hãy chọn thư mục có sẵn và bạn được ghi".
    NoBundle { path: String } "FSP-CLI-033": "cannot read the bundle {path}", "không đọc được gói chứng cứ {path}";
        "give the file as `fansipan incidents export` wrote it", "hãy dùng tệp đúng như `fansipan incidents export` đã ghi".
    NoEvent { line: String } "FSP-CLI-034": "a line is no event: {line}", "có dòng không phải là sự kiện: {line}";
        "give what `fansipan search --json` prints", "hãy đưa vào kết quả của `fansipan search --json`".
    NoQuestion "FSP-CLI-035": "this run waits for no answer", "lần chạy này không chờ trả lời";
        "`fansipan playbooks runs` says which do", "`fansipan playbooks runs` cho biết lần chạy nào đang chờ".
    NoManual { path: String } "FSP-CLI-040": "cannot write the manual to {path}", "không ghi được tài liệu hướng dẫn vào {path}";
        "give a folder you may write to", "hãy chọn thư mục bạn được ghi".
    ParquetToTerminal "FSP-CLI-043": "Parquet is nothing to look at", "không xem Parquet trên màn hình được";
        "give -o FILE, or pipe it on", "hãy dùng -o TỆP, hoặc chuyển tiếp qua ống".

    NoPackets "FSP-CLI-060": "it is not said whose packets", "chưa cho biết cần gói tin của gì";
        "give the id of an event or alert, or --flow with --at", "hãy nêu mã của sự kiện hoặc cảnh báo, hoặc --flow cùng --at".
    OtherEvidence { path: String } "FSP-CLI-061": "what the appliance kept as evidence is not what was sent", "chứng cứ hệ thống lưu không đúng như đã gửi";
        "hand {path} in again", "hãy nộp lại {path}".
    Damaged { hash: String, told: String } "FSP-CLI-062": "the file arrived damaged (SHA-256 {hash}, the appliance says {told})", "tệp nhận được bị hỏng (SHA-256 {hash}, hệ thống báo {told})";
        "ask again", "hãy lấy lại".
    NoFlow { flow: String } "FSP-CLI-063": "`{flow}` is no community id of version 1", "`{flow}` không phải là community id phiên bản 1";
        "write one such as 1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "hãy viết như 1:LQU9qZlK+B5F3KDmev6m5PMibrg=".
    NoTime "FSP-CLI-064": "--at is missing or no time", "--at thiếu hoặc không phải là thời điểm";
        "write it as in the event's @timestamp: 2026-03-01T07:30:00Z", "hãy viết như @timestamp của sự kiện: 2026-03-01T07:30:00Z".
    NoRings { path: String } "FSP-CLI-065": "cannot read the packet rings in {path}", "không đọc được kho gói tin trong {path}";
        "give the collector's --data, as its user or root", "hãy dùng --data của bộ thu thập, bằng tài khoản của nó hoặc root".
    PacketsGone { oldest: fansipan_model::Said } "FSP-CLI-066": "the packet rings here have none of its packets", "kho gói tin ở đây không có gói nào của luồng này";
        "{oldest}", "{oldest:#}".
    BrokenFigures "FSP-CLI-067": "the measured figures cannot be read", "không đọc được các số liệu đo";
        "this is a fault of the program", "đây là lỗi của chương trình".

    NoPipeline { path: String } "FSP-CLI-070": "cannot read the pipeline {path}", "không đọc được pipeline {path}";
        "check its name and who may read it", "hãy kiểm tra tên tệp và quyền đọc".
    UnknownRule { rule: String } "FSP-CLI-071": "{rule} is neither a file nor the id of a shipped rule", "{rule} không phải là tệp, cũng không phải id của luật có sẵn";
        "`fansipan rules list` shows the ids", "`fansipan rules list` cho biết các id".
    StoredEvent "FSP-CLI-072": "the stored event does not read", "không đọc được sự kiện đã lưu";
        "use a program of the appliance's version", "hãy dùng chương trình cùng phiên bản với hệ thống".
    NoTemporary "FSP-CLI-073": "there is no place for a temporary file", "không có chỗ cho tệp tạm";
        "free space in TMPDIR, or set it to another folder", "hãy giải phóng TMPDIR, hoặc đặt TMPDIR sang thư mục khác".
    NoRecord { place: String, records: u64, record: u64 } "FSP-CLI-074": "{place} has {records} records, none is number {record}", "{place} có {records} bản ghi, không có bản ghi số {record}";
        "give --record a smaller number", "hãy dùng --record với số nhỏ hơn".
    NoRuleFile { path: String } "FSP-CLI-075": "cannot read {path}", "không đọc được {path}";
        "give a rule file, or - for standard input", "hãy đưa tệp luật, hoặc - để đọc từ đầu vào chuẩn".
    NotUtf8 "FSP-CLI-076": "standard input is not text in UTF-8", "đầu vào chuẩn không phải là văn bản UTF-8";
        "convert it first", "hãy chuyển mã trước".
    NoServer "FSP-CLI-077": "the appliance's address is missing", "thiếu địa chỉ của hệ thống";
        "give --server https://HOST:PORT", "hãy dùng --server https://MÁY:CỔNG".
    NoAppliancesCa { path: String } "FSP-CLI-078": "cannot read {path}", "không đọc được {path}";
        "copy the appliance's DATA/tls/cert.pem here and give it with --ca", "hãy chép DATA/tls/cert.pem của hệ thống về đây và dùng --ca".
    NoToken "FSP-CLI-079": "the token is missing", "thiếu khóa API";
        "give it on standard input or in FANSIPAN_TOKEN", "hãy đưa vào đầu vào chuẩn hoặc FANSIPAN_TOKEN".
    NoCode "FSP-CLI-080": "the code is missing", "thiếu mã đăng ký";
        "give the one that `fansipan wall-devices create` printed", "hãy dùng mã mà `fansipan wall-devices create` đã in ra".
    NoCredential "FSP-CLI-081": "the appliance gave no credential", "hệ thống không cấp khóa nào";
        "its version may be older than this one's", "phiên bản của hệ thống có thể cũ hơn chương trình này".

    UnreadRule { path: String, why: fansipan_model::Said } "FSP-RUL-900": "{path} cannot be read: {why}", "không đọc được {path}: {why:#}";
        "the other rules go on", "các luật khác vẫn tiếp tục".
    CutCapture { path: String, packets: u64 } "FSP-TAP-003": "{path} is cut in the middle of a packet", "{path} bị cắt giữa một gói tin";
        "the {packets} packets before it were read", "đã đọc {packets} gói tin trước đó".
    DamagedCapture { path: String, packets: u64, why: String } "FSP-TAP-004": "{path} is damaged after {packets} packets ({why})", "{path} bị hỏng sau {packets} gói tin ({why})";
        "those before were read", "các gói tin trước đó đã được đọc".
}

/// An error and its causes on one line: what has two languages in that of the reader.
pub fn told(error: &anyhow::Error, vietnamese: bool) -> String {
    let each = error.chain().map(|cause| if vietnamese { reader(format!("{cause:#}")).vi } else { cause.to_string() });
    let mut causes = each.collect::<Vec<_>>();
    causes.dedup(); // what only passes its cause on says the same
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use anyhow::Context as _;

    use super::{Fault, told};

    #[test]
    fn a_code_means_one_thing() {
        let codes: BTreeSet<_> = Fault::CODES.iter().collect();
        assert_eq!(codes.len(), Fault::CODES.len());
    }

    #[test]
    fn an_error_with_causes_is_told_in_the_language_asked_for() {
        let gone = std::io::Error::from_raw_os_error(28);
        let error = Err::<(), _>(gone).context(Fault::CannotWrite { path: "/out".into() }).unwrap_err();
        let vi = "FSP-CLI-032: không ghi được /out; hãy chọn thư mục có sẵn và bạn được ghi: ổ đĩa đã đầy";
        assert_eq!(told(&error, true), vi);
        let en =
            "FSP-CLI-032: cannot write /out; give a folder that exists and that you may write to: No space left on device (os error 28)";
        assert_eq!(told(&error, false), en);
    }
}
