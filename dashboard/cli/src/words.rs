//! Names of columns and labels in both languages: one line each, the words of the console. One notion has one name in every verb.
//! Heads of tables are these words in capitals.

use fansipan_model::Word;

// what most things have
pub(crate) const ID: Word = Word::new("Id", "Mã");
pub(crate) const NAME: Word = Word::new("Name", "Tên");
pub(crate) const TITLE: Word = Word::new("Title", "Tiêu đề");
pub(crate) const KIND: Word = Word::new("Kind", "Loại");
pub(crate) const VALUE: Word = Word::new("Value", "Giá trị");
pub(crate) const LEVEL: Word = Word::new("Level", "Mức");
pub(crate) const STATUS: Word = Word::new("Status", "Trạng thái");
pub(crate) const STATE: Word = Word::new("State", "Trạng thái");
pub(crate) const COUNT: Word = Word::new("Count", "Số lần");
pub(crate) const FIRST_SEEN: Word = Word::new("First seen", "Lần đầu");
pub(crate) const LAST_SEEN: Word = Word::new("Last seen", "Lần cuối");
pub(crate) const AGENCY: Word = Word::new("Agency", "Đơn vị");
pub(crate) const AGENCIES: Word = Word::new("Agencies", "Đơn vị");
pub(crate) const FILE: Word = Word::new("File", "Tệp");
pub(crate) const YES: Word = Word::new("yes", "có");
pub(crate) const NO: Word = Word::new("no", "không");

// who did what, when and why
pub(crate) const WHO: Word = Word::new("Who", "Ai");
pub(crate) const WHAT: Word = Word::new("What", "Việc");
pub(crate) const WHY: Word = Word::new("Why", "Lý do");
pub(crate) const REASON: Word = Word::new("Reason", "Lý do");
pub(crate) const AT: Word = Word::new("At", "Lúc");
pub(crate) const AT_UTC: Word = Word::new("At (UTC)", "Lúc (UTC)");
pub(crate) const FROM: Word = Word::new("From", "Từ");
pub(crate) const UNTIL: Word = Word::new("Until", "Hết hạn");
pub(crate) const VERSION: Word = Word::new("Version", "Phiên bản");

// events
pub(crate) const EVENT: Word = Word::new("Event", "Sự kiện");
pub(crate) const EVENTS: Word = Word::new("Events", "Sự kiện");
pub(crate) const TIME: Word = Word::new("Time", "Thời gian");
pub(crate) const HOST: Word = Word::new("Host", "Máy");
pub(crate) const DATASET: Word = Word::new("Dataset", "Bộ dữ liệu");
pub(crate) const MESSAGE: Word = Word::new("Message", "Nội dung");
pub(crate) const FILTER: Word = Word::new("Filter", "Bộ lọc");
pub(crate) const STORE: Word = Word::new("Store", "Kho");
pub(crate) const INDEX: Word = Word::new("Index", "Chỉ mục");
pub(crate) const CANDIDATES: Word = Word::new("Candidates", "Ứng viên");
pub(crate) const DECIDED_BY: Word = Word::new("Decided by", "Xét bằng");

// alerts and incidents
pub(crate) const ALERTS: Word = Word::new("Alerts", "Cảnh báo");
pub(crate) const ABOUT: Word = Word::new("About", "Thực thể");
pub(crate) const MATCHED: Word = Word::new("Matched", "Trường khớp");
pub(crate) const SUMMARY: Word = Word::new("Summary", "Tóm tắt");
pub(crate) const ADVICE: Word = Word::new("Advice", "Việc nên làm");
pub(crate) const HELD_BY: Word = Word::new("Held by", "Người xử lý");
pub(crate) const SUPPRESSED: Word = Word::new("Suppressed", "Bị giữ lại");
pub(crate) const OWNER: Word = Word::new("Owner", "Người phụ trách");
pub(crate) const INCIDENT: Word = Word::new("Incident", "Sự cố");
pub(crate) const PART_OF: Word = Word::new("Part of", "Đã gộp vào");
pub(crate) const TACTICS: Word = Word::new("Tactics", "Chiến thuật");
pub(crate) const GROUP: Word = Word::new("Group", "Nhóm sự cố");
pub(crate) const GROUPS: Word = Word::new("Groups", "Nhóm sự cố");
pub(crate) const STEP: Word = Word::new("Step", "Bước");
pub(crate) const STEPS: Word = Word::new("Steps", "Số bước");
pub(crate) const CLOCK: Word = Word::new("Clock of source", "Đồng hồ nguồn");

// lessons
pub(crate) const CATEGORY: Word = Word::new("Category", "Nhóm sự cố");
pub(crate) const VERDICT: Word = Word::new("Verdict", "Kết luận");
pub(crate) const ROOT_CAUSE: Word = Word::new("Root cause", "Nguyên nhân gốc");
pub(crate) const LESSONS: Word = Word::new("Lessons", "Bài học rút ra");
pub(crate) const BEGAN: Word = Word::new("Began", "Bắt đầu");
pub(crate) const DETECTED: Word = Word::new("Detected", "Phát hiện");
pub(crate) const TO_DETECT: Word = Word::new("To detect", "Đến lúc phát hiện");
pub(crate) const TO_TRIAGE: Word = Word::new("To triage", "Đến lúc phân loại");
pub(crate) const TO_CONTAIN: Word = Word::new("To contain", "Đến lúc ngăn chặn");
pub(crate) const TO_RECOVER: Word = Word::new("To recover", "Đến lúc khôi phục");
pub(crate) const TO_CLOSE: Word = Word::new("To close", "Đến lúc đóng");
pub(crate) const PROPOSAL: Word = Word::new("Proposal", "Đề xuất");

// actions and playbooks
pub(crate) const ACTION: Word = Word::new("Action", "Lệnh");
pub(crate) const TARGET: Word = Word::new("Target", "Đối tượng");
pub(crate) const DEVICE: Word = Word::new("Device", "Thiết bị");
pub(crate) const DOES: Word = Word::new("Does", "Làm được");
pub(crate) const ANSWER: Word = Word::new("Device says", "Thiết bị nói");
pub(crate) const ASKED_BY: Word = Word::new("Asked by", "Người đề nghị");
pub(crate) const APPROVED: Word = Word::new("Approved", "Người duyệt");
pub(crate) const WORKED: Word = Word::new("Worked", "Tác dụng");
pub(crate) const PLAN: Word = Word::new("Plan", "Kế hoạch");
pub(crate) const IMPACT: Word = Word::new("Who is hit", "Ai bị ảnh hưởng");
pub(crate) const JOURNAL: Word = Word::new("Journal", "Nhật ký");
pub(crate) const PLAYBOOK: Word = Word::new("Playbook", "Kịch bản");
pub(crate) const RUN: Word = Word::new("Run", "Lần chạy");
pub(crate) const STARTED_BY: Word = Word::new("Started by", "Người chạy");
pub(crate) const WAITS_FOR: Word = Word::new("Waits for", "Chờ");
pub(crate) const TASK: Word = Word::new("Task", "Việc cần làm");
pub(crate) const ANSWERS: Word = Word::new("Answers", "Câu trả lời");

// rules
pub(crate) const RULE: Word = Word::new("Rule", "Luật");
pub(crate) const RULES: Word = Word::new("Rules", "Luật");
pub(crate) const BLIND_RULE: Word = Word::new("Blind rule", "Luật mù");
pub(crate) const LOG_SOURCE: Word = Word::new("Log source", "Nguồn log");
pub(crate) const MATURITY: Word = Word::new("Status", "Độ chín");
pub(crate) const IN_FORCE: Word = Word::new("In force", "Có hiệu lực");
pub(crate) const OWN: Word = Word::new("Own", "Tự viết");
pub(crate) const NOISY: Word = Word::new("Noisy", "Ồn");
pub(crate) const MATCHES: Word = Word::new("Matches", "Số lần khớp");
pub(crate) const LAST_MATCH: Word = Word::new("Last match", "Khớp lần cuối");
pub(crate) const VERDICTS: Word = Word::new("Verdicts", "Kết luận");
pub(crate) const TECHNIQUE: Word = Word::new("Technique", "Kỹ thuật");
pub(crate) const CAN_FIRE: Word = Word::new("Can fire", "Có thể khớp");

// sources and sensors
pub(crate) const SOURCE: Word = Word::new("Source", "Nguồn");
pub(crate) const PRODUCT: Word = Word::new("Product", "Sản phẩm");
pub(crate) const SURE: Word = Word::new("Sure", "Tin cậy");
pub(crate) const RECEIVED: Word = Word::new("Received", "Đã nhận");
pub(crate) const KEPT: Word = Word::new("Kept", "Đã giữ");
pub(crate) const UNPARSED: Word = Word::new("Unparsed", "Chưa hiểu");
pub(crate) const REFUSED: Word = Word::new("Refused", "Từ chối");
pub(crate) const SENSOR: Word = Word::new("Sensor", "Cảm biến");
pub(crate) const COVERAGE: Word = Word::new("Coverage", "Độ phủ");
pub(crate) const PACKETS: Word = Word::new("Packets", "Gói tin");
pub(crate) const KERNEL_DROPS: Word = Word::new("Kernel drops", "Nhân HĐH bỏ");
pub(crate) const INTERFACE_DROPS: Word = Word::new("Interface drops", "Card mạng bỏ");
pub(crate) const OWN_DROPS: Word = Word::new("Own drops", "Cảm biến bỏ");
pub(crate) const NOT_RECORDED: Word = Word::new("Not recorded", "Không ghi được");
pub(crate) const FLOWS: Word = Word::new("Flows", "Luồng");

// people and programs that come in
pub(crate) const USER: Word = Word::new("User", "Tài khoản");
pub(crate) const ROLES: Word = Word::new("Roles", "Vai trò");
pub(crate) const DISABLED: Word = Word::new("Disabled", "Bị chặn");
pub(crate) const SECOND_FACTOR: Word = Word::new("2nd factor", "Xác thực hai lớp");
pub(crate) const LOGS_IN_AT: Word = Word::new("Logs in at", "Đăng nhập qua");
pub(crate) const LAST_LOGIN: Word = Word::new("Last login", "Đăng nhập cuối");
pub(crate) const LAST_USED: Word = Word::new("Last used", "Dùng lần cuối");
pub(crate) const SINCE: Word = Word::new("Since", "Từ lúc");
pub(crate) const PEER: Word = Word::new("From", "Địa chỉ");
pub(crate) const AGENT: Word = Word::new("With", "Trình duyệt");
pub(crate) const ENROLLED: Word = Word::new("Enrolled", "Đã ghép");
pub(crate) const EXPIRES: Word = Word::new("Expires", "Hết hạn");

// this host, and how many more
pub(crate) const CHECK: Word = Word::new("Check", "Kiểm tra");
pub(crate) const DETAIL: Word = Word::new("Detail", "Chi tiết");
pub(crate) const LAYOUT: Word = Word::new("Layout", "Cách triển khai");
pub(crate) const PART: Word = Word::new("Part", "Thành phần");
pub(crate) const NODES: Word = Word::new("Nodes", "Số máy");
pub(crate) const CORES_EACH: Word = Word::new("Cores each", "Nhân mỗi máy");
pub(crate) const DISK_EACH: Word = Word::new("Disk each", "Đĩa mỗi máy");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::output::LABEL;

    #[test]
    fn every_word_has_both_languages_and_fits_before_a_text() {
        let lines = include_str!("words.rs").lines().filter(|line| line.starts_with("pub(crate) const "));
        let words: Vec<Vec<&str>> = lines.map(|line| line.split('"').skip(1).step_by(2).collect()).collect();
        assert!(words.len() > 100, "{words:?}");
        for word in &words {
            assert_eq!(word.len(), 2, "{word:?}");
            for text in word {
                // an accent that stands apart from its letter would be counted as a column
                assert!(!text.chars().any(|c| ('\u{300}'..'\u{370}').contains(&c)), "{text}");
                assert!((1..=LABEL).contains(&text.chars().count()), "{text} is wider than what is before a text");
            }
        }
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "a word stands twice");
    }
}
